//! How things that run end.

use serde::{Deserialize, Serialize};

/// How a command or server ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was never started: what was wrong, in the user's words.
    NotStarted(Failure),
    /// It was ended because orch was told to (`CancelRun`, `StopInstance`), whatever its code.
    Stopped,
}

impl Exit {
    /// Whether the command did what it should.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Code(0)
    }
}

/// The world said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened: lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}
