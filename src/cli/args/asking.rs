//! Verbs that ask how things are.

use super::{Asking, FileArg, Form, parse_duration};
use crate::{cli::completion, host::control::Wanted, logs::StreamName, model::Level};
use clap::{
    Args, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use std::path::PathBuf;

/// `orch status`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Status {
    /// Show only these
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// `orch wait`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Wait {
    /// For which resources [default: all that start with the session, or were started since]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// For what
    #[arg(long = "for", value_name = "STATE", value_enum, default_value = "ready", ignore_case = true)]
    pub(in crate::cli) state: WaitFor,
    /// Give up after that long, such as `90s` or `10m`, with exit code 124; 0 is never
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub(in crate::cli) timeout: Option<std::time::Duration>,
    /// Wait on also when somebody has to act first: mend what failed, start what is stopped, trigger or enable it
    #[arg(long)]
    pub(in crate::cli) keep_waiting: bool,
    /// Do not say what is waited for
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// What `orch wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum WaitFor {
    /// What they run went well, and what they serve is ready
    #[value(alias = "condition=ready")]
    Ready,
    /// What they run went well, and nothing changed since
    #[value(aliases = ["condition=uptodate", "up-to-date"])]
    Uptodate,
}

impl From<WaitFor> for Wanted {
    fn from(state: WaitFor) -> Self {
        match state {
            WaitFor::Ready => Self::Ready,
            WaitFor::Uptodate => Self::UpToDate,
        }
    }
}

/// `orch logs`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Logs {
    /// The Orchfile or Tiltfile [default: the nearest one from here up to the repository's root]
    #[arg(long, value_name = "FILE", env = "ORCH_FILE")]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Only the logs of these [default: all]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// Go on printing as lines come
    #[arg(short, long)]
    pub(in crate::cli) follow: bool,
    /// Only lines of the last so long, such as `5m`
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(in crate::cli) since: Option<std::time::Duration>,
    /// Only the last so many lines
    #[arg(long, value_name = "LINES")]
    pub(in crate::cli) tail: Option<usize>,
    /// Only lines at least that important, as orch says or the line itself seems to
    #[arg(long, value_parser = one_of([("warning", Level::Warning), ("error", Level::Error)]))]
    pub(in crate::cli) level: Option<Level>,
    /// Only lines from there; `orch` is what orch says
    #[arg(long, value_parser = one_of([
        ("stdout", StreamName::Stdout), ("stderr", StreamName::Stderr), ("orch", StreamName::Orch),
    ]))]
    pub(in crate::cli) source: Option<StreamName>,
    /// Only lines with this text; without upper case in it, in any case
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(in crate::cli) filter: String,
    /// In which form.
    #[command(flatten)]
    pub(in crate::cli) form: Form,
}

/// Takes one of these words.
fn one_of<T: Clone + Send + Sync + 'static, const N: usize>(
    words: [(&'static str, T); N],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words.each_ref().map(|(word, _)| *word)).try_map(move |given| {
        let found = words.iter().find(|(word, _)| *word == given).map(|(_, meant)| meant.clone());
        found.ok_or("not one of them")
    })
}

/// `orch events`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Events {
    /// Only what happens to these [default: everything]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// `orch graph`.
#[derive(Debug, Args)]
pub(in crate::cli) struct GraphArgs {
    /// Where the Orchfile is.
    #[command(flatten)]
    pub(in crate::cli) file: FileArg,
    /// Only these, with what they need and what needs them
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "table")]
    pub(in crate::cli) output: GraphOutput,
}

/// Forms of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum GraphOutput {
    /// For people.
    Table,
    /// For Graphviz.
    Dot,
    /// For Mermaid, as Markdown pages show it.
    Mermaid,
    /// One JSON document.
    Json,
    /// The same as YAML.
    Yaml,
}

/// `orch describe`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Describe {
    /// Which resources [default: all]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// `orch get`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Get {
    /// Which resource
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) name: String,
    /// A field of `orch describe -o json`, such as `update`, `links.0.url` or `runs.0.cause` [default: all of them]
    #[arg(value_name = "FIELD")]
    pub(in crate::cli) field: Option<String>,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

/// `orch why`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Why {
    /// Which resource
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) name: String,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}
