//! The names that an Orchfile can use, one file per family.

mod blob;
pub(crate) mod config;
mod dependency;
mod documents;
mod duration;
mod environ;
mod files;
mod flags;
mod flow;
mod gopath;
mod json;
mod later;
mod link;
mod local;
mod os;
mod probe;
mod repository;
mod shell;
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
pub(super) fn register(globals: &mut GlobalsBuilder, surroundings: &Surroundings) {
    dependency::register(globals);
    documents::register(globals);
    files::register(globals);
    flow::register(globals);
    later::register(globals);
    link::register(globals);
    local::register(globals);
    os::register(globals, surroundings);
    probe::register(globals);
    repository::register(globals);
    shell::register(globals);
    trigger::register(globals);
}
