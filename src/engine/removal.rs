//! Removing containers: of resources that are no more part of the project or the session, of names that nobody knows, and all of
//! them at `orch down`.

use super::{
    container::Containers, docker, effect::DockerEffect, node::NodeId, observe, phase::RunPhase, raise, run, serve,
    state::State,
};
use crate::{
    model::{ContainerState, Exit, Level, ResourceName, RunId},
    snapshot::{Cause, Step},
};
use std::collections::BTreeMap;

/// The node is no more part of the session: its containers go, as soon as nothing is in the way.
pub(super) fn want(state: &mut State, id: NodeId) {
    let node = state.node(id);
    node.containers.removal =
        !node.containers.there.is_empty() || node.server.live.as_ref().is_some_and(|live| !live.is_process());
    state.touch(id);
}

/// Goes on with it as far as it can now.
pub(super) fn advance(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let may = node.containers.removal && matches!(node.run, RunPhase::Idle) && state.docker.is_seen();
    if !may || state.is_ending() {
        return;
    }
    if node.containers.there.is_empty() {
        return done(state, id);
    }
    start(state, id);
}

/// Removes what the node has. Its `RunEnded` is that of a teardown.
pub(super) fn start(state: &mut State, id: NodeId) {
    let row = run::open(state, id, Step::Teardown, Cause::Teardown);
    let (run, resource, grace) = (row.run, state.nodes[id].name.clone(), raise::stop_grace(state, id));
    state.emit(docker::effect(DockerEffect::Remove { run, resource, grace }));
    state.runs.insert(run, id);
    state.node(id).run = RunPhase::TearingDown(row);
    state.touch(id);
}

/// The containers are gone, or could not be removed, which was said.
pub(super) fn on_ended(state: &mut State, id: NodeId, exit: &Exit) {
    if state.docker.lost().is_some() && !exit.is_success() {
        // Once more when it is back.
        state.node(id).containers.removal = true;
        return;
    }
    if exit.is_success() {
        state.node(id).containers.there.clear();
    }
    done(state, id);
}

fn done(state: &mut State, id: NodeId) {
    observe::over(state, id, Exit::Stopped);
    serve::give_way(state, id);
    let follows = std::mem::take(&mut state.node(id).containers.follows);
    let node = state.node(id);
    node.containers = Containers { follows, decided: true, ..Containers::default() };
    // Whoever wants it again wants new ones.
    node.dirt.redo = Some(Cause::Started);
    state.touch(id);
}

/// Containers with the project's mark of resources that it has no more: from an earlier session.
pub(super) fn remove_strays(state: &mut State, strays: BTreeMap<ResourceName, Vec<ContainerState>>) {
    for (resource, containers) in strays {
        if containers.is_empty() {
            continue;
        }
        let run = state.ids.next_run();
        state.say_session(Level::Info, format!("removes the containers of `{resource}`: the Orchfile has it no more"));
        let grace = state.mode().stop_grace();
        state.strays.insert(run, resource.clone());
        state.emit(docker::effect(DockerEffect::Remove { run, resource, grace }));
    }
}

/// The containers of a name that nobody knows are gone. Tells whether the run was such a one.
pub(super) fn on_stray_ended(state: &mut State, run: RunId, exit: &Exit) -> bool {
    let Some(resource) = state.strays.remove(&run) else { return false };
    if let Exit::NotStarted(failure) = exit {
        let text = format!("the containers of `{resource}` could not be removed: {}", failure.message);
        state.say_session(Level::Warning, text);
    }
    true
}
