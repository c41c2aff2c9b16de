//! The child's side: evaluates one file and tells what it finds.

use super::wire::{Answer, Ask, Ended, FromChild, ToChild, VERB};
use crate::orchfile::{self, Limits, LoadRequest, LocalSources, SourceCommand, SourceOutput, Told, Voice};
use nix::sys::resource::{Resource, setrlimit};
use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, Write},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

/// Whether this process was started to be the child.
pub fn is_asked() -> bool {
    env::args_os().nth(1).is_some_and(|verb| verb == VERB)
}

/// Evaluates what the first line of standard input asks for; the whole of the hidden verb `__evaluate`.
pub fn main() -> ExitCode {
    let mut first = String::new();
    let ask = io::stdin().lock().read_line(&mut first).ok().and_then(|_| serde_json::from_str::<Ask>(&first).ok());
    let Some(ask) = ask else {
        return ExitCode::from(2);
    };
    limit(&ask);
    let ended = evaluate(&ask);
    match write_line(&FromChild::Ended(Box::new(ended))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// What hits these limits dies by a signal that the parent can tell.
fn limit(ask: &Ask) {
    // Address space beyond the limit: stacks and the program itself take some that is never used.
    const SLACK: u64 = 512 << 20;
    setrlimit(Resource::RLIMIT_AS, ask.memory_bytes + SLACK, ask.memory_bytes + SLACK).ok();
    setrlimit(Resource::RLIMIT_CPU, ask.cpu_secs, ask.cpu_secs + 1).ok();
    setrlimit(Resource::RLIMIT_CORE, 0, 0).ok();
}

fn evaluate(ask: &Ask) -> Ended {
    let answers = Arc::new(Mutex::new(listen()));
    let run = move |command: &SourceCommand| run(&answers, command);
    let printed = Arc::new(Mutex::new(Vec::new()));
    let lines = printed.clone();
    let tell = move |told: Told| {
        if let Told::Line { voice: Voice::File, text, .. } = &told {
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
        }
        // When orch is gone, so is this process in a moment.
        write_line(&FromChild::Told(told)).ok();
    };
    let request = LoadRequest {
        file: ask.file.clone(),
        args: ask.args.clone(),
        subcommand: ask.subcommand.clone(),
        environment: environment(),
        kube: ask.kube.clone(),
        limits: Limits::default(),
    };
    let loaded = orchfile::load(&request, &LocalSources::new(run, tell));
    match ask.answer {
        Answer::Project => Ended { project: loaded.project, dump: None, diagnostics: loaded.diagnostics },
        Answer::Dump => {
            let base = ask.file.parent().unwrap_or_else(|| ask.file.clone());
            let log = std::mem::take(&mut *printed.lock().unwrap_or_else(PoisonError::into_inner));
            let dump = orchfile::dump(&loaded, &base, &log);
            let dump = serde_json::to_string_pretty(&dump).unwrap_or_default() + "\n";
            Ended { project: None, dump: Some(dump), diagnostics: loaded.diagnostics }
        }
    }
}

/// What of orch's own environment an Orchfile can see: names and values that are text.
fn environment() -> BTreeMap<String, String> {
    env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// Reads what the parent says on a thread of its own. When the parent is gone, so is the reason to go on: also in the
/// middle of an endless loop.
fn listen() -> mpsc::Receiver<ToChild> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Some(said) = line.ok().and_then(|line| serde_json::from_str(&line).ok()) else { break };
            if sender.send(said).is_err() {
                return;
            }
        }
        std::process::exit(1);
    });
    receiver
}

fn run(answers: &Mutex<mpsc::Receiver<ToChild>>, command: &SourceCommand) -> io::Result<SourceOutput> {
    write_line(&FromChild::Run(command.clone()))?;
    let answer = answers.lock().unwrap_or_else(PoisonError::into_inner).recv();
    match answer {
        Ok(ToChild::RunEnded(ended)) => ended.map_err(io::Error::other),
        Err(_) => Err(io::Error::other("orch has ended")),
    }
}

fn write_line(message: &FromChild) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
