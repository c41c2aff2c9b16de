//! The files of a set, folder by folder. Links to folders are files here: they are not followed, except where a root of the
//! set itself is one.
#![expect(clippy::disallowed_methods, reason = "walks the folders that the sets name")]

use super::{
    content::{Kind, Stamp, look},
    crowd,
};
use crate::model::{FilePath, FileSet, paths};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// A file that a walk found.
pub(super) struct Seen<T> {
    pub(super) path: FilePath,
    pub(super) kind: Kind,
    pub(super) stamp: Stamp,
    /// What was made of it.
    pub(super) made: T,
}

/// What a walk found.
pub(super) struct Walk<T> {
    /// The roots that are no folders, and what lies in folders.
    roots: Vec<Seen<T>>,
    folders: BTreeMap<FilePath, Listing<T>>,
}

/// One folder of a walk.
pub(super) struct Listing<T> {
    /// Its files that are in the set, sorted by name.
    files: Vec<Seen<T>>,
    /// Its folders that may hold such, sorted by name.
    folders: Vec<FilePath>,
    /// All of its names, in the set or not, sorted.
    names: Vec<FilePath>,
}

/// Walks `set` on several threads. `make` gets the files of one folder at a time, all of them in the set.
pub(super) fn walk<T: Send + Default>(set: &FileSet, make: impl Fn(&mut [Seen<T>]) + Sync) -> Walk<T> {
    let roots: BTreeSet<&FilePath> = set.roots.iter().collect();
    let (folders, files): (Vec<_>, Vec<_>) = roots.into_iter().partition(|root| root.as_path().is_dir());
    let wanted = files.into_iter().filter(|file| !set.ignores(file));
    let mut files: Vec<Seen<T>> = wanted.filter_map(|file| see(file.clone())).collect();
    make(&mut files);
    let start = folders.into_iter().filter(|folder| !set.prunes(folder)).cloned().collect();
    let listed = crowd::spread(start, |folder: FilePath, more: &mut Vec<FilePath>| {
        let mut listing = list(&folder, set);
        make(&mut listing.files);
        more.extend(listing.folders.iter().cloned());
        (folder, listing)
    });
    Walk { roots: files, folders: listed.into_iter().collect() }
}

fn see<T: Default>(path: FilePath) -> Option<Seen<T>> {
    let (kind, stamp) = look(&path)?;
    Some(Seen { path, kind, stamp, made: T::default() })
}

fn list<T: Default>(folder: &FilePath, set: &FileSet) -> Listing<T> {
    let mut listing = Listing { files: Vec::new(), folders: Vec::new(), names: Vec::new() };
    let Ok(entries) = fs::read_dir(folder) else { return listing };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let path = folder.child(&name);
        listing.names.push(path.clone());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !paths::is_noisy_folder_name(&name) && !set.ignore.iter().any(|rule| rule.prunes(&path)) {
                listing.folders.push(path);
            }
        } else if !paths::is_noise_name(&name) && !set.ignores(&path) {
            listing.files.extend(see(path));
        }
    }
    // In one folder the bytes of the paths compare as the paths do, and faster.
    listing.files.sort_unstable_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    listing.folders.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    listing.names.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    listing
}

impl<T> Listing<T> {
    /// Whether an entry of the folder has this path.
    pub(super) fn has(&self, path: &FilePath) -> bool {
        self.names.binary_search_by(|name| name.as_bytes().cmp(path.as_bytes())).is_ok()
    }
}

impl<T> Walk<T> {
    /// The folders that were listed.
    pub(super) fn folders(&self) -> impl Iterator<Item = (&FilePath, &Listing<T>)> {
        self.folders.iter()
    }

    /// Whether `folder` was listed.
    pub(super) fn has_listed(&self, folder: &FilePath) -> bool {
        self.folders.contains_key(folder)
    }

    /// All files, sorted by path: folder after folder, which spares a sort of all of them.
    pub(super) fn into_files(self) -> Vec<Seen<T>> {
        let Self { roots, mut folders } = self;
        let mut files = roots;
        let mut parts = usize::from(!files.is_empty());
        while let Some((_, listing)) = folders.pop_first() {
            parts += 1;
            append(&mut vec![Merge::of(listing)], &mut folders, &mut files);
        }
        if parts > 1 {
            files.sort_by(|a, b| a.path.cmp(&b.path));
            files.dedup_by(|a, b| a.path == b.path);
        }
        files
    }
}

/// The rest of a folder whose files and folders are being put in order.
struct Merge<T> {
    files: std::iter::Peekable<std::vec::IntoIter<Seen<T>>>,
    folders: std::iter::Peekable<std::vec::IntoIter<FilePath>>,
}

impl<T> Merge<T> {
    fn of(listing: Listing<T>) -> Self {
        Self { files: listing.files.into_iter().peekable(), folders: listing.folders.into_iter().peekable() }
    }
}

/// Appends the files of the innermost open folder and of all below it, in the order of their paths.
fn append<T>(open: &mut Vec<Merge<T>>, folders: &mut BTreeMap<FilePath, Listing<T>>, files: &mut Vec<Seen<T>>) {
    while let Some(top) = open.last_mut() {
        let file = top.files.peek().map(|file| file.path.as_bytes());
        let folder = top.folders.peek().map(FilePath::as_bytes);
        match (file, folder) {
            (None, None) => drop(open.pop()),
            (Some(file), folder) if folder.is_none_or(|folder| file < folder) => files.extend(top.files.next()),
            (_, Some(_)) => {
                let below = top.folders.next().and_then(|folder| folders.remove(&folder));
                open.extend(below.map(Merge::of));
            }
            (Some(_), None) => files.extend(top.files.next()),
        }
    }
}
