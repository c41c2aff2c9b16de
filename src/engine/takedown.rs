//! `orch down` of some resources while the session goes on: each ends and stays ended, and then its `teardown_cmd` runs,
//! dependants first.

use super::{node::NodeId, phase::RunPhase, run, shutdown, state::State, stop};
use crate::model::Kind;

/// A user wants the node to be taken down.
pub(super) fn ask(state: &mut State, id: NodeId) {
    stop::stop(state, id);
    state.node(id).taken_down = true;
    state.touch(id);
}

/// Goes on with taking the node down as far as it can now.
pub(super) fn advance(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let lives = run::current(&node.run).is_some() || node.live().is_some() || !node.leftovers.is_empty();
    if !node.taken_down || lives || state.is_shutting_down() || waits_for_dependant(state, id) {
        return;
    }
    let Kind::Local(local) = &node.resource.kind;
    let command = local.teardown.clone();
    state.node(id).taken_down = false;
    match command {
        Some(command) => {
            state.node(id).torn_down = true;
            run::start_teardown(state, id, &command);
        }
        None => on_done(state, id),
    }
}

fn waits_for_dependant(state: &State, id: NodeId) -> bool {
    let edges = &state.nodes[id].edges;
    let dependants = edges.readers.iter().chain(edges.dependents.iter().map(|(dependent, _)| dependent));
    dependants.map(|id| &state.nodes[*id]).any(|node| node.taken_down || matches!(node.run, RunPhase::TearingDown(_)))
}

/// The node is down: what it depends on may follow.
pub(super) fn on_done(state: &mut State, id: NodeId) {
    for below in shutdown::below(state, id) {
        state.touch(below);
    }
}
