//! What a verb fails with, and how that is shown.

use super::exit::Exit;
use crate::{host::ask::AskError, model::Failure};
use std::fmt;

/// A verb cannot go on.
#[derive(Debug)]
pub(super) struct CliError {
    /// How the program ends.
    pub(super) exit: Exit,
    message: String,
    help: Option<String>,
}

impl CliError {
    /// The command line, or what it names, is wrong.
    pub(super) fn usage(message: String) -> Self {
        Self { exit: Exit::Usage, message, help: None }
    }

    /// The world is not as it must be.
    pub(super) fn unusable(message: String) -> Self {
        Self { exit: Exit::Unusable, message, help: None }
    }

    /// What was asked for did not come about.
    pub(super) fn failed(message: String) -> Self {
        Self { exit: Exit::Failed, message, help: None }
    }

    /// Adds what to do.
    #[must_use]
    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        Self { exit: Exit::Unusable, message: failure.message, help: failure.help }
    }
}

impl From<AskError> for CliError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Unknown(refusal) => Self { exit: Exit::Usage, message: refusal.error, help: refusal.help },
            AskError::Refused(refusal) => Self { exit: Exit::Failed, message: refusal.error, help: refusal.help },
            AskError::OtherProtocol(ref card) => {
                let help = format!("use that orch, or end the session with `kill {}` and start it anew", card.pid);
                Self::unusable(error.to_string()).with_help(help)
            }
            other => Self::unusable(other.to_string()),
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "orch: {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}
