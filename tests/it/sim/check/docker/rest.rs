//! What must be true of a container when nothing is going on.

use super::{
    content::{self, Stale},
    images_of,
};
use crate::sim::{
    docker::{
        facts::{DockerRun, Sort},
        state::SimContainer,
    },
    world::World,
};
use orch::{
    model::{Container, ContainerPhase, Digest, Exit, Health, ImageKey, Project, Resource, Restart, TriggerMode},
    snapshot::{Hold, Row, RuntimeStatus, Snapshot, UpdateStatus},
};

/// A container at rest.
pub(crate) struct Rest<'a> {
    pub(crate) world: &'a World,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) project: &'a Project,
    pub(crate) resource: &'a Resource,
    pub(crate) container: &'a Container,
    pub(crate) row: &'a Row,
}

impl Rest<'_> {
    fn containers(&self) -> Vec<&SimContainer> {
        self.world.docker.of(&self.resource.name).map(|(_, one)| one).collect()
    }

    /// What is wrong with it while nothing holds it.
    pub(crate) fn unheld(&self) -> Option<String> {
        if self.row.dirty {
            return Some("is dirty without a hold".to_owned());
        }
        if self.is_waiting_for_user() || self.world.docker.down {
            return None;
        }
        let failed = self.row.update == UpdateStatus::Error;
        self.content_is_true()
            .or_else(|| self.runs())
            .or_else(|| failed.then(|| "shows a failure, though nothing is wrong with it".to_owned()))
            .or_else(|| self.runtime_is_true())
    }

    fn is_waiting_for_user(&self) -> bool {
        !self.resource.auto_init && !self.world.facts.asked.contains_key(&self.resource.name)
    }

    /// Its containers hold what the files on the disk say.
    pub(crate) fn content_is_true(&self) -> Option<String> {
        // What somebody put in the place of a job that has done its work is left alone.
        let is_foreign = self.containers().iter().all(|one| one.fingerprint.is_none());
        if is_foreign && self.last_end() == Some(0) && self.may_stay_ended() {
            return None;
        }
        for one in self.containers() {
            if let Some(stale) = content::stale(self.world, self.project, self.container, one).first() {
                return Some(match stale {
                    Stale::File(image, file) => format!("is not dirty, but {file} of image {image} in it is another"),
                    Stale::Definition(image) => format!("is not dirty, but image {image} in it was another"),
                    Stale::Made(image) => format!("is not dirty, but image {image} in it is made of others"),
                });
            }
            if one.container.source != self.container.source || one.fingerprint.is_none() {
                return Some("is not dirty, but its container is of another definition".to_owned());
            }
        }
        let raised = self.last_raises();
        let is_other = |one: &&SimContainer| one.fingerprint.is_none_or(|mark| !raised.contains(&mark));
        let other = !raised.is_empty() && self.containers().iter().any(is_other);
        other.then(|| "is not dirty, but its container has not the label of its last raise".to_owned())
    }

    /// The label that its containers were to have when they were last raised, or perhaps were: a session was killed meanwhile.
    fn last_raises(&self) -> Vec<Digest> {
        let docker = &self.world.facts.docker;
        let mut marks = Vec::new();
        for run in
            docker.runs_of.get(&self.resource.name).into_iter().flatten().rev().filter_map(|run| docker.runs.get(run))
        {
            let Sort::Raise(order) = &run.sort else { continue };
            if run.succeeded() || run.exit.is_none() {
                marks.push(order.fingerprint);
            }
            if run.succeeded() {
                break;
            }
        }
        marks
    }

    /// They are there, as many as wanted, and run unless they may have ended.
    fn runs(&self) -> Option<String> {
        let containers = self.containers();
        let wanted = crate::sim::docker::state::script_of(self.container).count;
        // A job that has done its work is left as it is, also where somebody removed it.
        let is_done = containers.is_empty() && self.row.hold.is_none() && self.last_end() == Some(0);
        if is_done && self.may_stay_ended() {
            return None;
        }
        if containers.len() as u64 != wanted {
            return Some(format!("has {} containers instead of {wanted}, and nothing holds it", containers.len()));
        }
        let dead = containers.iter().find(|one| !one.is_alive() && one.phase != ContainerPhase::Restarting)?;
        (!self.may_stay_ended()).then(|| format!("has a container that is {:?}, and nothing holds it", dead.phase))
    }

    fn runtime_is_true(&self) -> Option<String> {
        let is_done = |one: &SimContainer| matches!(one.phase, ContainerPhase::Exited { code: 0, .. });
        let is_ill = |one: &SimContainer| {
            !(one.is_running() || is_done(one) && self.may_stay_ended())
                || matches!(one.health, Some(Health::Unhealthy))
        };
        let ill = self.containers().iter().any(|one| is_ill(one));
        let starting = self.containers().iter().any(|one| one.health == Some(Health::Starting));
        match self.row.runtime {
            RuntimeStatus::Ok if ill || starting => Some("shows runtime ok, though it is not well".to_owned()),
            RuntimeStatus::None | RuntimeStatus::NotApplicable | RuntimeStatus::Error | RuntimeStatus::Pending
                if !ill && !starting =>
            {
                Some(format!("shows runtime {:?}, though it runs well", self.row.runtime))
            }
            _ => None,
        }
    }

    /// Whether a container that ended is meant to stay so.
    fn may_stay_ended(&self) -> bool {
        let ended = |one: &&SimContainer| match one.phase {
            ContainerPhase::Exited { code, .. } => Some(code),
            _ => None,
        };
        let mut codes: Vec<i32> = self.containers().iter().filter_map(ended).collect();
        if codes.is_empty() {
            codes.extend(self.last_end());
        }
        let well = !codes.is_empty() && codes.iter().all(|code| *code == 0);
        match self.container.restart {
            Some(Restart::Always) => false,
            Some(Restart::OnFailure) => well,
            Some(Restart::Never) => !codes.is_empty(),
            None => well || !codes.is_empty() && !self.project.mode.restarts_by_default(),
        }
    }

    /// How the last one ended: somebody may have removed it, or put another one in its place, and it is left so.
    fn last_end(&self) -> Option<i32> {
        let ended = self.world.facts.docker.ended.iter().filter(|(_, (of, _))| *of == self.resource.name);
        ended.max_by_key(|((_, began), _)| *began).map(|(_, (_, code))| *code)
    }

    /// Whether the facts bear the hold out, where that is a matter of Docker.
    pub(crate) fn is_founded(&self, hold: &Hold) -> Option<bool> {
        Some(match hold {
            Hold::Docker(_) => self.world.docker.down,
            Hold::ImageFailed(key) => self.uses(key) && self.build_failed(key),
            Hold::Image(key) => self.uses(key) && self.image_is_held(key),
            Hold::Failed => self.last_change().is_some_and(|run| self.stays_failed(run)),
            Hold::Ended => self.may_stay_ended(),
            _ => return None,
        })
    }

    /// The last run of this session that did not just start again what was there.
    fn last_change(&self) -> Option<&DockerRun> {
        let docker = &self.world.facts.docker;
        let runs = docker.runs_of.get(&self.resource.name)?.iter().rev().filter_map(|run| docker.runs.get(run));
        let own = runs.filter(|run| run.session == self.world.facts.session);
        own.into_iter().find(|run| !run.puts_back || !run.succeeded() || !matches!(run.sort, Sort::Raise(_)))
    }

    fn uses(&self, key: &ImageKey) -> bool {
        images_of(self.project, self.container).iter().any(|image| image.key == *key)
    }

    /// The last build failed on the files that are there now.
    fn build_failed(&self, key: &ImageKey) -> bool {
        let facts = &self.world.facts;
        let Some(image) = super::image(self.project, key) else { return false };
        let Some(run) = facts.docker.last_build(key).filter(|run| run.session == facts.session) else { return false };
        let failed = run.exit.as_ref().is_some_and(|exit| !exit.is_success() && *exit != Exit::Stopped) && !run.cut;
        let now = self.world.disk.of_set(&image.inputs).map(|(path, file)| (path.clone(), file.content.clone()));
        let now: std::collections::BTreeMap<_, _> = now.collect();
        let changed = now
            .keys()
            .chain(run.read.keys())
            .any(|file| now.get(file) != run.read.get(file) && !content::there_and_back(self.world, run, file));
        let missing_base = matches!(run.exit, Some(Exit::NotStarted(_)));
        failed && (!changed || missing_base || self.resource.trigger_mode == TriggerMode::Manual)
    }

    /// An image is not built since something else holds it.
    fn image_is_held(&self, key: &ImageKey) -> bool {
        let row = self.row.images.iter().find(|row| row.image == *key);
        row.is_some_and(|row| row.hold.is_some())
    }

    /// The last run failed, and nothing changed since that would start another.
    fn stays_failed(&self, run: &DockerRun) -> bool {
        let failed = run.exit.as_ref().is_some_and(|exit| !exit.is_success()) && !run.cut;
        let changed = match &run.sort {
            Sort::Update(order) => order.copies.iter().any(|(file, _)| {
                run.read.get(file).map(String::as_str) != self.world.disk.content(file)
                    && !content::there_and_back(self.world, run, file)
            }),
            _ => false,
        };
        failed && (!changed || self.resource.trigger_mode == TriggerMode::Manual)
    }

    /// It is not to run: no container of it lives.
    pub(crate) fn is_silent(&self) -> Option<String> {
        let alive = self.containers().iter().any(|one| one.is_alive() || one.phase == ContainerPhase::Restarting);
        let foreign = !self.resource.enabled && !self.world.facts.once_enabled.contains(&self.resource.name);
        (alive && !foreign && !self.world.docker.down)
            .then(|| "has a container that lives, though it is stopped or disabled".to_owned())
    }

    /// An image that nothing but a build would make true has a reason to wait.
    pub(crate) fn images_are_true(&self) -> Option<String> {
        let held = self.row.images.iter().filter_map(|image| Some((&image.image, image.hold.as_ref()?)));
        for (key, hold) in held {
            let founded = match hold {
                Hold::Failed => self.build_failed(key),
                Hold::Settling | Hold::Slot | Hold::Running | Hold::Stopping | Hold::Exclusive(_) => false,
                other => self.is_founded(other).unwrap_or(true),
            };
            if !founded {
                return Some(format!("shows image {key} held by {hold:?}, which is not so"));
            }
        }
        debug_assert!(self.snapshot.rows.named(&self.resource.name).is_some(), "it has a row");
        None
    }
}
