//! What is wrong with the user's text: messages with a place, a remedy and an excerpt of the source.

mod render;
pub mod suggest;

pub use render::render;

use crate::model::Location;
use serde::{Deserialize, Serialize};

/// One thing that is wrong, ready to be drawn, sent or kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Whether it stops the load.
    pub severity: Severity,
    /// A stable name, such as `orchfile::unknown_dependency`.
    pub code: String,
    /// What is wrong: lower case, no full stop, names in backticks.
    pub message: String,
    /// Where; the first is the place itself.
    pub labels: Vec<Label>,
    /// What to do: one remedy, in the imperative.
    pub help: Option<String>,
    /// The calls that led there in the user's files, outermost first, where there is more than one.
    pub frames: Vec<Frame>,
}

/// The code of an error about a name that no resource has. It has no labels where the name comes from the command line.
pub const UNKNOWN_RESOURCE: &str = "orchfile::unknown_resource";

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The load goes on.
    Warning,
    /// The load fails.
    Error,
}

/// A place in a source with its surroundings. The lines are taken along, so that a diagnostic can be drawn elsewhere and
/// later without the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Where the place begins.
    pub location: Location,
    /// What is said at the caret; may be empty.
    pub text: String,
    /// The lines around the place, ending in newlines. Empty where the source could not be had.
    pub excerpt: String,
    /// The number of the first line of `excerpt`, counting from 1.
    pub excerpt_line: u32,
    /// The place as bytes of `excerpt`: start and length.
    pub span: (usize, usize),
}

/// One call in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// What was called.
    pub function: String,
    /// From where.
    pub location: Location,
}
