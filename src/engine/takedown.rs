//! `orch down` of some resources while the session goes on: each ends and stays ended, and then its `teardown_cmd` runs,
//! dependants first: what a resource depends on lives until the resource is down.

use super::{
    command,
    node::{Node, NodeId},
    phase::{Live, RunPhase},
    removal, run, serve, shutdown,
    state::State,
    stop,
};

/// How far a node is on its way down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TakeDown {
    /// Nobody asked, or it is down.
    #[default]
    No,
    /// It lives until its dependants are down.
    Asked,
    /// It has been told to end.
    Ending,
}

/// A user wants the node to be taken down.
pub(super) fn ask(state: &mut State, id: NodeId) {
    stop::keep_ended(state, id);
    if state.nodes[id].taken_down == TakeDown::No {
        state.node(id).taken_down = TakeDown::Asked;
    }
    state.touch(id);
}

/// Whether the node is on its way down.
pub(super) fn is_asked(node: &Node) -> bool {
    node.taken_down != TakeDown::No
}

/// A user wants the node after all.
pub(super) fn forget(state: &mut State, id: NodeId) {
    let was = std::mem::take(&mut state.node(id).taken_down);
    state.node(id).torn_down = false;
    if was != TakeDown::No {
        serve::take_up(state, id);
        on_done(state, id);
    }
}

/// Goes on with taking the node down as far as it can now.
pub(super) fn advance(state: &mut State, id: NodeId) {
    let taken_down = state.nodes[id].taken_down;
    if taken_down == TakeDown::No || state.is_shutting_down() || waits_for_dependant(state, id) {
        return;
    }
    if taken_down == TakeDown::Asked {
        state.node(id).taken_down = TakeDown::Ending;
        stop::end_all(state, id);
    }
    let node = &state.nodes[id];
    let waits = state.contact_of(node).is_some_and(|contact| contact.used && !contact.is_seen());
    if holds_on(node) || waits {
        return;
    }
    let command = node.local().and_then(|local| local.teardown.clone());
    state.node(id).taken_down = TakeDown::No;
    match command {
        None if has_something(state, id) => removal::start(state, id),
        Some(command) => {
            state.node(id).torn_down = true;
            command::start_teardown(state, id, &command);
        }
        None => on_done(state, id),
    }
}

/// Whether something goes on of a node that has been told to end. Its containers end by being removed.
pub(super) fn holds_on(node: &Node) -> bool {
    let lives = node.live().is_some_and(Live::is_process);
    run::current(&node.run).is_some() || lives || !node.leftovers.is_empty()
}

/// Whether it has something that can be removed now.
fn has_something(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    node.what.is_workload() && !node.has_nothing() && state.is_in_sight(node)
}

fn waits_for_dependant(state: &State, id: NodeId) -> bool {
    let edges = &state.nodes[id].edges;
    let dependants = edges.readers.iter().chain(edges.dependents.iter().map(|(dependent, _)| dependent));
    let is_up = |node: &Node| node.taken_down != TakeDown::No || matches!(node.run, RunPhase::TearingDown(_));
    dependants.map(|id| &state.nodes[*id]).any(is_up)
}

/// The node is down, or stays: what it depends on may follow.
pub(super) fn on_done(state: &mut State, id: NodeId) {
    for below in shutdown::below(state, id) {
        state.touch(below);
    }
}
