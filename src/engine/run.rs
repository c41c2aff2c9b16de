//! Runs: starting, cancelling and what their ends mean.

use super::{
    build, button, clean, command,
    dirt::{Dirt, Saw},
    edges,
    effect::Effect,
    event::RunEnd,
    itself, live,
    node::NodeId,
    phase::{Cancelled, LastRun, RunPhase, Running, Serving, Work},
    raise, removal, say, serve, shutdown,
    state::State,
};
use crate::{
    model::{Exit, Level, RunId},
    snapshot::{Cause, Hold, RunRow, Step},
};
use std::time::Duration;

/// What arrives so soon after a run may have been written by it.
pub(super) const ECHO: Duration = Duration::from_millis(100);

/// A run that ended, with what its end is judged by.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) row: RunRow,
    /// What made it start.
    pub(super) dirt: Dirt,
    /// How the run before it ended.
    pub(super) before: LastRun,
    /// Why it was told to end.
    pub(super) cancelled: Option<Cancelled>,
    /// How it ended.
    pub(super) exit: Exit,
}

/// Takes what made the node dirty, and says why its run starts.
pub(super) fn take(state: &mut State, id: NodeId) -> (Dirt, Cause) {
    let cause = match &state.nodes[id].wish {
        Some(wish) => wish.cause.clone(),
        None => state.nodes[id].dirt.cause(|writer| state.nodes[writer].name.clone()),
    };
    itself::count(state, id);
    let now = (state.step, state.now);
    let node = state.node(id);
    node.wish = None;
    node.skipped = None;
    node.said = None;
    node.knowledge.saw.clear();
    node.knowledge.ran = Some(now);
    node.knowledge.checked = false;
    (std::mem::take(&mut node.dirt), cause)
}

/// The row of a run that starts now; says so.
pub(super) fn open(state: &mut State, id: NodeId, step: Step, cause: Cause) -> RunRow {
    let run = state.ids.next_run();
    let row = RunRow { run, step, cause, started_at: state.now, ended_at: None, exit: None, failed_command: None };
    say::run_starts(state, id, &row);
    row
}

/// The run was asked for and goes on.
pub(super) fn goes_on(state: &mut State, id: NodeId, row: RunRow, dirt: Dirt, work: Work) {
    state.runs.insert(row.run, id);
    let node = state.node(id);
    let before = std::mem::take(&mut node.last);
    let (run, takes_slot) = (row.run, work.takes_slot());
    node.run = RunPhase::Running(Box::new(Running { run, row, dirt, before, cancelled: None, work }));
    let is_alone = !node.what.is_parallel();
    if takes_slot {
        state.queue.starts(id, is_alone);
    }
    // Containers have started when they were started.
    if !state.nodes[id].what.is_workload() {
        edges::reach_started(state, id);
    }
    state.touch(id);
}

/// Tells a run to end.
pub(super) fn cancel(state: &mut State, id: NodeId, why: Cancelled) {
    let grace = state.grace();
    if let Some(running) = state.node(id).running() {
        let is_new = running.cancelled.is_none();
        if running.cancelled != Some(Cancelled::Stopped) {
            running.cancelled = Some(why);
        }
        let run = running.run;
        if is_new {
            state.emit(Effect::CancelRun { run, grace });
        }
    }
    state.touch(id);
}

/// A run ended.
pub(super) fn on_run_ended(state: &mut State, run: RunId, end: RunEnd) {
    if removal::on_stray_ended(state, run, &end.exit)
        || clean::on_ended(state, run, &end.exit)
        || button::on_run_ended(state, run, &end)
    {
        return;
    }
    let Some(id) = state.runs.remove(&run) else { return };
    state.touch(id);
    state.queue.ends(id, state.now);
    match std::mem::take(&mut state.node(id).run) {
        RunPhase::Running(running) => on_ended(state, id, *running, end),
        RunPhase::TearingDown(row) => shutdown::on_teardown_ended(state, id, row, &end),
        phase @ (RunPhase::Idle | RunPhase::Checking(_)) => state.node(id).run = phase,
    }
}

fn on_ended(state: &mut State, id: NodeId, running: Running, end: RunEnd) {
    let Running { run: _, mut row, dirt, before, mut cancelled, work } = running;
    // What ends since that went away on which it ran has not failed.
    let is_cut = !matches!(work, Work::Command(_)) && state.is_out_of_reach(&state.nodes[id]) && !end.exit.is_success();
    if is_cut {
        cancelled = cancelled.or(Some(Cancelled::Lost));
    }
    row.ended_at = Some(state.now);
    row.exit = Some(end.exit.clone());
    row.failed_command.clone_from(&end.failed_command);
    say::run_ended(state, id, &row, cancelled);
    let node = state.node(id);
    node.superseded = if cancelled == Some(Cancelled::Superseded) { node.superseded + 1 } else { 0 };
    let resource = state.nodes[id].name.clone();
    state.emit(Effect::RecordRun { resource, run: row.clone() });
    state.node(id).record(row.clone());
    let over = Over { row, dirt, before, cancelled, exit: end.exit.clone() };
    match work {
        Work::Command(command) => command::on_ended(state, id, over, command, end),
        Work::Build(build) => build::on_ended(state, id, over, build, end.made),
        Work::Raise(raise) => raise::on_ended(state, id, over, *raise, end),
        Work::Update(update) => live::on_ended(state, id, over, *update),
    }
}

/// The run did not succeed: what it took counts again if it was told to end.
pub(super) fn fail(state: &mut State, id: NodeId, over: &Over) {
    let now = state.now;
    let node = state.node(id);
    let Some(cancelled) = over.cancelled else {
        node.last = LastRun::Failed(over.exit.clone());
        return;
    };
    if !node.dirt.is_change() {
        node.changed_at = now;
    }
    // What a run that was cut short saw decides nothing: these files count as changed whatever they hold.
    for path in over.dirt.files.keys() {
        node.knowledge.saw.insert(path.clone(), Saw::Unknown);
    }
    node.last = over.before.clone();
    let cause = over.row.cause.clone();
    match cancelled {
        Cancelled::Stopped | Cancelled::Lost => node.dirt.restore(over.dirt.clone(), cause),
        Cancelled::Superseded => {
            // What only stands here because the run was ended says nothing of who made the node dirty.
            node.itself.during.extend(over.dirt.files.keys().cloned());
            node.dirt.restore_superseded(over.dirt.files.clone(), cause);
        }
    }
}

/// What every success leads to: conditions are met, and the server is started anew.
pub(super) fn after_success(state: &mut State, id: NodeId, serving: Option<Serving>) {
    state.touch(id);
    // What served until now was not made by this run: that it is ready says nothing of what comes in its place.
    serve::replace(state, id, serving);
    reach_success(state, id);
}

pub(super) fn reach_success(state: &mut State, id: NodeId) {
    edges::reach_started(state, id);
    if state.nodes[id].what.has_runs() {
        edges::reach_succeeded(state, id);
    }
}

/// What is shown as the row of the run that goes on.
pub(super) fn current(phase: &RunPhase) -> Option<&RunRow> {
    match phase {
        RunPhase::Running(running) => Some(&running.row),
        RunPhase::TearingDown(row) => Some(row),
        RunPhase::Idle | RunPhase::Checking(_) => None,
    }
}

/// The hold of a node whose own run goes on.
pub(super) fn own_hold(phase: &RunPhase, shutting_down: bool) -> Option<Hold> {
    match phase {
        RunPhase::Running(running) if running.cancelled.is_some() => Some(Hold::Stopping),
        RunPhase::Running(_) => Some(Hold::Running),
        RunPhase::TearingDown(_) => Some(if shutting_down { Hold::ShuttingDown } else { Hold::Stopping }),
        RunPhase::Idle | RunPhase::Checking(_) => None,
    }
}

/// Warns in the log of a node.
pub(super) fn warn(state: &mut State, id: NodeId, text: &str) {
    state.say(id, None, Level::Warning, text.to_owned());
}
