//! Commands that an Orchfile itself has run, by `local()` and its like.

use crate::{
    engine::CommandSpec,
    host::process::{Capture, Kind, OutputSink, Processes, Spawn, Stream, Tee},
    model::Exit,
    orchfile::{SourceCommand, SourceOutput},
};
use std::{sync::Arc, time::Duration};

/// How long such a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How much of its standard error goes into a message.
const STDERR_MAX: usize = 8 << 10;

/// Runs a command to its end; an error is why it could not be started. Dropping the future ends the command. What a
/// successful one leaves running stays until orch ends.
pub async fn run(
    processes: &Processes,
    command: SourceCommand,
    log: Option<Arc<dyn OutputSink>>,
) -> Result<SourceOutput, String> {
    let spec = CommandSpec { argv: command.argv, dir: command.dir, env: command.env };
    let capture = Arc::new(Capture::default());
    let sink: Arc<dyn OutputSink> = match log {
        Some(log) => Arc::new(Tee(capture.clone(), log)),
        None => capture.clone(),
    };
    let input = command.stdin.map(String::into_bytes);
    let spawn = Spawn { input, own_sessions: false, ..Spawn::new(&spec, Kind::Command, GRACE) };
    let running = processes.spawn(spawn, sink);
    running.started().await.map_err(|failure| failure.message)?;
    let ended = running.ended().await;
    if ended.leftovers {
        tokio::spawn(async move { running.leftovers_ended().await });
    }
    let code = match ended.exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => 128 + signal,
        Exit::Stopped => return Err("it was stopped".to_owned()),
        Exit::NotStarted(failure) => return Err(failure.message),
    };
    let mut stderr = capture.take(Stream::Err);
    stderr.drain(..stderr.len().saturating_sub(STDERR_MAX));
    Ok(SourceOutput { code, stdout: capture.take(Stream::Out), stderr })
}

/// How the log says that a command is run.
pub fn shown(command: &SourceCommand) -> String {
    match command.argv.as_slice() {
        [sh, flag, text] if sh == "sh" && flag == "-c" => format!("local: {text}"),
        argv => format!("local: {}", argv.join(" ")),
    }
}
