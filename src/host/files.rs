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

/// A file on its way to its digest.
type Digested = Seen<Option<Digest>>;

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
        let walk = walk::walk(set, |files: &mut [Digested]| self.digest_folder(files));
        self.forget_missing(set, &walk);
        let taken = |file: Digested| {
            let unchanged = unchanged_since.is_none_or(|since| file.stamp.is_older_than(since));
            file.made.map(|digest| TakenFile { path: file.path, digest, unchanged })
        };
        walk.into_files().into_iter().filter_map(taken).collect()
    }

    /// What became known since the last call, for the store.
    #[must_use]
    pub fn drain_changed(&self) -> KnownChanges {
        self.known().take_changes()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills in the digests of the files of one folder: with one look at what is known, and reading the rest unlocked.
    fn digest_folder(&self, files: &mut [Digested]) {
        self.recall(files);
        let mut learnt = Vec::new();
        for file in files.iter_mut().filter(|file| file.made.is_none()) {
            let Some(content) = content::read(&file.path, file.stamp) else { continue };
            file.made = Some(content.digest);
            if content.settled {
                learnt.push((file.path.clone(), file.stamp, content.digest));
            }
        }
        if !learnt.is_empty() {
            self.known().learn(learnt);
        }
    }

    fn recall(&self, files: &mut [Digested]) {
        let known = self.known();
        for file in files {
            match file.kind {
                Kind::Other(digest) => file.made = Some(digest),
                Kind::Folder => file.made = Some(content::digest_of_folder()),
                Kind::File => {
                    if let Some((path, digest)) = known.recall(&file.path, file.stamp) {
                        (file.path, file.made) = (path, Some(digest));
                    }
                }
            }
        }
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

    /// Drops what is known of files that the walk did not find where it would have.
    fn forget_missing(&self, set: &FileSet, walk: &Walk<Option<Digest>>) {
        let mut known = self.known();
        let mut missing = Vec::new();
        for (folder, listing) in walk.folders() {
            let is_there = |path: &FilePath| listing.has(path);
            missing.extend(known.missing(folder, is_there));
        }
        for root in &set.roots {
            let unlisted =
                known.folders_below(root).filter(|folder| !walk.has_listed(folder) && !folder.as_path().is_dir());
            missing.extend(unlisted.flat_map(|folder| known.missing(folder, |_| false)).collect::<Vec<_>>());
        }
        missing.iter().for_each(|path| known.forget(path));
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
