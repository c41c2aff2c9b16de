//! What the Orchfile says of it: its declaration, what it waits for, what it reads and writes.

use super::{Detail, Lines, NAME};
use crate::{
    dashboard::{
        look::Tone,
        text::{broken, columns},
        view::{cells::Piece, list::sign},
    },
    model::{Condition, FilePath, ImageKey, NodeKey},
    snapshot::{GraphEdge, GraphEdgeKind},
};

impl Detail<'_> {
    pub(super) fn needs(&self) -> Lines {
        let graph = &self.dashboard.snapshot.graph;
        let Some(place) = graph.resource(&self.row.name) else { return Vec::new() };
        graph.needs(place).iter().map(|edge| self.edge(edge, edge.from)).collect()
    }

    pub(super) fn needed_by(&self) -> Lines {
        let graph = &self.dashboard.snapshot.graph;
        let Some(place) = graph.resource(&self.row.name) else { return Vec::new() };
        graph.needed_by(place).map(|edge| self.edge(edge, edge.to)).collect()
    }

    /// The other end of an edge: how it fares, and what is waited for.
    fn edge(&self, edge: &GraphEdge, other: usize) -> Vec<Piece> {
        let signs = self.dashboard.setting.look.signs();
        let (name, sign, tone) = match self.dashboard.snapshot.graph.nodes.get(other) {
            Some(NodeKey::Resource(name)) => {
                let row = self.dashboard.snapshot.rows.named(name);
                let (sign, tone) = row.map_or((signs.idle, Tone::Dim), |row| sign(self.dashboard, row));
                (name.to_string(), sign, tone)
            }
            Some(NodeKey::Image(key)) => (image_name(key), signs.dot, Tone::Dim),
            None => (String::new(), signs.dot, Tone::Dim),
        };
        let why = match &edge.kind {
            GraphEdgeKind::Order(Condition::Started) => "to start".to_owned(),
            GraphEdgeKind::Order(Condition::Ready) => "to be ready".to_owned(),
            GraphEdgeKind::Order(Condition::Succeeded) => "to succeed".to_owned(),
            GraphEdgeKind::Files { output, .. } => format!("its output {}", output.display_from(&self.root)),
            GraphEdgeKind::Image => "made of it".to_owned(),
        };
        vec![
            self.piece(tone, format!("  {sign} ")),
            self.piece(Tone::Plain, format!("{name}  ")),
            self.piece(Tone::Dim, why),
        ]
    }

    pub(super) fn declared(&self) -> Lines {
        let spec = &self.row.spec;
        let names = spec.parts.iter().map(|part| columns(&part.name) + 1).fold(NAME, usize::max);
        let fact =
            |name: &str, text: &str| self.fact_within(names, self.width.saturating_sub(2), name, Tone::Plain, text);
        let place = spec.declared_at.as_ref().map(|at| fact("at", &format!("{}:{}", at.file, at.line)));
        let parts = spec.parts.iter().flat_map(|part| fact(&part.name, &part.text));
        let mut lines: Lines = place.into_iter().flatten().chain(parts).collect();
        lines.iter_mut().for_each(|line| line.insert(0, self.piece(Tone::Plain, "  ")));
        lines
    }

    pub(super) fn reads(&self) -> Lines {
        let mut lines = Vec::new();
        for input in &self.row.spec.inputs {
            lines.extend(self.paths(&input.roots));
            let more = input.root_count.saturating_sub(input.roots.len() as u64);
            if more > 0 {
                lines.push(self.line(Tone::Dim, format!("and {more} more")));
            }
            if !input.ignore.is_empty() {
                let text = format!("without {}", input.ignore.join(", "));
                lines.extend(
                    broken(&text, self.width.saturating_sub(2).max(10))
                        .into_iter()
                        .map(|row| self.line(Tone::Dim, row)),
                );
            }
        }
        lines
    }

    pub(super) fn paths(&self, paths: &[FilePath]) -> Lines {
        paths.iter().map(|path| self.line(Tone::Plain, path.display_from(&self.root))).collect()
    }
}

fn image_name(key: &ImageKey) -> String {
    format!("image {key}")
}
