//! What one round of the watcher found, each path once.

use super::WatchNews;
use crate::model::FilePath;
use std::collections::HashSet;

/// News on their way out.
#[derive(Debug, Default)]
pub(super) struct Batch {
    changed: HashSet<FilePath>,
    other: Vec<WatchNews>,
}

impl Batch {
    /// Tells that `path` changed.
    pub(super) fn change(&mut self, path: FilePath) {
        self.changed.insert(path);
    }

    /// Whether that was told already.
    pub(super) fn has(&self, path: &FilePath) -> bool {
        self.changed.contains(path)
    }

    /// Tells something else.
    pub(super) fn tell(&mut self, news: WatchNews) {
        self.other.push(news);
    }

    /// All of it. What else there is comes before the changes: a lock that is taken is told before what is written under it.
    pub(super) fn into_news(self) -> Vec<WatchNews> {
        let Self { changed, mut other } = self;
        if !changed.is_empty() {
            other.push(WatchNews::Changed(changed.into_iter().collect()));
        }
        other
    }
}
