//! The dashboard: its screens as text, and the real program in a pseudo-terminal.

mod picture;
pub(crate) mod pty;
mod screens;
mod terminal;
