//! What depends on what, as every reader sees it: made of a project alone, once a reload, and shared by all snapshots since.

use crate::model::{Condition, FilePath, NodeKey, Project, ResourceName, graph};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// All nodes of a project and the edges between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Graph {
    /// The resources in declaration order, so that a node's place is that of its row; then the images, each after its bases.
    pub nodes: Vec<NodeKey>,
    /// Sorted by `to`, then `from`.
    pub edges: Vec<GraphEdge>,
}

/// One node waits for another. Both are places in [`Graph::nodes`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GraphEdge {
    /// What waits.
    pub to: usize,
    /// What is waited for.
    pub from: usize,
    /// How.
    pub kind: GraphEdgeKind,
}

/// Why one node waits for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphEdgeKind {
    /// Declared: the first start waits until this was met once.
    Order(Condition),
    /// Inferred: it reads what the other writes.
    Files {
        /// What the writer declares.
        output: FilePath,
        /// What the reader declares.
        input: FilePath,
    },
    /// Inferred: it is made of that image.
    Image,
}

/// How all others of a cluster wait for namespaces and configuration.
const FIRST: GraphEdgeKind = GraphEdgeKind::Order(Condition::Started);

/// Namespaces and configuration that the resource comes after without saying so.
fn first_of_cluster(project: &Project, to: usize) -> impl Iterator<Item = usize> {
    let all = &project.resources;
    let resource = &all[to];
    let is_meant = move |from: usize| {
        let first = &all[from];
        let is_first = first.enabled && first.auto_init && first.kind.kube().is_some_and(|kube| kube.before_others);
        is_first && from != to && !waits_for(project, from, &resource.name)
    };
    let is_declared = |from: usize| resource.dependencies.iter().any(|one| one.on == all[from].name);
    let is_of_cluster = resource.kind.kube().is_some();
    (0..all.len()).filter(move |from| is_of_cluster && is_meant(*from) && !is_declared(*from))
}

/// Whether the one was declared to come after the other.
fn waits_for(project: &Project, from: usize, other: &ResourceName) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![&project.resources[from].name]);
    while let Some(name) = next.pop() {
        if name == other {
            return true;
        }
        if !seen.insert(name) {
            continue;
        }
        let found = project.resources.iter().find(|resource| resource.name == *name);
        next.extend(found.iter().flat_map(|resource| &resource.dependencies).map(|one| &one.on));
    }
    false
}

impl Graph {
    /// The graph of a project.
    #[must_use]
    pub fn of(project: &Project) -> Self {
        let resources = project.resources.iter().map(|resource| NodeKey::Resource(resource.name.clone()));
        let images = project.images.iter().map(|image| NodeKey::Image(image.key.clone()));
        let nodes: Vec<NodeKey> = resources.chain(images).collect();
        let places: BTreeMap<&NodeKey, usize> = nodes.iter().enumerate().map(|(place, node)| (node, place)).collect();
        let mut edges = BTreeSet::new();
        for (to, resource) in project.resources.iter().enumerate() {
            for dependency in &resource.dependencies {
                if let Some(&from) = places.get(&NodeKey::Resource(dependency.on.clone())) {
                    edges.insert(GraphEdge { to, from, kind: GraphEdgeKind::Order(dependency.condition) });
                }
            }
            edges.extend(first_of_cluster(project, to).map(|from| GraphEdge { to, from, kind: FIRST }));
            let images = resource.kind.images().into_iter().filter_map(|key| places.get(&NodeKey::Image(key)));
            edges.extend(images.map(|&from| GraphEdge { to, from, kind: GraphEdgeKind::Image }));
        }
        let first_image = project.resources.len();
        for (place, image) in project.images.iter().enumerate() {
            let bases = image.bases.iter().filter_map(|key| places.get(&NodeKey::Image(key.clone())));
            edges.extend(bases.map(|&from| GraphEdge { to: first_image + place, from, kind: GraphEdgeKind::Image }));
        }
        let files = |edge: graph::DataEdge, first: usize| {
            let kind = GraphEdgeKind::Files { output: edge.output, input: edge.input };
            GraphEdge { to: first + edge.to, from: edge.from, kind }
        };
        edges.extend(graph::data_edges(&project.resources).into_iter().map(|edge| files(edge, 0)));
        let below = graph::image_data_edges(&project.resources, &project.images);
        edges.extend(below.into_iter().map(|edge| files(edge, first_image)));
        Self { nodes, edges: edges.into_iter().collect() }
    }

    /// The place of a node; looks at all of them.
    #[must_use]
    pub fn place(&self, node: &NodeKey) -> Option<usize> {
        self.nodes.iter().position(|other| other == node)
    }

    /// The place of a resource.
    #[must_use]
    pub fn resource(&self, name: &ResourceName) -> Option<usize> {
        self.nodes.iter().position(|node| matches!(node, NodeKey::Resource(other) if other == name))
    }

    /// What the node at that place waits for: the edges that lead to it.
    #[must_use]
    pub fn needs(&self, to: usize) -> &[GraphEdge] {
        let start = self.edges.partition_point(|edge| edge.to < to);
        let end = self.edges.partition_point(|edge| edge.to <= to);
        &self.edges[start..end]
    }

    /// Who waits for the node at that place; looks at all edges.
    pub fn needed_by(&self, from: usize) -> impl Iterator<Item = &GraphEdge> {
        self.edges.iter().filter(move |edge| edge.from == from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_a_node_are_found_by_its_place() {
        let edge = |from, to| GraphEdge { to, from, kind: GraphEdgeKind::Image };
        let graph = Graph { nodes: Vec::new(), edges: vec![edge(1, 0), edge(2, 0), edge(2, 1), edge(0, 3)] };
        let from = |place| graph.needs(place).iter().map(|edge| edge.from).collect::<Vec<_>>();
        assert_eq!((from(0), from(1), from(2), from(3)), (vec![1, 2], vec![2], vec![], vec![0]));
        assert_eq!(graph.needed_by(2).map(|edge| edge.to).collect::<Vec<_>>(), [0, 1]);
    }
}
