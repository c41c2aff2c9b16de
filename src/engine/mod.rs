//! The deterministic core: events in, effects out. No I/O, clock, thread, randomness or hash order.
//!
//! [`Engine::handle`] is the one door. One module a concern:
//!
//! - `evaluation`, `reload`, `links`: the Orchfile, and what a new project changes.
//! - `changes`, `knowledge`: from saved files to dirty nodes.
//! - `fresh`: what need not run. `schedule`, `edges`: what starts now, and why the rest waits.
//! - `run`, `command`, `serve`, `probe`: the two machines of a node; `pause`: what is tried again later; `proof`: what nothing checks;
//!   `itself`: those that feed themselves.
//! - `image`, `record`, `build`: images, what is known of them from before, and how they are made.
//! - `workload`, `need`, `compare`: what lives on an engine or a cluster, what it needs, and what it holds of the files.
//! - `button`: commands that run when a user presses something.
//! - `stop`, `switch`, `takedown`, `shutdown`, `verdict`: what users ask for, and how things end. `rows`, `say`: what people see.

mod adopt;
mod backend;
mod build;
mod button;
mod changes;
mod clean;
mod command;
mod compare;
mod container;
mod deadline;
mod dirt;
mod docker;
mod edges;
pub mod effect;
mod evaluation;
pub mod event;
mod fresh;
mod image;
mod itself;
mod knowledge;
mod kube;
mod links;
mod live;
mod need;
mod node;
mod observe;
mod oracle;
mod pause;
mod phase;
mod plan;
mod probe;
mod proof;
mod prune;
mod raise;
mod record;
mod reload;
mod removal;
mod rows;
mod run;
mod say;
mod schedule;
mod serve;
mod shutdown;
mod sight;
mod state;
mod stop;
mod switch;
mod takedown;
mod verdict;
mod what;
mod workload;

pub use effect::{
    AppliedObject, ApplyOrder, BuildOrder, CommandSpec, CustomCommand, DockerEffect, Effect, ExpectedObject,
    KubeEffect, PodSearch, PodUpdateOrder, PortCheck, RaiseOrder, UpdateOrder,
};
pub use event::{
    DockerEvent, DockerSeen, EvaluationOutcome, Event, KubeEvent, KubeSeen, Made, ProbeResult, Request, RunEnd,
    TakenFile,
};

use crate::{
    model::{EvaluationId, ImageKey, ImageRecord, InstanceId, Overlay, RequestId, ResourceName, RunId, Success, Time},
    snapshot::{Goal, Snapshot},
};
use deadline::Deadline;
use state::{Ids, State};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Above so many nodes the oracle is not asked after each event of a debug build.
const ORACLE_NODES_MAX: usize = 500;

/// What a session begins with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// What the session is for.
    pub goal: Goal,
    /// How many cores the machine has.
    pub cores: u32,
    /// The first run's number.
    pub first_run: RunId,
    /// The first instance's number.
    pub first_instance: InstanceId,
    /// Images of earlier sessions.
    pub images: BTreeMap<ImageKey, Arc<ImageRecord>>,
    /// What earlier sessions changed in containers.
    pub overlays: BTreeMap<ResourceName, Arc<Overlay>>,
    /// `orch down --volumes`.
    pub volumes: bool,
    /// `orch down --delete-namespaces`.
    pub namespaces: bool,
    /// Successes of earlier sessions.
    pub remembered: BTreeMap<ResourceName, Success>,
    /// How long `orch ci` may take, instead of what the file says; zero is without end.
    pub ci_timeout: Option<Duration>,
}

/// Decides everything: takes events, gives effects. The same events at the same times give the same effects.
#[derive(Debug)]
pub struct Engine {
    state: State,
}

impl Engine {
    /// The engine of a session that has not begun.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let ids = Ids {
            run: config.first_run,
            instance: config.first_instance,
            evaluation: EvaluationId(1),
            request: RequestId(1),
            turn: 0,
        };
        Self { state: State::new(config, ids) }
    }

    /// Limits a [`Goal::Down`] to these resources.
    #[must_use]
    pub fn down_only(mut self, names: BTreeSet<ResourceName>) -> Self {
        self.state.down_only = Some(names);
        self
    }

    /// Has a [`Goal::Ci`] go on after a failure with all that does not need what failed.
    #[must_use]
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.state.keep_going = keep_going;
        self
    }

    /// Says when the session began, in milliseconds since 1970, and what evaluations of the Orchfile get.
    #[must_use]
    pub fn began(mut self, unix_ms: u64, args: Vec<String>) -> Self {
        self.state.began_ms = Some(unix_ms);
        self.state.args = Arc::new(args);
        self
    }

    /// Applies one event at `now` and returns what the world must do about it. Time never goes back: an earlier `now`
    /// counts as the last one.
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Effect> {
        let state = &mut self.state;
        if state.finished {
            return Vec::new();
        }
        state.now = state.now.max(now);
        state.step += 1;
        apply(state, event);
        expire_deadlines(state);
        settle(state);
        self.assert_invariants();
        std::mem::take(&mut self.state.effects)
    }

    /// When `handle` wants to be called with [`Event::Woke`] at the latest.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        self.state.deadlines.next()
    }

    /// What readers see now. Shares all rows that did not change with the snapshot before; is that very snapshot if
    /// nothing changed.
    pub fn snapshot(&mut self) -> Arc<Snapshot> {
        rows::snapshot(&mut self.state)
    }

    /// Whether something may have changed since the last snapshot.
    #[must_use]
    pub fn changed(&self) -> bool {
        rows::changed(&self.state)
    }

    /// Recomputes from scratch what is kept up to date event by event, and tells what differs: counts, flags, holds, and
    /// rows of the last snapshot that were not marked as changed. Costs all nodes; for tests and debug builds.
    #[must_use]
    pub fn oracle(&self) -> Vec<String> {
        oracle::faults(&self.state)
    }

    /// The names of the rows in a just taken snapshot that differ from a row made anew. Costs all nodes; for tests.
    #[must_use]
    pub fn stale_rows(&self, snapshot: &Snapshot) -> Vec<String> {
        oracle::stale_rows(&self.state, &snapshot.rows)
    }

    fn assert_invariants(&self) {
        if cfg!(debug_assertions) && self.state.nodes.len() <= ORACLE_NODES_MAX {
            let faults = self.oracle();
            assert!(faults.is_empty(), "at {}: {}", self.state.now, faults.join("; "));
        }
    }
}

fn apply(state: &mut State, event: Event) {
    match event {
        Event::SessionStarted => on_session_started(state),
        Event::EvaluationRead { evaluation, inputs } => evaluation::on_evaluation_read(state, evaluation, &inputs),
        Event::EvaluationEnded { evaluation, outcome } => evaluation::on_evaluation_ended(state, evaluation, outcome),
        Event::FilesChanged { paths } => changes::on_files_changed(state, paths),
        Event::GitLockChanged { held } => changes::on_git_lock_changed(state, held),
        Event::DigestsTaken { request, digests } => changes::on_digests_taken(state, request, digests),
        Event::SetTaken { request, files } => fresh::on_set_taken(state, request, files),
        // A run counts as running from the moment it was asked for.
        Event::RunStarted { run: _, pid: _ } | Event::Woke => {}
        Event::RunEnded { run, end } => run::on_run_ended(state, run, end),
        Event::LeftoversEnded { run } => command::on_leftovers_ended(state, run),
        Event::InstanceStarted { instance, pid } => serve::on_instance_started(state, instance, pid),
        Event::InstanceEnded { instance, exit } => serve::on_instance_ended(state, instance, &exit),
        Event::ReadyLineSeen { instance } => serve::on_ready_line_seen(state, instance),
        Event::Probed { request, result } => probe::on_probed(state, request, result),
        Event::Docker(event) => docker::on_event(state, event),
        Event::Kube(event) => kube::on_event(state, event),
        Event::Asked(request) => stop::on_asked(state, request),
    }
}

fn on_session_started(state: &mut State) {
    verdict::set_timeout(state);
    evaluation::begin(state);
}

fn expire_deadlines(state: &mut State) {
    while let Some(due) = state.deadlines.pop_due(state.now) {
        match due {
            Deadline::Settle => changes::on_due(state),
            Deadline::WatchReads => evaluation::watch(state),
            Deadline::CiTimeout => verdict::on_timeout(state),
            Deadline::Backoff(id) => pause::on_over(state, id),
            Deadline::SelfDirty(id) => itself::on_another_chance(state, id),
            Deadline::Probe(id) => probe::check(state, id),
            Deadline::Readiness(id) => verdict::on_not_ready(state, id),
            Deadline::Prune => prune::on_due(state),
            Deadline::Trouble(id) => verdict::on_trouble(state, id),
            Deadline::Slow(id) => say::slow(state, id),
            Deadline::Lived(id) => proof::on_lived(state, id),
        }
    }
}

/// Follows the event to its end: until nothing more starts, ends or is decided by it.
fn settle(state: &mut State) {
    loop {
        schedule::work(state);
        verdict::judge(state);
        shutdown::advance(state);
        if state.agenda.is_empty() {
            return;
        }
    }
}
