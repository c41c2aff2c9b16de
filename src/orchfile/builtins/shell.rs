//! `local`: a command that runs while the file is evaluated.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

use super::{
    blob::Blob,
    shlex,
    unpack::{CommandLine, Flag, Given, Maybe, Optional, PathText, Stringable, TextDict},
};
use crate::orchfile::{
    Fault, SourceCommand, SourceOutput,
    context::{context, resolve_path},
};
use starlark::{environment::GlobalsBuilder, eval::Evaluator, starlark_module, values::Value};
use std::io;

/// How many lines of a failed command's standard error a message shows.
const TAIL_LINES: usize = 5;

fn shown(argv: &[String]) -> String {
    match argv {
        [shell, flag, text] if shell == "sh" && flag == "-c" => text.clone(),
        argv => argv.iter().map(|word| shlex::quote(word)).collect::<Vec<_>>().join(" "),
    }
}

fn not_started(command: &SourceCommand, error: &io::Error) -> Fault {
    let name = &command.argv[0];
    let fault = |message: String| Fault::new("orchfile::command_failed", message);
    match error.kind() {
        io::ErrorKind::NotFound => {
            fault(format!("there is no program `{name}` in the PATH")).help("install it, or write the path to it")
        }
        _ => fault(format!("`{}` could not be started: {error}", shown(&command.argv))),
    }
}

fn failed(command: &SourceCommand, output: &SourceOutput) -> Fault {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = stderr.trim_end().lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
    let mut message = format!("the command `{}` failed with exit code {}", shown(&command.argv), output.code);
    if !tail.is_empty() {
        message = format!("{message}:\n{tail}");
    }
    Fault::new("orchfile::command_failed", message)
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// Runs a command to its end while the file is evaluated, and gives its standard output as a blob. A command that fails ends
    /// the evaluation.
    ///
    /// # Arguments
    /// * `command`: a string for the shell, or a list of program and arguments
    /// * `quiet`: keeps its output out of the log
    /// * `command_bat`: for Windows; ignored
    /// * `echo_off`: keeps the command itself out of the log
    /// * `env`: what it finds in its environment besides the usual
    /// * `dir`: the folder in which it runs
    /// * `stdin`: what it reads
    fn local<'v>(
        command: Given<'v, CommandLine>,
        quiet: Option<Given<'v, Flag>>,
        command_bat: Option<Value<'v>>,
        echo_off: Option<Given<'v, Flag>>,
        env: Option<Given<'v, TextDict>>,
        dir: Option<Given<'v, Maybe<PathText>>>,
        stdin: Option<Given<'v, Maybe<Stringable>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Blob> {
        let _ = command_bat;
        let empty = || Fault::value("the command is empty").at_argument("command");
        let env = env.take_or_default("env", eval)?;
        let command = SourceCommand {
            argv: command.take("command", eval)?.ok_or_else(empty)?,
            dir: resolve_path(eval, &dir.take_or_default("dir", eval)?.unwrap_or_default()),
            env: env.into_iter().map(|(name, value)| (name, Some(value))).collect(),
            stdin: stdin.take_or_default("stdin", eval)?,
            quiet: quiet.take_or_default("quiet", eval)?,
            echo: !echo_off.take_or_default("echo_off", eval)?,
            inputs: None,
        };
        super::kube::check_command(eval)?;
        let output = context(eval).run(command.clone()).map_err(|error| not_started(&command, &error))?;
        if output.code != 0 {
            return Err(failed(&command, &output).into());
        }
        Ok(Blob::new(String::from_utf8_lossy(&output.stdout), format!("local: {}", shown(&command.argv))))
    }
}
