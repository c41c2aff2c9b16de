//! What is done with Docker. Each run is a task of its own; to cancel it is to drop the task.

use super::World;
use crate::{
    engine::{DockerEffect, Event, RunEnd, UpdateOrder},
    host::docker::live_update::{Owners, Update},
    logs::LogName,
    model::{Exit, Level, ResourceName, RunId},
};
use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};
use tokio::task::AbortHandle;

/// What goes on with Docker.
pub(super) struct Docking {
    world: World,
    runs: BTreeMap<RunId, AbortHandle>,
    owners: Owners,
}

impl Docking {
    pub(super) fn new(world: World) -> Self {
        Self { world, runs: BTreeMap::new(), owners: Owners::default() }
    }

    /// Begins to carry out an effect.
    pub(super) fn perform(&mut self, effect: DockerEffect) {
        match effect {
            DockerEffect::Update { run, resource, order, grace } => self.update(run, resource, order, grace),
            DockerEffect::RememberImage { image, record } => {
                let now = self.world.clock.wall(self.world.clock.now());
                self.world.store.remember_image(&image, &record, now);
            }
            DockerEffect::RememberOverlay { resource, overlay } => {
                if let Err(failure) = self.world.store.remember_overlay(&resource, &overlay) {
                    self.world.logs.say(&LogName::Session, None, Level::Warning, &failure.message);
                }
            }
            _ => {}
        }
    }

    /// Ends a run, if it is one of these.
    pub(super) fn cancel(&self, run: RunId) {
        if let Some(task) = self.runs.get(&run) {
            task.abort();
        }
    }

    /// A run has ended.
    pub(super) fn forget(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    fn update(&mut self, run: RunId, resource: ResourceName, order: Arc<UpdateOrder>, grace: Duration) {
        let (world, owners) = (self.world.clone(), self.owners.clone());
        self.start(run, async move {
            let connection = match world.docker.connection().await {
                Ok(connection) => connection,
                Err(failure) => return RunEnd::of(Exit::NotStarted(failure)),
            };
            let update = Update { run, resource: &resource, order: &order, grace };
            RunEnd::of(update.perform(connection, &world.logs, &owners).await)
        });
    }

    /// Does the work of a run; its end is told once, whatever happens.
    fn start(&mut self, run: RunId, work: impl Future<Output = RunEnd> + Send + 'static) {
        if let Err(failure) = self.world.store.use_run(run) {
            self.world.logs.say(&LogName::Session, None, Level::Warning, &failure.message);
        }
        let promise = self.world.outbox.promise(Event::RunEnded { run, end: RunEnd::of(Exit::Stopped) });
        let task = tokio::spawn(async move {
            let end = work.await;
            promise.keep(Event::RunEnded { run, end });
        });
        self.runs.insert(run, task.abort_handle());
    }
}
