//! Removing what workloads have: of resources that are no more part of the project or the session, of names that nobody knows, and all of
//! them at `orch down`.

use super::{
    backend::Backend,
    docker,
    effect::DockerEffect,
    kube,
    node::NodeId,
    observe,
    phase::RunPhase,
    raise, run, serve,
    state::State,
    workload::{There, Workload},
};
use crate::{
    model::{Exit, Level, ResourceName, RunId},
    snapshot::{Cause, Step},
};

/// The node is no more part of the session: what it has goes, as soon as nothing is in the way.
pub(super) fn want(state: &mut State, id: NodeId) {
    let node = state.node(id);
    node.workload.removal =
        !node.workload.there.is_empty() || node.server.live.as_ref().is_some_and(|live| !live.is_process());
    state.touch(id);
}

/// Goes on with it as far as it can now.
pub(super) fn advance(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let may = node.workload.removal && matches!(node.run, RunPhase::Idle) && state.is_in_sight(node);
    if !may || state.is_ending() {
        return;
    }
    if node.has_nothing() {
        return done(state, id);
    }
    start(state, id);
}

/// Removes what the node has. Its `RunEnded` is that of a teardown.
pub(super) fn start(state: &mut State, id: NodeId) {
    kube::forget_deploy(state, id);
    let row = run::open(state, id, Step::Teardown, Cause::Teardown);
    let (run, resource) = (row.run, state.nodes[id].name.clone());
    let effect = match state.nodes[id].backend() {
        Some(Backend::Kube) => kube::delete(state, id, run),
        Some(Backend::Docker) | None => {
            docker::effect(DockerEffect::Remove { run, resource, grace: raise::stop_grace(state, id) })
        }
    };
    state.emit(effect);
    state.runs.insert(run, id);
    state.node(id).run = RunPhase::TearingDown(row);
    state.touch(id);
}

/// It is gone, or could not be removed, which was said.
pub(super) fn on_ended(state: &mut State, id: NodeId, exit: &Exit) {
    if state.is_out_of_reach(&state.nodes[id]) && !exit.is_success() {
        // Once more when it is back.
        state.node(id).workload.removal = true;
        return;
    }
    if exit.is_success() {
        let node = state.node(id);
        node.workload.there = There::of(&node.what);
    }
    done(state, id);
}

fn done(state: &mut State, id: NodeId) {
    observe::over(state, id, Exit::Stopped);
    serve::give_way(state, id);
    let follows = std::mem::take(&mut state.node(id).workload.follows);
    kube::on_removed(state, id);
    let node = state.node(id);
    let there = There::of(&node.what);
    node.workload = Workload { there, follows, decided: true, ..Workload::default() };
    // Whoever wants it again wants new ones.
    node.dirt.redo = Some(Cause::Started);
    state.touch(id);
}

/// What has the project's mark, of resources that it has no more: from an earlier session.
pub(super) fn remove_strays(state: &mut State, backend: Backend, strays: impl IntoIterator<Item = ResourceName>) {
    for resource in strays {
        let run = state.ids.next_run();
        let things = things(backend);
        state.say_session(Level::Info, format!("removes the {things} of `{resource}`: the Orchfile has it no more"));
        state.strays.insert(run, (backend, resource.clone()));
        let effect = match backend {
            Backend::Docker => docker::effect(DockerEffect::Remove { run, resource, grace: state.mode().stop_grace() }),
            Backend::Kube => kube::delete_stray(state, run, resource),
        };
        state.emit(effect);
    }
}

fn things(backend: Backend) -> &'static str {
    match backend {
        Backend::Docker => "containers",
        Backend::Kube => "objects",
    }
}

/// What a name had that nobody knows is gone. Tells whether the run was such a one.
pub(super) fn on_stray_ended(state: &mut State, run: RunId, exit: &Exit) -> bool {
    let Some((backend, resource)) = state.strays.remove(&run) else { return false };
    if let Exit::NotStarted(failure) = exit {
        let text = format!("the {} of `{resource}` could not be removed: {}", things(backend), failure.message);
        state.say_session(Level::Warning, text);
    }
    true
}
