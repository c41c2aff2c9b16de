//! What is done with Docker. Each run is a task of its own; to cancel it is to drop the task.

use super::{World, sink::LogSink};
use crate::{
    engine::{BuildOrder, DockerEffect, Event, Made, RunEnd, UpdateOrder},
    host::docker::{
        build::{self, Log, Tools, Turns, prune::prune},
        compose::Compose,
        credentials::Credentials,
        live_update::{Owners, Update},
    },
    logs::LogName,
    model::{Attempt, DockerPrune, Exit, Failure, ImageId, Level, Overlay, ResourceName, RunId},
};
use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};
use tokio::task::AbortHandle;

/// What goes on with Docker.
pub(super) struct Docking {
    world: World,
    runs: BTreeMap<RunId, AbortHandle>,
    /// Whose containers are being removed: what was changed in them is then not true of others.
    removals: BTreeMap<RunId, ResourceName>,
    owners: Owners,
    compose: Compose,
    turns: Turns,
}

impl Docking {
    pub(super) fn new(world: World) -> Self {
        Self {
            world,
            runs: BTreeMap::new(),
            removals: BTreeMap::new(),
            owners: Owners::default(),
            compose: Compose::default(),
            turns: Turns::default(),
        }
    }

    /// Begins to carry out an effect.
    pub(super) fn perform(&mut self, effect: DockerEffect) {
        if let DockerEffect::Remove { run, resource, .. } = &effect {
            self.removals.insert(*run, resource.clone());
        }
        match effect {
            DockerEffect::Build { run, resource, order } => self.build(run, resource, order),
            DockerEffect::Prune { settings, keep } => {
                tokio::spawn(prune_images(self.world.clone(), settings, keep));
            }
            DockerEffect::Update { run, resource, order, grace } => self.update(run, resource, order, grace),
            DockerEffect::RememberImage { image, record } => {
                let now = self.world.clock.wall(self.world.clock.now());
                self.world.store.remember_image(&image, &record, now);
            }
            DockerEffect::RememberOverlay { resource, overlay } => {
                self.remember_overlay(&resource, &overlay);
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
    pub(super) fn ended(&mut self, run: RunId, exit: &Exit) {
        self.runs.remove(&run);
        if let Some(resource) = self.removals.remove(&run).filter(|_| exit.is_success()) {
            self.remember_overlay(&resource, &Arc::default());
        }
    }

    fn remember_overlay(&self, resource: &ResourceName, overlay: &Arc<Overlay>) {
        if let Err(failure) = self.world.store.remember_overlay(resource, overlay) {
            self.world.logs.say(&LogName::Session, None, Level::Warning, &failure.message);
        }
    }

    fn build(&mut self, run: RunId, resource: ResourceName, order: Arc<BuildOrder>) {
        let (world, compose, turns) = (self.world.clone(), self.compose.clone(), self.turns.clone());
        self.start(run, async move {
            let connection = match world.docker.connection().await {
                Ok(connection) => connection.clone(),
                Err(failure) => return RunEnd::of(Exit::NotStarted(failure)),
            };
            let writer = world.logs.writer(&LogName::Resource(resource), Some(Attempt::Run(run)));
            let config_dir = world.docker.surroundings().config_dir.clone();
            let tools = Tools {
                connection,
                credentials: Credentials::new(config_dir, world.processes.clone()),
                processes: world.processes,
                compose,
                turns,
                dir: world.ask.file.parent().unwrap_or_else(|| world.ask.file.clone()),
                defaults: world.defaults,
            };
            match build::build(&tools, &order, &Log::new(Arc::new(LogSink(writer)))).await {
                Ok(built) => RunEnd { made: Made::Image(built), ..RunEnd::of(Exit::Code(0)) },
                Err(failure) => RunEnd::of(Exit::NotStarted(failure.into_failure())),
            }
        });
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

/// Removes old images of the project. What goes wrong is said; it is tried again the next time.
async fn prune_images(world: World, settings: DockerPrune, keep: Vec<ImageId>) {
    let removed: Result<Vec<ImageId>, Failure> = async {
        let made = world.store.made_images()?;
        let now = world.clock.wall(world.clock.now());
        prune(world.docker.connection().await?, made, &settings, keep, now).await
    }
    .await;
    match removed {
        Ok(gone) => world.store.forget_images(gone),
        Err(failure) => world.logs.say(&LogName::Session, None, Level::Warning, &failure.message),
    }
}
