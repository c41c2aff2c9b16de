//! What a second session may do to what the first left well: nothing.

use super::images_of;
use crate::sim::world::World;
use orch::{
    model::{ContainerId, ContainerPhase, ResourceName, Time},
    snapshot::{RuntimeStatus, Snapshot, UpdateStatus},
};
use std::collections::{BTreeMap, BTreeSet};

/// The containers of each resource that are as they should be, with their start.
pub(crate) type Well = BTreeMap<ResourceName, Vec<(ContainerId, Option<Time>)>>;

fn now(world: &World, name: &ResourceName) -> Vec<(ContainerId, Option<Time>)> {
    world.docker.of(name).map(|(id, one)| (id.clone(), one.started_at)).collect()
}

/// Those that nothing is wrong with, nor with anything else in the project.
pub(crate) fn well(world: &World, snapshot: &Snapshot) -> Well {
    let is_well = |row: &&std::sync::Arc<orch::snapshot::Row>| {
        !row.dirty
            && row.hold.is_none()
            && row.update != UpdateStatus::Error
            && matches!(row.runtime, RuntimeStatus::Ok | RuntimeStatus::NotApplicable)
    };
    if !snapshot.rows.iter().all(|row| is_well(&row)) || world.docker.down || !snapshot.orchfile.errors.is_empty() {
        return Well::new();
    }
    let containers = snapshot.rows.iter().map(|row| &row.name).filter(|name| world.docker.of(name).next().is_some());
    containers.filter(|name| !is_outdated_job(world, name)).map(|name| (name.clone(), now(world, name))).collect()
}

/// It has ended, and something that it comes after was started again since: it is to run once more.
fn is_outdated_job(world: &World, name: &ResourceName) -> bool {
    let has_ended = world.docker.of(name).all(|(_, one)| matches!(one.phase, ContainerPhase::Exited { code: 0, .. }));
    let began = world.docker.of(name).filter_map(|(_, one)| one.started_at).min();
    let starts = |name: &ResourceName| world.docker.of(name).filter_map(|(_, one)| one.started_at).collect::<Vec<_>>();
    has_ended && before(world, name).iter().flat_map(starts).any(|start| began.is_none_or(|began| start > began))
}

/// What it comes after, what these come after included.
fn before(world: &World, name: &ResourceName) -> BTreeSet<ResourceName> {
    let mut found = BTreeSet::new();
    let mut next = vec![name.clone()];
    while let Some(name) = next.pop() {
        let dependencies = world.facts.resource(&name).map(|resource| resource.dependencies.clone());
        let others = dependencies.into_iter().flatten().map(|dependency| dependency.on);
        next.extend(others.filter(|on| found.insert(on.clone())));
    }
    found
}

/// Somebody wrote what it is made of since the session began: a command that says nothing of what it reads may write anything.
fn was_written(world: &World, name: &ResourceName) -> bool {
    let facts = &world.facts;
    let Some((project, resource)) = facts.project.as_ref().zip(facts.resource(name)) else { return false };
    let Some(container) = resource.kind.container() else { return false };
    let images = images_of(project, container);
    let since = facts.writes.iter().filter(|(at, _)| *at >= world.began_at);
    since.into_iter().any(|(_, file)| images.iter().any(|image| image.inputs.contains(file)))
}

/// What a session did to containers that were well before it.
pub(crate) fn touched(world: &World, well: &Well) -> Vec<String> {
    let facts = &world.facts;
    let mut faults = Vec::new();
    let is_as_before =
        |name: &ResourceName| !was_written(world, name) && !before(world, name).iter().any(|on| was_written(world, on));
    for (name, before) in well.iter().filter(|(name, _)| is_as_before(name)) {
        if now(world, name) != *before {
            faults.push(format!("a second session changed the containers of `{name}`"));
        }
        let mut runs = facts.docker.runs.values();
        if let Some(run) = runs.find(|run| run.session == facts.session && run.resource == *name) {
            faults.push(format!("a second session ran something for `{name}`: {:?}", run.sort));
        }
    }
    faults
}
