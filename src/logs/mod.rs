//! Every line that resources, and orch itself, ever said: kept on disk as raw bytes, read back at the reader's own pace.
//!
//! Each resource has a folder below `.orch/logs` with segments: `N.log` holds the bytes and can be read with `cat`, `N.idx`
//! holds a record of fixed width for each line. Whole segments are dropped, oldest first, beyond the [`Limits`], and readers
//! are told how many lines they missed. [`LogStore`] writes and lets others follow; [`LogReader`] reads without a session.
//!
//! This folder owns those files and the redaction of secrets. It knows nothing of processes, prints nothing, and parses
//! nothing but line ends.

mod active;
mod clock;
mod cursor;
mod entry;
pub mod escapes;
mod files;
mod filter;
mod folder;
mod follow;
mod keeper;
pub mod level;
pub mod line;
mod log;
mod log_store;
mod merge;
mod notice;
mod page;
mod reader;
mod record;
pub mod redact;
mod segment;
mod shared;
mod tail;
mod writer;

pub use entry::{Entry, StreamName};
pub use filter::{LogFilter, Needle};
pub use follow::Follower;
pub use line::{Line, Stream};
pub use log_store::LogStore;
pub use merge::{Batch, From};
pub use page::Span;
pub use reader::{Lines, LogReader};
pub use redact::Redactor;
pub use writer::LogWriter;

use crate::model::ResourceName;
use std::fmt;

/// Whose log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogName {
    /// The session's own: what concerns no resource or all of them.
    Session,
    /// A resource's.
    Resource(ResourceName),
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session => f.pad("orch"),
            Self::Resource(name) => name.fmt(f),
        }
    }
}

impl std::convert::From<ResourceName> for LogName {
    fn from(name: ResourceName) -> Self {
        Self::Resource(name)
    }
}

/// How much is kept, in bytes on disk: lines and their index together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of the lines of one segment; at most a quarter of `resource` is used.
    pub segment: u64,
    /// Of one log.
    pub resource: u64,
    /// Of all logs of the project.
    pub project: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { segment: 1 << 20, resource: 128 << 20, project: 2 << 30 }
    }
}
