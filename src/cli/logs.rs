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
        claim::{self, Beginning, SessionCard},
        control::LogsQuery,
    },
    logs::{Batch, Entry, Line, LogName, LogReader, Span},
    model::ResourceName,
    report::stream::StreamForm,
};
use chrono::TimeZone;
use std::{collections::BTreeSet, time::SystemTime};

pub(super) fn logs(args: &Logs) -> Result<Exit, CliError> {
    let project = Project::find(args.file.as_deref())?;
    let names: Result<Vec<_>, _> = args.names.iter().map(|name| ResourceName::parse(name)).collect();
    let names = names.map_err(|error| CliError::usage(error.to_string()))?;
    let query = LogsQuery {
        names: args.names.join("/"),
        since_ms: args.since.map(|since| millis(SystemTime::now() - since)),
        tail: args.tail,
        level: args.level,
        stream: args.source,
        text: args.filter.clone(),
        follow: args.follow,
        ..LogsQuery::default()
    };
    let sessions = Sessions { known: claim::beginnings(&project.root), last: None };
    let mut form = Form { output: args.form.output, stream: form_for(&names), sessions };
    match project.session() {
        Some(card) => {
            check(&project, &card, &names)?;
            ask_session(&card, &query, &mut form)?;
        }
        None => read_disk(&project, &names, &query, &mut form)?,
    }
    Ok(Exit::Ok)
}

fn form_for(names: &[ResourceName]) -> StreamForm {
    let mut form = StreamForm::new(terminal::stdout());
    form.fit(names.iter().map(ResourceName::as_str));
    form
}

fn ask_session(card: &SessionCard, query: &LogsQuery, form: &mut Form) -> Result<(), CliError> {
    live::block_on(async { Ok(ask::logs(card, query, |entry| form.print_entry(entry)).await?) })
}

fn read_disk(project: &Project, names: &[ResourceName], query: &LogsQuery, form: &mut Form) -> Result<(), CliError> {
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
    let (names, filter) = ((!names.is_empty()).then_some(names), query.filter());
    if let Some(tail) = query.tail.filter(|_| !filter.is_all()) {
        let lines = reader.page(names, &filter, Span::Until(SystemTime::now(), tail));
        form.print_batch(&Batch { lines, ..Batch::default() });
        return Ok(());
    }
    for mut batch in reader.read(names, query.from()) {
        batch.lines.retain(|line| filter.keeps(line));
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
    let error = CliError::usage(format!("there is no log of a resource `{unknown}`"));
    let names: BTreeSet<String> =
        known.iter().filter(|log| **log != LogName::Session).map(LogName::to_string).collect();
    match suggest::did_you_mean(unknown.as_str(), names.iter().map(String::as_str)) {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// How lines are printed; each method says whether somebody still reads.
struct Form {
    output: Output,
    stream: StreamForm,
    sessions: Sessions,
}

impl Form {
    fn print_entry(&mut self, entry: Entry) -> bool {
        match self.output {
            Output::Json | Output::Jsonl | Output::Yaml => print_document(self.output, &entry),
            Output::Table | Output::Name => {
                let mut text = Vec::new();
                self.draw(&Line::from(entry), &mut text);
                print::bytes_to_stdout(&text)
            }
        }
    }

    /// A line, and before it a mark where another session begins.
    fn draw(&mut self, line: &Line, text: &mut Vec<u8>) {
        if let Some(beginning) = self.sessions.parting(millis(line.at)) {
            self.stream.draw_beginning(&session(beginning), text);
        }
        self.stream.draw(line, text);
    }

    fn print_batch(&mut self, batch: &Batch) -> bool {
        match self.output {
            Output::Json | Output::Jsonl | Output::Yaml => {
                batch.lines.iter().all(|line| print_document(self.output, &Entry::from(line)))
            }
            Output::Table | Output::Name => {
                let mut text = Vec::new();
                self.stream.draw_dropped(batch, &mut text);
                batch.lines.iter().for_each(|line| self.draw(line, &mut text));
                print::bytes_to_stdout(&text)
            }
        }
    }
}

/// Which session lines are of.
struct Sessions {
    /// The oldest first.
    known: Vec<Beginning>,
    /// How many had begun when the last line was said.
    last: Option<usize>,
}

impl Sessions {
    /// The session that says a line of that time, where the line before was of another.
    fn parting(&mut self, at_ms: u64) -> Option<&Beginning> {
        let begun = self.known.partition_point(|beginning| beginning.at_ms <= at_ms);
        let before = self.last.replace(begun)?;
        (begun > before).then(|| self.known.get(begun - 1)).flatten()
    }
}

/// `session of 2026-11-21 10:30:00 (orch up)`, in the user's own time.
fn session(beginning: &Beginning) -> String {
    let at = i64::try_from(beginning.at_ms).ok().and_then(|at| chrono::Local.timestamp_millis_opt(at).single());
    let at = at.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
    format!("session of {at} (orch {})", beginning.verb)
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
