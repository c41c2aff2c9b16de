//! The names that an Orchfile can use, one file per family.

pub(crate) mod config;

use starlark::environment::GlobalsBuilder;

/// Adds all builtins of orch to the globals.
pub(super) fn register(_globals: &mut GlobalsBuilder) {}
