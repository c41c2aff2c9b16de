//! The files that are open for writing, a bounded number of them, so that thousands of logs need only a few.

use super::segment::SegmentPath;
use std::{
    fs::{File, OpenOptions},
    io,
    sync::{Arc, Mutex, PoisonError},
};

/// The two files of a segment.
pub(super) struct Pair {
    pub data: File,
    pub index: File,
}

impl Pair {
    /// Opens both; `new` ones are made, and emptied if something of that name was left behind.
    fn open(path: &SegmentPath, new: bool) -> io::Result<Self> {
        let open = |path| OpenOptions::new().write(true).create(new).truncate(new).open(path);
        Ok(Self { data: open(path.data())?, index: open(path.index())? })
    }
}

/// A log's number and its segment's.
type Key = (u64, u64);

/// A small cache of open pairs.
#[derive(Default)]
pub(super) struct OpenFiles {
    recent: Mutex<Vec<(Key, Arc<Pair>)>>,
}

impl OpenFiles {
    const MOST: usize = 64;

    /// The pair of log `log`'s segment at `path`, opened if it is not.
    pub(super) fn get(&self, log: u64, path: &SegmentPath, new: bool) -> io::Result<Arc<Pair>> {
        let key = (log, path.number());
        if let Some(pair) = self.take(key).filter(|_| !new) {
            self.put(key, Arc::clone(&pair));
            return Ok(pair);
        }
        let pair = Arc::new(Pair::open(path, new)?);
        self.put(key, Arc::clone(&pair));
        Ok(pair)
    }

    /// Closes a log's files.
    pub(super) fn forget(&self, log: u64) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).retain(|((other, _), _)| *other != log);
    }

    fn take(&self, key: Key) -> Option<Arc<Pair>> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let place = recent.iter().position(|(other, _)| *other == key)?;
        Some(recent.remove(place).1)
    }

    fn put(&self, key: Key, pair: Arc<Pair>) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= Self::MOST {
            recent.remove(0);
        }
        recent.push((key, pair));
    }
}
