//! Everything that orch does to the world. Effects are values, performed in their order; what comes of them comes back as
//! events.

pub mod docker;
pub mod kube;

pub use docker::{BuildOrder, DockerEffect, RaiseOrder, UpdateOrder};
pub use kube::{AppliedObject, ApplyOrder, CustomCommand, ExpectedObject, KubeEffect, PodSearch, PodUpdateOrder};

use crate::{
    model::{
        Attempt, EvaluationId, FilePath, FileSet, InstanceId, Level, ProbeAction, RequestId, ResourceName, RunId,
        Success, Time, WatchSet,
    },
    snapshot::{RunRow, Verdict},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Something to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Evaluate the Orchfile. `EvaluationRead`s and one `EvaluationEnded` follow.
    Evaluate {
        /// Which evaluation.
        evaluation: EvaluationId,
        /// Names of resources, and arguments of its own.
        args: Arc<Vec<String>>,
    },
    /// Kill an evaluation; its `EvaluationEnded` still comes.
    CancelEvaluation {
        /// Which one.
        evaluation: EvaluationId,
    },
    /// Watch exactly this from now on. Where something new is watched, files in it that changed since `since` are reported
    /// as changed, so that nothing between a decision and its watch is missed.
    Watch {
        /// All of it.
        set: Arc<WatchSet>,
        /// The moment from which on changes count.
        since: Time,
    },
    /// Digest these files. `DigestsTaken` follows.
    TakeDigests {
        /// Which question.
        request: RequestId,
        /// No doubles.
        paths: Vec<FilePath>,
    },
    /// Digest all files of a set. `SetTaken` follows.
    TakeSet {
        /// Which question.
        request: RequestId,
        /// Which files.
        files: Arc<FileSet>,
        /// See `TakenFile::unchanged`.
        unchanged_since: Option<Time>,
        /// Whether somebody waits for the answer; else it is taken when there is time.
        urgent: bool,
    },
    /// Void the record of the last success, durably, before the next effect is performed.
    Forget {
        /// Whose.
        resource: ResourceName,
    },
    /// Record a success.
    Remember {
        /// Whose.
        resource: ResourceName,
        /// What made it so.
        success: Success,
    },
    /// Record how a run ended, for `why` and `status` of later sessions.
    RecordRun {
        /// Whose.
        resource: ResourceName,
        /// The run.
        run: RunRow,
    },
    /// Run a command. At most one `RunStarted` and exactly one `RunEnded` follow.
    StartRun {
        /// Which run.
        run: RunId,
        /// Whose log it writes.
        resource: ResourceName,
        /// What is run.
        command: CommandSpec,
        /// What it writes; digested after a success.
        outputs: Arc<FileSet>,
        /// Whether what the command leaves running in a session of its own (setsid) is its leftover too; else it is let go.
        own_sessions: bool,
        /// How long its tree may take to end where nobody says: after the command failed, and when orch is gone.
        grace: Duration,
    },
    /// End a run's process tree: ask, and after `grace` kill. Its `RunEnded` still comes.
    CancelRun {
        /// Which run.
        run: RunId,
        /// How long to wait between asking and killing. A second request may shorten it.
        grace: Duration,
    },
    /// End what a successful run left running. `LeftoversEnded` follows.
    StopLeftovers {
        /// Which run.
        run: RunId,
        /// As in `CancelRun`.
        grace: Duration,
    },
    /// Start a server. At most one `InstanceStarted` and exactly one `InstanceEnded` follow.
    StartInstance {
        /// Which instance.
        instance: InstanceId,
        /// Whose log it writes.
        resource: ResourceName,
        /// What is run.
        command: CommandSpec,
        /// A line of its log that tells that it is ready.
        ready_line: Option<String>,
        /// A loopback port that must be free before it starts.
        port: Option<PortCheck>,
        /// As in `StartRun`.
        grace: Duration,
    },
    /// End an instance's process tree: ask, and after `grace` kill. Its `InstanceEnded` still comes.
    StopInstance {
        /// Which instance.
        instance: InstanceId,
        /// As in `CancelRun`.
        grace: Duration,
    },
    /// Do one check of a probe. `Probed` follows, at the latest after `timeout`; not if the instance ended.
    Probe {
        /// Which question.
        request: RequestId,
        /// Of which instance.
        instance: InstanceId,
        /// What is done.
        action: ProbeAction,
        /// The folder and the environment of an `exec` check; its `argv` is the action's.
        command: Option<CommandSpec>,
        /// When it counts as failed.
        timeout: Duration,
    },
    /// Something to do with Docker.
    Docker(DockerEffect),
    /// Something to do with Kubernetes.
    Kube(KubeEffect),
    /// Say something in a resource's log, or in the session's own.
    Say {
        /// Whose log; `None` is the session's.
        resource: Option<ResourceName>,
        /// What was running when it was said.
        about: Option<Attempt>,
        /// How important it is.
        level: Level,
        /// One line without its end.
        text: String,
    },
    /// All has ended: leave with this verdict. The last effect of a session.
    Finish {
        /// The answer.
        verdict: Verdict,
    },
}

/// A command, ready to be started: nothing is left to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandSpec {
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// The working directory.
    pub dir: FilePath,
    /// Set (or, with `None`, removed) on top of orch's own environment: the project's overlay, then the command's own.
    pub env: BTreeMap<String, Option<String>>,
}

/// A port to look at before a server starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortCheck {
    /// On the loopback interface.
    pub port: u16,
    /// Whether a taken port keeps the server from starting (`NotStarted`, naming the holder); else it is warned of in its log.
    pub refuse: bool,
}
