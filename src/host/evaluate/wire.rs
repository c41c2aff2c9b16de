//! What an evaluating child and orch say to each other.

use crate::{
    diag::Diagnostic,
    model::{FilePath, Project},
    orchfile::{KubeWish, SourceCommand, SourceOutput, Told},
};
use serde::{Deserialize, Serialize};

/// The hidden verb of the child.
pub const VERB: &str = "__evaluate";

/// The first line that the child reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The entry file.
    pub file: FilePath,
    /// What came after the verb: names of resources and arguments of the file.
    pub args: Vec<String>,
    /// Which cluster is meant.
    pub kube: KubeWish,
    /// What `config.tilt_subcommand` says.
    pub subcommand: String,
    /// What is wanted.
    pub answer: Answer,
    /// Bytes of memory that the child may use.
    pub memory_bytes: u64,
    /// Seconds of its own CPU time that the child may use.
    pub cpu_secs: u64,
}

/// In which form the result is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// As a project, to be brought up.
    Project,
    /// As `orch eval -o json` prints it.
    Dump,
}

/// What the child reads after that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToChild {
    /// The command that it asked for ended, or could not be started.
    RunEnded(Result<SourceOutput, String>),
}

/// What the child writes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromChild {
    /// It tells something at once.
    Told(Told),
    /// It wants this command to be run, and waits for its end.
    Run(SourceCommand),
    /// It is done. The last line.
    Ended(Box<Ended>),
}

/// What came of an evaluation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Ended {
    /// What the file declares; `None` when there are errors, or when a dump was wanted.
    pub project: Option<Project>,
    /// The text that `orch eval -o json` prints, when that was wanted.
    pub dump: Option<String>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}
