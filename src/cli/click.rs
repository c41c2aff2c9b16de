//! `orch click`: presses a button of the running session, or says which there are.

use super::{args::FileArg, completion, error::CliError, exit::Exit, live, print};
use crate::{
    engine::Request,
    host::ask,
    model::{Button, ButtonInput, InputKind, ResourceName},
    snapshot::{ButtonRow, Snapshot},
};
use clap::Args;
use std::collections::BTreeMap;

/// `orch click`.
#[derive(Debug, Args)]
pub(super) struct Click {
    /// Where the Orchfile is.
    #[command(flatten)]
    file: FileArg,
    /// Which button [default: lists them]
    #[arg(value_name = "NAME", add = completion::buttons())]
    name: Option<String>,
    /// What to choose first, such as `COUNT=10`; several times for several inputs
    #[arg(short, long = "input", value_name = "INPUT=VALUE", value_parser = parse_input)]
    inputs: Vec<(String, String)>,
    /// Do it, where the button asks once more
    #[arg(short, long)]
    yes: bool,
}

fn parse_input(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is no `INPUT=VALUE`"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn click(args: Click) -> Result<Exit, CliError> {
    let project = args.file.project()?;
    let card = project.need_session()?;
    let snapshot = live::block_on(async { Ok(ask::snapshot(&card).await?) })?;
    let Some(name) = args.name else {
        if snapshot.buttons.is_empty() {
            print::to_stderr("orch: the project has no buttons\n");
        }
        print::to_stdout(&list(&snapshot));
        return Ok(Exit::Ok);
    };
    let asks = snapshot.buttons.iter().any(|row| row.button.name.as_str() == name && row.button.confirm);
    if asks && !args.yes {
        let help = format!("add `--yes`: `orch click --yes {name}`");
        return Err(CliError::failed(format!("the button `{name}` asks whether you are sure")).with_help(help));
    }
    let button = ResourceName::parse(&name).map_err(|error| CliError::usage(error.to_string()))?;
    let inputs: BTreeMap<String, String> = args.inputs.into_iter().collect();
    live::block_on(async { Ok(ask::request(&card, &Request::Click { button, inputs }).await?) })?;
    Ok(Exit::Ok)
}

/// A line for each button: its name, where it is, what it says and what can be chosen.
fn list(snapshot: &Snapshot) -> String {
    let width = snapshot.buttons.iter().map(|row| row.button.name.as_str().chars().count()).max().unwrap_or(0);
    snapshot.buttons.iter().map(|row| line(row, width)).collect()
}

fn line(row: &ButtonRow, width: usize) -> String {
    let Button { name, text, resource, inputs, disabled, .. } = &*row.button;
    let place = resource.as_ref().map_or_else(|| "session".to_owned(), ToString::to_string);
    let inputs: Vec<_> = inputs.iter().filter_map(input).collect();
    let inputs = if inputs.is_empty() { String::new() } else { format!(" ({})", inputs.join(", ")) };
    let state = match row {
        _ if *disabled => ", disabled",
        ButtonRow { current_run: Some(_), .. } => ", runs",
        ButtonRow { last_run: Some(run), .. } if run.exit.as_ref().is_some_and(|exit| !exit.is_success()) => ", failed",
        _ => "",
    };
    format!("{name:width$}  {place}: {text}{inputs}{state}\n")
}

/// An input with what it takes; nothing of one that nobody chooses.
fn input(input: &ButtonInput) -> Option<String> {
    Some(match &input.kind {
        InputKind::Text { default, .. } => format!("{}={default}", input.name),
        InputKind::Bool { default, .. } => format!("{}={default}", input.name),
        InputKind::Choice { choices } => format!("{}={}", input.name, choices.join("|")),
        InputKind::Hidden { .. } => return None,
    })
}
