//! Live update: files of running containers are changed in place.
//!
//! All files of a batch go as one archive, read once and sent to all containers side by side; what is gone is removed by the
//! container's own `rm`; then commands run in it, one after the other in all of them. What to copy and when is the engine's business, as is
//! what to do when it fails.

mod exec;
mod owner;
mod removal;
mod target;

pub(super) use exec::exit_code;
pub use owner::Owners;

use super::Connection;
use crate::{
    engine::{RunEnd, UpdateOrder},
    host::live_update::{Changes, Chunks, Contents, Owner, Stopped, change, run_alike, send, shown},
    logs::{LogName, LogStore},
    model::{Attempt, Failure, FilePath, Level, ResourceName, RunId, RunStep},
};
use bollard::{
    body_try_stream,
    query_parameters::{RestartContainerOptionsBuilder, UploadToContainerOptionsBuilder},
};
use exec::Command;
use futures_util::future::try_join_all;
use removal::missing_folders;
use std::{sync::Arc, time::Duration};
use target::Target;
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

impl Update<'_> {
    /// Performs it.
    pub async fn perform(&self, connection: &Connection, logs: &LogStore, owners: &Owners) -> RunEnd {
        Stopped::end(self.attempt(connection, logs, owners).await, logs)
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
        let Changes { removal, files } =
            Changes::look(self.order.copies.clone(), &self.order.removals, self.order.folders.clone()).await?;
        let one_by_one = removal.is_in_the_way_of(&files);
        let remove = async {
            let removing = targets.iter().map(|target| removal::perform(connection, target, &removal));
            try_join_all(removing).await.map(drop)
        };
        change(one_by_one, remove, copy(connection, owners, targets, files)).await
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
        let title = |target: &Target| format!("the container `{}`", target.name);
        let run = async |target| {
            let writer = logs.writer(&log, attempt);
            let ended = exec::run(connection, target, command, move |stream, bytes| writer.write(stream, bytes)).await;
            let doing = || format!("`{shown}` cannot be run in {}", title(target));
            ended.map_err(|error| connection.failure(&doing(), &error))
        };
        run_alike(&shown, targets, title, run).await
    }
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
    send(contents, targets, |target, chunks| upload(connection, target, &base, chunks)).await
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
