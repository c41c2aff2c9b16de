//! `orch completion`.

use super::{
    args::{Cli, CompletionShell},
    exit::Exit,
    print,
};
use clap::CommandFactory;
use clap_complete::{Shell, generate};

pub(super) fn completion(shell: CompletionShell) -> Exit {
    let mut script = Vec::new();
    generate(Shell::from(shell), &mut Cli::command(), "orch", &mut script);
    print::bytes_to_stdout(&script);
    Exit::Ok
}
