//! Images: what is demanded of them, whether they are what they should be, and their builds.
//!
//! An image is built only when a container that needs it anew may start. What a record of an earlier session says of it is looked
//! at before.

use super::{
    edges, itself,
    node::{Node, NodeId},
    phase::{LastRun, RunPhase},
    schedule::Priority,
    sight::Sight,
    state::State,
};
use crate::{
    model::{Built, Digest, FilePath, ImageKey, RunId, SetDigest},
    snapshot::Hold,
};
use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) fingerprint: Digest,
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
    pub(super) definition: Digest,
    pub(super) bases: Vec<Digest>,
}

impl Recipe {
    pub(super) fn fingerprint(&self, files: &SetDigest) -> Digest {
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
