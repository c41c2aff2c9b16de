//! Why a command was not started, in the user's words.

use super::wire::Step;
use crate::{engine::CommandSpec, model::Failure};
use nix::errno::Errno;
use std::{io, path::Path};

/// What to tell when a step of starting `command` failed with `errno`.
pub(super) fn not_started(command: &CommandSpec, step: Step, errno: i32) -> Failure {
    let errno = Errno::from_raw(errno);
    match step {
        Step::Dir => dir_failed(command.dir.as_path(), errno),
        Step::Exec => program_failed(command, errno),
        Step::Fork => process_failed(errno),
    }
}

/// What to tell when there was no way to make a process.
pub(super) fn process_failed(errno: Errno) -> Failure {
    match errno {
        Errno::EAGAIN => failure(
            "no more processes may be started".to_owned(),
            "raise the limit of processes (`ulimit -u`), or end some".to_owned(),
        ),
        Errno::EMFILE | Errno::ENFILE => failure(
            "no more files may be opened to start a process".to_owned(),
            "raise the limit of open files (`ulimit -n`)".to_owned(),
        ),
        errno => Failure { message: format!("no process could be started: {}", text_of(errno)), help: None },
    }
}

/// What to tell when the starter or the shim was killed from outside.
pub(super) fn shim_ended() -> Failure {
    Failure {
        message: "orch's own process for this command was killed before the command started".to_owned(),
        help: None,
    }
}

/// What to tell when a part of the command holds a NUL, which no program can be given.
pub(super) fn holds_nul(what: &str) -> Failure {
    failure(format!("{what} holds a NUL character, which no program can be given"), "take it out".to_owned())
}

fn dir_failed(dir: &Path, errno: Errno) -> Failure {
    let dir = dir.display();
    match errno {
        Errno::ENOENT => failure(format!("the folder `{dir}` does not exist"), "create it, or mend `dir`".to_owned()),
        Errno::ENOTDIR => failure(format!("`{dir}` is not a folder"), "mend `dir`".to_owned()),
        Errno::EACCES => {
            failure(format!("the folder `{dir}` may not be entered"), "ask its owner for permission".to_owned())
        }
        errno => {
            Failure { message: format!("the folder `{dir}` could not be entered: {}", text_of(errno)), help: None }
        }
    }
}

fn program_failed(command: &CommandSpec, errno: Errno) -> Failure {
    let program = command.argv.first().map_or("", String::as_str);
    let path = command.dir.join(program);
    let by_path = program.contains('/');
    match errno {
        Errno::ENOENT if program.is_empty() => failure("the command has no program".to_owned(), "name one".to_owned()),
        Errno::ENOENT if !by_path => failure(
            format!("the program `{program}` was not found"),
            "install it, or add its folder to `PATH`".to_owned(),
        ),
        Errno::ENOENT if path.as_path().exists() => failure(
            format!("`{program}` needs an interpreter that was not found"),
            "look at its first line (`#!…`)".to_owned(),
        ),
        Errno::ENOENT | Errno::ENOTDIR => failure(
            format!("there is no program `{program}`"),
            format!("its path is taken from `{}`", command.dir.as_path().display()),
        ),
        Errno::EACCES if by_path && path.as_path().is_dir() => {
            failure(format!("`{program}` is a folder, not a program"), "name a program in it".to_owned())
        }
        Errno::EACCES => failure(format!("`{program}` may not be executed"), format!("run `chmod +x {program}`")),
        Errno::ENOEXEC => failure(
            format!("`{program}` is neither a program for this machine nor a script with a first line `#!…`"),
            "begin it with `#!/bin/sh`, or run it as `sh PATH`".to_owned(),
        ),
        Errno::E2BIG => failure(
            format!("the arguments and the environment of `{program}` are too long"),
            "pass them in a file".to_owned(),
        ),
        Errno::ETXTBSY => failure(format!("`{program}` is being written just now"), "start it again".to_owned()),
        errno => Failure { message: format!("`{program}` could not be started: {}", text_of(errno)), help: None },
    }
}

fn failure(message: String, help: String) -> Failure {
    Failure { message, help: Some(help) }
}

/// As `permission denied`: the system's words, in orch's form.
pub(crate) fn text_of(errno: Errno) -> String {
    let text = io::Error::from(errno).to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
