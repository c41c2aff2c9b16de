//! What is known of images from earlier builds and sessions: whether what was made then still is what they should be.

use super::{
    build, edges, fresh,
    image::{self, Recipe, Value},
    kube,
    node::NodeId,
    phase::{LastRun, RunPhase},
    sight::Sight,
    state::State,
};
use crate::{
    model::{Digest, FilePath, ImageKey, Level},
    snapshot::Skip,
};
use std::collections::BTreeMap;

/// Its files are known now.
pub(super) fn on_files(state: &mut State, id: NodeId, files: BTreeMap<FilePath, Digest>) {
    let making = &mut state.node(id).making;
    if let Some(sight) = &making.sight {
        making.behind.extend(sight.differing(&files));
    }
    making.now = Some(files);
    decide(state, id);
}

/// Looks at what is recorded of it, or at what it was made to in this session: it may be what it should be.
pub(super) fn decide(state: &mut State, id: NodeId) {
    state.node(id).making.checked = true;
    // Images above, and containers that may be taken over, have waited for that.
    let above = edges::resources_above(state, id);
    state.agenda.extend(above);
    state.agenda.extend(&state.nodes[id].edges.users);
    state.touch(id);
    if state.nodes[id].making.value.is_none() {
        take_record(state, id);
    }
    accept_if_back(state, id);
}

/// What an earlier session made still is an image of this: it may be good, or good enough for what is changed in place.
fn take_record(state: &mut State, id: NodeId) {
    let Some(record) = image::key(state, id).and_then(|key| state.image_records.get(&key).cloned()) else { return };
    let is_there = record.built.id.as_ref().is_some_and(|id| state.docker.images.contains(id));
    let sight = Sight(record.files.clone());
    let made_alike = || Some(recipe(state, id)?.fingerprint(&sight.digest()) == record.fingerprint);
    let (true, Some(true)) = (is_there, is_there.then(made_alike).flatten()) else { return };
    let node = state.node(id);
    let differing = node.making.now.as_ref().map(|now| sight.differing(now)).unwrap_or_default();
    node.dirt.first = false;
    node.dirt.definition = false;
    node.dirt.images.clear();
    node.dirt.files = differing.iter().map(|path| (path.clone(), super::dirt::Mark { by: None })).collect();
    node.making.behind = differing;
    node.making.sight = Some(sight.clone());
    node.making.value = Some(Value { built: record.built.clone(), fingerprint: record.fingerprint, sight, run: None });
    if node.dirt.is_some() {
        return;
    }
    node.last = LastRun::Succeeded;
    node.skipped = Some(Skip::Fresh);
    let text =
        format!("the image {} is up to date, not built", image::key(state, id).unwrap_or_else(|| ImageKey("".into())));
    state.say(id, None, Level::Info, text);
}

/// What decides it, as long as its bases were made.
pub(super) fn recipe(state: &mut State, id: NodeId) -> Option<Recipe> {
    let mut definition = fresh::definition_of(state, id);
    if let Some(registry) = state.kube.registry.as_ref().filter(|_| kube::deploys(state, &state.nodes[id])) {
        definition = Digest::of_parts([definition.0.as_slice(), registry.host.as_bytes()]);
    }
    let bases = state.nodes[id].edges.images.iter().map(|base| {
        let value = state.nodes[*base].making.value.as_ref()?;
        let by_id = value.built.id.as_ref().map(|id| Digest::of(id.0.as_bytes()));
        // One that says nothing of its content is another after each run.
        let by_run = || Digest::of(format!("{} {:?}", value.built.reference, value.run).as_bytes());
        Some(by_id.unwrap_or_else(by_run))
    });
    Some(Recipe { definition, bases: bases.collect::<Option<_>>()? })
}

/// If everything is again as it was when it was made, it is what it should be: whatever ran or failed since.
pub(super) fn accept_if_back(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let failed = matches!(node.last, LastRun::Failed(_));
    let may_be = node.making.checked
        && matches!(node.run, RunPhase::Idle | RunPhase::Checking(_))
        && node.settling == 0
        && node.dirt.redo.is_none()
        && (node.dirt.is_some() || failed);
    let (Some(files), true) = (node.knowledge.inputs, may_be) else { return };
    let Some(made) = node.making.value.as_ref().map(|value| value.fingerprint) else { return };
    let Some(recipe) = recipe(state, id) else { return };
    if recipe.fingerprint(&files) != made {
        return accept_recipe_if_back(state, id, &recipe);
    }
    let node = state.node(id);
    let now = node.making.now.as_ref().map(Sight::of);
    node.making.sight.clone_from(&now);
    if let (Some(value), Some(now)) = (&mut node.making.value, now) {
        value.sight = now;
    }
    node.making.behind.clear();
    node.dirt = super::dirt::Dirt::default();
    node.last = LastRun::Succeeded;
    node.skipped = Some(Skip::Fresh);
    build::tell_same(state, id, Skip::Fresh);
    state.touch(id);
}

/// If it is declared again as it was when it was made, only its files differ: containers that have those may be kept.
fn accept_recipe_if_back(state: &mut State, id: NodeId, recipe: &Recipe) {
    let node = state.node(id);
    let (Some(value), Some(now)) = (&node.making.value, &node.making.now) else { return };
    let is_back = recipe.fingerprint(&value.sight.digest()) == value.fingerprint;
    if !node.dirt.definition || node.dirt.first || !is_back {
        return;
    }
    let differing = value.sight.differing(now);
    let mut marks = std::mem::take(&mut node.dirt).files;
    let mut mark = |path: &FilePath| marks.remove(path).unwrap_or(super::dirt::Mark { by: None });
    node.dirt.files = differing.iter().map(|path| (path.clone(), mark(path))).collect();
    node.making.sight = Some(value.sight.clone());
    node.making.behind = differing;
    node.last = LastRun::Succeeded;
    build::tell_same(state, id, Skip::Fresh);
    state.touch(id);
}
