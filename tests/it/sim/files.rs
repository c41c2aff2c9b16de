//! The files' side of the simulated world: what writes do, what the watcher reports of them and when, and digests.

use super::{
    pace::Wait,
    world::{Due, Step, World},
};
use orch::{
    engine::{Event, TakenFile},
    model::{FilePath, FileSet, RequestId, Time, WatchSet},
};
use std::{collections::BTreeSet, time::Duration};

impl World {
    /// Somebody (a user or a command) writes a file.
    pub(crate) fn write(&mut self, path: &FilePath, content: &str) {
        self.disk.write(self.now, path, content);
        self.saw(path);
    }

    pub(crate) fn touch(&mut self, path: &FilePath) {
        if self.disk.touch(self.now, path) {
            self.saw(path);
        }
    }

    pub(crate) fn remove(&mut self, path: &FilePath) {
        if self.disk.remove(self.now, path) {
            self.saw(path);
        }
    }

    /// `index.lock` comes or goes.
    pub(crate) fn git_lock(&mut self, held: bool) {
        if !self.watch.set.git_dirs.is_empty() {
            self.later(Duration::ZERO, Due::Tell(Event::GitLockChanged { held }));
        }
    }

    fn watches(&self, path: &FilePath) -> bool {
        self.watch.set.sets.iter().any(|set| set.contains(path))
    }

    /// The kernel tells the watcher of a change.
    fn saw(&mut self, path: &FilePath) {
        self.facts.writes.push((self.now, path.clone()));
        if !self.watches(path) {
            return;
        }
        if self.overflows && self.pace.percent(4) {
            if self.watch.lost.is_empty() {
                let wait = Duration::from_millis(20 + self.pace.below(60));
                self.later(wait, Due::Go(Step::Rescan));
            }
            self.watch.lost.insert(path.clone());
            return;
        }
        if self.watch.pending.is_empty() {
            let wait = self.pace.wait(Wait::Watcher);
            self.later(wait, Due::Go(Step::ReportChanges));
        }
        self.watch.pending.push(path.clone());
        if self.pace.percent(10) {
            self.watch.pending.push(path.clone());
        }
    }

    /// A report holds the first of what was seen, mostly all of it.
    pub(super) fn report_changes(&mut self) {
        let mut paths = std::mem::take(&mut self.watch.pending);
        if self.pace.percent(15) && paths.len() > 1 {
            self.watch.pending = paths.split_off(paths.len() / 2);
            let wait = self.pace.wait(Wait::Watcher);
            self.later(wait, Due::Go(Step::ReportChanges));
        }
        self.report(paths);
    }

    /// After an overflow: all that changed is reported, and some that did not.
    pub(super) fn rescan(&mut self) {
        let lost = std::mem::take(&mut self.watch.lost);
        self.report(lost.into_iter().collect());
    }

    fn report(&mut self, mut paths: Vec<FilePath>) {
        paths.retain(|path| self.watches(path));
        if !paths.is_empty() {
            self.later(Duration::ZERO, Due::Tell(Event::FilesChanged { paths }));
        }
    }

    pub(super) fn watch(&mut self, set: &WatchSet, since: Time) {
        let before = std::mem::replace(&mut self.watch.set, set.clone());
        let since = self.world_time(since);
        let was_watched = |path: &FilePath| before.sets.iter().any(|set| set.contains(path));
        let is_new = |path: &&FilePath| self.watches(path) && !was_watched(path);
        let missed: BTreeSet<FilePath> = self.disk.changed_since(since).filter(is_new).cloned().collect();
        if !missed.is_empty() {
            let wait = self.pace.wait(Wait::Watcher);
            let paths = missed.into_iter().collect();
            self.later(wait, Due::Tell(Event::FilesChanged { paths }));
        }
    }

    pub(super) fn take_digests(&mut self, request: RequestId, paths: Vec<FilePath>) {
        let distinct: BTreeSet<_> = paths.iter().collect();
        if distinct.len() != paths.len() {
            self.object(format!("a question with doubles: {paths:?}"));
        }
        let wait = self.pace.wait(Wait::Digest);
        self.later(wait, Due::Go(Step::LookAt(request, paths)));
    }

    pub(super) fn look_at(&mut self, request: RequestId, paths: Vec<FilePath>) {
        let digests = paths.into_iter().map(|path| (path.clone(), self.disk.digest(&path))).collect();
        let wait = self.pace.wait(Wait::Digest);
        self.later(wait, Due::Tell(Event::DigestsTaken { request, digests }));
    }

    pub(super) fn look_at_set(&mut self, request: RequestId, files: &FileSet, since: Option<Time>, speed: Wait) {
        let taken = |(path, file): (&FilePath, &super::disk::File)| TakenFile {
            path: path.clone(),
            digest: file.digest,
            unchanged: since.is_none_or(|since| file.changed_at < since),
        };
        let files = self.disk.of_set(files).map(taken).collect();
        let wait = self.pace.wait(speed);
        self.later(wait, Due::Tell(Event::SetTaken { request, files }));
    }
}
