//! The names that an Orchfile can use, one file per family.

mod blob;
pub(crate) mod config;
mod dependency;
mod duration;
mod flags;
mod gopath;
mod json;
mod link;
mod local;
mod probe;
mod repository;
mod shlex;
mod tree;
mod trigger;
mod unpack;
mod version;
mod yaml;
mod yaml_print;

use super::environment::Surroundings;
use starlark::environment::GlobalsBuilder;

/// Adds all builtins of orch to the globals.
pub(super) fn register(globals: &mut GlobalsBuilder, _surroundings: &Surroundings) {
    dependency::register(globals);
    link::register(globals);
    local::register(globals);
    probe::register(globals);
    repository::register(globals);
    trigger::register(globals);
}
