//! The graph in layers: where each node stands, and where the lines between them run.
//!
//! A node stands one layer behind the last of those it waits for. An edge over several layers passes through places of its
//! own; one that a longer way says already is left out. Between two layers, edges run in channels; edges from one node share
//! one.

use crate::snapshot::Graph;
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Something in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stop {
    /// A node, by its place in the graph.
    Node(usize),
    /// A place where an edge from the first to the second passes.
    Pass(usize, usize),
}

/// A graph in layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layers {
    /// What stands in each layer, from top to bottom.
    pub layers: Vec<Vec<Stop>>,
    /// Lines between a layer and the next: from the row in this one to rows in the next one.
    pub lines: Vec<Vec<(usize, usize)>>,
}

/// How often the order within the layers is made better.
const SWEEPS: usize = 4;
/// Above so many edges, none is drawn: the picture would be all lines, and take long.
const EDGES_MAX: usize = 4000;

impl Layers {
    /// The layers of a graph.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let depth = depths(graph);
        let layer_count = depth.iter().max().map_or(0, |deepest| deepest + 1);
        let mut layers: Vec<Vec<Stop>> = vec![Vec::new(); layer_count];
        for (node, depth) in depth.iter().enumerate() {
            layers[*depth].push(Stop::Node(node));
        }
        let pairs: BTreeSet<(usize, usize)> = graph
            .edges
            .iter()
            .map(|edge| (edge.from, edge.to))
            .filter(|(from, to)| depth[*from] < depth[*to])
            .collect();
        if pairs.len() > EDGES_MAX {
            let lines = vec![Vec::new(); layers.len()];
            return Self { layers, lines };
        }
        let pairs = needed(&pairs, &depth);
        let mut steps: Vec<Vec<(Stop, Stop)>> = vec![Vec::new(); layer_count];
        for &(from, to) in &pairs {
            let mut before = Stop::Node(from);
            for between in depth[from] + 1..depth[to] {
                let pass = Stop::Pass(from, to);
                layers[between].push(pass);
                steps[between - 1].push((before, pass));
                before = pass;
            }
            steps[depth[to] - 1].push((before, Stop::Node(to)));
        }
        for _ in 0..SWEEPS {
            for layer in 1..layer_count {
                sort_by_neighbours(
                    &mut layers,
                    layer,
                    layer - 1,
                    steps[layer - 1].iter().map(|(from, to)| (*to, *from)),
                );
            }
            for layer in (0..layer_count.saturating_sub(1)).rev() {
                sort_by_neighbours(&mut layers, layer, layer + 1, steps[layer].iter().copied());
            }
        }
        let lines = (0..layer_count).map(|layer| rows_of(&layers, layer, &steps[layer])).collect();
        Self { layers, lines }
    }
}

/// The edges that no longer way says already: who waits for one that waits for another waits for that one, too.
fn needed(pairs: &BTreeSet<(usize, usize)>, depth: &[usize]) -> BTreeSet<(usize, usize)> {
    let words = depth.len().div_ceil(64);
    // For each node, a bit for each of those before it; shallow nodes first, so that theirs are known.
    let mut before = vec![vec![0u64; words]; depth.len()];
    let mut by_depth: Vec<(usize, usize)> = pairs.iter().copied().collect();
    by_depth.sort_by_key(|(from, to)| (depth[*to], *to, Reverse(depth[*from])));
    let mut needed = BTreeSet::new();
    for (from, to) in by_depth {
        let (word, bit) = (from / 64, 1u64 << (from % 64));
        if before[to][word] & bit != 0 {
            continue;
        }
        needed.insert((from, to));
        let of_from = before[from].clone();
        before[to].iter_mut().zip(of_from).for_each(|(bits, more)| *bits |= more);
        before[to][word] |= bit;
    }
    needed
}

/// How many nodes one has before it at most, one after the other. Edges that lead back, which a graph of order edges alone has
/// not, count once.
fn depths(graph: &Graph) -> Vec<usize> {
    let mut depth = vec![0; graph.nodes.len()];
    // An image is built before what is made of it: places alone give no order. As many rounds as the longest path has.
    for _ in 0..graph.nodes.len() {
        let mut changed = false;
        for edge in &graph.edges {
            let (Some(from), Some(to)) = (depth.get(edge.from).copied(), depth.get(edge.to).copied()) else { continue };
            if to <= from && from + 1 < graph.nodes.len() {
                depth[edge.to] = from + 1;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    depth
}

/// Puts each stop near the middle of those it is linked to in the other layer.
fn sort_by_neighbours(layers: &mut [Vec<Stop>], layer: usize, other: usize, links: impl Iterator<Item = (Stop, Stop)>) {
    let rows: BTreeMap<Stop, usize> = layers[other].iter().enumerate().map(|(row, stop)| (*stop, row)).collect();
    let mut sums: BTreeMap<Stop, (usize, usize)> = BTreeMap::new();
    for (stop, neighbour) in links {
        if let Some(row) = rows.get(&neighbour) {
            let sum = sums.entry(stop).or_default();
            *sum = (sum.0 + row, sum.1 + 1);
        }
    }
    let mut placed: Vec<(usize, usize, Stop)> = Vec::new();
    for (row, stop) in layers[layer].iter().enumerate() {
        // In hundredths, so that places between two rows count.
        let middle = sums.get(stop).map_or(row * 100, |(sum, count)| sum * 100 / count);
        placed.push((middle, row, *stop));
    }
    placed.sort_unstable();
    layers[layer] = placed.into_iter().map(|(_, _, stop)| stop).collect();
}

fn rows_of(layers: &[Vec<Stop>], layer: usize, steps: &[(Stop, Stop)]) -> Vec<(usize, usize)> {
    let Some(next) = layers.get(layer + 1) else { return Vec::new() };
    let rows = |stops: &[Stop]| -> BTreeMap<Stop, usize> {
        stops.iter().enumerate().map(|(row, stop)| (*stop, row)).collect()
    };
    let (from, to) = (rows(&layers[layer]), rows(next));
    let mut lines: Vec<(usize, usize)> = steps.iter().filter_map(|(a, b)| Some((*from.get(a)?, *to.get(b)?))).collect();
    lines.sort_unstable();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{ImageKey, NodeKey},
        snapshot::{GraphEdge, GraphEdgeKind},
    };

    fn graph(nodes: usize, edges: &[(usize, usize)]) -> Graph {
        let node = |place: usize| NodeKey::Image(ImageKey(place.to_string().into()));
        let edge = |&(from, to): &(usize, usize)| GraphEdge { to, from, kind: GraphEdgeKind::Image };
        let mut edges: Vec<GraphEdge> = edges.iter().map(edge).collect();
        edges.sort();
        Graph { nodes: (0..nodes).map(node).collect(), edges }
    }

    fn layer_of(layers: &Layers, node: usize) -> Option<usize> {
        layers.layers.iter().position(|stops| stops.contains(&Stop::Node(node)))
    }

    #[test]
    fn a_node_stands_behind_all_it_waits_for() {
        let layers = Layers::of(&graph(4, &[(0, 1), (1, 2), (3, 2)]));
        assert_eq!(layer_of(&layers, 0), Some(0));
        assert_eq!(layer_of(&layers, 1), Some(1));
        assert_eq!(layer_of(&layers, 2), Some(2));
        let passes = layers.layers[1].iter().filter(|stop| matches!(stop, Stop::Pass(..))).count();
        assert_eq!(passes, 1);
        assert_eq!(layers.lines[0].len(), 2);
    }

    #[test]
    fn an_edge_that_a_longer_way_says_is_left_out() {
        let layers = Layers::of(&graph(4, &[(0, 1), (0, 2), (0, 3), (1, 2), (2, 3)]));
        assert_eq!(layers.lines, [vec![(0, 0)], vec![(0, 0)], vec![(0, 0)], vec![]]);
    }

    #[test]
    fn a_circle_ends() {
        assert_eq!(Layers::of(&graph(3, &[(0, 1), (1, 0)])).layers.iter().map(Vec::len).sum::<usize>(), 3);
        assert_eq!(Layers::of(&graph(0, &[])), Layers::default());
    }

    #[test]
    fn lines_that_need_not_cross_do_not() {
        let layers = Layers::of(&graph(4, &[(0, 3), (1, 2)]));
        let crossing = |a: &(usize, usize), b: &(usize, usize)| (a.0 < b.0) != (a.1 < b.1);
        assert!(!crossing(&layers.lines[0][0], &layers.lines[0][1]));
    }
}
