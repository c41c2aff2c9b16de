//! The digests that are known, by path, each with the stamp under which it holds.

use super::content::Stamp;
use crate::model::{Digest, FilePath, KnownFile};
use std::collections::{BTreeMap, BTreeSet};

/// Digests by folder and path. There may be a hundred thousand, so paths are shared with whoever was told of them.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Each folder's rows, sorted by path.
    by_folder: BTreeMap<FilePath, Vec<Row>>,
    /// What was learnt or forgotten since the last question.
    changed: Vec<FilePath>,
}

#[derive(Debug, Clone)]
struct Row {
    path: FilePath,
    stamp: Stamp,
    digest: Digest,
}

/// What became known, and what is no longer so, since the last question. Sorted by path, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownChanges {
    /// New or changed.
    pub learnt: Vec<KnownFile>,
    /// No longer there.
    pub forgotten: Vec<FilePath>,
}

impl Known {
    pub(super) fn of(files: impl Iterator<Item = KnownFile>) -> Self {
        let mut known = Self::default();
        for file in files {
            let row = Row { stamp: Stamp::of_known(&file), digest: file.digest, path: file.path };
            known.by_folder.entry(folder_of(&row.path)).or_default().push(row);
        }
        known.by_folder.values_mut().for_each(sort);
        known
    }

    /// The digest of a file that has this stamp, with the path as it is kept.
    pub(super) fn recall(&self, path: &FilePath, stamp: Stamp) -> Option<(FilePath, Digest)> {
        let row = self.row(path)?;
        (row.stamp == stamp).then(|| (row.path.clone(), row.digest))
    }

    /// Keeps the digests of some files of one folder.
    pub(super) fn learn(&mut self, files: impl IntoIterator<Item = (FilePath, Stamp, Digest)>) {
        let mut touched = BTreeSet::new();
        for (path, stamp, digest) in files {
            let folder = folder_of(&path);
            let rows = self.by_folder.entry(folder.clone()).or_default();
            rows.push(Row { path: path.clone(), stamp, digest });
            touched.insert(folder);
            self.changed.push(path);
        }
        touched.iter().filter_map(|folder| self.by_folder.get_mut(folder).map(sort)).for_each(drop);
    }

    /// Drops what is known of a file that is gone.
    pub(super) fn forget(&mut self, path: &FilePath) {
        let folder = folder_of(path);
        let Some(rows) = self.by_folder.get_mut(&folder) else { return };
        let Ok(position) = position(rows, path) else { return };
        rows.remove(position);
        if rows.is_empty() {
            self.by_folder.remove(&folder);
        }
        self.changed.push(path.clone());
    }

    /// The known files of `folder` of which `is_there` knows nothing.
    pub(super) fn missing(&self, folder: &FilePath, is_there: impl Fn(&FilePath) -> bool) -> Vec<FilePath> {
        let rows = self.by_folder.get(folder).map_or(&[][..], Vec::as_slice);
        rows.iter().filter(|row| !is_there(&row.path)).map(|row| row.path.clone()).collect()
    }

    /// The folders at or below `root` of which files are known.
    pub(super) fn folders_below<'a>(&'a self, root: &'a FilePath) -> impl Iterator<Item = &'a FilePath> {
        let from = self.by_folder.range::<FilePath, _>(root..);
        from.map(|(folder, _)| folder).take_while(move |folder| folder.is_within(root))
    }

    pub(super) fn take_changes(&mut self) -> KnownChanges {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort();
        changed.dedup();
        let mut found = KnownChanges::default();
        for path in changed {
            match self.row(&path) {
                Some(row) => found.learnt.push(row.stamp.known(path, row.digest)),
                None => found.forgotten.push(path),
            }
        }
        found
    }

    fn row(&self, path: &FilePath) -> Option<&Row> {
        let rows = self.by_folder.get(path.as_path().parent()?)?;
        rows.get(position(rows, path).ok()?)
    }
}

fn folder_of(path: &FilePath) -> FilePath {
    path.parent().unwrap_or_else(|| path.clone())
}

/// All rows of a folder differ in their names alone, so their bytes compare as their paths do.
fn position(rows: &[Row], path: &FilePath) -> Result<usize, usize> {
    rows.binary_search_by(|row| row.path.as_bytes().cmp(path.as_bytes()))
}

/// Sorts by path; of two rows for one path, the later one stays.
fn sort(rows: &mut Vec<Row>) {
    rows.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    rows.dedup_by(|later, earlier| {
        let double = later.path == earlier.path;
        if double {
            (earlier.stamp, earlier.digest) = (later.stamp, later.digest);
        }
        double
    });
    rows.shrink_to_fit();
}
