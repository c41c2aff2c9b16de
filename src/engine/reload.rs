//! A project comes into force: what differs from the one before is changed, all else goes on.

use super::{
    changes,
    dirt::Dirt,
    edges, fresh, knowledge,
    node::{Edges, Knowledge, Node, NodeId, SelfDirt},
    phase::{LastRun, Server},
    schedule,
    state::{Reader, State},
    stop, takedown,
};
use crate::model::{Command, FilePath, Kind, Local, Probe, Project, Resource, graph};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What becomes of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    id: NodeId,
    kind: ChangeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChangeKind {
    /// It is new (or was removed before).
    Added,
    /// It is not there any more.
    Removed,
    /// Something of it differs.
    Changed(Differs),
}

/// In what two declarations of one resource differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Differs {
    /// What is run.
    definition: bool,
    /// Which files it reads or writes.
    files: bool,
    /// It was no part of the session and is now.
    enabled: bool,
}

/// Brings the project into force.
pub(super) fn apply(state: &mut State, project: &Arc<Project>) {
    let before = state.project.replace(project.clone());
    let environment_differs = before.as_ref().is_some_and(|before| before.environment != project.environment);
    let old_order = std::mem::take(&mut state.order);
    let mut differing = Vec::new();
    for (place, resource) in project.resources.iter().enumerate() {
        let (id, kind) = place_resource(state, place, resource, environment_differs);
        state.order.push(id);
        differing.extend(kind.map(|kind| Change { id, kind }));
    }
    let kept: BTreeSet<NodeId> = state.order.iter().copied().collect();
    let removed = old_order.iter().filter(|id| !kept.contains(id));
    differing.extend(removed.map(|&id| Change { id, kind: ChangeKind::Removed }));
    if old_order != state.order {
        state.view.order_changed = true;
    }
    if before.as_ref().is_none_or(|before| before.settings != project.settings) {
        let queued: Vec<NodeId> = state.queue.queued().collect();
        state.agenda.extend(queued);
    }
    for change in &differing {
        carry_out(state, *change);
    }
    relink(state, project, &differing);
    knowledge::forget_unread(state);
    if !differing.is_empty() {
        changes::hold_new_readers(state);
    }
    state.agenda.extend(differing.iter().map(|change| change.id));
}

/// Gives a resource its node. Tells what differs, if anything does.
fn place_resource(
    state: &mut State,
    place: usize,
    resource: &Arc<Resource>,
    environment_differs: bool,
) -> (NodeId, Option<ChangeKind>) {
    let Some(&id) = state.by_name.get(&resource.name) else {
        let id = state.nodes.add(Node::new(resource.clone(), place));
        state.by_name.insert(resource.name.clone(), id);
        return (id, Some(ChangeKind::Added));
    };
    let node = state.node(id);
    let was_there = node.place.replace(place).is_some();
    if !was_there {
        revive(node, resource);
        return (id, Some(ChangeKind::Added));
    }
    let is_same = Arc::ptr_eq(&node.resource, resource) || node.resource == *resource;
    if is_same && !environment_differs {
        return (id, None);
    }
    let mut differs = differs(&node.resource, resource);
    differs.definition |= environment_differs;
    node.resource = resource.clone();
    if differs.files {
        // The index still has the old roots: `carry_out` knows them by the set.
        state.view.changed.insert(id);
    }
    (id, Some(ChangeKind::Changed(differs)))
}

/// A resource that was removed and is declared again begins anew; only what still lives of it is kept.
fn revive(node: &mut Node, resource: &Arc<Resource>) {
    let place = node.place.unwrap_or_default();
    let new = Node::new(resource.clone(), place);
    node.resource = new.resource;
    node.output_set = new.output_set;
    node.definition = None;
    node.stopped = false;
    node.reached = new.reached;
    node.edges = Edges::default();
    begin_anew(node);
}

/// As if it had not run in this session; what still lives of it is on its way to its end.
fn begin_anew(node: &mut Node) {
    node.wish = None;
    node.dirt = Dirt { first: true, ..Dirt::default() };
    node.last = LastRun::None;
    node.knowledge = Knowledge::default();
    node.itself = SelfDirt::default();
    let live = node.server.live.take();
    node.server = Server { live, ..Server::default() };
}

fn differs(old: &Resource, new: &Resource) -> Differs {
    let enabled = !old.enabled && new.enabled;
    let (Kind::Local(old), Kind::Local(new)) = (&old.kind, &new.kind) else {
        let differs = old.kind != new.kind;
        return Differs { definition: differs, files: differs, enabled };
    };
    Differs {
        definition: old.cmd != new.cmd || old.outputs != new.outputs || serving(old) != serving(new),
        files: old.inputs != new.inputs || old.outputs != new.outputs,
        enabled,
    }
}

/// What of a server is part of its definition; when it is restarted is not.
fn serving(local: &Local) -> Option<(&Command, &Option<Probe>, &Option<String>)> {
    local.serve.as_ref().map(|serve| (&serve.command, &serve.probe, &serve.ready_log_line))
}

fn carry_out(state: &mut State, change: Change) {
    let id = change.id;
    match change.kind {
        ChangeKind::Added => add_to_index(state, id),
        ChangeKind::Removed => remove(state, id),
        ChangeKind::Changed(differs) => change_in_place(state, id, differs),
    }
}

fn roots(local: &Local) -> Vec<(FilePath, bool)> {
    let inputs = local.inputs.roots.iter().map(|root| (root.clone(), true));
    inputs.chain(local.outputs.iter().map(|root| (root.clone(), false))).collect()
}

fn reader(id: NodeId, is_input: bool) -> Reader {
    if is_input { Reader::Input(id) } else { Reader::Output(id) }
}

/// Only what is part of the session is watched.
fn add_to_index(state: &mut State, id: NodeId) {
    if !state.nodes[id].is_enabled() {
        return;
    }
    let all = roots(state.nodes[id].local());
    state.node(id).edges.unmet = 0;
    for (root, is_input) in &all {
        state.index.insert(root.clone(), reader(id, *is_input));
    }
    state.node(id).indexed = all;
}

fn remove_from_index(state: &mut State, id: NodeId) {
    for (root, is_input) in std::mem::take(&mut state.node(id).indexed) {
        state.index.remove(&root, &reader(id, is_input));
        state.left_roots.push(root);
    }
}

fn remove(state: &mut State, id: NodeId) {
    remove_from_index(state, id);
    fresh::abort(state, id);
    schedule::leave_queue(state, id);
    state.node(id).place = None;
    stop::end_all(state, id);
    takedown::on_done(state, id);
    link(state, id, Vec::new(), Vec::new());
}

fn change_in_place(state: &mut State, id: NodeId, differs: Differs) {
    fresh::abort(state, id);
    if differs.definition {
        let now = state.now;
        let node = state.node(id);
        node.definition = None;
        node.knowledge.checked = false;
        if !node.dirt.first {
            if !node.dirt.is_change() {
                node.changed_at = now;
            }
            node.dirt.definition = true;
        }
    }
    let is_indexed = !state.nodes[id].indexed.is_empty();
    if differs.files || is_indexed != state.nodes[id].is_enabled() {
        remove_from_index(state, id);
        add_to_index(state, id);
    }
    if differs.files {
        let node = state.node(id);
        node.output_set = node.outputs_of_definition();
        node.knowledge.complete_at = None;
        node.knowledge.inputs = None;
        node.knowledge.background = None;
        let mut files = std::mem::take(&mut node.dirt.files);
        files.retain(|path, _| node.reads(path));
        node.dirt.files = files;
        fresh::ask_in_background(state, id);
    }
    if !state.nodes[id].resource.enabled {
        stop::end_all(state, id);
    } else if differs.enabled {
        // Nobody watched its files meanwhile.
        begin_anew(state.node(id));
    }
}

/// Brings the edges of changed nodes, and data edges wherever they differ, up to date.
fn relink(state: &mut State, project: &Project, changes: &[Change]) {
    let touched: BTreeSet<NodeId> = changes.iter().map(|change| change.id).collect();
    let files_differ = changes.iter().any(|change| match change.kind {
        ChangeKind::Added | ChangeKind::Removed => true,
        ChangeKind::Changed(differs) => differs.files,
    });
    if touched.is_empty() {
        return;
    }
    let mut writers: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
    if files_differ {
        for edge in graph::data_edges(&project.resources) {
            writers.entry(state.order[edge.to]).or_default().push(state.order[edge.from]);
        }
    }
    for id in state.order.clone() {
        let node = &state.nodes[id];
        let new_writers =
            if files_differ { writers.remove(&id).unwrap_or_default() } else { node.edges.writers.clone() };
        if touched.contains(&id) || node.edges.writers != new_writers {
            let providers = node.resource.dependencies.iter();
            let providers = providers
                .filter_map(|dependency| Some((*state.by_name.get(&dependency.on)?, dependency.condition)))
                .filter(|(provider, _)| state.nodes[*provider].place.is_some())
                .collect();
            link(state, id, new_writers, providers);
            state.touch(id);
        }
    }
}

/// Replaces the edges that lead to the node, and counts along them anew.
fn link(state: &mut State, id: NodeId, writers: Vec<NodeId>, providers: Vec<(NodeId, crate::model::Condition)>) {
    let old_writers = std::mem::take(&mut state.node(id).edges.writers);
    for writer in old_writers {
        if !writers.contains(&writer) {
            state.node(writer).edges.readers.retain(|reader| *reader != id);
        }
    }
    let old_providers = std::mem::take(&mut state.node(id).edges.providers);
    for (provider, condition) in old_providers {
        state.node(provider).edges.dependents.retain(|dependent| *dependent != (id, condition));
    }
    for &writer in &writers {
        if !state.nodes[writer].edges.readers.contains(&id) {
            state.node(writer).edges.readers.push(id);
        }
    }
    for &(provider, condition) in &providers {
        state.node(provider).edges.dependents.push((id, condition));
    }
    let count = |is: fn(&super::node::Derived) -> bool| {
        u32::try_from(writers.iter().filter(|writer| is(&state.nodes[**writer].derived)).count()).unwrap_or(u32::MAX)
    };
    let unsettled_writers = count(|derived| derived.unsettled);
    let failed_writers = count(|derived| derived.failed);
    let unmet = providers.iter().filter(|(provider, condition)| !state.nodes[*provider].reached.has(*condition));
    let unmet = u32::try_from(unmet.count()).unwrap_or(u32::MAX);
    let edges = &mut state.node(id).edges;
    edges.writers = writers;
    edges.providers = providers;
    edges.unsettled_writers = unsettled_writers;
    edges.failed_writers = failed_writers;
    edges.unmet = unmet;
    edges::refresh(state, id);
}
