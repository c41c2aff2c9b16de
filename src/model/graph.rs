//! Nodes and edges: what depends on what, and what is inferred from outputs and inputs.

use super::{FilePath, Kind, PathIndex, Resource, ResourceName};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// What a node is known by, over the whole session.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKey {
    /// A resource by its name.
    Resource(ResourceName),
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
    /// `to` first starts after `from` met the condition once.
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

/// All data edges of the project, in the order of the readers: an output of `from` overlaps an input of `to` that `to` does
/// not ignore. A resource that reads its own outputs has no edge to itself.
#[must_use]
pub fn data_edges(resources: &[Arc<Resource>]) -> Vec<DataEdge> {
    let mut writers = PathIndex::default();
    for (place, resource) in resources.iter().enumerate() {
        let Kind::Local(local) = &resource.kind;
        local.outputs.iter().for_each(|output| writers.insert(output.clone(), (place, output.clone())));
    }
    let mut edges = Vec::new();
    for (reader, resource) in resources.iter().enumerate() {
        let Kind::Local(local) = &resource.kind;
        let mut found = BTreeMap::new();
        for input in &local.inputs.roots {
            let above = writers.at_or_above(input).map(|(writer, output)| (*writer, output, input));
            let below = writers.at_or_below(input).map(|(output, (writer, _))| (*writer, output, output));
            for (writer, output, overlap) in above.chain(below) {
                if writer != reader && !local.inputs.ignore.iter().any(|rule| rule.ignores(overlap)) {
                    found.entry(writer).or_insert((output.clone(), input.clone()));
                }
            }
        }
        let edge = |(from, (output, input))| DataEdge { from, to: reader, output, input };
        edges.extend(found.into_iter().map(edge));
    }
    edges
}
