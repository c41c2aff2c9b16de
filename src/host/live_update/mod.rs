//! Live update, whatever the containers live in: what a batch comes to on this machine, one archive for all containers, and commands
//! that are run in all of them. How a container is reached is its room's business.

mod archive;
mod removal;
mod send;
mod source;
mod steps;
mod tee;

pub(super) use archive::{Contents, Owner};
pub(super) use removal::{Removal, pieces};
pub(super) use send::send;
pub(super) use steps::{run_alike, shown};
pub(super) use tee::Chunks;

use crate::{
    engine::RunEnd,
    logs::LogStore,
    model::{Exit, Failure, FilePath},
};
use source::{Sources, gone_folders};

/// How much of what a program that changes files says is kept.
const SAID_BYTES_MAX: usize = 4096;

/// Why an update ends before its end.
pub(super) enum Stopped {
    /// A step failed in all containers alike: with which code, and which.
    Step(i32, String),
    /// The containers are not what they should be.
    Failed(Failure),
}

impl Stopped {
    /// How the update ends that came to this.
    pub(super) fn end(attempted: Result<(), Self>, logs: &LogStore) -> RunEnd {
        match attempted {
            Ok(()) => RunEnd::of(Exit::Code(0)),
            Err(Self::Step(code, command)) => {
                let redacted = logs.redactor().map(|redactor| redactor.redact_text(&command).into_owned());
                RunEnd { failed_command: redacted.or(Some(command)), ..RunEnd::of(Exit::Code(code)) }
            }
            Err(Self::Failed(failure)) => RunEnd::of(Exit::NotStarted(failure)),
        }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What a batch comes to: a decision may be older than the files.
pub(super) struct Changes {
    /// What goes.
    pub(super) removal: Removal,
    /// Files of this machine with their places in the container.
    pub(super) files: Vec<(FilePath, FilePath)>,
}

impl Changes {
    /// Looks at the files: those copied and those removed, and the folders in which some were removed.
    pub(super) async fn look(
        copies: Vec<(FilePath, String)>,
        removals: &[String],
        folders: Vec<(FilePath, String)>,
    ) -> Result<Self, Failure> {
        let (sources, folders) = blocking(move || (Sources::look(&copies), gone_folders(&folders))).await?;
        let removals = removals.iter().map(FilePath::new).chain(sources.gone);
        let is_left = |path: &FilePath| !is_below_any(path, &folders);
        let removed = removals.filter(is_left).chain(folders.iter().cloned());
        // A whole file system is nobody's file.
        let all = removed.filter(|path| path.parent().is_some()).collect();
        Ok(Self { removal: Removal { all, files: sources.folders }, files: sources.files })
    }
}

/// Removes and copies: one after the other where the one is in the way of the other, else at once.
pub(super) async fn change(
    one_by_one: bool,
    remove: impl Future<Output = Result<(), Failure>>,
    copy: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    if one_by_one {
        remove.await?;
        copy.await
    } else {
        futures_util::try_join!(remove, copy).map(|_| ())
    }
}

/// Keeps the beginning of what a program says.
pub(super) fn keep(said: &mut Vec<u8>, bytes: &[u8]) {
    said.extend_from_slice(&bytes[..bytes.len().min(SAID_BYTES_MAX.saturating_sub(said.len()))]);
}

/// Whether a path lies in one of these sorted folders.
fn is_below_any(path: &FilePath, folders: &[FilePath]) -> bool {
    std::iter::successors(Some(path.clone()), FilePath::parent).any(|above| folders.binary_search(&above).is_ok())
}

/// Does what takes a while on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure { message: "the files could not be read".to_owned(), help: None })
}
