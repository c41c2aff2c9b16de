//! `orch lsp`: the language server on standard input and output. A saved Orchfile is evaluated as every verb does it, in a child, but
//! without its commands: nobody wants to have a file's commands run because it was opened.

use super::{error::CliError, exit::Exit, live, print, run::memory_and_time};
use crate::{
    diag::Diagnostic,
    host::evaluate::{
        Hearer, evaluate,
        wire::{Answer, Ask},
    },
    lsp::{Outcome, Server},
    model::FilePath,
    orchfile::{KubeWish, SourceCommand, SourceOutput, Told},
};
use serde_json::Value;
use std::{
    io::{self, BufRead, Read},
    thread,
};
use tokio::sync::mpsc;

/// A longer message is none that an editor sends.
const MESSAGE_MAX: u64 = 64 << 20;
/// Messages that wait for the server.
const WAITING_MAX: usize = 64;

pub(super) fn lsp() -> Result<Exit, CliError> {
    live::block_on(async {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        // A thread of its own that nobody waits for: a read of standard input cannot be ended.
        thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            while let Ok(Some(message)) = read(&mut stdin) {
                if sender.blocking_send(message).is_err() {
                    break;
                }
            }
        });
        Ok(serve(receiver).await)
    })
}

async fn serve(mut messages: mpsc::Receiver<Value>) -> Exit {
    let mut server = Server::default();
    let mut evaluating: Option<Evaluating> = None;
    loop {
        tokio::select! {
            message = messages.recv() => {
                let Some(message) = message else { return Exit::Failed };
                if message["method"] == "textDocument/didChange" {
                    // Its places would be those of a text that is no more.
                    evaluating = None;
                }
                let Outcome { messages, evaluate, exit } = server.handle(&message);
                messages.iter().for_each(write);
                if let Some(was_announced) = exit {
                    return if was_announced { Exit::Ok } else { Exit::Failed };
                }
                // The newest save wins; the evaluation before it ends with its future.
                if let Some((uri, file)) = evaluate {
                    evaluating = Some(Evaluating { uri, result: Box::pin(evaluated(file)) });
                }
            }
            (uri, found) = finished(&mut evaluating) => {
                evaluating = None;
                server.diagnosed(&uri, &found).iter().for_each(write);
            }
        }
    }
}

/// A saved file that is being evaluated.
struct Evaluating {
    uri: String,
    result: std::pin::Pin<Box<dyn Future<Output = Vec<Diagnostic>>>>,
}

async fn finished(evaluating: &mut Option<Evaluating>) -> (String, Vec<Diagnostic>) {
    match evaluating {
        Some(evaluating) => {
            let found = evaluating.result.as_mut().await;
            (evaluating.uri.clone(), found)
        }
        None => std::future::pending().await,
    }
}

async fn evaluated(file: FilePath) -> Vec<Diagnostic> {
    let (memory_bytes, cpu_secs) = memory_and_time();
    let ask = Ask {
        file,
        args: Vec::new(),
        kube: KubeWish::default(),
        subcommand: "up".to_owned(),
        answer: Answer::Dump,
        memory_bytes,
        cpu_secs,
    };
    let mut hearer = Still::default();
    let ended = evaluate(&ask, &mut hearer).await;
    let found = ended.map_or_else(|diagnostic| vec![diagnostic], |ended| ended.diagnostics);
    // What comes of a command that was refused is nobody's mistake.
    found.into_iter().filter(|one| !hearer.refused || one.severity == crate::diag::Severity::Warning).collect()
}

/// Hears an evaluation, and runs nothing for it.
#[derive(Default)]
struct Still {
    refused: bool,
}

impl Hearer for Still {
    fn told(&mut self, _: Told) {}

    async fn run(&mut self, _: SourceCommand) -> Result<SourceOutput, String> {
        self.refused = true;
        Err("an editor runs no commands".to_owned())
    }
}

/// One message: headers, an empty line, and as many bytes as `Content-Length` says. `None` at the end.
fn read(input: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut length = None;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<u64>().ok();
        }
    }
    let length = length.filter(|length| *length <= MESSAGE_MAX);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a message without its length"))?;
    let mut bytes = Vec::new();
    input.take(length).read_to_end(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes).unwrap_or_default()))
}

fn write(message: &Value) {
    let text = message.to_string();
    print::to_stdout(&format!("Content-Length: {}\r\n\r\n{text}", text.len()));
}
