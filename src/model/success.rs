//! What is kept of a success.

use super::{Digest, ObjectKey, SetDigest};
use serde::{Deserialize, Serialize};

/// The record of a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// Digest of everything that decided the result.
    pub fingerprint: Digest,
    /// What the outputs were then.
    pub outputs: SetDigest,
    /// The objects of a cluster that it made, where a command of the user's applies them: what they are is known from their marks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectKey>,
}
