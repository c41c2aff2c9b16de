//! The folders that the kernel does not watch: looked at again and again, as cheaply as can be.
#![expect(clippy::disallowed_methods, reason = "lists the folders that the kernel does not watch")]

use crate::{host::files::content::Stamp, model::FilePath};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt,
    time::{Duration, Instant},
};

/// Polling takes at most this part of the time.
const SHARE: u32 = 20;

/// The polled folders with what was in them.
#[derive(Debug)]
pub(super) struct Polls {
    folders: BTreeMap<FilePath, Entries>,
    period: Duration,
    /// When to look again.
    at: Option<Instant>,
}

type Entries = BTreeMap<OsString, Entry>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    /// Told from another folder of the same name by its inode.
    Folder(u64),
    File(Stamp),
}

/// What a look found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// It is new, or another than before.
    Appeared(FilePath),
    /// It was written.
    Touched(FilePath),
    /// It is gone.
    Vanished(FilePath),
}

impl Polls {
    pub(super) fn new(period: Duration) -> Self {
        Self { folders: BTreeMap::new(), period, at: None }
    }

    /// Polls `folder` from now on.
    pub(super) fn add(&mut self, folder: FilePath) {
        let entries = list(&folder).unwrap_or_default();
        self.folders.insert(folder, entries);
    }

    pub(super) fn remove(&mut self, folder: &FilePath) {
        self.folders.remove(folder);
    }

    /// When to look again; `None` if nothing is polled.
    pub(super) fn next(&self) -> Option<Instant> {
        self.at
    }

    /// Looks at all polled folders if it is time to.
    pub(super) fn look_if_due(&mut self, clock: impl Fn() -> Instant) -> Vec<Difference> {
        if self.folders.is_empty() {
            self.at = None;
            return Vec::new();
        }
        let now = clock();
        if self.at.is_none_or(|at| at > now) {
            self.at.get_or_insert(now + self.period);
            return Vec::new();
        }
        let differences = self.folders.iter_mut().flat_map(|(folder, entries)| look(folder, entries)).collect();
        let end = clock();
        self.at = Some(end + self.period.max((end - now) * SHARE));
        differences
    }
}

/// What differs in one folder since the last look.
fn look(folder: &FilePath, entries: &mut Entries) -> Vec<Difference> {
    let Some(found) = list(folder) else { return vec![Difference::Vanished(folder.clone())] };
    let before = std::mem::replace(entries, found);
    let gone = before.keys().filter(|name| !entries.contains_key(*name));
    let gone = gone.map(|name| Difference::Vanished(folder.child(name)));
    let differs = entries.iter().filter_map(|(name, entry)| match (before.get(name), entry) {
        (Some(before), entry) if before == entry => None,
        (Some(Entry::File(_)), Entry::File(_)) => Some(Difference::Touched(folder.child(name))),
        _ => Some(Difference::Appeared(folder.child(name))),
    });
    gone.chain(differs).collect()
}

fn list(folder: &FilePath) -> Option<Entries> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let entry = |entry: fs::DirEntry| {
        let metadata = entry.metadata().ok()?;
        let kind = if metadata.is_dir() { Entry::Folder(metadata.ino()) } else { Entry::File(Stamp::of(&metadata)) };
        Some((entry.file_name(), kind))
    };
    Some(entries.filter_map(entry).collect())
}
