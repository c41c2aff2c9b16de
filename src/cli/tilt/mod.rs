//! The stand-in for the `tilt` program: commands of a Tiltfile find orch by that name, and what they ask is answered from the
//! session, in the shape that scripts expect. It reads and steers a session; it does not edit API objects.

mod objects;

use super::{
    Cli,
    error::CliError,
    exit::Exit,
    live::{self, Project},
    perform, print,
};
use crate::{
    engine::Request,
    host::{
        ask,
        claim::SessionCard,
        control::{WaitQuery, Wanted},
        tilt::FILE_VARIABLE,
    },
    model::ResourceName,
    orchfile,
    snapshot::Snapshot,
};
use clap::{Parser, Subcommand};
use serde_json::Value;
use std::{env, path::PathBuf, time::Duration};

/// The version of Tilt that scripts are told: the one whose language orch speaks.
const VERSION: &str = orchfile::TILT_VERSION;

#[derive(Debug, Parser)]
#[command(name = "tilt", about = "orch, by the name that scripts of a Tiltfile call", disable_help_subcommand = true)]
struct Tilt {
    #[command(subcommand)]
    verb: TiltVerb,
}

#[derive(Debug, Subcommand)]
enum TiltVerb {
    /// Objects of the session, as JSON
    #[command(alias = "describe")]
    Get {
        /// Their kind, such as `uiresource` or `uiresource/NAME`
        kind: String,
        /// Only these
        names: Vec<String>,
        /// `json`, `name`, or `jsonpath=PATH`
        #[arg(short, long, default_value = "name")]
        output: String,
    },
    /// Run resources now
    Trigger {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Make resources part of the session
    Enable {
        names: Vec<String>,
        #[arg(long)]
        all: bool,
        #[arg(long)]
        only: bool,
        #[arg(short, long)]
        labels: Vec<String>,
    },
    /// Take resources out of the session
    Disable {
        names: Vec<String>,
        #[arg(long)]
        all: bool,
        #[arg(short, long)]
        labels: Vec<String>,
    },
    /// Evaluate the Tiltfile with other arguments
    Args {
        #[arg(long)]
        clear: bool,
        args: Vec<String>,
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Print logs
    Logs {
        names: Vec<String>,
        #[arg(short, long)]
        follow: bool,
        #[arg(long)]
        since: Option<String>,
        #[arg(long)]
        tail: Option<String>,
    },
    /// Wait until resources are ready
    Wait {
        /// `condition=Ready` or `condition=UpToDate`
        #[arg(long = "for", default_value = "condition=Ready")]
        condition: String,
        #[arg(long, default_value = "30s")]
        timeout: String,
        /// `uiresource/NAME`
        targets: Vec<String>,
        #[arg(long)]
        all: bool,
    },
    /// Print the version
    Version,
    /// Print the session's state
    Dump {
        /// `engine`
        what: String,
    },
    /// Anything else
    #[command(external_subcommand)]
    Other(Vec<String>),
}

/// Whether this program was called by the name of the other.
pub(super) fn is_asked() -> bool {
    let called = env::args_os().next().map(PathBuf::from);
    called.is_some_and(|called| called.file_name().is_some_and(|name| name == "tilt"))
}

/// Does what the command line says.
pub(super) fn run() -> Result<Exit, CliError> {
    let tilt = match Tilt::try_parse() {
        Ok(tilt) => tilt,
        Err(error) => {
            error.print().ok();
            return Ok(if error.use_stderr() { Exit::Usage } else { Exit::Ok });
        }
    };
    answer(tilt.verb)
}

fn answer(verb: TiltVerb) -> Result<Exit, CliError> {
    match verb {
        TiltVerb::Get { kind, names, output } => get(&kind, &names, &output),
        TiltVerb::Trigger { names } => request(&Request::Trigger(live::names(names.iter().map(String::as_str))?)),
        TiltVerb::Enable { names, all, only, labels } => {
            let names = chosen(&names, all, &labels)?;
            request(&Request::Enable { names, alone: true, only })
        }
        TiltVerb::Disable { names, all, labels } => {
            let names = chosen(&names, all, &labels)?;
            request(&Request::Disable { names, alone: true })
        }
        TiltVerb::Args { clear, args, rest } => {
            let args = if clear { Vec::new() } else { args.into_iter().chain(rest).collect() };
            request(&Request::SetArgs(args))
        }
        TiltVerb::Logs { names, follow, since, tail } => logs(&names, follow, since, tail),
        TiltVerb::Wait { condition, timeout, targets, all } => wait(&condition, &timeout, &targets, all),
        TiltVerb::Version => {
            print::to_stdout(&format!("v{VERSION}, by orch {}\n", env!("CARGO_PKG_VERSION")));
            Ok(Exit::Ok)
        }
        TiltVerb::Dump { what } if what == "engine" => {
            print::json(&objects::engine(&snapshot()?.1));
            Ok(Exit::Ok)
        }
        TiltVerb::Dump { what } => Err(unknown(&format!("dump {what}"))),
        TiltVerb::Other(words) => other(&words),
    }
}

/// What orch has by the same name is orch's own verb; what has no effect here is no error.
fn other(words: &[String]) -> Result<Exit, CliError> {
    let verb = words.first().map(String::as_str).unwrap_or_default();
    match verb {
        "up" | "ci" | "down" => orch(words.to_vec()),
        "alpha" if words.get(1).is_some_and(|word| word == "tiltfile-result") => {
            orch([vec!["eval".to_owned(), "-o".to_owned(), "json".to_owned()], words[2..].to_vec()].concat())
        }
        "analytics" | "doctor" | "verify-install" | "docker-prune" => Ok(Exit::Ok),
        _ => Err(unknown(&words.join(" "))),
    }
}

fn unknown(what: &str) -> CliError {
    CliError::usage(format!("`tilt {what}` has no meaning here: this is orch, by the name `tilt`"))
        .with_help("it knows get, trigger, enable, disable, args, logs, wait, version and `dump engine`")
}

/// Runs a verb of orch's.
fn orch(words: Vec<String>) -> Result<Exit, CliError> {
    let words = std::iter::once("orch".to_owned()).chain(words);
    let cli = Cli::try_parse_from(words).map_err(|error| CliError::usage(error.to_string()))?;
    perform(cli.verb)
}

/// The file whose session this is about: that of the command that calls, else the nearest.
fn file() -> Option<PathBuf> {
    env::var_os(FILE_VARIABLE).filter(|file| !file.is_empty()).map(PathBuf::from)
}

fn card() -> Result<SessionCard, CliError> {
    Project::find(file().as_deref())?.need_session()
}

fn snapshot() -> Result<(SessionCard, Snapshot), CliError> {
    let card = card()?;
    let snapshot = live::block_on(async { Ok(ask::snapshot(&card).await?) })?;
    Ok((card, snapshot))
}

fn request(request: &Request) -> Result<Exit, CliError> {
    let card = card()?;
    live::block_on(async { Ok(ask::request(&card, request).await?) })?;
    Ok(Exit::Ok)
}

/// The resources that are named, all, or those of a group.
fn chosen(names: &[String], all: bool, labels: &[String]) -> Result<Vec<ResourceName>, CliError> {
    let mut found = live::names(names.iter().map(String::as_str))?;
    if all || !labels.is_empty() {
        let (_, snapshot) = snapshot()?;
        let rows = snapshot.rows.iter().filter(|row| all || row.labels.iter().any(|label| labels.contains(label)));
        found.extend(rows.map(|row| row.name.clone()));
    }
    Ok(found)
}

fn get(kind: &str, names: &[String], output: &str) -> Result<Exit, CliError> {
    let (kind, name) = kind.split_once('/').map_or((kind, None), |(kind, name)| (kind, Some(name.to_owned())));
    let names: Vec<String> = name.into_iter().chain(names.iter().cloned()).collect();
    let (card, snapshot) = snapshot()?;
    let Some((kind, items)) = objects::of_kind(kind, &snapshot, &card) else {
        return Err(CliError::usage(format!("the session has no objects of the kind `{kind}`"))
            .with_help("it has uiresource, kubernetesdiscovery, uibutton, cmd, session and tiltfile"));
    };
    let name_of = |item: &Value| item["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let missing = names.iter().find(|name| !items.iter().any(|item| name_of(item) == **name));
    if let Some(name) = missing {
        return Err(CliError::failed(format!("there is no {kind} `{name}`")));
    }
    let items: Vec<Value> =
        items.into_iter().filter(|item| names.is_empty() || names.contains(&name_of(item))).collect();
    let document = match <[Value; 1]>::try_from(items.clone()) {
        Ok([one]) if !names.is_empty() => one,
        _ => objects::list(kind, items.clone()),
    };
    show(output, &document, kind, &items.iter().map(name_of).collect::<Vec<_>>())
}

fn show(output: &str, document: &Value, kind: &str, names: &[String]) -> Result<Exit, CliError> {
    match output.split_once('=') {
        Some(("jsonpath", path)) => {
            let found = orchfile::find_by_json_path(document, path.trim_matches(['"', '\'']));
            let found = found.map_err(|reason| CliError::usage(format!("`{path}` is no JSON path: {reason}")))?;
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            print::to_stdout(&found.iter().map(text).collect::<Vec<_>>().join(" "));
        }
        None if output == "json" || output == "yaml" => print::json(document),
        _ => print::to_stdout(
            &names.iter().map(|name| format!("{}.tilt.dev/{name}\n", kind.to_lowercase())).collect::<String>(),
        ),
    }
    Ok(Exit::Ok)
}

fn logs(names: &[String], follow: bool, since: Option<String>, tail: Option<String>) -> Result<Exit, CliError> {
    let mut words = vec!["logs".to_owned()];
    if let Some(file) = file().and_then(|file| file.into_os_string().into_string().ok()) {
        words.extend(["--file".to_owned(), file]);
    }
    words.extend(follow.then(|| "--follow".to_owned()));
    for (flag, value) in [("--since", since), ("--tail", tail)] {
        words.extend(value.into_iter().flat_map(|value| [flag.to_owned(), value]));
    }
    words.extend(names.iter().cloned());
    orch(words)
}

fn wait(condition: &str, timeout: &str, targets: &[String], all: bool) -> Result<Exit, CliError> {
    let state = match condition.trim_start_matches("condition=").to_lowercase().as_str() {
        "ready" => Wanted::Ready,
        "uptodate" => Wanted::UpToDate,
        _ => return Err(CliError::usage(format!("`{condition}` cannot be waited for: use Ready or UpToDate"))),
    };
    let names: Vec<&str> = targets.iter().filter_map(|target| target.rsplit('/').next()).collect();
    let is_kind = |name: &&str| !all || name.to_lowercase().trim_end_matches('s') != "uiresource";
    let names: Vec<&str> = names.into_iter().filter(is_kind).collect();
    let timeout = super::args::parse_duration(timeout).map_err(CliError::usage)?;
    let (card, query) = (card()?, WaitQuery { state, names: names.join("/") });
    let waited = live::block_on(async {
        let asked = ask::wait(&card, &query);
        if timeout.is_zero() {
            return Ok(Some(asked.await?));
        }
        Ok(tokio::time::timeout(Duration::max(timeout, Duration::from_millis(1)), asked).await.ok().transpose()?)
    })?;
    match waited {
        Some(_) => {
            let met = |name: &&str| format!("uiresource.tilt.dev/{name} condition met\n");
            print::to_stdout(&names.iter().map(met).collect::<String>());
            Ok(Exit::Ok)
        }
        None => Err(CliError::failed(format!("timed out waiting for the condition on {}", names.join(", ")))),
    }
}
