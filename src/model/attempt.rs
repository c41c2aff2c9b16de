//! What lines of a log belong to.

use super::{InstanceId, RunId};
use serde::{Deserialize, Serialize};

/// What a line of a log belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// A run.
    Run(RunId),
    /// An instance.
    Instance(InstanceId),
}

/// How important a line of orch's own is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It happened.
    Info,
    /// It may be wrong.
    Warning,
    /// It is wrong.
    Error,
}
