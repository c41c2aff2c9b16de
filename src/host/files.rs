//! Digests of files. What was digested once is known by its times, size and inode, as in git's index, so that files that did
//! not change are not read again. Knows nothing of events: who wants to hear of changes asks [`watch`](super::watch).
//!
//! The digest of a path is that of the content of the regular file there, links followed. A link that leads nowhere or to a
//! folder counts by its text; a folder, a fifo, a socket and a device by what they are. A file that cannot be read counts by
//! its times and size. Of a set, all that is no folder is taken; links to folders are not followed, except as roots.

pub(super) mod content;
mod crowd;
mod known;
mod walk;

pub use known::KnownChanges;

use crate::{
    engine::event::TakenFile,
    model::{Digest, FilePath, FileSet, KnownFile},
};
use content::{Kind, Stamp};
use known::Known;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use walk::{Seen, Walk};

/// The digests of files. Its functions block; they may be called from several threads at once.
#[derive(Debug, Default)]
pub struct Files {
    known: Mutex<Known>,
}

impl Files {
    /// Starts with what an earlier session knew.
    #[must_use]
    pub fn new(known: impl Iterator<Item = KnownFile>) -> Self {
        Self { known: Mutex::new(Known::of(known)) }
    }

    /// The digest of what lies at each of these paths, in their order; `None` where nothing is.
    #[must_use]
    pub fn take_digests(&self, paths: Vec<FilePath>) -> Vec<(FilePath, Option<Digest>)> {
        let found = crowd::map(&paths, content::look);
        let asked: Vec<Asked> = {
            let known = self.known();
            paths.iter().zip(found).map(|(path, found)| Asked::of(&known, path, found)).collect()
        };
        let answers = crowd::map(&asked, Asked::read);
        self.keep(paths.iter().zip(&answers));
        let answers = answers.into_iter().map(|answer| answer.map(|answer| answer.digest));
        paths.into_iter().zip(answers).collect()
    }

    /// The files of `set` that are there, sorted by path. A file is `unchanged` when it is certain that nothing was written
    /// to it since `unchanged_since`.
    #[must_use]
    pub fn take_set(&self, set: &FileSet, unchanged_since: Option<SystemTime>) -> Vec<TakenFile> {
        let walk = walk::walk(set, |folder, seen| {
            let files = self.take(seen, unchanged_since);
            folder.inspect(|folder| self.forget_missing(folder, &files));
            files
        });
        self.forget_folders(set, &walk);
        walk.into_files()
    }

    /// What became known since the last call, for the store.
    #[must_use]
    pub fn drain_changed(&self) -> KnownChanges {
        self.known().take_changes()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Digests the files of one folder: with one look at what is known, and reading the rest unlocked.
    fn take(&self, seen: Vec<Seen>, unchanged_since: Option<SystemTime>) -> Vec<TakenFile> {
        let recalled: Vec<Option<(FilePath, Digest)>> = {
            let known = self.known();
            seen.iter().map(|file| recall(&known, file)).collect()
        };
        let mut learnt = Vec::new();
        let files = seen.into_iter().zip(recalled).filter_map(|(file, recalled)| {
            let unchanged = unchanged_since.is_none_or(|since| file.stamp.is_older_than(since));
            if let Some((path, digest)) = recalled {
                return Some(TakenFile { path, digest, unchanged });
            }
            let content = content::read(&file.path, file.stamp)?;
            if content.settled {
                learnt.push((file.path.clone(), file.stamp, content.digest));
            }
            Some(TakenFile { path: file.path, digest: content.digest, unchanged })
        });
        let files = files.collect();
        if !learnt.is_empty() {
            self.known().learn(learnt);
        }
        files
    }

    fn keep<'a>(&self, answers: impl Iterator<Item = (&'a FilePath, &'a Option<Answer>)>) {
        let mut known = self.known();
        let mut learnt = Vec::new();
        for (path, answer) in answers {
            match answer {
                None => known.forget(path),
                Some(Answer { digest, learnt: Some(stamp) }) => learnt.push((path.clone(), *stamp, *digest)),
                Some(_) => {}
            }
        }
        known.learn(learnt);
    }

    /// Drops what is known of files of `folder` that are gone. Some are there that the set does not hold.
    fn forget_missing(&self, folder: &FilePath, there: &[TakenFile]) {
        let is_there =
            |path: &FilePath| there.binary_search_by(|file| file.path.as_bytes().cmp(path.as_bytes())).is_ok();
        let missing = self.known().missing(folder, is_there);
        missing.iter().filter(|path| content::look(path).is_none()).for_each(|path| self.known().forget(path));
    }

    /// Drops what is known of folders that are gone.
    fn forget_folders(&self, set: &FileSet, walk: &Walk) {
        let mut known = self.known();
        for root in &set.roots {
            let gone = |folder: &&FilePath| !walk.has_listed(folder) && !folder.as_path().is_dir();
            let folders = known.folders_below(root).filter(gone);
            let missing: Vec<FilePath> = folders.flat_map(|folder| known.missing(folder, |_| false)).collect();
            missing.iter().for_each(|path| known.forget(path));
        }
    }
}

/// What is known of a file, with the path as it is kept.
fn recall(known: &Known, file: &Seen) -> Option<(FilePath, Digest)> {
    match file.kind {
        Kind::Other(digest) => Some((file.path.clone(), digest)),
        Kind::Folder => Some((file.path.clone(), content::digest_of_folder())),
        Kind::File => known.recall(&file.path, file.stamp),
    }
}

/// One path of a question.
enum Asked<'a> {
    Nothing,
    Known(Digest),
    Unknown(&'a FilePath, Stamp),
}

/// What is at a path.
struct Answer {
    digest: Digest,
    /// The stamp under which the digest may be kept.
    learnt: Option<Stamp>,
}

impl<'a> Asked<'a> {
    fn of(known: &Known, path: &'a FilePath, found: Option<(Kind, Stamp)>) -> Self {
        match found {
            None => Self::Nothing,
            Some((Kind::Folder, _)) => Self::Known(content::digest_of_folder()),
            Some((Kind::Other(digest), _)) => Self::Known(digest),
            Some((Kind::File, stamp)) => match known.recall(path, stamp) {
                Some((_, digest)) => Self::Known(digest),
                None => Self::Unknown(path, stamp),
            },
        }
    }

    fn read(&self) -> Option<Answer> {
        match self {
            Self::Nothing => None,
            Self::Known(digest) => Some(Answer { digest: *digest, learnt: None }),
            Self::Unknown(path, stamp) => {
                let content = content::read(path, *stamp)?;
                Some(Answer { digest: content.digest, learnt: content.settled.then_some(*stamp) })
            }
        }
    }
}
