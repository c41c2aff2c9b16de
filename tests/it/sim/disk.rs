//! The simulated file system: files by path with their content and the time of their last change.

use orch::model::{Digest, FilePath, FileSet, Seen, Time};
use std::collections::BTreeMap;

/// A file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) content: String,
    pub(crate) digest: Digest,
    /// Its status change time: a write, a touch and a rename over it move it on.
    pub(crate) changed_at: Time,
}

/// All files. Folders are there when files are below them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    files: BTreeMap<FilePath, File>,
    removed_at: BTreeMap<FilePath, Time>,
}

impl Disk {
    pub(crate) fn write(&mut self, now: Time, path: &FilePath, content: &str) {
        let digest = Digest::of(content.as_bytes());
        self.files.insert(path.clone(), File { content: content.to_owned(), digest, changed_at: now });
        self.removed_at.remove(path);
    }

    /// Changes the times of a file alone; nothing where there is none.
    pub(crate) fn touch(&mut self, now: Time, path: &FilePath) -> bool {
        self.files.get_mut(path).is_some_and(|file| {
            file.changed_at = now;
            true
        })
    }

    pub(crate) fn remove(&mut self, now: Time, path: &FilePath) -> bool {
        let was_there = self.files.remove(path).is_some();
        if was_there {
            self.removed_at.insert(path.clone(), now);
        }
        was_there
    }

    pub(crate) fn content(&self, path: &FilePath) -> Option<&str> {
        self.files.get(path).map(|file| file.content.as_str())
    }

    pub(crate) fn digest(&self, path: &FilePath) -> Option<Digest> {
        self.files.get(path).map(|file| file.digest)
    }

    /// What somebody who looks at the file now sees.
    pub(crate) fn seen(&self, path: &FilePath) -> Seen {
        seen(self.digest(path))
    }

    /// When the file at `path` last changed or went away; `None` for one that never was.
    pub(crate) fn changed_at(&self, path: &FilePath) -> Option<Time> {
        self.files.get(path).map(|file| file.changed_at).or_else(|| self.removed_at.get(path).copied())
    }

    /// The files at or below some roots.
    pub(crate) fn below<'a>(&'a self, roots: &'a [FilePath]) -> impl Iterator<Item = (&'a FilePath, &'a File)> {
        self.files.iter().filter(|(path, _)| roots.iter().any(|root| path.is_within(root)))
    }

    /// The files of a set, sorted by path.
    pub(crate) fn of_set<'a>(&'a self, set: &'a FileSet) -> impl Iterator<Item = (&'a FilePath, &'a File)> {
        self.files.iter().filter(|(path, _)| set.contains(path))
    }

    /// The paths that changed or went away since `since`.
    pub(crate) fn changed_since(&self, since: Time) -> impl Iterator<Item = &FilePath> {
        let changed = self.files.iter().filter(move |(_, file)| file.changed_at >= since).map(|(path, _)| path);
        changed.chain(self.removed_at.iter().filter(move |(_, at)| **at >= since).map(|(path, _)| path))
    }
}

/// What a digest says of a file.
pub(crate) fn seen(digest: Option<Digest>) -> Seen {
    digest.map_or(Seen::Absent, Seen::Content)
}
