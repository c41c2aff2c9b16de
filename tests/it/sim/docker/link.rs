//! orch's connection to the engine: what goes on over it, what is told, and its loss.

use super::{
    Docker, DockerStep, Fate,
    facts::{DockerRun, Sort},
};
use crate::sim::{
    pace::Wait,
    script::Script,
    world::{Due, World},
};
use orch::{
    engine::{BuildOrder, DockerEvent, DockerSeen, Event, RaiseOrder, RunEnd, UpdateOrder},
    model::{
        ContainerId, ContainerPhase, Exit, Failure, FilePath, ImageId, InstanceId, RequestId, ResourceName, RunId,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// The connection of one session.
#[expect(clippy::struct_excessive_bools, reason = "what is told, what is broken: each is a fact of its own")]
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Something was asked of Docker in this session.
    pub(super) used: bool,
    /// Nothing comes through until `Back` is told.
    broken: bool,
    /// That it is broken is not told yet.
    lost_due: bool,
    told_lost: bool,
    looks: BTreeSet<RequestId>,
    /// Changes are told: somebody looked.
    follows: bool,
    pub(super) runs: BTreeMap<RunId, Job>,
    logs: BTreeMap<InstanceId, Vec<ContainerId>>,
    /// Whose containers changed since the last report.
    stale: BTreeSet<ResourceName>,
}

/// A run that goes on.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) resource: ResourceName,
    pub(super) work: Work,
}

/// What it does.
#[derive(Debug)]
pub(super) enum Work {
    Build { order: Arc<BuildOrder>, script: Box<Script>, read: BTreeMap<FilePath, String> },
    Raise { order: Arc<RaiseOrder>, grace: Duration },
    Update { order: Arc<UpdateOrder>, grace: Duration },
    Remove { grace: Duration },
    Clean { volumes: bool },
}

fn gone() -> Failure {
    Failure { message: "the Docker Engine does not answer".to_owned(), help: Some("start it".to_owned()) }
}

impl Docker {
    /// Whether no run of orch's goes on.
    pub(crate) fn is_idle(&self) -> bool {
        self.link.runs.is_empty()
    }

    /// orch is killed: its end of the connection is gone.
    pub(crate) fn forget_session(&mut self) {
        self.link = Link { broken: self.down, ..Link::default() };
    }
}

impl World {
    /// A run begins. False where there is no engine to do it, so that it ends soon.
    pub(super) fn docker_begins(
        &mut self,
        run: RunId,
        resource: &ResourceName,
        sort: Sort,
        at_start: BTreeMap<FilePath, String>,
    ) -> bool {
        if self.facts.docker.runs.contains_key(&run) || self.facts.runs.contains_key(&run) {
            self.object(format!("run {run} is started twice"));
            return false;
        }
        let facts = DockerRun::new(self.facts.session, resource, sort, self.now, at_start, self.facts.loads);
        self.facts.docker.begin(run, facts);
        if self.docker.link.broken {
            let job = Job { resource: resource.clone(), work: Work::Remove { grace: Duration::ZERO } };
            self.docker.link.runs.insert(run, job);
            let link = &mut self.docker.link;
            if link.told_lost {
                let wait = self.pace.wait(Wait::Reap);
                self.docker_later(wait, DockerStep::Cut(run));
            } else if !std::mem::replace(&mut link.lost_due, true) {
                self.docker_later(Duration::ZERO, DockerStep::TellLost);
            }
        }
        !self.docker.link.broken
    }

    /// What a run does, if it still can.
    pub(super) fn work(&mut self, run: RunId) -> Option<&mut Work> {
        let link = &mut self.docker.link;
        if link.broken { None } else { link.runs.get_mut(&run).map(|job| &mut job.work) }
    }

    pub(super) fn resource_of(&self, run: RunId) -> ResourceName {
        self.docker.link.runs[&run].resource.clone()
    }

    pub(super) fn docker_over(&mut self, run: RunId, exit: Exit) {
        self.docker_over_with(run, RunEnd::of(exit));
    }

    /// A run is over: what it changed is told before its end.
    pub(super) fn docker_over_with(&mut self, run: RunId, end: RunEnd) {
        let Some(job) = self.docker.link.runs.remove(&run) else { return };
        if let Some(facts) = self.facts.docker.runs.get_mut(&run) {
            facts.over_at = Some(self.now);
        }
        if !matches!(job.work, Work::Build { .. } | Work::Clean { .. }) && !self.docker.link.broken {
            self.tell_containers(&job.resource);
        }
        let wait = self.pace.wait(Wait::Reap);
        self.later(wait, Due::Tell(Event::RunEnded { run, end }));
    }

    pub(crate) fn cancel_docker_run(&mut self, run: RunId) {
        if self.docker.link.runs.contains_key(&run) {
            let wait = self.pace.wait(Wait::Reap);
            self.docker_later(wait, DockerStep::Cancelled(run));
        }
    }

    /// Something about the containers of a resource changed.
    pub(super) fn saw_containers(&mut self, name: &ResourceName) {
        if self.docker.down || !self.docker.link.follows {
            return;
        }
        if self.docker.link.stale.is_empty() {
            let wait = self.pace.wait(Wait::DockerEvent);
            self.docker_later(wait, DockerStep::Report);
        }
        self.docker.link.stale.insert(name.clone());
    }

    pub(super) fn report_containers(&mut self) {
        for name in std::mem::take(&mut self.docker.link.stale) {
            if !self.docker.link.broken {
                self.tell_containers(&name);
            }
        }
    }

    fn tell_containers(&mut self, resource: &ResourceName) {
        let containers = self.docker.states_of(resource);
        let resource = resource.clone();
        self.later(Duration::ZERO, Due::Tell(Event::Docker(DockerEvent::ContainersChanged { resource, containers })));
    }

    pub(super) fn look_at_docker(&mut self, request: RequestId, images: Vec<ImageId>) {
        let wait = self.pace.wait(Wait::Docker);
        self.docker.link.looks.insert(request);
        self.docker_later(wait, DockerStep::Look(request, images));
    }

    pub(super) fn look(&mut self, request: RequestId, images: &[ImageId]) {
        if !self.docker.link.looks.remove(&request) {
            return;
        }
        if self.docker.link.broken {
            return self.tell_lost();
        }
        self.docker.link.follows = true;
        let mut containers = BTreeMap::new();
        for one in self.docker.containers.values() {
            let states = || self.docker.states_of(&one.resource);
            containers.entry(one.resource.clone()).or_insert_with(states);
        }
        let images = images.iter().filter(|id| self.docker.images.contains_key(*id)).cloned().collect();
        let seen = DockerSeen { containers, images };
        self.later(Duration::ZERO, Due::Tell(Event::Docker(DockerEvent::Seen { request, seen })));
    }

    pub(super) fn docker_down(&mut self, fate: Fate) {
        if self.docker.down {
            return;
        }
        let ids: Vec<ContainerId> = self.docker.containers.keys().cloned().collect();
        for id in ids {
            match fate {
                Fate::LiveOn => {}
                Fate::Stopped => self.container_over(&id, 143),
                Fate::Wiped => self.remove_container(&id),
            }
        }
        if fate == Fate::Wiped {
            let gone = std::mem::take(&mut self.docker.images);
            self.facts.docker.pruned.extend(gone.into_keys().map(|id| (self.now, id)));
            self.docker.networks.clear();
            self.docker.volumes.clear();
        }
        self.facts.docker.downs.push(self.now);
        self.docker.down = true;
        let link = &mut self.docker.link;
        link.broken = true;
        link.lost_due = true;
        let wait = self.pace.wait(Wait::Docker);
        self.docker_later(wait, DockerStep::TellLost);
    }

    pub(super) fn docker_up(&mut self) {
        if self.docker.down {
            self.docker.down = false;
            let wait = self.pace.wait(Wait::Docker);
            self.docker_later(wait, DockerStep::TellBack);
        }
    }

    pub(super) fn tell_lost(&mut self) {
        let link = &mut self.docker.link;
        link.lost_due = false;
        if !link.used || !link.broken {
            return;
        }
        link.told_lost = true;
        link.looks.clear();
        let runs: Vec<RunId> = link.runs.keys().copied().collect();
        self.later(Duration::ZERO, Due::Tell(Event::Docker(DockerEvent::Lost { failure: gone() })));
        for run in runs {
            let wait = self.pace.wait(Wait::Reap);
            self.docker_later(wait, DockerStep::Cut(run));
        }
    }

    /// A run ends since there is no engine, after that was told.
    pub(super) fn cut(&mut self, run: RunId) {
        if let Some(facts) = self.facts.docker.runs.get_mut(&run) {
            facts.cut = true;
        }
        self.docker_over(run, Exit::NotStarted(gone()));
    }

    pub(super) fn tell_back(&mut self) {
        let link = &mut self.docker.link;
        if link.lost_due || !link.runs.is_empty() {
            return self.docker_later(Duration::from_millis(5), DockerStep::TellBack);
        }
        if self.docker.down {
            return;
        }
        link.broken = false;
        link.follows = false;
        link.stale.clear();
        if std::mem::take(&mut link.told_lost) {
            self.later(Duration::ZERO, Due::Tell(Event::Docker(DockerEvent::Back)));
        }
        self.logs_may_end();
    }

    pub(super) fn follow(&mut self, instance: InstanceId, resource: ResourceName, containers: Vec<ContainerId>) {
        if self.docker.link.logs.contains_key(&instance) {
            return self.object(format!("instance {instance} is followed twice"));
        }
        self.facts.docker.instances.insert(instance, resource);
        self.docker.link.logs.insert(instance, containers);
        self.logs_may_end();
    }

    pub(super) fn stop_following(&mut self, instance: InstanceId) {
        if !self.facts.docker.instances.contains_key(&instance) {
            self.object(format!("instance {instance} is followed no longer that never was"));
        }
        let wait = self.pace.wait(Wait::Reap);
        self.docker_later(wait, DockerStep::Followed(instance));
    }

    /// Logs end with the containers that wrote them.
    pub(super) fn logs_may_end(&mut self) {
        if self.docker.link.broken {
            return;
        }
        let writes = |id: &ContainerId| {
            let one = self.docker.containers.get(id);
            one.is_some_and(|one| one.is_alive() || one.phase == ContainerPhase::Restarting)
        };
        let logs = self.docker.link.logs.iter();
        let over: Vec<InstanceId> =
            logs.filter(|(_, ids)| !ids.iter().any(writes)).map(|(instance, _)| *instance).collect();
        for instance in over {
            let wait = self.pace.wait(Wait::Reap);
            self.docker_later(wait, DockerStep::Followed(instance));
        }
    }

    pub(super) fn followed(&mut self, instance: InstanceId) {
        if self.docker.link.logs.remove(&instance).is_some() {
            self.later(Duration::ZERO, Due::Tell(Event::Docker(DockerEvent::FollowEnded { instance })));
        }
    }
}
