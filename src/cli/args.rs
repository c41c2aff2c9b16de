//! The command line, as plain data.

use super::{completion, error::CliError, live::Project};
use crate::{
    host::control::Wanted,
    logs::StreamName,
    model::{Level, ProjectId},
    orchfile::KubeWish,
    snapshot::spec,
};
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser, styling},
};
use std::{env, path::PathBuf};

const STYLES: styling::Styles = styling::Styles::styled()
    .header(styling::AnsiColor::Green.on_default().bold())
    .usage(styling::AnsiColor::Green.on_default().bold())
    .literal(styling::AnsiColor::Cyan.on_default().bold())
    .placeholder(styling::AnsiColor::Cyan.on_default());

/// make for running systems, in one file.
#[derive(Debug, Parser)]
#[command(name = "orch", version, styles = STYLES, propagate_version = true, disable_help_subcommand = true)]
#[command(
    after_help = "Start with `orch up` in a folder with an Orchfile (or a Tiltfile). Exit codes: 0 well, 1 a resource failed, \
    2 usage or Orchfile error, 124 timeout, 125 unusable environment."
)]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Build and start everything, then redo on each save just what is no longer true
    Up(Up),
    /// Build and start everything once, answer with the exit code, stop
    Ci(Ci),
    /// Open the dashboard on the running session
    Attach(Attach),
    /// Stop the running session, run the teardown commands and remove containers, dependants first
    Down(Down),
    /// List the sessions that run on this machine
    Ls(Ls),
    /// Show the state of every resource
    Status(Status),
    /// Show all that is known of resources
    Describe(Describe),
    /// Print one field of a resource, for scripts
    Get(Get),
    /// Wait until resources are ready or up to date
    Wait(Wait),
    /// Print logs, also of earlier sessions
    Logs(Logs),
    /// Run resources now, even if they are up to date
    Trigger(Names),
    /// Press a button of the running session; without a name, list the buttons
    Click(super::click::Click),
    /// Restart the servers of resources; one without a server runs again
    Restart(Names),
    /// End what resources have running and keep it ended
    Stop(Names),
    /// Start resources that were stopped
    Start(Names),
    /// Make resources part of the session, with all that they need
    Enable(Enable),
    /// Take resources out of the session, with those that need them
    Disable(Disable),
    /// Show the arguments of the Orchfile, or give it others
    Args(Arguments),
    /// Run a command, or a shell, in a resource's container or pod, or in its folder with its environment
    Exec(Exec),
    /// Say why a resource ran, waits or did not run
    Why(Why),
    /// Follow what happens
    Events(Events),
    /// Show what depends on what
    Graph(GraphArgs),
    /// Say what of the environment is missing, and how to mend it
    Doctor(Doctor),
    /// Print what the Orchfile evaluates to
    Eval(Eval),
    /// Write a first Orchfile from what is found here
    Init(Init),
    /// Serve editors: completion, documentation, diagnostics (the Language Server Protocol, on standard input and output)
    Lsp,
    /// Print the reference of the language, or of one name of it
    Docs(Docs),
    /// Print the version
    Version(Version),
    /// Print the manual page, or write those of all verbs to a folder
    Man(Man),
    /// Print a completion script for a shell
    Completion {
        /// For which shell
        #[arg(value_enum)]
        shell: CompletionShell,
    },
}

/// Where the Orchfile is.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct FileArg {
    /// The Orchfile or Tiltfile [default: the nearest one from here up to the repository's root]
    #[arg(short, long, value_name = "FILE", env = "ORCH_FILE")]
    pub(super) file: Option<PathBuf>,
}

impl FileArg {
    /// The project that is meant.
    pub(super) fn project(&self) -> Result<Project, CliError> {
        Project::find(self.file.as_deref())
    }

    /// How another verb is called for the same project from here, in backticks.
    pub(super) fn call(&self, verb: &str) -> String {
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
pub(super) struct Form {
    /// How to print the answer
    #[arg(short, long, value_enum, default_value = "table", env = "ORCH_OUTPUT")]
    pub(super) output: Output,
}

/// What nearly every verb takes that asks a session.
#[derive(Debug, Clone, Args)]
pub(super) struct Asking {
    /// Where the Orchfile is.
    #[command(flatten)]
    pub(super) file: FileArg,
    /// In which form it answers.
    #[command(flatten)]
    pub(super) form: Form,
}

impl Asking {
    /// The project that is meant.
    pub(super) fn project(&self) -> Result<Project, CliError> {
        self.file.project()
    }

    /// In which form the verb answers.
    pub(super) fn output(&self) -> Output {
        self.form.output
    }
}

/// What an evaluation gets.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct OrchfileArgs {
    /// Where it is.
    #[command(flatten)]
    pub(super) file: FileArg,
    /// What marks the containers of this project, instead of its folder's name and path
    #[arg(long, value_name = "ID", env = "ORCH_PROJECT", value_parser = ProjectId::parse)]
    pub(super) project: Option<ProjectId>,
    /// Which cluster is meant.
    #[command(flatten)]
    pub(super) kube: KubeArgs,
    /// Resources to bring up, with what they depend on [default: all]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) names: Vec<String>,
    /// Arguments for the Orchfile's own `config.parse()`
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<String>,
}

/// Which Kubernetes cluster is meant.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct KubeArgs {
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

/// `orch up`.
#[expect(clippy::struct_excessive_bools, reason = "switches of the command line, each on its own")]
#[derive(Debug, Args)]
pub(super) struct Up {
    /// What to bring up.
    #[command(flatten)]
    pub(super) orchfile: OrchfileArgs,
    /// Print one line per log line instead of showing the dashboard
    #[arg(long, env = "ORCH_STREAM", value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) stream: bool,
    /// Run in the background; return once the Orchfile is evaluated, with an error if it could not be
    #[arg(short, long, env = "ORCH_DETACH", value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) detach: bool,
    /// It is the session in the background.
    #[arg(long, hide = true)]
    pub(super) in_background: bool,
    /// It is shown on the dashboard.
    #[arg(long, hide = true)]
    pub(super) attended: bool,
}

/// `orch ls`.
#[derive(Debug, Args)]
pub(super) struct Ls {
    /// In which form.
    #[command(flatten)]
    pub(super) form: Form,
}

/// `orch attach`.
#[derive(Debug, Args)]
pub(super) struct Attach {
    /// Where the Orchfile is.
    #[command(flatten)]
    pub(super) file: FileArg,
}

/// `orch ci`.
#[derive(Debug, Args)]
pub(super) struct Ci {
    /// What to bring up.
    #[command(flatten)]
    pub(super) orchfile: OrchfileArgs,
    /// Give up after that long, such as `90s` or `10m`; 0 is never [default: the file's `ci_settings`, else 30m]
    #[arg(long, value_name = "DURATION", env = "ORCH_TIMEOUT", value_parser = parse_duration)]
    pub(super) timeout: Option<std::time::Duration>,
    /// After a failure, go on with all that does not need what failed
    #[arg(short, long, env = "ORCH_KEEP_GOING", value_parser = clap::builder::FalseyValueParser::new())]
    pub(super) keep_going: bool,
    /// Write the result of each resource as JUnit XML
    #[arg(long, value_name = "FILE", env = "ORCH_JUNIT")]
    pub(super) junit: Option<PathBuf>,
    /// In which form.
    #[command(flatten)]
    pub(super) form: Form,
}

/// `orch down`.
#[derive(Debug, Args)]
pub(super) struct Down {
    /// What to take down; names limit it to these resources.
    #[command(flatten)]
    pub(super) orchfile: OrchfileArgs,
    /// Remove the project's named volumes too, with all that is in them
    #[arg(long, env = "ORCH_VOLUMES", value_parser = clap::builder::FalseyValueParser::new(), conflicts_with = "names")]
    pub(super) volumes: bool,
    /// Delete the namespaces that the project made in the cluster too, with all that is in them
    #[arg(long, env = "ORCH_DELETE_NAMESPACES", value_parser = clap::builder::FalseyValueParser::new(), conflicts_with = "names")]
    pub(super) delete_namespaces: bool,
}

/// `orch status`.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Show only these
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) names: Vec<String>,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

/// `orch wait`.
#[derive(Debug, Args)]
pub(super) struct Wait {
    /// For which resources [default: all that start with the session, or were started since]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) names: Vec<String>,
    /// For what
    #[arg(long = "for", value_name = "STATE", value_enum, default_value = "ready", ignore_case = true)]
    pub(super) state: WaitFor,
    /// Give up after that long, such as `90s` or `10m`, with exit code 124; 0 is never
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration)]
    pub(super) timeout: Option<std::time::Duration>,
    /// Wait on also when somebody has to act first: mend what failed, start what is stopped, trigger or enable it
    #[arg(long)]
    pub(super) keep_waiting: bool,
    /// Do not say what is waited for
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

/// What `orch wait` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WaitFor {
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
pub(super) struct Logs {
    /// The Orchfile or Tiltfile [default: the nearest one from here up to the repository's root]
    #[arg(long, value_name = "FILE", env = "ORCH_FILE")]
    pub(super) file: Option<PathBuf>,
    /// Only the logs of these [default: all]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) names: Vec<String>,
    /// Go on printing as lines come
    #[arg(short, long)]
    pub(super) follow: bool,
    /// Only lines of the last so long, such as `5m`
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) since: Option<std::time::Duration>,
    /// Only the last so many lines
    #[arg(long, value_name = "LINES")]
    pub(super) tail: Option<usize>,
    /// Only lines at least that important, as orch says or the line itself seems to
    #[arg(long, value_parser = one_of([("warning", Level::Warning), ("error", Level::Error)]))]
    pub(super) level: Option<Level>,
    /// Only lines from there; `orch` is what orch says
    #[arg(long, value_parser = one_of([
        ("stdout", StreamName::Stdout), ("stderr", StreamName::Stderr), ("orch", StreamName::Orch),
    ]))]
    pub(super) source: Option<StreamName>,
    /// Only lines with this text; without upper case in it, in any case
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(super) filter: String,
    /// In which form.
    #[command(flatten)]
    pub(super) form: Form,
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

/// A verb on some resources of the running session.
#[derive(Debug, Args)]
pub(super) struct Names {
    /// Which.
    #[command(flatten)]
    pub(super) selection: Selection,
}

/// Some resources of the running session.
#[derive(Debug, Args)]
pub(super) struct Selection {
    /// Which resources
    #[arg(value_name = "NAME", required_unless_present_any = ["labels", "all"], add = completion::names())]
    pub(super) names: Vec<String>,
    /// Those with that label; may be given several times
    #[arg(short, long = "label", value_name = "LABEL", add = completion::labels())]
    pub(super) labels: Vec<String>,
    /// All of them
    #[arg(long)]
    pub(super) all: bool,
    /// Do not say what comes of it
    #[arg(short, long)]
    pub(super) quiet: bool,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

impl Selection {
    /// Whether a person reads along.
    pub(super) fn talks(&self) -> bool {
        !self.quiet && self.asking.output() == Output::Table
    }
}

/// `orch enable`.
#[derive(Debug, Args)]
pub(super) struct Enable {
    /// Which.
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Without what they need
    #[arg(long)]
    pub(super) no_deps: bool,
    /// Take all others out of the session
    #[arg(long)]
    pub(super) only: bool,
}

/// `orch disable`.
#[derive(Debug, Args)]
pub(super) struct Disable {
    /// Which.
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Without those that need them
    #[arg(long)]
    pub(super) no_deps: bool,
}

/// `orch args`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Resources to bring up from now on, with what they depend on
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) names: Vec<String>,
    /// Arguments for the Orchfile's own `config.parse()` from now on
    #[arg(last = true, value_name = "ARGS")]
    pub(super) args: Vec<String>,
    /// No names and no arguments from now on
    #[arg(long, conflicts_with_all = ["names", "args"])]
    pub(super) clear: bool,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

/// `orch exec`.
#[derive(Debug, Args)]
pub(super) struct Exec {
    /// Where the Orchfile is.
    #[command(flatten)]
    pub(super) file: FileArg,
    /// Which resource
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) name: String,
    /// The container, where a pod or a service has several [default: the one that the pod names, else its first]
    #[arg(short, long, value_name = "CONTAINER")]
    pub(super) container: Option<String>,
    /// What goes wrong stays on the terminal until Enter is pressed
    #[arg(long, hide = true)]
    pub(super) from_dashboard: bool,
    /// The command with its arguments [default: a shell]
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<String>,
}

/// `orch events`.
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Only what happens to these [default: everything]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) names: Vec<String>,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

/// `orch graph`.
#[derive(Debug, Args)]
pub(super) struct GraphArgs {
    /// Where the Orchfile is.
    #[command(flatten)]
    pub(super) file: FileArg,
    /// Only these, with what they need and what needs them
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) names: Vec<String>,
    /// How to print it
    #[arg(short, long, value_enum, default_value = "table")]
    pub(super) output: GraphOutput,
}

/// Forms of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphOutput {
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
pub(super) struct Describe {
    /// Which resources [default: all]
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) names: Vec<String>,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

/// `orch get`.
#[derive(Debug, Args)]
pub(super) struct Get {
    /// Which resource
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) name: String,
    /// A field of `orch describe -o json`, such as `update`, `links.0.url` or `runs.0.cause` [default: all of them]
    #[arg(value_name = "FIELD")]
    pub(super) field: Option<String>,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

/// `orch doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

/// `orch man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Write a page for each verb to this folder [default: print the page of orch]
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

/// `orch why`.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// Which resource
    #[arg(value_name = "NAME", add = completion::names())]
    pub(super) name: String,
    /// Of which project, and in which form.
    #[command(flatten)]
    pub(super) asking: Asking,
}

/// `orch eval`.
#[derive(Debug, Args)]
pub(super) struct Eval {
    /// What to evaluate.
    #[command(flatten)]
    pub(super) orchfile: OrchfileArgs,
    /// In which form.
    #[command(flatten)]
    pub(super) form: Form,
}

/// `orch init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder that it is about [default: this one]
    #[arg(value_name = "FOLDER")]
    pub(super) folder: Option<PathBuf>,
    /// Print the file instead of writing it
    #[arg(long)]
    pub(super) print: bool,
}

/// `orch docs`.
#[derive(Debug, Args)]
pub(super) struct Docs {
    /// Which name, such as `local_resource` or `os.path.join` [default: the whole reference]
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// In which form.
    #[command(flatten)]
    pub(super) form: Form,
}

/// `orch version`.
#[derive(Debug, Args)]
pub(super) struct Version {
    /// In which form.
    #[command(flatten)]
    pub(super) form: Form,
}

/// Forms of what a verb prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
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

/// Shells with a completion script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CompletionShell {
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

/// `90`, `90s`, `1m30s`, `1.5h`, `200ms`: Go's durations, and a bare number of seconds.
pub(super) fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
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
