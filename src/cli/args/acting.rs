//! Verbs that have the session do something.

use super::{Asking, FileArg, Selection};
use crate::cli::completion;
use clap::Args;

/// A verb on some resources of the running session.
#[derive(Debug, Args)]
pub(in crate::cli) struct Names {
    /// Which.
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
}

/// `orch enable`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Enable {
    /// Which.
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    /// Without what they need
    #[arg(long)]
    pub(in crate::cli) no_deps: bool,
    /// Take all others out of the session
    #[arg(long)]
    pub(in crate::cli) only: bool,
}

/// `orch disable`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Disable {
    /// Which.
    #[command(flatten)]
    pub(in crate::cli) selection: Selection,
    /// Without those that need them
    #[arg(long)]
    pub(in crate::cli) no_deps: bool,
}

/// `orch args`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Resources to bring up from now on, with what they depend on
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// Arguments for the Orchfile's own `config.parse()` from now on
    #[arg(last = true, value_name = "ARGS")]
    pub(in crate::cli) args: Vec<String>,
    /// No names and no arguments from now on
    #[arg(long, conflicts_with_all = ["names", "args"])]
    pub(in crate::cli) clear: bool,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// `orch exec`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Exec {
    /// Where the Orchfile is.
    #[command(flatten)]
    pub(in crate::cli) file: FileArg,
    /// Which resource
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) name: String,
    /// The container, where a pod or a service has several [default: the one that the pod names, else its first]
    #[arg(short, long, value_name = "CONTAINER")]
    pub(in crate::cli) container: Option<String>,
    /// What goes wrong stays on the terminal until Enter is pressed
    #[arg(long, hide = true)]
    pub(in crate::cli) from_dashboard: bool,
    /// The command with its arguments [default: a shell]
    #[arg(last = true, value_name = "CMD")]
    pub(in crate::cli) command: Vec<String>,
}
