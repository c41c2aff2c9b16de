//! Which repositories some paths lie in.
#![expect(clippy::disallowed_methods, reason = "reads the .git files of linked worktrees")]

use crate::model::FilePath;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The folders in which git keeps the `index.lock` of the repositories that these paths lie in, sorted.
#[must_use]
pub fn git_dirs_of<'a>(roots: impl IntoIterator<Item = &'a FilePath>) -> Vec<FilePath> {
    let mut known = BTreeMap::new();
    let found: BTreeSet<FilePath> = roots.into_iter().filter_map(|root| enclosing(root, &mut known)).collect();
    found.into_iter().collect()
}

fn enclosing(path: &FilePath, known: &mut BTreeMap<FilePath, Option<FilePath>>) -> Option<FilePath> {
    if let Some(found) = known.get(path) {
        return found.clone();
    }
    let found = git_dir_in(path).or_else(|| path.parent().and_then(|parent| enclosing(&parent, known)));
    known.insert(path.clone(), found.clone());
    found
}

/// The git folder of a checkout: `.git` itself, or where the `.git` file of a linked worktree or submodule says.
fn git_dir_in(folder: &FilePath) -> Option<FilePath> {
    let git = folder.join(".git");
    let metadata = fs::metadata(&git).ok()?;
    if metadata.is_dir() {
        return Some(git);
    }
    let text = fs::read_to_string(&git).ok()?;
    let dir = folder.join(Path::new(text.strip_prefix("gitdir:")?.trim()));
    dir.as_path().is_dir().then_some(dir)
}
