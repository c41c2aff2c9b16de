//! The command line: what the user types, what the program answers, and with which exit code.

mod args;
mod arguments;
mod attach;
mod by_label;
mod ci;
mod click;
mod completion;
mod dashboard;
mod describe;
mod detach;
mod discover;
mod docs;
mod doctor;
mod down;
mod ending;
mod error;
mod eval;
mod events;
mod exec;
pub mod exit;
mod graph;
mod init;
mod live;
mod logs;
mod ls;
mod lsp;
mod man;
mod print;
mod printer;
mod run;
mod status;
mod terminal;
mod tilt;
mod up;
mod verbs;
mod version;
mod wait;
mod why;

use args::{Cli, Verb};
use clap::Parser;
use error::CliError;
use exit::Exit;
use std::{
    panic::{self, PanicHookInfo},
    process::ExitCode,
};

/// Does what the command line says.
pub fn main() -> ExitCode {
    completion::answer();
    // By the name of Tilt it answers as that does.
    let cli = (!tilt::is_asked()).then(Cli::try_parse);
    let verb = match cli.transpose() {
        Ok(cli) => cli.map(|cli| cli.verb),
        Err(error) => {
            // Help and version are no errors: clap knows which stream and which code they go with.
            error.print().ok();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ok.into() };
        }
    };
    panic::set_hook(Box::new(|what| print::to_stderr(&defect(what))));
    // A panic leaves no process behind: their shims notice that orch is gone.
    match panic::catch_unwind(|| verb.map_or_else(tilt::run, perform)) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(error)) => {
            print::to_stderr(&format!("{error}\n"));
            error.exit.into()
        }
        Err(_) => Exit::Unusable.into(),
    }
}

/// What is said of a panic: never a backtrace.
fn defect(what: &PanicHookInfo<'_>) -> String {
    let place = what.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
    let why = what.payload_as_str().unwrap_or("no reason given");
    format!(
        "orch: this is a bug of orch{place}: {why}\n  help: please report it with what you did, and the logs below `.orch/logs`\n"
    )
}

fn perform(verb: Verb) -> Result<Exit, CliError> {
    match verb {
        Verb::Up(args) => up::up(args),
        Verb::Ci(args) => ci::ci(args),
        Verb::Attach(args) => attach::attach(&args),
        Verb::Down(args) => down::down(args),
        Verb::Ls(args) => ls::ls(&args),
        Verb::Status(args) => status::status(&args),
        Verb::Wait(args) => wait::wait(&args),
        Verb::Logs(args) => logs::logs(&args),
        Verb::Trigger(args) => verbs::trigger(&args),
        Verb::Click(args) => click::click(args),
        Verb::Restart(args) => verbs::restart(&args),
        Verb::Stop(args) => verbs::stop(&args),
        Verb::Start(args) => verbs::start(&args),
        Verb::Enable(args) => verbs::enable(&args),
        Verb::Disable(args) => verbs::disable(&args),
        Verb::Args(args) => arguments::args(&args),
        Verb::Exec(args) => exec::exec(&args),
        Verb::Events(args) => events::events(&args),
        Verb::Graph(args) => graph::graph(&args),
        Verb::Describe(args) => describe::describe(&args),
        Verb::Get(args) => describe::get(&args),
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::Man(args) => man::man(&args),
        Verb::Why(args) => why::why(&args),
        Verb::Eval(args) => eval::eval(args),
        Verb::Init(args) => init::init(&args),
        Verb::Lsp => lsp::lsp(),
        Verb::Docs(args) => docs::docs(&args),
        Verb::Version(args) => Ok(version::version(&args)),
        Verb::Completion { shell } => Ok(completion::completion(shell)),
    }
}
