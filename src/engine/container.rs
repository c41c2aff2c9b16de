//! Containers of the Docker Engine: what they are to be, and what is found of them.

use super::{
    build, docker,
    effect::{DockerEffect, RaiseOrder},
    image::Value,
    node::NodeId,
    observe::{Finding, PAUSED},
    phase::Life,
    raise,
    state::State,
    workload::Order,
};
use crate::model::{Built, Container, ContainerPhase, ContainerSource, ContainerState, Digest, Exit, RunId};
use std::sync::Arc;

/// What the containers of a resource are to be.
pub(super) fn order(
    state: &State,
    container: &Container,
    definition: Digest,
    image: Option<Built>,
    replace: bool,
) -> Order {
    let made_of = image.as_ref().map(|built| built.id.as_ref().map_or(&*built.reference, |id| &*id.0));
    let fingerprint = Digest::of_parts([definition.0.as_slice(), made_of.unwrap_or_default().as_bytes()]);
    let compose = match &container.source {
        ContainerSource::Compose { project, .. } => build::compose(state, project),
        ContainerSource::Plain(_) => None,
    };
    let environment = state.project.as_ref().map(|project| project.environment.clone()).unwrap_or_default();
    let container = Arc::new(container.clone());
    Order::Docker(Arc::new(RaiseOrder { container, compose, image, fingerprint, replace, environment }))
}

/// Has them brought to what they are to be.
pub(super) fn raise(state: &mut State, id: NodeId, run: RunId, order: Arc<RaiseOrder>) {
    let (resource, grace) = (state.nodes[id].name.clone(), raise::stop_grace(state, id));
    state.emit(docker::effect(DockerEffect::Raise { run, resource, order, grace }));
}

/// Asks those that live to end.
pub(super) fn stop(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(live) = node.live() else { return };
    let containers = live.row.containers.iter().map(|one| one.id.clone()).collect();
    let (resource, grace) = (node.name.clone(), raise::stop_grace(state, id));
    state.emit(docker::effect(DockerEffect::Stop { resource, containers, grace }));
}

/// Compares containers with what they were brought to be. How many there should be is known to nobody but the engine: see
/// `judge`.
pub(super) fn find(order: &RaiseOrder, value: Option<&Value>, there: &[ContainerState]) -> Finding {
    let id = value.and_then(|value| value.built.id.as_ref());
    let is_gone = |one: &ContainerState| matches!(one.phase, ContainerPhase::Dead | ContainerPhase::Created);
    if there.is_empty() || there.iter().any(is_gone) {
        return Finding::Gone;
    }
    if there.iter().any(|one| one.fingerprint != Some(order.fingerprint)) {
        return Finding::Changed("another one has its place".to_owned());
    }
    if id.is_some_and(|id| there.iter().any(|one| one.image != *id)) {
        return Finding::Changed("it is made of another image".to_owned());
    }
    if let Some(how) = there.iter().filter(|one| is_alive(one)).find_map(|one| one.changed.clone()) {
        return Finding::Changed(how);
    }
    if there.iter().any(|one| one.phase == ContainerPhase::Paused) {
        return Finding::Changed(PAUSED.to_owned());
    }
    for one in there {
        if let ContainerPhase::Exited { code, out_of_memory } = one.phase
            && code != 0
        {
            return Finding::Ended { exit: Exit::Code(code), out_of_memory };
        }
    }
    let is = |wanted: fn(&ContainerPhase) -> bool| there.iter().any(|one| wanted(&one.phase));
    if is(|phase| *phase == ContainerPhase::Restarting) {
        Finding::Waits
    } else if is(|phase| *phase == ContainerPhase::Running) {
        Finding::Runs
    } else {
        Finding::Done
    }
}

pub(super) fn is_alive(container: &ContainerState) -> bool {
    match container.phase {
        ContainerPhase::Running | ContainerPhase::Paused | ContainerPhase::Restarting => true,
        ContainerPhase::Created | ContainerPhase::Exited { .. } | ContainerPhase::Dead => false,
    }
}

pub(super) fn is_done(container: &ContainerState) -> bool {
    matches!(container.phase, ContainerPhase::Exited { code: 0, .. })
}

/// Which containers, and which of their lives.
pub(super) fn lives(containers: &[ContainerState]) -> Vec<Life> {
    let mut lives: Vec<Life> = containers.iter().map(|one| (one.id.0.clone(), one.started_at_ns)).collect();
    lives.sort();
    lives
}
