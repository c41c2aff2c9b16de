//! The way through new folders: each is watched, then listed.
#![expect(clippy::disallowed_methods, reason = "lists the folders that the watch set names")]

use super::{
    Batch,
    interest::{FolderInterest, Interest},
    tree::Tree,
};
use crate::{host::files::content::Stamp, model::FilePath};
use std::{collections::HashSet, fs, sync::Arc, time::SystemTime};

/// One way through new folders.
pub(super) struct Visit {
    /// Whose folders are visited and whose files are told of.
    scope: Arc<Interest>,
    tells: Tells,
    /// The folders that were visited.
    seen: HashSet<FilePath>,
}

/// Which of the files that are found count as changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    /// All: they are new here.
    All,
    /// Those that may have changed since.
    Since(SystemTime),
}

impl Tells {
    /// Whether a file with this metadata counts as changed. Of one that is gone, nobody knows.
    fn tells(self, metadata: impl FnOnce() -> std::io::Result<fs::Metadata>) -> bool {
        match self {
            Self::All => true,
            Self::Since(since) => metadata().map_or(true, |metadata| !Stamp::of(&metadata).is_older_than(since)),
        }
    }
}

impl Visit {
    pub(super) fn new(scope: Arc<Interest>, tells: Tells) -> Self {
        Self { scope, tells, seen: HashSet::new() }
    }

    pub(super) fn roots(&self) -> Vec<FilePath> {
        self.scope.roots()
    }

    /// Whether a root that is no folder counts as changed. One that is not there does not: it was not there before either,
    /// or its folder tells of it.
    pub(super) fn tells_file(&self, root: &FilePath, interest: &Arc<Interest>) -> bool {
        let is_there = fs::symlink_metadata(root);
        is_there.is_ok_and(|metadata| self.tells.tells(|| Ok(metadata))) && holds(interest, root)
    }
}

fn holds(interest: &Arc<Interest>, path: &FilePath) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.as_path().file_name()) else { return false };
    interest.of_folder(&folder).holds(path, name)
}

impl Tree {
    /// Watches and lists `start` and all below it that the visit's scope reaches.
    pub(super) fn visit(&mut self, start: FilePath, visit: &mut Visit, batch: &mut Batch) {
        let mut stack = vec![start];
        while let Some(folder) = stack.pop() {
            if visit.seen.contains(&folder) {
                continue;
            }
            let wanted = visit.scope.of_folder(&folder);
            if !wanted.is_wanted() || !self.watch(&folder, batch) {
                continue;
            }
            if wanted.git {
                self.look_for_lock(&folder, batch);
            }
            if wanted.is_covered() {
                self.list(&folder, &wanted, visit, &mut stack, batch);
            }
            if wanted.leads {
                self.list_roots(&folder, &wanted, visit, &mut stack, batch);
            }
            visit.seen.insert(folder);
        }
    }

    /// Tells of the files of a folder and adds its folders to the way.
    fn list(
        &mut self,
        folder: &FilePath,
        wanted: &FolderInterest,
        visit: &Visit,
        stack: &mut Vec<FilePath>,
        batch: &mut Batch,
    ) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut names = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let path = folder.child(&name);
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                stack.push(path);
            } else if wanted.holds(&path, &name) {
                if visit.tells.tells(|| entry.metadata()) {
                    batch.change(path);
                }
                names.push(name);
            }
        }
        if let Some(known) = self.names_of(folder) {
            names.iter().for_each(|name| known.add(name));
            known.pack();
        }
    }

    /// Goes on to the roots below a folder that were not found by listing it: it is not listed, or they lie behind links.
    fn list_roots(
        &mut self,
        folder: &FilePath,
        wanted: &FolderInterest,
        visit: &Visit,
        stack: &mut Vec<FilePath>,
        batch: &mut Batch,
    ) {
        let depth = folder.as_path().components().count();
        let towards =
            |root: &FilePath| root.as_path().components().nth(depth).map(|name| folder.child(name.as_os_str()));
        let mut entries: Vec<FilePath> = visit.scope.roots_below(folder).filter_map(towards).collect();
        entries.dedup();
        for entry in entries {
            let Ok(metadata) = fs::metadata(&entry).or_else(|_| fs::symlink_metadata(&entry)) else { continue };
            if metadata.is_dir() {
                stack.push(entry);
            } else if let Some(name) = entry.as_path().file_name()
                && wanted.holds(&entry, name)
            {
                if let Some(known) = self.names_of(folder) {
                    known.add(name);
                }
                if visit.tells.tells(|| Ok(metadata)) {
                    batch.change(entry);
                }
            }
        }
    }
}
