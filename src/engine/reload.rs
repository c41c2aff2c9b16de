//! A project comes into force: what differs from the one before is changed, all else goes on.

use super::{
    build, button, changes, compare,
    dirt::Dirt,
    edges, fresh,
    image::Making,
    knowledge, links,
    node::{Edges, Knowledge, Node, NodeId, SelfDirt},
    phase::{LastRun, Server},
    removal, say, schedule,
    state::{Question, Reader, State},
    stop, takedown,
    what::{Differs, What},
    workload::{There, Workload},
};
use crate::{
    model::{FilePath, FileSet, Project, ResourceName},
    snapshot::{Graph, Spec},
};
use std::{collections::BTreeSet, sync::Arc};

/// What becomes of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) id: NodeId,
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

impl Change {
    /// Whether data edges may be others after it.
    pub(super) fn moves_edges(self) -> bool {
        match self.kind {
            ChangeKind::Added | ChangeKind::Removed => true,
            ChangeKind::Changed(differs) => differs.files,
        }
    }
}

/// Brings the project into force.
pub(super) fn apply(state: &mut State, project: &Arc<Project>) {
    let before = state.project.replace(project.clone());
    button::on_project(state, &project.buttons);
    let environment_differs = before.as_ref().is_some_and(|before| before.environment != project.environment);
    let mut differing = Vec::new();
    let old_images = std::mem::take(&mut state.images);
    for (place, image) in project.images.iter().enumerate() {
        let Some(first) = project.resources.first() else { break };
        let what = What::Image(image.clone());
        let (id, change) = place_node(state, place, &what, &first.name, environment_differs);
        state.images.push(id);
        differing.extend(change);
    }
    let old_order = std::mem::take(&mut state.order);
    for (place, resource) in project.resources.iter().enumerate() {
        let what = What::Resource(resource.clone());
        let (id, change) = place_node(state, place, &what, &resource.name, environment_differs);
        state.order.push(id);
        differing.extend(change);
    }
    let kept: BTreeSet<NodeId> = state.order.iter().chain(&state.images).copied().collect();
    let removed = old_order.iter().chain(&old_images).filter(|id| !kept.contains(id));
    differing.extend(removed.map(|&id| Change { id, kind: ChangeKind::Removed }));
    if old_order != state.order {
        state.view.order_changed = true;
    }
    if before.as_ref().is_none_or(|before| before.settings != project.settings) {
        let queued: Vec<NodeId> = state.queue.queued().collect();
        state.agenda.extend(queued);
    }
    let secrets_differ = before.as_ref().is_none_or(|before| before.secrets != project.secrets);
    describe(state, project, &differing, secrets_differ);
    for change in &differing {
        carry_out(state, *change);
    }
    links::relink(state, project, &differing);
    knowledge::forget_unread(state);
    if !differing.is_empty() {
        changes::hold_new_readers(state);
    }
    state.agenda.extend(differing.iter().map(|change| change.id));
}

/// Brings up to date what people can read of the declarations.
fn describe(state: &mut State, project: &Project, differing: &[Change], all: bool) {
    let changed: BTreeSet<NodeId> = differing.iter().map(|change| change.id).collect();
    for (id, resource) in state.order.clone().into_iter().zip(&project.resources) {
        if all || changed.contains(&id) {
            let spec = Spec::of(project, resource);
            if *state.nodes[id].spec != spec {
                state.node(id).spec = Arc::new(spec);
                edges::show(state, id);
            }
        }
    }
    if !differing.is_empty() || state.view.order_changed {
        let graph = Graph::of(project);
        if *state.view.graph != graph {
            state.view.graph = Arc::new(graph);
        }
    }
}

/// Gives what is declared its node. Tells what differs, if anything does.
fn place_node(
    state: &mut State,
    place: usize,
    what: &What,
    name: &ResourceName,
    environment_differs: bool,
) -> (NodeId, Option<Change>) {
    let key = what.key();
    let Some(&id) = state.by_key.get(&key) else {
        let id = state.nodes.add(Node::new(what.clone(), name.clone(), place));
        state.by_key.insert(key, id);
        return (id, Some(Change { id, kind: ChangeKind::Added }));
    };
    let node = state.node(id);
    let was_there = node.place.replace(place).is_some();
    if !was_there {
        revive(node, what);
        return (id, Some(Change { id, kind: ChangeKind::Added }));
    }
    if node.what.is_same(what) && !environment_differs {
        return (id, None);
    }
    let mut differs = node.what.differs(what);
    differs.definition |= environment_differs && what.sees_environment();
    if differs.definition {
        let edited = node.what.edited_dockerfile(what).filter(|_| !environment_differs);
        let is_all = !node.dirt.definition || node.dirt.dockerfile == edited;
        node.dirt.dockerfile = edited.filter(|_| is_all);
    }
    let old = std::mem::replace(&mut node.what, what.clone());
    compare::mark_moved(node, &old);
    if differs.files {
        // The index still has the old roots: `carry_out` knows them by the set.
        edges::show(state, id);
    }
    (id, Some(Change { id, kind: ChangeKind::Changed(differs) }))
}

/// What was removed and is declared again begins anew; only what still lives of it is kept.
fn revive(node: &mut Node, what: &What) {
    let new = Node::new(what.clone(), node.name.clone(), node.place.unwrap_or_default());
    node.what = new.what;
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
    node.making = Making::default();
    let Workload { there, follows, forwarded, .. } = std::mem::take(&mut node.workload);
    // What it was before may still have to go.
    let there = if there.is_empty() { There::of(&node.what) } else { there };
    node.workload = Workload { there, follows, forwarded, ..Workload::default() };
}

fn carry_out(state: &mut State, change: Change) {
    let id = change.id;
    match change.kind {
        ChangeKind::Added => add_to_index(state, id),
        ChangeKind::Removed => remove(state, id),
        ChangeKind::Changed(differs) => change_in_place(state, id, differs),
    }
}

fn roots(what: &What) -> Vec<(FilePath, bool)> {
    let inputs: BTreeSet<&FilePath> = what.inputs().iter().flat_map(|inputs| &inputs.roots).collect();
    let inputs = inputs.into_iter().map(|root| (root.clone(), true));
    inputs.chain(what.outputs().iter().map(|root| (root.clone(), false))).collect()
}

fn reader(id: NodeId, is_input: bool) -> Reader {
    if is_input { Reader::Input(id) } else { Reader::Output(id) }
}

/// Only what is part of the session is watched.
fn add_to_index(state: &mut State, id: NodeId) {
    if !state.nodes[id].is_enabled() {
        return;
    }
    let all = roots(&state.nodes[id].what);
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
    say::removed(state, id);
    removal::want(state, id);
    stop::end_all(state, id);
    takedown::on_done(state, id);
    links::cut(state, id);
}

fn change_in_place(state: &mut State, id: NodeId, differs: Differs) {
    fresh::abort(state, id);
    state.node(id).workload.plan = None;
    if differs.definition && state.nodes[id].what.image().is_some() {
        build::on_definition(state, id);
    }
    if differs.definition {
        let now = state.now;
        let node = state.node(id);
        node.definition = None;
        node.knowledge.checked = false;
        node.making.checked = false;
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
        state.questions.retain(|_, question| *question != Question::CheckInputs(id));
        let node = state.node(id);
        node.output_set = Arc::new(FileSet::of(node.what.outputs().to_vec()));
        node.knowledge.complete_at = None;
        node.knowledge.inputs = None;
        node.knowledge.background = None;
        node.making.now = None;
        node.making.checked = false;
        node.workload.plan = None;
        let mut files = std::mem::take(&mut node.dirt.files);
        files.retain(|path, _| node.reads(path));
        node.dirt.files = files;
        fresh::ask_in_background(state, id);
    }
    if !state.nodes[id].what.is_enabled() {
        removal::want(state, id);
        stop::end_all(state, id);
    } else if differs.kind {
        // What it was ends before it becomes what it is.
        removal::want(state, id);
        stop::end_all(state, id);
        begin_anew(state.node(id));
        removal::want(state, id);
    } else if differs.enabled {
        // Nobody watched its files meanwhile.
        begin_anew(state.node(id));
    }
}
