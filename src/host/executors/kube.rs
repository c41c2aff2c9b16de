//! What is done with Kubernetes. Each run is a task of its own; to cancel it is to drop the task.

use super::World;
use crate::{
    engine::{ApplyOrder, Event, ExpectedObject, KubeEffect, KubeEvent, PodSearch, PodUpdateOrder, RunEnd},
    host::kube::{
        Connection,
        apply::Applying,
        command::Commands,
        delete,
        follow::{Cursors, Following},
        forward::Forwards,
        link::Link,
        live_update::PodUpdate,
        load::Loaded,
        marks::Marks,
        observer::Observer,
        voice::{Voice, redacted},
    },
    logs::LogName,
    model::{Attempt, Cluster, Exit, Failure, InstanceId, Level, RequestId, ResourceName, RunId, Time},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::Arc,
    time::SystemTime,
};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

/// What goes on with Kubernetes.
pub(super) struct Clustering {
    world: World,
    marks: Marks,
    runs: BTreeMap<RunId, AbortHandle>,
    follows: BTreeMap<InstanceId, CancellationToken>,
    cursors: Cursors,
    forwards: Forwards,
    loaded: Loaded,
    /// The cluster that was looked at.
    reach: Option<Reach>,
}

/// A cluster, and what is known of it.
#[derive(Clone)]
struct Reach {
    link: Link,
    observer: Observer,
    commands: Commands,
}

impl Clustering {
    pub(super) fn new(world: World) -> Self {
        let root = world.ask.file.parent().unwrap_or_else(|| world.ask.file.clone());
        let marks = Marks { project: world.project.clone(), root };
        Self {
            world,
            marks,
            runs: BTreeMap::new(),
            follows: BTreeMap::new(),
            cursors: Cursors::default(),
            forwards: Forwards::default(),
            loaded: Loaded::default(),
            reach: None,
        }
    }

    /// Begins to carry out an effect.
    pub(super) fn perform(&mut self, effect: KubeEffect) {
        match effect {
            KubeEffect::Look { request, cluster, objects, pods } => self.look(request, cluster, objects, pods),
            KubeEffect::Apply { run, resource, order } => self.apply(run, resource, order),
            KubeEffect::Delete { run, resource, command, timeout } => {
                self.start(run, resource.clone(), move |reach, connection, voice| async move {
                    if let Some(command) = command {
                        let sink = Arc::new(super::sink::LogSink(voice.writer()));
                        let doing = format!("the command that deletes `{resource}`");
                        reach.commands.run(&command, &doing, sink).await?;
                    }
                    delete::of_resource(&connection, &reach.observer, &resource, timeout).await
                });
            }
            KubeEffect::Clean { run, namespaces } => {
                let marks = self.marks.clone();
                self.run(run, move |_, connection| async move {
                    delete::by_marks(&connection, &marks, &BTreeSet::new(), namespaces).await.map(drop)
                });
            }
            KubeEffect::Update { run, resource, orders } => self.update(run, resource, orders),
            KubeEffect::Follow { instance, resource } => self.follow(instance, resource),
            KubeEffect::StopFollowing { instance } => {
                if let Some(stop) = self.follows.get(&instance) {
                    stop.cancel();
                }
            }
            KubeEffect::Forward { resource, ports } => {
                if let Some(Reach { link, observer, .. }) = &self.reach {
                    let view = observer.view(&resource);
                    self.forwards.set(resource, ports, link, &view, &self.world.outbox);
                }
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
    pub(super) fn ended(&mut self, run: RunId) {
        self.runs.remove(&run);
    }

    /// An instance is no longer followed.
    pub(super) fn unfollowed(&mut self, instance: InstanceId) {
        self.follows.remove(&instance);
    }

    fn look(
        &mut self,
        request: RequestId,
        cluster: Arc<Cluster>,
        objects: Arc<BTreeMap<ResourceName, Vec<ExpectedObject>>>,
        pods: Arc<BTreeMap<ResourceName, PodSearch>>,
    ) {
        if self.reach.as_ref().is_none_or(|reach| *reach.link.cluster() != cluster) {
            let link = Link::new(cluster.clone(), self.world.outbox.clone());
            let (outbox, cursors) = (self.world.outbox.clone(), self.cursors.clone());
            let logs = self.world.logs.clone();
            let observer = Observer::start(self.marks.clone(), link.clone(), outbox, cursors, logs);
            let (processes, defaults) = (self.world.processes.clone(), self.world.defaults);
            let commands = Commands { cluster, root: self.marks.root.clone(), processes, defaults };
            self.reach = Some(Reach { link, observer, commands });
        }
        if let Some(reach) = &self.reach {
            reach.observer.look(request, objects, pods);
        }
    }

    fn apply(&mut self, run: RunId, resource: ResourceName, order: Arc<ApplyOrder>) {
        let (marks, loaded) = (self.marks.clone(), self.loaded.clone());
        self.start(run, resource.clone(), move |reach, connection, voice| async move {
            let Reach { observer, commands, .. } = &reach;
            let (connection, marks, resource, order, voice) = (&connection, &marks, &resource, &*order, &voice);
            Applying { connection, marks, observer, resource, order, voice, commands, loaded: &loaded }.apply().await
        });
    }

    fn update(&mut self, run: RunId, resource: ResourceName, orders: Vec<Arc<PodUpdateOrder>>) {
        let voice = Voice::new(self.world.logs.clone(), resource.clone(), run);
        self.run_to_end(run, move |reach, connection| async move {
            let view = reach.observer.view(&resource).borrow().clone();
            let (connection, voice) = (&connection, &voice);
            let mut end = RunEnd::of(Exit::Code(0));
            for order in &orders {
                end = PodUpdate { connection, view: view.clone(), order, voice }.perform().await;
                if !end.exit.is_success() {
                    break;
                }
            }
            end
        });
    }

    fn follow(&mut self, instance: InstanceId, resource: ResourceName) {
        self.warn_of(self.world.store.use_instance(instance));
        let promise = self.world.outbox.promise(Event::Kube(KubeEvent::FollowEnded { instance }));
        let Some(reach) = &self.reach else { return };
        let began_at = self.world.clock.wall(Time::ZERO).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let following = Following {
            link: reach.link.clone(),
            cursors: self.cursors.clone(),
            view: reach.observer.view(&resource),
            writer: self.world.logs.writer(&LogName::Resource(resource), Some(Attempt::Instance(instance))),
            session_began_at_ns: began_at.as_nanos().try_into().unwrap_or_default(),
        };
        let stop = CancellationToken::new();
        self.follows.insert(instance, stop.clone());
        tokio::spawn(async move {
            following.to_the_end(stop).await;
            drop(promise);
        });
    }

    /// Does the work of a run of a resource.
    fn start<Work>(
        &mut self,
        run: RunId,
        resource: ResourceName,
        work: impl FnOnce(Reach, Connection, Voice) -> Work + Send + 'static,
    ) where
        Work: Future<Output = Result<(), Failure>> + Send,
    {
        let voice = Voice::new(self.world.logs.clone(), resource, run);
        self.run(run, move |reach, connection| work(reach, connection, voice));
    }

    /// Does the work of a run; its end is told once, whatever happens.
    fn run<Work>(&mut self, run: RunId, work: impl FnOnce(Reach, Connection) -> Work + Send + 'static)
    where
        Work: Future<Output = Result<(), Failure>> + Send,
    {
        self.run_to_end(run, move |reach, connection| {
            let work = work(reach, connection);
            async move {
                RunEnd::of(match work.await {
                    Ok(()) => Exit::Code(0),
                    Err(failure) => Exit::NotStarted(failure),
                })
            }
        });
    }

    fn run_to_end<Work>(&mut self, run: RunId, work: impl FnOnce(Reach, Connection) -> Work + Send + 'static)
    where
        Work: Future<Output = RunEnd> + Send,
    {
        self.warn_of(self.world.store.use_run(run));
        let promise = self.world.outbox.promise(Event::RunEnded { run, end: RunEnd::of(Exit::Stopped) });
        let Some(reach) = self.reach.clone() else { return };
        let logs = self.world.logs.clone();
        let task = tokio::spawn(async move {
            let work = async {
                match reach.link.connection().await.cloned() {
                    Ok(connection) => work(reach.clone(), connection).await,
                    Err(failure) => RunEnd::of(Exit::NotStarted(failure)),
                }
            };
            let work = async {
                let end = work.await;
                match end.exit {
                    Exit::NotStarted(failure) => RunEnd { exit: Exit::NotStarted(redacted(failure, &logs)), ..end },
                    exit => RunEnd { exit, ..end },
                }
            };
            reach.link.run(work, |end| promise.keep(Event::RunEnded { run, end })).await;
        });
        self.runs.insert(run, task.abort_handle());
    }

    fn warn_of(&self, kept: Result<(), Failure>) {
        if let Err(failure) = kept {
            self.world.logs.say(&LogName::Session, None, Level::Warning, &failure.message);
        }
    }
}
