//! The watched folders and what is known of them.

use super::{
    Batch, WatchNews,
    interest::{FolderInterest, Interest},
    kernel::{Kernel, Unwatched},
    names::Names,
    poll::{Difference, Polls},
    visit::{Tells, Visit},
};
use crate::model::{FilePath, Level, WatchSet};
use notify::{
    Event, EventKind,
    event::{CreateKind, ModifyKind, RemoveKind, RenameMode},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// All that the watcher knows.
pub(super) struct Tree {
    kernel: Kernel,
    interest: Arc<Interest>,
    /// All folders that are watched, polled, or would be if they could be read.
    folders: BTreeMap<FilePath, Folder>,
    polls: Polls,
    /// The repositories that are locked.
    locks: BTreeSet<FilePath>,
    /// Whether the user was told that folders are polled.
    told_of_polling: bool,
    /// The folder of the last event: the next one often comes from it too.
    recent: Option<(FilePath, FolderInterest)>,
}

/// A folder that is watched one way or another.
#[derive(Debug, Default)]
struct Folder {
    /// The files in it that are in some set.
    names: Names,
    /// Whether the kernel watches it.
    in_kernel: bool,
}

/// Which folders above a root are always watched: not the outermost, where others write and which nobody renames.
const DEPTH_MIN: usize = 2;

impl Tree {
    pub(super) fn new(kernel: Kernel, poll_period: Duration) -> Self {
        Self {
            kernel,
            interest: Arc::default(),
            folders: BTreeMap::new(),
            polls: Polls::new(poll_period),
            locks: BTreeSet::new(),
            told_of_polling: false,
            recent: None,
        }
    }

    /// Watches exactly `set`. Only what is new in it is walked.
    pub(super) fn set(&mut self, set: &WatchSet, since: SystemTime, batch: &mut Batch) {
        let interest = Arc::new(Interest::of(set));
        let (new, old) = (Arc::new(interest.without(&self.interest)), self.interest.without(&interest));
        (self.interest, self.recent) = (interest, None);
        self.visit_roots(&mut Visit::new(new, Tells::Since(since)), batch);
        self.drop_unwanted(&old);
        self.look_for_locks(batch);
    }

    /// Looks at everything again, because events were lost since `since`.
    pub(super) fn rescan(&mut self, since: SystemTime, batch: &mut Batch) {
        let before = std::mem::take(&mut self.folders);
        before.iter().for_each(|(path, folder)| self.release(path, folder));
        self.visit_roots(&mut Visit::new(Arc::clone(&self.interest), Tells::Since(since)), batch);
        let after = std::mem::take(&mut self.folders);
        self.tell_missing(&before, &after, batch);
        self.tell_missing(&after, &before, batch);
        self.folders = after;
        self.look_for_locks(batch);
    }

    /// Tells of the files that `one` has and `other` has not.
    fn tell_missing(
        &mut self,
        one: &BTreeMap<FilePath, Folder>,
        other: &BTreeMap<FilePath, Folder>,
        batch: &mut Batch,
    ) {
        for (path, folder) in one {
            let there: BTreeSet<&OsStr> = other.get(path).into_iter().flat_map(|folder| folder.names.iter()).collect();
            let missing = folder.names.iter().filter(|name| !there.contains(name));
            missing.for_each(|name| self.tell_if_held(path.child(name), batch));
        }
    }

    /// Reacts to one event of the kernel.
    pub(super) fn on_event(&mut self, event: &Event, batch: &mut Batch) {
        // An event with two paths repeats two others.
        let [path] = event.paths.as_slice() else { return };
        let path = FilePath::new(path);
        match event.kind {
            EventKind::Create(CreateKind::Folder) if self.folders.contains_key(&path) => {}
            EventKind::Create(CreateKind::File) => self.on_appeared(path, false, batch),
            EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
                self.on_appeared(path, true, batch);
            }
            EventKind::Remove(RemoveKind::Folder) => self.on_vanished(path, true, batch),
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                self.on_vanished(path, false, batch);
            }
            _ => self.on_touched(path, batch),
        }
    }

    /// Something was made, or moved to `path`.
    fn on_appeared(&mut self, path: FilePath, may_be_folder: bool, batch: &mut Batch) {
        // The watch of a folder of that name may be the one that the kernel had for another.
        self.forget(&path, batch);
        let leads = self.interest.leads_to(&path);
        let is_folder = if leads { path.as_path().is_dir() } else { may_be_folder && is_real_folder(&path) };
        if is_folder {
            self.visit(path, &mut Visit::new(Arc::clone(&self.interest), Tells::All), batch);
        } else {
            self.note_name(&path);
            if let Some(folder) = locked_by(&path) {
                self.lock(&folder, true, batch);
            }
            self.on_touched(path, batch);
        }
    }

    /// Something was removed or moved away from `path`. Another may be there by now.
    fn on_vanished(&mut self, path: FilePath, was_folder: bool, batch: &mut Batch) {
        if !self.forget(&path, batch) {
            if !was_folder {
                if let Some(folder) = locked_by(&path) {
                    self.look_for_lock(&folder, batch);
                }
                self.on_touched(path, batch);
            }
            return;
        }
        self.anchor(&path, batch);
        if path.as_path().is_dir() {
            self.visit(path, &mut Visit::new(Arc::clone(&self.interest), Tells::All), batch);
        }
    }

    fn on_touched(&mut self, path: FilePath, batch: &mut Batch) {
        if batch.has(&path) || self.folders.contains_key(&path) {
            return;
        }
        self.tell_if_held(path, batch);
    }

    fn tell_if_held(&mut self, path: FilePath, batch: &mut Batch) {
        if self.holds(&path) {
            batch.change(path);
        }
    }

    /// Whether a set contains `path`.
    fn holds(&mut self, path: &FilePath) -> bool {
        let (Some(folder), Some(name)) = (path.as_path().parent(), path.as_path().file_name()) else { return false };
        if self.recent.as_ref().is_none_or(|(recent, _)| recent.as_path() != folder) {
            let folder = FilePath::new(folder);
            let interest = self.interest.of_folder(&folder);
            self.recent = Some((folder, interest));
        }
        self.recent.as_ref().is_some_and(|(_, interest)| interest.holds(path, name))
    }

    /// When folders have to be polled again.
    pub(super) fn next_poll(&self) -> Option<Instant> {
        self.polls.next()
    }

    /// Looks at the folders that the kernel does not watch, if it is time to.
    pub(super) fn poll_if_due(&mut self, clock: impl Fn() -> Instant, batch: &mut Batch) {
        for difference in self.polls.look_if_due(clock) {
            match difference {
                Difference::Appeared(path) => self.on_appeared(path, true, batch),
                Difference::Touched(path) => self.on_touched(path, batch),
                Difference::Vanished(path) => self.on_vanished(path, false, batch),
            }
        }
    }

    /// Watches `folder` if it is not watched yet; false if it is gone.
    pub(super) fn watch(&mut self, folder: &FilePath, batch: &mut Batch) -> bool {
        if self.folders.contains_key(folder) {
            return true;
        }
        let watched = self.kernel.watch(folder);
        match watched {
            Ok(()) | Err(Unwatched::Denied) => {}
            Err(Unwatched::Gone) => return false,
            Err(Unwatched::Limit) => {
                self.polls.add(folder.clone());
                self.tell_of_polling(batch);
            }
        }
        self.folders.insert(folder.clone(), Folder { names: Names::default(), in_kernel: watched.is_ok() });
        true
    }

    fn tell_of_polling(&mut self, batch: &mut Batch) {
        if std::mem::replace(&mut self.told_of_polling, true) {
            return;
        }
        let (what, setting) = if self.kernel.is_there() {
            ("as many folders as it may", "fs.inotify.max_user_watches=1048576")
        } else {
            ("for as many programs as it may", "fs.inotify.max_user_instances=1024")
        };
        let text = format!(
            "the kernel already watches {what}: other folders are looked at once a second, which is slower and costs more; \
             raise the limit with `sudo sysctl {setting}`"
        );
        batch.tell(WatchNews::Notice { level: Level::Warning, text });
    }

    /// Remembers that a folder has a file.
    fn note_name(&mut self, path: &FilePath) {
        let folder = path.as_path().parent().and_then(|folder| self.folders.get_mut(folder));
        if let (Some(folder), Some(name)) = (folder, path.as_path().file_name()) {
            folder.names.add(name);
        }
    }

    /// The names of a folder that is watched.
    pub(super) fn names_of(&mut self, folder: &FilePath) -> Option<&mut Names> {
        self.folders.get_mut(folder).map(|folder| &mut folder.names)
    }

    /// Ends the watches of what lies at and below `path` and tells of all files there. False if nothing was watched.
    pub(super) fn forget(&mut self, path: &FilePath, batch: &mut Batch) -> bool {
        let found = self.folders_below(path);
        for path in &found {
            let Some(folder) = self.folders.remove(path) else { continue };
            self.release(path, &folder);
            folder.names.iter().for_each(|name| self.tell_if_held(path.child(name), batch));
            self.look_for_lock(path, batch);
        }
        !found.is_empty()
    }

    fn folders_below(&self, path: &FilePath) -> Vec<FilePath> {
        let from = self.folders.range::<FilePath, _>(path..);
        from.map(|(folder, _)| folder).take_while(|folder| folder.is_within(path)).cloned().collect()
    }

    fn release(&mut self, path: &FilePath, folder: &Folder) {
        if folder.in_kernel {
            self.kernel.unwatch(path);
        } else {
            self.polls.remove(path);
        }
    }

    /// Watches and lists what is new, from all roots of the visit.
    fn visit_roots(&mut self, visit: &mut Visit, batch: &mut Batch) {
        for root in visit.roots() {
            self.anchor(&root, batch);
            if root.as_path().is_dir() {
                self.visit(root, visit, batch);
            } else if visit.tells_file(&root, &self.interest) {
                self.note_name(&root);
                batch.change(root);
            } else {
                self.note_name(&root);
            }
        }
    }

    /// Watches the folders that lead to `target`, so that its coming and going, and theirs, is seen.
    fn anchor(&mut self, target: &FilePath, batch: &mut Batch) {
        loop {
            let (mut anchored, mut missing) = (false, None);
            for folder in target.as_path().ancestors().skip(1) {
                if self.folders.contains_key(folder) || (anchored && folder.components().count() <= DEPTH_MIN) {
                    break;
                }
                let path = FilePath::new(folder);
                if folder.is_dir() && self.watch(&path, batch) {
                    anchored = true;
                } else {
                    missing = Some(path);
                }
            }
            // First watched, then looked at.
            if missing.is_none_or(|missing| !missing.as_path().is_dir()) {
                return;
            }
        }
    }

    /// Ends the watches that only `old` wanted.
    fn drop_unwanted(&mut self, old: &Interest) {
        for root in old.roots() {
            let above = root.as_path().ancestors().skip(1).filter(|folder| self.folders.contains_key(*folder));
            let mut folders: Vec<FilePath> = above.map(FilePath::new).collect();
            folders.extend(self.folders_below(&root));
            folders.retain(|folder| !self.interest.of_folder(folder).is_wanted());
            for path in folders {
                if let Some(folder) = self.folders.remove(&path) {
                    self.release(&path, &folder);
                }
            }
        }
    }

    /// Looks whether those that were locked still are.
    fn look_for_locks(&mut self, batch: &mut Batch) {
        self.locks.clone().iter().for_each(|folder| self.look_for_lock(folder, batch));
    }

    /// Tells if it came or went that a repository is locked.
    pub(super) fn look_for_lock(&mut self, folder: &FilePath, batch: &mut Batch) {
        self.lock(folder, fs::symlink_metadata(folder.join("index.lock")).is_ok(), batch);
    }

    /// Tells if that is news. A lock whose coming is heard of may be gone by now: until that is heard of too, more that was written
    /// under it is to come.
    fn lock(&mut self, folder: &FilePath, is_held: bool, batch: &mut Batch) {
        let was_held = !self.locks.is_empty();
        if is_held && self.interest.is_git(folder) {
            self.locks.insert(folder.clone());
        } else {
            self.locks.remove(folder);
        }
        if was_held == self.locks.is_empty() {
            batch.tell(WatchNews::GitLock(!was_held));
        }
    }
}

/// The folder of a repository whose lock that is.
fn locked_by(path: &FilePath) -> Option<FilePath> {
    path.as_path().file_name().filter(|name| *name == "index.lock")?;
    path.parent()
}

fn is_real_folder(path: &FilePath) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}
