//! What is kept of a success.

use super::{Digest, SetDigest};
use serde::{Deserialize, Serialize};

/// The record of a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// Digest of everything that decided the result.
    pub fingerprint: Digest,
    /// What the outputs were then.
    pub outputs: SetDigest,
}
