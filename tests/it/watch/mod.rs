//! Watching, with real files and the real kernel.

mod editors;
mod limits;
mod repositories;
mod roots;
mod trees;

use orch::{
    host::watch::{Limits, WatchNews, Watcher},
    model::{FilePath, FileSet, IgnoreRule, WatchSet},
};
use std::{
    collections::BTreeSet,
    fs,
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
    /// How often it came to rest.
    rests: usize,
}

impl World {
    fn new() -> Self {
        Self::within(Limits::default())
    }

    fn within(limits: Limits) -> Self {
        let (sender, news) = mpsc::channel();
        let watcher = Watcher::start_within(limits, move |told| drop(sender.send(told))).unwrap();
        Self { folder: TempDir::new().unwrap(), watcher, news, told: Vec::new(), rests: 0 }
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
        self.watch_since(sets, SystemTime::now() + Duration::from_hours(1));
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
                Err(error) => panic!("not told in time ({error}); told: {:?}", self.told),
            }
        }
        std::mem::take(&mut self.told)
    }

    /// Waits until all of these are told as changed; gives all that were told.
    #[track_caller]
    fn wait_changed<P: AsRef<Path>>(&mut self, paths: &[P]) -> BTreeSet<PathBuf> {
        let mut missing: BTreeSet<PathBuf> = paths.iter().map(|path| self.path(path)).collect();
        let mut told = BTreeSet::new();
        loop {
            let news = changed(&std::mem::take(&mut self.told));
            news.iter().for_each(|path| drop(missing.take(path)));
            told.extend(news);
            if missing.is_empty() {
                return told;
            }
            match self.news.recv_timeout(DEADLINE) {
                Ok(news) => self.told.push(news),
                Err(error) => panic!("not told in time ({error}): {missing:?}; told: {told:?}"),
            }
        }
    }

    /// All that was told until the watcher had heard of everything so far: until it tells of a new file in the watched
    /// `folder`, whose event comes after all others. Steps that must not be mistaken for each other have one between them.
    #[track_caller]
    fn rest(&mut self, folder: &str) -> BTreeSet<PathBuf> {
        self.rests += 1;
        let last = format!("{folder}/rest-{}", self.rests);
        self.write(&last, "");
        let mut told = self.wait_changed(&[last]);
        told.retain(|path| !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("rest-")));
        told
    }

    /// Checks that all of these were told by the time everything was.
    #[track_caller]
    fn expect(&mut self, folder: &str, paths: &[&str]) {
        let told = self.rest(folder);
        paths.iter().for_each(|path| assert!(told.contains(&self.path(path)), "{path} is not told; told: {told:?}"));
    }
}

fn changed(told: &[WatchNews]) -> BTreeSet<PathBuf> {
    let paths = told.iter().filter_map(|news| match news {
        WatchNews::Changed(paths) => Some(paths),
        _ => None,
    });
    paths.flatten().map(|path| path.as_path().to_owned()).collect()
}
