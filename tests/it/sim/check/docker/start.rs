//! What a build or the raising of containers must respect.

use super::{
    content::{self, Stale},
    image, images_of, users_of,
};
use crate::sim::{
    check::reached,
    docker::facts::{DockerRun, Sort},
    facts::{Facts, RunFacts},
    world::World,
};
use orch::{
    engine::{BuildOrder, RaiseOrder},
    model::{
        Container, ContainerImage, ContainerPhase, Exit, FilePath, Image, ImageKey, Project, Resource, ResourceName,
        TriggerMode,
    },
    snapshot::{Goal, Hold, Snapshot},
};
use std::{fmt::Display, time::Duration};

/// How long after a run the host may take to digest in the background what it read.
const BACKGROUND: Duration = Duration::from_millis(1500);

/// A run on Docker, and what it must respect.
pub(crate) struct StartOf<'a> {
    pub(crate) world: &'a World,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) cores: u32,
    pub(crate) definition: &'a Resource,
    pub(crate) container: &'a Container,
}

impl StartOf<'_> {
    pub(super) fn facts(&self) -> &Facts {
        &self.world.facts
    }

    pub(super) fn name(&self) -> &ResourceName {
        &self.definition.name
    }

    pub(super) fn project(&self) -> &Project {
        self.facts().project.as_deref().expect("a project")
    }

    pub(super) fn say(&self, text: impl Display) -> String {
        format!("`{}` {text}", self.name())
    }

    pub(super) fn build(&self, order: &BuildOrder) -> Vec<String> {
        let key = &order.image.key;
        let faults = [
            self.is_allowed(),
            self.slots(),
            self.is_declared(order),
            self.is_building(key).then(|| self.say(format_args!("builds {key} while a build of it goes on"))),
            self.bases(order),
            self.writers(&order.image),
            self.demand(),
            self.redundant(&order.image),
            self.serves_in_place(key),
        ];
        faults.into_iter().flatten().collect()
    }

    pub(super) fn raise(&self, order: &RaiseOrder) -> Vec<String> {
        let other = *order.container != *self.container;
        let puts_back = self.facts().docker.puts_back(self.name(), order);
        let anew = self.facts().docker.is_anew(self.name(), order);
        let faults = [
            self.is_allowed(),
            anew.then(|| self.slots()).flatten(),
            self.runs_already(),
            (other && !puts_back).then(|| self.say("is raised by another definition")),
            (!puts_back).then(|| self.image_is_made(order)).flatten(),
            self.order(),
            self.is_there(order),
        ];
        faults.into_iter().flatten().collect()
    }

    pub(super) fn runs_already(&self) -> Option<String> {
        let mut runs = self.facts().docker.going_on(self.facts().session);
        let own = runs.any(|run| run.resource == *self.name() && !matches!(run.sort, Sort::Build(_)));
        own.then(|| self.say("starts while its run goes on"))
    }

    pub(super) fn is_allowed(&self) -> Option<String> {
        let facts = self.facts();
        if facts.docker.lost {
            return Some(self.say("starts while there is no Docker"));
        }
        if facts.shutting_down {
            return Some(self.say("starts while the session ends"));
        }
        if !self.definition.enabled {
            return Some(self.say("starts though it is disabled"));
        }
        let asked = facts.asked.contains_key(self.name());
        let waits = self.definition.trigger_mode == TriggerMode::Manual && !self.definition.auto_init;
        if waits && !asked && self.is_first() && self.snapshot.goal == Goal::Up {
            return Some(self.say("starts though nobody asked for it"));
        }
        let stopped = facts.stopped.get(self.name());
        let asked_at = facts.asked.get(self.name());
        if stopped.is_some_and(|stopped_at| asked_at.is_none_or(|asked_at| asked_at < stopped_at)) {
            return Some(self.say("starts though it was stopped"));
        }
        None
    }

    /// Whether nothing of it started in this session.
    fn is_first(&self) -> bool {
        let facts = self.facts();
        facts.docker.last_run(self.name()).is_none_or(|run| run.session != facts.session)
    }

    fn slots(&self) -> Option<String> {
        let (facts, project) = (self.facts(), self.project());
        let slots = project.settings.max_parallel_updates.unwrap_or(project.mode.default_slots(self.cores));
        let others = facts.slots_taken();
        if others >= slots.max(1) as usize {
            return Some(self.say(format_args!("starts as number {} of {slots}", others + 1)));
        }
        let alone = |run: &&RunFacts| run.shares_with_nothing();
        let other = facts.going_on().find(alone)?;
        Some(self.say(format_args!("starts beside `{}`, which shares with nothing", other.resource)))
    }

    fn is_declared(&self, order: &BuildOrder) -> Option<String> {
        let key = &order.image.key;
        if images_of(self.project(), self.container).iter().all(|image| image.key != *key) {
            return Some(self.say(format_args!("has {key} built, which it does not use")));
        }
        let declared = image(self.project(), key)?;
        (**declared != *order.image).then(|| self.say(format_args!("has another {key} built than is declared")))
    }

    fn is_building(&self, key: &ImageKey) -> bool {
        let mut runs = self.facts().docker.going_on(self.facts().session);
        runs.any(|run| matches!(&run.sort, Sort::Build(order) if order.image.key == *key))
    }

    /// What an image is made of is made, as it is known to be.
    fn bases(&self, order: &BuildOrder) -> Option<String> {
        for base in &order.image.bases {
            if self.is_building(base) {
                return Some(self.say(format_args!("builds {} while its base {base} is built", order.image.key)));
            }
            let Some(given) = order.bases.get(base) else {
                return Some(self.say(format_args!("builds {} without its base {base}", order.image.key)));
            };
            if given.id != self.last_made(base) {
                return Some(self.say(format_args!("builds {} of an older {base}", order.image.key)));
            }
            if let Some(file) = self.known_change(base) {
                return Some(
                    self.say(format_args!("builds {} before {base}, in which {file} is another", order.image.key)),
                );
            }
        }
        None
    }

    /// What the last build of an image that succeeded made.
    fn last_made(&self, key: &ImageKey) -> Option<orch::model::ImageId> {
        let docker = &self.facts().docker;
        let runs = docker.builds_of.get(key)?.iter().rev().filter_map(|run| docker.runs.get(run));
        let made = runs.filter(|run| run.succeeded()).find_map(|run| run.made.clone());
        made.filter(|_| true)
    }

    /// A file of which the engine was told earlier that it differs from what the last build read.
    fn known_change(&self, key: &ImageKey) -> Option<FilePath> {
        let last = self.facts().docker.last_build(key).filter(|run| run.succeeded())?;
        let inputs = &image(self.project(), key)?.inputs;
        let differs = |(path, told): &(&FilePath, &crate::sim::facts::Told)| {
            inputs.contains(path)
                && told.answered_at.is_some_and(|at| at < self.world.now)
                && told.content == Some(self.world.disk.seen(path))
                && last.read.get(*path).map(String::as_str) != self.world.disk.content(path)
                && !content::there_and_back(self.world, last, path)
        };
        self.facts().told.iter().find(differs).map(|(path, _)| path.clone())
    }

    /// Resources that write what it is made of have written it.
    fn writers(&self, image: &Image) -> Option<String> {
        let facts = self.facts();
        for writer in &self.project().resources {
            let outputs = writer.kind.outputs();
            let overlap = |output: &FilePath| {
                image.inputs.roots.iter().any(|root| output.is_within(root) || root.is_within(output))
            };
            if !outputs.iter().any(overlap) {
                continue;
            }
            if facts.is_running(&writer.name) {
                return Some(
                    self.say(format_args!("builds {} while `{}`, which writes it, runs", image.key, writer.name)),
                );
            }
            let hold = self.snapshot.rows.named(&writer.name).and_then(|row| row.hold.clone());
            let gave_up = matches!(hold, Some(Hold::SelfDirty { .. }));
            let by_itself = writer.enabled && writer.trigger_mode == TriggerMode::Auto;
            if !by_itself || gave_up || facts.stopped.contains_key(&writer.name) {
                continue;
            }
            let Some(last) = facts.last_run(&writer.name).filter(|run| run.session == facts.session) else { continue };
            let failed = matches!(last.exit, Some(Exit::Code(1..) | Exit::NotStarted(_)));
            let asked = users_of(self.project(), &image.key)
                .iter()
                .any(|user| facts.asked.get(&user.name).is_some_and(|at| Some(*at) >= last.told_at));
            if failed && !asked {
                return Some(
                    self.say(format_args!("builds {} though `{}`, which writes it, failed", image.key, writer.name)),
                );
            }
        }
        None
    }

    /// A Tiltfile's resource needs its image when what it depends on is there; else at once.
    fn demand(&self) -> Option<String> {
        (self.project().mode == orch::model::Mode::Tiltfile).then(|| self.order()).flatten()
    }

    pub(super) fn order(&self) -> Option<String> {
        // What was there when the session began had its first start in an earlier one.
        let was_there = self.snapshot.rows.named(self.name()).is_some_and(|row| row.instance.is_some());
        if !self.is_first() || was_there {
            return None;
        }
        let unmet = self.definition.dependencies.iter().find(|dependency| {
            self.facts().resource(&dependency.on).is_some()
                && !reached(self.facts(), self.snapshot, &dependency.on, dependency.condition)
        })?;
        Some(self.say(format_args!("starts before `{}` is {:?}", unmet.on, unmet.condition)))
    }

    /// The image was built, of all that it is now, and is still there.
    fn redundant(&self, declared: &Image) -> Option<String> {
        let facts = self.facts();
        let last = facts.docker.last_build(&declared.key).filter(|run| run.succeeded())?;
        let Sort::Build(before) = &last.sort else { return None };
        let in_session = last.session == facts.session;
        if !in_session && !facts.docker.images.contains_key(&declared.key) {
            return None;
        }
        let same = before.image.build == declared.build
            && before.image.inputs == declared.inputs
            && before.image.bases == declared.bases
            && before.bases.iter().all(|(base, built)| built.id == self.last_made(base));
        let there = last.made.as_ref().is_some_and(|id| self.world.docker.images.contains_key(id));
        let pruned = facts.docker.pruned.iter().any(|(at, id)| Some(id) == last.made.as_ref() && *at >= last.asked_at);
        let asked = users_of(self.project(), &declared.key).iter().any(|user| self.was_asked(&user.name, last));
        if !same || !there || pruned || asked {
            return None;
        }
        let paths = facts.told.keys().chain(last.read.keys()).filter(|path| declared.inputs.contains(path));
        if paths.clone().any(|path| self.is_news(last, path)) {
            return None;
        }
        Some(self.say(format_args!("builds {} again, though nothing changed that it is made of", declared.key)))
    }

    pub(super) fn was_asked(&self, name: &ResourceName, since: &DockerRun) -> bool {
        let facts = self.facts();
        let later = |at: &orch::model::Time| since.session != facts.session || *at >= since.asked_at;
        facts.asked.get(name).is_some_and(later) || facts.stopped_once.get(name).is_some_and(later)
    }

    /// Whether the file at `path` gives a reason to do again what that run did.
    pub(super) fn is_news(&self, last: &DockerRun, path: &FilePath) -> bool {
        let disk = &self.world.disk;
        let had = last.read.get(path).or_else(|| last.at_start.get(path));
        if had.map(String::as_str) != disk.content(path) {
            return true;
        }
        // It changed around that run: nobody can be sure what the run saw, and to do it again is right.
        let over_at = last.over_at.unwrap_or(self.world.now);
        let hit = |(at, written): &(orch::model::Time, FilePath)| {
            written == path && *at + BACKGROUND >= last.asked_at && *at <= over_at + BACKGROUND
        };
        let since = |(at, written): &(orch::model::Time, FilePath)| written == path && *at >= last.asked_at;
        self.facts().writes.iter().any(|write| hit(write) || last.session != self.facts().session && since(write))
    }

    /// No user of the image needs it anew: what changed can be changed in the containers that run.
    fn serves_in_place(&self, key: &ImageKey) -> Option<String> {
        let facts = self.facts();
        let users = users_of(self.project(), key);
        let differs = |one: &Stale| matches!(one, Stale::File(of, _) if of == key);
        if !users.iter().any(|user| content::stale_of(self.world, self.project(), user).iter().any(differs)) {
            return None;
        }
        let needs = |user: &&std::sync::Arc<Resource>| !self.serves(user);
        if users.is_empty() || users.iter().any(needs) || facts.docker.last_build(key).is_none() {
            return None;
        }
        Some(self.say(format_args!("builds {key}, though all that changed can be changed in place")))
    }

    /// Whether the containers of a user of an image can be brought up to date in place, as far as anybody knows.
    fn serves(&self, user: &Resource) -> bool {
        let facts = self.facts();
        let Some(declared) = user.kind.container() else { return true };
        let began = facts.docker.last_run(&user.name).is_some_and(|run| run.session == facts.session);
        let lives = self.snapshot.rows.named(&user.name).is_some_and(|row| row.instance.is_some());
        let wanted = user.enabled && (user.auto_init || began || lives) && !facts.stopped.contains_key(&user.name);
        if !wanted {
            return !facts.asked.contains_key(&user.name);
        }
        let containers: Vec<_> = self.world.docker.of(&user.name).map(|(_, one)| one).collect();
        let told = facts.docker.told.get(&user.name).map(Vec::as_slice).unwrap_or_default();
        let run = |one: &orch::model::ContainerState| one.phase == ContainerPhase::Running;
        if containers.is_empty() || !containers.iter().all(|one| one.is_running()) || !told.iter().all(run) {
            return false;
        }
        if containers.iter().any(|one| one.container.source != declared.source || one.fingerprint.is_none()) {
            return false;
        }
        let Some(last) = facts.docker.last_run(&user.name) else { return false };
        if !last.succeeded()
            || self.was_asked(&user.name, last)
            || last.session != facts.session
            || last.loads != facts.loads
        {
            return false;
        }
        // Another user may have had the image built anew, so that its container is behind.
        let behind = |built: &ImageKey| containers.iter().any(|one| Some(&one.image) != self.last_made(built).as_ref());
        if matches!(&declared.image, ContainerImage::Built(own) if behind(own)) {
            return false;
        }
        let stale = content::stale_of(self.world, self.project(), user);
        let in_place = |one: &Stale| matches!(one, Stale::File(key, file) if self.can_sync(declared, key, file));
        let written = facts.writes.iter().filter(|(at, _)| *at + BACKGROUND >= containers[0].made_at);
        let can_sync = |file: &FilePath| {
            let mut images =
                images_of(self.project(), declared).into_iter().filter(|image| image.inputs.contains(file));
            images.all(|image| self.can_sync(declared, &image.key, file))
        };
        stale.iter().all(in_place) && written.map(|(_, file)| file).all(can_sync)
    }

    pub(super) fn can_sync(&self, declared: &Container, key: &ImageKey, file: &FilePath) -> bool {
        let Some(image) = image(self.project(), key) else { return false };
        let steps = content::steps_for(declared, image, file);
        steps.is_some_and(|live| content::is_syncable(live, file) || content::only_restarts(live, file))
    }

    /// Containers are made of the image that was built last, and not while it is built.
    fn image_is_made(&self, order: &RaiseOrder) -> Option<String> {
        let ContainerImage::Built(key) = &self.container.image else {
            return order.image.is_some().then(|| self.say("is raised of an image that it has not"));
        };
        for image in images_of(self.project(), self.container) {
            if self.is_building(&image.key) {
                return Some(self.say(format_args!("is raised while {} is built", image.key)));
            }
        }
        let Some(given) = &order.image else { return Some(self.say("is raised without its image")) };
        (given.id != self.last_made(key)).then(|| self.say(format_args!("is raised of an older {key}")))
    }

    /// The containers are there, run, and are what they are to be.
    fn is_there(&self, order: &RaiseOrder) -> Option<String> {
        let facts = self.facts();
        let told = facts.docker.told.get(self.name())?;
        let fits = |one: &orch::model::ContainerState| {
            one.fingerprint == Some(order.fingerprint) && one.phase == ContainerPhase::Running
        };
        let last = facts.docker.last_run(self.name()).filter(|run| run.session == facts.session);
        let asked =
            last.map_or_else(|| facts.asked.contains_key(self.name()), |last| self.was_asked(self.name(), last));
        let all = told.len() as u64 == crate::sim::docker::state::script_of(self.container).count;
        let failed = last.is_some_and(|run| !run.succeeded());
        (all && told.iter().all(fits) && !order.replace && !asked && !failed)
            .then(|| self.say("is raised, though it is there and runs"))
    }
}
