//! The independent check of the engine: what it may ask for at each moment, and what must be true at rest. It knows the
//! facts of the world alone, and takes from the engine's snapshot only what a user would see: holds and whether a resource
//! is dirty.

use super::{
    facts::{Facts, RunFacts},
    script::Script,
    world::World,
};
use orch::{
    engine::Effect,
    model::{Condition, Digest, Exit, FilePath, Kind, Local, Resource, ResourceName, Restart, Time, TriggerMode},
    snapshot::{Goal, Hold, Row, Snapshot, UpdateStatus},
};
use std::{collections::BTreeMap, time::Duration};

/// How long after a run the host may take to digest in the background what it read.
const BACKGROUND: Duration = Duration::from_millis(1500);

/// How long the report of a write may take.
const REPORT: Duration = Duration::from_millis(100);

/// How long after a run a write may be taken for its own.
const ECHO: Duration = Duration::from_millis(500);

fn local(resource: &Resource) -> &Local {
    let Kind::Local(local) = &resource.kind;
    local
}

/// Objections to an effect, before it is performed. The snapshot is that after the event.
pub(crate) fn on_effect(world: &World, snapshot: &Snapshot, cores: u32, effect: &Effect) -> Vec<String> {
    let facts = &world.facts;
    match effect {
        Effect::StartRun { resource, command, .. } => match facts.resource(resource) {
            None => vec![format!("a run of `{resource}`, which is not in the project")],
            Some(definition) if is_teardown(definition, &command.argv) => Vec::new(),
            Some(definition) => StartOf { world, snapshot, cores, definition }.run(),
        },
        Effect::StartInstance { resource, .. } => match facts.resource(resource) {
            None => vec![format!("a server of `{resource}`, which is not in the project")],
            Some(definition) => StartOf { world, snapshot, cores, definition }.instance(),
        },
        Effect::StopInstance { instance, .. } if facts.shutting_down && !facts.hurried => {
            facts.instances.get(instance).map_or_else(Vec::new, |one| stop_order(facts, &one.resource))
        }
        Effect::CancelRun { run, .. } if facts.shutting_down && !facts.hurried => {
            facts.runs.get(run).map_or_else(Vec::new, |one| stop_order(facts, &one.resource))
        }
        _ => Vec::new(),
    }
}

fn is_teardown(definition: &Resource, argv: &[String]) -> bool {
    local(definition).teardown.as_ref().is_some_and(|teardown| teardown.argv == *argv)
}

/// Dependants end before what they depend on.
fn stop_order(facts: &Facts, name: &ResourceName) -> Vec<String> {
    let Some(project) = &facts.project else { return Vec::new() };
    let depends = |resource: &&std::sync::Arc<Resource>| resource.dependencies.iter().any(|dep| dep.on == *name);
    let lives =
        |resource: &&std::sync::Arc<Resource>| facts.is_running(&resource.name) || facts.is_serving(&resource.name);
    let alive = project.resources.iter().filter(depends).filter(lives);
    alive.map(|resource| format!("`{name}` is ended before `{}`, which depends on it", resource.name)).collect()
}

/// A start, and what it must respect.
struct StartOf<'a> {
    world: &'a World,
    snapshot: &'a Snapshot,
    cores: u32,
    definition: &'a Resource,
}

impl StartOf<'_> {
    fn facts(&self) -> &Facts {
        &self.world.facts
    }

    fn name(&self) -> &ResourceName {
        &self.definition.name
    }

    fn say(&self, text: impl std::fmt::Display) -> Option<String> {
        Some(format!("`{}` starts {text}", self.name()))
    }

    fn run(&self) -> Vec<String> {
        let faults = [
            self.is_allowed(),
            self.facts().is_running(self.name()).then(|| self.say("while its run goes on")).flatten(),
            self.slots(),
            self.writers(),
            self.order(),
            self.redundant(),
            self.fresh(),
        ];
        faults.into_iter().flatten().collect()
    }

    fn instance(&self) -> Vec<String> {
        let again = self.facts().is_serving(self.name());
        let first = self.is_first();
        let serve_alone = local(self.definition).cmd.is_none();
        let faults = [
            self.is_allowed(),
            again.then(|| self.say("a second server")).flatten(),
            self.facts().is_running(self.name()).then(|| self.say("its server while `cmd` runs")).flatten(),
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
        (never_served && !run.succeeded()).then(|| self.say("its server though its command failed")).flatten()
    }

    fn is_allowed(&self) -> Option<String> {
        let facts = self.facts();
        if facts.shutting_down {
            return self.say("while the session ends");
        }
        if !self.definition.enabled {
            return self.say("though it is disabled");
        }
        let asked = facts.asked.contains_key(self.name());
        let waits = self.definition.trigger_mode == TriggerMode::Manual && !self.definition.auto_init;
        if waits && !asked && self.is_first() && self.snapshot.goal == Goal::Up {
            return self.say("though nobody asked for it");
        }
        let stopped = facts.stopped.get(self.name());
        let asked_at = facts.asked.get(self.name());
        if stopped.is_some_and(|stopped_at| asked_at.is_none_or(|asked_at| asked_at < stopped_at)) {
            return self.say("though it was stopped");
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
        let others = facts.going_on().count();
        if others >= slots.max(1) as usize {
            return self.say(format_args!("as number {} of {slots}", others + 1));
        }
        let alone = |run: &&RunFacts| run.definition.as_ref().is_some_and(|one| !local(one).parallel);
        if let Some(other) = facts.going_on().find(alone) {
            return self.say(format_args!("beside `{}`, which shares with nothing", other.resource));
        }
        let shares = local(self.definition).parallel || others == 0;
        (!shares).then(|| self.say("beside others, though it shares with nothing")).flatten()
    }

    fn writers(&self) -> Option<String> {
        let facts = self.facts();
        for writer in facts.writers_of(self.name()) {
            if facts.is_running(&writer) {
                return self.say(format_args!("while `{writer}`, whose outputs it reads, runs"));
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
                return self.say(format_args!("though `{writer}`, whose outputs it reads, failed"));
            }
            if last.succeeded() && !last.script.feeds_itself() {
                if let Some(path) = self.known_change(last) {
                    return self.say(format_args!("before `{writer}`, which has to read {path} first"));
                }
            }
        }
        None
    }

    /// A file of which the engine was told earlier that it differs from what that run read.
    fn known_change(&self, last: &RunFacts) -> Option<FilePath> {
        let differs = |(path, told): &(&FilePath, &super::facts::Told)| {
            let now = self.world.disk.content(path);
            last.script.reads.iter().any(|root| path.is_within(root))
                && told.answered_at.is_some_and(|at| at < self.world.now)
                && told.content == Some(self.world.disk.digest(path))
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
        self.say(format_args!("before `{}` is {:?}", unmet.on, unmet.condition))
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
        self.say("again, though nothing changed that it reads, writes or is")
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
        let knew = told.content == Some(disk.digest(path)) && told.content_at < last.asked_at;
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
        (as_before && !moved)
            .then(|| self.say("though its record of an earlier session says that it is fresh"))
            .flatten()
    }
}

fn files_below(world: &World, roots: &[FilePath]) -> BTreeMap<FilePath, String> {
    world.disk.below(roots).map(|(path, file)| (path.clone(), file.content.clone())).collect()
}

/// Whether a resource has met that condition once in this session.
fn reached(facts: &Facts, snapshot: &Snapshot, name: &ResourceName, condition: Condition) -> bool {
    let once = facts.reached(name);
    let row = snapshot.rows.named(name);
    let alone = facts.resource(name).is_some_and(|resource| local(resource).serve.is_none());
    let fresh = row.is_some_and(|row| row.update == UpdateStatus::Ok);
    match condition {
        Condition::Started => once.started || fresh,
        Condition::Ready => once.ready || (fresh && alone),
        Condition::Succeeded => once.succeeded || (fresh && alone),
    }
}

/// Objections to a state in which nothing is going on.
pub(crate) fn at_rest(world: &World, snapshot: &Snapshot) -> Vec<String> {
    let Some(project) = &world.facts.project else { return Vec::new() };
    let mut faults = Vec::new();
    if !snapshot.at_rest && !world.facts.shutting_down {
        faults.push("nothing is going on, but the snapshot does not say `at_rest`".to_owned());
    }
    if snapshot.rows.len() != project.resources.len() {
        faults.push(format!("{} rows for {} resources", snapshot.rows.len(), project.resources.len()));
    }
    for resource in &project.resources {
        match snapshot.rows.named(&resource.name) {
            None => faults.push(format!("`{}` has no row", resource.name)),
            Some(row) => {
                let rest = Rest { world, snapshot, resource, row };
                faults.extend(rest.fault().map(|fault| format!("at rest, `{}` {fault}", resource.name)));
            }
        }
    }
    faults
}

/// A resource at rest.
struct Rest<'a> {
    world: &'a World,
    snapshot: &'a Snapshot,
    resource: &'a Resource,
    row: &'a Row,
}

impl Rest<'_> {
    fn fault(&self) -> Option<String> {
        let (facts, name) = (&self.world.facts, &self.resource.name);
        if facts.is_running(name) {
            return Some("runs".to_owned());
        }
        if !self.resource.enabled || facts.stopped.contains_key(name) {
            let asked = facts.asked.get(name) >= facts.stopped.get(name) && facts.asked.contains_key(name);
            let lives = facts.is_serving(name) && !asked;
            return lives.then(|| "serves though it is stopped or disabled".to_owned());
        }
        match &self.row.hold {
            None if self.row.dirty => Some("is dirty without a hold".to_owned()),
            None => self.work_is_true().or_else(|| self.server_is_true()),
            Some(hold) => {
                let unfounded = || format!("is held by {hold:?}, which is not so");
                let held = (!self.is_founded(hold)).then(unfounded);
                let work = || if self.row.dirty { None } else { self.work_is_true() };
                held.or_else(work)
            }
        }
    }

    /// It never had a reason to start by itself.
    fn is_waiting_for_user(&self) -> bool {
        !self.resource.auto_init && !self.world.facts.asked.contains_key(&self.resource.name)
    }

    /// The last run read and wrote what is there now.
    fn work_is_true(&self) -> Option<String> {
        let command = local(self.resource).cmd.as_ref()?;
        let Some(last) = self.world.facts.last_run(&self.resource.name) else {
            return (!self.is_waiting_for_user()).then(|| "is not dirty, but never ran".to_owned());
        };
        if self.is_waiting_for_user() {
            return None;
        }
        if !last.succeeded() {
            return Some(format!("is not dirty, but its last run ended with {:?}", last.exit));
        }
        if Script::of_command(command) != last.script {
            return Some("is not dirty, but its last run was of another definition".to_owned());
        }
        let current = files_below(self.world, &last.script.reads);
        let paths = last.read.keys().chain(current.keys());
        let own = |path: &FilePath| local(self.resource).outputs.iter().any(|root| path.is_within(root));
        let mut wrong = paths.filter(|path| last.read.get(*path) != current.get(*path) && !own(path));
        if let Some(path) = wrong.find(|path| !was_there_and_back(self.world, last, path)) {
            return Some(format!("is not dirty, but {path} is not what its last run read"));
        }
        let outputs = &local(self.resource).outputs;
        let declared = |path: &&FilePath| outputs.iter().any(|root| path.is_within(root));
        let edited = last.wrote.iter().find(|(path, content)| {
            declared(path)
                && !self.world.facts.tampered.contains(*path)
                && self.world.disk.content(path) != Some(content.as_str())
        });
        edited.map(|(path, _)| format!("is not dirty, but its output {path} is not what it wrote"))
    }

    fn server_is_true(&self) -> Option<String> {
        let serve = local(self.resource).serve.as_ref()?;
        let (facts, name) = (&self.world.facts, &self.resource.name);
        if !facts.is_serving(name) {
            return (!self.is_waiting_for_user()).then(|| "does not serve and nothing holds it".to_owned());
        }
        let instance = facts.last_instance(name)?;
        if instance.command.argv != serve.command.argv {
            return Some("serves another definition".to_owned());
        }
        let run = facts.last_run(name).filter(|run| run.session == facts.session);
        let behind = run.is_some_and(|run| run.over_at > Some(instance.asked_at));
        if local(self.resource).cmd.is_some() {
            return behind.then(|| "serves what was before its last run".to_owned());
        }
        let path = difference(&instance.at_start, &files_below(self.world, &local(self.resource).inputs.roots))?;
        Some(format!("serves, but {path} is not what its server started with"))
    }

    /// Whether the facts bear the hold out.
    fn is_founded(&self, hold: &Hold) -> bool {
        let (facts, name) = (&self.world.facts, &self.resource.name);
        let last = facts.last_run(name).filter(|run| run.session == facts.session);
        match hold {
            Hold::Manual => self.resource.trigger_mode == TriggerMode::Manual || !self.resource.auto_init,
            Hold::Failed => last.is_some_and(|run| {
                let current = files_below(self.world, &run.script.reads);
                matches!(run.exit, Some(Exit::Code(1..) | Exit::NotStarted(_) | Exit::Stopped))
                    && (self.resource.trigger_mode == TriggerMode::Manual
                        || difference(&run.read, &current).is_none()
                        || matches!(run.exit, Some(Exit::NotStarted(_))))
            }),
            Hold::WriterFailed(writer) => {
                facts.writers_of(name).contains(writer) && facts.last_run(writer).is_some_and(|run| !run.succeeded())
            }
            Hold::Writer(writer) => {
                let held = self.snapshot.rows.named(writer).is_some_and(|row| row.dirty && row.hold.is_some());
                let holds_nobody = |row: &Row| matches!(row.hold, Some(Hold::Manual | Hold::Disabled | Hold::Stopped));
                let gives_way = self.snapshot.rows.named(writer).is_some_and(|row| holds_nobody(row));
                facts.writers_of(name).contains(writer) && held && !gives_way
            }
            Hold::Dependency { on, condition, .. } => {
                let declared = |dep: &orch::model::Dependency| dep.on == *on && dep.condition == *condition;
                self.resource.dependencies.iter().any(declared) && !reached(facts, self.snapshot, on, *condition)
            }
            Hold::Ended => self.stays_ended(),
            Hold::SelfDirty { .. } => last.is_some_and(|run| run.script.feeds_itself()) || self.was_often_hit(),
            Hold::OrchfileLoading => facts.broken && facts.project.is_none(),
            Hold::ShuttingDown => facts.shutting_down,
            Hold::Stopped | Hold::Disabled => false,
            Hold::Settling
            | Hold::Slot
            | Hold::Exclusive(_)
            | Hold::Running
            | Hold::Stopping
            | Hold::Backoff { .. } => false,
        }
    }

    /// Something that it reads was written during (or right after) five of its last runs: nobody can tell who did it.
    fn was_often_hit(&self) -> bool {
        let facts = &self.world.facts;
        let Some(runs) = facts.runs_of.get(&self.resource.name) else { return false };
        let hit = |run: &&RunFacts| {
            let until = run.over_at.unwrap_or(self.world.now) + ECHO;
            let within = |(at, path): &(Time, FilePath)| {
                // The report of a write comes a little later than the write.
                run.asked_at <= *at + REPORT && *at <= until && run.script.reads.iter().any(|root| path.is_within(root))
            };
            facts.writes.iter().any(within)
        };
        runs.iter().rev().filter_map(|run| facts.runs.get(run)).take(7).filter(hit).count() >= 5
    }

    fn stays_ended(&self) -> bool {
        let Some(project) = &self.world.facts.project else { return false };
        let Some(serve) = &local(self.resource).serve else { return false };
        let Some(exit) = self.world.facts.last_instance(&self.resource.name).and_then(|one| one.exit.clone()) else {
            return false;
        };
        match serve.restart {
            Some(Restart::Always) => false,
            Some(Restart::OnFailure) => exit.is_success(),
            Some(Restart::Never) => true,
            None => exit.is_success() || !project.mode.restarts_by_default(),
        }
    }
}

/// A file changed during the run and changed back before anybody looked: nobody can know what the run saw.
fn was_there_and_back(world: &World, last: &RunFacts, path: &FilePath) -> bool {
    let saw = last.read.get(path).map(|content| Digest::of(content.as_bytes()));
    let answers = &world.facts.answers;
    let told = answers.iter().any(|(at, told, digest)| *at >= last.asked_at && told == path && *digest == saw);
    !told && last.at_start.get(path).map(String::as_str) == world.disk.content(path)
}

/// The first path by which two states differ.
fn difference(one: &BTreeMap<FilePath, String>, other: &BTreeMap<FilePath, String>) -> Option<FilePath> {
    let paths = one.keys().chain(other.keys());
    paths.filter(|path| one.get(*path) != other.get(*path)).min().cloned()
}

/// What keeps `orch ci` from succeeding, by the facts: commands that failed, servers that ended unasked, and what never ran.
pub(crate) fn verdict(facts: &Facts) -> Vec<String> {
    let Some(project) = &facts.project else { return vec!["no project".to_owned()] };
    // What does not start with the session may still be started by a change: by new outputs that it reads.
    let ran = |resource: &Resource| facts.last_run(&resource.name).is_some();
    let wanted = project.resources.iter().filter(|one| one.enabled && (one.auto_init || ran(one)));
    wanted.filter_map(|resource| trouble(facts, resource)).collect()
}

fn trouble(facts: &Facts, resource: &Resource) -> Option<String> {
    let name = &resource.name;
    if local(resource).cmd.is_some() {
        match facts.last_run(name) {
            None => return Some(format!("`{name}` never ran")),
            Some(run) if !run.succeeded() => return Some(format!("`{name}` ended with {:?}", run.exit)),
            Some(_) => {}
        }
    }
    let serve = local(resource).serve.as_ref()?;
    let Some(instance) = facts.last_instance(name) else { return Some(format!("`{name}` never served")) };
    let unasked = facts.instances_of[name].iter().any(|id| {
        let one = &facts.instances[id];
        let in_time = facts.first_stop_at.is_none_or(|end| one.told_at.is_some_and(|at| at <= end));
        in_time && !one.stop_asked && one.exit.as_ref().is_some_and(|exit| *exit != Exit::Stopped)
    });
    let ended_well = instance.exit.as_ref().is_some_and(Exit::is_success);
    let allowed = match serve.restart {
        Some(Restart::Always | Restart::OnFailure) => true,
        Some(Restart::Never) => ended_well,
        None => false,
    };
    if unasked && !allowed {
        return Some(format!("the server of `{name}` ended: {:?}", instance.exit));
    }
    (!facts.reached(name).ready && !allowed).then(|| format!("`{name}` was never ready"))
}

/// Those whose `teardown_cmd` did not run.
pub(crate) fn teardowns_missing(facts: &Facts) -> Vec<ResourceName> {
    let Some(project) = &facts.project else { return Vec::new() };
    let ran = |name: &ResourceName| facts.runs.values().any(|run| run.resource == *name && run.is_teardown());
    let with = project.resources.iter().filter(|resource| resource.enabled && local(resource).teardown.is_some());
    with.map(|resource| resource.name.clone()).filter(|name| !ran(name)).collect()
}
