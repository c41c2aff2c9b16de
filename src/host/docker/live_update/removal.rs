//! Files that go. The engine's API cannot remove a file in a container: its own `rm` does, so only where there is something to remove.

use super::{
    exec::{self, Command},
    target::{Found, Target},
};
use crate::{
    host::{
        docker::Connection,
        live_update::{Removal, keep, pieces},
    },
    model::{Failure, FilePath},
};
use futures_util::future::try_join_all;

/// So many paths are looked at in the container before `rm` is called; beyond that it is called for all.
const LOOKED_AT_MAX: usize = 256;
/// How many are looked at side by side.
const SIDE_BY_SIDE: usize = 8;
/// How many bytes of paths one `rm` gets: far less than any system allows.
const ARGUMENTS_BYTES_MAX: usize = 100_000;
/// What an engine gives for a command that is not there.
const NOT_THERE: [i32; 2] = [126, 127];

/// Removes what goes in a container.
pub(super) async fn perform(connection: &Connection, target: &Target, removal: &Removal) -> Result<(), Failure> {
    let there = there(connection, target, removal)
        .await
        .map_err(|error| connection.failure(&format!("the container `{}` cannot be looked at", target.name), &error))?;
    for piece in pieces(there, ARGUMENTS_BYTES_MAX) {
        remove(connection, target, &piece).await?;
    }
    Ok(())
}

/// What of it is there.
async fn there(
    connection: &Connection,
    target: &Target,
    removal: &Removal,
) -> Result<Vec<FilePath>, bollard::errors::Error> {
    let (looked_at, taken): (&[_], &[_]) =
        if removal.all.len() > LOOKED_AT_MAX { (&[], &removal.all) } else { (&removal.all, &[]) };
    let all = looked_at.iter().map(|path| (path, true));
    let files = removal.files.iter().map(|path| (path, false));
    let paths: Vec<(&FilePath, bool)> = all.chain(files).collect();
    let mut found = Vec::with_capacity(paths.len());
    for some in paths.chunks(SIDE_BY_SIDE) {
        let looks = some.iter().map(|(path, _)| target.find(connection, path));
        found.extend(some.iter().zip(try_join_all(looks).await?));
    }
    let goes = found.into_iter().filter(|((_, folders_too), found)| match found {
        Found::Nothing => false,
        Found::Folder => *folders_too,
        Found::File => true,
    });
    Ok(taken.iter().chain(goes.map(|((path, _), _)| *path)).cloned().collect())
}

/// The folders of these files that a container has not, each after those it lies in.
pub(super) async fn missing_folders(
    connection: &Connection,
    target: &Target,
    files: &[(FilePath, FilePath)],
) -> Result<Vec<FilePath>, bollard::errors::Error> {
    let mut folders: Vec<FilePath> =
        files.iter().flat_map(|(_, remote)| std::iter::successors(remote.parent(), FilePath::parent)).collect();
    folders.sort();
    folders.dedup();
    let mut missing: Vec<FilePath> = Vec::new();
    for folder in folders {
        let is_below_missing = folder.parent().is_some_and(|parent| missing.binary_search(&parent).is_ok());
        if is_below_missing || target.find(connection, &folder).await? == Found::Nothing {
            missing.push(folder);
        }
    }
    Ok(missing)
}

/// Calls `rm` as root, who may what the engine may.
async fn remove(connection: &Connection, target: &Target, paths: &[FilePath]) -> Result<(), Failure> {
    let argv: Vec<String> =
        ["rm", "-rf", "--"].map(str::to_owned).into_iter().chain(paths.iter().map(FilePath::to_string)).collect();
    let mut said = Vec::new();
    let command = Command { argv: &argv, user: Some("0"), ..Command::default() };
    let ended = exec::run(connection, target, command, |_, bytes| keep(&mut said, bytes));
    let name = &target.name;
    match ended.await {
        Ok(0) => Ok(()),
        Ok(code) => {
            let what = if NOT_THERE.contains(&code) {
                format!("files cannot be removed in the container `{name}`, which has no `rm`")
            } else {
                let said = String::from_utf8_lossy(&said);
                format!(
                    "files cannot be removed in the container `{name}`: {}",
                    said.lines().next().unwrap_or_default()
                )
            };
            Err(Failure { message: what, help: None })
        }
        Err(error) => Err(connection.failure(&format!("files cannot be removed in the container `{name}`"), &error)),
    }
}
