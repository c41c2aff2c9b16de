//! Images: what is demanded of them, whether they are what they should be, and their builds.
//!
//! An image is built only when a container that needs it anew may start. What a record of an earlier session says of it is looked
//! at before.

use super::{
    docker, edges,
    effect::{BuildOrder, DockerEffect},
    event::Made,
    fresh, itself, kube,
    node::{Node, NodeId},
    phase::{self, LastRun, RunPhase, Work},
    prune,
    run::{self, Over},
    schedule::Priority,
    sight::Sight,
    state::State,
    workload,
};
use crate::{
    model::{
        Build, Built, ComposeProject, Digest, Exit, Failure, FilePath, Image, ImageKey, ImageRecord, Level, RunId,
        SetDigest,
    },
    snapshot::{Cause, Hold, Skip, Step},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is only an image's.
#[derive(Debug, Default)]
pub(super) struct Making {
    /// What it was made to, last; also while its files are others again.
    pub(super) value: Option<Value>,
    /// What the last run saw of its files.
    pub(super) sight: Option<Sight>,
    /// Its files as they are now; kept up to date once they are known.
    pub(super) now: Option<BTreeMap<FilePath, Digest>>,
    /// Files that changed since `value` was made, also where they changed back.
    pub(super) behind: BTreeSet<FilePath>,
    /// What a record says of it was looked at.
    pub(super) checked: bool,
}

/// What an image was made to.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) built: Built,
    fingerprint: Digest,
    /// What of its files is in it.
    pub(super) sight: Sight,
    /// The run that made it; `None` for one of an earlier session.
    pub(super) run: Option<RunId>,
}

impl Value {
    /// Whether containers made of the other are as good.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.built == other.built && (self.built.id.is_some() || self.run == other.run)
    }
}

/// What decides an image, its files apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recipe {
    definition: Digest,
    bases: Vec<Digest>,
}

impl Recipe {
    fn fingerprint(&self, files: &SetDigest) -> Digest {
        let parts = [self.definition, files.digest()];
        Digest::of_parts(parts.iter().chain(&self.bases).map(|digest| digest.0.as_slice()))
    }
}

/// What somebody wants of an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Demand {
    /// Nothing.
    #[default]
    None,
    /// To know whether it is what it was.
    Check,
    /// That it is what it should be.
    Build,
}

/// Whether an image is what it should be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is.
    #[default]
    Settled,
    /// It, or one that it is made of, may not be.
    Pending,
    /// Nor will it be: its build failed, or that of one that it is made of.
    Failed,
}

/// What is demanded of the image now.
pub(super) fn demand(state: &State, id: NodeId) -> Demand {
    let users = state.nodes[id].edges.users.iter();
    users.map(|user| state.nodes[*user].derived.demand).max().unwrap_or_default()
}

pub(super) fn standing(state: &State, id: NodeId) -> Standing {
    let node = &state.nodes[id];
    let bases = || node.edges.images.iter().map(|base| state.nodes[*base].derived.standing);
    let failed = matches!(node.last, LastRun::Failed(_)) && !node.dirt.is_some();
    if failed || bases().any(|base| base == Standing::Failed) {
        return Standing::Failed;
    }
    let moves = node.dirt.is_some()
        || !matches!(node.run, RunPhase::Idle)
        || node.settling > 0
        || node.edges.unsettled_writers > 0;
    if moves || bases().any(|base| base == Standing::Pending) { Standing::Pending } else { Standing::Settled }
}

/// Whether it starts as soon as nothing holds it.
pub(super) fn starts_by_itself(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    match demand(state, id) {
        Demand::None => false,
        Demand::Check => !node.making.checked,
        Demand::Build => node.dirt.is_some() && !itself::is_held(state, id),
    }
}

/// Whether nothing more is to be done with it than to look what it is.
pub(super) fn only_looks(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    node.what.image().is_some() && !node.making.checked
}

/// Why it does not want to start.
pub(super) fn wish_hold(node: &Node) -> Hold {
    let failed = matches!(node.last, LastRun::Failed(_)) && !node.dirt.is_some();
    if failed { Hold::Failed } else { Hold::Unneeded }
}

/// Which of its bases it waits for: to be looked at, and then to be what they should be.
pub(super) fn base_hold(state: &State, id: NodeId) -> Option<Hold> {
    let node = &state.nodes[id];
    if !node.making.checked {
        let unchecked = node.edges.images.iter().find(|base| !state.nodes[**base].making.checked);
        return unchecked.and_then(|base| key(state, *base)).map(Hold::Image);
    }
    standing_hold(state, &node.edges.images)
}

/// What of these images is waited for.
pub(super) fn standing_hold(state: &State, images: &[NodeId]) -> Option<Hold> {
    let with = |standing| images.iter().find(|image| state.nodes[**image].derived.standing == standing);
    let failed = with(Standing::Failed).and_then(|image| key(state, failed_below(state, *image)));
    failed
        .map(Hold::ImageFailed)
        .or_else(|| with(Standing::Pending).and_then(|image| key(state, *image)).map(Hold::Image))
}

/// The image whose build failed, of one that failed or is made of one that did.
pub(super) fn failed_below(state: &State, id: NodeId) -> NodeId {
    let mut id = id;
    while let Some(base) =
        state.nodes[id].edges.images.iter().find(|base| state.nodes[**base].derived.standing == Standing::Failed)
    {
        id = *base;
    }
    id
}

pub(super) fn key(state: &State, id: NodeId) -> Option<ImageKey> {
    state.nodes[id].what.image().map(|image| image.key.clone())
}

/// These images and all that they are made of, each after those.
pub(super) fn with_bases(state: &State, images: &[NodeId]) -> Vec<NodeId> {
    let (mut found, mut next) = (BTreeSet::new(), images.to_vec());
    while let Some(id) = next.pop() {
        if found.insert(id) {
            next.extend(&state.nodes[id].edges.images);
        }
    }
    let mut sorted: Vec<NodeId> = found.into_iter().collect();
    sorted.sort_by_key(|id| state.nodes[*id].place);
    sorted
}

/// It goes as the most urgent of those that demand it.
pub(super) fn priority(state: &State, id: NodeId, of: fn(&State, NodeId) -> Priority) -> Priority {
    let users = edges::resources_above(state, id);
    let demanding = users.iter().filter(|user| state.nodes[**user].derived.demand == Demand::Build);
    let place = state.nodes[id].place.unwrap_or(usize::MAX);
    demanding.map(|user| of(state, *user)).min().unwrap_or(Priority::Changed(state.nodes[id].changed_at, place))
}

/// Its record is looked at before anything else.
pub(super) fn needs_check(node: &Node) -> bool {
    !node.making.checked || node.making.now.is_none()
}

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
    let Some(record) = key(state, id).and_then(|key| state.image_records.get(&key).cloned()) else { return };
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
    let text = format!("the image {} is up to date, not built", key(state, id).unwrap_or_else(|| ImageKey("".into())));
    state.say(id, None, Level::Info, text);
}

/// What decides it, as long as its bases were made.
fn recipe(state: &mut State, id: NodeId) -> Option<Recipe> {
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
    tell_same(state, id, Skip::Fresh);
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
    tell_same(state, id, Skip::Fresh);
    state.touch(id);
}

/// Starts a build.
pub(super) fn start(state: &mut State, id: NodeId) {
    let (Some(image), Some(recipe)) = (state.nodes[id].what.image().cloned(), recipe(state, id)) else { return };
    let image = kube::placed(state, &image, kube::deploys(state, &state.nodes[id]));
    let order = order(state, id, image);
    let needed_by = first_demanding(state, id);
    let fell_back = needed_by.and_then(|user| workload::fell_back(&state.nodes[user]));
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
        let Some(key) = key(state, id) else { return };
        tell_same(state, id, Skip::SameImage(key));
    } else {
        tell_new(state, id);
    }
}

fn remember(state: &mut State, id: NodeId, value: &Value) {
    let (Some(image_id), Some(image)) = (&value.built.id, key(state, id)) else { return };
    state.docker.images.insert(image_id.clone());
    let (fingerprint, built) = (value.fingerprint, value.built.clone());
    let record = Arc::new(ImageRecord { fingerprint, built, files: value.sight.0.clone() });
    state.image_records.insert(image.clone(), record.clone());
    state.emit(docker::effect(DockerEffect::RememberImage { image, record }));
}

/// It is another image now: what is made of it is to be made anew.
pub(super) fn tell_new(state: &mut State, id: NodeId) {
    let Some(key) = key(state, id) else { return };
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
            workload::mark_image(state, user, &key);
        }
    }
}

/// Whether it does not start with the session and was not asked for so far: that another one had its image made does not wake it.
fn sleeps(node: &Node) -> bool {
    node.what.is_workload() && node.dirt.first && !node.what.auto_init()
}

/// It is the same image: what is made of it is as good as before, and not to be made anew for its sake.
fn tell_same(state: &mut State, id: NodeId, skip: Skip) {
    let (Some(key), Some(value)) = (key(state, id), state.nodes[id].making.value.clone()) else { return };
    for user in edges::resources_above(state, id) {
        workload::unmark_image(state, user, &key, (id, &value));
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
    let Some(key) = key(state, id) else { return };
    for user in edges::resources_above(state, id) {
        workload::mark_image(state, user, &key);
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
