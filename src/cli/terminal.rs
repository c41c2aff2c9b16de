//! What the terminal, or whatever the output goes to, can show.

use super::printer::LogTo;
use crate::report::Look;
use std::{env, io, io::IsTerminal, os::fd::AsFd};

/// The width of what is drawn for no terminal in particular.
const WIDTH: usize = 100;
/// Nothing is drawn narrower than that.
const NARROWEST: usize = 40;

/// The look of standard output.
pub(super) fn stdout() -> Look {
    look(io::stdout())
}

/// The look of what the dashboard shows.
pub(super) fn dashboard() -> Look {
    Look { colour: is_coloured(true), width: WIDTH }
}

/// The look of standard error.
pub(super) fn stderr() -> Look {
    look(io::stderr())
}

/// Whether lines that go there can be drawn anew.
pub(super) fn is_live(to: LogTo) -> bool {
    let is_terminal = match to {
        LogTo::Stdout => io::stdout().is_terminal(),
        LogTo::Stderr => io::stderr().is_terminal(),
        LogTo::Nowhere => false,
    };
    let is_set =
        |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != *"0" && value != *"false");
    is_terminal && !is_set("CI") && env::var_os("TERM").is_some_and(|term| term != *"dumb")
}

fn look(out: impl AsFd + IsTerminal) -> Look {
    let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = told.or_else(|| Some(terminal_size::terminal_size_of(&out)?.0.0.into()));
    let width = width.filter(|width| *width > 0).unwrap_or(WIDTH).max(NARROWEST);
    Look { colour: is_coloured(out.is_terminal()), width }
}

/// `NO_COLOR`, `CLICOLOR_FORCE` and `FORCE_COLOR`, then `TERM=dumb` and whether it is a terminal.
fn is_coloured(is_terminal: bool) -> bool {
    let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != *"0");
    // Whatever its value, says no-color.org.
    if env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        return false;
    }
    if is_set("CLICOLOR_FORCE") || is_set("FORCE_COLOR") {
        return true;
    }
    is_terminal && env::var_os("TERM").is_some_and(|term| term != *"dumb")
}
