//! What a build saw of the files that an image is made of.

use super::dirt::Saw;
use crate::model::{Digest, FilePath, SetDigest};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The files with their contents, sorted by path: all of them, so that one which is not here was not there. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Sight(pub(super) Arc<Vec<(FilePath, Digest)>>);

impl Sight {
    pub(super) fn of(files: &BTreeMap<FilePath, Digest>) -> Self {
        Self(Arc::new(files.iter().map(|(path, content)| (path.clone(), *content)).collect()))
    }

    /// The same, but that nobody knows what was seen of these.
    pub(super) fn doubting(self, unknown: &BTreeSet<FilePath>) -> Self {
        if unknown.is_empty() {
            return self;
        }
        let mut files: BTreeMap<FilePath, Digest> = self.0.iter().cloned().collect();
        files.extend(unknown.iter().map(|path| (path.clone(), Digest::UNKNOWN)));
        Self::of(&files)
    }

    pub(super) fn saw(&self, path: &FilePath) -> Saw {
        match self.0.binary_search_by(|(file, _)| file.cmp(path)) {
            Ok(place) => Saw::of(Some(self.0[place].1)),
            Err(_) => Saw::Content(None),
        }
    }

    pub(super) fn digest(&self) -> SetDigest {
        SetDigest::of(self.0.iter().map(|(path, content)| (path, *content)))
    }

    /// The files that are not as they were seen.
    pub(super) fn differing(&self, now: &BTreeMap<FilePath, Digest>) -> BTreeSet<FilePath> {
        let gone = self.0.iter().map(|(path, _)| path).filter(|path| !now.contains_key(*path));
        let others = now.iter().filter(|(path, content)| self.saw(path) != Saw::Content(Some(**content)));
        gone.chain(others.map(|(path, _)| path)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> FilePath {
        FilePath::new("/p").join(text)
    }

    fn files(all: &[(&str, &str)]) -> BTreeMap<FilePath, Digest> {
        all.iter().map(|(name, content)| (path(name), Digest::of(content.as_bytes()))).collect()
    }

    #[test]
    fn what_changed_came_or_went_differs() {
        let sight = Sight::of(&files(&[("a", "1"), ("b", "1"), ("c", "1")]));
        let differing = sight.differing(&files(&[("a", "1"), ("b", "2"), ("d", "1")]));
        assert_eq!(differing, BTreeSet::from([path("b"), path("c"), path("d")]));
    }

    #[test]
    fn what_nobody_knows_differs_from_everything() {
        let now = files(&[("a", "1")]);
        let sight = Sight::of(&now).doubting(&BTreeSet::from([path("a"), path("b")]));
        assert_eq!(sight.saw(&path("b")), Saw::Unknown);
        assert_eq!(sight.differing(&now), BTreeSet::from([path("a"), path("b")]));
        assert_ne!(sight.digest(), Sight::of(&now).digest());
    }
}
