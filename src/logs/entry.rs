//! A log line as JSON, for the control socket and for `orch logs -o jsonl`.

use super::{Line, LogName, Stream};
use crate::model::{Attempt, InstanceId, Level, ResourceName, RunId};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// One line. Bytes that are no UTF-8 are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Whose log; `None` is the session's own.
    pub resource: Option<ResourceName>,
    /// The run that wrote it.
    pub run: Option<RunId>,
    /// The instance that wrote it.
    pub instance: Option<InstanceId>,
    /// `stdout`, `stderr`, or `orch` for its own words.
    pub stream: StreamName,
    /// How important it is, where orch says it.
    pub level: Option<Level>,
    /// Without its end.
    pub text: String,
    /// It goes on what stood unfinished before; see [`Line`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continues: bool,
    /// The line goes on in a later entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
}

/// The name of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamName {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// What orch says.
    Orch,
}

impl From<&Line> for Entry {
    fn from(line: &Line) -> Self {
        let (run, instance) = match line.attempt {
            Some(Attempt::Run(run)) => (Some(run), None),
            Some(Attempt::Instance(instance)) => (None, Some(instance)),
            None => (None, None),
        };
        let since_1970 = line.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            at_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            resource: match &line.log {
                LogName::Session => None,
                LogName::Resource(name) => Some(name.clone()),
            },
            run,
            instance,
            stream: match line.stream {
                Stream::Out => StreamName::Stdout,
                Stream::Err => StreamName::Stderr,
                Stream::Orch => StreamName::Orch,
            },
            level: line.level,
            text: String::from_utf8_lossy(&line.text).into_owned(),
            continues: !line.begins,
            unfinished: !line.ends,
        }
    }
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        let run = entry.run.map(Attempt::Run);
        Self {
            log: entry.resource.map_or(LogName::Session, LogName::Resource),
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(entry.at_ms),
            attempt: run.or(entry.instance.map(Attempt::Instance)),
            stream: match entry.stream {
                StreamName::Stdout => Stream::Out,
                StreamName::Stderr => Stream::Err,
                StreamName::Orch => Stream::Orch,
            },
            level: entry.level,
            text: entry.text.into_bytes(),
            begins: !entry.continues,
            ends: !entry.unfinished,
        }
    }
}
