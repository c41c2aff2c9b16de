//! Live updates: runs that change files in running containers.

use super::{
    backend::Backend,
    compare,
    dirt::{Mark, Saw},
    docker,
    effect::{DockerEffect, UpdateOrder},
    kube, need,
    node::NodeId,
    observe,
    phase::{self, LastRun, Work},
    plan::Steps,
    raise,
    run::{self, Over},
    state::State,
    workload,
};
use crate::{
    model::{Digest, Exit, FilePath, Overlay, RunId},
    snapshot::{Cause, Step},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Starts an update of the running containers.
pub(super) fn start(state: &mut State, id: NodeId, steps: Steps) {
    let node = &state.nodes[id];
    let waiting = node.workload.plan.as_ref().map(|plan| plan.waiting.clone()).unwrap_or_default();
    let mut files = need::changed(state, id);
    files.retain(|path, _| !waiting.contains(path));
    let holders = kube::holders(state, id);
    let node = state.node(id);
    let initial = std::mem::take(&mut node.workload.initial_sync);
    let is_resync = std::mem::take(&mut node.workload.resync) && !node.dirt.is_some();
    let (dirt, cause) = run::take(state, id);
    let cause = if is_resync && cause == Cause::First { Cause::Resync } else { cause };
    let row = run::open(state, id, Step::LiveUpdate, cause);
    let node = state.node(id);
    // Whatever becomes of the update: nobody knows what these files are in the containers until it has succeeded.
    node.workload.overlay.extend(files.keys().map(|path| (path.clone(), Saw::Unknown)));
    node.workload.plan = None;
    node.workload.restarting = steps.restart;
    kube::note_holders(state, id);
    remember(state, id);
    perform(state, id, row.run, steps, (&files, holders));
    let update = phase::Update { files, unknown: BTreeSet::new(), initial };
    run::goes_on(state, id, row, dirt, Work::Update(Box::new(update)));
}

fn perform(
    state: &mut State,
    id: NodeId,
    run: RunId,
    steps: Steps,
    (files, holders): (&BTreeMap<FilePath, Option<Digest>>, kube::Holders),
) {
    if state.nodes[id].backend() == Some(Backend::Kube) {
        return kube::update(state, id, run, files, &holders);
    }
    let Steps { copies, removals, folders, runs, restart } = steps;
    let containers = workload::living(state.nodes[id].live()).iter().map(|one| one.id.clone()).collect();
    let order = Arc::new(UpdateOrder { containers, copies, removals, folders, runs, restart });
    let (resource, grace) = (state.nodes[id].name.clone(), raise::stop_grace(state, id));
    state.emit(docker::effect(DockerEffect::Update { run, resource, order, grace }));
}

/// An update ended.
pub(super) fn on_ended(state: &mut State, id: NodeId, over: Over, update: phase::Update) {
    // What was made just now is as good as its image: to make it once more would end the same way.
    let is_first = update.initial && over.dirt.files.is_empty();
    match (&over.exit, over.cancelled) {
        (_, Some(_)) if !over.exit.is_success() => restore(state, id, over.before, over.dirt, update),
        (Exit::Code(0), _) => succeed(state, id, &update),
        (Exit::NotStarted(_), _) if is_first => state.node(id).last = LastRun::Failed(over.exit),
        (Exit::NotStarted(failure), _) => {
            let why = failure.message.clone();
            fall_back(state, id, over, update, why);
        }
        (Exit::Code(_) | Exit::Signal(_) | Exit::Stopped, _) => fail(state, id, over.exit, update),
    }
    state.node(id).workload.plan = None;
    observe::judge(state, id);
}

fn succeed(state: &mut State, id: NodeId, update: &phase::Update) {
    settle(state, id, &update.files, &update.unknown);
    let node = state.node(id);
    node.last = LastRun::Succeeded;
    node.workload.unsynced.clear();
    remember(state, id);
    if !state.nodes[id].what.is_automatic() {
        // A repair asks for what was triggered before, and leaves the rest to be found now.
        compare::files(state, id);
    }
}

/// A command failed in all of them: the files are there, but what was to be done about them was not.
fn fail(state: &mut State, id: NodeId, exit: Exit, update: phase::Update) {
    settle(state, id, &update.files, &update.unknown);
    let node = state.node(id);
    node.last = LastRun::Failed(exit);
    node.workload.unsynced.extend(update.files.into_keys());
}

/// Now the containers hold these files, but for those that changed meanwhile. What is as in their images is no change.
fn settle(state: &mut State, id: NodeId, files: &BTreeMap<FilePath, Option<Digest>>, unknown: &BTreeSet<FilePath>) {
    for (path, content) in files.iter().filter(|(path, _)| !unknown.contains(*path)) {
        let saw = Saw::Content(*content);
        let as_built = compare::built_of(state, id, path) == Some(saw);
        let overlay = &mut state.node(id).workload.overlay;
        if as_built {
            overlay.remove(path);
        } else {
            overlay.insert(path.clone(), saw);
        }
    }
}

/// The containers may be halfway, or no longer alike: all is made anew.
fn fall_back(state: &mut State, id: NodeId, over: Over, update: phase::Update, why: String) {
    restore(state, id, over.before, over.dirt, update);
    state.node(id).dirt.redo = Some(Cause::FallBack(why));
    state.touch(id);
}

/// As if it had not begun, but for what the containers may hold now.
fn restore(state: &mut State, id: NodeId, before: LastRun, dirt: super::dirt::Dirt, update: phase::Update) {
    let now = state.now;
    let node = state.node(id);
    if !node.dirt.is_change() {
        node.changed_at = now;
    }
    node.last = before;
    node.workload.initial_sync |= update.initial;
    let mut marks = dirt.files;
    for path in update.files.into_keys() {
        let mark = marks.remove(&path).unwrap_or(Mark { by: None });
        node.dirt.files.entry(path).or_insert(mark);
    }
    node.dirt.redo = node.dirt.redo.take().or(dirt.redo);
}

/// Records what is in the containers of what was changed. What a failed command was to be run for counts as unknown, so that a
/// later session does it again.
pub(super) fn remember(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let containers = match node.backend() {
        // Others may have come since.
        Some(Backend::Kube) => node.workload.ids.clone(),
        Some(Backend::Docker) | None => workload::ids(&node.workload.there),
    };
    let record = |(path, saw): (&FilePath, &Saw)| {
        let saw = if node.workload.unsynced.contains(path) { Saw::Unknown } else { *saw };
        (path.clone(), saw.record())
    };
    let files = node.workload.overlay.iter().map(record).collect();
    let (resource, overlay) = (node.name.clone(), Arc::new(Overlay { containers, files }));
    state.emit(docker::effect(DockerEffect::RememberOverlay { resource, overlay }));
}
