//! `orch describe` and `orch get`.

use super::{
    args::{Describe, Get, Output},
    error::CliError,
    exit::Exit,
    live::{self, Project, Source},
    print, terminal,
};
use crate::{
    diag::suggest,
    host::{ask, claim, control::LogsQuery},
    logs::{Line, LogName, LogReader, Stream, escapes::without_escapes},
    model::{Attempt, ResourceName},
    report::describe,
    snapshot::{Row, RunRow, RuntimeStatus, Snapshot, UpdateStatus},
};
use serde_json::Value;

/// How many of the last lines of a failure are shown.
const LAST_LINES: usize = 20;

pub(super) fn describe(args: &Describe) -> Result<Exit, CliError> {
    let project = args.asking.project()?;
    let (snapshot, source) = live::block_on(project.snapshot())?;
    let names = live::known_names(&snapshot, &args.names)?;
    if source == Source::Store && args.asking.output() == Output::Table {
        print::to_stderr("no session runs; this is how the last one ended\n");
    }
    let rows: Vec<&Row> =
        snapshot.rows.iter().map(|row| &**row).filter(|row| names.is_empty() || names.contains(&row.name)).collect();
    let lines = |row: &Row| last_lines(&project, &snapshot, row);
    match args.asking.output() {
        Output::Table => {
            let texts: Vec<String> =
                rows.iter().map(|row| describe::text(&snapshot, row, &lines(row), terminal::stdout())).collect();
            print::to_stdout(&texts.join("\n"));
            let of_session = describe::session_text(&snapshot, terminal::stdout());
            if args.names.is_empty() && !of_session.is_empty() {
                print::to_stdout(&format!("\n{of_session}"));
            }
        }
        Output::Name => print::to_stdout(&rows.iter().map(|row| format!("{}\n", row.name)).collect::<String>()),
        Output::Json | Output::Yaml => {
            let all: Vec<Value> = rows.iter().map(|row| describe::document(&snapshot, row, &lines(row))).collect();
            match <[Value; 1]>::try_from(all) {
                Ok([one]) => print::document(args.asking.output(), &one),
                Err(all) => print::document(args.asking.output(), &Value::Array(all)),
            }
        }
        Output::Jsonl => {
            rows.iter().for_each(|row| print::json_line(&describe::document(&snapshot, row, &lines(row))));
        }
    }
    Ok(Exit::Ok)
}

pub(super) fn get(args: &Get) -> Result<Exit, CliError> {
    let project = args.asking.project()?;
    let (snapshot, _) = live::block_on(project.snapshot())?;
    let names = live::known_names(&snapshot, std::slice::from_ref(&args.name))?;
    let Some(row) = names.first().and_then(|name| snapshot.rows.named(name)) else { return Ok(Exit::Failed) };
    let document = describe::document(&snapshot, row, &last_lines(&project, &snapshot, row));
    let value = match &args.field {
        None => &document,
        Some(field) => field_of(&document, field)?,
    };
    match (args.asking.output(), value) {
        (Output::Table | Output::Name, Value::String(text)) => print::to_stdout(&format!("{text}\n")),
        (Output::Table | Output::Name, Value::Null) => {}
        (Output::Table | Output::Name | Output::Json, value) => print::json(value),
        (Output::Yaml, value) => print::document(Output::Yaml, value),
        (Output::Jsonl, Value::Array(items)) => items.iter().for_each(print::json_line),
        (Output::Jsonl, value) => print::json_line(value),
    }
    Ok(Exit::Ok)
}

/// A part of the document: names and places, with dots between.
fn field_of<'a>(document: &'a Value, field: &str) -> Result<&'a Value, CliError> {
    let mut value = document;
    for step in field.trim_start_matches('.').split('.') {
        let next = match value {
            Value::Object(fields) => fields.get(step),
            Value::Array(items) => step.parse::<usize>().ok().and_then(|place| items.get(place)),
            _ => None,
        };
        value = next.ok_or_else(|| no_field(value, step, field))?;
    }
    Ok(value)
}

fn no_field(value: &Value, step: &str, field: &str) -> CliError {
    let within = field.trim_start_matches('.');
    let place = if within == step { String::new() } else { format!(" in `{within}`") };
    let error = CliError::usage(format!("there is no field `{step}`{place}"));
    match value {
        Value::Object(fields) if let Some(near) = suggest::suggest(step, fields.keys().map(String::as_str)) => {
            error.with_help(format!("did you mean `{near}`?"))
        }
        Value::Object(fields) => {
            let known: Vec<String> = fields.keys().map(|name| format!("`{name}`")).collect();
            error.with_help(format!("there is {}", known.join(", ")))
        }
        Value::Array(items) => error.with_help(format!("it is a list of {}, counted from 0", items.len())),
        _ => error.with_help("it has no parts"),
    }
}

/// What the last failure said at its end; empty where nothing failed.
fn last_lines(project: &Project, snapshot: &Snapshot, row: &Row) -> String {
    let Some(attempt) = failed_attempt(row) else { return String::new() };
    let lines = match project.session() {
        Some(card) => {
            let (run, instance) = match attempt {
                Attempt::Run(run) => (Some(run), None),
                Attempt::Instance(instance) => (None, Some(instance)),
            };
            let query = LogsQuery { run, instance, tail: Some(LAST_LINES), ..LogsQuery::default() };
            let mut lines = Vec::new();
            let asked = live::block_on(async {
                Ok(ask::logs(&card, &query, |entry| {
                    lines.push(Line::from(entry));
                    true
                })
                .await?)
            });
            // Whoever ended meanwhile has told all the rest.
            asked.ok();
            lines
        }
        None => from_disk(project, snapshot, attempt),
    };
    let text = |line: &Line| String::from_utf8_lossy(&without_escapes(line.visible())).into_owned() + "\n";
    // What orch said of it stands above.
    lines.iter().filter(|line| line.stream != Stream::Orch).map(text).collect()
}

/// The build is said by whichever resource needed it first.
fn from_disk(project: &Project, snapshot: &Snapshot, attempt: Attempt) -> Vec<Line> {
    let Ok(reader) = LogReader::open(&claim::state_dir(&project.root).join("logs")) else { return Vec::new() };
    let names = snapshot.rows.iter().map(|row| row.name.clone());
    let of = |name: ResourceName| reader.last_of(&LogName::Resource(name), attempt, LAST_LINES);
    names.map(of).find(|lines| !lines.is_empty()).unwrap_or_default()
}

/// What failed, if that is still so: a build, the last run, the server.
fn failed_attempt(row: &Row) -> Option<Attempt> {
    let failed = |run: &&RunRow| run.exit.as_ref().is_some_and(|exit| !exit.is_success());
    let builds = row.images.iter().filter(|image| image.update == UpdateStatus::Error);
    let build = builds.filter_map(|image| image.last_run.as_ref()).find(failed);
    let run = row.runs.first().filter(|_| row.update == UpdateStatus::Error);
    let instance = row.instance.as_ref().filter(|_| row.runtime == RuntimeStatus::Error);
    let run = build.or(run).map(|run| Attempt::Run(run.run));
    run.or(instance.map(|instance| Attempt::Instance(instance.instance)))
}
