//! Nodes and edges: what depends on what, and what is inferred from outputs and inputs.

use super::{FilePath, FileSet, Image, ImageKey, PathIndex, Resource, ResourceName};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

/// What a node is known by, over the whole session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKey {
    /// A resource by its name.
    Resource(ResourceName),
    /// An image by what selects it.
    Image(ImageKey),
}

impl NodeKey {
    /// The resource, if it is one.
    #[must_use]
    pub fn resource(&self) -> Option<&ResourceName> {
        match self {
            Self::Resource(name) => Some(name),
            Self::Image(_) => None,
        }
    }
}

/// What an order edge waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Its first run has begun.
    Started,
    /// Its command succeeded and its server, if it has one, is ready.
    Ready,
    /// Its command succeeded; a server ended with exit code 0.
    Succeeded,
}

/// What kind of edge this is; whether it gates each run or only the first follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// `to` reads what `from` writes; holds all the time.
    Data,
    /// `to` first starts after `from` met the condition once. A command that serves nothing waits before each run, in an Orchfile,
    /// unless the condition is `started`.
    Order(Condition),
}

/// An edge between two resources, given by their places in the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// What is waited for.
    pub from: usize,
    /// What waits.
    pub to: usize,
    /// How.
    pub kind: EdgeKind,
}

/// What is wrong with a project's graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphFault {
    /// A resource waits for itself, over these resources (the first one stands again at the end).
    Cycle {
        /// Places in the project, in the direction "waits for".
        nodes: Vec<usize>,
        /// For each step of `nodes`, the output and the input that make a data edge; `None` for a declared one.
        through: Vec<Option<(FilePath, FilePath)>>,
    },
    /// Two resources write the same path.
    SharedOutput {
        /// The one declared first.
        first: usize,
        /// The other.
        second: usize,
        /// The path (the deeper one where one holds the other).
        path: FilePath,
    },
}

/// A data edge with the paths it was inferred from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataEdge {
    /// The writer.
    pub from: usize,
    /// The reader.
    pub to: usize,
    /// What the writer declares.
    pub output: FilePath,
    /// What the reader declares.
    pub input: FilePath,
}

/// All data edges between resources, in the order of the readers: an output of `from` overlaps an input of `to` that `to` does
/// not ignore. A resource that reads its own outputs has no edge to itself.
#[must_use]
pub fn data_edges(resources: &[Arc<Resource>]) -> Vec<DataEdge> {
    let mut edges = file_edges(resources, resources.iter().map(|resource| resource.kind.inputs()));
    edges.retain(|edge| edge.from != edge.to);
    edges
}

/// All data edges from resources to images that are made of what these write; `to` is a place among the images.
#[must_use]
pub fn image_data_edges(resources: &[Arc<Resource>], images: &[Arc<Image>]) -> Vec<DataEdge> {
    file_edges(resources, images.iter().map(|image| std::slice::from_ref(&image.inputs)))
}

/// Who of these readers reads what which resource writes.
fn file_edges<'a>(writers: &[Arc<Resource>], readers: impl Iterator<Item = &'a [Arc<FileSet>]>) -> Vec<DataEdge> {
    let mut written = PathIndex::default();
    for (place, resource) in writers.iter().enumerate() {
        resource.kind.outputs().iter().for_each(|output| written.insert(output.clone(), (place, output.clone())));
    }
    let mut edges = Vec::new();
    for (reader, inputs) in readers.enumerate() {
        let mut found = BTreeMap::new();
        for (inputs, input) in inputs.iter().flat_map(|inputs| inputs.roots.iter().map(move |input| (inputs, input))) {
            let above = written.at_or_above(input).map(|(writer, output)| (*writer, output, input));
            let below = written.at_or_below(input).map(|(output, (writer, _))| (*writer, output, output));
            for (writer, output, overlap) in above.chain(below) {
                if !inputs.ignores(overlap) {
                    found.entry(writer).or_insert((output.clone(), input.clone()));
                }
            }
        }
        let edge = |(from, (output, input))| DataEdge { from, to: reader, output, input };
        edges.extend(found.into_iter().map(edge));
    }
    edges
}

/// All that is wrong with the graph: outputs that two resources share, and one circle for each set of resources that wait for
/// each other. Costs about as much as the graph has resources, paths and edges.
#[must_use]
pub fn check(resources: &[Arc<Resource>]) -> Vec<GraphFault> {
    let mut faults = shared_outputs(resources);
    let waits = Waits::of(resources);
    faults.extend(waits.circles().iter().map(|circle| waits.cycle(circle)));
    faults
}

/// Paths that lie at or below an output of another resource, each pair of resources once.
fn shared_outputs(resources: &[Arc<Resource>]) -> Vec<GraphFault> {
    let mut outputs = Vec::new();
    for (place, resource) in resources.iter().enumerate() {
        outputs.extend(resource.kind.outputs().iter().map(|output| (output, place)));
    }
    outputs.sort();
    let mut faults = Vec::new();
    let mut pairs = BTreeSet::new();
    // What is at or above the next path: paths sort right behind the folders that hold them.
    let mut above: Vec<(&FilePath, usize)> = Vec::new();
    for (path, place) in outputs {
        while above.last().is_some_and(|(folder, _)| !path.is_within(folder)) {
            above.pop();
        }
        if let Some((_, other)) = above.iter().find(|(_, other)| *other != place) {
            let (first, second) = (place.min(*other), place.max(*other));
            if pairs.insert((first, second)) {
                faults.push(GraphFault::SharedOutput { first, second, path: path.clone() });
            }
        }
        above.push((path, place));
    }
    faults
}

/// The output and the input that make a data edge; `None` for a declared one.
type Through = Option<(FilePath, FilePath)>;

/// Who waits for whom, and over which paths.
struct Waits {
    /// For each resource those it waits for, declared ones first.
    on: Vec<Vec<(usize, Through)>>,
}

impl Waits {
    fn of(resources: &[Arc<Resource>]) -> Self {
        let places: HashMap<&ResourceName, usize> =
            resources.iter().enumerate().map(|(place, resource)| (&resource.name, place)).collect();
        let declared = |resource: &Arc<Resource>| {
            let on = resource.dependencies.iter().filter_map(|dependency| places.get(&dependency.on));
            on.map(|on| (*on, None)).collect()
        };
        let mut on: Vec<Vec<_>> = resources.iter().map(declared).collect();
        for edge in data_edges(resources) {
            on[edge.to].push((edge.from, Some((edge.output, edge.input))));
        }
        Self { on }
    }

    /// The sets of resources that wait for each other (strongly connected, by Tarjan), each in the order of the project.
    fn circles(&self) -> Vec<Vec<usize>> {
        let mut search = Search { order: vec![0; self.on.len()], low: vec![0; self.on.len()], ..Search::default() };
        for root in 0..self.on.len() {
            if search.order[root] == 0 {
                search.from(self, root);
            }
        }
        let is_circle =
            |set: &Vec<usize>| set.len() > 1 || set.iter().any(|node| self.on[*node].iter().any(|(on, _)| on == node));
        let mut circles: Vec<_> = search.sets.into_iter().filter(is_circle).collect();
        for set in &mut circles {
            set.sort_unstable();
        }
        circles.sort();
        circles
    }

    /// The shortest way from the first resource of a circle back to it.
    fn cycle(&self, circle: &[usize]) -> GraphFault {
        let start = circle[0];
        let mut came_from: BTreeMap<usize, (usize, Through)> = BTreeMap::new();
        let mut next = VecDeque::from([start]);
        while let Some(node) = next.pop_front() {
            for (on, through) in &self.on[node] {
                if circle.binary_search(on).is_ok() && !came_from.contains_key(on) {
                    came_from.insert(*on, (node, through.clone()));
                    next.push_back(*on);
                }
            }
        }
        let (mut nodes, mut paths) = (vec![start], Vec::new());
        let mut node = start;
        while let Some((before, through)) = came_from.get(&node) {
            nodes.push(*before);
            paths.push(through.clone());
            node = *before;
            if node == start {
                break;
            }
        }
        nodes.reverse();
        paths.reverse();
        GraphFault::Cycle { nodes, through: paths }
    }
}

/// Tarjan's search, without recursion: a chain of ten thousand resources must not need as many stack frames.
#[derive(Default)]
struct Search {
    /// When each resource was met, from 1; 0 is not yet.
    order: Vec<usize>,
    low: Vec<usize>,
    met: usize,
    open: Vec<usize>,
    is_open: BTreeSet<usize>,
    sets: Vec<Vec<usize>>,
}

impl Search {
    fn from(&mut self, waits: &Waits, root: usize) {
        let mut path = vec![(root, 0)];
        self.meet(root);
        while let Some((node, edge)) = path.last_mut() {
            let node = *node;
            if let Some((on, _)) = waits.on[node].get(*edge) {
                *edge += 1;
                if self.order[*on] == 0 {
                    self.meet(*on);
                    path.push((*on, 0));
                } else if self.is_open.contains(on) {
                    self.low[node] = self.low[node].min(self.order[*on]);
                }
                continue;
            }
            path.pop();
            if let Some((parent, _)) = path.last() {
                self.low[*parent] = self.low[*parent].min(self.low[node]);
            }
            if self.low[node] == self.order[node] {
                self.close(node);
            }
        }
    }

    fn meet(&mut self, node: usize) {
        self.met += 1;
        self.order[node] = self.met;
        self.low[node] = self.met;
        self.open.push(node);
        self.is_open.insert(node);
    }

    fn close(&mut self, node: usize) {
        let from = self.open.iter().rposition(|open| *open == node).unwrap_or(0);
        let set = self.open.split_off(from);
        for node in &set {
            self.is_open.remove(node);
        }
        self.sets.push(set);
    }
}
