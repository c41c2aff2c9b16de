//! What must be true when nothing is going on.

use super::{difference, docker, files_below, local, may_be_stale, reached, was_there_and_back};
use crate::sim::{facts::RunFacts, script::Script, world::World};
use orch::{
    model::{Condition, Dependency, Exit, FilePath, Health, Mode, Project, Resource, Restart, Time, TriggerMode},
    snapshot::{Hold, Row, RuntimeStatus, Snapshot, UpdateStatus},
};
use std::time::Duration;

/// How long the report of a write may take.
const REPORT: Duration = Duration::from_millis(100);

/// How long after a run a write may be taken for its own.
const ECHO: Duration = Duration::from_millis(500);

/// Objections to a state in which nothing is going on.
pub(crate) fn at_rest(world: &World, snapshot: &Snapshot) -> Vec<String> {
    let Some(project) = &world.facts.project else { return Vec::new() };
    let mut faults = Vec::new();
    if !snapshot.at_rest && !world.facts.shutting_down && !checks_go_on(world) {
        faults.push("nothing is going on, but the snapshot does not say `at_rest`".to_owned());
    }
    if snapshot.rows.len() != project.resources.len() {
        faults.push(format!("{} rows for {} resources", snapshot.rows.len(), project.resources.len()));
    }
    for resource in &project.resources {
        match snapshot.rows.named(&resource.name) {
            None => faults.push(format!("`{}` has no row", resource.name)),
            Some(row) => {
                let rest = Rest { world, snapshot, project, resource, row };
                faults.extend(rest.fault().map(|fault| format!("at rest, `{}` {fault}", resource.name)));
            }
        }
    }
    faults
}

/// A check of a container may still pass, though nobody sees it at work.
fn checks_go_on(world: &World) -> bool {
    world.docker.containers.values().any(|one| one.is_running() && one.health.is_some_and(|it| it != Health::Healthy))
}

/// A resource at rest.
struct Rest<'a> {
    world: &'a World,
    snapshot: &'a Snapshot,
    project: &'a Project,
    resource: &'a Resource,
    row: &'a Row,
}

impl Rest<'_> {
    /// What is to be known of its containers, if it has some.
    fn docker(&self) -> Option<docker::Rest<'_>> {
        let Self { world, snapshot, project, resource, row } = *self;
        let container = resource.kind.container()?;
        Some(docker::Rest { world, snapshot, project, resource, container, row })
    }

    fn fault(&self) -> Option<String> {
        let (facts, name) = (&self.world.facts, &self.resource.name);
        if self.resource.kind.kube().is_some() {
            // What a cluster has is checked by the cases' traces.
            return (self.row.dirty && self.row.hold.is_none()).then(|| "is dirty without a hold".to_owned());
        }
        if facts.is_running(name) || facts.docker.is_running(name, facts.session) {
            return Some("runs".to_owned());
        }
        if !self.resource.enabled || facts.stopped.contains_key(name) {
            let asked = facts.asked.get(name) >= facts.stopped.get(name) && facts.asked.contains_key(name);
            let lives = facts.is_serving(name) && !asked;
            if let Some(docker) = self.docker().filter(|_| !asked) {
                return docker.is_silent();
            }
            return lives.then(|| "serves though it is stopped or disabled".to_owned());
        }
        if let Some(fault) = self.docker().and_then(|docker| docker.images_are_true()) {
            return Some(fault);
        }
        match &self.row.hold {
            None if let Some(docker) = self.docker() => docker.unheld(),
            None if self.row.dirty => Some("is dirty without a hold".to_owned()),
            None => self.work_is_true().or_else(|| self.server_is_true()),
            Some(hold) => {
                let unfounded = || format!("is held by {hold:?}, which is not so");
                let objection = (!self.is_founded(hold)).then(unfounded);
                let work = || if self.row.dirty { None } else { self.work_is_true() };
                objection.or_else(work)
            }
        }
    }

    /// It never had a reason to start by itself.
    fn is_waiting_for_user(&self) -> bool {
        !self.resource.auto_init && !self.world.facts.asked.contains_key(&self.resource.name)
    }

    /// The last run read and wrote what is there now.
    fn work_is_true(&self) -> Option<String> {
        let command = self.resource.kind.local()?.cmd.as_ref()?;
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
        let serve = self.resource.kind.local()?.serve.as_ref()?;
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
        (!self.was_hit_around(&path, instance.asked_at))
            .then(|| format!("serves, but {path} is not what its server started with"))
    }

    /// The file was written right before and right after that: nobody can tell what was seen of it.
    fn was_hit_around(&self, path: &FilePath, asked_at: Time) -> bool {
        let margin = REPORT * 2;
        let writes = || self.world.facts.writes.iter().filter(|(_, written)| written == path).map(|(at, _)| *at);
        writes().any(|at| at <= asked_at && asked_at <= at + margin)
            && writes().any(|at| at > asked_at && at <= asked_at + margin)
    }

    /// Whether the facts bear the hold out.
    fn is_founded(&self, hold: &Hold) -> bool {
        let (facts, name) = (&self.world.facts, &self.resource.name);
        let last = facts.last_run(name).filter(|run| run.session == facts.session);
        if let Some(founded) = self.docker().and_then(|docker| docker.is_founded(hold)) {
            return founded;
        }
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
                let waits = self.snapshot.rows.named(writer).is_some_and(|row| row.dirty && row.hold.is_some());
                let holds_nobody = |row: &Row| matches!(row.hold, Some(Hold::Manual | Hold::Disabled | Hold::Stopped));
                let gives_way = self.snapshot.rows.named(writer).is_some_and(|row| holds_nobody(row));
                facts.writers_of(name).contains(writer) && waits && !gives_way
            }
            Hold::Dependency { on, condition, .. } => {
                let declared = |dep: &Dependency| dep.on == *on && dep.condition == *condition;
                let stale = self.snapshot.rows.named(on).is_some_and(|row| may_be_stale(facts, row));
                let met = reached(facts, self.snapshot, on, *condition) && !stale;
                // What was found to be up to date has begun too.
                let has_begun = last.is_some() || facts.reached(name).started;
                let moves = self.waits_before_each_run(*condition)
                    && self.snapshot.rows.named(on).is_some_and(|row| is_astray(row));
                self.resource.dependencies.iter().any(declared) && (!met || has_begun && moves)
            }
            Hold::Ended => self.stays_ended(),
            Hold::SelfDirty { .. } => last.is_some_and(|run| run.script.feeds_itself()) || self.was_often_hit(),
            Hold::OrchfileLoading => facts.broken && facts.project.is_none(),
            Hold::ShuttingDown => facts.shutting_down,
            Hold::Stopped | Hold::Disabled => false,
            // Those of Docker are looked at above.
            Hold::Image(_) | Hold::ImageFailed(_) | Hold::Unneeded | Hold::Docker(_) => false,
            Hold::Cluster(_) | Hold::Starting => false,
            Hold::Settling
            | Hold::Slot
            | Hold::Exclusive(_)
            | Hold::Running
            | Hold::Stopping
            | Hold::Backoff { .. } => false,
        }
    }

    /// A command that serves nothing waits not only once, in an Orchfile.
    fn waits_before_each_run(&self, condition: Condition) -> bool {
        let is_orchfile = self.world.facts.project.as_ref().is_some_and(|project| project.mode == Mode::Orchfile);
        let serves_nothing = self.resource.kind.local().is_some_and(|local| local.serve.is_none());
        is_orchfile && serves_nothing && condition != Condition::Started
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
        let Some(serve) = self.resource.kind.local().and_then(|local| local.serve.as_ref()) else { return false };
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

/// Whether what a row shows is out of date, broken or not ready.
fn is_astray(row: &Row) -> bool {
    let serves_badly = !matches!(row.runtime, RuntimeStatus::Ok | RuntimeStatus::NotApplicable);
    row.dirty || row.update == UpdateStatus::Error || serves_badly
}
