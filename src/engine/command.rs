//! Commands: what is run, what their ends mean to who reads what they write, and what they leave running.

use super::{
    button, changes, edges,
    effect::{CommandSpec, Effect},
    evaluation,
    event::RunEnd,
    fresh, knowledge,
    node::NodeId,
    phase::{self, LastRun, RunPhase, Serving, Work},
    run::{self, Over},
    serve,
    state::State,
};
use crate::{
    model::{Command, Digest, Exit, FilePath, FileSet, RunId},
    snapshot::{Cause, RunRow, Skip, Step},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A command with the environment that it gets.
pub(super) fn spec_of(state: &State, command: &Command) -> CommandSpec {
    let mut env = state.project.as_ref().map(|project| project.environment.clone()).unwrap_or_default();
    env.extend(command.env.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
    CommandSpec { argv: command.argv.clone(), dir: command.dir.clone(), env }
}

/// The server that follows a success with the present definition.
pub(super) fn serving_of(state: &State, id: NodeId) -> Option<Serving> {
    let serve = state.nodes[id].local()?.serve.clone()?;
    let command = spec_of(state, &serve.command);
    Some(Serving { serve, command })
}

/// Starts the run of a command.
pub(super) fn start(state: &mut State, id: NodeId) {
    let Some(command) = state.nodes[id].local().and_then(|local| local.cmd.clone()) else { return };
    let has_outputs = !state.nodes[id].what.outputs().is_empty();
    let definition = has_outputs.then(|| fresh::definition_of(state, id));
    let inputs = state.nodes[id].knowledge.inputs.filter(|_| has_outputs);
    let (dirt, cause) = run::take(state, id);
    let row = run::open(state, id, Step::Command, cause);
    let name = state.nodes[id].name.clone();
    if state.remembered.remove(&name).is_some() {
        state.emit(Effect::Forget { resource: name.clone() });
    }
    let serving = serving_of(state, id);
    let outputs = state.nodes[id].output_set.clone();
    let command = spec_of(state, &command);
    state.emit(Effect::StartRun {
        run: row.run,
        resource: name,
        command,
        outputs,
        own_sessions: state.mode().ends_own_sessions(),
        grace: state.mode().stop_grace(),
    });
    let work = phase::Command { definition, inputs, serving, written: BTreeSet::new() };
    run::goes_on(state, id, row, dirt, Work::Command(work));
}

/// A resource with nothing but a server has runs that end at once.
pub(super) fn run_at_once(state: &mut State, id: NodeId) {
    let (_, cause) = run::take(state, id);
    let row = run::open(state, id, Step::Command, cause);
    let row = RunRow { ended_at: Some(state.now), exit: Some(Exit::Code(0)), ..row };
    let resource = state.nodes[id].name.clone();
    state.emit(Effect::RecordRun { resource, run: row.clone() });
    state.node(id).record(row);
    state.node(id).last = LastRun::Succeeded;
    edges::reach_started(state, id);
    let serving = serving_of(state, id);
    run::after_success(state, id, serving);
    fresh::ask_in_background(state, id);
}

/// A command ended.
pub(super) fn on_ended(state: &mut State, id: NodeId, over: Over, command: phase::Command, end: RunEnd) {
    let until = state.now + run::ECHO;
    state.node(id).itself.echo_until = Some(until);
    if end.leftovers {
        state.leftovers.insert(over.row.run, id);
        state.node(id).leftovers.insert(over.row.run, false);
        if !edges::counts(state, id) {
            stop_leftovers(state, id);
        }
    }
    if end.exit.is_success() {
        succeed(state, id, command, end.outputs);
    } else {
        state.node(id).knowledge.outputs = None;
        run::fail(state, id, &over);
        publish_written(state, &command);
    }
    fresh::ask_in_background(state, id);
}

/// Nobody digested what a failed run wrote: it is news for its readers.
fn publish_written(state: &mut State, command: &phase::Command) {
    if state.watches() && !state.is_shutting_down() {
        changes::note_all(state, &command.written);
    }
}

fn succeed(state: &mut State, id: NodeId, command: phase::Command, outputs: Vec<(FilePath, Digest)>) {
    let outputs: BTreeMap<FilePath, Digest> = outputs.into_iter().collect();
    let before = state.node(id).knowledge.outputs.take().unwrap_or_default();
    remember(state, id, &command, &outputs);
    let node = state.node(id);
    node.last = LastRun::Succeeded;
    node.dirt.outputs.clear();
    publish_outputs(state, id, &command, &before, &outputs);
    state.node(id).knowledge.outputs = Some(outputs);
    // What counts is what is wanted now, not what was when the run was told to end.
    if edges::counts(state, id) {
        run::after_success(state, id, command.serving);
    } else {
        serve::keep_for_later(state, id, command.serving);
        run::reach_success(state, id);
    }
}

/// Records the success, if nothing that decides it changed meanwhile.
fn remember(state: &mut State, id: NodeId, command: &phase::Command, outputs: &BTreeMap<FilePath, Digest>) {
    let (Some(definition), Some(inputs)) = (command.definition, command.inputs) else { return };
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
    command: &phase::Command,
    before: &BTreeMap<FilePath, Digest>,
    outputs: &BTreeMap<FilePath, Digest>,
) {
    let gone = before.keys().chain(&command.written).filter(|path| !outputs.contains_key(*path));
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

/// The processes that a successful run left running are gone.
pub(super) fn on_leftovers_ended(state: &mut State, run: RunId) {
    if button::on_leftovers_ended(state, run) {
        return;
    }
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

/// Starts a node's `teardown_cmd`.
pub(super) fn start_teardown(state: &mut State, id: NodeId, command: &Command) {
    let row = run::open(state, id, Step::Teardown, Cause::Teardown);
    let run = row.run;
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
