//! What the dashboard remembers from one time to the next.

use serde::{Deserialize, Serialize};

/// Choices of the user's.
#[expect(clippy::struct_excessive_bools, reason = "choices, each on its own")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// What was chosen last when the dashboard was quit.
    pub quit: Quit,
    /// Do that without asking.
    pub quit_unasked: bool,
    /// Long lines are cut off instead of broken.
    pub unwrapped: bool,
    /// The list is not grouped by label.
    pub ungrouped: bool,
    /// Lines show when they were said.
    pub times: bool,
    /// What colours are to fit; none is what the terminal says of itself.
    pub background: Option<Background>,
}

/// The background of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Background {
    /// Nearer to white.
    Light,
    /// Nearer to black.
    Dark,
}

/// What quitting does with the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quit {
    /// It ends.
    #[default]
    Stop,
    /// It goes on in the background.
    Detach,
}
