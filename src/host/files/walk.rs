//! The files of a set, folder by folder. Links to folders are files here: they are not followed, except where a root of the
//! set itself is one.
#![expect(clippy::disallowed_methods, reason = "walks the folders that the sets name")]

use super::{
    content::{Kind, Stamp, look, look_at},
    crowd,
};
use crate::{
    engine::event::TakenFile,
    model::{FilePath, FileSet, paths},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    iter::Peekable,
    vec,
};

/// A file that a walk found.
pub(super) struct Seen {
    pub(super) path: FilePath,
    pub(super) kind: Kind,
    pub(super) stamp: Stamp,
}

/// What a walk found.
#[derive(Default)]
pub(super) struct Walk {
    /// The roots that are no folders.
    roots: Vec<TakenFile>,
    folders: BTreeMap<FilePath, Listing>,
}

/// One folder of a walk.
struct Listing {
    /// Its files that are in the set, sorted by name.
    files: Vec<TakenFile>,
    /// Its folders that may hold such, sorted by name.
    folders: Vec<FilePath>,
}

/// Walks `set` on several threads. `take` gets the files of the set that are in one folder, sorted by name; the roots that
/// are no folders come together.
pub(super) fn walk(set: &FileSet, take: impl Fn(Option<&FilePath>, Vec<Seen>) -> Vec<TakenFile> + Sync) -> Walk {
    let roots: BTreeSet<&FilePath> = set.roots.iter().collect();
    let (folders, files): (Vec<_>, Vec<_>) = roots.into_iter().partition(|root| root.as_path().is_dir());
    let wanted = files.into_iter().filter(|file| !set.ignores(file));
    let roots = take(None, wanted.filter_map(|file| see(file.clone())).collect());
    let start = folders.into_iter().filter(|folder| !set.prunes(folder)).cloned().collect();
    let listed = crowd::spread(start, |folder: FilePath, more: &mut Vec<FilePath>| {
        let (seen, folders) = list(&folder, set);
        more.extend(folders.iter().cloned());
        let files = take(Some(&folder), seen);
        (folder, Listing { files, folders })
    });
    Walk { roots, folders: listed.into_iter().collect() }
}

fn see(path: FilePath) -> Option<Seen> {
    let (kind, stamp) = look(&path)?;
    Some(Seen { path, kind, stamp })
}

/// The files and folders in `folder` that are in the set, or may hold such.
fn list(folder: &FilePath, set: &FileSet) -> (Vec<Seen>, Vec<FilePath>) {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let Ok(entries) = fs::read_dir(folder) else { return (files, folders) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let path = folder.child(&name);
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !paths::is_noisy_folder_name(&name) && !set.ignore.iter().any(|rule| rule.prunes(&path)) {
                folders.push(path);
            }
        } else if !paths::is_noise_name(&name) && !set.ignores(&path) {
            files.extend(entry.metadata().ok().map(|metadata| {
                let (kind, stamp) = look_at(&path, &metadata);
                Seen { path, kind, stamp }
            }));
        }
    }
    // In one folder the bytes of the paths compare as the paths do, and faster.
    files.sort_unstable_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    folders.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    (files, folders)
}

impl Walk {
    /// Whether `folder` was listed.
    pub(super) fn has_listed(&self, folder: &FilePath) -> bool {
        self.folders.contains_key(folder)
    }

    /// All files, sorted by path: folder after folder, which spares a sort of all of them.
    pub(super) fn into_files(self) -> Vec<TakenFile> {
        let Self { roots, mut folders } = self;
        let count = roots.len() + folders.values().map(|listing| listing.files.len()).sum::<usize>();
        let mut files = Vec::with_capacity(count);
        files.extend(roots);
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
struct Merge {
    files: Peekable<vec::IntoIter<TakenFile>>,
    folders: Peekable<vec::IntoIter<FilePath>>,
}

impl Merge {
    fn of(listing: Listing) -> Self {
        Self { files: listing.files.into_iter().peekable(), folders: listing.folders.into_iter().peekable() }
    }
}

/// Appends the files of the innermost open folder and of all below it, in the order of their paths.
fn append(open: &mut Vec<Merge>, folders: &mut BTreeMap<FilePath, Listing>, files: &mut Vec<TakenFile>) {
    while let Some(top) = open.last_mut() {
        let file = top.files.peek().map(|file| file.path.as_bytes());
        let folder = top.folders.peek().map(FilePath::as_bytes);
        match (file, folder) {
            (None, None) => drop(open.pop()),
            (Some(file), folder) if folder.is_none_or(|folder| file < folder) => files.extend(top.files.next()),
            _ => {
                let below = top.folders.next().and_then(|folder| folders.remove(&folder));
                open.extend(below.map(Merge::of));
            }
        }
    }
}
