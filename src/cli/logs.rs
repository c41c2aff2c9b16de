//! `orch logs`.

#![expect(clippy::disallowed_methods, reason = "`--since` counts from now")]

use super::{
    args::{Logs, Output},
    error::CliError,
    exit::Exit,
    live::{self, Project},
    print, terminal,
};
use crate::{
    diag::suggest,
    host::{
        ask,
        claim::{self, SessionCard},
        control::LogsQuery,
    },
    logs::{Batch, Entry, Line, LogName, LogReader},
    model::ResourceName,
    report::stream::StreamForm,
};
use std::time::SystemTime;

pub(super) fn logs(args: &Logs) -> Result<Exit, CliError> {
    let project = Project::find(args.file.as_deref())?;
    let names: Result<Vec<_>, _> = args.names.iter().map(|name| ResourceName::parse(name)).collect();
    let names = names.map_err(|error| CliError::usage(error.to_string()))?;
    let query = LogsQuery {
        names: args.names.join("/"),
        since_ms: args.since.map(|since| millis(SystemTime::now() - since)),
        tail: args.tail,
        follow: args.follow,
        ..LogsQuery::default()
    };
    let form = Form { output: args.form.output, stream: form_for(&names) };
    match project.session() {
        Some(card) => {
            check(&project, &card, &names)?;
            ask_session(&card, &query, &form)?;
        }
        None => read_disk(&project, &names, &query, &form)?,
    }
    Ok(Exit::Ok)
}

fn form_for(names: &[ResourceName]) -> StreamForm {
    let mut form = StreamForm::new(terminal::stdout());
    form.fit(names.iter().map(ResourceName::as_str));
    form
}

fn ask_session(card: &SessionCard, query: &LogsQuery, form: &Form) -> Result<(), CliError> {
    live::block_on(async { Ok(ask::logs(card, query, |entry| form.print_entry(entry)).await?) })
}

fn read_disk(project: &Project, names: &[ResourceName], query: &LogsQuery, form: &Form) -> Result<(), CliError> {
    let dir = claim::state_dir(&project.root).join("logs");
    let reader = LogReader::open(&dir)
        .map_err(|error| CliError::unusable(format!("cannot read the logs below `{}`: {error}", dir.display())))?;
    let known = reader.names();
    if known.is_empty() {
        return Err(live::none_has_run());
    }
    if let Some(unknown) = names.iter().find(|name| !known.contains(&(*name).clone().into())) {
        return Err(no_log_of(unknown, &known));
    }
    for batch in reader.read((!names.is_empty()).then_some(names), query.from()) {
        if !form.print_batch(&batch) {
            break;
        }
    }
    Ok(())
}

/// A resource of the session may have said nothing yet; one of an earlier session may be gone.
fn check(project: &Project, card: &SessionCard, names: &[ResourceName]) -> Result<(), CliError> {
    if names.is_empty() {
        return Ok(());
    }
    let snapshot = live::block_on(async { Ok(ask::snapshot(card).await?) })?;
    let reader = LogReader::open(&claim::state_dir(&project.root).join("logs"));
    let mut known = reader.map(|reader| reader.names()).unwrap_or_default();
    known.extend(snapshot.rows.iter().map(|row| LogName::Resource(row.name.clone())));
    match names.iter().find(|name| snapshot.mode.is_some() && !known.contains(&(*name).clone().into())) {
        Some(unknown) => Err(no_log_of(unknown, &known)),
        None => Ok(()),
    }
}

fn no_log_of(unknown: &ResourceName, known: &[LogName]) -> CliError {
    let error = CliError::failed(format!("there is no log of a resource `{unknown}`"));
    let names: Vec<String> = known.iter().filter(|log| **log != LogName::Session).map(LogName::to_string).collect();
    match suggest::did_you_mean(unknown.as_str(), names.iter().map(String::as_str)) {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// How lines are printed; each method says whether somebody still reads.
struct Form {
    output: Output,
    stream: StreamForm,
}

impl Form {
    fn print_entry(&self, entry: Entry) -> bool {
        match self.output {
            Output::Json | Output::Jsonl | Output::Yaml => print_document(self.output, &entry),
            Output::Table | Output::Name => {
                let mut text = Vec::new();
                self.stream.draw(&Line::from(entry), &mut text);
                print::bytes_to_stdout(&text)
            }
        }
    }

    fn print_batch(&self, batch: &Batch) -> bool {
        match self.output {
            Output::Json | Output::Jsonl | Output::Yaml => {
                batch.lines.iter().all(|line| print_document(self.output, &Entry::from(line)))
            }
            Output::Table | Output::Name => {
                let mut text = Vec::new();
                self.stream.draw_batch(batch, &mut text);
                print::bytes_to_stdout(&text)
            }
        }
    }
}

fn print_document(output: Output, entry: &Entry) -> bool {
    if output == Output::Yaml {
        return print::stream(output, &serde_json::json!(entry));
    }
    let mut text = serde_json::to_vec(entry).unwrap_or_default();
    text.push(b'\n');
    print::bytes_to_stdout(&text)
}

fn millis(time: SystemTime) -> u64 {
    let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
