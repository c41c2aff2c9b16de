//! The `orch` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: a shim must cost nothing that it does not need.
    orch::host::process::shim::main_if_asked().unwrap_or(ExitCode::SUCCESS)
}
