//! Random images and containers, and what happens to them from outside.

use super::{
    declare::{connect, declare},
    docker::{DockerAction, Fate},
    generate::{Generator, path},
    rng::Rng,
    world::Action,
};
use orch::model::{Build, ContainerSource, FilePath, Health, Image, Kind, Project, Resource, ResourceName};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// The files of each image.
const FILES: [&str; 5] = ["a", "b", "lib/x", "lib/y", "lib/deep/z"];

/// At most so many images.
const IMAGES: u64 = 4;

fn flag(rng: &mut Rng, percent: u64, word: &str) -> Option<String> {
    rng.percent(percent).then(|| word.to_owned())
}

impl Generator {
    /// The files that images are made of.
    pub(crate) fn image_sources(&mut self) -> Vec<(FilePath, String)> {
        let files = (0..IMAGES).flat_map(|image| FILES.iter().map(move |file| path(&format!("img/{image}/{file}"))));
        let files: Vec<FilePath> = files.collect();
        files.into_iter().map(|file| (file, self.content())).collect()
    }

    fn image_file(&mut self) -> FilePath {
        let image = self.rng.below(IMAGES);
        path(&format!("img/{image}/{}", self.rng.pick(&FILES)))
    }

    /// Images, containers of them, and local resources around: some write what images are made of, some wait for containers.
    pub(crate) fn fleet(&mut self) -> Project {
        let mut project = self.empty();
        for place in 0..self.rng.below(4) {
            let resource = self.resource(&format!("r{place}"), &project.resources);
            project.resources.push(Arc::new(resource));
        }
        for place in 0..self.rng.between(1, IMAGES) {
            let line = self.image_line(place, &project.resources);
            declare(&mut project, [line.as_str()]);
        }
        for place in 0..self.rng.between(1, 4) {
            let line = self.container_line(place, &project);
            declare(&mut project, [line.as_str()]);
        }
        for place in 4..4 + self.rng.below(3) {
            let resource = self.resource(&format!("r{place}"), &project.resources);
            project.resources.push(Arc::new(resource));
        }
        keep_needed(&mut project);
        project
    }

    fn image_line(&mut self, place: u64, locals: &[Arc<Resource>]) -> String {
        let mut inputs = vec![format!("img/{place}")];
        if self.rng.percent(20) {
            inputs.push(format!("src/s{}", self.rng.below(6)));
        }
        for output in locals.iter().flat_map(|resource| resource.kind.outputs()) {
            if self.rng.percent(25) {
                inputs.push(output.display_from(&path(".")));
            }
        }
        let mut line = vec![format!("image i{place} in={}", inputs.join(","))];
        if place > 0 && self.rng.percent(40) {
            line.push(format!("from=i{}", self.rng.below(place)));
        }
        let duration = if self.rng.percent(15) { self.rng.between(500, 4000) } else { self.rng.between(5, 300) };
        line.push(format!("dur={duration}"));
        line.extend(flag(&mut self.rng, 20, "custom"));
        line.extend(flag(&mut self.rng, 15, "coarse"));
        if self.taste.faults {
            line.extend(flag(&mut self.rng, 25, "fails-on=bad"));
            line.extend(flag(&mut self.rng, 3, "exit=2"));
        }
        if self.rng.percent(60) {
            line.extend(self.steps(place, &inputs));
        }
        line.join(" ")
    }

    fn steps(&mut self, place: u64, inputs: &[String]) -> Vec<String> {
        let own = format!("img/{place}");
        let mut line = vec![match self.rng.below(4) {
            0 => format!("sync={own}:/app{place}"),
            1 => format!("sync={own}/lib:/app{place}/lib sync={own}/b:/etc{place}/"),
            2 => format!("sync={own}/lib/x:/x{place} sync={own}:/app{place}"),
            _ => format!("sync={own}/lib:/lib{place}"),
        }];
        if let Some(more) = inputs.get(1)
            && self.rng.percent(40)
        {
            line.push(format!("sync={more}:/more{place}"));
        }
        let rng = &mut self.rng;
        line.extend(flag(rng, 30, &format!("fall-back={own}/a")));
        line.extend(flag(rng, 10, &format!("fall-back={own}/lib/deep")));
        line.extend(flag(rng, 30, &format!("run=dur={}", rng.clone().between(1, 200))));
        line.extend(flag(rng, 20, &format!("run=dur=20@{own}/lib")));
        if self.taste.faults {
            line.extend(flag(rng, 15, "run=dur=10+fails-on=bad+exit=0"));
            line.extend(flag(rng, 4, "run=exit=3+only-in=0"));
        }
        line.extend(flag(rng, 15, "restart"));
        line.extend(flag(rng, 8, &format!("restart-on={own}/b")));
        line.extend(flag(rng, 8, "initial-sync"));
        line
    }

    fn container_line(&mut self, place: u64, project: &Project) -> String {
        let image = match self.rng.below(6) {
            1.. if !project.images.is_empty() => format!("image={}", self.rng.pick(&project.images).key),
            _ => "pull=redis".to_owned(),
        };
        let mut line = vec![format!("container c{place} {image}")];
        for dependency in self.dependencies(&project.resources) {
            let condition = format!("{:?}", dependency.condition).to_lowercase();
            line.push(format!("after={}:{condition}", dependency.on));
        }
        let rng = &mut self.rng;
        let compose = rng.percent(40);
        line.extend(flag(rng, if compose { 100 } else { 0 }, "compose=shop"));
        line.extend(flag(rng, if compose { 30 } else { 0 }, "count=2"));
        line.extend(flag(rng, 25, &format!("health ok={}", rng.clone().below(3000))));
        line.extend(flag(rng, 4, "health sick=4000-9000"));
        line.extend(flag(rng, 5, "manual"));
        line.extend(flag(rng, 5, "no-init"));
        line.extend(flag(rng, 4, "disabled"));
        line.extend(flag(rng, 5, "deaf"));
        line.extend(flag(rng, 10, "engine-restarts"));
        line.extend(match rng.below(6) {
            0 => Some("restart=always".to_owned()),
            1 => Some("restart=on-failure".to_owned()),
            2 => Some("restart=never".to_owned()),
            _ => None,
        });
        line.extend(flag(rng, if compose { 0 } else { 20 }, "volume=data"));
        if self.taste.faults {
            let dies = format!("dies={} exit={}", rng.clone().between(1, 5000), rng.clone().pick(&[0, 1, 137]));
            line.extend(flag(rng, 12, &dies));
            line.extend(flag(rng, 2, "missing"));
            line.extend(flag(rng, 3, "nocopy"));
        }
        line.join(" ")
    }

    /// The project after an edit of its Orchfile that concerns images or containers.
    pub(crate) fn refitted(&mut self, project: &Project) -> Project {
        let mut next = project.clone();
        self.version += 1;
        let edit = format!("edit={}", self.version);
        match self.rng.below(8) {
            0 | 1 if !next.images.is_empty() => {
                let place = usize::try_from(self.rng.below(next.images.len() as u64)).expect("an index");
                redefine(Arc::make_mut(&mut next.images[place]), edit);
            }
            2 if !next.images.is_empty() => {
                let place = usize::try_from(self.rng.below(next.images.len() as u64)).expect("an index");
                let image = Arc::make_mut(&mut next.images[place]);
                match &mut image.live_update {
                    Some(live) if self.rng.percent(60) => _ = live.fall_back_on.pop(),
                    steps => *steps = None,
                }
            }
            3 | 4 => self.redefine_container(&mut next, &edit),
            5 => {
                let line = self.container_line(5 + self.version, &next);
                declare(&mut next, [line.as_str()]);
            }
            _ => next = self.edited(project),
        }
        reconnect(&mut next);
        keep_needed(&mut next);
        next
    }

    fn redefine_container(&mut self, project: &mut Project, edit: &str) {
        let containers: Vec<usize> =
            (0..project.resources.len()).filter(|at| project.resources[*at].kind.container().is_some()).collect();
        if containers.is_empty() {
            return;
        }
        let place = *self.rng.pick(&containers);
        let Kind::Container(container) = &mut Arc::make_mut(&mut project.resources[place]).kind else { return };
        match &mut container.source {
            ContainerSource::Compose { definition, .. } => {
                definition.push(' ');
                definition.push_str(edit);
            }
            ContainerSource::Plain(spec) => spec.command.get_or_insert_default().push(edit.to_owned()),
        }
    }

    /// What may happen to images and containers, with the wait before each.
    pub(crate) fn dock_actions(&mut self, project: &Project, shelf_len: usize) -> Vec<(Duration, Action)> {
        if self.rng.percent(40) {
            return self.actions(project, shelf_len);
        }
        let wait = Duration::from_millis(self.wait());
        if self.rng.percent(60) {
            return self.image_saves(wait);
        }
        let containers = project.resources.iter().filter(|one| one.kind.container().is_some());
        let names: Vec<ResourceName> = containers.map(|one| one.name.clone()).collect();
        if names.is_empty() {
            return Vec::new();
        }
        let name = self.rng.pick(&names).clone();
        self.meddling(wait, name)
    }

    fn image_saves(&mut self, wait: Duration) -> Vec<(Duration, Action)> {
        let file = self.image_file();
        let mut actions = match self.rng.below(12) {
            0 => vec![(wait, Action::Touch(file))],
            1 => vec![(wait, Action::Remove(file))],
            2 => {
                let (back, content) = (self.content(), self.content());
                let gap = Duration::from_millis(*self.rng.pick(&[5, 40, 400]));
                vec![
                    (wait, Action::Save(file.clone(), back.clone())),
                    (gap, Action::Save(file.clone(), content)),
                    (gap, Action::Save(file, back)),
                ]
            }
            _ => vec![(wait, Action::Save(file, self.content()))],
        };
        if self.rng.percent(25) {
            for _ in 0..self.rng.between(1, 5) {
                let (file, content) = (self.image_file(), self.content());
                actions.push((Duration::from_millis(self.rng.below(60)), Action::Save(file, content)));
            }
        }
        actions
    }

    fn meddling(&mut self, wait: Duration, name: ResourceName) -> Vec<(Duration, Action)> {
        let gap = Duration::from_millis(self.rng.below(3000));
        let one = |action| vec![(wait, Action::Docker(action))];
        let two = |first, second| vec![(wait, Action::Docker(first)), (gap, Action::Docker(second))];
        match self.rng.below(16) {
            0..=2 => vec![(wait, Action::Kill(name, *self.rng.pick(&[0, 1, 137])))],
            3 => one(DockerAction::Stop(name)),
            4..=6 => one(DockerAction::Remove(name)),
            7 => two(DockerAction::Pause(name.clone()), DockerAction::Unpause(name)),
            8 => one(DockerAction::Replace(name)),
            9 => one(DockerAction::Restart(name)),
            10 => {
                two(DockerAction::Health(name.clone(), Health::Unhealthy), DockerAction::Health(name, Health::Healthy))
            }
            11 => one(DockerAction::PruneImages),
            12 => vec![(wait, Action::Reboot)],
            13 => two(DockerAction::Stop(name.clone()), DockerAction::Start(name)),
            _ => {
                let fates = [Fate::LiveOn, Fate::LiveOn, Fate::Stopped, Fate::Stopped, Fate::Wiped];
                two(DockerAction::Down(*self.rng.pick(&fates)), DockerAction::Up)
            }
        }
    }
}

fn redefine(image: &mut Image, edit: String) {
    match &mut image.build {
        Build::Docker(docker) => {
            docker.dockerfile.push(' ');
            docker.dockerfile.push_str(&edit);
        }
        Build::Custom(custom) => custom.command.argv.push(edit),
        Build::Compose(_) => {}
    }
}

/// Makes containers fit their images again.
fn reconnect(project: &mut Project) {
    for resource in &mut project.resources {
        let Kind::Container(container) = &mut Arc::make_mut(resource).kind else { continue };
        let own = container.live_updates.iter().find(|live| live.image.is_none()).cloned();
        connect(container, own, &project.images);
    }
}

/// A project holds only images that some resource needs.
fn keep_needed(project: &mut Project) {
    let mut needed = BTreeSet::new();
    for resource in &project.resources {
        if let Some(orch::model::ContainerImage::Built(of)) = resource.kind.container().map(|one| &one.image) {
            needed.insert(of.clone());
        }
    }
    for image in project.images.iter().rev() {
        if needed.contains(&image.key) {
            needed.extend(image.bases.iter().cloned());
        }
    }
    project.images.retain(|image| needed.contains(&image.key));
}
