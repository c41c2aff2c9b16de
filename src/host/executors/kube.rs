//! What is done with Kubernetes. Each run is a task of its own; to cancel it is to drop the task.

use super::World;
use crate::{
    engine::{ApplyOrder, Event, ExpectedObject, KubeEffect, PodSearch, RunEnd},
    host::kube::{
        Connection,
        apply::Applying,
        command::Commands,
        delete,
        link::Link,
        marks::Marks,
        observer::Observer,
        voice::{Voice, redacted},
    },
    logs::LogName,
    model::{Cluster, Exit, Failure, Level, RequestId, ResourceName, RunId},
};
use std::{collections::BTreeMap, future::Future, sync::Arc};
use tokio::task::AbortHandle;

/// What goes on with Kubernetes.
pub(super) struct Clustering {
    world: World,
    marks: Marks,
    runs: BTreeMap<RunId, AbortHandle>,
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
        Self { world, marks, runs: BTreeMap::new(), reach: None }
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
                self.run(run, move |_, connection| async move { delete::stray(&connection, &marks, namespaces).await });
            }
            KubeEffect::Update { .. }
            | KubeEffect::Follow { .. }
            | KubeEffect::StopFollowing { .. }
            | KubeEffect::Forward { .. } => {}
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

    fn look(
        &mut self,
        request: RequestId,
        cluster: Arc<Cluster>,
        objects: Arc<BTreeMap<ResourceName, Vec<ExpectedObject>>>,
        pods: Arc<BTreeMap<ResourceName, PodSearch>>,
    ) {
        if self.reach.as_ref().is_none_or(|reach| *reach.link.cluster() != cluster) {
            let link = Link::new(cluster.clone(), self.world.outbox.clone());
            let observer = Observer::start(self.marks.clone(), link.clone(), self.world.outbox.clone());
            let (processes, defaults) = (self.world.processes.clone(), self.world.defaults);
            let commands = Commands { cluster, root: self.marks.root.clone(), processes, defaults };
            self.reach = Some(Reach { link, observer, commands });
        }
        if let Some(reach) = &self.reach {
            reach.observer.look(request, objects, pods);
        }
    }

    fn apply(&mut self, run: RunId, resource: ResourceName, order: Arc<ApplyOrder>) {
        let marks = self.marks.clone();
        self.start(run, resource.clone(), move |reach, connection, voice| async move {
            let Reach { observer, commands, .. } = &reach;
            let (connection, marks, resource, order, voice) = (&connection, &marks, &resource, &*order, &voice);
            Applying { connection, marks, observer, resource, order, voice, commands }.apply().await
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
        self.run_to_exit(run, move |reach, connection| {
            let work = work(reach, connection);
            async move {
                match work.await {
                    Ok(()) => Exit::Code(0),
                    Err(failure) => Exit::NotStarted(failure),
                }
            }
        });
    }

    fn run_to_exit<Work>(&mut self, run: RunId, work: impl FnOnce(Reach, Connection) -> Work + Send + 'static)
    where
        Work: Future<Output = Exit> + Send,
    {
        self.warn_of(self.world.store.use_run(run));
        let promise = self.world.outbox.promise(Event::RunEnded { run, end: RunEnd::of(Exit::Stopped) });
        let Some(reach) = self.reach.clone() else { return };
        let logs = self.world.logs.clone();
        let task = tokio::spawn(async move {
            let work = async {
                match reach.link.connection().await.cloned() {
                    Ok(connection) => work(reach.clone(), connection).await,
                    Err(failure) => Exit::NotStarted(failure),
                }
            };
            let work = async {
                RunEnd::of(match work.await {
                    Exit::NotStarted(failure) => Exit::NotStarted(redacted(failure, &logs)),
                    exit => exit,
                })
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
