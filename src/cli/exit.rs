//! What orch's exit codes mean: the one table.

use crate::snapshot::{Goal, Verdict};
use nix::sys::signal::Signal;
use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All went well; `up` that the user ended with Ctrl-C too.
    Ok,
    /// A resource failed, or a name is not known to the session.
    Failed,
    /// The command line or the Orchfile is wrong.
    Usage,
    /// It took longer than `--timeout` allows.
    TimedOut,
    /// The environment is unusable, or orch has a bug. `git bisect run` skips on this code.
    Unusable,
    /// Ended by Ctrl-C (SIGINT).
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
    /// As the command ended that `orch exec` ran.
    OfCommand(u8),
}

impl Exit {
    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::TimedOut => 124,
            Self::Unusable => 125,
            Self::Interrupted => 130,
            Self::Terminated => 143,
            Self::OfCommand(code) => code,
        }
    }

    /// The exit with that number.
    pub fn of_code(code: i32) -> Option<Self> {
        let all =
            [Self::Ok, Self::Failed, Self::Usage, Self::TimedOut, Self::Unusable, Self::Interrupted, Self::Terminated];
        all.into_iter().find(|exit| i32::from(exit.code()) == code)
    }

    /// The exit of who was asked to end by that signal.
    pub fn of_signal(signal: Signal) -> Self {
        if signal == Signal::SIGINT { Self::Interrupted } else { Self::Terminated }
    }

    /// The exit of a session that ended with this verdict, and by this signal if it was one.
    pub fn of_session(goal: Goal, verdict: &Verdict, signal: Option<Signal>) -> Self {
        match (verdict, goal, signal) {
            (Verdict::Succeeded, ..) => Self::Ok,
            (Verdict::Failed(_), ..) => Self::Failed,
            (Verdict::TimedOut(_), ..) => Self::TimedOut,
            (Verdict::OrchfileFailed, ..) => Self::Usage,
            (Verdict::Unusable(_), ..) => Self::Unusable,
            (Verdict::Interrupted, _, Some(Signal::SIGTERM | Signal::SIGHUP)) => Self::Terminated,
            (Verdict::Interrupted, Goal::Up, _) => Self::Ok,
            (Verdict::Interrupted, Goal::Ci | Goal::Down, _) => Self::Interrupted,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
