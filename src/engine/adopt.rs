//! What earlier sessions left: taken over where it is what it should be. Nothing is touched by that, so that it waits
//! for nobody.

use super::{
    backend::Backend,
    compare,
    dirt::{Dirt, Saw},
    image, kube, need,
    node::NodeId,
    observe::{self, Finding},
    phase::{LastRun, RunPhase},
    state::State,
    workload,
};
use crate::{
    model::{Level, Restart},
    snapshot::Skip,
};
use std::collections::BTreeSet;

/// Decides about containers that were found, as soon as all is known that decides it.
pub(super) fn decide(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let may = node.what.is_workload()
        && node.is_enabled()
        && !node.stopped
        && !state.is_ending()
        && matches!(node.run, RunPhase::Idle);
    if node.workload.decided || !may || !state.is_in_sight(node) || kube::inputs_of(node).is_none() {
        return;
    }
    if !node.workload.there.is_empty() && is_image_unknown(state, id) || undecided_before(state, id).is_some() {
        return;
    }
    state.node(id).workload.decided = true;
    touch_undecided_after(state, id);
    if state.nodes[id].workload.there.is_empty() {
        kube::say_lost(state, id);
    } else {
        take_over(state, id);
    }
}

fn is_image_unknown(state: &State, id: NodeId) -> bool {
    let images = image::with_bases(state, &state.nodes[id].edges.images);
    images.iter().any(|image| !state.nodes[*image].making.checked)
}

fn take_over(state: &mut State, id: NodeId) {
    let Some(wanted) = need::wanted(state, id, false) else { return observe::follow_stale(state, id) };
    kube::recall(state, id, &wanted);
    let finding = observe::find(state, id, &wanted);
    let is_good = match finding {
        Finding::Runs | Finding::Waits => true,
        Finding::Done => state.nodes[id].what.restart() != Some(Restart::Always) && is_after_all(state, id),
        Finding::Ended { .. } | Finding::Gone | Finding::Changed(_) => false,
    };
    if !is_good {
        kube::say_lost(state, id);
        // What was changed in them must not be started again.
        restore_overlay(state, id);
        return observe::follow_stale(state, id);
    }
    let node = state.node(id);
    node.workload.raised = Some(wanted);
    node.workload.ids = workload::ids(&node.workload.there);
    node.dirt = Dirt::default();
    node.last = LastRun::Succeeded;
    node.skipped = Some(Skip::Adopted);
    kube::on_adopted(state, id);
    restore_overlay(state, id);
    compare::files(state, id);
    if !state.nodes[id].dirt.is_some() {
        state.say(id, None, Level::Info, "up to date, not touched".to_owned());
    }
    observe::on_raised(state, id);
}

/// Jobs that come after it may have waited for it to be decided.
fn touch_undecided_after(state: &mut State, id: NodeId) {
    let mut looked_at = BTreeSet::new();
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        let dependents = state.nodes[id].edges.dependents.iter().map(|(dependent, _)| *dependent);
        next.extend(dependents.filter(|dependent| looked_at.insert(*dependent)));
    }
    for id in looked_at {
        if !state.nodes[id].workload.decided {
            state.touch(id);
        }
    }
}

/// Whether a job that has ended began after all that it comes after was as it is now: what it did or found may be undone else.
fn is_after_all(state: &State, id: NodeId) -> bool {
    let Some(began) = state.nodes[id].workload.there.lives().iter().map(|(_, began)| *began).min() else {
        return false;
    };
    before(state, id).into_iter().all(|id| {
        let node = &state.nodes[id];
        let is_older = node.workload.there.lives().iter().all(|(_, started)| *started <= began);
        is_older && !node.is_dirty() && node.workload.raised.is_some()
    })
}

/// The workloads that it comes after, those that these come after included.
fn before(state: &State, id: NodeId) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut looked_at = BTreeSet::new();
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        for &(provider, _) in &state.nodes[id].edges.providers {
            if looked_at.insert(provider) {
                next.push(provider);
                let node = &state.nodes[provider];
                let counts = node.what.is_workload() && node.is_enabled() && !node.stopped;
                found.extend(counts.then_some(provider));
            }
        }
    }
    found
}

/// What a job that has ended waits for before it is decided whether it ran for what is there now.
pub(super) fn undecided_before(state: &State, id: NodeId) -> Option<NodeId> {
    if !state.nodes[id].workload.there.is_done() {
        return None;
    }
    let is_open = |id: &NodeId| !state.nodes[*id].workload.decided || state.nodes[*id].settling > 0;
    before(state, id).into_iter().find(is_open)
}

/// What an earlier session changed in these very containers.
fn restore_overlay(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(overlay) = state.overlays.remove(&node.name) else { return };
    let mut recorded = overlay.containers.clone();
    recorded.sort();
    let now = workload::ids(&node.workload.there);
    let is_held = match node.backend() {
        // Those that started anew get it again.
        Some(Backend::Kube) => recorded.iter().any(|one| now.contains(one)),
        Some(Backend::Docker) | None => recorded == now,
    };
    if is_held {
        let files = overlay.files.iter().map(|(path, content)| (path.clone(), Saw::of(*content)));
        let workload = &mut state.node(id).workload;
        workload.overlay = files.collect();
        workload.ids = recorded;
    }
}
