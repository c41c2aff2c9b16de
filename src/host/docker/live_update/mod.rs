//! Live update: files of running containers are changed in place.
//!
//! All files of a batch go as one archive, read once and sent to all containers side by side; what is gone is removed by the
//! container's own `rm`; then commands run in it, one after the other in all of them. What to copy and when is the engine's business, as is
//! what to do when it fails.

pub(in crate::host) mod archive;
mod exec;
pub(in crate::host) mod owner;
mod removal;
pub(in crate::host) mod source;
mod target;
pub(in crate::host) mod tee;

pub use owner::Owners;

use super::Connection;
use crate::{
    engine::{RunEnd, UpdateOrder},
    logs::{LogName, LogStore},
    model::{Attempt, Exit, Failure, FilePath, Level, ResourceName, RunId, RunStep},
};
use archive::{Contents, Cut};
use bollard::{
    body_try_stream,
    query_parameters::{RestartContainerOptionsBuilder, UploadToContainerOptionsBuilder},
};
use exec::Command;
use futures_util::future::{join_all, try_join_all};
use owner::Owner;
use removal::{Removal, missing_folders};
use source::{Sources, gone_folders};
use std::{sync::Arc, time::Duration};
use target::Target;
use tee::{Chunks, Tee};
use tokio_stream::wrappers::ReceiverStream;

/// How long the engine may take to unpack an archive.
const UNPACKING_TIMEOUT: Duration = Duration::from_hours(1);

/// An update of the containers of a resource.
pub struct Update<'a> {
    /// Which run.
    pub run: RunId,
    /// Whose log it writes.
    pub resource: &'a ResourceName,
    /// What is done.
    pub order: &'a Arc<UpdateOrder>,
    /// How long a container that is started again may take to end.
    pub grace: Duration,
}

/// Why an update ends before its end.
enum Stopped {
    /// A step failed in all containers alike: with which code, and which.
    Step(i32, String),
    /// The containers are not what they should be.
    Failed(Failure),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Update<'_> {
    /// Performs it.
    pub async fn perform(&self, connection: &Connection, logs: &LogStore, owners: &Owners) -> RunEnd {
        match self.attempt(connection, logs, owners).await {
            Ok(()) => RunEnd::of(Exit::Code(0)),
            Err(Stopped::Step(code, command)) => {
                let redacted = logs.redactor().map(|redactor| redactor.redact_text(&command).into_owned());
                RunEnd { failed_command: redacted.or(Some(command)), ..RunEnd::of(Exit::Code(code)) }
            }
            Err(Stopped::Failed(failure)) => RunEnd::of(Exit::NotStarted(failure)),
        }
    }

    async fn attempt(&self, connection: &Connection, logs: &LogStore, owners: &Owners) -> Result<(), Stopped> {
        let targets = try_join_all(self.order.containers.iter().map(|id| Target::look(connection, id))).await?;
        self.change_files(connection, owners, &targets).await?;
        for step in &self.order.runs {
            self.run_step(connection, logs, &targets, step).await?;
        }
        if self.order.restart {
            try_join_all(targets.iter().map(|target| restart(connection, target, self.grace))).await?;
        }
        Ok(())
    }

    async fn change_files(&self, connection: &Connection, owners: &Owners, targets: &[Target]) -> Result<(), Failure> {
        let order = Arc::clone(self.order);
        let look = move || (Sources::look(&order.copies), gone_folders(&order.folders));
        let (sources, folders) = blocking(look).await?;
        let removals = self.order.removals.iter().map(FilePath::new).chain(sources.gone);
        let is_left = |path: &FilePath| !is_below_any(path, &folders);
        let removed = removals.filter(is_left).chain(folders.iter().cloned());
        // A whole file system is nobody's file.
        let removed = removed.filter(|path| path.parent().is_some()).collect();
        let removal = Removal { all: removed, files: sources.folders };
        let remove = try_join_all(targets.iter().map(|target| removal.perform(connection, target)));
        if removal.is_in_the_way_of(&sources.files) {
            remove.await?;
            copy(connection, owners, targets, sources.files).await
        } else {
            futures_util::try_join!(remove, copy(connection, owners, targets, sources.files)).map(|_| ())
        }
    }

    /// Runs a command in all containers. All that fail alike are still alike.
    async fn run_step(
        &self,
        connection: &Connection,
        logs: &LogStore,
        targets: &[Target],
        step: &RunStep,
    ) -> Result<(), Stopped> {
        let (log, attempt) = (LogName::Resource(self.resource.clone()), Some(Attempt::Run(self.run)));
        let shown = shown(&step.argv);
        if !step.echo_off {
            logs.say(&log, attempt, Level::Info, &format!("runs `{shown}`"));
        }
        let command =
            Command { argv: &step.argv, user: step.user.as_deref(), dir: step.dir.as_deref(), env: &step.env };
        let runs = targets.iter().map(|target| {
            let writer = logs.writer(&log, attempt);
            exec::run(connection, target, command, move |stream, bytes| writer.write(stream, bytes))
        });
        let ended = join_all(runs).await.into_iter().zip(targets).map(|(ended, target)| {
            let doing = || format!("`{shown}` cannot be run in the container `{}`", target.name);
            ended.map_err(|error| connection.failure(&doing(), &error))
        });
        let codes = ended.collect::<Result<Vec<i32>, Failure>>()?;
        match codes.iter().zip(targets).find(|(code, _)| **code != codes[0]) {
            Some((other, target)) => Err(Stopped::Failed(Failure {
                message: format!(
                    "`{shown}` ended with {} in the container `{}` and with {other} in `{}`",
                    codes[0], targets[0].name, target.name
                ),
                help: None,
            })),
            None if codes.first().is_some_and(|code| *code != 0) => Err(Stopped::Step(codes[0], shown)),
            None => Ok(()),
        }
    }
}

/// Whether a path lies in one of these sorted folders.
fn is_below_any(path: &FilePath, folders: &[FilePath]) -> bool {
    std::iter::successors(Some(path.clone()), FilePath::parent).any(|above| folders.binary_search(&above).is_ok())
}

/// Copies files into all containers.
async fn copy(
    connection: &Connection,
    owners: &Owners,
    targets: &[Target],
    files: Vec<(FilePath, FilePath)>,
) -> Result<(), Failure> {
    let Some(first) = targets.first().filter(|_| !files.is_empty()) else { return Ok(()) };
    // They are made of one definition: what holds for one holds for all.
    let base = first.base_of(files.iter().map(|(_, remote)| remote))?;
    let owner = owners.of(connection, first).await;
    let folders = if owner == Owner::default() {
        // The engine makes them, as root's.
        Vec::new()
    } else {
        let missing = missing_folders(connection, first, &files).await;
        missing.map_err(|error| cannot_copy(connection, first, &error))?
    };
    let contents = Contents { base: base.clone(), owner, folders, files };
    let (mut tee, readers) = Tee::new(targets.len());
    let writing = blocking(move || match contents.write(&mut tee) {
        Err(Cut::Unreadable(failure)) => {
            tee.cut_off();
            Err(failure)
        }
        // Whoever went away says why.
        Err(Cut::Unread) | Ok(()) => Ok(()),
    });
    let uploads = targets.iter().zip(readers).map(|(target, chunks)| upload(connection, target, &base, chunks));
    let (written, uploaded) = futures_util::join!(writing, join_all(uploads));
    written??;
    uploaded.into_iter().collect()
}

async fn upload(connection: &Connection, target: &Target, base: &FilePath, chunks: Chunks) -> Result<(), Failure> {
    let options = UploadToContainerOptionsBuilder::default().path(&base.to_string()).build();
    let body = body_try_stream(ReceiverStream::new(chunks));
    let api = connection.slow_api(UNPACKING_TIMEOUT);
    let uploaded = api.upload_to_container(&target.id.0, Some(options), body).await;
    uploaded.map_err(|error| cannot_copy(connection, target, &error))
}

fn cannot_copy(connection: &Connection, target: &Target, error: &bollard::errors::Error) -> Failure {
    connection.failure(&format!("files cannot be copied into the container `{}`", target.name), error)
}

async fn restart(connection: &Connection, target: &Target, grace: Duration) -> Result<(), Failure> {
    let seconds = i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
    let options = RestartContainerOptionsBuilder::default().t(seconds).build();
    let restarted = connection.slow_api(grace).restart_container(&target.id.0, Some(options)).await;
    restarted.map_err(|error| {
        connection.failure(&format!("the container `{}` cannot be started again", target.name), &error)
    })
}

/// Does what takes a while on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Failure { message: "the files could not be read".to_owned(), help: None })
}

/// A command as people write it.
fn shown(argv: &[String]) -> String {
    let word = |word: &String| {
        let is_plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "'\"\\$`".contains(c));
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    match argv {
        [shell, option, script] if shell == "sh" && option == "-c" => script.clone(),
        argv => argv.iter().map(word).collect::<Vec<_>>().join(" "),
    }
}
