//! `config.*`: settings of the Orchfile that come from the command line.

/// What `config.define_*` declared and `config.parse` found.
#[derive(Debug, Default)]
pub struct ConfigState {}
