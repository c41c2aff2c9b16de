//! The simulated Docker Engine and orch's connection to it. It obeys and reports, never decides.
//!
//! What a container or a build does is said by the words of its command or Dockerfile (see `script`): `dies=300 exit=1`,
//! `ok=2000` (when its health check passes), `count=2` (how many containers a service has), `nocopy`. An image is a pure
//! function of its definition, its bases and the files as its build read them, each at a moment of its own.

pub(crate) mod build;
mod by_hand;
mod containers;
pub(crate) mod facts;
mod link;
mod raise;
pub(crate) mod state;
pub(crate) mod trace;
mod update;

use super::world::{Due, Step, World};
use link::Link;
use orch::{
    engine::DockerEffect,
    model::{ContainerId, Exit, Failure, Health, ImageId, InstanceId, RequestId, ResourceName, RunId},
};
use state::{SimContainer, SimImage};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The engine, and what is on it.
#[derive(Debug, Default)]
pub(crate) struct Docker {
    /// It does not answer.
    pub(crate) down: bool,
    pub(crate) images: BTreeMap<ImageId, SimImage>,
    pub(crate) containers: BTreeMap<ContainerId, SimContainer>,
    /// Those of the project.
    pub(crate) networks: BTreeSet<String>,
    pub(crate) volumes: BTreeSet<String>,
    /// Now and then a copy or a start fails without reason.
    pub(crate) flaky: bool,
    made: u64,
    link: Link,
}

/// What becomes of containers when the engine goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They live on: only the connection is cut.
    LiveOn,
    /// They are stopped.
    Stopped,
    /// They are gone, and the images too.
    Wiped,
}

/// What somebody else does with Docker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DockerAction {
    Stop(ResourceName),
    Start(ResourceName),
    Restart(ResourceName),
    Remove(ResourceName),
    Pause(ResourceName),
    Unpause(ResourceName),
    /// Makes another container in the place of orch's.
    Replace(ResourceName),
    /// Its health check fails from now on, or passes again.
    Health(ResourceName, Health),
    /// Removes images that no container uses.
    PruneImages,
    Down(Fate),
    Up,
}

/// A step of the engine or of the connection to it.
#[derive(Debug, Clone)]
pub(crate) enum DockerStep {
    Look(RequestId, Vec<ImageId>),
    Report,
    TellLost,
    TellBack,
    /// A run ends since the engine is gone.
    Cut(RunId),
    Cancelled(RunId),
    Followed(InstanceId),
    BuildReads(RunId, u8),
    BuildEnds(RunId),
    Replaces(RunId),
    Makes(RunId),
    Starts(RunId),
    Raised(RunId),
    Copies(RunId, u8),
    Runs(RunId, usize),
    StartsAgain(RunId),
    Removes(RunId),
    Removed(RunId),
    Cleans(RunId),
    /// By itself, in its so-manieth life.
    Dies(ContainerId, u32, i32),
    /// Its health turns.
    Turns(ContainerId, u32, Health),
    /// It was asked to end.
    Ends(ContainerId, u32),
    /// The engine starts it again by itself.
    Revives(ContainerId, u32),
}

impl DockerStep {
    /// Whether it happens on the engine, with or without orch.
    pub(crate) fn outlives_orch(&self) -> bool {
        matches!(self, Self::Dies(..) | Self::Turns(..) | Self::Ends(..) | Self::Revives(..))
    }
}

fn not_started(message: &str) -> Exit {
    Exit::NotStarted(Failure { message: message.to_owned(), help: None })
}

impl World {
    pub(super) fn docker_later(&mut self, wait: Duration, step: DockerStep) {
        self.later(wait, Due::Go(Step::Docker(step)));
    }

    /// Does what the engine asks for.
    pub(super) fn docker(&mut self, effect: DockerEffect) {
        self.docker.link.used = true;
        match effect {
            DockerEffect::Look { request, images } => self.look_at_docker(request, images),
            DockerEffect::Build { run, resource, order } => self.build(run, resource, order),
            DockerEffect::Raise { run, resource, order, grace } => self.raise(run, resource, order, grace),
            DockerEffect::Update { run, resource, order, grace } => self.update(run, resource, order, grace),
            DockerEffect::Remove { run, resource, grace } => self.remove_containers(run, resource, grace),
            DockerEffect::Follow { instance, resource, containers } => self.follow(instance, resource, containers),
            DockerEffect::StopFollowing { instance } => self.stop_following(instance),
            DockerEffect::Stop { resource, containers, grace } => self.stop_containers(&resource, &containers, grace),
            DockerEffect::Clean { run, volumes, .. } => self.clean(run, volumes),
            DockerEffect::Prune { keep, .. } => self.prune(&keep),
            DockerEffect::RememberImage { image, record } => drop(self.facts.docker.images.insert(image, record)),
            DockerEffect::RememberOverlay { resource, overlay } => {
                drop(self.facts.docker.overlays.insert(resource, overlay));
            }
        }
    }

    pub(super) fn docker_step(&mut self, step: DockerStep) {
        match step {
            DockerStep::Look(request, images) => self.look(request, &images),
            DockerStep::Report => self.report_containers(),
            DockerStep::TellLost => self.tell_lost(),
            DockerStep::TellBack => self.tell_back(),
            DockerStep::Cut(run) => self.cut(run),
            DockerStep::Cancelled(run) => self.docker_over(run, Exit::Stopped),
            DockerStep::Followed(instance) => self.followed(instance),
            DockerStep::BuildReads(run, part) => self.build_reads(run, part),
            DockerStep::BuildEnds(run) => self.build_ends(run),
            DockerStep::Replaces(run) => self.replaces(run),
            DockerStep::Makes(run) => self.makes(run),
            DockerStep::Starts(run) => self.starts(run),
            DockerStep::Raised(run) => self.raised(run),
            DockerStep::Copies(run, part) => self.copies(run, part),
            DockerStep::Runs(run, place) => self.runs_in_containers(run, place),
            DockerStep::StartsAgain(run) => self.starts_again(run),
            DockerStep::Removes(run) => self.removes(run),
            DockerStep::Removed(run) => self.removed(run),
            DockerStep::Cleans(run) => self.cleans(run),
            DockerStep::Dies(id, life, code) => self.container_dies(&id, life, code),
            DockerStep::Turns(id, life, health) => self.container_turns(&id, life, health),
            DockerStep::Ends(id, life) => self.container_ends(&id, life),
            DockerStep::Revives(id, life) => self.container_revives(&id, life),
        }
    }

    /// Somebody else does something.
    pub(crate) fn docker_action(&mut self, action: &DockerAction) {
        match action {
            DockerAction::Down(fate) => return self.docker_down(*fate),
            DockerAction::Up => return self.docker_up(),
            _ if self.docker.down => return,
            DockerAction::PruneImages => return self.prune(&[]),
            _ => {}
        }
        let (DockerAction::Stop(name)
        | DockerAction::Start(name)
        | DockerAction::Restart(name)
        | DockerAction::Remove(name)
        | DockerAction::Pause(name)
        | DockerAction::Unpause(name)
        | DockerAction::Replace(name)
        | DockerAction::Health(name, _)) = action
        else {
            return;
        };
        self.facts.docker.meddled.push((self.now, name.clone()));
        for id in self.docker.ids_of(name) {
            match action {
                DockerAction::Stop(_) => self.ask_to_end(&id, Duration::from_secs(10)),
                DockerAction::Start(_) => self.start_container(&id),
                DockerAction::Restart(_) => {
                    self.container_over(&id, 143);
                    self.start_container(&id);
                }
                DockerAction::Remove(_) => self.remove_container(&id),
                DockerAction::Pause(_) => self.freeze(&id, true),
                DockerAction::Unpause(_) => self.freeze(&id, false),
                DockerAction::Replace(_) => self.replace_by_hand(&id),
                DockerAction::Health(_, health) => {
                    let life = self.docker.containers[&id].lives;
                    self.container_turns(&id, life, *health);
                }
                DockerAction::PruneImages | DockerAction::Down(_) | DockerAction::Up => {}
            }
        }
    }
}
