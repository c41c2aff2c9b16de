//! Running the compose tool.

use crate::{
    engine::CommandSpec,
    host::process::{Capture, Kind, OutputSink, Processes, Spawn, Stream, Tee},
    model::{ComposeProject, Exit, Failure, compose_plugins},
};
use std::{
    collections::BTreeMap,
    env,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::OwnedMutexGuard;

/// What docker says where it has no such plugin.
const NO_PLUGIN: [&str; 3] =
    ["unknown flag: --project-name", "'compose' is not a docker command", "unknown command: docker compose"];
/// How long the tool may take to end after it was asked to: it stops what it is about to make.
const GRACE: Duration = Duration::from_secs(10);

/// How the tool is called here, once one way was found.
#[derive(Debug, Default)]
pub struct Tool {
    found: Mutex<Option<Vec<String>>>,
}

/// One call of the tool.
pub(super) struct Call<'a> {
    /// Of which project.
    pub(super) project: &'a ComposeProject,
    /// What is to be done, after the options that name the project.
    pub(super) arguments: Vec<String>,
    /// The configuration.
    pub(super) config: String,
    /// The project's overlay of the environment.
    pub(super) environment: &'a BTreeMap<String, Option<String>>,
    /// Where its output goes.
    pub(super) sink: Arc<dyn OutputSink>,
    /// The turn to make what services share: over once the tool says that it makes a container.
    pub(super) turn: Arc<Mutex<Option<OwnedMutexGuard<()>>>>,
}

/// How a call failed.
pub(super) enum Fault {
    /// The tool ended with this code after it said this.
    Said(i32, String),
    /// It could not be run.
    NotRun(Failure),
}

impl Fault {
    /// Whether the tool ended after it said that.
    pub(super) fn said(&self, part: &str) -> bool {
        matches!(self, Self::Said(_, said) if said.contains(part))
    }
}

impl Tool {
    /// Runs the tool to its end. Dropping the future ends it.
    pub(super) async fn run(&self, processes: &Processes, call: &Call<'_>) -> Result<(), Fault> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for program in found.into_iter().chain(programs(call)) {
            match run(processes, call, &program).await {
                Err(Fault::NotRun(_)) => {}
                Err(Fault::Said(_, said)) if has_no_plugin(&said) => {}
                result => {
                    *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(program);
                    return result;
                }
            }
        }
        Err(Fault::NotRun(absent()))
    }
}

/// The ways to call it: docker's plugin itself, through docker, or by a name of its own.
fn programs(call: &Call<'_>) -> impl Iterator<Item = Vec<String>> {
    let variable = |name: &str| call.environment.get(name).cloned().unwrap_or_else(|| env::var(name).ok());
    let plugins = compose_plugins(variable("DOCKER_CONFIG").as_deref(), variable("HOME").as_deref());
    let plugin = plugins.into_iter().find(|path| path.as_path().is_file()).map(|path| vec![path.to_string()]);
    let others = [&["docker", "compose"][..], &["docker-compose"]];
    plugin.into_iter().chain(others.map(|words| words.iter().map(|word| (*word).to_owned()).collect()))
}

fn has_no_plugin(said: &str) -> bool {
    NO_PLUGIN.iter().any(|no| said.contains(no))
}

fn absent() -> Failure {
    Failure {
        message: "Docker's compose tool is not there: neither `docker compose` nor `docker-compose`".to_owned(),
        help: Some(
            "install the package `docker-compose-plugin` (Docker's own), or `docker-compose` of version 2".to_owned(),
        ),
    }
}

async fn run(processes: &Processes, call: &Call<'_>, program: &[String]) -> Result<(), Fault> {
    let command = command(call, program);
    let capture = Arc::new(Capture::default());
    let input = Some(call.config.clone().into_bytes());
    let spawn = Spawn { input, own_sessions: false, ..Spawn::new(&command, Kind::Server, GRACE) };
    let shown = Arc::new(Shown { sink: call.sink.clone(), reading: Mutex::default(), turn: call.turn.clone() });
    let running = processes.spawn(spawn, Arc::new(Tee(capture.clone(), shown)));
    match running.ended().await.exit {
        Exit::Code(0) => Ok(()),
        Exit::Code(code) => Err(Fault::Said(code, said(&capture))),
        Exit::Signal(signal) => Err(Fault::Said(128 + signal, said(&capture))),
        Exit::NotStarted(failure) => Err(Fault::NotRun(failure)),
        Exit::Stopped => Err(Fault::Said(-1, "it was stopped".to_owned())),
    }
}

/// Passes on what the tool prints, but for docker's own complaint that there is no such tool, and for the steps of containers
/// that go well: orch says itself what it starts and when that is done. The log below stays open.
struct Shown {
    sink: Arc<dyn OutputSink>,
    reading: Mutex<Reading>,
    turn: Arc<Mutex<Option<OwnedMutexGuard<()>>>>,
}

/// What was read of standard error.
#[derive(Default)]
struct Reading {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// Whether docker's complaint was read: nothing is shown any more.
    complains: bool,
}

/// What a line begins with in which the tool tells of a container: networks and volumes come before them.
const CONTAINER: &str = " Container ";
/// What it ends with then, where all is well.
const STEPS: [&str; 8] = ["Creating", "Created", "Recreate", "Recreated", "Starting", "Started", "Running", "Waiting"];

/// Whether a line tells of a container's way to where it should be.
fn is_step(line: &str) -> bool {
    line.starts_with(CONTAINER) && line.split_whitespace().next_back().is_some_and(|word| STEPS.contains(&word))
}

impl Shown {
    /// A line of standard error, with its end.
    fn line(&self, reading: &mut Reading, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        reading.complains |= has_no_plugin(&text);
        if text.starts_with(CONTAINER) {
            self.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        if !reading.complains && !is_step(&text) {
            self.sink.write(Stream::Err, line);
        }
    }
}

impl OutputSink for Shown {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if stream == Stream::Out {
            if !reading.complains {
                self.sink.write(stream, bytes);
            }
            return;
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            reading.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut reading.line);
                self.line(&mut reading, &line);
            }
        }
    }

    fn close(&self) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let line = std::mem::take(&mut reading.line);
        if !line.is_empty() {
            self.line(&mut reading, &line);
        }
    }
}

fn said(capture: &Capture) -> String {
    String::from_utf8_lossy(&capture.take(Stream::Err)).into_owned()
}

fn command(call: &Call<'_>, program: &[String]) -> CommandSpec {
    let project = call.project;
    let mut argv = program.to_vec();
    argv.extend(["--project-name".to_owned(), project.name.clone()]);
    argv.extend(["--project-directory".to_owned(), project.dir.to_string()]);
    if let Some(file) = &project.env_file {
        argv.extend(["--env-file".to_owned(), file.to_string()]);
    }
    argv.extend(["--ansi", "never", "-f", "-"].map(str::to_owned));
    argv.extend(call.arguments.iter().cloned());
    let mut env = call.environment.clone();
    // The configuration says it all, and orch removes what is left over.
    for name in ["COMPOSE_PROJECT_NAME", "COMPOSE_FILE", "COMPOSE_REMOVE_ORPHANS"] {
        env.insert(name.to_owned(), None);
    }
    env.insert("COMPOSE_PROFILES".to_owned(), Some(String::new()));
    env.insert("COMPOSE_IGNORE_ORPHANS".to_owned(), Some("true".to_owned()));
    CommandSpec { argv, dir: project.dir.clone(), env }
}
