//! What a resource has on the Docker Engine or in a cluster: what it holds of the files that it is made of, and what it needs to be
//! up to date.

use super::{
    adopt,
    backend::Backend,
    changes, container,
    dirt::{Mark, Saw},
    effect::{ApplyOrder, RaiseOrder},
    fresh,
    image::{self, Demand, Standing, Value},
    kube,
    node::{Node, NodeId},
    phase::{Footing, Life, Live, RunPhase, Work},
    plan::{self, Plan, Steps, Way},
    state::State,
    what::What,
};
use crate::{
    model::{
        ContainerId, ContainerState, Digest, FilePath, ForwardState, ImageId, ImageKey, InstanceId, Kind, KubeState,
        Mode, ObjectKey, PortForward, Time,
    },
    snapshot::{Cause, Hold},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is only a workload's.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each counted on its own")]
pub(super) struct Workload {
    /// What it has, as the engine knows it.
    pub(super) there: There,
    /// What that was last brought to be.
    pub(super) raised: Option<Raised>,
    /// It may be something else meanwhile: a run that was to bring it to something failed, or was cut short.
    pub(super) outdated: bool,
    /// Those that were brought to it, sorted.
    pub(super) ids: Vec<ContainerId>,
    /// What was changed in them since they were made.
    pub(super) overlay: BTreeMap<FilePath, Saw>,
    /// Files that were copied, but a command failed after that: the next update takes them along.
    pub(super) unsynced: BTreeSet<FilePath>,
    /// New containers wait for their first sync.
    pub(super) initial_sync: bool,
    /// Containers started anew without what was changed in them.
    pub(super) resync: bool,
    /// What is done about the files that differ; `None` until it is looked at.
    pub(super) plan: Option<Plan>,
    /// It was decided whether what an earlier session made is taken over.
    pub(super) decided: bool,
    /// When something of it was last put back.
    pub(super) repaired_at: Option<Time>,
    /// The objects that a command of the user's applied when it was brought to `raised`; `None` where that is not known.
    pub(super) deployed: Option<Vec<ObjectKey>>,
    /// Why it is brought to `raised` again.
    pub(super) again: Option<Cause>,
    /// An update is to start containers again: their next life is no surprise.
    pub(super) restarting: bool,
    /// It is to be removed.
    pub(super) removal: bool,
    /// The session ends, and it goes on without it.
    pub(super) released: bool,
    /// Instances whose output still comes.
    pub(super) follows: BTreeSet<InstanceId>,
    /// Local ports that lead to it, as it was last said.
    pub(super) forwarded: Vec<PortForward>,
    /// What they do.
    pub(super) forwards: Vec<ForwardState>,
}

/// What a workload has where it lives.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum There {
    /// It has none: it is no workload.
    #[default]
    None,
    /// Containers of the Docker Engine.
    Containers(Vec<ContainerState>),
    /// Objects of a cluster, and their pods.
    Cluster(Box<KubeState>),
}

impl There {
    /// What such a node has before anything of it is known.
    pub(super) fn of(what: &What) -> Self {
        match what.resource().map(|resource| &resource.kind) {
            Some(Kind::Container(_)) => Self::Containers(Vec::new()),
            Some(Kind::Kube(_)) => Self::Cluster(Box::default()),
            Some(Kind::Local(_)) | None => Self::None,
        }
    }

    pub(super) fn backend(&self) -> Option<Backend> {
        match self {
            Self::None => None,
            Self::Containers(_) => Some(Backend::Docker),
            Self::Cluster(_) => Some(Backend::Kube),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::Containers(containers) => containers.is_empty(),
            Self::Cluster(there) => there.objects.is_empty(),
        }
    }

    /// Whether something of it lives.
    pub(super) fn is_alive(&self) -> bool {
        match self {
            Self::None => false,
            Self::Containers(containers) => containers.iter().any(container::is_alive),
            Self::Cluster(there) => !there.objects.is_empty(),
        }
    }

    /// Whether all of it has ended well.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::None => false,
            Self::Containers(containers) => !containers.is_empty() && containers.iter().all(container::is_done),
            Self::Cluster(there) => kube::is_done(there),
        }
    }

    /// Which containers or pods it is, and which of their lives, sorted.
    pub(super) fn lives(&self) -> Vec<Life> {
        match self {
            Self::None => Vec::new(),
            Self::Containers(containers) => container::lives(containers),
            Self::Cluster(there) => kube::lives(there),
        }
    }

    pub(super) fn containers(&self) -> &[ContainerState] {
        match self {
            Self::Containers(containers) => containers,
            Self::None | Self::Cluster(_) => &[],
        }
    }
}

/// What a workload is to be.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Docker(Arc<RaiseOrder>),
    Kube(Arc<ApplyOrder>),
}

/// What a workload was brought to be.
#[derive(Debug, Clone)]
pub(super) struct Raised {
    pub(super) order: Order,
    /// What its images were made to, each after those it is made of.
    pub(super) values: Vec<(NodeId, Value)>,
}

impl Raised {
    /// The image that its containers are made of, where orch knows it.
    pub(super) fn image(&self) -> Option<&ImageId> {
        match &self.order {
            Order::Docker(order) => order.image.as_ref()?.id.as_ref(),
            Order::Kube(_) => None,
        }
    }

    /// Whether it is made anew also where it is what it should be.
    pub(super) fn replace(&mut self, replace: bool) {
        match &mut self.order {
            Order::Docker(order) if order.replace != replace => Arc::make_mut(order).replace = replace,
            // What differs is put back, and nothing else touched.
            Order::Kube(order) if order.restart => Arc::make_mut(order).restart = false,
            Order::Docker(_) | Order::Kube(_) => {}
        }
    }

    /// Whether both are the same, but for how they come to it.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        match (&self.order, &other.order) {
            (Order::Docker(one), Order::Docker(other)) => one.fingerprint == other.fingerprint,
            (Order::Kube(one), Order::Kube(other)) => kube::is_alike(one, other),
            (Order::Docker(_), Order::Kube(_)) | (Order::Kube(_), Order::Docker(_)) => false,
        }
    }
}

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

/// What the containers hold of a file.
pub(super) fn saw_of(state: &State, id: NodeId, path: &FilePath) -> Option<Saw> {
    let containers = &state.nodes[id].workload;
    if let Some(saw) = containers.overlay.get(path) {
        return Some(*saw);
    }
    built_of(state, id, path)
}

/// What of a file is in the images of the containers; `None` for one that no image is made of.
pub(super) fn built_of(state: &State, id: NodeId, path: &FilePath) -> Option<Saw> {
    let values = state.nodes[id].workload.raised.iter().flat_map(|raised| &raised.values);
    let of_file = values.filter(|(image, _)| state.nodes[*image].reads(path));
    let mut saws = of_file.map(|(_, value)| value.sight.saw(path));
    let first = saws.next()?;
    Some(if saws.all(|saw| saw == first) { first } else { Saw::Unknown })
}

/// Looks again at all files that may be others in the containers than on the disk.
pub(super) fn compare_files(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let mut files: BTreeSet<FilePath> = node.dirt.files.keys().chain(node.workload.overlay.keys()).cloned().collect();
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
    state.node(id).workload.plan = None;
    changes::note_all(state, &unknown);
}

/// What was copied and has another place in the new declaration is not where it should be.
pub(super) fn mark_moved(node: &mut Node, old: &What) {
    let (old, new) = (old.live_updates().into_owned(), node.what.live_updates().into_owned());
    if old == new {
        return;
    }
    let is_moved = |path: &&FilePath| plan::places(&old, path) != plan::places(&new, path);
    let moved = node.workload.overlay.keys().filter(|path| node.reads(path)).filter(is_moved);
    let moved: Vec<FilePath> = moved.cloned().collect();
    for path in moved {
        node.workload.overlay.insert(path.clone(), Saw::Unknown);
        node.dirt.files.entry(path).or_insert(Mark { by: None });
    }
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
        Some(Footing::Firm) if run(node) => Need::Update(in_place),
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
        Way::Full(Some(why)) if is_of_files(node) && run(node) => Some(Cause::FallBack(why.clone())),
        Way::Nothing | Way::Update(_) | Way::Full(_) => None,
    }
}

/// Whether all its containers run, as far as is known.
pub(super) fn run(node: &Node) -> bool {
    node.live().is_some_and(|live| !live.stopping && live.footing() == Some(Footing::Firm))
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
    if node.workload.outdated || node.is_running() || node.workload.there.is_empty() {
        return;
    }
    let values = node.workload.raised.iter_mut().flat_map(|raised| &mut raised.values);
    let mut made_of = values.filter(|(other, before)| *other == image && before.is_same(value));
    if let Some((_, before)) = made_of.next() {
        before.clone_from(value);
        node.dirt.images.remove(key);
        compare_files(state, id);
        state.touch(id);
    }
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

/// Whether what runs is just what it is to be, so that nothing has to be done for it.
pub(super) fn is_there(node: &Node, wanted: &Raised) -> bool {
    let Some(raised) = &node.workload.raised else { return false };
    let same_image = |(image, value): &(NodeId, Value)| {
        raised.values.iter().any(|(other, before)| other == image && before.is_same(value))
    };
    let mut own = wanted.values.iter().filter(|(image, _)| node.edges.images.contains(image));
    run(node) && raised.is_alike(wanted) && own.all(same_image)
}

/// What tells that these are the same containers as before, sorted.
pub(super) fn ids(there: &There) -> Vec<ContainerId> {
    let mut ids = match there {
        There::None => Vec::new(),
        There::Containers(containers) => containers.iter().map(|container| container.id.clone()).collect(),
        There::Cluster(there) => kube::container_lives(there),
    };
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
