//! `orch attach`, and `orch up` on a terminal: the dashboard on a session, and the last words after it.

use super::{
    args::{Attach, Up},
    dashboard::{self, HowLeft, Left},
    detach, ending,
    error::CliError,
    exit::Exit,
    live::Project,
    print, run, terminal,
};
use crate::{
    dashboard::{Look, Whose},
    host::{
        background::Background,
        claim::{self, SessionCard},
    },
    report::summary,
    snapshot::Verdict,
};
use nix::sys::signal::Signal;
use std::{
    env, fmt,
    io::{self, IsTerminal},
    time::Duration,
};

/// `orch attach`.
pub(super) fn attach(args: &Attach) -> Result<Exit, CliError> {
    let project = args.file.project()?;
    let card = project.need_session()?;
    if let Some(missing) = missing() {
        return Err(CliError::usage(missing.to_string()).with_help("`orch status` and `orch logs -f` do without"));
    }
    let left = show(&card, Whose::Attached)?;
    match left.how {
        HowLeft::Ended => print::to_stderr("orch: the session has ended\n"),
        HowLeft::Detached | HowLeft::Signal(_) | HowLeft::TerminalGone => {}
    }
    Ok(match left.how {
        HowLeft::Signal(signal) => Exit::of_signal(signal),
        HowLeft::Detached | HowLeft::Ended | HowLeft::TerminalGone => Exit::Ok,
    })
}

/// Why the dashboard cannot be shown here.
pub(super) enum Missing {
    /// Nobody looks.
    Terminal,
    /// It calls itself so, and can only take lines.
    Abilities(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terminal => write!(f, "the dashboard needs a terminal"),
            Self::Abilities(term) => write!(f, "the dashboard cannot be shown on a terminal with `TERM={term}`"),
        }
    }
}

/// What is missing for the dashboard.
pub(super) fn missing() -> Option<Missing> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Some(Missing::Terminal);
    }
    Some(term()).filter(|term| term.is_empty() || term == "dumb").map(Missing::Abilities)
}

fn show(card: &SessionCard, whose: Whose) -> Result<Left, CliError> {
    let cannot = |error: io::Error| CliError::unusable(format!("cannot show the dashboard: {error}"));
    let runtime = run::runtime()?;
    let left = runtime.block_on(dashboard::show(card.clone(), whose, look())).map_err(cannot);
    runtime.shutdown_timeout(Duration::from_millis(100));
    left
}

fn look() -> Look {
    let colour = terminal::dashboard().colour && !is_monochrome(&term());
    Look { colour, unicode: speaks_unicode(), light: is_light() }
}

fn term() -> String {
    env::var("TERM").unwrap_or_default()
}

/// Terminals of old, which take a colour for something else.
fn is_monochrome(term: &str) -> bool {
    term.starts_with("vt") || term.ends_with("-m") || term.ends_with("-mono")
}

/// What terminals that set `COLORFGBG` say: the last number is the background, as one of sixteen colours. Others are not asked: one
/// that is far away, or is gone, would not answer.
fn is_light() -> bool {
    let told = env::var("COLORFGBG").unwrap_or_default();
    matches!(told.rsplit(';').next().and_then(|last| last.parse().ok()), Some(7 | 9..=15))
}

/// What the locale says; the Linux console has no such signs, and terminals of old have no such letters.
pub(super) fn speaks_unicode() -> bool {
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find(|name| is_set(name)).and_then(env::var_os);
    let locale = locale.unwrap_or_default().to_string_lossy().to_uppercase();
    let is_console = term() == "linux" || is_monochrome(&term());
    !is_console && (locale.contains("UTF-8") || locale.contains("UTF8"))
}

/// `orch up` on a terminal: the session runs in the background, so that the dashboard can be left and come back to, and a
/// terminal that is closed ends nothing.
pub(super) fn up(args: &Up) -> Result<Exit, CliError> {
    let project = Project::find(args.orchfile.file.file.as_deref())?;
    let cannot = |error: io::Error| CliError::unusable(format!("cannot start the session: {error}"));
    let line = detach::with_flags(&[detach::FLAG, detach::ATTENDED]);
    let mut session = Background::launch(line).map_err(cannot)?;
    let pid = session.pid();
    let card = session.word().and_then(|_| project.session()).filter(|card| card.pid == pid);
    let Some(card) = card else {
        let (code, said) = session.end();
        print::to_stderr(&said);
        return Ok(code.and_then(Exit::of_code).unwrap_or(Exit::Unusable));
    };
    let left = show(&card, Whose::Own).map_err(|error| {
        error.with_help("the session goes on all the same; `orch down` ends it, `--stream` does without")
    })?;
    match left.how {
        HowLeft::Ended => Ok(ended(&card, &left, Exit::Ok)),
        HowLeft::Detached => {
            print::to_stderr("orch: the session goes on in the background\n");
            let [attach, down] = ["attach", "down"].map(|verb| args.orchfile.file.call(verb));
            print::to_stderr(&format!("  help: {attach} comes back to it, {down} ends it\n"));
            Ok(Exit::Ok)
        }
        // A terminal that was closed hurts nobody.
        HowLeft::TerminalGone | HowLeft::Signal(Signal::SIGHUP) => Ok(Exit::Ok),
        HowLeft::Signal(signal) => {
            ending::end(&card, signal)?;
            let exit = if signal == Signal::SIGINT { Exit::Ok } else { Exit::of_signal(signal) };
            Ok(ended(&card, &left, exit))
        }
    }
}

/// The last words, once the project is free again.
fn ended(card: &SessionCard, left: &Left, exit: Exit) -> Exit {
    claim::wait_for_end_of(card);
    print::to_stderr(&summary::verdict(&left.snapshot, &Verdict::Interrupted, terminal::stderr()));
    print::to_stderr(&summary::left_running(&left.snapshot));
    exit
}
