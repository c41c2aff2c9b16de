//! How containers end: who may, in which order, and what is left.

use crate::sim::{check::ends_too_early, world::World};
use orch::{
    engine::DockerEffect,
    model::{ContainerPhase, ResourceName},
};

/// Objections to something that ends or removes.
pub(crate) fn ending(world: &World, effect: &DockerEffect) -> Vec<String> {
    match effect {
        DockerEffect::Remove { resource, .. } => {
            may_end(world, resource).into_iter().chain(ends_too_early(world, resource)).collect()
        }
        DockerEffect::Stop { resource, .. } => {
            may_end(world, resource).into_iter().chain(ends_too_early(world, resource)).collect()
        }
        DockerEffect::Clean { .. } if !world.facts.shutting_down => vec!["cleans while the session goes on".to_owned()],
        DockerEffect::Prune { keep, .. } => prunes(world, keep),
        _ => Vec::new(),
    }
}

/// Containers end only where somebody asked for it, or the project has no use for them.
fn may_end(world: &World, name: &ResourceName) -> Option<String> {
    let facts = &world.facts;
    let wanted = facts.resource(name).is_some_and(|resource| resource.enabled);
    let stopped = facts.stopped.contains_key(name) || facts.stopped_once.contains_key(name);
    let asked = facts.asked.contains_key(name) || facts.teardown;
    // What waits for the engine to start it again starts at once when what it depends on is back.
    let depends = facts.resource(name).is_some_and(|resource| !resource.dependencies.is_empty());
    let told = facts.docker.told.get(name).into_iter().flatten();
    let hurried = depends && told.into_iter().any(|one| one.phase == ContainerPhase::Restarting);
    (wanted && !stopped && !asked && !hurried)
        .then(|| format!("containers of `{name}` are ended, though nobody asked for that"))
}

fn prunes(world: &World, keep: &[orch::model::ImageId]) -> Vec<String> {
    let current = world.facts.docker.images.values().filter_map(|record| record.built.id.as_ref());
    let lost = current.filter(|id| world.docker.images.contains_key(*id) && !keep.contains(id));
    lost.map(|id| format!("image {id} is pruned, though it is in use")).collect()
}

/// What is left on the engine after all was torn down.
pub(crate) fn leftovers(world: &World, volumes: bool) -> Vec<String> {
    let mut left: Vec<String> = Vec::new();
    left.extend(world.docker.containers.values().map(|one| format!("a container of `{}`", one.resource)));
    left.extend(world.docker.networks.iter().map(|name| format!("network `{name}`")));
    if volumes {
        left.extend(world.docker.volumes.iter().map(|name| format!("volume `{name}`")));
    }
    left
}
