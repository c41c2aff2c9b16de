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
    /// Microseconds after that: no two lines of one log have the same moment.
    #[serde(default)]
    pub us: u16,
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

impl Entry {
    /// Microseconds since 1970.
    #[must_use]
    pub fn at_us(&self) -> u64 {
        self.at_ms.saturating_mul(1000).saturating_add(u64::from(self.us))
    }
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
            us: u16::try_from(since_1970.subsec_micros() % 1000).unwrap_or(0),
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
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(entry.at_us());
        Self {
            log: entry.resource.map_or(LogName::Session, LogName::Resource),
            at,
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
