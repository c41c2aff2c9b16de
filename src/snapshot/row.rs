//! What people see of one resource, its images, its ports, and of a button.

use super::{Hold, InstanceRow, RunRow, Skip, Spec};
use crate::model::{Button, Exit, FilePath, ForwardState, ImageKey, Link, PortForward, ResourceName, TriggerMode};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A button of a resource, or of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ButtonRow {
    /// What it is.
    pub button: Arc<Button>,
    /// The command that it runs now.
    pub current_run: Option<RunRow>,
    /// The last one that ended.
    pub last_run: Option<RunRow>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: ResourceName,
    /// `local`, later others.
    pub kind: RowKind,
    /// Its groups.
    pub labels: Vec<String>,
    /// Where to look at it.
    pub links: Vec<Link>,
    /// How a change of it starts a run.
    pub trigger_mode: TriggerMode,
    /// Did the last run work.
    pub update: UpdateStatus,
    /// Does the thing run well.
    pub runtime: RuntimeStatus,
    /// Something it is made of may have changed since its last success.
    pub dirty: bool,
    /// Why it does not start now, though it is dirty or its server should run.
    pub hold: Option<Hold>,
    /// Changed files that wait for the next run, the first few.
    pub pending: Vec<FilePath>,
    /// How many of them there are.
    pub pending_count: u64,
    /// What runs now.
    pub current_run: Option<RunRow>,
    /// The last runs that ended, newest first; at most [`Row::HISTORY`]. The same `Arc` until another run ends.
    pub runs: Arc<Vec<RunRow>>,
    /// Why the last thing that might have started it did not.
    pub skipped: Option<Skip>,
    /// The server, or the containers.
    pub instance: Option<InstanceRow>,
    /// The images that it is made of, each after those it needs: builds are steps of the resource.
    pub images: Vec<ImageRow>,
    /// What the Orchfile says of it. The same `Arc` until a reload changes it.
    #[serde(default)]
    pub spec: Arc<Spec>,
    /// Local ports that lead to its newest pod.
    #[serde(default)]
    pub forwards: Vec<ForwardRow>,
    /// It is disabled because these are, and comes back with them.
    #[serde(default)]
    pub disabled_with: Vec<ResourceName>,
}

impl Row {
    /// How many ended runs a row keeps.
    pub const HISTORY: usize = 20;

    /// Of a resource that nothing is known of but that it is there.
    #[must_use]
    pub fn new(name: ResourceName, kind: RowKind) -> Self {
        Self {
            name,
            kind,
            labels: Vec::new(),
            links: Vec::new(),
            trigger_mode: TriggerMode::Auto,
            update: UpdateStatus::None,
            runtime: RuntimeStatus::None,
            dirty: false,
            hold: None,
            pending: Vec::new(),
            pending_count: 0,
            current_run: None,
            runs: Arc::default(),
            skipped: None,
            instance: None,
            images: Vec::new(),
            spec: Arc::default(),
            forwards: Vec::new(),
            disabled_with: Vec::new(),
        }
    }
}

/// What kind of resource a row shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// A command, a server or both.
    Local,
    /// A container of a compose file, or a plain one.
    Container,
    /// Objects of a cluster.
    Kubernetes,
}

/// A local port that leads to a pod, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardRow {
    /// What is declared.
    pub forward: PortForward,
    /// What it does; `None` until it was opened.
    pub state: Option<ForwardState>,
}

impl ForwardRow {
    /// Where a browser finds what it leads to.
    #[must_use]
    pub fn url(&self) -> String {
        let local_port = self.state.as_ref().map_or(self.forward.local_port, |state| state.local_port);
        PortForward { local_port, ..self.forward.clone() }.url()
    }
}

/// An image as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRow {
    /// Its reference as declared.
    pub image: ImageKey,
    /// Did the last build work.
    pub update: UpdateStatus,
    /// Files it is made of may have changed since it was built.
    pub dirty: bool,
    /// Why it is not built now, though it is dirty.
    pub hold: Option<Hold>,
    /// The build that goes on.
    pub current_run: Option<RunRow>,
    /// The last build of this session that ended.
    pub last_run: Option<RunRow>,
    /// The last builds that ended, newest first; at most [`Row::HISTORY`]. The same `Arc` until another ends.
    #[serde(default)]
    pub runs: Arc<Vec<RunRow>>,
    /// What containers are made of.
    pub reference: Option<String>,
}

/// Did the last run work. Tilt's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateStatus {
    /// It was never asked for.
    None,
    /// It will run.
    Pending,
    /// It runs.
    InProgress,
    /// The last run succeeded, or its result was fresh.
    Ok,
    /// The last run failed.
    Error,
    /// There is nothing to run: a server alone.
    NotApplicable,
}

impl Row {
    /// Whether the session is to bring it up: it is enabled, and starts with the session or was started since.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        let was_started = self.current_run.is_some() || !self.runs.is_empty() || self.instance.is_some();
        self.spec.enabled && (self.spec.auto_init || was_started)
    }

    /// Whether what it runs went well, and what it serves is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        let ran = matches!(self.update, UpdateStatus::Ok | UpdateStatus::NotApplicable);
        ran && matches!(self.runtime, RuntimeStatus::Ok | RuntimeStatus::NotApplicable)
    }

    /// Whether what it runs went well, and nothing that it is made of changed since.
    #[must_use]
    pub fn is_up_to_date(&self) -> bool {
        matches!(self.update, UpdateStatus::Ok | UpdateStatus::NotApplicable)
            && !self.dirty
            && self.current_run.is_none()
    }

    /// How the containers of a job ended that ran to its end, and ended well.
    #[must_use]
    pub fn finished(&self) -> Option<&Exit> {
        let exit = self.instance.as_ref()?.exit.as_ref()?;
        let is_done = self.kind != RowKind::Local && self.runtime == RuntimeStatus::Ok;
        (is_done && exit.is_success()).then_some(exit)
    }
}

/// Does the thing run well. Tilt's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuntimeStatus {
    /// It was never started, or was stopped.
    None,
    /// It is about to be ready.
    Pending,
    /// It is ready.
    Ok,
    /// It ended, or is not ready any more.
    Error,
    /// There is no server.
    NotApplicable,
}
