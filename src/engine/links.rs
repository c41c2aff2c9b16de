//! The edges between nodes as a project gives them: who reads what of whom, who is made of what, who waits for whom.

use super::{
    edges,
    node::{Derived, NodeId},
    reload::Change,
    state::State,
};
use crate::model::{Condition, NodeKey, Project, graph};
use std::collections::{BTreeMap, BTreeSet};

/// The edges that lead to a node.
#[derive(Debug, Default, PartialEq)]
struct Links {
    /// Whose outputs it reads.
    writers: Vec<NodeId>,
    /// Images that it is made of.
    images: Vec<NodeId>,
    /// What it waits for before its first start.
    providers: Vec<(NodeId, Condition)>,
}

/// Brings the edges of changed nodes, and data edges wherever they differ, up to date.
pub(super) fn relink(state: &mut State, project: &Project, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let touched: BTreeSet<NodeId> = changes.iter().map(|change| change.id).collect();
    let moved = changes.iter().any(|change| change.moves_edges());
    let mut writers = if moved { writers(state, project) } else { BTreeMap::new() };
    let all: Vec<NodeId> = state.images.iter().chain(&state.order).copied().collect();
    for id in all {
        let old = &state.nodes[id].edges.writers;
        let writers = if moved { writers.remove(&id).unwrap_or_default() } else { old.clone() };
        let is_of_cluster = moved && state.nodes[id].what.kube().is_some();
        if touched.contains(&id) || *old != writers || is_of_cluster {
            let (images, providers) = (images(state, id), providers(state, id));
            link(state, id, Links { writers, images, providers });
            state.touch(id);
        }
    }
    name_images(state);
}

/// Whose outputs each node reads.
fn writers(state: &State, project: &Project) -> BTreeMap<NodeId, Vec<NodeId>> {
    let mut writers: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    for edge in graph::data_edges(&project.resources) {
        writers.entry(state.order[edge.to]).or_default().push(state.order[edge.from]);
    }
    for edge in graph::image_data_edges(&project.resources, &project.images) {
        writers.entry(state.images[edge.to]).or_default().push(state.order[edge.from]);
    }
    writers
}

fn images(state: &State, id: NodeId) -> Vec<NodeId> {
    let found = |key| state.by_key.get(&NodeKey::Image(key)).copied().filter(|id| state.nodes[*id].place.is_some());
    state.nodes[id].what.images().into_iter().filter_map(found).collect()
}

fn providers(state: &State, id: NodeId) -> Vec<(NodeId, Condition)> {
    let dependencies = state.nodes[id].what.dependencies().iter();
    let declared = dependencies.filter_map(|dependency| Some((state.resource(&dependency.on)?, dependency.condition)));
    let mut all: Vec<_> = declared.collect();
    for before in before_others(state).filter(|before| *before != id && state.nodes[id].what.kube().is_some()) {
        if !all.iter().any(|(provider, _)| *provider == before) && !comes_after(state, before, id) {
            all.push((before, Condition::Started));
        }
    }
    all
}

/// What all other resources of a cluster come after.
fn before_others(state: &State) -> impl Iterator<Item = NodeId> {
    let is_first = |id: &NodeId| {
        let node = &state.nodes[*id];
        node.is_enabled() && node.what.auto_init() && node.what.kube().is_some_and(|kube| kube.before_others)
    };
    state.order.iter().copied().filter(is_first)
}

/// Whether the one was declared to come after the other.
fn comes_after(state: &State, id: NodeId, other: NodeId) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![id]);
    while let Some(id) = next.pop() {
        let below = state.nodes[id].what.dependencies().iter().filter_map(|one| state.resource(&one.on));
        next.extend(below.filter(|below| seen.insert(*below)));
    }
    seen.contains(&other)
}

/// What is said of an image is said to the first resource that is made of it.
fn name_images(state: &mut State) {
    for id in state.images.clone() {
        let users = edges::resources_above(state, id);
        let first = users.into_iter().min_by_key(|user| state.nodes[*user].place);
        if let Some(user) = first {
            state.node(id).name = state.nodes[user].name.clone();
        }
    }
}

/// Takes away all edges that lead to the node.
pub(super) fn cut(state: &mut State, id: NodeId) {
    link(state, id, Links::default());
}

/// Replaces the edges that lead to the node, and counts along them anew.
fn link(state: &mut State, id: NodeId, links: Links) {
    let Links { writers, images, providers } = links;
    let old = std::mem::take(&mut state.node(id).edges.writers);
    for writer in old.into_iter().filter(|writer| !writers.contains(writer)) {
        state.node(writer).edges.readers.retain(|reader| *reader != id);
    }
    for image in std::mem::take(&mut state.node(id).edges.images) {
        state.node(image).edges.users.retain(|user| *user != id);
        state.touch(image);
    }
    for (provider, condition) in std::mem::take(&mut state.node(id).edges.providers) {
        state.node(provider).edges.dependents.retain(|dependent| *dependent != (id, condition));
    }
    for &writer in &writers {
        if !state.nodes[writer].edges.readers.contains(&id) {
            state.node(writer).edges.readers.push(id);
        }
    }
    for &image in &images {
        state.node(image).edges.users.push(id);
        state.touch(image);
    }
    for &(provider, condition) in &providers {
        state.node(provider).edges.dependents.push((id, condition));
    }
    let edges = &mut state.node(id).edges;
    edges.writers = writers;
    edges.images = images;
    edges.providers = providers;
    count(state, id);
    edges::refresh(state, id);
}

/// Counts along the edges that lead to the node.
fn count(state: &mut State, id: NodeId) {
    let edges = &state.nodes[id].edges;
    let writers = |is: fn(&Derived) -> bool| {
        let found = edges.writers.iter().filter(|writer| is(&state.nodes[**writer].derived));
        u32::try_from(found.count()).unwrap_or(u32::MAX)
    };
    let unsettled_writers = writers(|derived| derived.unsettled);
    let failed_writers = writers(|derived| derived.failed);
    let unmet = edges.providers.iter().filter(|(provider, condition)| !state.nodes[*provider].reached.has(*condition));
    let unmet = u32::try_from(unmet.count()).unwrap_or(u32::MAX);
    let moving = edges
        .providers
        .iter()
        .filter(|(provider, condition)| edges::is_of_all_runs(*condition) && state.nodes[*provider].derived.moving);
    let moving_providers = u32::try_from(moving.count()).unwrap_or(u32::MAX);
    let edges = &mut state.node(id).edges;
    edges.unsettled_writers = unsettled_writers;
    edges.failed_writers = failed_writers;
    edges.unmet = unmet;
    edges.moving_providers = moving_providers;
}
