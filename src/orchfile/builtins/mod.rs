//! The names that an Orchfile can use, one file per family.

mod api;
mod blob;
mod compose;
pub(crate) mod config;
mod container;
mod dependency;
mod documents;
mod duration;
mod environ;
mod files;
mod flags;
mod flow;
mod gopath;
mod image;
mod json;
pub(crate) mod kube;
mod link;
mod local;
mod named_module;
mod os;
mod probe;
mod repository;
mod resource;
mod settings;
mod shell;
mod shlex;
mod tree;
mod trigger;
mod unpack;
mod version;
mod yaml;
mod yaml_place;
mod yaml_print;

use super::{context::Context, environment::Surroundings};
use crate::model::{FilePath, IgnoreRule, Kind, Settings};
use starlark::environment::GlobalsBuilder;
use std::sync::Arc;

pub(super) use duration::print as duration_text;
pub(super) use image::synced::is_synced;
pub(super) use kube::name_workloads;

/// A JSON text as YAML.
pub(super) fn yaml_of_json(text: &str) -> Option<String> {
    json::parse(text).ok().map(|tree| yaml_print::print(&tree))
}

/// Adds all builtins of orch to the globals.
pub(super) fn register(globals: &mut GlobalsBuilder, surroundings: &Surroundings) {
    api::register(globals);
    compose::register(globals);
    config::register(globals, surroundings);
    container::register(globals);
    dependency::register(globals);
    documents::register(globals);
    files::register(globals);
    flow::register(globals);
    image::register(globals);
    kube::register(globals);
    link::register(globals);
    local::register(globals);
    named_module::register(globals);
    os::register(globals, surroundings);
    probe::register(globals);
    repository::register(globals);
    settings::register(globals);
    shell::register(globals);
    trigger::register(globals);
}

/// Patterns of what no resource of the project watches, in the folder of the entry file.
const TILTIGNORE: &str = ".tiltignore";

/// Reads what holds for every project before its file is evaluated.
pub(super) fn begin(context: &Context<'_>) {
    let bytes = context.read(&context.root.join(TILTIGNORE)).unwrap_or_default();
    let rule = IgnoreRule::of_text(context.root.clone(), &String::from_utf8_lossy(&bytes));
    context.draft.borrow_mut().settings.tiltignore = rule.patterns;
}

/// Does what can be done only when the file has been evaluated: makes resources of compose services, and gives all of them
/// what the file says once.
pub(super) fn complete(context: &Context<'_>) {
    compose::declare_services(context);
    api::declare_kubernetes(context);
    kube::declare_resources(context);
    api::declare(context);
    let (draft, file) = (&mut *context.draft.borrow_mut(), &context.request.file);
    if let Some(root) = file.parent().filter(|_| !draft.settings.tiltignore.is_empty()) {
        draft.settings.watch_ignore.push(Arc::new(IgnoreRule::new(root, draft.settings.tiltignore.clone())));
    }
    let everywhere = ignored_everywhere(&draft.settings, file);
    for resource in &mut draft.resources {
        let sets = match &mut resource.kind {
            Kind::Local(local) => std::slice::from_mut(&mut local.inputs),
            Kind::Container(container) => container.inputs.as_mut_slice(),
            Kind::Kube(kube) => kube.inputs.as_mut_slice(),
        };
        for set in sets {
            Arc::make_mut(set).ignore.extend(everywhere.iter().cloned());
        }
    }
    for image in &mut draft.images {
        Arc::make_mut(&mut image.image.inputs).ignore.extend(everywhere.iter().cloned());
    }
}

/// What every resource ignores, behind what it ignores itself: the project's ignores, and the entry file, whose changes
/// evaluate it again.
pub(super) fn ignored_everywhere(settings: &Settings, file: &FilePath) -> Vec<Arc<IgnoreRule>> {
    let own = Arc::new(IgnoreRule::new(file.clone(), Vec::new()));
    settings.watch_ignore.iter().cloned().chain([own]).collect()
}
