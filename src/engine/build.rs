//! Builds of images: what their ends mean to what is made of them.

use super::{
    compare, docker, edges,
    effect::{BuildOrder, DockerEffect},
    event::Made,
    image::{self, Demand, Recipe, Value},
    kube, need,
    node::{Node, NodeId},
    phase::{self, LastRun, Work},
    prune, record,
    run::{self, Over},
    sight::Sight,
    state::State,
};
use crate::{
    model::{Build, Built, ComposeProject, Exit, Failure, FilePath, Image, ImageRecord},
    snapshot::{Cause, Skip, Step},
};
use std::{collections::BTreeSet, sync::Arc};

/// Starts a build.
pub(super) fn start(state: &mut State, id: NodeId) {
    let (Some(image), Some(recipe)) = (state.nodes[id].what.image().cloned(), record::recipe(state, id)) else {
        return;
    };
    let image = kube::placed(state, &image, kube::deploys(state, &state.nodes[id]));
    let order = order(state, id, image);
    let needed_by = first_demanding(state, id);
    let fell_back = needed_by.and_then(|user| need::fell_back(&state.nodes[user]));
    let needed_by = needed_by.map(|user| state.nodes[user].name.clone());
    if let Some(name) = &needed_by {
        state.node(id).name = name.clone();
    }
    let (dirt, cause) = run::take(state, id);
    let cause = match cause {
        Cause::First => needed_by.map_or(cause, Cause::Needed),
        Cause::Files { .. } if !dirt.definition => fell_back.unwrap_or(cause),
        other => other,
    };
    let row = run::open(state, id, Step::Build, cause);
    let sight = state.nodes[id].making.now.as_ref().map(Sight::of);
    let before = std::mem::replace(&mut state.node(id).making.sight, sight);
    let (run, resource) = (row.run, state.nodes[id].name.clone());
    state.emit(docker::effect(DockerEffect::Build { run, resource, order: Arc::new(order) }));
    run::goes_on(state, id, row, dirt, Work::Build(phase::Build { recipe, before, unknown: BTreeSet::new() }));
}

fn order(state: &State, id: NodeId, image: Arc<Image>) -> BuildOrder {
    let base = |base: &NodeId| {
        let node = &state.nodes[*base];
        Some((node.what.image()?.key.clone(), node.making.value.as_ref()?.built.clone()))
    };
    let project = match &image.build {
        Build::Docker(docker) => docker.service.as_ref().map(|service| &service.project),
        Build::Compose(compose) => Some(&compose.project),
        Build::Custom(_) => None,
    };
    BuildOrder {
        bases: state.nodes[id].edges.images.iter().filter_map(base).collect(),
        environment: state.project.as_ref().map(|project| project.environment.clone()).unwrap_or_default(),
        compose: project.and_then(|name| compose(state, name)),
        grace: state.mode().stop_grace(),
        image,
    }
}

/// The compose project of that name.
pub(super) fn compose(state: &State, name: &str) -> Option<Arc<ComposeProject>> {
    state.project.as_ref()?.compose.iter().find(|project| project.name == name).cloned()
}

/// The first resource that needs it now: its log is that of the build.
fn first_demanding(state: &State, id: NodeId) -> Option<NodeId> {
    let users = edges::resources_above(state, id);
    let demanding = users.iter().filter(|user| state.nodes[**user].derived.demand == Demand::Build);
    demanding.min_by_key(|user| state.nodes[**user].place).copied()
}

/// A build ended.
pub(super) fn on_ended(state: &mut State, id: NodeId, mut over: Over, build: phase::Build, made: Made) {
    let sight = state.node(id).making.sight.take().unwrap_or_default().doubting(&build.unknown);
    match made {
        Made::Image(image) if over.exit.is_success() => succeed(state, id, &over, &build.recipe, sight, image),
        Made::Image(_) | Made::Nothing | Made::Containers(_) => {
            if over.exit.is_success() {
                let message = "the build ended well, but made no image".to_owned();
                over.exit = Exit::NotStarted(Failure { message, help: None });
            }
            fail(state, id, over, build.before, sight);
        }
    }
}

fn succeed(state: &mut State, id: NodeId, over: &Over, recipe: &Recipe, sight: Sight, built: Built) {
    let fingerprint = recipe.fingerprint(&sight.digest());
    let value = Value { built, fingerprint, sight: sight.clone(), run: Some(over.row.run) };
    let node = state.node(id);
    node.last = LastRun::Succeeded;
    node.making.behind = node.dirt.files.keys().cloned().collect();
    node.making.sight = Some(sight);
    let before = node.making.value.replace(value.clone());
    remember(state, id, &value);
    prune::on_built(state);
    if before.is_some_and(|before| before.is_same(&value)) {
        let Some(key) = image::key(state, id) else { return };
        tell_same(state, id, Skip::SameImage(key));
    } else {
        tell_new(state, id);
    }
}

fn remember(state: &mut State, id: NodeId, value: &Value) {
    let (Some(image_id), Some(image)) = (&value.built.id, image::key(state, id)) else { return };
    state.docker.images.insert(image_id.clone());
    let (fingerprint, built) = (value.fingerprint, value.built.clone());
    let record = Arc::new(ImageRecord { fingerprint, built, files: value.sight.0.clone() });
    state.image_records.insert(image.clone(), record.clone());
    state.emit(docker::effect(DockerEffect::RememberImage { image, record }));
}

/// It is another image now: what is made of it is to be made anew.
pub(super) fn tell_new(state: &mut State, id: NodeId) {
    let Some(key) = image::key(state, id) else { return };
    let now = state.now;
    for user in state.nodes[id].edges.users.clone() {
        if sleeps(&state.nodes[user]) {
            continue;
        }
        let node = state.node(user);
        if !node.dirt.is_change() {
            node.changed_at = now;
        }
        node.skipped = None;
        node.dirt.images.insert(key.clone());
        state.touch(user);
    }
    // Images between do not ask for themselves.
    for user in edges::resources_above(state, id) {
        if !sleeps(&state.nodes[user]) {
            compare::mark_image(state, user, &key);
        }
    }
}

/// Whether it does not start with the session and was not asked for so far: that another one had its image made does not wake it.
fn sleeps(node: &Node) -> bool {
    node.what.is_workload() && node.dirt.first && !node.what.auto_init()
}

/// It is the same image: what is made of it is as good as before, and not to be made anew for its sake.
pub(super) fn tell_same(state: &mut State, id: NodeId, skip: Skip) {
    let (Some(key), Some(value)) = (image::key(state, id), state.nodes[id].making.value.clone()) else { return };
    for user in edges::resources_above(state, id) {
        compare::unmark_image(state, user, &key, (id, &value));
    }
    for user in state.nodes[id].edges.users.clone() {
        let node = state.node(user);
        if !node.is_dirty() {
            node.skipped = Some(skip.clone());
        }
        state.touch(user);
    }
}

fn fail(state: &mut State, id: NodeId, over: Over, before: Option<Sight>, sight: Sight) {
    let cancelled = over.cancelled.is_some();
    let node = state.node(id);
    node.making.sight = if cancelled { before } else { Some(sight) };
    if !cancelled {
        node.last = LastRun::Failed(over.exit);
        return;
    }
    // A build that was cut short left nothing: it is as if it had not begun.
    node.last = over.before;
    node.dirt.first |= over.dirt.first;
    node.dirt.definition |= over.dirt.definition;
    node.dirt.images.extend(over.dirt.images);
    node.dirt.redo = node.dirt.redo.take().or(over.dirt.redo);
    node.dirt.files.extend(over.dirt.files);
    let (Some(now), Some(sight)) = (&node.making.now, &node.making.sight) else { return };
    let differs = |path: &FilePath| sight.saw(path) != super::dirt::Saw::Content(now.get(path).copied());
    node.dirt.files.retain(|path, _| differs(path));
}

/// Has it built again although nothing differs: a user wants that.
pub(super) fn force(state: &mut State, id: NodeId) {
    state.node(id).dirt.redo = Some(Cause::Triggered);
    state.touch(id);
}

/// Its declaration is another: the containers made of it are not what they should be.
pub(super) fn on_definition(state: &mut State, id: NodeId) {
    let Some(key) = image::key(state, id) else { return };
    for user in edges::resources_above(state, id) {
        compare::mark_image(state, user, &key);
    }
}

/// The engine has it no more.
pub(super) fn on_gone(state: &mut State, id: NodeId) {
    let node = state.node(id);
    node.making.value = None;
    node.dirt.first = true;
    tell_new(state, id);
    state.touch(id);
}
