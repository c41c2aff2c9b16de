//! Everything that can happen. Events are values: they can be recorded, replayed and compared.

pub mod docker;
pub mod kube;

pub use docker::{DockerEvent, DockerSeen};
pub use kube::{KubeEvent, KubeSeen};

use crate::{
    diag::Diagnostic,
    model::{
        Built, ContainerState, Digest, EvaluationId, EvaluationInput, Exit, FilePath, InstanceId, Project, RequestId,
        ResourceName, RunId,
    },
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The session began; the first event, once.
    SessionStarted,
    /// Nothing happened but time: `next_deadline` was reached.
    Woke,
    /// An evaluation read these. Told as it reads, so that one that is killed is watched all the same.
    EvaluationRead {
        /// Which one.
        evaluation: EvaluationId,
        /// What it read since it last told.
        inputs: Vec<EvaluationInput>,
    },
    /// An evaluation ended; once for each `Evaluate`.
    EvaluationEnded {
        /// Which one.
        evaluation: EvaluationId,
        /// With what.
        outcome: EvaluationOutcome,
    },
    /// The watcher saw that these were written, made, moved or removed. Only paths that the watch set holds.
    FilesChanged {
        /// No order, may hold doubles.
        paths: Vec<FilePath>,
    },
    /// A watched repository's `index.lock` came or went.
    GitLockChanged {
        /// It is there now.
        held: bool,
    },
    /// Answer to `TakeDigests`.
    DigestsTaken {
        /// Which question.
        request: RequestId,
        /// Each path of the question with the digest of its content; `None` where there is no file.
        digests: Vec<(FilePath, Option<Digest>)>,
    },
    /// Answer to `TakeSet`.
    SetTaken {
        /// Which question.
        request: RequestId,
        /// The files of the set that are there, sorted by path.
        files: Vec<TakenFile>,
    },
    /// The command of a run was started.
    RunStarted {
        /// Which run.
        run: RunId,
        /// Of the command itself.
        pid: u32,
    },
    /// A run ended; once for each `StartRun`, whatever happened to it.
    RunEnded {
        /// Which run.
        run: RunId,
        /// How.
        end: RunEnd,
    },
    /// What a successful run had left running is gone.
    LeftoversEnded {
        /// Which run.
        run: RunId,
    },
    /// The process of an instance was started.
    InstanceStarted {
        /// Which instance.
        instance: InstanceId,
        /// Of the server itself.
        pid: u32,
    },
    /// An instance and its whole process tree ended; once for each `StartInstance`, also if it never lived.
    InstanceEnded {
        /// Which instance.
        instance: InstanceId,
        /// How.
        exit: Exit,
    },
    /// A line of the instance's log matched its `ready_line`; once at most.
    ReadyLineSeen {
        /// Which instance.
        instance: InstanceId,
    },
    /// Answer to `Probe`.
    Probed {
        /// Which question.
        request: RequestId,
        /// What was found.
        result: ProbeResult,
    },
    /// Something that happened with Docker.
    Docker(DockerEvent),
    /// Something that happened with Kubernetes.
    Kube(KubeEvent),
    /// A user asked for something.
    Asked(Request),
}

/// What a user can ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Run these now, also when they are fresh.
    Trigger(Vec<ResourceName>),
    /// End the instances of these and start them again; one without a server runs again.
    Restart(Vec<ResourceName>),
    /// End what these have running and keep it ended.
    Stop(Vec<ResourceName>),
    /// The opposite of stop.
    Start(Vec<ResourceName>),
    /// Make these part of the session.
    Enable {
        /// Which ones.
        names: Vec<ResourceName>,
        /// Without what they need.
        #[serde(default)]
        alone: bool,
        /// Nothing else stays part of it.
        #[serde(default)]
        only: bool,
    },
    /// Take these out of the session, and end what they have.
    Disable {
        /// Which ones.
        names: Vec<ResourceName>,
        /// Without those that need them.
        #[serde(default)]
        alone: bool,
    },
    /// Evaluate the Orchfile with these arguments from now on: names of resources and arguments of its own.
    SetArgs(Vec<String>),
    /// Stop these, run their `teardown_cmd`s and remove their containers, dependants first.
    TakeDown(Vec<ResourceName>),
    /// Do what a button says.
    Click {
        /// Which one.
        button: ResourceName,
        /// What was chosen, by the names of its inputs; what is missing is what the button says.
        #[serde(default)]
        inputs: BTreeMap<String, String>,
    },
    /// End all and then the session. A second one ends everything at once.
    ShutDown {
        /// Run the `teardown_cmd`s and remove what was made too, dependants first.
        #[serde(default)]
        teardown: bool,
        /// With `teardown`: volumes too.
        #[serde(default)]
        volumes: bool,
        /// With `teardown`: namespaces of the cluster too.
        #[serde(default)]
        namespaces: bool,
    },
}

/// How an evaluation ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationOutcome {
    /// With a project, and with warnings.
    Loaded(Arc<Project>, Vec<Diagnostic>),
    /// With errors.
    Failed(Vec<Diagnostic>),
    /// It was cancelled.
    Cancelled,
}

/// A file as the host found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenFile {
    /// Where.
    pub path: FilePath,
    /// Of its content.
    pub digest: Digest,
    /// Whether its content is certainly the same since the moment that the question named: its status change time is older.
    /// True where the question named none.
    pub unchanged: bool,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// The command's own.
    pub exit: Exit,
    /// After a success: the files at and below the declared outputs, sorted by path. Empty without outputs.
    pub outputs: Vec<(FilePath, Digest)>,
    /// The command succeeded and left processes running; `LeftoversEnded` follows.
    pub leftovers: bool,
    /// After a success: what was made.
    pub made: Made,
    /// The command of a live update that failed, as people write it and without secrets.
    pub failed_command: Option<String>,
    /// Containers were not raised since somebody else has this port of the machine.
    pub taken_port: Option<u16>,
}

impl RunEnd {
    /// The end of a run that leaves nothing behind.
    #[must_use]
    pub fn of(exit: Exit) -> Self {
        Self {
            exit,
            outputs: Vec::new(),
            leftovers: false,
            made: Made::Nothing,
            failed_command: None,
            taken_port: None,
        }
    }
}

/// What a run made, beside files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Made {
    /// Nothing.
    Nothing,
    /// `DockerEffect::Build`: this image.
    Image(Built),
    /// `DockerEffect::Raise`: these containers.
    Containers(Vec<ContainerState>),
}

/// What one check of a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeResult {
    /// It passed.
    Passed,
    /// It did not, and why.
    Failed(String),
}
