//! Effects become tasks here, and what comes of them becomes events. No retries, no policy: the engine decides.

mod docker;
mod evaluation;
mod instances;
mod keeping;
mod kube;
mod questions;
mod runs;
mod sink;

use super::{
    clock::Clock,
    docker::Docker,
    evaluate::{known::KnownOutputs, wire::Ask},
    files::Files,
    outbox::Outbox,
    process::{Processes, Running},
    watch::{self, WatchNews, Watcher},
};
use crate::{
    engine::{DockerEvent, Effect, Event, KubeEvent},
    logs::{LogName, LogStore},
    model::{Attempt, EvaluationId, Failure, InstanceId, Level, ProjectId, ResourceName, RunId, Time, WatchSet},
    snapshot::Snapshot,
    store::Store,
};
pub use keeping::KeptSession;

use keeping::Keeping;
use std::{collections::BTreeMap, sync::Arc};
use tokio::{sync::Semaphore, task::AbortHandle};

/// The executors of one session, with what is under way.
pub struct Host {
    world: World,
    watcher: Option<Watcher>,
    runs: BTreeMap<RunId, Running>,
    instances: BTreeMap<InstanceId, instances::Live>,
    evaluations: BTreeMap<EvaluationId, AbortHandle>,
    docking: docker::Docking,
    clustering: kube::Clustering,
    keeping: Keeping,
}

/// What every task of a session may need. Cheap to clone.
#[derive(Clone)]
pub struct World {
    /// The session's clock.
    pub clock: Clock,
    /// Where tasks tell what happened.
    pub outbox: Outbox,
    /// Where output goes.
    pub logs: LogStore,
    /// What outlives the session.
    pub store: Store,
    /// Digests.
    pub files: Arc<Files>,
    /// Starts processes.
    pub processes: Arc<Processes>,
    /// The Docker Engine.
    pub docker: Docker,
    /// The mark on what the project makes outside its folder.
    pub project: ProjectId,
    /// What every evaluation is asked.
    pub ask: Arc<Ask>,
    /// What commands of earlier evaluations printed.
    pub known_outputs: Arc<KnownOutputs>,
    /// Set for commands when orch itself prints in colour.
    pub defaults: &'static [(&'static str, &'static str)],
    /// Digests that nobody waits for are taken one set at a time.
    pub background: Arc<Semaphore>,
    /// Columns of drawn errors.
    pub drawing_width: usize,
}

impl Host {
    /// Executors for a session that has not begun.
    pub fn new(world: World) -> Self {
        let (docking, keeping) = (docker::Docking::new(world.clone()), Keeping::new(world.clone()));
        let clustering = kube::Clustering::new(world.clone());
        Self {
            world,
            watcher: None,
            runs: BTreeMap::new(),
            instances: BTreeMap::new(),
            evaluations: BTreeMap::new(),
            docking,
            clustering,
            keeping,
        }
    }

    /// Writes down what the next session can use. Blocks.
    pub fn close(&mut self, snapshot: &Snapshot) {
        self.keeping.close(snapshot);
    }

    fn watch(&mut self, set: &WatchSet, since: Time) {
        if self.watcher.is_none() {
            let world = self.world.clone();
            match Watcher::start(move |news| hear(&world, news)) {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(failure) => self.cannot_watch(&failure),
            }
        }
        if let Some(watcher) = &self.watcher {
            let roots = set.sets.iter().flat_map(|set| &set.roots);
            let git_dirs = watch::git_dirs_of(roots);
            let set = WatchSet { sets: set.sets.clone(), git_dirs };
            watcher.set(Arc::new(set), self.world.clock.wall(since));
        }
    }

    fn cannot_watch(&self, failure: &Failure) {
        let help = failure.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
        let text = format!("files are not watched: {}{help}", failure.message);
        self.world.logs.say(&LogName::Session, None, Level::Error, &text);
    }

    /// The store could not do what it should: the session goes on, the next one may do things twice.
    fn warn_of(&self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.world.logs.say(&LogName::Session, None, Level::Warning, &failure.message);
        }
    }

    fn say(&self, resource: Option<ResourceName>, about: Option<Attempt>, level: Level, text: &str) {
        let log = resource.map_or(LogName::Session, LogName::Resource);
        self.world.logs.say(&log, about, level, text);
    }
}

fn hear(world: &World, news: WatchNews) {
    match news {
        WatchNews::Changed(paths) => world.outbox.send(Event::FilesChanged { paths }),
        WatchNews::GitLock(held) => world.outbox.send(Event::GitLockChanged { held }),
        WatchNews::Established => {}
        WatchNews::Notice { level, text } => world.logs.say(&LogName::Session, None, level, &text),
    }
}

impl Host {
    /// Begins to carry out an effect; does not wait for its end.
    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Evaluate { evaluation, args } => {
                self.evaluations.insert(evaluation, evaluation::start(&self.world, evaluation, args));
            }
            Effect::CancelEvaluation { evaluation } => {
                if let Some(task) = self.evaluations.remove(&evaluation) {
                    task.abort();
                }
            }
            Effect::Watch { set, since } => self.watch(&set, since),
            Effect::TakeDigests { request, paths } => questions::take_digests(&self.world, request, paths),
            Effect::TakeSet { request, files, unchanged_since, urgent } => {
                questions::take_set(&self.world, request, files, unchanged_since, urgent);
            }
            Effect::Forget { resource } => {
                let forgotten = self.world.store.forget(&resource);
                self.warn_of(forgotten);
            }
            Effect::Remember { resource, success } => self.world.store.remember(&resource, &success),
            Effect::RecordRun { resource, run } => self.keeping.record_run(&resource, &run),
            Effect::StartRun { run, resource, command, outputs, own_sessions, grace } => {
                let reserved = self.world.store.use_run(run);
                self.warn_of(reserved);
                let order = runs::Order { run, resource, command, outputs, own_sessions, grace };
                self.runs.insert(run, runs::start(&self.world, order));
            }
            Effect::CancelRun { run, grace } | Effect::StopLeftovers { run, grace } => {
                if let Some(running) = self.runs.get(&run) {
                    running.stop(grace);
                } else {
                    self.docking.cancel(run);
                    self.clustering.cancel(run);
                }
            }
            Effect::StartInstance { instance, resource, command, ready_line, port, grace } => {
                let reserved = self.world.store.use_instance(instance);
                self.warn_of(reserved);
                let order = instances::Order { instance, resource, command, ready_line, port, grace };
                self.instances.insert(instance, instances::start(&self.world, order));
            }
            Effect::StopInstance { instance, grace } => {
                if let Some(live) = self.instances.get(&instance) {
                    live.stop(grace);
                }
            }
            Effect::Probe { request, instance, action, command, timeout } => {
                let task = questions::probe(&self.world, request, action, command, timeout);
                if let Some(live) = self.instances.get_mut(&instance) {
                    live.asked_by(task);
                }
            }
            Effect::Say { resource, about, level, text } => self.say(resource, about, level, &text),
            Effect::Docker(effect) => self.docking.perform(effect),
            Effect::Kube(effect) => self.clustering.perform(effect),
            Effect::Finish { .. } => {}
        }
    }

    /// Sees every event before the engine does.
    pub fn observe(&mut self, now: Time, event: &Event) {
        self.keeping.observe(now, event);
        match event {
            Event::RunEnded { run, end } if !end.leftovers => {
                self.runs.remove(run);
                self.docking.ended(*run, &end.exit);
                self.clustering.ended(*run);
            }
            Event::LeftoversEnded { run } => drop(self.runs.remove(run)),
            Event::InstanceEnded { instance, .. } => {
                if let Some(live) = self.instances.remove(instance) {
                    live.forget_probes();
                }
            }
            Event::EvaluationEnded { evaluation, .. } => drop(self.evaluations.remove(evaluation)),
            Event::Docker(DockerEvent::FollowEnded { instance }) => self.docking.unfollowed(*instance),
            Event::Kube(KubeEvent::FollowEnded { instance }) => self.clustering.unfollowed(*instance),
            _ => {}
        }
    }

    /// Sees a snapshot that differs from the one before.
    pub fn published(&mut self, snapshot: &Arc<Snapshot>) {
        self.keeping.published(snapshot);
    }
}
