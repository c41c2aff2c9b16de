//! What is copied, as this machine has it at the moment of the update: a decision may be older than the file.

use crate::model::FilePath;
use std::{fs, io};

/// The copies of an update, by what became of their files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::host) struct Sources {
    /// These are there; each with its path in the container.
    pub(in crate::host) files: Vec<(FilePath, FilePath)>,
    /// Paths in the container whose files are not there any more.
    pub(in crate::host) gone: Vec<FilePath>,
    /// Paths in the container whose files became folders here: in the way there, unless they are folders there too.
    pub(in crate::host) folders: Vec<FilePath>,
}

impl Sources {
    /// Looks at each file. Blocks.
    pub(in crate::host) fn look(copies: &[(FilePath, String)]) -> Self {
        let mut sources = Self::default();
        for (file, remote) in copies {
            let remote = FilePath::new(remote);
            match fs::symlink_metadata(file).map(|metadata| metadata.file_type()) {
                Ok(kind) if kind.is_dir() => sources.folders.push(remote),
                Ok(kind) if kind.is_file() || kind.is_symlink() => sources.files.push((file.clone(), remote)),
                Ok(_) => sources.gone.push(remote),
                Err(error) if is_gone(&error) => sources.gone.push(remote),
                // Whatever keeps it from being looked at shows when it is read.
                Err(_) => sources.files.push((file.clone(), remote)),
            }
        }
        sources
    }
}

/// The places of those folders that are none any more here, each without those that lie in another. Blocks.
pub(super) fn gone_folders(folders: &[(FilePath, String)]) -> Vec<FilePath> {
    let is_gone = |folder: &FilePath| match fs::symlink_metadata(folder) {
        Ok(metadata) => !metadata.is_dir(),
        Err(error) => is_gone(&error),
    };
    let mut gone: Vec<FilePath> =
        folders.iter().filter(|(folder, _)| is_gone(folder)).map(|(_, remote)| FilePath::new(remote)).collect();
    gone.sort();
    gone.dedup_by(|folder, before| folder.is_within(before));
    gone
}

/// Whether there is no such file: neither it nor a folder on its way.
pub(in crate::host) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
