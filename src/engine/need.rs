//! What a workload needs to be up to date: nothing, files changed in place, or new images and containers; and what it waits for.

use super::{
    adopt, container, fresh,
    image::{self, Demand, Standing, Value},
    kube,
    node::{Node, NodeId},
    phase::{Footing, Live, RunPhase, Work},
    plan::{self, Steps, Way},
    state::State,
    workload::{self, Raised},
};
use crate::{
    model::{Digest, FilePath, Kind, Mode},
    snapshot::{Cause, Hold},
};
use std::collections::BTreeMap;

/// What a workload needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Need<'a> {
    /// Nothing, or what it needs is not known yet.
    Nothing,
    /// Its running containers are changed in place.
    Update(&'a Steps),
    /// The same, as soon as they run.
    Wait,
    /// Its images and containers are made anew.
    Full,
}

/// Decides what is done about the files that differ, if that is not decided.
pub(super) fn look(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if !node.what.is_workload() || node.workload.plan.is_some() {
        return;
    }
    let root = state.project.as_ref().map_or_else(|| FilePath::new("/"), |project| project.root.clone());
    let changed = changed(state, id).into_iter().map(|(path, content)| (path, content.is_some())).collect();
    let plan = plan::plan(&node.what.live_updates(), &changed, &root);
    let node = state.node(id);
    // A first sync is no reason to make the image anew.
    node.workload.initial_sync &= !node.dirt.files.is_empty() || matches!(plan.way, Way::Update(_));
    if std::mem::take(&mut node.workload.resync) {
        match plan.way {
            Way::Update(_) => node.workload.resync = true,
            Way::Full(_) if !node.dirt.is_some() => node.dirt.redo = Some(Cause::Resync),
            Way::Nothing | Way::Full(_) => {}
        }
    }
    if node.workload.raised.is_some() && !node.dirt.first {
        plan.waiting.iter().for_each(|path| _ = node.dirt.files.remove(path));
    }
    node.workload.plan = Some(plan);
}

/// The files that the next update is about, as they are now.
pub(super) fn changed(state: &State, id: NodeId) -> BTreeMap<FilePath, Option<Digest>> {
    let node = &state.nodes[id];
    let files = node.dirt.files.keys().chain(&node.workload.unsynced);
    let mut changed: BTreeMap<_, _> = files.map(|path| (path.clone(), state.contents.of(path))).collect();
    if node.workload.initial_sync {
        changed.extend(first_sync(state, id));
    }
    if node.workload.resync {
        changed.extend(node.workload.overlay.keys().map(|path| (path.clone(), state.contents.of(path))));
    }
    changed
}

/// All files that the first sync of new containers copies. What cannot be changed in place is as the image has it.
fn first_sync(state: &State, id: NodeId) -> BTreeMap<FilePath, Option<Digest>> {
    let node = &state.nodes[id];
    let updates = node.what.live_updates();
    let updates = updates.iter().filter(|update| update.initial_sync);
    let is_synced = |path: &FilePath| {
        let mut covering = updates.clone().filter(|update| update.inputs.iter().any(|inputs| inputs.contains(path)));
        covering.any(|update| update.syncs.iter().any(|sync| sync.local.matches(path)))
            && !node.what.live_updates().iter().any(|update| plan::falls_back_on(update, path))
    };
    let images = image::with_bases(state, &node.edges.images);
    let files = images.iter().filter_map(|image| state.nodes[*image].making.now.as_ref()).flatten();
    files.filter(|(path, _)| is_synced(path)).map(|(path, content)| (path.clone(), Some(*content))).collect()
}

/// What it needs, being dirty.
pub(super) fn need(state: &State, id: NodeId) -> Need<'_> {
    let node = &state.nodes[id];
    let Some(plan) = &node.workload.plan else { return Need::Nothing };
    let only_first_sync = node.waits_for_sync() && !node.dirt.is_some() && node.wish.is_none();
    let in_place = match &plan.way {
        Way::Nothing | Way::Full(_) if only_first_sync => return Need::Nothing,
        Way::Update(steps) => steps,
        Way::Nothing | Way::Full(_) => return Need::Full,
    };
    match node.live().and_then(Live::footing) {
        _ if !node.dirt.images.is_empty() || !is_of_files(node) => Need::Full,
        Some(Footing::Firm) if workload::run(node) => Need::Update(in_place),
        Some(Footing::Coming) => Need::Wait,
        Some(Footing::Firm | Footing::None) | None => Need::Full,
    }
}

/// Whether nothing but files differs, images that were built meanwhile apart.
fn is_of_files(node: &Node) -> bool {
    let dirt = &node.dirt;
    let only_files = !dirt.first && !dirt.definition && dirt.redo.is_none();
    let asked_otherwise = node.wish.is_some() && (node.what.is_automatic() || dirt.files.is_empty());
    only_files && !asked_otherwise && !node.workload.outdated
}

/// Why files that differ are not changed in place, where that is why it is made anew; also once its images are.
pub(super) fn fell_back(node: &Node) -> Option<Cause> {
    match &node.workload.plan.as_ref()?.way {
        Way::Full(Some(why)) if is_of_files(node) && workload::run(node) => Some(Cause::FallBack(why.clone())),
        Way::Nothing | Way::Update(_) | Way::Full(_) => None,
    }
}

/// What it demands of its images.
pub(super) fn demand(state: &State, id: NodeId) -> Demand {
    let node = &state.nodes[id];
    let counts = node.is_enabled() && !node.stopped && !state.is_ending() && !node.workload.removal;
    if !counts || node.edges.images.is_empty() {
        return Demand::None;
    }
    if is_undecided(state, id) {
        return Demand::Check;
    }
    let may = state.mode() == Mode::Orchfile || node.edges.unmet == 0 || node.reached.started;
    let wants = node.is_dirty() && super::schedule::starts_by_itself(state, id);
    if wants && may && matches!(need(state, id), Need::Full) { Demand::Build } else { Demand::None }
}

/// Whether there are containers of an earlier session of which nobody knows yet whether they are what they should be.
pub(super) fn is_undecided(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    !node.workload.decided && !node.workload.there.is_empty() && state.is_in_sight(node)
}

/// What of its images, or of its own containers, it waits for.
pub(super) fn hold(state: &State, id: NodeId) -> Option<Hold> {
    let node = &state.nodes[id];
    if kube::inputs_of(node).is_none() {
        return Some(Hold::Settling);
    }
    if is_undecided(state, id) {
        let images = image::with_bases(state, &node.edges.images);
        let unchecked = images.into_iter().find(|image| !state.nodes[*image].making.checked);
        let image = unchecked.and_then(|image| image::key(state, image)).map(Hold::Image);
        return image.or_else(|| hold_by(state, id, adopt::undecided_before(state, id)?));
    }
    if node.live().is_some_and(|live| live.stopping) {
        return Some(Hold::Stopping);
    }
    match need(state, id) {
        Need::Full => image::standing_hold(state, &node.edges.images),
        Need::Wait => Some(Hold::Starting),
        Need::Nothing | Need::Update(_) => None,
    }
}

fn hold_by(state: &State, id: NodeId, on: NodeId) -> Option<Hold> {
    let condition = state.nodes[id].edges.providers.first()?.1;
    Some(Hold::Dependency { on: state.nodes[on].name.clone(), condition, because: "not looked at yet".into() })
}

/// What it is to be now: as declared, made of what its images are now.
pub(super) fn wanted(state: &mut State, id: NodeId, replace: bool) -> Option<Raised> {
    let definition = fresh::definition_of(state, id);
    let node = &state.nodes[id];
    let images = image::with_bases(state, &node.edges.images);
    let values = images.into_iter().filter_map(|image| Some((image, state.nodes[image].making.value.clone()?)));
    let values: Vec<(NodeId, Value)> = values.collect();
    let built = |own: &NodeId| values.iter().find(|(image, _)| image == own).map(|(_, value)| &value.built);
    let order = match &node.what.resource()?.kind {
        Kind::Local(_) => return None,
        Kind::Container(container) => {
            let image = match node.edges.images.first() {
                None => None,
                Some(own) => Some(built(own)?.clone()),
            };
            container::order(state, container, definition, image, replace)
        }
        Kind::Kube(kube) => {
            let inputs = kube::inputs_of(node)?;
            let mut images = BTreeMap::new();
            for own in &node.edges.images {
                images.insert(image::key(state, *own)?, built(own)?);
            }
            kube::order(state, kube, (definition, inputs), &images, replace)
        }
    };
    Some(Raised { order, values })
}

/// An image is built for it now, as a step of its own.
pub(super) fn builds(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let is_building = |image: &NodeId| matches!(&state.nodes[*image].run, RunPhase::Running(running) if matches!(running.work, Work::Build(_)));
    node.derived.demand == Demand::Build && image::with_bases(state, &node.edges.images).iter().any(is_building)
}

/// Whether an image that it needs could not be built.
pub(super) fn lacks_image(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let failed = |image: &NodeId| state.nodes[*image].derived.standing == Standing::Failed;
    demand(state, id) == Demand::Build && node.edges.images.iter().any(failed)
}
