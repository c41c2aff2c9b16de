//! Whether a node is fresh: its fingerprint and its outputs are those of its last success.

use super::{
    command,
    dirt::Dirt,
    effect::Effect,
    event::TakenFile,
    image, knowledge,
    node::{Background, NodeId},
    phase::{Check, LastRun, RunPhase},
    record, run,
    state::{Question, State},
};
use crate::{
    model::{Digest, FilePath, Level, RequestId, SetDigest, Success},
    snapshot::{Cause, Skip},
};
use std::collections::BTreeMap;

/// Whether contents must be looked at before the node may run. Only a command that says what it writes can be fresh.
pub(super) fn needs_check(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    if node.what.image().is_some() {
        return image::needs_check(node);
    }
    let has_outputs = !node.what.outputs().is_empty() && node.what.has_runs();
    has_outputs && !node.knowledge.checked && (node.knowledge.inputs.is_none() || may_be_fresh(state, id))
}

/// A later run in this session starts because something differs from the last success: there is nothing to ask.
fn may_be_fresh(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let triggered = node.wish.as_ref().is_some_and(|wish| wish.cause == Cause::Triggered);
    !triggered && (node.dirt.first || node.dirt.definition) && state.remembered.contains_key(&node.name)
}

/// Asks for what the check needs.
pub(super) fn ask(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if node.making.now.is_some() {
        return record::decide(state, id);
    }
    let wants_outputs = node.local().is_some() && may_be_fresh(state, id);
    let (inputs, outputs) = (node.input_set(), node.output_set.clone());
    let ask_inputs = state.nodes[id].knowledge.inputs.is_none().then(|| state.ask(Question::CheckInputs(id)));
    let ask_outputs = wants_outputs.then(|| state.ask(Question::CheckOutputs(id)));
    for (request, files) in [(ask_inputs, inputs), (ask_outputs, outputs)] {
        if let Some(request) = request {
            state.emit(Effect::TakeSet { request, files, unchanged_since: None, urgent: true });
        }
    }
    state.node(id).run = RunPhase::Checking(Check { inputs: ask_inputs, outputs: ask_outputs, found: None });
}

/// Gives up a check: what it would find decides nothing any more.
pub(super) fn abort(state: &mut State, id: NodeId) {
    if let RunPhase::Checking(check) = &state.nodes[id].run {
        let requests = [check.inputs, check.outputs];
        requests.iter().flatten().for_each(|request| {
            state.questions.remove(request);
        });
        state.node(id).run = RunPhase::Idle;
    }
}

/// Asks in the background what a run's inputs are, so that a later save of the same content is known as such.
pub(super) fn ask_in_background(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some((_, ran_at)) = node.knowledge.ran else { return };
    let is_known = node.knowledge.complete_at.is_some() || node.knowledge.background.is_some();
    let files = node.input_set();
    if !state.watches() || is_known || files.roots.is_empty() || !node.is_enabled() || node.local().is_none() {
        return;
    }
    let request = state.ask(Question::Background(id));
    state.node(id).knowledge.background = Some(Background { request, touched: std::collections::BTreeSet::new() });
    state.emit(Effect::TakeSet { request, files, unchanged_since: Some(ran_at), urgent: false });
}

/// A set of files was digested.
pub(super) fn on_set_taken(state: &mut State, request: RequestId, files: Vec<TakenFile>) {
    match state.questions.remove(&request) {
        Some(Question::CheckInputs(id)) => on_inputs(state, id, files),
        Some(Question::CheckOutputs(id)) => on_outputs(state, id, &files),
        Some(Question::Background(id)) => on_background(state, id, request, files),
        Some(Question::Changes | Question::Probe(_) | Question::Look(_)) | None => {}
    }
}

fn on_inputs(state: &mut State, id: NodeId, files: Vec<TakenFile>) {
    let since = state.step;
    let files: Vec<TakenFile> = files.into_iter().filter(|file| state.nodes[id].reads(&file.path)).collect();
    for file in &files {
        knowledge::found(state, &file.path, file.digest, since);
    }
    let now = state.now;
    let node = state.node(id);
    node.knowledge.inputs = Some(SetDigest::of(files.iter().map(|file| (&file.path, file.digest))));
    node.knowledge.complete_at = Some(now);
    if let RunPhase::Checking(check) = &mut node.run {
        check.inputs = None;
    }
    if node.what.image().is_some() {
        node.run = RunPhase::Idle;
        record::on_files(state, id, files.into_iter().map(|file| (file.path, file.digest)).collect());
    } else {
        conclude(state, id);
    }
}

fn on_outputs(state: &mut State, id: NodeId, files: &[TakenFile]) {
    let since = state.step;
    for file in files {
        knowledge::found(state, &file.path, file.digest, since);
    }
    if let RunPhase::Checking(check) = &mut state.node(id).run {
        check.outputs = None;
        check.found = Some(files.iter().map(|file| (file.path.clone(), file.digest)).collect());
    }
    conclude(state, id);
}

fn on_background(state: &mut State, id: NodeId, request: RequestId, files: Vec<TakenFile>) {
    let node = state.node(id);
    let Some(background) = node.knowledge.background.take_if(|background| background.request == request) else {
        return;
    };
    let Some((ran_at, _)) = node.knowledge.ran else { return };
    let files: Vec<TakenFile> = files.into_iter().filter(|file| state.nodes[id].reads(&file.path)).collect();
    for file in files {
        if file.unchanged && !background.touched.contains(&file.path) {
            knowledge::found(state, &file.path, file.digest, ran_at);
        } else {
            knowledge::doubt(state, &file.path);
        }
    }
    state.node(id).knowledge.complete_at = Some(state.now);
}

/// All that the check asked for is there: the node is fresh, or may run.
fn conclude(state: &mut State, id: NodeId) {
    state.touch(id);
    let RunPhase::Checking(check) = &state.nodes[id].run else { return };
    if check.inputs.is_some() || check.outputs.is_some() {
        return;
    }
    let RunPhase::Checking(check) = std::mem::take(&mut state.node(id).run) else { return };
    let outputs = check.found.filter(|outputs| is_fresh(state, id, outputs));
    match outputs {
        Some(outputs) => accept(state, id, outputs),
        None => state.node(id).knowledge.checked = true,
    }
}

fn is_fresh(state: &mut State, id: NodeId, outputs: &BTreeMap<FilePath, Digest>) -> bool {
    let found = success(state, id, outputs);
    found.is_some() && found.as_ref() == state.remembered.get(&state.nodes[id].name)
}

/// What its success is with its present definition and inputs, and these outputs.
pub(super) fn success(state: &mut State, id: NodeId, outputs: &BTreeMap<FilePath, Digest>) -> Option<Success> {
    let inputs = state.nodes[id].knowledge.inputs?;
    let definition = definition_of(state, id);
    Some(success_of(definition, inputs, outputs))
}

/// The record of a success.
pub(super) fn success_of(definition: Digest, inputs: SetDigest, outputs: &BTreeMap<FilePath, Digest>) -> Success {
    let fingerprint = Digest::of_parts([definition.0.as_slice(), inputs.digest().0.as_slice()]);
    let outputs = SetDigest::of(outputs.iter().map(|(path, content)| (path, *content)));
    Success { fingerprint, outputs, objects: Vec::new() }
}

/// Digest of all that the node declares of its runs: for a command what is run, where, in which environment, and what it writes.
pub(super) fn definition_of(state: &mut State, id: NodeId) -> Digest {
    if let Some(definition) = state.nodes[id].definition {
        return definition;
    }
    let environment = state.project.as_ref().map(|project| &project.environment);
    let definition = state.nodes[id].what.definition(environment);
    state.node(id).definition = Some(definition);
    definition
}

/// The node is fresh: as good as a run that succeeded when it was asked.
fn accept(state: &mut State, id: NodeId, outputs: BTreeMap<FilePath, Digest>) {
    let serving = command::serving_of(state, id);
    let now = (state.step, state.now);
    let node = state.node(id);
    node.dirt = Dirt::default();
    node.wish = None;
    node.last = LastRun::Succeeded;
    node.skipped = Some(Skip::Fresh);
    node.knowledge.saw.clear();
    node.knowledge.ran = Some(now);
    node.knowledge.outputs = Some(outputs);
    node.knowledge.checked = false;
    state.say(id, None, Level::Info, "up to date, not run".to_owned());
    run::after_success(state, id, serving);
}
