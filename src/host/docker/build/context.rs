//! What is sent of a folder: a walk in the order that BuildKit wants, one entry at a time. Never reads a file's content.
#![expect(clippy::disallowed_methods, reason = "walks the folder that is sent")]

use crate::model::{FilePath, IgnoreRule, paths};
use std::{
    collections::HashMap,
    ffi::OsString,
    fmt, fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt},
    },
    path::PathBuf,
    sync::Arc,
    vec,
};

/// A folder, and what of it is left out.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) root: FilePath,
    pub(super) rules: Vec<Arc<IgnoreRule>>,
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Relative to the root.
    pub(super) path: PathBuf,
    pub(super) kind: EntryKind,
    /// Permissions, with set-uid, set-gid and sticky.
    pub(super) permissions: u32,
    /// In nanoseconds since 1970.
    pub(super) modified: i64,
}

/// What an entry is. Sockets are left out, as docker does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EntryKind {
    Folder,
    File {
        size: u64,
    },
    /// Another name of a file that came before.
    HardLink(PathBuf),
    SymbolicLink(PathBuf),
    Fifo,
    Device {
        character: bool,
        number: u64,
    },
}

/// What the walk could not do.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) path: FilePath,
    pub(super) error: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot be read: {}", self.path.as_path().display(), self.error)
    }
}

impl Context {
    /// Visits the entries: a folder before what is in it, the entries of one folder by the bytes of their names. A folder that is
    /// left out itself comes when something in it does not. Stops when `visit` says no.
    pub(super) fn walk(&self, mut visit: impl FnMut(Entry) -> bool) -> Result<(), Unreadable> {
        let mut walk = Walk { context: self, open: Vec::new(), links: HashMap::new() };
        walk.open(PathBuf::new(), None)?;
        while let Some(folder) = walk.open.last_mut() {
            let Some(listed) = folder.rest.next() else {
                walk.open.pop();
                continue;
            };
            let path = folder.path.join(&listed.name);
            let full = self.root.join(&path);
            let Some((entry, is_ignored)) = walk.look(path, &full, &listed)? else { continue };
            if !is_ignored && !walk.announce(&mut visit) {
                return Ok(());
            }
            if entry.kind == EntryKind::Folder {
                let path = entry.path.clone();
                if !is_ignored && !visit(entry.clone()) {
                    return Ok(());
                }
                walk.open(path, is_ignored.then_some(entry))?;
            } else if !visit(entry) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn ignores(&self, path: &FilePath) -> bool {
        self.rules.iter().any(|rule| rule.ignores(path))
    }

    fn prunes(&self, path: &FilePath) -> bool {
        self.rules.iter().any(|rule| rule.prunes(path))
    }
}

struct Walk<'a> {
    context: &'a Context,
    /// From the root inwards.
    open: Vec<OpenFolder>,
    /// The first name of each file that has several.
    links: HashMap<(u64, u64), PathBuf>,
}

struct OpenFolder {
    path: PathBuf,
    rest: vec::IntoIter<Listed>,
    /// The folder's own entry, as long as it is not certain that it is visited.
    unannounced: Option<Entry>,
}

struct Listed {
    name: OsString,
    entry: fs::DirEntry,
}

impl Walk<'_> {
    fn open(&mut self, path: PathBuf, unannounced: Option<Entry>) -> Result<(), Unreadable> {
        let full = self.context.root.join(&path);
        let listed = fs::read_dir(full.as_path()).and_then(|entries| {
            let listed = entries.map(|entry| entry.map(|entry| Listed { name: entry.file_name(), entry }));
            listed.collect::<io::Result<Vec<_>>>()
        });
        let mut listed = match listed {
            Ok(listed) => listed,
            // It went since its own folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.open.is_empty() => return Ok(()),
            Err(error) => return Err(Unreadable { path: full, error }),
        };
        listed.sort_unstable_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        self.open.push(OpenFolder { path, rest: listed.into_iter(), unannounced });
        Ok(())
    }

    /// The entry, and for a folder whether it is left out itself; `None` where all of it is.
    fn look(&mut self, path: PathBuf, full: &FilePath, listed: &Listed) -> Result<Option<(Entry, bool)>, Unreadable> {
        let is_folder = listed.entry.file_type().is_ok_and(|kind| kind.is_dir());
        let is_noise = if is_folder { paths::is_noisy_folder_name } else { paths::is_noise_name };
        let is_ignored = self.context.ignores(full);
        if is_noise(&listed.name) || (is_ignored && (!is_folder || self.context.prunes(full))) {
            return Ok(None);
        }
        match self.entry(path, full, &listed.entry) {
            Ok(entry) => Ok(entry.map(|entry| (entry, is_ignored))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unreadable { path: full.clone(), error }),
        }
    }

    fn entry(&mut self, path: PathBuf, full: &FilePath, entry: &fs::DirEntry) -> io::Result<Option<Entry>> {
        let metadata = entry.metadata()?;
        let kind = metadata.file_type();
        let kind = if kind.is_dir() {
            EntryKind::Folder
        } else if kind.is_symlink() {
            EntryKind::SymbolicLink(fs::read_link(full.as_path())?)
        } else if kind.is_file() {
            self.file(&path, &metadata)
        } else if kind.is_fifo() {
            EntryKind::Fifo
        } else if kind.is_char_device() || kind.is_block_device() {
            EntryKind::Device { character: kind.is_char_device(), number: metadata.rdev() }
        } else {
            return Ok(None);
        };
        let modified = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        Ok(Some(Entry { path, kind, permissions: metadata.mode() & 0o7777, modified }))
    }

    fn file(&mut self, path: &PathBuf, metadata: &fs::Metadata) -> EntryKind {
        if metadata.nlink() > 1 {
            let first = self.links.entry((metadata.dev(), metadata.ino())).or_insert_with(|| path.clone());
            if first != path {
                return EntryKind::HardLink(first.clone());
            }
        }
        EntryKind::File { size: metadata.len() }
    }

    /// Visits the folders around an entry that come only because of it.
    fn announce(&mut self, visit: &mut impl FnMut(Entry) -> bool) -> bool {
        self.open.iter_mut().filter_map(|folder| folder.unannounced.take()).all(visit)
    }
}
