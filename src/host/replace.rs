//! Another program in the place of this one.

#![expect(clippy::disallowed_methods, reason = "it takes the place of this process, with its terminal")]

use crate::model::FilePath;
use std::{collections::BTreeMap, io, os::unix::process::CommandExt, process::Command};

/// Puts the command in the place of this process, in that folder and with these variables set or (`None`) removed. Returns only
/// when it cannot be started.
pub fn replace(argv: &[String], dir: &FilePath, env: &BTreeMap<String, Option<String>>) -> io::Error {
    let Some((program, arguments)) = argv.split_first() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "no program is named");
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env("PWD", dir.as_path());
    for (name, value) in env {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.exec()
}
