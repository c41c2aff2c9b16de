//! What several verbs take: where the project is, which resources are meant, and in which form to answer.

use crate::{
    cli::{completion, error::CliError, live::Project},
    model::ProjectId,
    orchfile::KubeWish,
    snapshot::spec,
};
use clap::{Args, ValueEnum};
use std::{env, path::PathBuf};

/// Where the Orchfile is.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct FileArg {
    /// The Orchfile or Tiltfile [default: the nearest one from here up to the repository's root]
    #[arg(short, long, value_name = "FILE", env = "ORCH_FILE")]
    pub(in crate::cli) file: Option<PathBuf>,
}

impl FileArg {
    /// The project that is meant.
    pub(in crate::cli) fn project(&self) -> Result<Project, CliError> {
        Project::find(self.file.as_deref())
    }

    /// How another verb is called for the same project from here, in backticks.
    pub(in crate::cli) fn call(&self, verb: &str) -> String {
        match &self.file {
            Some(file) if env::var_os("ORCH_FILE").is_none_or(|name| *name != **file) => {
                format!("`orch {verb} -f {}`", spec::command_line(&[file.to_string_lossy().into_owned()]))
            }
            _ => format!("`orch {verb}`"),
        }
    }
}

/// In which form a verb answers.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Form {
    /// How to print the answer
    #[arg(short, long, value_enum, default_value = "table", env = "ORCH_OUTPUT")]
    pub(in crate::cli) output: Output,
}

/// What nearly every verb takes that asks a session.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Asking {
    /// Where the Orchfile is.
    #[command(flatten)]
    pub(in crate::cli) file: FileArg,
    /// In which form it answers.
    #[command(flatten)]
    pub(in crate::cli) form: Form,
}

impl Asking {
    /// The project that is meant.
    pub(in crate::cli) fn project(&self) -> Result<Project, CliError> {
        self.file.project()
    }

    /// In which form the verb answers.
    pub(in crate::cli) fn output(&self) -> Output {
        self.form.output
    }
}

/// What an evaluation gets.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct OrchfileArgs {
    /// Where it is.
    #[command(flatten)]
    pub(in crate::cli) file: FileArg,
    /// What marks the containers of this project, instead of its folder's name and path
    #[arg(long, value_name = "ID", env = "ORCH_PROJECT", value_parser = ProjectId::parse)]
    pub(in crate::cli) project: Option<ProjectId>,
    /// Which cluster is meant.
    #[command(flatten)]
    pub(in crate::cli) kube: KubeArgs,
    /// Resources to bring up, with what they depend on [default: all]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// Arguments for the Orchfile's own `config.parse()`
    #[arg(last = true, value_name = "ARGS")]
    pub(in crate::cli) args: Vec<String>,
}

/// Which Kubernetes cluster is meant.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct KubeArgs {
    /// The Kubernetes context [default: the current one of the kubeconfig]
    #[arg(long, value_name = "NAME", env = "ORCH_CONTEXT")]
    context: Option<String>,
    /// The namespace of Kubernetes objects that name none [default: that of the context]
    #[arg(long, value_name = "NAME", env = "ORCH_NAMESPACE")]
    namespace: Option<String>,
}

impl From<KubeArgs> for KubeWish {
    fn from(args: KubeArgs) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self { context: given(args.context), namespace: given(args.namespace) }
    }
}

/// Some resources of the running session.
#[derive(Debug, Args)]
pub(in crate::cli) struct Selection {
    /// Which resources
    #[arg(value_name = "NAME", required_unless_present_any = ["labels", "all"], add = completion::names())]
    pub(in crate::cli) names: Vec<String>,
    /// Those with that label; may be given several times
    #[arg(short, long = "label", value_name = "LABEL", add = completion::labels())]
    pub(in crate::cli) labels: Vec<String>,
    /// All of them
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Do not say what comes of it
    #[arg(short, long)]
    pub(in crate::cli) quiet: bool,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
}

impl Selection {
    /// Whether a person reads along.
    pub(in crate::cli) fn talks(&self) -> bool {
        !self.quiet && self.asking.output() == Output::Table
    }
}

/// Forms of what a verb prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Output {
    /// For people.
    Table,
    /// Names alone, a line each.
    Name,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Jsonl,
    /// The same documents as YAML.
    Yaml,
}

/// `90`, `90s`, `1m30s`, `1.5h`, `200ms`: Go's durations, and a bare number of seconds.
pub(in crate::cli) fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as `90s`, `10m` or `1h30m`");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(std::time::Duration::from_secs(seconds));
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let factor = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        total += number.parse::<f64>().map_err(|_| wrong())? * factor;
        rest = tail;
    }
    if text.is_empty() {
        return Err(wrong());
    }
    std::time::Duration::try_from_secs_f64(total).map_err(|_| wrong())
}
