//! What readers see, derived from the state: only rows of nodes that were touched are made anew.

use super::{
    dirt::few,
    edges, image, kube, need,
    node::{Node, NodeId},
    phase::{LastRun, RunPhase},
    run, schedule,
    state::State,
    verdict,
};
use crate::{
    model::{Kind, Link, ResourceName, TriggerMode},
    snapshot::{
        ForwardRow, Graph, ImageRow, InstanceRow, OrchfileRow, Row, RowKind, Rows, RuntimeStatus, Snapshot,
        UpdateStatus, links,
    },
};
use std::{collections::BTreeSet, sync::Arc};

/// What was shown last, and what of it may not be true any more.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Nodes that were touched since.
    pub(super) changed: BTreeSet<NodeId>,
    /// The rows are others, or stand in another order.
    pub(super) order_changed: bool,
    last: Option<Arc<Snapshot>>,
    /// Which node the holds of queued nodes named.
    holder: Option<NodeId>,
    /// Made anew by a reload.
    pub(super) graph: Arc<Graph>,
}

/// Whether a snapshot would differ from the last one in more than its time, as far as that is known without making it.
pub(super) fn changed(state: &State) -> bool {
    let view = &state.view;
    let Some(last) = &view.last else { return true };
    !view.changed.is_empty() || view.order_changed || view.holder != state.queue.holder() || !same_head(state, last)
}

/// The snapshot of this moment; the last one where nothing changed.
pub(super) fn snapshot(state: &mut State) -> Arc<Snapshot> {
    let holder = state.queue.holder();
    if state.view.holder != holder {
        state.view.holder = holder;
        let queued: Vec<NodeId> = state.queue.queued().collect();
        queued.into_iter().for_each(|id| edges::show(state, id));
    }
    let last = state.view.last.take();
    let old_rows = last.as_ref().map(|last| last.rows.clone()).unwrap_or_default();
    let (rows, rows_changed) = rows(state, old_rows);
    let snapshot = match last {
        Some(last) if !rows_changed && same_head(state, &last) => last,
        Some(_) | None => Arc::new(head(state, rows)),
    };
    state.view.last = Some(snapshot.clone());
    snapshot
}

fn head(state: &State, rows: Rows) -> Snapshot {
    Snapshot {
        at: state.now,
        began_ms: state.began_ms,
        args: state.args.clone(),
        goal: state.goal,
        mode: state.project.as_ref().map(|project| project.mode),
        root: state.project.as_ref().map(|project| project.root.clone()),
        cluster: state.kube.used_cluster().cloned(),
        orchfile: orchfile(state),
        rows,
        buttons: state.buttons.shown.clone(),
        graph: state.view.graph.clone(),
        at_rest: at_rest(state),
        shutting_down: state.is_shutting_down(),
        verdict: state.verdict.clone(),
    }
}

fn same_head(state: &State, last: &Snapshot) -> bool {
    Arc::ptr_eq(&last.graph, &state.view.graph)
        && Arc::ptr_eq(&last.buttons, &state.buttons.shown)
        && Arc::ptr_eq(&last.args, &state.args)
        && last.mode == state.project.as_ref().map(|project| project.mode)
        && last.cluster.as_ref() == state.kube.used_cluster()
        && last.at_rest == at_rest(state)
        && last.shutting_down == state.is_shutting_down()
        && last.verdict == state.verdict
        && last.orchfile.loading == state.evaluation.is_loading()
        && last.orchfile.loads == state.evaluation.loads
        && Arc::ptr_eq(&last.orchfile.errors, &state.evaluation.errors)
        && Arc::ptr_eq(&last.orchfile.warnings, &state.evaluation.warnings)
}

fn orchfile(state: &State) -> OrchfileRow {
    let evaluation = &state.evaluation;
    OrchfileRow {
        loading: evaluation.is_loading(),
        errors: evaluation.errors.clone(),
        warnings: evaluation.warnings.clone(),
        loads: evaluation.loads,
    }
}

/// Nothing goes on: what is dirty has a hold that no answer under way will change.
pub(super) fn at_rest(state: &State) -> bool {
    state.tally.busy == 0 && !state.evaluation.is_loading() && state.changes.is_settled()
}

/// The rows, and whether any differs.
fn rows(state: &mut State, mut rows: Rows) -> (Rows, bool) {
    let touched = std::mem::take(&mut state.view.changed);
    if std::mem::take(&mut state.view.order_changed) {
        return (in_new_order(state, &rows, &touched), true);
    }
    let mut any = false;
    for id in touched {
        let Some(place) = state.nodes[id].place else { continue };
        let row = row_of(state, id);
        if rows.get(place).is_none_or(|old| **old != row) {
            rows.set(place, row);
            any = true;
        }
    }
    (rows, any)
}

/// Rows that did not change are taken over wherever they stood.
fn in_new_order(state: &mut State, old: &Rows, touched: &BTreeSet<NodeId>) -> Rows {
    let mut places = std::mem::take(&mut state.row_places);
    let order = state.order.clone();
    let row = |(place, id): (usize, &NodeId)| {
        let before = places.insert(*id, place);
        let kept = before.filter(|_| !touched.contains(id)).and_then(|before| old.get(before));
        kept.filter(|row| row.name == state.nodes[*id].name).cloned().unwrap_or_else(|| Arc::new(row_of(state, *id)))
    };
    let rows = Rows::from_shared(order.iter().enumerate().map(row));
    state.row_places = places;
    rows
}

/// One node as its row shows it.
pub(super) fn row_of(state: &State, id: NodeId) -> Row {
    let node = &state.nodes[id];
    let resource = node.what.resource();
    Row {
        name: node.name.clone(),
        kind: kind_of(node),
        labels: resource.map(|resource| resource.labels.clone()).unwrap_or_default(),
        links: links_of(state, id),
        trigger_mode: resource.map_or(TriggerMode::Auto, |resource| resource.trigger_mode),
        update: update_of(state, id),
        runtime: runtime_of(state, id),
        dirty: node.is_dirty(),
        hold: schedule::hold_of(state, id),
        pending: few(node.dirt.files.keys()),
        pending_count: node.dirt.files.len() as u64,
        current_run: run::current(&node.run).cloned(),
        runs: node.runs.clone(),
        skipped: node.skipped.clone(),
        instance: instance_of(state, id),
        images: images_of(state, id),
        spec: node.spec.clone(),
        forwards: forwards_of(node),
        disabled_with: disabled_with(state, node),
    }
}

fn disabled_with(state: &State, node: &Node) -> Vec<ResourceName> {
    let with = state.taken_along.get(&node.name).filter(|_| !node.is_enabled());
    with.into_iter().flatten().cloned().collect()
}

fn kind_of(node: &Node) -> RowKind {
    match node.what.resource().map(|resource| &resource.kind) {
        Some(Kind::Local(_)) => RowKind::Local,
        Some(Kind::Container(_)) | None => RowKind::Container,
        Some(Kind::Kube(_)) => RowKind::Kubernetes,
    }
}

fn forwards_of(node: &Node) -> Vec<ForwardRow> {
    let declared = node.what.kube().map(|kube| kube.port_forwards.as_slice()).unwrap_or_default();
    let state = |index: usize| node.workload.forwards.iter().find(|state| state.index == index).cloned();
    declared.iter().cloned().enumerate().map(|(index, forward)| ForwardRow { forward, state: state(index) }).collect()
}

/// The declared links, then what its containers publish.
fn links_of(state: &State, id: NodeId) -> Vec<Link> {
    let what = &state.nodes[id].what;
    let mut links = what.resource().map(|resource| resource.links.clone()).unwrap_or_default();
    if what.container().is_some_and(|container| container.infer_links)
        && let Some(instance) = instance_of(state, id)
    {
        let published = links::published(&instance.containers).into_iter();
        let new: Vec<Link> = published.filter(|link| !is_among(&links, link)).collect();
        links.extend(new);
    }
    for forward in forwards_of(&state.nodes[id]) {
        let link = Link { url: forward.url(), name: forward.forward.name };
        if !is_among(&links, &link) {
            links.push(link);
        }
    }
    links
}

fn is_among(declared: &[Link], link: &Link) -> bool {
    declared.iter().any(|declared| declared.url.trim_end_matches('/') == link.url)
}

/// The images of a container, each after those it is made of.
fn images_of(state: &State, id: NodeId) -> Vec<ImageRow> {
    let images = image::with_bases(state, &state.nodes[id].edges.images);
    images.into_iter().filter_map(|image| image_of(state, image)).collect()
}

fn image_of(state: &State, id: NodeId) -> Option<ImageRow> {
    let node = &state.nodes[id];
    let current_run = run::current(&node.run).cloned();
    let update = match node.last {
        _ if current_run.is_some() => UpdateStatus::InProgress,
        _ if will_start(state, id) => UpdateStatus::Pending,
        LastRun::None if node.making.value.is_some() => UpdateStatus::Ok,
        LastRun::None => UpdateStatus::None,
        LastRun::Succeeded => UpdateStatus::Ok,
        LastRun::Failed(_) => UpdateStatus::Error,
    };
    Some(ImageRow {
        image: image::key(state, id)?,
        update,
        dirty: node.is_dirty(),
        hold: schedule::hold_of(state, id),
        current_run,
        last_run: node.runs.first().cloned(),
        runs: node.runs.clone(),
        reference: node.making.value.as_ref().map(|value| value.built.reference.clone()),
    })
}

/// Whether it will start without anybody's doing.
fn will_start(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let counts = node.is_enabled() && !node.stopped && !state.is_shutting_down();
    counts && schedule::starts_by_itself(state, id)
}

fn update_of(state: &State, id: NodeId) -> UpdateStatus {
    let node = &state.nodes[id];
    if !node.what.has_runs() {
        return UpdateStatus::NotApplicable;
    }
    match &node.run {
        RunPhase::Running(_) | RunPhase::TearingDown(_) => UpdateStatus::InProgress,
        // Builds of its images are its steps.
        RunPhase::Idle if need::builds(state, id) => UpdateStatus::InProgress,
        RunPhase::Idle if need::lacks_image(state, id) => UpdateStatus::Error,
        RunPhase::Checking(_) => UpdateStatus::Pending,
        RunPhase::Idle if will_start(state, id) => UpdateStatus::Pending,
        RunPhase::Idle => match node.last {
            LastRun::None => UpdateStatus::None,
            LastRun::Succeeded => UpdateStatus::Ok,
            LastRun::Failed(_) => UpdateStatus::Error,
        },
    }
}

fn runtime_of(state: &State, id: NodeId) -> RuntimeStatus {
    let node = &state.nodes[id];
    if !node.what.serves() {
        return RuntimeStatus::NotApplicable;
    }
    match &node.server.live {
        Some(live) if live.stopping && !node.server.due => RuntimeStatus::None,
        Some(live) if live.stopping => RuntimeStatus::Pending,
        Some(live) if live.ready => RuntimeStatus::Ok,
        // They are being removed.
        Some(live) if !live.is_process() && matches!(node.run, RunPhase::TearingDown(_)) => RuntimeStatus::None,
        // Nobody knows how they are: that is no fault of theirs.
        Some(live) if live.is_out_of_sight() => RuntimeStatus::Pending,
        // Its own run replaces them, or starts them again.
        Some(live) if !live.is_process() && node.is_running() => RuntimeStatus::Pending,
        Some(live) if live.row.ready_at.is_some() && live.row.pods.is_empty() => RuntimeStatus::Error,
        Some(live) if live.has_check() && kube::error_of(&live.row.pods).is_some() => RuntimeStatus::Error,
        Some(_) => RuntimeStatus::Pending,
        None if node.what.is_workload() && verdict::is_finished(state, id) => RuntimeStatus::Ok,
        None if node.server.waits_to_start() || node.server.stays_ended => RuntimeStatus::Error,
        None if node.server.due || node.is_running() || will_start(state, id) => RuntimeStatus::Pending,
        None => RuntimeStatus::None,
    }
}

fn instance_of(state: &State, id: NodeId) -> Option<InstanceRow> {
    let server = &state.nodes[id].server;
    server.live.as_ref().map(|live| &live.row).or(server.ended.as_ref()).cloned()
}
