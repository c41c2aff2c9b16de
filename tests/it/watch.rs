//! Watching, with real files and the real kernel.

use orch::{
    host::watch::{Limits, WatchNews, Watcher, git_dirs_of},
    model::{FilePath, FileSet, IgnoreRule, WatchSet},
};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, Instant, SystemTime},
};
use tempfile::TempDir;

/// No test takes this long unless what it waits for does not come.
const DEADLINE: Duration = Duration::from_secs(30);

/// A folder, a watcher, and what the watcher told.
struct World {
    folder: TempDir,
    watcher: Watcher,
    news: mpsc::Receiver<WatchNews>,
    told: Vec<WatchNews>,
}

impl World {
    fn new() -> Self {
        Self::within(Limits::default())
    }

    fn within(limits: Limits) -> Self {
        let (sender, news) = mpsc::channel();
        let watcher = Watcher::start_within(limits, move |told| drop(sender.send(told))).unwrap();
        Self { folder: TempDir::new().unwrap(), watcher, news, told: Vec::new() }
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: impl AsRef<Path>, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn folder(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Watches one set of these roots and waits until that is done.
    fn watch(&mut self, roots: &[&str]) {
        let set = FileSet::of(roots.iter().map(|root| FilePath::new(self.path(root))).collect());
        self.watch_sets(vec![set]);
    }

    fn watch_ignoring(&mut self, root: &str, patterns: &[&str]) {
        let base = FilePath::new(self.path(root));
        let patterns = patterns.iter().map(|text| (*text).to_owned()).collect();
        let ignore = vec![Arc::new(IgnoreRule::new(base.clone(), patterns))];
        self.watch_sets(vec![FileSet { roots: vec![base], ignore }]);
    }

    fn watch_sets(&mut self, sets: Vec<FileSet>) {
        self.watch_since(sets, SystemTime::now() + Duration::from_secs(3600));
    }

    fn watch_since(&mut self, sets: Vec<FileSet>, since: SystemTime) {
        let set = WatchSet { sets: sets.into_iter().map(Arc::new).collect(), git_dirs: Vec::new() };
        self.watcher.set(Arc::new(set), since);
        self.wait_for(|told| told.contains(&WatchNews::Established));
    }

    /// Waits until what was told since the last wait is enough, and takes it.
    #[track_caller]
    fn wait_for(&mut self, enough: impl Fn(&[WatchNews]) -> bool) -> Vec<WatchNews> {
        let deadline = Instant::now() + DEADLINE;
        while !enough(&self.told) {
            match self.news.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(news) => self.told.push(news),
                Err(_) => panic!("not told in time; told: {:?}", self.told),
            }
        }
        std::mem::take(&mut self.told)
    }

    /// Waits until all of these are told as changed; gives all that were told.
    #[track_caller]
    fn wait_changed<P: AsRef<Path>>(&mut self, paths: &[P]) -> BTreeSet<PathBuf> {
        let wanted: BTreeSet<PathBuf> = paths.iter().map(|path| self.path(path)).collect();
        changed(&self.wait_for(|told| wanted.is_subset(&changed(told))))
    }

    /// All that is told until the watcher has nothing left to tell: until it told of a write that comes after all others.
    fn rest(&mut self, inside: &str) -> BTreeSet<PathBuf> {
        let last = self.write(inside, "last");
        let mut told = self.wait_changed(&[inside]);
        told.remove(&last);
        told
    }
}

fn changed(told: &[WatchNews]) -> BTreeSet<PathBuf> {
    let paths = told.iter().filter_map(|news| match news {
        WatchNews::Changed(paths) => Some(paths),
        _ => None,
    });
    paths.flatten().map(|path| path.as_path().to_owned()).collect()
}

#[test]
fn a_write_is_told() {
    let mut world = World::new();
    world.write("src/a", "1");
    world.watch(&["src"]);
    world.write("src/a", "2");
    assert_eq!(world.wait_changed(&["src/a"]), BTreeSet::from([world.path("src/a")]));
}

#[test]
fn new_trees_lose_nothing() {
    let mut world = World::new();
    world.folder("src");
    world.watch(&["src"]);
    let files: Vec<String> = (0..300).map(|n| format!("src/{n}/x/y/z/file")).collect();
    files.iter().for_each(|file| drop(world.write(file, "new")));
    world.wait_changed(&files);
    files.iter().for_each(|file| drop(world.write(file, "again")));
    world.wait_changed(&files);
}
