//! What an evaluation read.

use super::{Digest, FilePath};
use serde::{Deserialize, Serialize};

/// One thing that an evaluation read: when its content changes, the Orchfile is evaluated again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EvaluationInput {
    /// A file, or a folder for a whole tree.
    pub path: FilePath,
    /// What was read.
    pub seen: Seen,
}

/// What an evaluation saw of one of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// These bytes.
    Content(Digest),
    /// That there is no such file.
    Absent,
    /// All that lies below the folder, or a path whose content was not read: any change counts.
    Tree,
}
