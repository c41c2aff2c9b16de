#![expect(clippy::disallowed_methods, reason = "this is where an evaluation reads the file system")]
//! Sources of this machine: files are read here, commands and what is told go to closures of the caller.

use super::sources::{Entry, EntryKind, SourceCommand, SourceOutput, Sources, Told};
use crate::model::FilePath;
use std::{
    fs,
    io::{self, Read},
    sync::atomic::{AtomicBool, Ordering},
};

type Run = dyn Fn(&SourceCommand) -> io::Result<SourceOutput> + Sync + Send;
type Tell = dyn Fn(Told) + Sync + Send;

/// The files of this machine. Commands are run by whoever made it: never here.
pub struct LocalSources {
    run: Box<Run>,
    tell: Box<Tell>,
    cancelled: AtomicBool,
}

impl LocalSources {
    /// Files of this machine, with `run` for commands and `tell` for what is told.
    pub fn new(
        run: impl Fn(&SourceCommand) -> io::Result<SourceOutput> + Sync + Send + 'static,
        tell: impl Fn(Told) + Sync + Send + 'static,
    ) -> Self {
        Self { run: Box::new(run), tell: Box::new(tell), cancelled: AtomicBool::new(false) }
    }

    /// Files of this machine for somebody who only looks: commands are refused, nothing is heard.
    #[must_use]
    pub fn silent() -> Self {
        let refuse = |_: &SourceCommand| Err(io::Error::new(io::ErrorKind::Unsupported, "no commands are run here"));
        Self::new(refuse, drop)
    }

    /// Asks the evaluation to stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Sources for LocalSources {
    fn read(&self, path: &FilePath, bytes_max: u64) -> io::Result<Vec<u8>> {
        let file = fs::File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut bytes = Vec::new();
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > bytes_max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(bytes)
    }

    fn list(&self, folder: &FilePath, recursive: bool) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut folders = vec![folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                let kind = kind_of(entry.file_type()?);
                if recursive && kind == EntryKind::Folder {
                    folders.push(path.clone());
                }
                entries.push(Entry { path, kind });
            }
        }
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    fn kind(&self, path: &FilePath) -> io::Result<Option<EntryKind>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(kind_of(metadata.file_type()))),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn real_path(&self, path: &FilePath) -> io::Result<FilePath> {
        fs::canonicalize(path).map(FilePath::new)
    }

    fn run(&self, command: &SourceCommand) -> io::Result<SourceOutput> {
        (self.run)(command)
    }

    fn tell(&self, told: Told) {
        (self.tell)(told);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

fn kind_of(kind: fs::FileType) -> EntryKind {
    if kind.is_dir() {
        EntryKind::Folder
    } else if kind.is_file() {
        EntryKind::File
    } else {
        EntryKind::Other
    }
}
