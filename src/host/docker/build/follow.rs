//! Which part of a context a build asks for. BuildKit names the paths that the Dockerfile copies; where a link is on the way to one
//! of them, it and its target are needed too.
#![expect(clippy::disallowed_methods, reason = "looks for links in the folder that is sent")]

use crate::model::{FilePath, IgnoreRule};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// How many links are followed one after the other, as the kernel does.
const LINKS_MAX: usize = 40;

/// The rule that leaves out all of `root` but these patterns and paths; `None` where everything is wanted.
pub(super) fn only(root: &FilePath, include: &[String], follow: &[String]) -> Option<IgnoreRule> {
    let mut wanted: BTreeSet<String> = include.iter().map(|pattern| clean(pattern)).collect();
    let mut resolved = Resolved { root, seen: BTreeSet::new(), found: BTreeSet::new() };
    follow.iter().for_each(|path| resolved.add(PathBuf::from(clean(path)), LINKS_MAX));
    wanted.extend(resolved.found.iter().map(|path| path.to_string_lossy().into_owned()));
    if wanted.contains("") || (include.is_empty() && follow.is_empty()) {
        return None;
    }
    let patterns = wanted.iter().map(|pattern| format!("!{pattern}"));
    Some(IgnoreRule::new(root.clone(), std::iter::once("**".to_owned()).chain(patterns).collect()))
}

/// The rule of the patterns that the build leaves out itself.
pub(super) fn without(root: &FilePath, exclude: Vec<String>) -> Option<IgnoreRule> {
    (!exclude.is_empty()).then(|| IgnoreRule::new(root.clone(), exclude))
}

/// Relative to the root of the context, which nothing leads out of; empty is the root.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => parts.extend(name.to_str()),
            Component::ParentDir => drop(parts.pop()),
            _ => {}
        }
    }
    parts.join("/")
}

struct Resolved<'a> {
    root: &'a FilePath,
    /// What was asked for, directly or through a link.
    seen: BTreeSet<PathBuf>,
    found: BTreeSet<PathBuf>,
}

impl Resolved<'_> {
    /// Adds a path and all links on the way to it, with what they lead to.
    fn add(&mut self, path: PathBuf, links_left: usize) {
        if links_left == 0 || !self.seen.insert(path.clone()) {
            return;
        }
        let mut current = PathBuf::new();
        let mut rest = path.components();
        while let Some(component) = rest.next() {
            current.push(component);
            let targets = self.targets(&current);
            if !targets.is_empty() {
                self.found.insert(current);
                targets.iter().for_each(|target| self.add(target.join(rest.as_path()), links_left - 1));
                return;
            }
        }
        self.found.insert(current);
    }

    /// Where the link at `path`, or any link that matches its last part, leads; relative to the root.
    fn targets(&self, path: &Path) -> Vec<PathBuf> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.contains(['*', '?', '[', '\\']) {
            return self.target(path).into_iter().collect();
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let base = self.root.join(folder);
        let rule = IgnoreRule::new(base.clone(), vec![name.to_owned()]);
        let entries = fs::read_dir(base.as_path()).into_iter().flatten().flatten();
        let matching = entries.filter(|entry| rule.ignores(&base.child(&entry.file_name())));
        matching.filter_map(|entry| self.target(&folder.join(entry.file_name()))).collect()
    }

    fn target(&self, path: &Path) -> Option<PathBuf> {
        let link: io::Result<PathBuf> = fs::read_link(self.root.join(path).as_path());
        let folder = path.parent().unwrap_or(Path::new(""));
        let target = folder.join(link.ok()?);
        Some(PathBuf::from(clean(target.to_str()?)))
    }
}
