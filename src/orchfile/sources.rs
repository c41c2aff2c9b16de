//! The only door from an Orchfile to the world: what an evaluation may ask for and what it tells.

use crate::model::{Digest, EvaluationInput, FilePath, Level, Secret};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io};

/// What an evaluation can ask of the world. Nothing in `orchfile` touches files, processes or the clock but through this.
pub trait Sources: Sync {
    /// The bytes of a file.
    ///
    /// # Errors
    /// As the operating system gives them; a file of more than `bytes_max` bytes is `FileTooLarge`.
    fn read(&self, path: &FilePath, bytes_max: u64) -> io::Result<Vec<u8>>;

    /// What is in a folder, or anywhere below it when `recursive`; sorted by path. Symbolic links to folders are listed and not
    /// followed.
    ///
    /// # Errors
    /// As the operating system gives them.
    fn list(&self, folder: &FilePath, recursive: bool) -> io::Result<Vec<Entry>>;

    /// What is at `path`, symbolic links followed; `None` when there is nothing.
    ///
    /// # Errors
    /// As the operating system gives them, for all but "not found".
    fn kind(&self, path: &FilePath) -> io::Result<Option<EntryKind>>;

    /// The path without symbolic links.
    ///
    /// # Errors
    /// As the operating system gives them.
    fn real_path(&self, path: &FilePath) -> io::Result<FilePath>;

    /// Runs a command to its end.
    ///
    /// # Errors
    /// When it could not be started.
    fn run(&self, command: &SourceCommand) -> io::Result<SourceOutput>;

    /// Hears something at once, so that it is known also of an evaluation that is killed later.
    fn tell(&self, told: Told);

    /// Whether the evaluation should stop soon.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// One entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where.
    pub path: FilePath,
    /// What the entry itself is.
    pub kind: EntryKind,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// Anything else: a socket, a device, a dangling link.
    Other,
}

/// A command that the Orchfile itself wants to have run, by `local()` and its like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCommand {
    /// Program and arguments; never empty.
    pub argv: Vec<String>,
    /// The working directory.
    pub dir: FilePath,
    /// Set (or, with `None`, removed) on top of orch's own environment: the overlay of `os.putenv`, then the call's own.
    pub env: BTreeMap<String, Option<String>>,
    /// What it reads; nothing when `None`.
    pub stdin: Option<String>,
    /// Keeps its output out of the log.
    pub quiet: bool,
    /// Says in the log what is run.
    pub echo: bool,
    /// Digest of all that decides what it prints, beside what is said here; `None` where that is not known. What an earlier
    /// one, the same in all, printed when it succeeded may then stand for it.
    pub inputs: Option<Digest>,
}

/// How a command of the Orchfile ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceOutput {
    /// Its exit code, 128 + the signal's number when a signal ended it.
    pub code: i32,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// The end of its standard error, for messages.
    pub stderr: Vec<u8>,
}

/// What an evaluation tells while it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It read these.
    Inputs(Vec<EvaluationInput>),
    /// This must never be shown. Comes before any line that may hold it.
    Secret(Secret),
    /// A line, or several, of the session's log.
    Line {
        /// How important it is.
        level: Level,
        /// Who says it.
        voice: Voice,
        /// Without the last newline.
        text: String,
    },
}

/// Who says a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// The user's file, by `print` or `warn`.
    File,
    /// orch itself.
    Orch,
}
