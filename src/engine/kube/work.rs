//! What is done with the objects and pods of a resource.

use super::{effect, order, pods};
use crate::{
    engine::{
        Effect,
        effect::{ApplyOrder, CustomCommand, KubeEffect, PodUpdateOrder},
        node::NodeId,
        plan::{self, Steps},
        state::State,
        workload::There,
    },
    model::{
        ContainerId, ContainerSelector, Digest, FilePath, ImageRef, KubeState, LiveUpdate, PodContainer,
        PodContainerPhase, PodState, ResourceName, RunId,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// How long deleting may take at least: pods have their own time to end.
const DELETE: Duration = Duration::from_mins(2);

/// Has its objects brought to what they are to be.
pub(in crate::engine) fn apply(state: &mut State, id: NodeId, run: RunId, order: Arc<ApplyOrder>) {
    let resource = state.nodes[id].name.clone();
    state.emit(effect(KubeEffect::Apply { run, resource, order }));
}

/// Deletes its objects.
pub(in crate::engine) fn delete(state: &State, id: NodeId, run: RunId) -> Effect {
    let node = &state.nodes[id];
    let custom = node.what.kube().and_then(|kube| kube.custom.as_ref());
    let command = custom.map(|custom| Box::new(order::command(state, &custom.delete, Digest::UNKNOWN)));
    deletion(state, run, node.name.clone(), command)
}

/// Deletes the objects of a name that the project does not have.
pub(in crate::engine) fn delete_stray(state: &State, run: RunId, resource: ResourceName) -> Effect {
    deletion(state, run, resource, None)
}

fn deletion(state: &State, run: RunId, resource: ResourceName, command: Option<Box<CustomCommand>>) -> Effect {
    let given = state.project.as_ref().map(|project| project.kube.upsert_timeout).unwrap_or_default();
    effect(KubeEffect::Delete { run, resource, command, timeout: given.max(DELETE) })
}

/// The running containers of the newest generation.
fn running(there: &KubeState) -> impl Iterator<Item = (&PodState, &PodContainer)> {
    let containers = pods::current(&there.pods).flat_map(|pod| pod.containers.iter().map(move |one| (pod, one)));
    containers.filter(|(_, one)| !one.is_initial && one.phase == PodContainerPhase::Running)
}

/// Those of them that live updates of the resource are for, each in this life of it.
pub(super) fn targets<'a>(
    state: &'a State,
    id: NodeId,
    there: &'a KubeState,
) -> impl Iterator<Item = ContainerId> + 'a {
    let updates = state.nodes[id].what.kube().map(|kube| kube.live_updates.as_slice()).unwrap_or_default();
    let is_meant = move |one: &PodContainer| updates.iter().any(|update| is_meant(state, id, &update.containers, one));
    running(there).filter(move |(_, one)| is_meant(one)).map(|(pod, one)| pods::life_of(pod, one))
}

fn is_meant(state: &State, id: NodeId, selector: &ContainerSelector, container: &PodContainer) -> bool {
    let is_named = |reference: &str| match (ImageRef::parse(reference), ImageRef::parse(&container.image)) {
        (Ok(named), Ok(used)) => named.selects(&used),
        _ => reference == container.image,
    };
    match selector {
        ContainerSelector::Built(key) => {
            let values = state.nodes[id].workload.raised.iter().flat_map(|raised| &raised.values);
            let mut built =
                values.filter(|(image, _)| state.nodes[*image].what.image().is_some_and(|image| image.key == *key));
            built.any(|(_, value)| order::from_cluster(state, &value.built.reference) == container.image)
        }
        ContainerSelector::Image(key) => is_named(key.as_str()),
        ContainerSelector::Name(name) => *name == container.name,
    }
}

/// Containers that hold what was changed in them, where others started anew without it; these need no more than what is new.
#[derive(Debug, Default)]
pub(in crate::engine) struct Holders {
    containers: Vec<ContainerId>,
    /// What they do not hold.
    news: BTreeSet<FilePath>,
}

/// Which containers hold what was changed, as far as others do not; asked before it is noted who gets what is changed now.
pub(in crate::engine) fn holders(state: &State, id: NodeId) -> Holders {
    let workload = &state.nodes[id].workload;
    if !workload.resync || workload.initial_sync {
        return Holders::default();
    }
    let news = state.nodes[id].dirt.files.keys().chain(&workload.unsynced).cloned().collect();
    Holders { containers: workload.ids.clone(), news }
}

/// Notes which containers get what is changed now.
pub(in crate::engine) fn note_holders(state: &mut State, id: NodeId) {
    let There::Cluster(there) = &state.nodes[id].workload.there else { return };
    let mut lives: Vec<ContainerId> = targets(state, id, there).collect();
    lives.sort();
    state.node(id).workload.ids = lives;
}

/// Has files changed in its running containers: those of each image in the containers that are made of it. What started anew gets all
/// of them, the holders what is new.
pub(in crate::engine) fn update(
    state: &mut State,
    id: NodeId,
    run: RunId,
    files: &BTreeMap<FilePath, Option<Digest>>,
    holders: &Holders,
) {
    let node = &state.nodes[id];
    let (There::Cluster(there), Some(kube)) = (&node.workload.there, node.what.kube()) else { return };
    let mut selectors: Vec<&ContainerSelector> = Vec::new();
    for update in &kube.live_updates {
        if !selectors.contains(&&update.containers) {
            selectors.push(&update.containers);
        }
    }
    let news: BTreeMap<FilePath, Option<Digest>> =
        files.iter().filter(|(path, _)| holders.news.contains(*path)).map(|(path, now)| (path.clone(), *now)).collect();
    let mut orders = Vec::new();
    for selector in selectors {
        let own = kube.live_updates.iter().filter(|update| update.containers == *selector);
        let own: Vec<LiveUpdate> = own.map(|update| update.update.clone()).collect();
        let containers = running(there).filter(|(_, one)| is_meant(state, id, selector, one));
        let (holding, lost): (Vec<_>, Vec<_>) =
            containers.partition(|(pod, one)| holders.containers.contains(&pods::life_of(pod, one)));
        orders.extend(order_for(&own, &lost, files));
        orders.extend(order_for(&own, &holding, &news));
    }
    let resource = node.name.clone();
    state.emit(effect(KubeEffect::Update { run, resource, orders }));
}

/// What is done in some containers about files that differ; `None` where that is nothing.
fn order_for(
    updates: &[LiveUpdate],
    containers: &[(&PodState, &PodContainer)],
    files: &BTreeMap<FilePath, Option<Digest>>,
) -> Option<Arc<PodUpdateOrder>> {
    let is_covered = |path: &FilePath| updates.iter().flat_map(|update| &update.inputs).any(|set| set.contains(path));
    let files = files.iter().filter(|(path, _)| is_covered(path));
    let Steps { copies, removals, folders, runs, restart: _ } =
        plan::steps(updates, &files.map(|(path, content)| (path.clone(), content.is_some())).collect());
    let containers: Vec<_> = containers.iter().map(|(pod, one)| (pod.id.clone(), one.name.clone())).collect();
    let is_nothing = containers.is_empty() || copies.is_empty() && removals.is_empty();
    (!is_nothing).then(|| Arc::new(PodUpdateOrder { containers, copies, removals, folders, runs }))
}

/// Has its local ports lead to it, if that is not so.
pub(in crate::engine) fn forward(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(kube) = node.what.kube().filter(|_| node.workload.raised.is_some() && !node.workload.removal) else {
        return;
    };
    if kube.port_forwards == node.workload.forwarded || state.is_ending() {
        return;
    }
    let (resource, ports) = (node.name.clone(), kube.port_forwards.clone());
    state.node(id).workload.forwarded.clone_from(&ports);
    state.node(id).workload.forwards.clear();
    state.emit(effect(KubeEffect::Forward { resource, ports }));
}

/// What it had is gone: nothing leads there any more.
pub(in crate::engine) fn on_removed(state: &mut State, id: NodeId) {
    if std::mem::take(&mut state.node(id).workload.forwarded).is_empty() {
        return;
    }
    let resource = state.nodes[id].name.clone();
    state.emit(effect(KubeEffect::Forward { resource, ports: Vec::new() }));
}
