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

    /// All of it, in the order in which it is to be heard: a lock that was taken before what was written under it, one that is
    /// free again after that.
    pub(super) fn into_news(self) -> Vec<WatchNews> {
        let Self { changed, other } = self;
        let is_lock = |news: &WatchNews| matches!(news, WatchNews::GitLock(_));
        let freed = other.iter().rfind(|news| is_lock(news)) == Some(&WatchNews::GitLock(false));
        let mut news: Vec<_> = other.into_iter().filter(|news| *news != WatchNews::GitLock(false)).collect();
        if !changed.is_empty() {
            news.push(WatchNews::Changed(changed.into_iter().collect()));
        }
        if freed {
            news.push(WatchNews::GitLock(false));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(locks: &[bool]) -> Vec<WatchNews> {
        let mut batch = Batch::default();
        locks.iter().for_each(|held| batch.tell(WatchNews::GitLock(*held)));
        batch.change(FilePath::new("/a"));
        batch.into_news()
    }

    #[test]
    fn what_is_written_under_a_lock_is_told_between_its_two_ends() {
        let [taken, freed] = [true, false].map(WatchNews::GitLock);
        let changed = WatchNews::Changed(vec![FilePath::new("/a")]);
        assert_eq!(told(&[true]), [taken.clone(), changed.clone()]);
        assert_eq!(told(&[false]), [changed.clone(), freed.clone()]);
        assert_eq!(told(&[true, false]), [taken.clone(), changed.clone(), freed]);
        assert_eq!(told(&[false, true]), [taken, changed]);
    }
}
