//! The dashboard: a live view of a session in a terminal.
//!
//! It is a value: [`Dashboard::update`] takes what happened and gives commands, [`Dashboard::draw`] shows it. It reads no
//! terminal, socket, file or clock, and reaches the session only by what it asks of the shell around it, which is in `cli`. So
//! it can do nothing that a script on the control socket could not, and every screen of it is a test of plain text.

mod act;
pub mod buttons;
pub mod cannot;
pub mod command;
pub mod form;
pub mod graph;
pub mod keymap;
pub mod layout;
pub mod list;
pub mod log_pane;
pub mod log_query;
pub mod log_window;
pub mod look;
mod mouse;
pub mod note;
mod overlay;
pub mod palette;
pub mod preferences;
pub mod state;
pub mod switch;
pub mod text;
mod update;
mod view;

pub use look::Look;
pub use state::{Dashboard, Link, Setting, Whose};
pub use update::Input;
