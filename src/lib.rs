//! orch is make for running systems, in one file.
//!
//! The layers, from the inside out; `tests/it/tidy.rs` holds who may use whom:
//!
//! - [`model`]: the nouns, plain data. [`diag`]: what is wrong with the user's text.
//! - [`orchfile`]: Starlark text to a [`model::Project`].
//! - [`snapshot`]: what every reader sees. [`engine`]: the pure core, events to effects.
//! - [`logs`], [`store`]: what is kept on disk.
//! - [`host`]: the world: processes, probes, files, watching, evaluation in a child.
//! - [`session`]: the loop that ties engine and host together.
//! - [`lsp`]: what editors ask.
//! - [`report`], [`cli`]: what the user sees and types.

pub mod cli;
pub mod dashboard;
pub mod diag;
pub mod engine;
pub mod host;
pub mod logs;
pub mod lsp;
pub mod model;
pub mod orchfile;
pub mod report;
pub mod session;
pub mod snapshot;
pub mod store;
