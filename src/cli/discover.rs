//! Finds the Orchfile.

use super::error::CliError;
use crate::{
    host::claim::{self, SessionCard},
    model::FilePath,
    snapshot::spec,
};
use std::{
    env, io, iter,
    path::{Path, PathBuf},
};

/// Names of an entry file, in the order in which they are looked for in a folder.
const NAMES: [&str; 2] = ["Orchfile", "Tiltfile"];

/// The entry file: the given one, else the nearest from here up to the repository's root, outside of a repository only here.
pub(super) fn orchfile(given: Option<&Path>) -> Result<FilePath, CliError> {
    let here =
        env::current_dir().map_err(|error| CliError::unusable(format!("cannot tell the current folder: {error}")))?;
    match given {
        Some(given) => at(&here.join(given), given),
        None => search(&here),
    }
}

fn at(path: &Path, given: &Path) -> Result<FilePath, CliError> {
    match path.metadata() {
        Ok(_) => Ok(FilePath::new(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(CliError::usage(format!("there is no file `{}`", given.display()))
                .with_help("give the path of an Orchfile or Tiltfile with `--file`"))
        }
        Err(error) => Err(CliError::unusable(format!("cannot read `{}`: {error}", given.display()))),
    }
}

/// The folder of a project that a verb is about. Its Orchfile may be gone while a session lives on, or has left its state.
pub(super) fn project(given: Option<&Path>) -> Result<FilePath, CliError> {
    match orchfile(given) {
        Ok(file) => file.parent().ok_or_else(|| CliError::usage(format!("`{file}` is a folder"))),
        Err(error) => {
            let here = env::current_dir().unwrap_or_default();
            let is_known = |folder: &&Path| claim::state_dir(&FilePath::new(*folder)).is_dir();
            match given {
                None => folders(&here).find(is_known).map(FilePath::new).ok_or_else(|| match running_near(&here) {
                    Some(help) => error.with_help(help),
                    None => error,
                }),
                Some(given) => {
                    // Where there is another one the name is rather misspelt.
                    let has_none = |folder: &&Path| NAMES.iter().all(|name| !folder.join(name).exists());
                    let path = here.join(given);
                    let gone = path.parent().filter(|_| !path.exists()).filter(is_known).filter(has_none);
                    gone.map(FilePath::new).ok_or(error)
                }
            }
        }
    }
}

/// What to do where the sessions that run belong to projects further down, or further up.
fn running_near(here: &Path) -> Option<String> {
    let near = |card: SessionCard| {
        let (file, root) = (card.file.as_path(), card.root());
        let path = file.strip_prefix(here).ok().or_else(|| here.starts_with(root.as_path()).then_some(file))?;
        Some(format!("`-f {}`", spec::command_line(&[path.to_string_lossy().into_owned()])))
    };
    let names: Vec<String> = claim::sessions().into_iter().filter_map(near).collect();
    (!names.is_empty()).then(|| format!("what runs here is named by {}", names.join(" or ")))
}

fn search(here: &Path) -> Result<FilePath, CliError> {
    let candidates: Vec<PathBuf> = folders(here).flat_map(|folder| NAMES.map(|name| folder.join(name))).collect();
    match candidates.iter().find(|path| path.is_file()) {
        Some(path) => Ok(FilePath::new(path)),
        None => Err(candidates.iter().find_map(|path| unfit(path)).unwrap_or_else(|| {
            CliError::usage("there is no Orchfile or Tiltfile here".to_owned())
                .with_help("`orch init` writes one from what it finds here; `--file` names one elsewhere")
        })),
    }
}

/// From here up to the repository's root, outside of a repository only here.
fn folders(here: &Path) -> impl Iterator<Item = &Path> {
    let root = here.ancestors().find(|folder| folder.join(".git").exists());
    let above = here.ancestors().skip(1).take_while(move |folder| root.is_some_and(|root| folder.starts_with(root)));
    iter::once(here).chain(above)
}

/// What is wrong with something that has the name of an entry file and is none.
fn unfit(path: &Path) -> Option<CliError> {
    let found = path.symlink_metadata().ok()?;
    let what = if found.is_symlink() {
        "is a link to a file that is not there"
    } else if found.is_dir() {
        "is a folder, not a file"
    } else {
        "is not a regular file"
    };
    let error = CliError::usage(format!("`{}` {what}", path.display()));
    Some(error.with_help("put an Orchfile in its place, or name one with `--file`"))
}
