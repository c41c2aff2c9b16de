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
    logs::{Line, LogName, Stream, escapes::without_escapes},
    model::Attempt,
    report::{critical, github, json, junit, summary},
    snapshot::{Goal, Row, RunRow, UpdateStatus},
};
use std::{env, fs, io::Write, path::Path};

/// How many of a failed resource's last lines are shown with the verdict.
const LAST_LINES: usize = 20;

pub(super) fn ci(args: Ci) -> Result<Exit, CliError> {
    let orchfile = args.orchfile;
    let (log_to, look) = match args.form.output {
        Output::Table | Output::Name => (LogTo::Stdout, terminal::stdout()),
        Output::Json | Output::Jsonl | Output::Yaml => (LogTo::Stderr, terminal::stderr()),
    };
    let plan = Plan {
        goal: Goal::Ci,
        file: orchfile.file.file,
        project: orchfile.project,
        args: [orchfile.names, orchfile.args].concat(),
        kube: orchfile.kube.into(),
        timeout: args.timeout,
        keep_going: args.keep_going,
        only: None,
        volumes: false,
        namespaces: false,
        attended: false,
        log_to,
        look,
    };
    let on_github = is_on_github();
    if on_github {
        print_log(log_to, &github::group("orch ci: what was said"));
    }
    let ended = run::run(&plan);
    if on_github {
        print_log(log_to, github::GROUP_END);
    }
    let ended = ended?;
    close(&ended, on_github);
    let document = || json::verdict(&ended.snapshot, &ended.verdict, |row| last_words(&ended, row));
    match args.form.output {
        Output::Table | Output::Name => {}
        Output::Json | Output::Jsonl | Output::Yaml => print::document(args.form.output, &document()),
    }
    if let Some(file) = &args.junit {
        write_junit(file, &ended)?;
    }
    Ok(ended.exit)
}

/// The closing words: the verdict, what failed with its last lines, and what took how long.
fn close(ended: &Ended, on_github: bool) {
    let (snapshot, verdict) = (&*ended.snapshot, &ended.verdict);
    let words = |row: &Row| last_words(ended, row);
    if on_github {
        print::to_stderr(&github::failures(snapshot, verdict, words));
        write_step_summary(&github::summary(snapshot, verdict));
        print::to_stderr(&summary::verdict(snapshot, verdict, terminal::stderr()));
    } else {
        print::to_stderr(&summary::verdict_with(snapshot, verdict, terminal::stderr(), words));
    }
    let path = critical::text(snapshot);
    if !path.is_empty() {
        print::to_stderr(&format!("orch: {path}\n"));
    }
    print::to_stderr(&summary::left_running(snapshot));
}

fn is_on_github() -> bool {
    env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true")
}

fn print_log(to: LogTo, text: &str) {
    match to {
        LogTo::Stdout => print::to_stdout(text),
        LogTo::Stderr => print::to_stderr(text),
        LogTo::Nowhere => {}
    }
}

/// Steps of a job share the file; what cannot be written there is no reason to fail.
fn write_step_summary(text: &str) {
    let Some(file) = env::var_os("GITHUB_STEP_SUMMARY") else { return };
    let file = fs::File::options().append(true).create(true).open(file);
    file.and_then(|mut file| file.write_all(text.as_bytes())).ok();
}

fn write_junit(file: &Path, ended: &Ended) -> Result<(), CliError> {
    let document = junit::document(&ended.snapshot, &ended.verdict, |row| last_lines(ended, row));
    fs::write(file, document)
        .map_err(|error| CliError::unusable(format!("cannot write the JUnit file `{}`: {error}", file.display())))
}

/// What the last attempt of a resource printed itself at its end.
fn last_words(ended: &Ended, row: &Row) -> String {
    lines_by(ended, row, |line| line.stream != Stream::Orch)
}

/// What was said of the last attempt of a resource at its end.
fn last_lines(ended: &Ended, row: &Row) -> String {
    lines_by(ended, row, |_| true)
}

/// Of the last attempt of a resource: the build of an image that keeps it, its server, else its last run.
fn lines_by(ended: &Ended, row: &Row, is_meant: fn(&Line) -> bool) -> String {
    let failed = |run: &&RunRow| run.exit.as_ref().is_some_and(|exit| !exit.is_success());
    let build = row.images.iter().filter_map(|image| image.last_run.as_ref()).find(failed);
    if let Some(build) = build {
        // The build is said by whichever resource needed it first.
        let logs = ended.snapshot.rows.iter().map(|row| lines_of(ended, row, Attempt::Run(build.run), is_meant));
        return logs.into_iter().find(|lines| !lines.is_empty()).unwrap_or_default();
    }
    let instance = row.instance.as_ref().map(|instance| Attempt::Instance(instance.instance));
    let run = row.runs.first().map(|run| Attempt::Run(run.run));
    let failed_run = run.filter(|_| row.update == UpdateStatus::Error);
    failed_run.or(instance).or(run).map(|attempt| lines_of(ended, row, attempt, is_meant)).unwrap_or_default()
}

fn lines_of(ended: &Ended, row: &Row, attempt: Attempt, is_meant: fn(&Line) -> bool) -> String {
    let lines = ended.logs.reader().last_of(&LogName::Resource(row.name.clone()), attempt, LAST_LINES);
    let text = |line: Line| {
        let plain = without_escapes(line.visible());
        String::from_utf8_lossy(&plain).into_owned() + "\n"
    };
    lines.into_iter().filter(is_meant).map(text).collect()
}
