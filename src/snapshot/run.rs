//! What people see of a run and of what stays up.

use super::Cause;
use crate::model::{ContainerState, Exit, InstanceId, PodState, RunId, Time};
use serde::{Deserialize, Serialize};

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
    /// Why, where it was no run of its resource that started it: somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
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
