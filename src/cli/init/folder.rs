#![expect(clippy::disallowed_methods, reason = "this is where `orch init` reads the folder it is about")]
//! What is in a folder, as far as `orch init` wants to know: the names of its files, a few levels deep, and the text of some.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold what others made.
const NOT_SOURCES: &[&str] = &["node_modules", "target", "vendor", "dist", "build", "__pycache__", "venv"];
/// How deep files are looked for.
const DEPTH_MAX: usize = 3;
/// No more files than that are looked at.
const FILES_MAX: usize = 5000;
/// A larger file is nothing that a person wrote for this.
const BYTES_MAX: u64 = 1 << 20;

/// A folder and the names of the files in it.
#[derive(Debug, Default)]
pub(super) struct Folder {
    root: PathBuf,
    /// Relative, with `/`, sorted; those of the folder itself first.
    files: Vec<String>,
}

impl Folder {
    /// Looks into a folder.
    pub(super) fn at(root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let mut folder = Self { root, files: Vec::new() };
        folder.list("", 0);
        folder.files.sort_by_key(|file| (file.matches('/').count(), file.clone()));
        folder
    }

    fn list(&mut self, below: &str, depth: usize) {
        let Ok(entries) = fs::read_dir(self.root.join(below)) else { return };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && depth < DEPTH_MAX && !name.starts_with('.') && !NOT_SOURCES.contains(&name.as_str()) {
                self.list(&path, depth + 1);
            } else if !is_folder && self.files.len() < FILES_MAX {
                self.files.push(path);
            }
        }
    }

    /// The first of these names that is a file of the folder itself.
    pub(super) fn first_of(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.has(name))
    }

    /// Whether this file is there.
    pub(super) fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file == path)
    }

    /// Whether something is in this folder.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }

    /// All files whose path is as asked for.
    pub(super) fn files(&self, is_it: impl Fn(&str) -> bool) -> Vec<&str> {
        self.files.iter().map(String::as_str).filter(|file| is_it(file)).collect()
    }

    /// The folders in which this file is: the folder itself, or else those below it, without what lies below one of them.
    pub(super) fn places_of(&self, file: &str) -> Vec<&str> {
        let mut places: Vec<&str> = Vec::new();
        for found in self.files(|path| base_of(path) == file) {
            let dir = folder_of(found);
            let is_below =
                |place: &&str| *place == "." || dir.strip_prefix(*place).is_some_and(|rest| rest.starts_with('/'));
            if !places.iter().any(is_below) {
                places.push(dir);
            }
        }
        places
    }

    /// The text of a file; empty when it cannot be read.
    pub(super) fn text(&self, path: &str) -> String {
        let path = self.root.join(path);
        let is_small = path.metadata().is_ok_and(|metadata| metadata.len() <= BYTES_MAX);
        if is_small { fs::read_to_string(path).unwrap_or_default() } else { String::new() }
    }

    /// What the folder is called, as the name of a resource or image.
    pub(super) fn name(&self) -> String {
        let name = self.root.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name_of(name)
    }
}

/// A text as the name of a resource and an image: lower case, `-` for what neither may hold.
pub(super) fn name_of(text: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().map(fit).collect();
    let name = name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if name.is_empty() { "app".to_owned() } else { name }
}

/// The folder of a path, `.` for the folder itself.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// A file of a folder.
pub(super) fn within(dir: &str, file: &str) -> String {
    if dir == "." { file.to_owned() } else { format!("{dir}/{file}") }
}

/// The argument that makes a command run in this folder; nothing for the folder itself.
pub(super) fn run_in(parameter: &str, dir: &str) -> String {
    if dir == "." { String::new() } else { format!(", {parameter} = \"{dir}\"") }
}

/// The last part of a path.
pub(super) fn base_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
