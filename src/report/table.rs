//! `orch status` as a table.

use super::{
    Look,
    columns::{columns, padded},
    look::Colour,
    note,
};
use crate::{
    model::{
        FilePath, Kind, Project, Resource, ResourceName,
        graph::{DataEdge, data_edges},
    },
    snapshot::{RowKind, RuntimeStatus, Snapshot, UpdateStatus},
};

/// The rows of the table: name, kind where there are several, update, runtime, what is to be known.
pub fn status(snapshot: &Snapshot, names: &[ResourceName], look: Look) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let shown: Vec<_> = snapshot.rows.iter().filter(|row| names.is_empty() || names.contains(&row.name)).collect();
    let widest = shown.iter().map(|row| columns(row.name.as_str())).max().unwrap_or(0).max(4);
    let with_kinds = shown.iter().any(|row| row.kind != RowKind::Local);
    let widest_kind = shown.iter().map(|row| kind_word(row.kind).len()).max().unwrap_or(0);
    let kind = |word: &str| if with_kinds { format!("{word:widest_kind$}  ") } else { String::new() };
    let head = format!("{:widest$}  {}{:12}  {:8}  NOTE", "NAME", kind("KIND"), "UPDATE", "RUNTIME");
    let mut text = look.paint(Colour::Dim, head);
    text.push('\n');
    for row in shown {
        let (update, update_colour) = update_word(row.update);
        let (runtime, runtime_colour) = match row.finished() {
            Some(_) => ("done", Colour::Green),
            None => runtime_word(row.runtime),
        };
        let line = format!(
            "{}  {}{}  {}  {}",
            look.paint_name(row.name.as_str(), padded(row.name.as_str(), widest)),
            kind(kind_word(row.kind)),
            look.paint(update_colour, format!("{update:12}")),
            look.paint(runtime_colour, format!("{runtime:8}")),
            note::note(row, &root, snapshot.at),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn kind_word(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Local => "local",
        RowKind::Container => "container",
        RowKind::Kubernetes => "kubernetes",
    }
}

fn update_word(status: UpdateStatus) -> (&'static str, Colour) {
    match status {
        UpdateStatus::None => ("-", Colour::Dim),
        UpdateStatus::Pending => ("pending", Colour::Yellow),
        UpdateStatus::InProgress => ("in progress", Colour::Yellow),
        UpdateStatus::Ok => ("ok", Colour::Green),
        UpdateStatus::Error => ("error", Colour::Red),
        UpdateStatus::NotApplicable => ("-", Colour::Dim),
    }
}

fn runtime_word(status: RuntimeStatus) -> (&'static str, Colour) {
    match status {
        RuntimeStatus::None | RuntimeStatus::NotApplicable => ("-", Colour::Dim),
        RuntimeStatus::Pending => ("pending", Colour::Yellow),
        RuntimeStatus::Ok => ("ready", Colour::Green),
        RuntimeStatus::Error => ("error", Colour::Red),
    }
}

/// `orch eval -o name`.
pub fn names(project: &Project) -> String {
    project.resources.iter().map(|resource| format!("{}\n", resource.name)).collect()
}

/// `orch eval` for people: what there is and what it waits for.
pub fn project(project: &Project, look: Look) -> String {
    let widest =
        project.resources.iter().map(|resource| resource.name.as_str().chars().count()).max().unwrap_or(0).max(4);
    let mut text = look.paint(Colour::Dim, format!("{:widest$}  {:14}  AFTER", "NAME", "MADE OF"));
    text.push('\n');
    let edges = data_edges(&project.resources);
    for (resource, edges) in project.resources.iter().zip(by_reader(&edges, project.resources.len())) {
        let line = format!(
            "{}  {:14}  {}",
            look.paint_name(resource.name.as_str(), format!("{:widest$}", resource.name)),
            parts(resource),
            after(project, resource, &edges)
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn by_reader(edges: &[DataEdge], count: usize) -> Vec<Vec<&DataEdge>> {
    let mut by_reader = vec![Vec::new(); count];
    edges.iter().for_each(|edge| by_reader[edge.to].push(edge));
    by_reader
}

fn parts(resource: &Resource) -> String {
    let state = if resource.enabled { "" } else { ", disabled" };
    let parts = match &resource.kind {
        Kind::Local(local) => match (&local.cmd, &local.serve) {
            (Some(_), Some(_)) => "cmd, serve",
            (None, Some(_)) => "serve",
            (Some(_) | None, None) => "cmd",
        },
        Kind::Container(_) => "container",
        Kind::Kube(_) => "kubernetes",
    };
    format!("{parts}{state}")
}

/// What a resource waits for: declared dependencies, then the writers of what it reads.
fn after(project: &Project, resource: &Resource, edges: &[&DataEdge]) -> String {
    let declared = resource.dependencies.iter().map(|dependency| dependency.on.to_string());
    let inferred = edges.iter().map(|edge| {
        let writer = &project.resources[edge.from].name;
        format!("{writer} ({})", edge.output.display_from(&project.root))
    });
    declared.chain(inferred).collect::<Vec<_>>().join(", ")
}
