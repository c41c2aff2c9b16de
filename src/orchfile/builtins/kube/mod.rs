//! Kubernetes: manifests, what is said of the resources that they become, and which cluster is meant.
//!
//! Builtins only gather; when the whole file has been evaluated, `assemble` makes resources of it. Nothing here talks to a
//! cluster.

mod assemble;
mod autoscale;
mod call;
mod cluster;
mod deploy;
mod forward;
pub(crate) mod images;
mod json_path;
mod kinds;
mod kustomization;
mod manifests;
mod naming;
mod objects;
pub(crate) mod place;
mod render;
mod resource;
mod selector;
mod shape;

pub(crate) use assemble::declare_resources;
pub(crate) use cluster::check_command;
pub(crate) use json_path::JsonPath;
pub(super) use manifests::hide_secrets;
pub(crate) use naming::name_workloads;
pub(super) use objects::{Input, Read, read};

use starlark::environment::GlobalsBuilder;

/// Adds the family.
pub(super) fn register(globals: &mut GlobalsBuilder) {
    autoscale::register(globals);
    cluster::register(globals);
    deploy::register(globals);
    forward::register(globals);
    kinds::register(globals);
    manifests::register(globals);
    naming::register(globals);
    render::register(globals);
    resource::register(globals);
}
