//! The answer of a session.

use super::Hold;
use crate::model::{Exit, Failure, ImageKey, ResourceName};
use serde::{Deserialize, Serialize};

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

impl Trouble {
    /// Whether nothing is wrong with the resource itself.
    #[must_use]
    pub fn is_skip(&self) -> bool {
        matches!(self, Self::Skipped(_))
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
    /// It was not begun, because something that it needs failed.
    Skipped(Hold),
    /// It had not ended.
    Unfinished,
    /// The world said no.
    Refused(Failure),
}
