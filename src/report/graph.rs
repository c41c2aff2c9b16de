//! `orch graph`: what depends on what, for people and for programs that draw.

use super::{Look, json::SCHEMA, look::Colour};
use crate::{
    model::{Condition, FilePath, NodeKey, ResourceName},
    snapshot::{Graph, GraphEdge, GraphEdgeKind, Row, Rows, RuntimeStatus, UpdateStatus},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// A part of a graph, with what is known of its nodes.
#[derive(Debug, Clone)]
pub struct View<'a> {
    graph: &'a Graph,
    /// How the resources fare; empty where no session tells.
    rows: &'a Rows,
    root: &'a FilePath,
    /// Which nodes are shown.
    shown: BTreeSet<usize>,
}

impl<'a> View<'a> {
    /// All of it; with names, these and what they need and what needs them.
    pub fn new(graph: &'a Graph, rows: &'a Rows, root: &'a FilePath, names: &[ResourceName]) -> Self {
        let chosen: Vec<usize> = names.iter().filter_map(|name| graph.resource(name)).collect();
        let shown = if names.is_empty() {
            (0..graph.nodes.len()).collect()
        } else {
            let needs = reach(&chosen, |place| graph.needs(place).iter().map(|edge| edge.from).collect());
            let readers = readers(graph);
            let needed_by = reach(&chosen, |place| readers.get(&place).cloned().unwrap_or_default());
            needs.union(&needed_by).copied().collect()
        };
        Self { graph, rows, root, shown }
    }

    fn edges(&self) -> impl Iterator<Item = &GraphEdge> {
        let shown = |edge: &&GraphEdge| self.shown.contains(&edge.from) && self.shown.contains(&edge.to);
        self.graph.edges.iter().filter(shown)
    }

    fn row(&self, place: usize) -> Option<&Row> {
        matches!(self.graph.nodes.get(place)?, NodeKey::Resource(_)).then(|| self.rows.get(place))?.map(|row| &**row)
    }

    fn name(&self, place: usize) -> String {
        match &self.graph.nodes[place] {
            NodeKey::Resource(name) => name.to_string(),
            NodeKey::Image(key) => format!("image {key}"),
        }
    }

    /// What is written on an edge.
    fn label(&self, edge: &GraphEdge) -> String {
        match &edge.kind {
            GraphEdgeKind::Order(condition) => condition_word(*condition).to_owned(),
            GraphEdgeKind::Files { output, input } => {
                // The deeper one is what is read.
                let path = if input.is_within(output) { input } else { output };
                path.display_from(self.root)
            }
            GraphEdgeKind::Image => String::new(),
        }
    }

    /// Each node after those it needs; of equals the one declared first.
    fn in_order(&self) -> Vec<usize> {
        let mut open: BTreeMap<usize, usize> = self.shown.iter().map(|place| (*place, 0)).collect();
        let mut readers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for edge in self.edges() {
            *open.entry(edge.to).or_default() += 1;
            readers.entry(edge.from).or_default().push(edge.to);
        }
        let mut free: BTreeSet<usize> =
            open.iter().filter(|(_, count)| **count == 0).map(|(place, _)| *place).collect();
        let mut order = Vec::new();
        while let Some(place) = free.pop_first() {
            order.push(place);
            for reader in readers.get(&place).into_iter().flatten() {
                let Some(count) = open.get_mut(reader) else { continue };
                *count -= 1;
                if *count == 0 {
                    free.insert(*reader);
                }
            }
        }
        order
    }
}

fn readers(graph: &Graph) -> BTreeMap<usize, Vec<usize>> {
    let mut readers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    graph.edges.iter().for_each(|edge| readers.entry(edge.from).or_default().push(edge.to));
    readers
}

fn reach(from: &[usize], next: impl Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let (mut found, mut open) = (BTreeSet::new(), from.to_vec());
    while let Some(place) = open.pop() {
        if found.insert(place) {
            open.extend(next(place));
        }
    }
    found
}

/// How a condition is called.
pub(super) fn condition_word(condition: Condition) -> &'static str {
    match condition {
        Condition::Started => "started",
        Condition::Ready => "ready",
        Condition::Succeeded => "succeeded",
    }
}

/// How a resource fares, as a colour.
fn colour_of(row: &Row) -> Colour {
    match (row.update, row.runtime) {
        _ if !row.spec.enabled => Colour::Dim,
        (UpdateStatus::Error, _) | (_, RuntimeStatus::Error) => Colour::Red,
        _ if row.is_ready() => Colour::Green,
        _ => Colour::Yellow,
    }
}

/// A line a node: what it needs, and how.
pub fn text(view: &View<'_>, look: Look) -> String {
    let order = view.in_order();
    let widest = order.iter().map(|place| view.name(*place).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for place in order {
        let needs: Vec<String> = view.edges().filter(|edge| edge.to == place).map(|edge| need(view, edge)).collect();
        let name = format!("{:widest$}", view.name(place));
        let name = view.row(place).map_or(name.clone(), |row| look.paint(colour_of(row), name));
        let line = if needs.is_empty() { name } else { format!("{name}  ← {}", needs.join(", ")) };
        writeln!(text, "{}", line.trim_end()).ok();
    }
    text
}

fn need(view: &View<'_>, edge: &GraphEdge) -> String {
    let name = view.name(edge.from);
    match &edge.kind {
        GraphEdgeKind::Image => name,
        GraphEdgeKind::Order(_) | GraphEdgeKind::Files { .. } => format!("{name} ({})", view.label(edge)),
    }
}

/// For Graphviz.
pub fn dot(view: &View<'_>) -> String {
    let mut text = "digraph orch {\n  rankdir=LR;\n  node [shape=box, style=rounded];\n".to_owned();
    for &place in &view.shown {
        let shape = if view.row(place).is_none() && matches!(view.graph.nodes[place], NodeKey::Image(_)) {
            ", shape=component"
        } else {
            ""
        };
        let colour = view.row(place).map_or("", |row| match colour_of(row) {
            Colour::Red => ", color=red",
            Colour::Green => ", color=darkgreen",
            Colour::Dim => ", color=gray, fontcolor=gray",
            Colour::Yellow | Colour::Name(_) => ", color=orange",
        });
        writeln!(text, "  n{place} [label=\"{}\"{shape}{colour}];", quoted(&view.name(place))).ok();
    }
    for edge in view.edges() {
        let style = if matches!(edge.kind, GraphEdgeKind::Order(_)) { ", style=dashed" } else { "" };
        let label = quoted(&view.label(edge));
        writeln!(text, "  n{} -> n{} [label=\"{label}\"{style}];", edge.from, edge.to).ok();
    }
    text + "}\n"
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// For Mermaid, as Markdown pages show it.
pub fn mermaid(view: &View<'_>) -> String {
    let safe = |text: &str| text.replace('"', "#quot;");
    let mut text = "flowchart LR\n".to_owned();
    for &place in &view.shown {
        let name = safe(&view.name(place));
        match view.graph.nodes[place] {
            NodeKey::Resource(_) => writeln!(text, "  n{place}[\"{name}\"]"),
            NodeKey::Image(_) => writeln!(text, "  n{place}[[\"{name}\"]]"),
        }
        .ok();
    }
    for edge in view.edges() {
        let arrow = if matches!(edge.kind, GraphEdgeKind::Order(_)) { "-.->" } else { "-->" };
        let label = match safe(&view.label(edge)) {
            label if label.is_empty() => label,
            label => format!("|\"{label}\"|"),
        };
        writeln!(text, "  n{} {arrow}{label} n{}", edge.from, edge.to).ok();
    }
    text
}

/// For programs.
pub fn document(view: &View<'_>) -> Value {
    let node = |place: &usize| {
        let (kind, name) = match &view.graph.nodes[*place] {
            NodeKey::Resource(name) => ("resource", name.as_str()),
            NodeKey::Image(key) => ("image", key.as_str()),
        };
        let row = view.row(*place);
        json!({
            "id": id(&view.graph.nodes[*place]),
            "kind": kind,
            "name": name,
            "enabled": row.map(|row| row.spec.enabled),
            "update": row.map(|row| row.update),
            "runtime": row.map(|row| row.runtime),
            "dirty": row.map(|row| row.dirty),
        })
    };
    json!({
        "schema": SCHEMA,
        "nodes": view.shown.iter().map(node).collect::<Vec<_>>(),
        "edges": view.edges().map(|edge| edge_document(view.graph, edge, view.root)).collect::<Vec<_>>(),
    })
}

fn id(node: &NodeKey) -> String {
    match node {
        NodeKey::Resource(name) => format!("resource/{name}"),
        NodeKey::Image(key) => format!("image/{key}"),
    }
}

/// An edge: from what is needed to what needs it.
pub(super) fn edge_document(graph: &Graph, edge: &GraphEdge, root: &FilePath) -> Value {
    let (from, to) = (id(&graph.nodes[edge.from]), id(&graph.nodes[edge.to]));
    match &edge.kind {
        GraphEdgeKind::Order(condition) => {
            json!({"from": from, "to": to, "kind": "order", "condition": condition_word(*condition)})
        }
        GraphEdgeKind::Files { output, input } => json!({
            "from": from, "to": to, "kind": "files",
            "output": output.display_from(root), "input": input.display_from(root),
        }),
        GraphEdgeKind::Image => json!({"from": from, "to": to, "kind": "image"}),
    }
}
