//! The `orch` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The small programs within this one come first: they must start fast, and before any thread.
    if let Some(code) = orch::host::process::shim::main_if_asked() {
        return code;
    }
    if orch::host::evaluate::child::is_asked() {
        return orch::host::evaluate::child::main();
    }
    orch::cli::main()
}
