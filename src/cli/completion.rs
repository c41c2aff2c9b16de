//! `orch completion`, and what its scripts ask for at each tab: verbs, flags, and the names of the project's resources.

use super::{
    args::{Cli, CompletionShell},
    exit::Exit,
    live::{Project, block_on},
    print,
};
use crate::snapshot::Snapshot;
use clap::CommandFactory;
use clap_complete::{
    CompleteEnv,
    engine::{ArgValueCompleter, CompletionCandidate},
    env::{Elvish, EnvCompleter, Fish, Zsh},
};
use std::{collections::BTreeSet, env, ffi::OsStr, path::PathBuf, time::Duration};

/// The scripts set it when they ask.
const VARIABLE: &str = "ORCH_COMPLETE";
/// A session that has not answered by then is not waited for: somebody looks at the prompt.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

pub(super) fn completion(shell: CompletionShell) -> Exit {
    let script = match shell {
        CompletionShell::Bash => BASH.as_bytes().to_vec(),
        CompletionShell::Zsh => zsh().into_bytes(),
        CompletionShell::Fish => asking(&Fish),
        CompletionShell::Elvish => asking(&Elvish),
        CompletionShell::Powershell => POWERSHELL.as_bytes().to_vec(),
    };
    print::bytes_to_stdout(&script);
    Exit::Ok
}

/// That of the crate knows neither names with colons or spaces, nor `--flag=value`.
const BASH: &str = include_str!("completion.bash");

/// That of the crate runs what was typed.
const POWERSHELL: &str = include_str!("completion.ps1");

/// The script of the crate, which asks this program.
fn asking(shell: &dyn EnvCompleter) -> Vec<u8> {
    let mut script = Vec::new();
    // Writing to memory does not fail.
    shell.write_registration(VARIABLE, "orch", "orch", "orch", &mut script).ok();
    script
}

/// As the crate has it; but a file in `$fpath` is run at the first tab, and has to answer that one too. Words are told as they are
/// meant, without the quotes around them.
fn zsh() -> String {
    let script = String::from_utf8_lossy(&asking(&Zsh)).replace("\"${words[@]}\"", "\"${(@Q)words}\"");
    let register = "compdef _clap_dynamic_completer_orch orch";
    let first = "if [[ $funcstack[1] == _orch ]]; then\n    _clap_dynamic_completer_orch \"$@\"\nelse";
    script.replace(register, &format!("{first}\n    {register}\nfi"))
}

/// Answers one of the scripts, if it was one that asked, and ends the program then.
pub(super) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).complete();
}

/// Completes names of resources.
pub(super) fn names() -> ArgValueCompleter {
    ArgValueCompleter::new(resources)
}

/// Completes labels of resources.
pub(super) fn labels() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let snapshot = known();
        let labels: BTreeSet<&str> =
            snapshot.rows.iter().flat_map(|row| row.labels.iter().map(String::as_str)).collect();
        beginning(current, labels)
    })
}

/// Completes names of buttons.
pub(super) fn buttons() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        beginning(current, known().buttons.iter().map(|row| row.button.name.as_str()))
    })
}

fn resources(current: &OsStr) -> Vec<CompletionCandidate> {
    beginning(current, known().rows.iter().map(|row| row.name.as_str()))
}

/// What the running session shows, else the last one.
fn known() -> Snapshot {
    let Ok(project) = Project::find(file().as_deref()) else { return Snapshot::default() };
    let found = block_on(async {
        let asked = tokio::time::timeout(ANSWER_TIMEOUT, project.snapshot()).await;
        Ok(asked.ok().and_then(Result::ok).map(|(snapshot, _)| snapshot))
    });
    found.ok().flatten().unwrap_or_default()
}

fn beginning<'a>(current: &OsStr, words: impl IntoIterator<Item = &'a str>) -> Vec<CompletionCandidate> {
    let start = current.to_string_lossy();
    words.into_iter().filter(|word| word.starts_with(&*start)).map(CompletionCandidate::new).collect()
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
