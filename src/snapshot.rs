//! What every reader sees: the stream, the socket, the store. Derived from the engine's state, never written back.

mod change;
pub mod graph;
pub mod links;
pub mod news;
mod outlook;
mod reason;
mod row;
mod rows;
mod run;
pub mod spec;
mod verdict;
pub mod words;

pub use change::Change;
pub use graph::{Graph, GraphEdge, GraphEdgeKind};
pub use reason::{Cause, Hold, Skip};
pub use row::{ButtonRow, ForwardRow, ImageRow, Row, RowKind, RuntimeStatus, UpdateStatus};
pub use rows::Rows;
pub use run::{InstanceRow, RunRow, Step};
pub use spec::Spec;
pub use verdict::{Trouble, Verdict};

use crate::{
    diag::Diagnostic,
    model::{Cluster, FilePath, Mode, Time},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The whole of a session at one moment. Rows that did not change are shared with the snapshot before.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Time,
    /// When the session began, in milliseconds since 1970: what [`Time`]s count from. `None` where nobody said.
    #[serde(default)]
    pub began_ms: Option<u64>,
    /// What evaluations of the Orchfile get: names of resources and arguments of its own.
    #[serde(default)]
    pub args: Arc<Vec<String>>,
    /// What the session is for.
    pub goal: Goal,
    /// `None` until a first project was loaded.
    pub mode: Option<Mode>,
    /// The folder of the Orchfile; paths are shown relative to it. `None` until a first project was loaded.
    pub root: Option<FilePath>,
    /// The cluster that its Kubernetes resources are for; `None` where it has none of them.
    #[serde(default)]
    pub cluster: Option<Arc<Cluster>>,
    /// How the Orchfile fares.
    pub orchfile: OrchfileRow,
    /// In declaration order.
    pub rows: Rows,
    /// In declaration order.
    #[serde(default)]
    pub buttons: Arc<Vec<ButtonRow>>,
    /// What depends on what. The same `Arc` until a reload changes it.
    #[serde(default)]
    pub graph: Arc<Graph>,
    /// Whether nothing is going on: each dirty resource has a hold.
    pub at_rest: bool,
    /// The session is ending.
    pub shutting_down: bool,
    /// The answer, once there is one.
    pub verdict: Option<Verdict>,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Goal {
    /// Keep all of it running and fresh.
    #[default]
    Up,
    /// Reach that state once and answer.
    Ci,
    /// Run the `teardown_cmd`s, dependants first.
    Down,
}

/// How the Orchfile fares.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct OrchfileRow {
    /// An evaluation is going on.
    pub loading: bool,
    /// Errors of the last evaluation that ended; the project before goes on.
    pub errors: Arc<Vec<Diagnostic>>,
    /// Warnings of the project that is in force.
    pub warnings: Arc<Vec<Diagnostic>>,
    /// How many evaluations gave a project.
    pub loads: u64,
}
