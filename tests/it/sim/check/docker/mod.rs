//! The independent check of what the engine does with images and containers.

mod again;
pub(super) mod content;
mod order;
mod rest;
mod start;
mod update;
mod verdict;

pub(crate) use again::{touched, well};
pub(crate) use content::{Stale, stale_of};
pub(crate) use order::leftovers;
pub(super) use rest::Rest;
pub(super) use start::StartOf;
pub(super) use verdict::{failed_for, trouble};

use crate::sim::world::World;
use orch::{
    engine::DockerEffect,
    model::{Container, ContainerImage, Image, ImageKey, Project, Resource},
    snapshot::Snapshot,
};
use std::sync::Arc;

/// Objections to an effect, before it is performed.
pub(super) fn on_effect(world: &World, snapshot: &Snapshot, cores: u32, effect: &DockerEffect) -> Vec<String> {
    let facts = &world.facts;
    let (DockerEffect::Build { resource, .. }
    | DockerEffect::Raise { resource, .. }
    | DockerEffect::Update { resource, .. }) = effect
    else {
        return order::ending(world, effect);
    };
    let Some(definition) = facts.resource(resource) else {
        return vec![format!("a run of `{resource}`, which is not in the project")];
    };
    if definition.kind.kube().is_some() && matches!(effect, DockerEffect::Build { .. }) {
        return Vec::new();
    }
    let Some(container) = definition.kind.container() else {
        return vec![format!("a run on Docker of `{resource}`, which is no container")];
    };
    let start = StartOf { world, snapshot, cores, definition, container };
    match effect {
        DockerEffect::Build { order, .. } => start.build(order),
        DockerEffect::Raise { order, .. } => start.raise(order),
        DockerEffect::Update { order, .. } => start.update(order),
        _ => Vec::new(),
    }
}

/// The image of that key as the project has it.
fn image<'a>(project: &'a Project, key: &ImageKey) -> Option<&'a Arc<Image>> {
    project.images.iter().find(|image| image.key == *key)
}

/// The images that a container is made of, its own first.
fn images_of<'a>(project: &'a Project, container: &Container) -> Vec<&'a Arc<Image>> {
    let mut found: Vec<&Arc<Image>> = Vec::new();
    let mut next: Vec<&ImageKey> = match &container.image {
        ContainerImage::Built(key) => vec![key],
        ContainerImage::Pulled(_) => Vec::new(),
    };
    while let Some(key) = next.pop() {
        let Some(one) = image(project, key) else { continue };
        if found.iter().all(|other| other.key != one.key) {
            found.push(one);
            next.extend(&one.bases);
        }
    }
    found
}

/// The resources whose containers are made of an image.
fn users_of<'a>(project: &'a Project, key: &ImageKey) -> Vec<&'a Arc<Resource>> {
    let uses = |resource: &&Arc<Resource>| {
        let container = resource.kind.container();
        container.is_some_and(|container| images_of(project, container).iter().any(|image| image.key == *key))
    };
    project.resources.iter().filter(uses).collect()
}
