//! The stand-in for the `tilt` program: commands of a Tiltfile find orch by that name, and what they ask is answered from the
//! session, in the shape that scripts expect. It reads and steers a session; it does not edit API objects.

mod get;
mod objects;
mod pods;
mod template;

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
use get::Get;
use std::{env, path::PathBuf, time::Duration};

/// The version of Tilt that scripts are told: the one whose language orch speaks.
const VERSION: &str = orchfile::TILT_VERSION;

#[derive(Debug, Parser)]
#[command(name = "tilt", about = "orch, by the name that scripts of a Tiltfile call", disable_help_subcommand = true)]
struct Tilt {
    /// Has no effect: the session is found by the folder
    #[arg(long, global = true, hide = true)]
    port: Option<String>,
    /// Has no effect: the session is on this machine
    #[arg(long, global = true, hide = true)]
    host: Option<String>,
    #[command(subcommand)]
    verb: TiltVerb,
}

#[derive(Debug, Subcommand)]
enum TiltVerb {
    /// Objects of the session
    Get(Get),
    /// Objects of the session, with all that they hold
    Describe(Get),
    /// List the kinds of objects
    ApiResources,
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
        /// One document a line
        #[arg(long)]
        json: bool,
        /// Has no effect: lines of all levels are printed
        #[arg(long, hide = true)]
        level: Option<String>,
        /// Has no effect: lines of builds and of servers are printed
        #[arg(long, hide = true)]
        source: Option<String>,
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
        /// `engine`, or `image-deploy-ref`
        what: String,
        /// The image
        reference: Option<String>,
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
        TiltVerb::Get(asked) => get::get(&asked, "table"),
        TiltVerb::Describe(asked) => get::get(&asked, "json"),
        TiltVerb::ApiResources => {
            print::to_stdout(&objects::KINDS.map(|kind| format!("{}\n", kind.plural)).concat());
            Ok(Exit::Ok)
        }
        TiltVerb::Trigger { names } => trigger(&names),
        TiltVerb::Enable { names, all, only, labels } => {
            let names = chosen(&names, all, &labels)?;
            request(&Request::Enable { names, alone: true, only })
        }
        TiltVerb::Disable { names, all, labels } => {
            let names = chosen(&names, all, &labels)?;
            request(&Request::Disable { names, alone: true })
        }
        TiltVerb::Args { clear, args, rest } => {
            let given: Vec<String> = args.into_iter().chain(rest).collect();
            if given.is_empty() && !clear {
                snapshot()?.1.args.iter().for_each(|arg| print::to_stdout(&format!("{arg}\n")));
                return Ok(Exit::Ok);
            }
            request(&Request::SetArgs(if clear { Vec::new() } else { given }))
        }
        TiltVerb::Logs { names, follow, since, tail, json, .. } => {
            let format = json.then(|| "jsonl".to_owned());
            logs(&names, follow, &[("--since", since), ("--tail", tail), ("--output", format)])
        }
        TiltVerb::Wait { condition, timeout, targets, all } => wait(&condition, &timeout, &targets, all),
        TiltVerb::Version => {
            print::to_stdout(&format!("v{VERSION}, by orch {}\n", env!("CARGO_PKG_VERSION")));
            Ok(Exit::Ok)
        }
        TiltVerb::Dump { what, .. } if what == "engine" => {
            print::json(&objects::engine(&snapshot()?.1));
            Ok(Exit::Ok)
        }
        TiltVerb::Dump { what, reference: Some(reference) } if what == "image-deploy-ref" => deployed(&reference),
        TiltVerb::Dump { what, .. } => Err(unknown(&format!("dump {what}"))),
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
        "lsp" => orch(vec!["lsp".to_owned()]),
        "alpha" if words.get(1).is_some_and(|word| word == "tree-view") => orch(vec!["graph".to_owned()]),
        "analytics" | "doctor" | "verify-install" | "docker-prune" => Ok(Exit::Ok),
        _ => Err(unknown(&words.join(" "))),
    }
}

fn unknown(what: &str) -> CliError {
    CliError::usage(format!("`tilt {what}` has no meaning here: this is orch, by the name `tilt`")).with_help(
        "it knows get, describe, trigger, enable, disable, args, logs, wait, version, api-resources and `dump engine`",
    )
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

/// `(Tiltfile)` among the names is the file itself: it is evaluated again.
fn trigger(names: &[String]) -> Result<Exit, CliError> {
    let resources: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != objects::TILTFILE).collect();
    if resources.len() < names.len() {
        request(&Request::SetArgs((*snapshot()?.1.args).clone()))?;
    }
    if resources.is_empty() {
        return Ok(Exit::Ok);
    }
    request(&Request::Trigger(live::names(resources.into_iter())?))
}

/// What the image was called when it was built last.
fn deployed(reference: &str) -> Result<Exit, CliError> {
    let (_, snapshot) = snapshot()?;
    let mut images = snapshot.rows.iter().flat_map(|row| &row.images);
    let repository = |text: &str| text.rsplit_once(':').map_or(text, |(name, _)| name).to_owned();
    let found = images.find_map(|image| {
        let declared = image.image.to_string();
        let is_it = declared == reference || repository(&declared) == repository(reference);
        image.reference.clone().filter(|_| is_it)
    });
    let found =
        found.ok_or_else(|| CliError::failed(format!("no image `{reference}` has been built in this session")))?;
    print::to_stdout(&format!("{found}\n"));
    Ok(Exit::Ok)
}

fn logs(names: &[String], follow: bool, flags: &[(&str, Option<String>)]) -> Result<Exit, CliError> {
    let mut words = vec!["logs".to_owned()];
    if let Some(file) = file().and_then(|file| file.into_os_string().into_string().ok()) {
        words.extend(["--file".to_owned(), file]);
    }
    words.extend(follow.then(|| "--follow".to_owned()));
    for (flag, value) in flags {
        words.extend(value.iter().flat_map(|value| [(*flag).to_owned(), value.clone()]));
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
