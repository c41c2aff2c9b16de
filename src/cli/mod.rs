//! The command line: what the user types, what the program answers, and with which exit code.

mod args;
mod ci;
mod completion;
mod discover;
mod down;
mod error;
mod eval;
pub mod exit;
mod live;
mod logs;
mod print;
mod printer;
mod run;
mod status;
mod terminal;
mod up;
mod verbs;
mod version;
mod why;

use args::{Cli, Verb};
use clap::Parser;
use error::CliError;
use exit::Exit;
use std::process::ExitCode;

/// Does what the command line says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors: clap knows which stream and which code they go with.
            error.print().ok();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    match perform(cli.verb) {
        Ok(exit) => exit.into(),
        Err(error) => {
            print::to_stderr(&format!("{error}\n"));
            error.exit.into()
        }
    }
}

fn perform(verb: Verb) -> Result<Exit, CliError> {
    match verb {
        Verb::Up(args) => up::up(args),
        Verb::Ci(args) => ci::ci(args),
        Verb::Down(args) => down::down(args),
        Verb::Status(args) => status::status(&args),
        Verb::Logs(args) => logs::logs(&args),
        Verb::Trigger(args) => verbs::trigger(&args),
        Verb::Restart(args) => verbs::restart(&args),
        Verb::Stop(args) => verbs::stop(&args),
        Verb::Start(args) => verbs::start(&args),
        Verb::Why(args) => why::why(&args),
        Verb::Eval(args) => eval::eval(args),
        Verb::Version(args) => Ok(version::version(&args)),
        Verb::Completion { shell } => Ok(completion::completion(shell)),
    }
}
