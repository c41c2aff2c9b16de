//! Verbs that begin, show and end sessions.

use super::{FileArg, Form, OrchfileArgs, parse_duration};
use clap::Args;
use std::path::PathBuf;

/// `orch up`.
#[expect(clippy::struct_excessive_bools, reason = "switches of the command line, each on its own")]
#[derive(Debug, Args)]
pub(in crate::cli) struct Up {
    /// What to bring up.
    #[command(flatten)]
    pub(in crate::cli) orchfile: OrchfileArgs,
    /// Print one line per log line instead of showing the dashboard
    #[arg(long, env = "ORCH_STREAM", value_parser = clap::builder::FalseyValueParser::new())]
    pub(in crate::cli) stream: bool,
    /// Run in the background; return once the Orchfile is evaluated, with an error if it could not be
    #[arg(short, long, env = "ORCH_DETACH", value_parser = clap::builder::FalseyValueParser::new())]
    pub(in crate::cli) detach: bool,
    /// It is the session in the background.
    #[arg(long, hide = true)]
    pub(in crate::cli) in_background: bool,
    /// It is shown on the dashboard.
    #[arg(long, hide = true)]
    pub(in crate::cli) attended: bool,
}

/// `orch ls`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Ls {
    /// In which form.
    #[command(flatten)]
    pub(in crate::cli) form: Form,
}

/// `orch attach`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Attach {
    /// Where the Orchfile is.
    #[command(flatten)]
    pub(in crate::cli) file: FileArg,
}

/// `orch ci`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Ci {
    /// What to bring up.
    #[command(flatten)]
    pub(in crate::cli) orchfile: OrchfileArgs,
    /// Give up after that long, such as `90s` or `10m`; 0 is never [default: the file's `ci_settings`, else 30m]
    #[arg(long, value_name = "DURATION", env = "ORCH_TIMEOUT", value_parser = parse_duration)]
    pub(in crate::cli) timeout: Option<std::time::Duration>,
    /// After a failure, go on with all that does not need what failed
    #[arg(short, long, env = "ORCH_KEEP_GOING", value_parser = clap::builder::FalseyValueParser::new())]
    pub(in crate::cli) keep_going: bool,
    /// Write the result of each resource as JUnit XML
    #[arg(long, value_name = "FILE", env = "ORCH_JUNIT")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// In which form.
    #[command(flatten)]
    pub(in crate::cli) form: Form,
}

/// `orch down`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Down {
    /// What to take down; names limit it to these resources.
    #[command(flatten)]
    pub(in crate::cli) orchfile: OrchfileArgs,
    /// Remove the project's named volumes too, with all that is in them
    #[arg(long, env = "ORCH_VOLUMES", value_parser = clap::builder::FalseyValueParser::new(), conflicts_with = "names")]
    pub(in crate::cli) volumes: bool,
    /// Delete the namespaces that the project made in the cluster too, with all that is in them
    #[arg(long, env = "ORCH_DELETE_NAMESPACES", value_parser = clap::builder::FalseyValueParser::new(), conflicts_with = "names")]
    pub(in crate::cli) delete_namespaces: bool,
}
