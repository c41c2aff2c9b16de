//! The Orchfile in a child process of the same binary, with limits, so that no file can take orch down.
//!
//! The child (`orch __evaluate`) reads one [`wire::Ask`] and then answers to what it asked for on its standard input, and
//! writes what it finds to its standard output, one JSON document a line. It runs no commands: it asks for them.

pub mod child;
pub mod commands;
pub mod known;
pub mod parent;
pub mod wire;

pub use parent::{Evaluation, Hearer, evaluate};
