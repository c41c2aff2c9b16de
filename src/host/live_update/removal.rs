//! Files that go, and what they may be in the way of.

use crate::model::FilePath;

/// Paths in a container that go.
#[derive(Debug, Default)]
pub(in crate::host) struct Removal {
    /// Whatever is there.
    pub(in crate::host) all: Vec<FilePath>,
    /// Unless a folder is there.
    pub(in crate::host) files: Vec<FilePath>,
}

impl Removal {
    /// Whether it must be over before `files` are copied: something lies below or above something else.
    pub(in crate::host) fn is_in_the_way_of(&self, files: &[(FilePath, FilePath)]) -> bool {
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
}

/// The paths in pieces that one command takes, of so many bytes at most.
pub(in crate::host) fn pieces(paths: Vec<FilePath>, bytes_max: usize) -> Vec<Vec<FilePath>> {
    let mut pieces: Vec<Vec<FilePath>> = Vec::new();
    let mut room = 0;
    for path in paths {
        let length = path.as_bytes().len();
        match pieces.last_mut() {
            Some(piece) if length <= room => piece.push(path),
            Some(_) | None => {
                room = bytes_max;
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
        let pieces = pieces(paths.clone(), 100_000);
        assert_eq!(pieces.concat(), paths);
        let sizes: Vec<usize> =
            pieces.iter().map(|piece| piece.iter().map(|path| path.as_bytes().len()).sum()).collect();
        assert!(sizes.len() == 3 && sizes.iter().all(|size| *size <= 100_000), "{sizes:?}");
    }
}
