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
    model::{Level, Restart},
    snapshot::Skip,
};

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
    if !node.containers.there.is_empty() && is_image_unknown(state, id) {
        return;
    }
    state.node(id).containers.decided = true;
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
        Finding::Done => state.nodes[id].what.restart() != Some(Restart::Always),
        Finding::Ended { .. } | Finding::Gone | Finding::Changed(_) => false,
    };
    if !is_good {
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
