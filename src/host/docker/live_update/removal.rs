//! Files that go. The engine's API cannot remove a file in a container: its own `rm` does, so only where there is something to remove.

use super::{
    exec::{self, Command},
    target::{Found, Target},
};
use crate::{
    host::docker::Connection,
    model::{Failure, FilePath},
};
use futures_util::future::try_join_all;

/// So many paths are looked at in the container before `rm` is called; beyond that it is called for all.
const LOOKED_AT_MAX: usize = 256;
/// How many are looked at side by side.
const SIDE_BY_SIDE: usize = 8;
/// How many bytes of paths one `rm` gets: far less than any system allows.
const ARGUMENTS_BYTES_MAX: usize = 100_000;
/// How much of what `rm` says is kept.
const SAID_BYTES_MAX: usize = 4096;
/// What an engine gives for a command that is not there.
const NOT_THERE: [i32; 2] = [126, 127];

/// Paths in a container that go.
#[derive(Debug, Default)]
pub(super) struct Removal {
    /// Whatever is there.
    pub(super) all: Vec<FilePath>,
    /// Unless a folder is there.
    pub(super) files: Vec<FilePath>,
}

impl Removal {
    /// Whether it must be over before `files` are copied: something lies below or above something else.
    pub(super) fn is_in_the_way_of(&self, files: &[(FilePath, FilePath)]) -> bool {
        let mut copied: Vec<&FilePath> = files.iter().map(|(_, remote)| remote).collect();
        copied.sort();
        let is_above = |removed: &FilePath| {
            let first = copied.partition_point(|file| *file < removed);
            copied.get(first).is_some_and(|file| file.is_within(removed))
        };
        let is_below = |removed: &FilePath| {
            let mut above = std::iter::successors(removed.parent(), FilePath::parent);
            above.any(|above| copied.binary_search(&&above).is_ok())
        };
        self.all.iter().chain(&self.files).any(|removed| is_above(removed) || is_below(removed))
    }

    /// Removes them in a container.
    pub(super) async fn perform(&self, connection: &Connection, target: &Target) -> Result<(), Failure> {
        let there = self.there(connection, target).await.map_err(|error| {
            connection.failure(&format!("the container `{}` cannot be looked at", target.name), &error)
        })?;
        for piece in pieces(there) {
            remove(connection, target, &piece).await?;
        }
        Ok(())
    }

    /// What of it is there.
    async fn there(&self, connection: &Connection, target: &Target) -> Result<Vec<FilePath>, bollard::errors::Error> {
        let (looked_at, taken): (&[_], &[_]) =
            if self.all.len() > LOOKED_AT_MAX { (&[], &self.all) } else { (&self.all, &[]) };
        let all = looked_at.iter().map(|path| (path, true));
        let files = self.files.iter().map(|path| (path, false));
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
    let ended = exec::run(connection, target, command, |_, bytes| {
        said.extend_from_slice(&bytes[..bytes.len().min(SAID_BYTES_MAX.saturating_sub(said.len()))]);
    });
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

fn pieces(paths: Vec<FilePath>) -> Vec<Vec<FilePath>> {
    let mut pieces: Vec<Vec<FilePath>> = Vec::new();
    let mut room = 0;
    for path in paths {
        let length = path.as_bytes().len();
        match pieces.last_mut() {
            Some(piece) if length <= room => piece.push(path),
            Some(_) | None => {
                room = ARGUMENTS_BYTES_MAX;
                pieces.push(vec![path]);
            }
        }
        room = room.saturating_sub(length);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_above_or_below_is_in_the_way() {
        let files: Vec<_> = ["/app/a", "/app/dir/f", "/app/dir-2/g"]
            .map(|remote| (FilePath::new("/here"), FilePath::new(remote)))
            .to_vec();
        let in_the_way = |path: &str| {
            let removal = Removal { all: vec![FilePath::new("/app/none"), FilePath::new(path)], files: Vec::new() };
            removal.is_in_the_way_of(&files)
        };
        let found = ["/app/a", "/app/a/below", "/app/dir", "/app", "/", "/app/b", "/app/di", "/app/dir/e", "/app/dir-"]
            .map(|path| (path, in_the_way(path)));
        let yes: Vec<&str> = found.iter().filter(|(_, yes)| *yes).map(|(path, _)| *path).collect();
        assert_eq!(yes, ["/app/a", "/app/a/below", "/app/dir", "/app", "/"]);
    }

    #[test]
    fn many_paths_go_in_pieces_that_any_system_takes() {
        let paths: Vec<FilePath> = (0..3000).map(|number| FilePath::new(format!("/app/{number:0>90}"))).collect();
        let pieces = pieces(paths.clone());
        assert_eq!(pieces.concat(), paths);
        let sizes: Vec<usize> =
            pieces.iter().map(|piece| piece.iter().map(|path| path.as_bytes().len()).sum()).collect();
        assert!(sizes.len() == 3 && sizes.iter().all(|size| *size <= ARGUMENTS_BYTES_MAX), "{sizes:?}");
    }
}
