//! What a local resource runs.

use super::{FilePath, FileSet, Probe};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// A command as its resource declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Program and arguments; never empty. A string in the Orchfile became `["sh", "-c", text]`.
    pub argv: Vec<String>,
    /// The working directory.
    pub dir: FilePath,
    /// What is set on top of the session's environment and the project's overlay.
    pub env: BTreeMap<String, String>,
}

/// The spec of a local resource. At least one of `cmd` and `serve` is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// Runs to its end whenever the resource is dirty.
    pub cmd: Option<Command>,
    /// Stays up; started again after every successful run of `cmd`.
    pub serve: Option<Serve>,
    /// Run by `orch down`.
    pub teardown: Option<Command>,
    /// `deps` without `ignore`, the project's ignores and built-in noise.
    pub inputs: Arc<FileSet>,
    /// Files and folders that `cmd` writes.
    pub outputs: Vec<FilePath>,
    /// Whether `cmd` shares the slots with others.
    pub parallel: bool,
    /// Whether a newer change ends a running `cmd` instead of waiting for it.
    pub cancel_superseded: bool,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serve {
    /// What is run.
    pub command: Command,
    /// Tells when the server is ready.
    pub probe: Option<Probe>,
    /// A regular expression: the server is ready once a line of its log matches.
    pub ready_log_line: Option<String>,
    /// When it is started again after it ended unasked; `None` where the file does not say, and the mode decides.
    pub restart: Option<Restart>,
}

/// When a server that ended unasked is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// Whatever its exit code.
    Always,
    /// Unless it ended with exit code 0.
    OnFailure,
    /// Not at all.
    Never,
}
