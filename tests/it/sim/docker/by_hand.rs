//! The simulated Docker Engine alone, told by hand what to do.

use super::{DockerAction, Fate};
use crate::sim::{
    check::Stale,
    declare::declare,
    generate::{Generator, Shelf, Taste, name, path},
    pace::Pace,
    rng::Rng,
    world::{Action, Due, World},
};
use orch::{
    engine::{BuildOrder, DockerEffect, DockerEvent, Effect, Event, Made, RaiseOrder, RunEnd, UpdateOrder},
    model::{Built, Container, ContainerId, ContainerPhase, Digest, Exit, Health, Project, RequestId, RunId, Time},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const GRACE: Duration = Duration::from_secs(10);

/// A world in which nobody decides anything.
struct Harbour {
    world: World,
    project: Project,
    told: Vec<Event>,
    run: u64,
}

impl Harbour {
    fn new(lines: &[&str]) -> Self {
        let mut project = Generator::new(Rng::new(1), Taste { faults: false }).empty();
        declare(&mut project, lines.iter().copied());
        let mut world = World::new(Pace::Even, Box::new(Shelf(Vec::new())));
        world.write(&path("src/a"), "one");
        world.write(&path("src/b"), "one");
        Self { world, project, told: Vec::new(), run: 0 }
    }

    fn perform(&mut self, effect: DockerEffect) {
        self.world.perform(Effect::Docker(effect));
        assert!(self.world.objections.is_empty(), "{:?}", self.world.objections);
    }

    fn next_run(&mut self) -> RunId {
        self.run += 1;
        RunId(self.run)
    }

    /// Lets that much time go by.
    fn go(&mut self, millis: u64) {
        let end = self.world.now + Duration::from_millis(millis);
        while self.world.next_due().is_some_and(|at| at <= end) {
            match self.world.take_due() {
                Some(Due::Tell(event)) => {
                    self.world.on_tell(&event);
                    self.told.push(event);
                }
                Some(Due::Go(step)) => self.world.go(step),
                Some(Due::User(Action::Docker(action))) => self.world.docker_action(&action),
                Some(Due::User(_)) | None => {}
            }
        }
        self.world.now = end;
    }

    fn look(&mut self) {
        self.perform(DockerEffect::Look { request: RequestId(1), images: Vec::new() });
        self.go(10);
    }

    fn container(&self) -> Arc<Container> {
        Arc::new(self.project.resources[0].kind.container().expect("a container").clone())
    }

    fn build(&mut self) -> RunId {
        let run = self.next_run();
        let image = Arc::clone(&self.project.images[0]);
        let order =
            BuildOrder { image, bases: BTreeMap::new(), environment: BTreeMap::new(), compose: None, grace: GRACE };
        self.perform(DockerEffect::Build { run, resource: name("web"), order: Arc::new(order) });
        run
    }

    fn raise(&mut self, image: Option<Built>, fingerprint: &str) -> RunId {
        let run = self.next_run();
        let order = RaiseOrder {
            container: self.container(),
            compose: None,
            image,
            fingerprint: Digest::of(fingerprint.as_bytes()),
            replace: false,
            environment: BTreeMap::new(),
        };
        self.perform(DockerEffect::Raise { run, resource: name("web"), order: Arc::new(order), grace: GRACE });
        run
    }

    fn update(&mut self, ids: Vec<ContainerId>) -> RunId {
        let run = self.next_run();
        let copies = ["a", "b"].map(|file| (path(&format!("src/{file}")), format!("/app/{file}"))).to_vec();
        let (removals, folders, runs) = Default::default();
        let order = UpdateOrder { containers: ids, copies, removals, folders, runs, restart: false };
        self.perform(DockerEffect::Update { run, resource: name("web"), order: Arc::new(order), grace: GRACE });
        run
    }

    fn end_of(&self, run: RunId) -> Option<&RunEnd> {
        self.told.iter().find_map(|event| match event {
            Event::RunEnded { run: ended, end } if *ended == run => Some(end),
            _ => None,
        })
    }

    fn built(&mut self) -> Built {
        let run = self.build();
        self.go(1000);
        match self.end_of(run).map(|end| end.made.clone()) {
            Some(Made::Image(built)) => built,
            other => panic!("no image: {other:?}"),
        }
    }

    fn stale(&self) -> Vec<Stale> {
        crate::sim::check::stale_of(&self.world, &self.project, &self.project.resources[0]).into_iter().collect()
    }

    fn ids(&self) -> Vec<ContainerId> {
        self.world.docker.ids_of(&name("web"))
    }

    fn phase(&self) -> ContainerPhase {
        self.world.docker.containers[&self.ids()[0]].phase.clone()
    }
}

const LIVE: &str = "image app in=src dur=300 sync=src:/app";

#[test]
fn an_image_is_what_its_build_read() {
    let mut harbour = Harbour::new(&["image app in=src dur=300", "container web image=app"]);
    let first = harbour.built();
    assert_eq!(harbour.built(), first, "the same files make the same image");
    harbour.build();
    harbour.go(290);
    harbour.world.write(&path("src/a"), "late");
    harbour.go(100);
    assert_eq!(harbour.world.docker.images.len(), 1, "a build has read its files before its end");
    assert_ne!(harbour.built(), first);
}

#[test]
fn a_container_holds_its_image_and_what_was_copied() {
    let mut harbour = Harbour::new(&[LIVE, "container web image=app"]);
    harbour.look();
    let built = harbour.built();
    let run = harbour.raise(Some(built), "1");
    harbour.go(100);
    assert_eq!(harbour.end_of(run).map(|end| &end.exit), Some(&Exit::Code(0)));
    assert_eq!((harbour.phase(), harbour.stale()), (ContainerPhase::Running, Vec::new()));
    harbour.world.write(&path("src/a"), "two");
    harbour.world.write(&path("src/b"), "two");
    assert_eq!(harbour.stale().len(), 2);
    let ids = harbour.ids();
    harbour.update(ids);
    harbour.go(6);
    assert_eq!(harbour.stale().len(), 1, "an update copies one half after the other");
    harbour.go(100);
    assert_eq!(harbour.stale(), Vec::new());
}

#[test]
fn raising_keeps_what_has_the_label_and_replaces_the_rest() {
    let mut harbour = Harbour::new(&["container web pull=x"]);
    harbour.look();
    harbour.raise(None, "1");
    harbour.go(100);
    let before = harbour.ids();
    harbour.world.docker_action(&DockerAction::Stop(name("web")));
    harbour.go(100);
    assert_eq!(harbour.phase(), ContainerPhase::Exited { code: 143, out_of_memory: false });
    harbour.raise(None, "1");
    harbour.go(100);
    assert_eq!((harbour.ids(), harbour.phase()), (before.clone(), ContainerPhase::Running));
    harbour.raise(None, "2");
    harbour.go(100);
    assert_ne!(harbour.ids(), before);
}

#[test]
fn what_changes_is_told_until_the_connection_is_lost() {
    let mut harbour = Harbour::new(&["container web pull=x health ok=500"]);
    harbour.look();
    harbour.raise(None, "1");
    harbour.go(1000);
    let healthy = |event: &Event| match event {
        Event::Docker(DockerEvent::ContainersChanged { containers, .. }) => {
            containers.iter().any(|one| one.health == Some(Health::Healthy))
        }
        _ => false,
    };
    assert!(harbour.told.iter().any(healthy));
    harbour.world.docker_action(&DockerAction::Down(Fate::Stopped));
    let told = harbour.told.len();
    let run = harbour.raise(None, "2");
    harbour.go(100);
    assert!(matches!(harbour.told[told], Event::Docker(DockerEvent::Lost { .. })), "{:?}", harbour.told[told]);
    assert!(matches!(harbour.end_of(run).map(|end| &end.exit), Some(Exit::NotStarted(_))));
    harbour.world.docker_action(&DockerAction::Up);
    harbour.go(100);
    assert!(matches!(harbour.told.last(), Some(Event::Docker(DockerEvent::Back))));
    harbour.look();
    let Some(Event::Docker(DockerEvent::Seen { seen, .. })) = harbour.told.last() else { panic!("not seen") };
    let phase = &seen.containers[&name("web")][0].phase;
    assert_eq!(*phase, ContainerPhase::Exited { code: 143, out_of_memory: false });
}

#[test]
fn an_update_that_orch_does_not_survive_is_half_done() {
    let mut harbour = Harbour::new(&[LIVE, "container web image=app"]);
    let built = harbour.built();
    harbour.raise(Some(built), "1");
    harbour.go(100);
    harbour.world.write(&path("src/a"), "two");
    harbour.world.write(&path("src/b"), "two");
    let ids = harbour.ids();
    let run = harbour.update(ids);
    harbour.go(6);
    harbour.world.kill_session();
    harbour.go(1000);
    assert_eq!((harbour.end_of(run), harbour.stale().len()), (None, 1));
    assert_eq!(harbour.phase(), ContainerPhase::Running);
    assert!(harbour.world.now > Time::ZERO);
}
