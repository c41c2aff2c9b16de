//! What a second session may do to what the first left well: nothing.

use super::images_of;
use crate::sim::world::World;
use orch::{
    model::{ContainerId, ResourceName, Time},
    snapshot::{RuntimeStatus, Snapshot, UpdateStatus},
};
use std::collections::BTreeMap;

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
    containers.map(|name| (name.clone(), now(world, name))).collect()
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
    for (name, before) in well.iter().filter(|(name, _)| !was_written(world, name)) {
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
