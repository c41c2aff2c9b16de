//! Containers of earlier sessions: taken over where they are what they should be. Nothing is touched by that, so that it waits
//! for nobody.

use super::{
    container,
    dirt::{Dirt, Saw},
    image,
    node::NodeId,
    observe::{self, Finding},
    phase::{LastRun, RunPhase},
    state::State,
};
use crate::{
    model::{ContainerPhase, ContainerState, Level, Restart},
    snapshot::Skip,
};
use std::collections::BTreeSet;

/// Decides about containers that were found, as soon as all is known that decides it.
pub(super) fn decide(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let may = node.what.container().is_some()
        && node.is_enabled()
        && !node.stopped
        && !state.is_ending()
        && matches!(node.run, RunPhase::Idle);
    if node.containers.decided || !may || !state.docker.is_seen() {
        return;
    }
    if !node.containers.there.is_empty() && is_image_unknown(state, id) || undecided_before(state, id).is_some() {
        return;
    }
    state.node(id).containers.decided = true;
    touch_undecided_after(state, id);
    if !state.nodes[id].containers.there.is_empty() {
        take_over(state, id);
    }
}

fn is_image_unknown(state: &State, id: NodeId) -> bool {
    let images = image::with_bases(state, &state.nodes[id].edges.images);
    images.iter().any(|image| !state.nodes[*image].making.checked)
}

fn take_over(state: &mut State, id: NodeId) {
    let Some(wanted) = container::wanted(state, id, false) else { return observe::follow_stale(state, id) };
    let finding =
        observe::find(&wanted.order, wanted.values.last().map(|(_, value)| value), &state.nodes[id].containers.there);
    let is_good = match finding {
        Finding::Runs | Finding::Waits => true,
        Finding::Done => state.nodes[id].what.restart() != Some(Restart::Always) && is_after_all(state, id),
        Finding::Ended { .. } | Finding::Gone | Finding::Changed(_) => false,
    };
    if !is_good {
        // What was changed in them must not be started again.
        restore_overlay(state, id);
        return observe::follow_stale(state, id);
    }
    let node = state.node(id);
    node.containers.raised = Some(wanted);
    node.containers.ids = container::ids(&node.containers.there);
    node.dirt = Dirt::default();
    node.last = LastRun::Succeeded;
    node.skipped = Some(Skip::Adopted);
    restore_overlay(state, id);
    container::compare_files(state, id);
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
        if !state.nodes[id].containers.decided {
            state.touch(id);
        }
    }
}

/// Whether a job that has ended began after all that it comes after was as it is now: what it did or found may be undone else.
fn is_after_all(state: &State, id: NodeId) -> bool {
    let Some(began) = state.nodes[id].containers.there.iter().map(|one| one.started_at_ns).min() else { return false };
    before(state, id).into_iter().all(|id| {
        let node = &state.nodes[id];
        let is_older = node.containers.there.iter().all(|one| one.started_at_ns <= began);
        is_older && !node.is_dirty() && node.containers.raised.is_some()
    })
}

/// The container resources that it comes after, those that these come after included.
fn before(state: &State, id: NodeId) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut looked_at = BTreeSet::new();
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        for &(provider, _) in &state.nodes[id].edges.providers {
            if looked_at.insert(provider) {
                next.push(provider);
                let node = &state.nodes[provider];
                let counts = node.what.container().is_some() && node.is_enabled() && !node.stopped;
                found.extend(counts.then_some(provider));
            }
        }
    }
    found
}

/// What a job that has ended waits for before it is decided whether it ran for what is there now.
pub(super) fn undecided_before(state: &State, id: NodeId) -> Option<NodeId> {
    let is_job = |one: &ContainerState| matches!(one.phase, ContainerPhase::Exited { code: 0, .. });
    let there = &state.nodes[id].containers.there;
    if there.is_empty() || !there.iter().all(is_job) {
        return None;
    }
    let is_open = |id: &NodeId| !state.nodes[*id].containers.decided || state.nodes[*id].settling > 0;
    before(state, id).into_iter().find(is_open)
}

/// What an earlier session changed in these very containers.
fn restore_overlay(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(overlay) = state.overlays.remove(&node.name) else { return };
    let mut recorded = overlay.containers.clone();
    recorded.sort();
    if recorded == container::ids(&node.containers.there) {
        let files = overlay.files.iter().map(|(path, content)| (path.clone(), Saw::of(*content)));
        state.node(id).containers.overlay = files.collect();
    }
}
