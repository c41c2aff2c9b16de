//! Slow recomputation of what the caches say, for debug assertions and tests.

use super::{edges, node::NodeId, phase::LastRun, rows, schedule, state::State};
use std::collections::BTreeMap;

/// What the caches say wrongly; empty when all is well.
pub(super) fn faults(state: &State) -> Vec<String> {
    let mut faults = Vec::new();
    let unsettled = unsettled(state);
    for id in state.nodes.ids() {
        check_node(state, id, &unsettled, &mut faults);
    }
    check_tally(state, &mut faults);
    faults
}

/// Which nodes hold back their readers, from the nodes' own states alone.
fn unsettled(state: &State) -> BTreeMap<NodeId, bool> {
    let mut known = BTreeMap::new();
    for id in state.nodes.ids() {
        let mut stack = vec![id];
        while let Some(&top) = stack.last() {
            let writers = &state.nodes[top].edges.writers;
            let open: Vec<NodeId> = writers.iter().copied().filter(|writer| !known.contains_key(writer)).collect();
            if open.is_empty() {
                let any = writers.iter().any(|writer| known.get(writer) == Some(&true));
                known.insert(top, edges::is_unsettled(state, top, any));
                stack.pop();
            } else {
                stack.extend(open);
            }
        }
    }
    known
}

fn check_node(state: &State, id: NodeId, unsettled: &BTreeMap<NodeId, bool>, faults: &mut Vec<String>) {
    let node = &state.nodes[id];
    let mut expect = |what: &str, is: String, should: String| {
        if is != should {
            faults.push(format!("`{}`: {what} is {is}, should be {should}", node.name));
        }
    };
    expect("derived", format!("{:?}", node.derived), format!("{:?}", edges::derive(state, id)));
    expect(
        "unsettled",
        node.derived.unsettled.to_string(),
        unsettled.get(&id).copied().unwrap_or_default().to_string(),
    );
    let writers = node.edges.writers.iter();
    let unsettled_writers = writers.clone().filter(|writer| unsettled.get(writer) == Some(&true)).count();
    expect("unsettled writers", node.edges.unsettled_writers.to_string(), unsettled_writers.to_string());
    let failed = writers.filter(|writer| edges::counts(state, **writer) && has_failed(state, **writer)).count();
    expect("failed writers", node.edges.failed_writers.to_string(), failed.to_string());
    let unmet = node.edges.providers.iter();
    let unmet = unmet.filter(|(provider, condition)| !state.nodes[*provider].reached.has(*condition)).count();
    expect("unmet", node.edges.unmet.to_string(), unmet.to_string());
    let moving = node
        .edges
        .providers
        .iter()
        .filter(|(provider, condition)| edges::is_of_all_runs(*condition) && state.nodes[*provider].derived.moving);
    expect("moving providers", node.edges.moving_providers.to_string(), moving.count().to_string());
    let settling = if state.is_shutting_down() { 0 } else { state.changes.waits_of(id) };
    expect("settling", node.settling.to_string(), settling.to_string());
    if node.place.is_some() && node.is_dirty() && !node.derived.busy && schedule::hold_of(state, id).is_none() {
        faults.push(format!(
            "`{}` is dirty, but neither busy nor held {:?} {:?} {:?} {:?}",
            node.name,
            node.what.key(),
            node.dirt,
            node.derived,
            node.run
        ));
    }
}

fn has_failed(state: &State, id: NodeId) -> bool {
    matches!(state.nodes[id].last, LastRun::Failed(_))
}

fn check_tally(state: &State, faults: &mut Vec<String>) {
    let count =
        |is: fn(&super::node::Derived) -> bool| state.nodes.ids().filter(|id| is(&state.nodes[*id].derived)).count();
    let should = [
        count(|derived| derived.busy),
        count(|derived| derived.backing_off),
        count(|derived| derived.missing),
        count(|derived| !derived.gone),
    ];
    let tally = &state.tally;
    let is = [tally.busy, tally.backing_off, tally.missing, tally.living];
    if is != should {
        faults.push(format!("tally is {is:?}, should be {should:?}"));
    }
}

/// Rows that the last snapshot shows otherwise than they are now, by name.
pub(super) fn stale_rows(state: &State, shown: &crate::snapshot::Rows) -> Vec<String> {
    let differs = |id: &&NodeId| {
        let place = state.nodes[**id].place.and_then(|place| shown.get(place));
        place.is_none_or(|row| **row != rows::row_of(state, **id))
    };
    state.order.iter().filter(differs).map(|id| state.nodes[*id].name.to_string()).collect()
}
