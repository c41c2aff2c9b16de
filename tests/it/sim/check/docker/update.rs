//! What a live update must respect.

use super::{StartOf, content, images_of};
use crate::sim::docker::facts::{DockerRun, Sort};
use orch::{
    engine::UpdateOrder,
    model::{ContainerPhase, FilePath, LiveUpdate, RestartStep, RunStep, TriggerMode},
};
use std::collections::BTreeSet;

impl StartOf<'_> {
    pub(super) fn update(&self, order: &UpdateOrder) -> Vec<String> {
        let faults = [
            self.is_allowed(),
            self.runs_already(),
            self.containers(order),
            self.places(order),
            self.is_forbidden(order),
            self.changes_nothing(order),
        ];
        let steps = self.steps(order);
        faults.into_iter().flatten().chain(steps).collect()
    }

    /// All containers of the resource, each of which runs as far as anybody knows.
    fn containers(&self, order: &UpdateOrder) -> Option<String> {
        let told = self.facts().docker.told.get(self.name()).map(Vec::as_slice).unwrap_or_default();
        let known: BTreeSet<_> = told.iter().map(|one| &one.id).collect();
        if order.containers.iter().collect::<BTreeSet<_>>() != known {
            return Some(self.say(format_args!("is updated in {:?} instead of {known:?}", order.containers)));
        }
        let idle = told.iter().find(|one| one.phase != ContainerPhase::Running)?;
        Some(self.say(format_args!("is updated, though a container is {:?}", idle.phase)))
    }

    /// Each file goes where the first sync says.
    fn places(&self, order: &UpdateOrder) -> Option<String> {
        let wrong = order.copies.iter().find(|(file, remote)| {
            let mut updates = self.container.live_updates.iter();
            !updates.any(|live| content::remote_of(live, file).as_ref() == Some(remote))
        });
        wrong.map(|(file, remote)| self.say(format_args!("gets {file} at {remote}, where no sync puts it")))
    }

    /// Files that changed and cannot be changed in place, as the engine was told.
    fn is_forbidden(&self, order: &UpdateOrder) -> Option<String> {
        let project = self.project();
        for (file, _) in &order.copies {
            let mut images = images_of(project, self.container).into_iter().filter(|image| image.inputs.contains(file));
            if images.any(|image| !self.can_sync(self.container, &image.key, file)) {
                return Some(self.say(format_args!("is updated in place, though {file} cannot be")));
            }
        }
        if self.definition.trigger_mode == TriggerMode::Manual {
            return None;
        }
        let known = |file: &FilePath| {
            let told = self.facts().told.get(file);
            told.is_some_and(|told| {
                told.answered_at.is_some_and(|at| at < self.world.now)
                    && told.content == Some(self.world.disk.seen(file))
            })
        };
        let stale = content::stale_of(self.world, project, self.definition);
        let wrong = stale.iter().find(|one| match one {
            content::Stale::File(key, file) => known(file) && !self.can_sync(self.container, key, file),
            content::Stale::Definition(_) => true,
            content::Stale::Made(_) => false,
        })?;
        Some(self.say(format_args!("is updated in place, though {wrong:?} needs another image")))
    }

    /// All that it copies is in the containers already.
    fn changes_nothing(&self, order: &UpdateOrder) -> Option<String> {
        let facts = &self.facts().docker;
        let runs = facts.runs_of.get(self.name())?.iter().rev().filter_map(|run| facts.runs.get(run));
        let changes = |run: &&DockerRun| match run.sort {
            Sort::Update(_) => true,
            // One that puts back what was there tells nothing of what is in it.
            Sort::Raise(_) => run.anew || !run.succeeded(),
            Sort::Build(_) | Sort::Remove | Sort::Clean => false,
        };
        let last = runs.clone().find(changes)?;
        if self.only_restarts(order) {
            return None;
        }
        let starts_with_it = self.container.live_updates.iter().any(|live| live.initial_sync);
        if !last.succeeded() || self.was_asked(self.name(), last) || starts_with_it {
            return None;
        }
        let has = |file: &FilePath, remote: &String| {
            let now = self.world.disk.content(file);
            let mut containers = self.world.docker.of(self.name());
            containers.all(|(_, one)| one.layer.get(remote).is_some_and(|copied| copied.as_deref() == now))
        };
        let same = order.copies.iter().all(|(file, remote)| has(file, remote) && !self.is_news_since(last, file));
        // What somebody removed a moment ago says nothing of what was in it.
        self.world.docker.of(self.name()).next()?;
        let empty = order.copies.is_empty() && order.removals.is_empty();
        let gone = |remote: &String| {
            self.world.docker.of(self.name()).all(|(_, one)| matches!(one.layer.get(remote), Some(None)))
        };
        (empty || same && order.removals.iter().all(gone)).then(|| self.say("is updated, though nothing changed"))
    }

    /// A file that no sync names was written, and asks for a restart alone.
    fn only_restarts(&self, order: &UpdateOrder) -> bool {
        let written: Vec<&FilePath> = self.facts().writes.iter().map(|(_, file)| file).collect();
        let asks =
            |live: &LiveUpdate| matches!(live.restart, RestartStep::On(_)) && content::restarts_for(live, &written);
        order.copies.is_empty() && order.removals.is_empty() && self.container.live_updates.iter().any(asks)
    }

    fn is_news_since(&self, last: &DockerRun, file: &FilePath) -> bool {
        self.is_news(last, file) && last.read.contains_key(file)
            || self.facts().writes.iter().any(|(at, written)| written == file && *at >= last.asked_at)
    }

    /// The commands and the restart that these files ask for, no others.
    fn steps(&self, order: &UpdateOrder) -> Vec<String> {
        let mut files: Vec<&FilePath> = order.copies.iter().map(|(file, _)| file).collect();
        let gone: Vec<FilePath> = self.gone(order);
        files.extend(&gone);
        let hit = |live: &&LiveUpdate| files.iter().any(|file| content::remote_of(live, file).is_some());
        let hit: Vec<&LiveUpdate> = self.container.live_updates.iter().filter(hit).collect();
        let of =
            |live: &&LiveUpdate| -> Vec<RunStep> { content::runs_for(live, &files).into_iter().cloned().collect() };
        let runs: Vec<RunStep> = hit.iter().flat_map(of).collect();
        let restart = hit.iter().any(|live| content::restarts_for(live, &files)) || self.only_restarts(order);
        let mut faults = Vec::new();
        if runs != order.runs {
            faults.push(self.say(format_args!("runs {:?} after an update instead of {runs:?}", order.runs)));
        }
        if restart != order.restart {
            faults.push(self.say(format_args!("starts again after an update: {} instead of {restart}", order.restart)));
        }
        faults
    }

    /// The files of this machine that are removed from the containers.
    fn gone(&self, order: &UpdateOrder) -> Vec<FilePath> {
        let was = self.world.facts.writes.iter().map(|(_, file)| file);
        let removed = was.filter(|file| {
            let mut updates = self.container.live_updates.iter();
            updates.any(|live| content::remote_of(live, file).is_some_and(|remote| order.removals.contains(&remote)))
        });
        removed.cloned().collect::<BTreeSet<_>>().into_iter().collect()
    }
}
