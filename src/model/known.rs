//! What is known of a file without reading it again.

use super::{Digest, FilePath};
use serde::{Deserialize, Serialize};

/// A file whose content was digested, with what told then that it is this content: as long as all of it is the same, the
/// digest holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFile {
    /// Where.
    pub path: FilePath,
    /// When its content last changed, in nanoseconds since 1970.
    pub mtime_ns: i64,
    /// When its content or status last changed, in nanoseconds since 1970.
    pub ctime_ns: i64,
    /// In bytes.
    pub size: u64,
    /// Its number in its file system.
    pub inode: u64,
    /// Of its content.
    pub digest: Digest,
}
