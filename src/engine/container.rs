//! Containers of a resource: what they hold of the files that they are made of, and what they need to be up to date.

use super::{
    adopt, changes,
    dirt::{Mark, Saw},
    effect::RaiseOrder,
    fresh,
    image::{self, Demand, Standing, Value},
    node::{Node, NodeId},
    phase::{Live, RunPhase, Work},
    plan::{self, Plan, Steps, Way},
    state::State,
    what::What,
};
use crate::{
    model::{
        ContainerId, ContainerPhase, ContainerSource, ContainerState, Digest, FilePath, ImageId, ImageKey, InstanceId,
        Mode,
    },
    snapshot::{Cause, Hold},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is only a container resource's.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each counted on its own")]
pub(super) struct Containers {
    /// Its containers as the engine has them.
    pub(super) there: Vec<ContainerState>,
    /// What they were last brought to be.
    pub(super) raised: Option<Raised>,
    /// They may be something else meanwhile: a run that was to bring them to something failed, or was cut short.
    pub(super) outdated: bool,
    /// Those that were brought to it.
    pub(super) ids: Vec<ContainerId>,
    /// What was changed in them since they were made.
    pub(super) overlay: BTreeMap<FilePath, Saw>,
    /// Files that were copied, but a command failed after that: the next update takes them along.
    pub(super) unsynced: BTreeSet<FilePath>,
    /// New containers wait for their first sync.
    pub(super) initial_sync: bool,
    /// What is done about the files that differ; `None` until it is looked at.
    pub(super) plan: Option<Plan>,
    /// It was decided whether containers of an earlier session are taken over.
    pub(super) decided: bool,
    /// Why they are brought to `raised` again.
    pub(super) again: Option<Cause>,
    /// An update is to start them again: their next life is no surprise.
    pub(super) restarting: bool,
    /// They are to be removed.
    pub(super) removal: bool,
    /// The session ends, and they go on without it.
    pub(super) released: bool,
    /// Instances whose output still comes.
    pub(super) follows: BTreeSet<InstanceId>,
}

/// What containers were brought to be.
#[derive(Debug, Clone)]
pub(super) struct Raised {
    pub(super) order: Arc<RaiseOrder>,
    /// What their images were made to, each after those it is made of.
    pub(super) values: Vec<(NodeId, Value)>,
}

impl Raised {
    /// The image that they are made of, where orch knows it.
    pub(super) fn image(&self) -> Option<&ImageId> {
        self.order.image.as_ref()?.id.as_ref()
    }
}

/// What a container resource needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Need<'a> {
    /// Nothing, or what it needs is not known yet.
    Nothing,
    /// Its running containers are changed in place.
    Update(&'a Steps),
    /// Its images and containers are made anew.
    Full,
}

/// What the containers hold of a file.
pub(super) fn saw_of(state: &State, id: NodeId, path: &FilePath) -> Option<Saw> {
    let containers = &state.nodes[id].containers;
    if let Some(saw) = containers.overlay.get(path) {
        return Some(*saw);
    }
    built_of(state, id, path)
}

/// What of a file is in the images of the containers; `None` for one that no image is made of.
pub(super) fn built_of(state: &State, id: NodeId, path: &FilePath) -> Option<Saw> {
    let values = state.nodes[id].containers.raised.iter().flat_map(|raised| &raised.values);
    let of_file = values.filter(|(image, _)| state.nodes[*image].reads(path));
    let mut saws = of_file.map(|(_, value)| value.sight.saw(path));
    let first = saws.next()?;
    Some(if saws.all(|saw| saw == first) { first } else { Saw::Unknown })
}

/// Looks again at all files that may be others in the containers than on the disk.
pub(super) fn compare_files(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let mut files: BTreeSet<FilePath> = node.dirt.files.keys().chain(node.containers.overlay.keys()).cloned().collect();
    for image in image::with_bases(state, &node.edges.images) {
        files.extend(state.nodes[image].making.behind.iter().filter(|path| node.reads(path)).cloned());
    }
    let mut unknown = Vec::new();
    for path in files {
        let Some(saw) = saw_of(state, id, &path) else { continue };
        if !state.contents.is_known(&path) {
            unknown.push(path);
            continue;
        }
        let same = saw == Saw::Content(state.contents.of(&path));
        let files = &mut state.node(id).dirt.files;
        if same {
            files.remove(&path);
        } else {
            files.entry(path).or_insert(Mark { by: None });
        }
    }
    state.node(id).containers.plan = None;
    changes::note_all(state, &unknown);
}

/// What was copied and has another place in the new declaration is not where it should be.
pub(super) fn mark_moved(node: &mut Node, old: &What) {
    let (Some(old), Some(new)) = (old.container(), node.what.container()) else { return };
    if old.live_updates == new.live_updates {
        return;
    }
    let is_moved = |path: &&FilePath| plan::places(&old.live_updates, path) != plan::places(&new.live_updates, path);
    let moved = node.containers.overlay.keys().filter(|path| node.reads(path)).filter(is_moved);
    let moved: Vec<FilePath> = moved.cloned().collect();
    for path in moved {
        node.containers.overlay.insert(path.clone(), Saw::Unknown);
        node.dirt.files.entry(path).or_insert(Mark { by: None });
    }
}

/// Decides what is done about the files that differ, if that is not decided.
pub(super) fn look(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(container) = node.what.container() else { return };
    if node.containers.plan.is_some() {
        return;
    }
    let root = state.project.as_ref().map_or_else(|| FilePath::new("/"), |project| project.root.clone());
    let changed = changed(state, id).into_iter().map(|(path, content)| (path, content.is_some())).collect();
    let plan = plan::plan(&container.live_updates, &changed, &root);
    let node = state.node(id);
    // A first sync is no reason to make the image anew.
    node.containers.initial_sync &= !node.dirt.files.is_empty() || matches!(plan.way, Way::Update(_));
    if node.containers.raised.is_some() && !node.dirt.first {
        plan.waiting.iter().for_each(|path| _ = node.dirt.files.remove(path));
    }
    node.containers.plan = Some(plan);
}

/// The files that the next update is about, as they are now.
pub(super) fn changed(state: &State, id: NodeId) -> BTreeMap<FilePath, Option<Digest>> {
    let node = &state.nodes[id];
    let files = node.dirt.files.keys().chain(&node.containers.unsynced);
    let mut changed: BTreeMap<_, _> = files.map(|path| (path.clone(), state.contents.of(path))).collect();
    if node.containers.initial_sync {
        changed.extend(first_sync(state, id));
    }
    changed
}

/// All files that the first sync of new containers copies.
fn first_sync(state: &State, id: NodeId) -> BTreeMap<FilePath, Option<Digest>> {
    let node = &state.nodes[id];
    let Some(container) = node.what.container() else { return BTreeMap::new() };
    let updates = container.live_updates.iter().filter(|update| update.initial_sync);
    let is_synced = |path: &FilePath| {
        let mut covering = updates.clone().filter(|update| update.inputs.iter().any(|inputs| inputs.contains(path)));
        covering.any(|update| update.syncs.iter().any(|sync| sync.local.matches(path)))
    };
    let images = image::with_bases(state, &node.edges.images);
    let files = images.iter().filter_map(|image| state.nodes[*image].making.now.as_ref()).flatten();
    files.filter(|(path, _)| is_synced(path)).map(|(path, content)| (path.clone(), Some(*content))).collect()
}

/// What it needs, being dirty.
pub(super) fn need(state: &State, id: NodeId) -> Need<'_> {
    let node = &state.nodes[id];
    let Some(plan) = &node.containers.plan else { return Need::Nothing };
    let only_first_sync = node.containers.initial_sync && !node.dirt.is_some() && node.wish.is_none();
    let in_place = match &plan.way {
        Way::Nothing | Way::Full(_) if only_first_sync => return Need::Nothing,
        Way::Update(steps) => steps,
        Way::Nothing | Way::Full(_) => return Need::Full,
    };
    if is_in_place_matter(node) { Need::Update(in_place) } else { Need::Full }
}

/// Whether nothing but files differs, and the containers are there to be changed.
fn is_in_place_matter(node: &Node) -> bool {
    node.dirt.images.is_empty() && would_be_in_place_matter(node)
}

/// The same, but for images that were built meanwhile.
fn would_be_in_place_matter(node: &Node) -> bool {
    let dirt = &node.dirt;
    let only_files = !dirt.first && !dirt.definition && dirt.redo.is_none();
    let asked_otherwise = node.wish.is_some() && (node.what.is_automatic() || dirt.files.is_empty());
    only_files && !asked_otherwise && run(node) && !node.containers.outdated
}

/// Why files that differ are not changed in place, where that is why it is made anew; also once its images are.
pub(super) fn fell_back(node: &Node) -> Option<Cause> {
    match &node.containers.plan.as_ref()?.way {
        Way::Full(Some(why)) if would_be_in_place_matter(node) => Some(Cause::FallBack(why.clone())),
        Way::Nothing | Way::Update(_) | Way::Full(_) => None,
    }
}

/// Whether all its containers run, as far as is known.
pub(super) fn run(node: &Node) -> bool {
    node.live().is_some_and(|live| !live.is_process() && !live.stopping && live.row.containers.iter().all(is_running))
}

fn is_running(container: &ContainerState) -> bool {
    container.phase == ContainerPhase::Running
}

/// What it demands of its images.
pub(super) fn demand(state: &State, id: NodeId) -> Demand {
    let node = &state.nodes[id];
    let counts = node.is_enabled() && !node.stopped && !state.is_ending() && !node.containers.removal;
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
    let containers = &state.nodes[id].containers;
    !containers.decided && !containers.there.is_empty() && state.docker.is_seen()
}

/// What of its images, or of its own containers, it waits for.
pub(super) fn hold(state: &State, id: NodeId) -> Option<Hold> {
    let node = &state.nodes[id];
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
        Need::Nothing | Need::Update(_) => None,
    }
}

fn hold_by(state: &State, id: NodeId, on: NodeId) -> Option<Hold> {
    let condition = state.nodes[id].edges.providers.first()?.1;
    Some(Hold::Dependency { on: state.nodes[on].name.clone(), condition, because: "not looked at yet".into() })
}

/// An image that it is made of was or is to be made anew.
pub(super) fn mark_image(state: &mut State, id: NodeId, image: &ImageKey) {
    let now = state.now;
    let node = state.node(id);
    if !node.dirt.is_change() {
        node.changed_at = now;
    }
    node.dirt.images.insert(image.clone());
    state.touch(id);
}

/// An image that was to be made anew is the one that its containers are made of: nothing is to be done for it.
pub(super) fn unmark_image(state: &mut State, id: NodeId, key: &ImageKey, (image, value): (NodeId, &Value)) {
    let node = state.node(id);
    // Those that a run brings to something now, or has left halfway, may be made of another; what is gone is made of nothing.
    if node.containers.outdated || node.is_running() || node.containers.there.is_empty() {
        return;
    }
    let values = node.containers.raised.iter_mut().flat_map(|raised| &mut raised.values);
    let mut made_of = values.filter(|(other, before)| *other == image && before.is_same(value));
    if let Some((_, before)) = made_of.next() {
        before.clone_from(value);
        node.dirt.images.remove(key);
        compare_files(state, id);
        state.touch(id);
    }
}

/// What its containers are to be now: as declared, made of what their images are now.
pub(super) fn wanted(state: &mut State, id: NodeId, replace: bool) -> Option<Raised> {
    let definition = fresh::definition_of(state, id);
    let node = &state.nodes[id];
    let container = node.what.container()?.clone();
    let images = image::with_bases(state, &node.edges.images);
    let values = images.into_iter().filter_map(|image| Some((image, state.nodes[image].making.value.clone()?)));
    let values: Vec<(NodeId, Value)> = values.collect();
    let image = match node.edges.images.as_slice() {
        [] => None,
        [own, ..] => Some(values.iter().find(|(image, _)| image == own)?.1.built.clone()),
    };
    let made_of = image.as_ref().map(|built| built.id.as_ref().map_or(&*built.reference, |id| &*id.0));
    let fingerprint = Digest::of_parts([definition.0.as_slice(), made_of.unwrap_or_default().as_bytes()]);
    let compose = match &container.source {
        ContainerSource::Compose { project, .. } => image::compose(state, project),
        ContainerSource::Plain(_) => None,
    };
    let environment = state.project.as_ref().map(|project| project.environment.clone()).unwrap_or_default();
    let container = Arc::new(container);
    let order = Arc::new(RaiseOrder { container, compose, image, fingerprint, replace, environment });
    Some(Raised { order, values })
}

/// Whether its running containers are just what they are to be, so that nothing has to be done for them.
pub(super) fn is_there(node: &Node, wanted: &Raised) -> bool {
    let Some(raised) = &node.containers.raised else { return false };
    let same_image = |(image, value): &(NodeId, Value)| {
        raised.values.iter().any(|(other, before)| other == image && before.is_same(value))
    };
    let own = wanted.values.last();
    run(node) && raised.order.fingerprint == wanted.order.fingerprint && own.is_none_or(same_image)
}

/// The ids of these containers, sorted.
pub(super) fn ids(containers: &[ContainerState]) -> Vec<ContainerId> {
    let mut ids: Vec<ContainerId> = containers.iter().map(|container| container.id.clone()).collect();
    ids.sort();
    ids
}

/// The containers that live, if any do.
pub(super) fn living(live: Option<&Live>) -> &[ContainerState] {
    live.map(|live| live.row.containers.as_slice()).unwrap_or_default()
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
