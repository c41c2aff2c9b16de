//! What is done with Docker. Each run is a task of its own; to cancel it is to drop the task.

use super::{World, sink::LogSink};
use crate::{
    engine::{BuildOrder, DockerEffect, DockerEvent, Event, Made, RaiseOrder, RunEnd, UpdateOrder},
    host::docker::{
        Connection, Cut,
        build::{self, BuildFailure, Log, Tools, Turns, prune::prune},
        compose::{self, Compose},
        credentials::Credentials,
        follow::{Cursors, Following},
        link::Link,
        live_update::{Owners, Update},
        marks::Marks,
        observer::Observer,
        plain::{self, Plain},
        remove::{self, ComposeProjects},
        taken::Refused,
    },
    logs::LogName,
    model::{
        Attempt, ContainerId, ContainerSource, DockerPrune, Exit, Failure, FilePath, ImageId, InstanceId, Level,
        Overlay, RequestId, ResourceName, RunId, Time,
    },
};
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

/// How long containers that nobody knows may take to end.
const STRAY_GRACE: Duration = Duration::from_secs(10);

/// What goes on with Docker.
pub(super) struct Docking {
    world: World,
    link: Link,
    marks: Marks,
    runs: BTreeMap<RunId, AbortHandle>,
    /// Whose containers are being removed: what was changed in them is then not true of others.
    removals: BTreeMap<RunId, ResourceName>,
    follows: BTreeMap<InstanceId, CancellationToken>,
    observer: Option<Observer>,
    cursors: Cursors,
    /// How far an earlier session came with them is not known yet.
    follows_nothing_yet: bool,
    owners: Owners,
    compose: Compose,
    turns: Turns,
    plain: Plain,
    /// Those whose containers were removed: what they shared goes at the end.
    removed_from: Arc<Mutex<ComposeProjects>>,
}

impl Docking {
    pub(super) fn new(world: World) -> Self {
        let link = Link::new(world.docker.clone(), world.outbox.clone());
        let marks = Marks { project: world.project.clone(), root: folder(&world) };
        Self {
            world,
            link,
            marks,
            runs: BTreeMap::new(),
            removals: BTreeMap::new(),
            follows: BTreeMap::new(),
            observer: None,
            cursors: Cursors::default(),
            follows_nothing_yet: true,
            owners: Owners::default(),
            compose: Compose::default(),
            turns: Turns::default(),
            plain: Plain::default(),
            removed_from: Arc::default(),
        }
    }

    /// Begins to carry out an effect.
    pub(super) fn perform(&mut self, effect: DockerEffect) {
        if let DockerEffect::Remove { run, resource, .. } = &effect {
            self.removals.insert(*run, resource.clone());
        }
        match effect {
            DockerEffect::Look { request, images } => self.look(request, images),
            DockerEffect::Build { run, resource, order } => self.build(run, resource, order),
            DockerEffect::Raise { run, resource, order, grace } => self.raise(run, resource, order, grace),
            DockerEffect::Update { run, resource, order, grace } => self.update(run, resource, order, grace),
            DockerEffect::Remove { run, resource, grace } => self.remove(run, resource, grace),
            DockerEffect::Follow { instance, resource, containers } => self.follow(instance, resource, containers),
            DockerEffect::StopFollowing { instance } => {
                if let Some(stop) = self.follows.get(&instance) {
                    stop.cancel();
                }
            }
            DockerEffect::Stop { resource, containers, grace } => self.stop(resource, containers, grace),
            DockerEffect::Clean { run, compose, volumes } => self.clean(run, compose, volumes),
            DockerEffect::Prune { settings, keep } => {
                tokio::spawn(prune_images(self.world.clone(), settings, keep));
            }
            DockerEffect::RememberImage { image, record } => {
                let now = self.world.clock.wall(self.world.clock.now());
                self.world.store.remember_image(&image, &record, now);
            }
            DockerEffect::RememberOverlay { resource, overlay } => {
                self.remember_overlay(&resource, &overlay);
            }
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

    /// An instance is no longer followed.
    pub(super) fn unfollowed(&mut self, instance: InstanceId) {
        self.follows.remove(&instance);
    }

    fn look(&mut self, request: RequestId, images: Vec<ImageId>) {
        let observer = self.observer.get_or_insert_with(|| {
            let (project, link) = (self.world.project.clone(), self.link.clone());
            let began_at = began_at(&self.world).as_secs().try_into().unwrap_or_default();
            Observer::start(project, link, self.world.outbox.clone(), self.cursors.clone(), began_at)
        });
        observer.look(request, images);
    }

    fn build(&mut self, run: RunId, resource: ResourceName, order: Arc<BuildOrder>) {
        let (world, compose, turns) = (self.world.clone(), self.compose.clone(), self.turns.clone());
        let dir = self.marks.root.clone();
        self.start(run, move |connection| async move {
            let connection = &connection;
            let tools = Tools {
                connection: connection.clone(),
                credentials: credentials(&world),
                processes: world.processes.clone(),
                compose,
                turns,
                dir,
                defaults: world.defaults,
            };
            match build::build(&tools, &order, &log(&world, resource, run)).await {
                Ok(built) => RunEnd { made: Made::Image(built), ..RunEnd::of(Exit::Code(0)) },
                Err(failure) => {
                    if let BuildFailure::Lost(_) = failure {
                        connection.note_cut();
                    }
                    RunEnd::of(Exit::NotStarted(failure.into_failure()))
                }
            }
        });
    }

    fn raise(&mut self, run: RunId, resource: ResourceName, order: Arc<RaiseOrder>, grace: Duration) {
        let (world, marks, observer) = (self.world.clone(), self.marks.clone(), self.observer.clone());
        let (compose, plain) = (self.compose.clone(), self.plain.clone());
        self.start(run, move |connection| async move {
            let connection = &connection;
            let log = log(&world, resource.clone(), run);
            let (marks, resource, order) = (&marks, &resource, &*order);
            let raised = match &order.container.source {
                ContainerSource::Compose { .. } => {
                    let (processes, sink) = (&*world.processes, log.sink());
                    let raising = compose::Raising { connection, processes, marks, resource, order, grace, sink };
                    compose.raise(&raising).await
                }
                ContainerSource::Plain(_) => {
                    let (credentials, log) = (&credentials(&world), &log);
                    let raising = plain::Raising { connection, credentials, marks, resource, order, grace, log };
                    plain.raise(&raising).await
                }
            };
            // Also after a failure: something may have been made.
            match (raised, refreshed(observer, resource).await) {
                (Ok(()), Ok(made)) => RunEnd { made, ..RunEnd::of(Exit::Code(0)) },
                (Err(Refused { failure, port }), made) => {
                    let made = made.unwrap_or(Made::Nothing);
                    RunEnd { made, taken_port: port, ..RunEnd::of(Exit::NotStarted(failure)) }
                }
                (Ok(()), Err(failure)) => RunEnd::of(Exit::NotStarted(failure)),
            }
        });
    }

    fn update(&mut self, run: RunId, resource: ResourceName, order: Arc<UpdateOrder>, grace: Duration) {
        let (world, owners, observer) = (self.world.clone(), self.owners.clone(), self.observer.clone());
        self.start(run, move |connection| async move {
            let connection = &connection;
            let update = Update { run, resource: &resource, order: &order, grace };
            let end = update.perform(connection, &world.logs, &owners).await;
            if order.restart {
                // That they were started again is no news after the end of what did it. How they are is told in any case.
                drop(refreshed(observer, &resource).await);
            }
            end
        });
    }

    fn remove(&mut self, run: RunId, resource: ResourceName, grace: Duration) {
        let (project, observer) = (self.marks.project.clone(), self.observer.clone());
        let (removed_from, plain) = (self.removed_from.clone(), self.plain.clone());
        self.start(run, move |connection| async move {
            let connection = &connection;
            let removed = remove::of_resource(connection, &project, &resource, grace).await;
            drop(refreshed(observer, &resource).await);
            RunEnd::of(match removed {
                Ok(projects) => {
                    // What is left of them is removed the next time.
                    drop(plain.remove_unused_networks(connection, &project).await);
                    removed_from.lock().unwrap_or_else(PoisonError::into_inner).extend(projects);
                    Exit::Code(0)
                }
                Err(failure) => Exit::NotStarted(failure),
            })
        });
    }

    fn clean(&mut self, run: RunId, compose: Vec<String>, volumes: bool) {
        let (project, logs) = (self.marks.project.clone(), self.world.logs.clone());
        let mut projects = std::mem::take(&mut *self.removed_from.lock().unwrap_or_else(PoisonError::into_inner));
        projects.extend(compose);
        self.start(run, move |connection| async move {
            let connection = &connection;
            RunEnd::of(match remove::all(connection, &project, projects, STRAY_GRACE, volumes).await {
                Ok(lines) => {
                    lines.iter().for_each(|line| logs.say(&LogName::Session, None, Level::Info, line));
                    Exit::Code(0)
                }
                Err(failure) => Exit::NotStarted(failure),
            })
        });
    }

    fn stop(&self, resource: ResourceName, containers: Vec<ContainerId>, grace: Duration) {
        let (link, logs) = (self.link.clone(), self.world.logs.clone());
        tokio::spawn(async move {
            // One that is lost is asked again when it is back.
            let Ok(connection) = link.connection().await else { return };
            if let Err(failure) = remove::stop(connection, &containers, grace).await
                && link.check().await.is_ok()
            {
                logs.say(&LogName::Resource(resource), None, Level::Error, &failure.message);
            }
        });
    }

    fn follow(&mut self, instance: InstanceId, resource: ResourceName, containers: Vec<ContainerId>) {
        self.warn_of(self.world.store.use_instance(instance));
        if self.follows_nothing_yet {
            self.follows_nothing_yet = false;
            // Without them nothing is lost but what was printed meanwhile.
            self.cursors.go_on(self.world.store.take_read().unwrap_or_default());
        }
        let (cursors, store, followed) = (self.cursors.clone(), self.world.store.clone(), containers.clone());
        let following = Following {
            link: self.link.clone(),
            cursors: self.cursors.clone(),
            containers,
            writer: self.world.logs.writer(&LogName::Resource(resource), Some(Attempt::Instance(instance))),
            session_began_at_ns: began_at(&self.world).as_nanos().try_into().unwrap_or_default(),
        };
        let promise = self.world.outbox.promise(Event::Docker(DockerEvent::FollowEnded { instance }));
        let stop = CancellationToken::new();
        self.follows.insert(instance, stop.clone());
        tokio::spawn(async move {
            following.to_the_end(stop).await;
            for container in followed {
                if let Some(mark) = cursors.mark(&container) {
                    store.remember_read(&container, mark);
                }
            }
            drop(promise);
        });
    }

    /// Does the work of a run; its end is told once, whatever happens.
    fn start<Work>(&mut self, run: RunId, work: impl FnOnce(Connection) -> Work + Send + 'static)
    where
        Work: Future<Output = RunEnd> + Send,
    {
        self.warn_of(self.world.store.use_run(run));
        let promise = self.world.outbox.promise(Event::RunEnded { run, end: RunEnd::of(Exit::Stopped) });
        let link = self.link.clone();
        let task = tokio::spawn(async move {
            let cut = Cut::default();
            let work = async {
                match link.connection().await {
                    Ok(connection) => work(connection.noting(cut.clone())).await,
                    Err(failure) => RunEnd::of(Exit::NotStarted(failure)),
                }
            };
            link.run(&cut, work, |end| promise.keep(Event::RunEnded { run, end })).await;
        });
        self.runs.insert(run, task.abort_handle());
    }

    fn warn_of(&self, kept: Result<(), Failure>) {
        if let Err(failure) = kept {
            self.world.logs.say(&LogName::Session, None, Level::Warning, &failure.message);
        }
    }
}

/// How the containers of a resource are, after something was done with them.
async fn refreshed(observer: Option<Observer>, resource: &ResourceName) -> Result<Made, Failure> {
    match observer {
        Some(observer) => observer.refresh(resource).await.map(Made::Containers),
        // Nobody looked: `orch down`.
        None => Ok(Made::Nothing),
    }
}

/// The folder of the Orchfile.
fn folder(world: &World) -> FilePath {
    world.ask.file.parent().unwrap_or_else(|| world.ask.file.clone())
}

/// When the session began, since 1970.
fn began_at(world: &World) -> Duration {
    world.clock.wall(Time::ZERO).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn credentials(world: &World) -> Credentials {
    Credentials::new(world.docker.surroundings().config_dir.clone(), world.processes.clone())
}

fn log(world: &World, resource: ResourceName, run: RunId) -> Log {
    let writer = world.logs.writer(&LogName::Resource(resource), Some(Attempt::Run(run)));
    Log::new(Arc::new(LogSink(writer)))
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
