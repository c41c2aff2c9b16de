//! Paths, sets of files and the index from a path to those who read it.

use super::IgnoreRule;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// An absolute path without `.`, `..` and doubled slashes. Cheap to clone; any bytes, not only UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FilePath(Arc<Path>);

impl FilePath {
    /// Takes `path`, cleaned by its text alone (symbolic links are not followed). A relative path is taken from `/`.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        if is_clean(path.as_ref()) {
            return Self(path.as_ref().into());
        }
        let mut clean = PathBuf::from("/");
        for component in path.as_ref().components() {
            match component {
                Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
                Component::ParentDir => {
                    clean.pop();
                }
                Component::Normal(name) => clean.push(name),
            }
        }
        Self(clean.into())
    }

    /// This path joined with `relative`; an absolute one replaces it.
    #[must_use]
    pub fn join(&self, relative: impl AsRef<Path>) -> Self {
        Self::new(self.0.join(relative))
    }

    /// The path of the entry `name` of this folder: quicker than [`join`](Self::join) where `name` is known to be a plain name.
    #[must_use]
    pub fn child(&self, name: &OsStr) -> Self {
        let mut bytes = Vec::with_capacity(self.as_bytes().len() + 1 + name.len());
        bytes.extend_from_slice(self.as_bytes());
        if bytes != b"/" {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name.as_bytes());
        Self(PathBuf::from(OsString::from_vec(bytes)).into())
    }

    /// The path as the standard library has it.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The bytes of the path.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_os_str().as_bytes()
    }

    /// Whether this is `ancestor` or lies below it.
    #[must_use]
    pub fn is_within(&self, ancestor: &FilePath) -> bool {
        self.0.starts_with(&ancestor.0)
    }

    /// The folder it lies in; `None` for `/`.
    #[must_use]
    pub fn parent(&self) -> Option<FilePath> {
        self.0.parent().map(|parent| Self(parent.into()))
    }

    /// The path as messages show it: relative to `root` where it lies below it.
    #[must_use]
    pub fn display_from(&self, root: &FilePath) -> String {
        match self.0.strip_prefix(&root.0) {
            Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
            Ok(rest) => rest.display().to_string(),
            Err(_) => self.0.display().to_string(),
        }
    }
}

/// Whether `path` is absolute and nothing of it would be cleaned away.
fn is_clean(path: &Path) -> bool {
    let mut parts = path.as_os_str().as_bytes().split(|byte| *byte == b'/');
    parts.next() == Some(b"") && parts.all(|part| !matches!(part, b"" | b"." | b".."))
}

impl AsRef<Path> for FilePath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// UTF-8 paths are JSON strings, all others the array of their bytes, so that none is lost.
impl Serialize for FilePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_seq(self.as_bytes()),
        }
    }
}

impl<'de> Deserialize<'de> for FilePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = FilePath;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path as text or as bytes")
            }
            fn visit_str<E>(self, text: &str) -> Result<FilePath, E> {
                Ok(FilePath::new(text))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<FilePath, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(FilePath::new(OsString::from_vec(bytes)))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Files below some roots, without those that are ignored. A root may be a file, a folder, or not there yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileSet {
    /// Files and whole folders.
    pub roots: Vec<FilePath>,
    /// What of them is left out.
    pub ignore: Vec<Arc<IgnoreRule>>,
}

impl FileSet {
    /// The set of all that is at or below these roots.
    #[must_use]
    pub fn of(roots: Vec<FilePath>) -> Self {
        Self { roots, ignore: Vec::new() }
    }

    /// Whether the file at `path` is in the set. Noise (see [`is_noise`]) never is.
    #[must_use]
    pub fn contains(&self, path: &FilePath) -> bool {
        self.roots.iter().any(|root| path.is_within(root) && !is_noise(path, root)) && !self.ignores(path)
    }

    /// Whether nothing below the folder `dir` can be in the set, so that it need not be walked or watched.
    #[must_use]
    pub fn prunes(&self, dir: &FilePath) -> bool {
        let reachable = |root: &FilePath| root.is_within(dir) || (dir.is_within(root) && !is_noisy_below(dir, root));
        !self.roots.iter().any(reachable) || self.ignore.iter().any(|rule| rule.prunes(dir))
    }

    /// Whether one of the rules leaves `path` out.
    #[must_use]
    pub fn ignores(&self, path: &FilePath) -> bool {
        self.ignore.iter().any(|rule| rule.ignores(path))
    }
}

/// Whether `path` is never an input of anything: what lies in `.git`, `.orch` and `.idea` below `root`, and the temporary
/// files of editors. The list is Tilt's and the patterns seen of JetBrains, Emacs, Vim, Kate and Go.
#[must_use]
pub fn is_noise(path: &FilePath, root: &FilePath) -> bool {
    let last_is_noise = || path.as_path().file_name().is_some_and(is_noise_name);
    path != root && (is_noisy_below(path, root) || (path.is_within(root) && last_is_noise()))
}

/// Whether the folder `dir`, or one between it and `root`, holds only noise.
#[must_use]
pub fn is_noisy_below(dir: &FilePath, root: &FilePath) -> bool {
    let below = dir.as_path().strip_prefix(root.as_path());
    below.is_ok_and(|below| below.iter().any(is_noisy_folder_name))
}

/// Whether a folder of that name holds only noise.
#[must_use]
pub fn is_noisy_folder_name(name: &OsStr) -> bool {
    matches!(name.as_bytes(), b".git" | b".orch" | b".idea")
}

/// Whether an entry of that name is noise.
#[must_use]
pub fn is_noise_name(name: &OsStr) -> bool {
    is_noisy_folder_name(name) || is_editor_file(&name.to_string_lossy())
}

fn is_editor_file(name: &str) -> bool {
    name == "4913"
        || name.ends_with('~')
        || (name.ends_with('_')
            && ["___jb_tmp___", "___jb_old___", "___jb_bak___"].iter().any(|mark| name.ends_with(mark)))
        || name.starts_with(".#")
        || (name.starts_with('#') && name.ends_with('#'))
        || name.starts_with("flymake_")
        || (name.starts_with('.') && name.ends_with(".kate-swp"))
        || name.ends_with("-go-tmp-umask")
        || is_vim_swap(name)
}

/// `.NAME.swp` and its fellows `.swo`, `.swn`, `.swx`.
fn is_vim_swap(name: &str) -> bool {
    let swap = |(_, end): (&str, &str)| matches!(end, "swp" | "swo" | "swn" | "swx");
    name.starts_with('.') && name.rsplit_once('.').is_some_and(swap)
}

/// From a path to those whose roots it lies at or below. A look-up costs the depth of the path, whatever the number of
/// entries.
#[derive(Debug, Clone, PartialEq)]
pub struct PathIndex<T> {
    by_root: BTreeMap<FilePath, Vec<T>>,
}

impl<T> Default for PathIndex<T> {
    fn default() -> Self {
        Self { by_root: BTreeMap::new() }
    }
}

impl<T: Clone + PartialEq> PathIndex<T> {
    /// Adds an entry for `root`.
    pub fn insert(&mut self, root: FilePath, entry: T) {
        self.by_root.entry(root).or_default().push(entry);
    }

    /// Takes an entry for `root` out again.
    pub fn remove(&mut self, root: &FilePath, entry: &T) {
        if let Some(entries) = self.by_root.get_mut(root) {
            entries.retain(|other| other != entry);
            if entries.is_empty() {
                self.by_root.remove(root);
            }
        }
    }

    /// The entries whose root is `path` or a folder above it, outermost last.
    pub fn at_or_above<'a>(&'a self, path: &'a FilePath) -> impl Iterator<Item = &'a T> {
        path.as_path().ancestors().filter_map(|ancestor| self.by_root.get(ancestor)).flatten()
    }

    /// The entries whose root is `path` or a folder above it, each with its root, innermost first.
    pub fn roots_at_or_above<'a>(&'a self, path: &'a FilePath) -> impl Iterator<Item = (&'a FilePath, &'a T)> {
        let found = path.as_path().ancestors().filter_map(|ancestor| self.by_root.get_key_value(ancestor));
        found.flat_map(|(root, entries)| entries.iter().map(move |entry| (root, entry)))
    }

    /// The entries of exactly this root.
    pub fn at(&self, root: &FilePath) -> &[T] {
        self.by_root.get(root).map_or(&[], Vec::as_slice)
    }

    /// All entries with their roots, in the order of the roots.
    pub fn iter(&self) -> impl Iterator<Item = (&FilePath, &T)> {
        self.by_root.iter().flat_map(|(root, entries)| entries.iter().map(move |entry| (root, entry)))
    }

    /// The entries whose root lies at or below `path`.
    pub fn at_or_below<'a>(&'a self, path: &'a FilePath) -> impl Iterator<Item = (&'a FilePath, &'a T)> {
        self.by_root
            .range::<Path, _>((std::ops::Bound::Included(path.as_path()), std::ops::Bound::Unbounded))
            .take_while(move |(root, _)| root.is_within(path))
            .flat_map(|(root, entries)| entries.iter().map(move |entry| (root, entry)))
    }
}

impl std::borrow::Borrow<Path> for FilePath {
    fn borrow(&self) -> &Path {
        &self.0
    }
}

/// All that a session watches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct WatchSet {
    /// Inputs and outputs of resources, and what the Orchfile read. A path is of interest when one of them contains it.
    pub sets: Vec<Arc<FileSet>>,
    /// Folders of repositories whose `index.lock` is watched.
    pub git_dirs: Vec<FilePath>,
}
