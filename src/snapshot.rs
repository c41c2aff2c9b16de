//! What every reader sees: the stream, the socket, the store. Derived from the engine's state, never written back.

mod change;
pub mod graph;
pub mod links;
pub mod news;
pub mod spec;
pub mod words;

pub use change::Change;
pub use graph::{Graph, GraphEdge, GraphEdgeKind};
pub use spec::Spec;

use crate::{
    diag::Diagnostic,
    model::{
        Button, Cluster, Condition, ContainerState, Exit, Failure, FilePath, ForwardState, ImageKey, InstanceId, Link,
        Mode, PodState, PortForward, ResourceName, RunId, Time, TriggerMode,
    },
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

/// The rows of a snapshot in chunks that snapshots share, so that a change in a large project copies little.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Row>", into = "Vec<Row>")]
pub struct Rows {
    chunks: Vec<Arc<Vec<Arc<Row>>>>,
}

impl Rows {
    const CHUNK: usize = 256;

    /// Rows that may be those of another snapshot.
    pub fn from_shared(rows: impl IntoIterator<Item = Arc<Row>>) -> Self {
        let rows: Vec<Arc<Row>> = rows.into_iter().collect();
        Self { chunks: rows.chunks(Self::CHUNK).map(|chunk| Arc::new(chunk.to_vec())).collect() }
    }

    /// The rows in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.last().map_or(0, |last| (self.chunks.len() - 1) * Self::CHUNK + last.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The row at that place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&Arc<Row>> {
        self.chunks.get(place / Self::CHUNK)?.get(place % Self::CHUNK)
    }

    /// The row of that resource; looks at all of them.
    #[must_use]
    pub fn named(&self, name: &ResourceName) -> Option<&Arc<Row>> {
        self.iter().find(|row| row.name == *name)
    }

    /// Replaces one row; copies only its chunk, and that only if it is shared.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn set(&mut self, place: usize, row: Row) {
        Arc::make_mut(&mut self.chunks[place / Self::CHUNK])[place % Self::CHUNK] = Arc::new(row);
    }
}

impl FromIterator<Row> for Rows {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let rows: Vec<Arc<Row>> = rows.into_iter().map(Arc::new).collect();
        Self { chunks: rows.chunks(Self::CHUNK).map(|chunk| Arc::new(chunk.to_vec())).collect() }
    }
}

impl From<Vec<Row>> for Rows {
    fn from(rows: Vec<Row>) -> Self {
        rows.into_iter().collect()
    }
}

impl From<Rows> for Vec<Row> {
    fn from(rows: Rows) -> Self {
        rows.iter().map(|row| Row::clone(row)).collect()
    }
}

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

/// One run as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// Its number, shown as `api#3`.
    pub run: RunId,
    /// What it does.
    pub step: Step,
    /// Why it started.
    pub cause: Cause,
    /// When.
    pub started_at: Time,
    /// When it ended, if it did.
    pub ended_at: Option<Time>,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// The command of a live update that failed, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_command: Option<String>,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Runs a command, or starts a server.
    #[default]
    Command,
    /// Makes an image.
    Build,
    /// Makes, replaces or starts containers.
    Container,
    /// Applies objects of a cluster.
    Apply,
    /// Changes files in running containers.
    LiveUpdate,
    /// Removes what was made.
    Teardown,
}

/// A server as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRow {
    /// Its number.
    pub instance: InstanceId,
    /// Of the server itself; `None` before it started.
    pub pid: Option<u32>,
    /// When it was started.
    pub started_at: Time,
    /// When it became ready.
    pub ready_at: Option<Time>,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
    /// How often this definition was started again after it ended unasked.
    pub restarts: u32,
    /// What the last failed check said.
    pub probe_failure: Option<String>,
    /// The containers that it is, where it is no process.
    pub containers: Vec<ContainerState>,
    /// The pods of a resource of a cluster, the newest first; those that are replaced are among them until they have ended.
    #[serde(default)]
    pub pods: Vec<PodState>,
}

/// Why a run, or the restart of a server, starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It had not run in this session.
    First,
    /// Files that it reads changed.
    Files {
        /// The first few, sorted.
        paths: Vec<FilePath>,
        /// How many.
        count: u64,
    },
    /// The Orchfile gives it another definition.
    Definition,
    /// What it writes was changed or removed by somebody else.
    Outputs {
        /// The first few, sorted.
        paths: Vec<FilePath>,
        /// How many.
        count: u64,
    },
    /// A resource whose outputs it reads wrote something new.
    Writer(ResourceName),
    /// A user asked for a run.
    Triggered,
    /// A user asked for a restart.
    Restarted,
    /// A user started it after a stop.
    Started,
    /// Its server ended unasked.
    Crashed(Exit),
    /// An image that it is made of was built anew.
    Image(ImageKey),
    /// A resource needs the image.
    Needed(ResourceName),
    /// Its container is gone, though nobody asked orch for that.
    Removed,
    /// Somebody else changed its container: how.
    ChangedByHand(String),
    /// An object of its own is gone, though nobody asked orch for that: which.
    Deleted(String),
    /// Somebody else changed an object of its own: how.
    Drifted(String),
    /// A container of a pod started anew, without the files that were changed in it.
    Resync,
    /// Its containers could not be changed in place: why.
    FallBack(String),
    /// `orch down`.
    Teardown,
}

/// Why a dirty resource does not start now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// The Orchfile's first evaluation is not done.
    OrchfileLoading,
    /// A dependency has not met its condition yet.
    Dependency {
        /// Which one.
        on: ResourceName,
        /// What is waited for.
        condition: Condition,
        /// What keeps it, as far as that is known: `failed`, `disabled`, `manual`, `not started`, `not ready`.
        because: String,
    },
    /// A resource whose outputs it reads runs or is about to.
    Writer(ResourceName),
    /// A resource whose outputs it reads failed.
    WriterFailed(ResourceName),
    /// An image that it is made of is being built, or is about to be.
    Image(ImageKey),
    /// An image that it is made of could not be built.
    ImageFailed(ImageKey),
    /// No resource needs it now: its containers live on, or were changed in place.
    Unneeded,
    /// The Docker Engine cannot be reached: why.
    Docker(String),
    /// The cluster cannot be reached: why.
    Cluster(String),
    /// Files are changed in its containers as soon as these run.
    Starting,
    /// Files that it reads are still being written, or their digests are being taken.
    Settling,
    /// All slots are taken.
    Slot,
    /// A command that shares the slots with nothing runs, or others run and it shares with nothing.
    Exclusive(ResourceName),
    /// Its own run goes on; it will run once more.
    Running,
    /// Its server or its cancelled run is being stopped.
    Stopping,
    /// Its server ended unasked and is started again at that time.
    Backoff {
        /// When.
        until: Time,
    },
    /// It waits for a trigger: manual, or it does not start with the session.
    Manual,
    /// A user stopped it.
    Stopped,
    /// It is no part of this session.
    Disabled,
    /// Its last run failed; it runs again when something it reads changes.
    Failed,
    /// Its server ended and its `restart` says that it stays so.
    Ended,
    /// It made itself dirty too often in a row.
    SelfDirty {
        /// How often.
        times: u32,
        /// A path by which it did.
        path: FilePath,
    },
    /// The session is ending.
    ShuttingDown,
}

/// Why something that might have started a resource did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Its fingerprint is that of its last success, and its outputs are what they were.
    Fresh,
    /// Files it reads were written, but hold what its last run saw.
    SameContent {
        /// The first few, sorted.
        paths: Vec<FilePath>,
        /// How many.
        count: u64,
    },
    /// A resource whose outputs it reads ran and wrote the same again.
    SameOutputs(ResourceName),
    /// An image that it is made of was built anew and is the same.
    SameImage(ImageKey),
    /// What an earlier session made of it was there, and is what it should be.
    Adopted,
}

/// The answer of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All that was wanted is there.
    Succeeded,
    /// It cannot be reached: each resource with what went wrong, in declaration order.
    Failed(Vec<(ResourceName, Trouble)>),
    /// It took too long: what was still missing.
    TimedOut(Vec<(ResourceName, Trouble)>),
    /// There never was a project.
    OrchfileFailed,
    /// A user ended the session before there was an answer.
    Interrupted,
    /// What is needed for an answer cannot be used: no Docker Engine, no cluster.
    Unusable(Failure),
}

impl Verdict {
    /// What is wrong with which resources, in declaration order.
    #[must_use]
    pub fn troubles(&self) -> &[(ResourceName, Trouble)] {
        match self {
            Self::Failed(troubles) | Self::TimedOut(troubles) => troubles,
            Self::Succeeded | Self::OrchfileFailed | Self::Interrupted | Self::Unusable(_) => &[],
        }
    }
}

/// What is wrong with a resource, for the verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Its command failed.
    RunFailed(Exit),
    /// An image that it is made of could not be built.
    ImageFailed(ImageKey, Exit),
    /// Its server ended.
    InstanceEnded(Exit),
    /// Its server did not become ready in time; what the last check said.
    NotReady(Option<String>),
    /// It is held for ever.
    Held(Hold),
    /// It had not ended.
    Unfinished,
    /// The world said no.
    Refused(Failure),
}
