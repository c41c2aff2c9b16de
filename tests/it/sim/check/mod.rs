//! The independent check of the engine: what it may ask for at each moment, and what must be true at rest. It knows the
//! facts of the world alone, and takes from the engine's snapshot only what a user would see: holds and whether a resource
//! is dirty.

mod docker;
mod rest;
mod start;
mod verdict;

pub(crate) use docker::{Stale, leftovers, stale_of, touched, well};
pub(crate) use rest::at_rest;
pub(crate) use verdict::{teardowns_missing, verdict};

use super::{
    facts::{Facts, RunFacts},
    world::World,
};
use orch::{
    engine::Effect,
    model::{Condition, Digest, FilePath, Local, Resource, ResourceName},
    snapshot::{Row, RowKind, Snapshot, UpdateStatus},
};
use start::StartOf;
use std::collections::BTreeMap;

/// The spec of what runs a command.
fn local(resource: &Resource) -> &Local {
    let Some(local) = resource.kind.local() else { unreachable!("a local resource") };
    local
}

/// Objections to an effect, before it is performed. The snapshot is that after the event.
pub(crate) fn on_effect(world: &World, snapshot: &Snapshot, cores: u32, effect: &Effect) -> Vec<String> {
    let facts = &world.facts;
    match effect {
        Effect::StartRun { resource, command, .. } => match facts.resource(resource) {
            None => vec![format!("a run of `{resource}`, which is not in the project")],
            Some(definition) if is_teardown(definition, &command.argv) => ends_too_early(world, resource),
            Some(definition) => StartOf { world, snapshot, cores, definition }.run(),
        },
        Effect::StartInstance { resource, .. } => match facts.resource(resource) {
            None => vec![format!("a server of `{resource}`, which is not in the project")],
            Some(definition) => StartOf { world, snapshot, cores, definition }.instance(),
        },
        Effect::StopInstance { instance, .. } => {
            facts.instances.get(instance).map_or_else(Vec::new, |one| ends_too_early(world, &one.resource))
        }
        Effect::CancelRun { run, .. } => {
            facts.runs.get(run).map_or_else(Vec::new, |one| ends_too_early(world, &one.resource))
        }
        Effect::Docker(effect) => docker::on_effect(world, snapshot, cores, effect),
        _ => Vec::new(),
    }
}

fn is_teardown(definition: &Resource, argv: &[String]) -> bool {
    let teardown = definition.kind.local().and_then(|local| local.teardown.as_ref());
    teardown.is_some_and(|teardown| teardown.argv == *argv)
}

/// Dependants end before what they depend on, at the end of a session and where both are taken down.
fn ends_too_early(world: &World, name: &ResourceName) -> Vec<String> {
    let facts = &world.facts;
    let Some(project) = &facts.project else { return Vec::new() };
    let ends = |name: &ResourceName| facts.shutting_down || facts.taken_down.contains(name);
    if !ends(name) || facts.hurried || facts.resource(name).is_none_or(|resource| !resource.enabled) {
        return Vec::new();
    }
    let depends = |resource: &&std::sync::Arc<Resource>| resource.dependencies.iter().any(|dep| dep.on == *name);
    let lives = |one: &&std::sync::Arc<Resource>| {
        let has_containers = facts.teardown && world.docker.of(&one.name).any(|(_, one)| one.is_alive());
        facts.going_on().any(|run| run.resource == one.name) || facts.is_serving(&one.name) || has_containers
    };
    let alive = project.resources.iter().filter(|one| ends(&one.name)).filter(depends).filter(lives);
    alive.map(|resource| format!("`{name}` is ended before `{}`, which depends on it", resource.name)).collect()
}

fn files_below(world: &World, roots: &[FilePath]) -> BTreeMap<FilePath, String> {
    world.disk.below(roots).map(|(path, file)| (path.clone(), file.content.clone())).collect()
}

/// Whether a resource has met that condition once in this session.
fn reached(facts: &Facts, snapshot: &Snapshot, name: &ResourceName, condition: Condition) -> bool {
    let once = facts.reached(name);
    let row = snapshot.rows.named(name);
    let local = facts.resource(name).and_then(|resource| resource.kind.local());
    let alone = local.is_some_and(|local| local.serve.is_none());
    // What went well of an older definition says nothing.
    let fresh = row.is_some_and(|row| row.update == UpdateStatus::Ok && !row.dirty);
    if let Some(row) = row.filter(|row| row.kind == RowKind::Kubernetes) {
        // What a cluster has is checked by the cases' traces.
        return row.update != UpdateStatus::None;
    }
    match condition {
        Condition::Started => once.started || fresh,
        Condition::Ready => once.ready || (fresh && alone),
        Condition::Succeeded => once.succeeded || (fresh && alone),
    }
}

/// Its containers are those of an earlier session, and perhaps not what they should be.
fn may_be_stale(facts: &Facts, row: &Row) -> bool {
    let ran = facts.docker.last_run(&row.name).is_some_and(|run| run.session == facts.session);
    row.kind == RowKind::Container && !ran && row.dirty
}

/// A file changed during the run and changed back before anybody looked: nobody can know what the run saw.
fn was_there_and_back(world: &World, last: &RunFacts, path: &FilePath) -> bool {
    let saw = last.read.get(path).map(|content| Digest::of(content.as_bytes()));
    let answers = &world.facts.answers;
    let told = answers.iter().any(|(at, told, digest)| *at >= last.asked_at && told == path && *digest == saw);
    !told && last.at_start.get(path).map(String::as_str) == world.disk.content(path)
}

/// The first path by which two states differ.
fn difference(one: &BTreeMap<FilePath, String>, other: &BTreeMap<FilePath, String>) -> Option<FilePath> {
    let paths = one.keys().chain(other.keys());
    paths.filter(|path| one.get(*path) != other.get(*path)).min().cloned()
}
