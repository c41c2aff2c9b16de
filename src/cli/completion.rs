//! `orch completion`, and what its scripts ask for at each tab: verbs, flags, and the names of the project's resources.

use super::{
    args::{Cli, CompletionShell},
    exit::Exit,
    live::{Project, block_on},
    print,
};
use clap::CommandFactory;
use clap_complete::{
    CompleteEnv, Shell,
    engine::{ArgValueCompleter, CompletionCandidate},
    env::{Bash, EnvCompleter, Fish, Zsh},
    generate,
};
use std::{env, ffi::OsStr, path::PathBuf, time::Duration};

/// The scripts set it when they ask.
const VARIABLE: &str = "ORCH_COMPLETE";
/// A session that has not answered by then is not waited for: somebody looks at the prompt.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

pub(super) fn completion(shell: CompletionShell) -> Exit {
    let mut script = Vec::new();
    let dynamic: Option<&dyn EnvCompleter> = match shell {
        CompletionShell::Bash => Some(&Bash),
        CompletionShell::Zsh => Some(&Zsh),
        CompletionShell::Fish => Some(&Fish),
        CompletionShell::Powershell | CompletionShell::Elvish => None,
    };
    match dynamic {
        // Writing to memory does not fail.
        Some(shell) => drop(shell.write_registration(VARIABLE, "orch", "orch", "orch", &mut script)),
        None => generate(Shell::from(shell), &mut Cli::command(), "orch", &mut script),
    }
    print::bytes_to_stdout(&script);
    Exit::Ok
}

/// Answers one of the scripts, if it was one that asked, and ends the program then.
pub(super) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).complete();
}

/// Completes names of resources.
pub(super) fn names() -> ArgValueCompleter {
    ArgValueCompleter::new(resources)
}

/// Those of the running session, else of the last one.
fn resources(current: &OsStr) -> Vec<CompletionCandidate> {
    let Ok(project) = Project::find(file().as_deref()) else { return Vec::new() };
    let found = block_on(async {
        match tokio::time::timeout(ANSWER_TIMEOUT, project.snapshot()).await {
            Ok(Ok((snapshot, _))) => Ok(snapshot.rows),
            Ok(Err(_)) | Err(_) => Ok(<_>::default()),
        }
    });
    let start = current.to_string_lossy();
    let rows = found.unwrap_or_default();
    let names = rows.iter().map(|row| row.name.as_str()).filter(|name| name.starts_with(&*start));
    names.map(CompletionCandidate::new).collect()
}

/// The value of `--file` on the line that is being typed: the words after the program's own `--`.
fn file() -> Option<PathBuf> {
    let mut words = env::args_os().skip_while(|word| word != "--").skip(1);
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "-f" || text == "--file" {
            return words.next().map(PathBuf::from);
        }
        if let Some(value) = text.strip_prefix("--file=") {
            return Some(PathBuf::from(value));
        }
    }
    env::var_os("ORCH_FILE").map(PathBuf::from)
}
