//! `orch ci`.

use super::{
    args::{Ci, Output},
    error::CliError,
    exit::Exit,
    print,
    printer::LogTo,
    run::{self, Ended, Plan},
    terminal,
};
use crate::{
    logs::{LogName, escapes::without_escapes},
    model::Attempt,
    report::{json, junit, summary},
    snapshot::{Goal, Row, RunRow, UpdateStatus},
};
use std::{fs, path::Path};

/// How many of a failed resource's last lines are shown with the verdict.
const LAST_LINES: usize = 20;

pub(super) fn ci(args: Ci) -> Result<Exit, CliError> {
    let orchfile = args.orchfile;
    let (log_to, look) = match args.output {
        Output::Table | Output::Name => (LogTo::Stdout, terminal::stdout()),
        Output::Json | Output::Jsonl => (LogTo::Stderr, terminal::stderr()),
    };
    let plan = Plan {
        goal: Goal::Ci,
        file: orchfile.file.file,
        project: orchfile.project,
        args: [orchfile.names, orchfile.args].concat(),
        kube: orchfile.kube.into(),
        timeout: args.timeout,
        only: None,
        volumes: false,
        namespaces: false,
        attended: false,
        log_to,
        look,
    };
    let ended = run::run(&plan)?;
    print::to_stderr(&summary::verdict(&ended.snapshot, &ended.verdict, terminal::stderr()));
    print::to_stderr(&summary::left_running(&ended.snapshot));
    match args.output {
        Output::Table | Output::Name => {}
        Output::Json => print::json(&json::verdict(&ended.snapshot, &ended.verdict)),
        Output::Jsonl => print::json_line(&json::verdict(&ended.snapshot, &ended.verdict)),
    }
    if let Some(file) = &args.junit {
        write_junit(file, &ended)?;
    }
    Ok(ended.exit)
}

fn write_junit(file: &Path, ended: &Ended) -> Result<(), CliError> {
    let document = junit::document(&ended.snapshot, &ended.verdict, |row| last_lines(ended, row));
    fs::write(file, document)
        .map_err(|error| CliError::unusable(format!("cannot write the JUnit file `{}`: {error}", file.display())))
}

/// What the last attempt of a resource said at its end: the build of an image that keeps it, its server, else its last run.
fn last_lines(ended: &Ended, row: &Row) -> String {
    let failed = |run: &&RunRow| run.exit.as_ref().is_some_and(|exit| !exit.is_success());
    let build = row.images.iter().filter_map(|image| image.last_run.as_ref()).find(failed);
    if let Some(build) = build {
        // The build is said by whichever resource needed it first.
        let logs = ended.snapshot.rows.iter().map(|row| lines_of(ended, row, Attempt::Run(build.run)));
        return logs.into_iter().find(|lines| !lines.is_empty()).unwrap_or_default();
    }
    let instance = row.instance.as_ref().map(|instance| Attempt::Instance(instance.instance));
    let run = row.runs.first().map(|run| Attempt::Run(run.run));
    let failed_run = run.filter(|_| row.update == UpdateStatus::Error);
    failed_run.or(instance).or(run).map(|attempt| lines_of(ended, row, attempt)).unwrap_or_default()
}

fn lines_of(ended: &Ended, row: &Row, attempt: Attempt) -> String {
    let lines = ended.logs.reader().last_of(&LogName::Resource(row.name.clone()), attempt, LAST_LINES);
    let text = |line: crate::logs::Line| {
        let plain = without_escapes(line.visible());
        String::from_utf8_lossy(&plain).into_owned() + "\n"
    };
    lines.into_iter().map(text).collect()
}
