//! `tilt get`: which objects, in which form, once or whenever they change.

use super::{card, objects, template};
use crate::{
    cli::{error::CliError, exit::Exit, live, print},
    host::{ask, claim::SessionCard},
    snapshot::Snapshot,
};
use clap::Args;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is asked for.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Get {
    /// Their kind, such as `uiresource` or `uiresource/NAME`
    kind: String,
    /// Only these
    names: Vec<String>,
    /// `json`, `yaml`, `name`, or `jsonpath=TEMPLATE`
    #[arg(short, long)]
    output: Option<String>,
    /// The template of `-o jsonpath`
    #[arg(long)]
    template: Option<String>,
    /// Only those with these labels: `NAME=VALUE`, `NAME!=VALUE`, `NAME`
    #[arg(short = 'l', long)]
    selector: Option<String>,
    /// Print each one again when it changes
    #[arg(short, long)]
    watch: bool,
    /// As `--watch`, without those that are there
    #[arg(long)]
    watch_only: bool,
    /// What is not there is no error
    #[arg(long)]
    ignore_not_found: bool,
    /// Has no effect
    #[arg(long, hide = true)]
    no_headers: bool,
}

/// How objects are printed.
enum Form {
    Table,
    Names,
    Json,
    Template(template::Template),
}

pub(super) fn get(asked: &Get, otherwise: &str) -> Result<Exit, CliError> {
    let form = form(asked, otherwise)?;
    let card = card()?;
    if asked.watch || asked.watch_only {
        return watch(asked, &form, &card);
    }
    let snapshot = live::block_on(async { Ok(ask::snapshot(&card).await?) })?;
    let (kind, items) = found(asked, &snapshot, &card)?;
    if items.is_empty() && asked.ignore_not_found {
        return Ok(Exit::Ok);
    }
    let text = match (&form, items.as_slice()) {
        // One that is named stands for itself.
        (Form::Json | Form::Template(_), [one]) if is_one_named(asked) => written(&form, kind, one)?,
        (Form::Json | Form::Template(_), _) => written(&form, kind, &objects::list(kind.name, &items))?,
        (Form::Names | Form::Table, _) => {
            let lines: Result<Vec<_>, _> = items.iter().map(|item| written(&form, kind, item)).collect();
            head(&form, asked) + &lines?.concat()
        }
    };
    print::to_stdout(&text);
    Ok(Exit::Ok)
}

fn is_one_named(asked: &Get) -> bool {
    asked.names.len() + usize::from(asked.kind.contains('/')) == 1
}

fn form(asked: &Get, otherwise: &str) -> Result<Form, CliError> {
    let output = asked.output.as_deref().unwrap_or(otherwise);
    let (word, given) = output.split_once('=').map_or((output, None), |(word, text)| (word, Some(text.to_owned())));
    Ok(match word {
        "jsonpath" => {
            let text = given.or_else(|| asked.template.clone()).unwrap_or_default();
            let template = template::Template::parse(&text)
                .map_err(|reason| CliError::usage(format!("`{text}` is no JSON path: {reason}")))?;
            Form::Template(template)
        }
        "json" | "yaml" => Form::Json,
        "name" => Form::Names,
        "table" | "wide" | "" => Form::Table,
        other => {
            let error = CliError::usage(format!("there is no output `{other}`"));
            return Err(error.with_help("use json, yaml, name or jsonpath=TEMPLATE"));
        }
    })
}

/// The objects that are asked for.
fn found(
    asked: &Get,
    snapshot: &Snapshot,
    card: &SessionCard,
) -> Result<(&'static objects::Kind, Vec<Value>), CliError> {
    let (kind, name) =
        asked.kind.split_once('/').map_or((asked.kind.as_str(), None), |(kind, name)| (kind, Some(name)));
    let names: Vec<&str> = name.into_iter().chain(asked.names.iter().map(String::as_str)).collect();
    let Some(kind) = objects::kind(kind) else {
        let known = objects::KINDS.map(|kind| kind.singular).join(", ");
        return Err(CliError::usage(format!("the session has no objects of the kind `{kind}`"))
            .with_help(format!("it has {known}")));
    };
    let items = objects::of_kind(kind, snapshot, card);
    let missing = names.iter().find(|name| !items.iter().any(|item| name_of(item) == **name));
    if let Some(name) = missing.filter(|_| !asked.ignore_not_found) {
        return Err(CliError::failed(format!("there is no {} `{name}`", kind.singular)));
    }
    let is_meant = |item: &Value| names.is_empty() || names.contains(&name_of(item));
    let has = |item: &Value| asked.selector.as_deref().is_none_or(|selector| has_labels(item, selector));
    Ok((kind, items.into_iter().filter(|item| is_meant(item) && has(item)).collect()))
}

fn name_of(item: &Value) -> &str {
    item["metadata"]["name"].as_str().unwrap_or_default()
}

fn has_labels(item: &Value, selector: &str) -> bool {
    let label = |name: &str| item["metadata"]["labels"][name.trim()].as_str();
    selector.split(',').filter(|part| !part.trim().is_empty()).all(|part| {
        if let Some((name, value)) = part.split_once("!=") {
            label(name) != Some(value.trim())
        } else if let Some((name, value)) = part.split_once('=') {
            label(name) == Some(value.trim_start_matches('=').trim())
        } else if let Some(name) = part.trim().strip_prefix('!') {
            label(name).is_none()
        } else {
            label(part).is_some()
        }
    })
}

fn head(form: &Form, asked: &Get) -> String {
    let is_table = matches!(form, Form::Table) && !asked.no_headers;
    if is_table { format!("{:<40} CREATED AT\n", "NAME") } else { String::new() }
}

fn written(form: &Form, kind: &objects::Kind, item: &Value) -> Result<String, CliError> {
    Ok(match form {
        Form::Table => {
            let created = item["metadata"]["creationTimestamp"].as_str().unwrap_or_default();
            format!("{:<40} {created}\n", name_of(item))
        }
        Form::Names => format!("{}.tilt.dev/{}\n", kind.singular, name_of(item)),
        Form::Json => format!("{}\n", serde_json::to_string_pretty(item).unwrap_or_default()),
        Form::Template(template) => template.fill(item).map_err(CliError::failed)?,
    })
}

/// Prints what is there, and each object again whenever it is another; ends with the session.
fn watch(asked: &Get, form: &Form, card: &SessionCard) -> Result<Exit, CliError> {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut is_first = true;
    let mut failed = None;
    print::to_stdout(&head(form, asked));
    let mut look = |snapshot: &Snapshot| -> Result<bool, CliError> {
        let patient = Get { ignore_not_found: true, ..asked.clone() };
        let (kind, items) = found(&patient, snapshot, card)?;
        let is_quiet = std::mem::take(&mut is_first) && asked.watch_only;
        for item in items {
            let before = known.insert(name_of(&item).to_owned(), item.clone());
            let text = if before.as_ref() == Some(&item) || is_quiet { continue } else { written(form, kind, &item)? };
            let end = if text.ends_with('\n') { "" } else { "\n" };
            if !print::bytes_to_stdout(format!("{text}{end}").as_bytes()) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    live::block_on(async {
        let each = |snapshot: std::sync::Arc<Snapshot>| {
            look(&snapshot).unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
        };
        Ok(ask::snapshots(card, each).await?)
    })?;
    failed.map_or(Ok(Exit::Ok), Err)
}
