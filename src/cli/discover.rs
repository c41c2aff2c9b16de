//! Finds the Orchfile.

use super::error::CliError;
use crate::model::FilePath;
use std::{
    env, io,
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

fn search(here: &Path) -> Result<FilePath, CliError> {
    let root = here.ancestors().find(|folder| folder.join(".git").exists());
    let folders = here.ancestors().take_while(|folder| root.is_some_and(|root| folder.starts_with(root)));
    let folders = std::iter::once(here).chain(folders.skip(1));
    let candidates = folders.flat_map(|folder| NAMES.map(|name| folder.join(name)));
    match candidates.into_iter().find(|path: &PathBuf| path.is_file()) {
        Some(path) => Ok(FilePath::new(path)),
        None => Err(CliError::usage("there is no Orchfile or Tiltfile here".to_owned())
            .with_help("write one (see `Orchfile.example`), or name one with `--file`")),
    }
}
