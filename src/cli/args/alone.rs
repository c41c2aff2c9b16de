//! Verbs that need no session.

use super::{Asking, Form, OrchfileArgs};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `orch doctor`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Doctor {
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// `orch man`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Man {
    /// Write a page for each verb to this folder [default: print the page of orch]
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) dir: Option<PathBuf>,
}

/// `orch eval`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Eval {
    /// What to evaluate.
    #[command(flatten)]
    pub(in crate::cli) orchfile: OrchfileArgs,
    /// In which form.
    #[command(flatten)]
    pub(in crate::cli) form: Form,
}

/// `orch init`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Init {
    /// The folder that it is about [default: this one]
    #[arg(value_name = "FOLDER")]
    pub(in crate::cli) folder: Option<PathBuf>,
    /// Print the file instead of writing it
    #[arg(long)]
    pub(in crate::cli) print: bool,
}

/// `orch docs`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Docs {
    /// Which name, such as `local_resource` or `os.path.join` [default: the whole reference]
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// In which form.
    #[command(flatten)]
    pub(in crate::cli) form: Form,
}

/// `orch version`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Version {
    /// In which form.
    #[command(flatten)]
    pub(in crate::cli) form: Form,
}

/// Shells with a completion script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CompletionShell {
    /// GNU bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// Elvish.
    Elvish,
}
