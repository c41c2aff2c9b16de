//! What the terminal, or whatever the output goes to, can show.

use crate::report::Look;
use std::{env, io::IsTerminal};

/// The look of standard output.
pub(super) fn stdout() -> Look {
    look(std::io::stdout().is_terminal())
}

/// The look of standard error.
pub(super) fn stderr() -> Look {
    look(std::io::stderr().is_terminal())
}

fn look(is_terminal: bool) -> Look {
    let width = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|width| *width >= 40);
    Look { colour: is_coloured(is_terminal), width: width.unwrap_or(100) }
}

/// `NO_COLOR`, `CLICOLOR_FORCE` and `FORCE_COLOR`, then `TERM=dumb` and whether it is a terminal.
fn is_coloured(is_terminal: bool) -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != *"0");
    if is_set("NO_COLOR") {
        return false;
    }
    if is_set("CLICOLOR_FORCE") || is_set("FORCE_COLOR") {
        return true;
    }
    is_terminal && env::var_os("TERM").is_some_and(|term| term != *"dumb")
}
