//! Reading logs without the session that writes them.

use super::{
    Batch, From, Line, LogName,
    cursor::{Bounds, Window},
    folder::folder_name,
    merge::{Merge, Source, last_lines},
    shared,
};
use crate::model::{Attempt, ResourceName};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The logs in a folder, also while a session writes them. It sees what is on disk: what was said a moment ago may be missing.
#[derive(Debug, Clone)]
pub struct LogReader {
    dir: PathBuf,
}

impl LogReader {
    /// Opens the logs in `dir`; without that folder there are none.
    pub fn open(dir: &Path) -> io::Result<Self> {
        match dir.metadata() {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Self::new(dir)),
        }
    }

    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Whose logs there are, the session's first.
    #[must_use]
    pub fn names(&self) -> Vec<LogName> {
        shared::names(&self.dir)
    }

    /// Reads the logs of these resources, or all logs, the session's own included.
    #[must_use]
    pub fn read(&self, names: Option<&[ResourceName]>, from: From) -> Lines {
        let wanted = match names {
            Some(names) => names.iter().cloned().map(LogName::Resource).collect(),
            None => self.names(),
        };
        let source = |name: LogName| Source::Disk(name.clone(), self.dir.join(folder_name(&name)));
        Lines { merge: Merge::new(wanted.into_iter().map(source).collect(), from) }
    }

    /// The last lines of one run or instance.
    #[must_use]
    pub fn last_of(&self, log: &LogName, attempt: Attempt, count: usize) -> Vec<Line> {
        let folder = self.dir.join(folder_name(log));
        let Some(bounds) = Bounds::of(&folder) else { return Vec::new() };
        let found = last_lines(&folder, bounds, count, u64::MAX, Some(attempt));
        let Some((_, mut cursor)) = found.last().copied() else { return Vec::new() };
        let mut lines: Vec<Line> = Vec::new();
        let mut window = Window::default();
        while cursor.read(log, &folder, bounds, 256 << 10, &mut window) {
            lines.extend(window.lines.drain(..).filter(|line| line.attempt == Some(attempt)));
        }
        lines
    }
}

/// Lines that are read batch by batch.
pub struct Lines {
    merge: Merge,
}

impl Lines {
    /// The next lines; `None` at the end. What is written later can be read by asking again.
    pub fn next_batch(&mut self) -> Option<Batch> {
        let batch = self.merge.next_batch();
        if batch.is_none() {
            self.merge.look_again();
        }
        batch
    }
}

impl Iterator for Lines {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        self.next_batch()
    }
}
