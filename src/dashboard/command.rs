//! What the dashboard asks of whoever runs it. All of it is plain data; nothing here does anything.

use super::{log_query::LogsWanted, preferences::Preferences};
use crate::model::ResourceName;
use std::collections::BTreeMap;

/// Something that the shell around the dashboard does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Ask the session.
    Ask(Ask, Vec<ResourceName>),
    /// Press a button; answered by `Input::Refused` where the session does not take it.
    Press {
        /// Which.
        button: ResourceName,
        /// What was chosen, by variable.
        inputs: BTreeMap<String, String>,
    },
    /// Get lines of logs; answered by `Input::Logs` with the same ticket.
    Logs(LogsWanted),
    /// Nobody reads on in what is followed.
    StopLogs,
    /// Show an endpoint in the browser.
    Open(String),
    /// Put this text into the clipboard of the terminal.
    Copy(String),
    /// Give the terminal to a shell in what the resource has running, until that ends.
    Exec(ResourceName),
    /// Report the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Keep this for the next time.
    Remember(Preferences),
    /// Stop as Ctrl-Z does.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End the session; asked again, at once.
    ShutDown,
    /// The dashboard is done.
    Leave(Leave),
}

/// What can be asked of the session for some resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Run now.
    Trigger,
    /// End the server and start it again.
    Restart,
    /// End it and keep it ended.
    Stop,
    /// The opposite of stop.
    Start,
    /// Make it part of the session, with what it needs.
    Enable {
        /// Without what it needs.
        alone: bool,
    },
    /// Take it out of the session, with what needs it.
    Disable {
        /// Without what needs it.
        alone: bool,
    },
}

/// How the dashboard ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leave {
    /// The session goes on.
    Detach,
    /// The session has ended.
    Ended,
}
