//! What a run or a server that starts must respect.

use super::{files_below, local, reached, was_there_and_back};
use crate::sim::{
    facts::{Facts, RunFacts, Told},
    world::World,
};
use orch::{
    model::{Condition, Exit, FilePath, Resource, ResourceName, Time, TriggerMode},
    snapshot::{Goal, Hold, Snapshot},
};
use std::{fmt::Display, time::Duration};

/// How long after a run the host may take to digest in the background what it read.
const BACKGROUND: Duration = Duration::from_millis(1500);

/// A start, and what it must respect.
pub(super) struct StartOf<'a> {
    pub(super) world: &'a World,
    pub(super) snapshot: &'a Snapshot,
    pub(super) cores: u32,
    pub(super) definition: &'a Resource,
}

impl StartOf<'_> {
    fn facts(&self) -> &Facts {
        &self.world.facts
    }

    fn name(&self) -> &ResourceName {
        &self.definition.name
    }

    fn say(&self, text: impl Display) -> String {
        format!("`{}` starts {text}", self.name())
    }

    pub(super) fn run(&self) -> Vec<String> {
        let faults = [
            self.is_allowed(),
            self.facts().is_running(self.name()).then(|| self.say("while its run goes on")),
            self.slots(),
            self.writers(),
            self.order(),
            self.redundant(),
            self.fresh(),
        ];
        faults.into_iter().flatten().collect()
    }

    pub(super) fn instance(&self) -> Vec<String> {
        let again = self.facts().is_serving(self.name());
        let first = self.is_first();
        let serve_alone = local(self.definition).cmd.is_none();
        let faults = [
            self.is_allowed(),
            again.then(|| self.say("a second server")),
            self.facts().is_running(self.name()).then(|| self.say("its server while `cmd` runs")),
            self.order(),
            (first && serve_alone).then(|| self.writers()).flatten(),
            self.command_failed(),
        ];
        faults.into_iter().flatten().collect()
    }

    /// A server that never ran needs its command's success.
    fn command_failed(&self) -> Option<String> {
        let facts = self.facts();
        local(self.definition).cmd.as_ref()?;
        let run = facts.last_run(self.name()).filter(|run| run.session == facts.session)?;
        let never_served = facts.last_instance(self.name()).is_none_or(|one| one.session != facts.session);
        (never_served && !run.succeeded()).then(|| self.say("its server though its command failed"))
    }

    fn is_allowed(&self) -> Option<String> {
        let facts = self.facts();
        if facts.shutting_down {
            return Some(self.say("while the session ends"));
        }
        if !self.definition.enabled {
            return Some(self.say("though it is disabled"));
        }
        let asked = facts.asked.contains_key(self.name());
        let waits = self.definition.trigger_mode == TriggerMode::Manual && !self.definition.auto_init;
        if waits && !asked && self.is_first() && self.snapshot.goal == Goal::Up {
            return Some(self.say("though nobody asked for it"));
        }
        let stopped = facts.stopped.get(self.name());
        let asked_at = facts.asked.get(self.name());
        if stopped.is_some_and(|stopped_at| asked_at.is_none_or(|asked_at| asked_at < stopped_at)) {
            return Some(self.say("though it was stopped"));
        }
        None
    }

    /// Whether nothing of it started in this session.
    fn is_first(&self) -> bool {
        let facts = self.facts();
        facts.last_run(self.name()).is_none_or(|run| run.session != facts.session)
            && facts.last_instance(self.name()).is_none_or(|one| one.session != facts.session)
    }

    fn slots(&self) -> Option<String> {
        let facts = self.facts();
        let project = facts.project.as_ref()?;
        let slots = project.settings.max_parallel_updates.unwrap_or(project.mode.default_slots(self.cores));
        let others = facts.slots_taken();
        if others >= slots.max(1) as usize {
            return Some(self.say(format_args!("as number {} of {slots}", others + 1)));
        }
        if let Some(other) = facts.going_on().find(|run| run.shares_with_nothing()) {
            return Some(self.say(format_args!("beside `{}`, which shares with nothing", other.resource)));
        }
        let shares = local(self.definition).parallel || others == 0;
        (!shares).then(|| self.say("beside others, though it shares with nothing"))
    }

    fn writers(&self) -> Option<String> {
        let facts = self.facts();
        for writer in facts.writers_of(self.name()) {
            if facts.is_running(&writer) {
                return Some(self.say(format_args!("while `{writer}`, whose outputs it reads, runs")));
            }
            let Some(definition) = facts.resource(&writer) else { continue };
            let by_itself = definition.enabled && definition.trigger_mode == TriggerMode::Auto;
            let hold = self.snapshot.rows.named(&writer).and_then(|row| row.hold.clone());
            let gave_up = matches!(hold, Some(Hold::SelfDirty { .. }));
            if !by_itself || gave_up || facts.stopped.contains_key(&writer) {
                continue;
            }
            let Some(last) = facts.last_run(&writer).filter(|run| run.session == facts.session) else { continue };
            let failed = matches!(last.exit, Some(Exit::Code(1..) | Exit::NotStarted(_)));
            let asked = facts.asked.get(self.name()).is_some_and(|at| Some(*at) >= last.told_at);
            if failed && !asked {
                return Some(self.say(format_args!("though `{writer}`, whose outputs it reads, failed")));
            }
            if last.succeeded()
                && !last.script.feeds_itself()
                && let Some(path) = self.known_change(last)
            {
                return Some(self.say(format_args!("before `{writer}`, which has to read {path} first")));
            }
        }
        None
    }

    /// A file of which the engine was told earlier that it differs from what that run read.
    fn known_change(&self, last: &RunFacts) -> Option<FilePath> {
        let differs = |(path, told): &(&FilePath, &Told)| {
            let now = self.world.disk.content(path);
            last.script.reads.iter().any(|root| path.is_within(root))
                && told.answered_at.is_some_and(|at| at < self.world.now)
                && told.content == Some(self.world.disk.seen(path))
                && last.read.get(*path).map(String::as_str) != now
                && !was_there_and_back(self.world, last, path)
        };
        self.facts().told.iter().find(differs).map(|(path, _)| path.clone())
    }

    fn order(&self) -> Option<String> {
        if !self.is_first() {
            return None;
        }
        let unmet = self.definition.dependencies.iter().find(|dependency| {
            self.facts().resource(&dependency.on).is_some() && !self.has_reached(&dependency.on, dependency.condition)
        })?;
        Some(self.say(format_args!("before `{}` is {:?}", unmet.on, unmet.condition)))
    }

    fn has_reached(&self, name: &ResourceName, condition: Condition) -> bool {
        reached(self.facts(), self.snapshot, name, condition)
    }

    /// It ran, succeeded, and since then nothing changed that it reads, writes or is.
    fn redundant(&self) -> Option<String> {
        let facts = self.facts();
        let last = facts.last_run(self.name()).filter(|run| run.session == facts.session && run.succeeded())?;
        let before = last.definition.as_ref()?;
        let same = before.kind == self.definition.kind
            && before.enabled == self.definition.enabled
            && before.trigger_mode == self.definition.trigger_mode
            && facts.loads <= last.loads + 1;
        let asked = facts.asked.get(self.name()).is_some_and(|at| *at >= last.asked_at)
            || facts.stopped_once.get(self.name()).is_some_and(|at| *at >= last.asked_at);
        if !same || asked || last.script.feeds_itself() {
            return None;
        }
        let paths = facts.told.keys().filter(|path| {
            let touches = |root: &FilePath| path.is_within(root);
            last.script.reads.iter().any(touches) || local(self.definition).outputs.iter().any(touches)
        });
        if paths.clone().any(|path| self.is_news(last, path)) {
            return None;
        }
        Some(self.say("again, though nothing changed that it reads, writes or is"))
    }

    /// Whether the file at `path` gives a reason to run again after that run.
    fn is_news(&self, last: &RunFacts, path: &FilePath) -> bool {
        let Some(told) = self.facts().told.get(path) else { return false };
        let (disk, now) = (&self.world.disk, self.world.disk.content(path));
        let (changed_at, over_at) = (disk.changed_at(path), last.over_at.unwrap_or(self.world.now));
        let had = last.wrote.get(path).or_else(|| last.read.get(path)).or_else(|| last.at_start.get(path));
        if had.map(String::as_str) != now {
            return true;
        }
        if told.change_at < last.asked_at {
            return false;
        }
        if last.wrote.contains_key(path) {
            return changed_at.is_some_and(|at| at > over_at && at <= over_at + BACKGROUND);
        }
        let knew = told.content == Some(disk.seen(path)) && told.content_at < last.asked_at;
        match changed_at {
            Some(at) if at >= last.asked_at => at <= over_at + BACKGROUND,
            Some(_) | None => !knew,
        }
    }

    /// The record of an earlier session says that nothing is to be done.
    fn fresh(&self) -> Option<String> {
        let facts = self.facts();
        let runs = facts.runs_of.get(self.name())?;
        let last = facts.runs.get(runs.last()?).filter(|run| run.session != facts.session)?;
        let same = last.definition.as_ref().is_some_and(|before| before.kind == self.definition.kind);
        let kept = facts.last_remembered.get(self.name()) == runs.last() && last.succeeded();
        let asked = facts.asked.contains_key(self.name()) || facts.stopped_once.contains_key(self.name());
        let outputs = &local(self.definition).outputs;
        if !same || !kept || asked || outputs.is_empty() || !self.is_first() {
            return None;
        }
        let in_session = |path: &FilePath| facts.told.get(path).is_some_and(|told| told.change_at > Time::ZERO);
        let moved = last.read.keys().chain(last.wrote.keys()).any(in_session);
        let as_before =
            files_below(self.world, &last.script.reads) == last.read && files_below(self.world, outputs) == last.wrote;
        (as_before && !moved).then(|| self.say("though its record of an earlier session says that it is fresh"))
    }
}
