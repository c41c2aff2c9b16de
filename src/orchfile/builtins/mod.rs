//! The names that an Orchfile can use, one file per family.

pub(crate) mod config;
mod duration;
mod flags;
mod gopath;
mod json;
mod shlex;
mod tree;
mod version;
mod yaml;
mod yaml_print;

use super::environment::Surroundings;
use starlark::environment::GlobalsBuilder;

/// Adds all builtins of orch to the globals.
pub(super) fn register(_globals: &mut GlobalsBuilder, _surroundings: &Surroundings) {}
