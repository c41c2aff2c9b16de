//! Runs: starting, cancelling and what their ends mean.

use super::{
    changes,
    dirt::{Dirt, Saw},
    edges,
    effect::{CommandSpec, Effect},
    evaluation,
    event::RunEnd,
    fresh, knowledge,
    node::{NodeId, SelfDirt},
    phase::{Cancelled, LastRun, RunPhase, Running, Serving},
    say, serve, shutdown,
    state::State,
};
use crate::{
    model::{Command, Digest, Exit, FilePath, FileSet, Level, RunId},
    snapshot::{Cause, Hold, RunRow, Skip, Step},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// What arrives so soon after a run may have been written by it.
pub(super) const ECHO: Duration = Duration::from_millis(100);

/// A command with the environment that it gets.
pub(super) fn spec_of(state: &State, command: &Command) -> CommandSpec {
    let mut env = state.project.as_ref().map(|project| project.environment.clone()).unwrap_or_default();
    env.extend(command.env.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
    CommandSpec { argv: command.argv.clone(), dir: command.dir.clone(), env }
}

/// The server that follows a success with the present definition.
pub(super) fn serving_of(state: &State, id: NodeId) -> Option<Serving> {
    let serve = state.nodes[id].local().serve.clone()?;
    let command = spec_of(state, &serve.command);
    Some(Serving { serve, command })
}

/// Takes what made the node dirty, and says why its run starts.
fn take_cause(state: &mut State, id: NodeId) -> (Dirt, Cause) {
    let cause = match &state.nodes[id].wish {
        Some(wish) => wish.cause.clone(),
        None => state.nodes[id].dirt.cause(|writer| state.nodes[writer].name.clone()),
    };
    count_self_dirt(state, id);
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

/// Whether the node is dirty by nothing but what was written while its last run ran, and by writers: these may have run
/// because of it.
pub(super) fn is_self_dirty(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let has_other_cause =
        node.wish.is_some() || node.dirt.first || node.dirt.definition || !node.dirt.outputs.is_empty();
    let mut edited = edited(&node.dirt).peekable();
    !has_other_cause && edited.peek().is_some() && edited.all(|path| node.itself.during.contains(path))
}

/// Files that differ, but for those that writers wrote.
fn edited(dirt: &Dirt) -> impl Iterator<Item = &FilePath> {
    dirt.files.iter().filter(|(_, mark)| mark.by.is_none()).map(|(path, _)| path)
}

/// A path by which the node made itself dirty each time.
pub(super) fn self_dirty_path(state: &State, id: NodeId) -> Option<&FilePath> {
    let node = &state.nodes[id];
    edited(&node.dirt).find(|path| node.itself.streak == 0 || node.itself.paths.contains(*path))
}

fn count_self_dirt(state: &mut State, id: NodeId) {
    let is_self_dirty = is_self_dirty(state, id);
    let node = state.node(id);
    if is_self_dirty {
        let paths = edited(&node.dirt).filter(|path| node.itself.streak == 0 || node.itself.paths.contains(*path));
        node.itself.paths = paths.cloned().collect();
        node.itself.streak += 1;
        node.itself.during.clear();
        node.itself.echo_until = None;
        node.itself.on_parole = false;
        state.self_dirty.insert(id);
    } else {
        node.itself = SelfDirt::default();
        state.self_dirty.remove(&id);
    }
}

/// Starts the run of a command.
pub(super) fn start(state: &mut State, id: NodeId) {
    let Some(command) = state.nodes[id].local().cmd.clone() else { return };
    let has_outputs = !state.nodes[id].local().outputs.is_empty();
    let definition = has_outputs.then(|| fresh::definition_of(state, id));
    let inputs = state.nodes[id].knowledge.inputs.filter(|_| has_outputs);
    let (dirt, cause) = take_cause(state, id);
    let run = state.ids.next_run();
    let row = RunRow { run, step: Step::Command, cause, started_at: state.now, ended_at: None, exit: None };
    say::run_starts(state, id, &row);
    let name = state.nodes[id].name.clone();
    if state.remembered.remove(&name).is_some() {
        state.emit(Effect::Forget { resource: name.clone() });
    }
    let serving = serving_of(state, id);
    let before = std::mem::take(&mut state.node(id).last);
    let outputs = state.nodes[id].output_set.clone();
    let command = spec_of(state, &command);
    state.emit(Effect::StartRun {
        run,
        resource: name,
        command,
        outputs,
        own_sessions: state.mode().ends_own_sessions(),
        grace: state.mode().stop_grace(),
    });
    state.runs.insert(run, id);
    let written = std::collections::BTreeSet::new();
    state.node(id).run = RunPhase::Running(Box::new(Running {
        run,
        row,
        dirt,
        definition,
        inputs,
        serving,
        before,
        cancelled: None,
        written,
    }));
    state.queue.starts(id, !state.nodes[id].local().parallel);
    edges::reach_started(state, id);
    state.touch(id);
}

/// A resource with nothing but a server has runs that end at once.
pub(super) fn run_at_once(state: &mut State, id: NodeId) {
    let (_, cause) = take_cause(state, id);
    let run = state.ids.next_run();
    let now = state.now;
    let row =
        RunRow { run, step: Step::Command, cause, started_at: now, ended_at: Some(now), exit: Some(Exit::Code(0)) };
    say::run_starts(state, id, &row);
    let resource = state.nodes[id].name.clone();
    state.emit(Effect::RecordRun { resource, run: row.clone() });
    state.node(id).record(row);
    state.node(id).last = LastRun::Succeeded;
    edges::reach_started(state, id);
    let serving = serving_of(state, id);
    after_success(state, id, serving);
    fresh::ask_in_background(state, id);
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
    let Some(id) = state.runs.remove(&run) else { return };
    state.touch(id);
    state.queue.ends(id, state.now);
    match std::mem::take(&mut state.node(id).run) {
        RunPhase::Running(running) => on_command_ended(state, id, *running, end),
        RunPhase::TearingDown(row) => shutdown::on_teardown_ended(state, id, row, &end),
        phase @ (RunPhase::Idle | RunPhase::Checking(_)) => state.node(id).run = phase,
    }
}

fn on_command_ended(state: &mut State, id: NodeId, running: Running, end: RunEnd) {
    let mut row = running.row.clone();
    row.ended_at = Some(state.now);
    row.exit = Some(end.exit.clone());
    if end.leftovers {
        state.leftovers.insert(row.run, id);
        state.node(id).leftovers.insert(row.run, false);
    }
    say::run_ended(state, id, &row, running.cancelled);
    let resource = state.nodes[id].name.clone();
    state.emit(Effect::RecordRun { resource, run: row.clone() });
    let until = state.now + ECHO;
    let node = state.node(id);
    node.record(row.clone());
    node.itself.echo_until = Some(until);
    if end.leftovers && !edges::counts(state, id) {
        stop_leftovers(state, id);
    }
    if end.exit.is_success() {
        succeed(state, id, running, end.outputs);
    } else {
        fail(state, id, &running, end.exit, row.cause);
    }
    fresh::ask_in_background(state, id);
}

fn fail(state: &mut State, id: NodeId, running: &Running, exit: Exit, cause: Cause) {
    let now = state.now;
    let node = state.node(id);
    node.knowledge.outputs = None;
    if let Some(cancelled) = running.cancelled {
        if !node.dirt.is_change() {
            node.changed_at = now;
        }
        // What a run that was cut short saw decides nothing: these files count as changed whatever they hold.
        for path in running.dirt.files.keys() {
            node.knowledge.saw.insert(path.clone(), Saw::Unknown);
        }
        node.last = running.before.clone();
        match cancelled {
            Cancelled::Stopped => node.dirt.restore(running.dirt.clone(), cause),
            Cancelled::Superseded => {
                // What only stands here because the run was ended says nothing of who made the node dirty.
                node.itself.during.extend(running.dirt.files.keys().cloned());
                node.dirt.restore_superseded(running.dirt.files.clone(), cause);
            }
        }
    } else {
        node.last = LastRun::Failed(exit);
    }
    publish_written(state, running);
}

/// Nobody digested what a failed run wrote: it is news for its readers.
fn publish_written(state: &mut State, running: &Running) {
    if state.watches() && !state.is_shutting_down() {
        changes::note_all(state, &running.written);
    }
}

fn succeed(state: &mut State, id: NodeId, running: Running, outputs: Vec<(FilePath, Digest)>) {
    let outputs: BTreeMap<FilePath, Digest> = outputs.into_iter().collect();
    let before = state.node(id).knowledge.outputs.take().unwrap_or_default();
    remember(state, id, &running, &outputs);
    let node = state.node(id);
    node.last = LastRun::Succeeded;
    node.dirt.outputs.clear();
    publish_outputs(state, id, &running, &before, &outputs);
    state.node(id).knowledge.outputs = Some(outputs);
    let stopped = running.cancelled == Some(Cancelled::Stopped);
    if stopped {
        state.node(id).server.serving = running.serving;
        reach_success(state, id);
    } else {
        after_success(state, id, running.serving);
    }
}

/// Records the success, if nothing that decides it changed meanwhile.
fn remember(state: &mut State, id: NodeId, running: &Running, outputs: &BTreeMap<FilePath, Digest>) {
    let (Some(definition), Some(inputs)) = (running.definition, running.inputs) else { return };
    let node = &state.nodes[id];
    let changed = node.settling > 0 || !node.dirt.files.is_empty() || node.dirt.definition || node.place.is_none();
    if changed {
        return;
    }
    let success = fresh::success_of(definition, inputs, outputs);
    let resource = node.name.clone();
    state.remembered.insert(resource.clone(), success.clone());
    state.emit(Effect::Remember { resource, success });
}

/// Tells the readers of a run's outputs, and the Orchfile, what became of them.
fn publish_outputs(
    state: &mut State,
    id: NodeId,
    running: &Running,
    before: &BTreeMap<FilePath, Digest>,
    outputs: &BTreeMap<FilePath, Digest>,
) {
    let gone = before.keys().chain(&running.written).filter(|path| !outputs.contains_key(*path));
    let all: BTreeMap<&FilePath, Option<Digest>> =
        outputs.iter().map(|(path, content)| (path, Some(*content))).chain(gone.map(|path| (path, None))).collect();
    for (path, content) in all {
        let readers = knowledge::readers_of(state, path).inputs;
        knowledge::learn(state, path, content, Some(id), &readers);
        evaluation::on_content(state, path, content);
    }
    let name = state.nodes[id].name.clone();
    for reader in state.nodes[id].edges.readers.clone() {
        let node = state.node(reader);
        if !node.is_dirty() {
            node.skipped = Some(Skip::SameOutputs(name.clone()));
        }
        state.touch(reader);
    }
}

/// What every success leads to: conditions are met, and the server is started anew.
pub(super) fn after_success(state: &mut State, id: NodeId, serving: Option<Serving>) {
    state.touch(id);
    reach_success(state, id);
    serve::replace(state, id, serving);
}

fn reach_success(state: &mut State, id: NodeId) {
    edges::reach_started(state, id);
    if state.nodes[id].local().cmd.is_some() {
        edges::reach_succeeded(state, id);
    }
}

/// The processes that a successful run left running are gone.
pub(super) fn on_leftovers_ended(state: &mut State, run: RunId) {
    let Some(id) = state.leftovers.remove(&run) else { return };
    state.node(id).leftovers.remove(&run);
    state.touch(id);
}

/// Has all ended that successful runs left running. What they were for is to be done again.
pub(super) fn stop_leftovers(state: &mut State, id: NodeId) {
    let grace = state.grace();
    let runs: Vec<RunId> = state.nodes[id].leftovers.iter().filter(|(_, told)| !**told).map(|(run, _)| *run).collect();
    for run in runs {
        let node = state.node(id);
        node.leftovers.insert(run, true);
        if let Some(row) = node.runs.iter().find(|row| row.run == run) {
            node.dirt.redo = Some(row.cause.clone());
        }
        state.emit(Effect::StopLeftovers { run, grace });
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

/// Starts a node's `teardown_cmd`.
pub(super) fn start_teardown(state: &mut State, id: NodeId, command: &Command) {
    let run = state.ids.next_run();
    let row =
        RunRow { run, step: Step::Teardown, cause: Cause::Teardown, started_at: state.now, ended_at: None, exit: None };
    say::run_starts(state, id, &row);
    let resource = state.nodes[id].name.clone();
    let command = spec_of(state, command);
    let outputs = Arc::new(FileSet::default());
    state.emit(Effect::StartRun {
        run,
        resource,
        command,
        outputs,
        own_sessions: state.mode().ends_own_sessions(),
        grace: state.mode().stop_grace(),
    });
    state.runs.insert(run, id);
    state.queue.starts(id, false);
    state.node(id).run = RunPhase::TearingDown(row);
    state.touch(id);
}

/// Warns in the log of a node.
pub(super) fn warn(state: &mut State, id: NodeId, text: &str) {
    state.say(id, None, Level::Warning, text.to_owned());
}
