//! The simulated world: a clock, a queue of what is due, files, a watcher, executors and a store. It obeys effects and
//! reports events, never decides, and keeps the facts that the checks compare the engine with.

use super::{
    disk::Disk,
    docker::{Docker, DockerAction, DockerStep},
    facts::Facts,
    kube::{Cluster, KubeAction, KubeStep},
    pace::{Pace, Wait},
    script::Script,
};
use orch::{
    engine::{Effect, EvaluationOutcome, Event, Request},
    model::{EvaluationId, EvaluationInput, FilePath, RequestId, ResourceName, Time},
    snapshot::Verdict,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// What turns the Orchfile into a project.
pub(crate) trait Evaluator {
    /// Evaluates the file as it is on the disk now, and says what it read.
    fn evaluate(&self, disk: &Disk, args: &[String]) -> (Vec<EvaluationInput>, EvaluationOutcome);
}

/// What somebody outside of orch does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Writes a file, or replaces it by renaming another over it.
    Save(FilePath, String),
    /// Changes the times of a file alone.
    Touch(FilePath),
    Remove(FilePath),
    /// Git's `index.lock` comes or goes.
    GitLock(bool),
    Ask(Request),
    /// Kills the server of a resource; beyond 128 by a signal.
    Kill(ResourceName, i32),
    /// A process that is none of orch's takes a port, or gives it up.
    Port(u16, bool),
    /// The engine is woken without need.
    Wake,
    /// Kills orch and starts it again.
    Reboot,
    /// Somebody else does something with Docker.
    Docker(DockerAction),
    /// Somebody else does something with the cluster.
    Kube(KubeAction),
}

/// Something that will happen.
#[derive(Debug, Clone)]
pub(crate) enum Due {
    /// The engine is told.
    Tell(Event),
    /// The world goes on.
    Go(Step),
    /// A user of the test does something.
    User(Action),
}

/// A step of the world itself.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    ReportChanges,
    Rescan,
    LookAt(RequestId, Vec<FilePath>),
    LookAtSet(RequestId, std::sync::Arc<orch::model::FileSet>, Option<Time>, Wait),
    Evaluate(EvaluationId),
    RunStarts(orch::model::RunId),
    RunReads(orch::model::RunId, usize),
    RunWrites(orch::model::RunId, usize),
    RunEnds(orch::model::RunId),
    RunKilled(orch::model::RunId),
    LeftoversGone(orch::model::RunId),
    InstanceStarts(orch::model::InstanceId),
    InstanceSpeaks(orch::model::InstanceId),
    InstanceDies(orch::model::InstanceId, i32),
    InstanceKilled(orch::model::InstanceId),
    Checked(RequestId, orch::model::InstanceId, Box<Script>),
    Docker(DockerStep),
    Kube(KubeStep),
}

/// The watcher between the disk and the engine.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) set: orch::model::WatchSet,
    /// Seen and not reported yet, in their order, with doubles.
    pub(super) pending: Vec<FilePath>,
    /// Lost with an overflow of the kernel's queue.
    pub(super) lost: BTreeSet<FilePath>,
}

/// All of it.
pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) began_at: Time,
    queue: BTreeMap<(Time, u64), Due>,
    order: u64,
    pub(crate) pace: Pace,
    pub(crate) disk: Disk,
    pub(crate) docker: Docker,
    pub(crate) cluster: Cluster,
    pub(crate) facts: Facts,
    pub(super) watch: Watch,
    pub(super) evaluator: Box<dyn Evaluator>,
    /// Not ended: whether they were cancelled.
    pub(super) evaluations: BTreeMap<EvaluationId, bool>,
    /// What they were given.
    evaluation_args: BTreeMap<EvaluationId, Arc<Vec<String>>>,
    /// Processes that live.
    pub(super) runs: BTreeMap<orch::model::RunId, super::executors::LiveRun>,
    pub(super) instances: BTreeMap<orch::model::InstanceId, super::executors::LiveInstance>,
    pub(super) leftovers: BTreeMap<orch::model::RunId, super::executors::LiveLeftovers>,
    pub(super) checks: BTreeMap<RequestId, orch::model::InstanceId>,
    /// Ports of the loopback interface that somebody else holds.
    pub(crate) taken_ports: BTreeSet<u16>,
    /// Servers die as their scripts say; else they live on.
    pub(crate) mortal: bool,
    /// Reports of changes may be lost to an overflow (and found by a rescan).
    pub(crate) overflows: bool,
    pub(crate) finished: Option<Verdict>,
    /// What was wrong with what the engine asked for.
    pub(crate) objections: Vec<String>,
    next_pid: u32,
}

impl World {
    pub(crate) fn new(pace: Pace, evaluator: Box<dyn Evaluator>) -> Self {
        Self {
            now: Time::ZERO,
            began_at: Time::ZERO,
            queue: BTreeMap::new(),
            order: 0,
            pace,
            disk: Disk::default(),
            docker: Docker::default(),
            cluster: Cluster::default(),
            facts: Facts::default(),
            watch: Watch::default(),
            evaluator,
            evaluations: BTreeMap::new(),
            evaluation_args: BTreeMap::new(),
            runs: BTreeMap::new(),
            instances: BTreeMap::new(),
            leftovers: BTreeMap::new(),
            checks: BTreeMap::new(),
            taken_ports: BTreeSet::new(),
            mortal: true,
            overflows: false,
            finished: None,
            objections: Vec::new(),
            next_pid: 100,
        }
    }

    /// The time as the session counts it.
    pub(crate) fn session_time(&self) -> Time {
        Time(self.now.since(self.began_at))
    }

    /// A time of the session as the world counts it.
    pub(crate) fn world_time(&self, time: Time) -> Time {
        self.began_at + time.0
    }

    pub(crate) fn object(&mut self, text: impl Into<String>) {
        self.objections.push(text.into());
    }

    pub(crate) fn later(&mut self, wait: Duration, due: Due) {
        self.order += 1;
        self.queue.insert((self.now + wait, self.order), due);
    }

    pub(crate) fn next_due(&self) -> Option<Time> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes what is due next and moves the clock to it.
    pub(crate) fn take_due(&mut self) -> Option<Due> {
        let ((at, _), due) = self.queue.pop_first()?;
        self.now = self.now.max(at);
        Some(due)
    }

    /// Whether something is under way that is more than the checks of probes and what leftovers do.
    pub(crate) fn is_busy(&self) -> bool {
        self.queue.values().any(|due| match due {
            Due::Tell(Event::Probed { .. }) | Due::Go(Step::Checked(..) | Step::LeftoversGone(_)) => false,
            Due::Go(Step::InstanceDies(..) | Step::Docker(DockerStep::Dies(..))) => self.mortal,
            Due::Tell(_) | Due::Go(_) | Due::User(_) => true,
        })
    }

    pub(super) fn new_pid(&mut self) -> u32 {
        self.next_pid += 1;
        self.next_pid
    }

    /// Whether nothing that orch started lives.
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
            && self.instances.is_empty()
            && self.leftovers.is_empty()
            && self.docker.is_idle()
            && self.cluster.is_idle()
    }

    /// From now on a session counts its time.
    pub(crate) fn start_of_session(&mut self) {
        self.began_at = self.now;
    }

    /// Kills orch: all it started ends with it, and what it did not record is lost.
    pub(crate) fn kill_session(&mut self) {
        self.queue.retain(|_, due| match due {
            Due::User(_) => true,
            Due::Go(Step::Docker(step)) => step.outlives_orch(),
            Due::Go(Step::Kube(step)) => step.outlives_orch(),
            Due::Tell(_) | Due::Go(_) => false,
        });
        self.docker.forget_session();
        self.cluster.forget_session();
        self.evaluations.clear();
        self.runs.clear();
        self.instances.clear();
        self.leftovers.clear();
        self.checks.clear();
        self.watch = Watch::default();
        self.finished = None;
        self.began_at = self.now;
        self.facts.next_session();
    }

    /// Does what the engine asks for.
    pub(crate) fn perform(&mut self, effect: Effect) {
        if self.finished.is_some() {
            self.object(format!("an effect after `Finish`: {effect:?}"));
        }
        match effect {
            Effect::Evaluate { evaluation, args } => self.evaluate(evaluation, args),
            Effect::CancelEvaluation { evaluation } => self.cancel_evaluation(evaluation),
            Effect::Watch { set, since } => self.watch(&set, since),
            Effect::TakeDigests { request, paths } => self.take_digests(request, paths),
            Effect::TakeSet { request, files, unchanged_since, urgent } => {
                let since = unchanged_since.map(|time| self.world_time(time));
                let speed = if urgent { Wait::Digest } else { Wait::IdleDigest };
                let wait = self.pace.wait(speed);
                self.later(wait, Due::Go(Step::LookAtSet(request, files, since, speed)));
            }
            Effect::Forget { resource } => {
                self.facts.remembered.remove(&resource);
                self.facts.last_remembered.remove(&resource);
            }
            Effect::Remember { resource, success } => {
                if let Some(run) = self.facts.runs_of.get(&resource).and_then(|runs| runs.last()) {
                    self.facts.last_remembered.insert(resource.clone(), *run);
                }
                self.facts.remembered.insert(resource, success);
            }
            Effect::RecordRun { .. } | Effect::Say { .. } => {}
            Effect::Docker(effect) => self.docker(effect),
            Effect::Kube(effect) => self.kube(effect),
            Effect::StartRun { run, resource, command, outputs, .. } => {
                self.start_run(run, resource, command, outputs);
            }
            Effect::CancelRun { run, grace } => self.cancel_run(run, grace),
            Effect::StopLeftovers { run, grace } => self.stop_leftovers(run, grace),
            Effect::StartInstance { instance, resource, command, ready_line, port, .. } => {
                self.start_instance(instance, resource, command, ready_line.is_some(), port);
            }
            Effect::StopInstance { instance, grace } => self.stop_instance(instance, grace),
            Effect::Probe { request, instance, action, command, timeout } => {
                self.check(request, instance, &action, command.as_ref(), timeout);
            }
            Effect::Finish { verdict } => self.finish(verdict),
        }
    }

    fn finish(&mut self, verdict: Verdict) {
        if !self.is_empty() {
            let (runs, instances) = (self.runs.keys(), self.instances.keys());
            let text = format!("`Finish` while something lives: runs {runs:?}, instances {instances:?}, leftovers");
            self.object(format!("{text} {:?}", self.leftovers.keys()));
        }
        self.finished = Some(verdict);
    }

    fn evaluate(&mut self, evaluation: EvaluationId, args: Arc<Vec<String>>) {
        if !self.evaluations.is_empty() && self.evaluations.values().any(|cancelled| !cancelled) {
            self.object("a second evaluation while the first goes on");
        }
        self.evaluations.insert(evaluation, false);
        self.evaluation_args.insert(evaluation, args);
        let wait = self.pace.wait(Wait::Evaluation);
        self.later(wait, Due::Go(Step::Evaluate(evaluation)));
    }

    fn cancel_evaluation(&mut self, evaluation: EvaluationId) {
        if let Some(cancelled @ false) = self.evaluations.get_mut(&evaluation) {
            *cancelled = true;
            let wait = self.pace.wait(Wait::Reap);
            let outcome = EvaluationOutcome::Cancelled;
            self.later(wait, Due::Tell(Event::EvaluationEnded { evaluation, outcome }));
        }
    }

    /// Goes on with a step; what comes of it is put into the queue.
    pub(crate) fn go(&mut self, step: Step) {
        match step {
            Step::ReportChanges => self.report_changes(),
            Step::Rescan => self.rescan(),
            Step::LookAt(request, paths) => self.look_at(request, paths),
            Step::LookAtSet(request, files, since, speed) => self.look_at_set(request, &files, since, speed),
            Step::Evaluate(evaluation) => self.evaluated(evaluation),
            Step::RunStarts(run) => self.run_starts(run),
            Step::RunReads(run, place) => self.run_reads(run, place),
            Step::RunWrites(run, place) => self.run_writes(run, place),
            Step::RunEnds(run) => self.run_ends(run),
            Step::RunKilled(run) => self.run_killed(run),
            Step::LeftoversGone(run) => self.leftovers_gone(run),
            Step::InstanceStarts(instance) => self.instance_starts(instance),
            Step::InstanceSpeaks(instance) => self.instance_speaks(instance),
            Step::InstanceDies(instance, code) => self.instance_dies(instance, code),
            Step::InstanceKilled(instance) => self.instance_killed(instance),
            Step::Checked(request, instance, script) => self.checked(request, instance, &script),
            Step::Docker(step) => self.docker_step(step),
            Step::Kube(step) => self.kube_step(step),
        }
    }

    fn evaluated(&mut self, evaluation: EvaluationId) {
        if self.evaluations.get(&evaluation) != Some(&false) {
            return;
        }
        let (inputs, outcome) = {
            let args = self.evaluation_args.get(&evaluation).cloned().unwrap_or_default();
            self.evaluator.evaluate(&self.disk, &args)
        };
        self.later(Duration::ZERO, Due::Tell(Event::EvaluationRead { evaluation, inputs }));
        let wait = self.pace.wait(Wait::Evaluation);
        self.later(wait, Due::Tell(Event::EvaluationEnded { evaluation, outcome }));
    }

    /// Notes what the engine is about to learn. False for what does not reach it, since its cause is gone.
    pub(crate) fn on_tell(&mut self, event: &Event) -> bool {
        match event {
            Event::EvaluationEnded { evaluation, outcome } => {
                let cancelled = self.evaluations.get(evaluation).copied();
                let says_so = *outcome == EvaluationOutcome::Cancelled;
                if cancelled != Some(says_so) {
                    return false;
                }
                self.evaluations.remove(evaluation);
            }
            Event::Probed { request, result } => {
                let Some(instance) = self.checks.remove(request) else { return false };
                if !self.instances.contains_key(&instance) {
                    return false;
                }
                self.on_probed(instance, result);
            }
            Event::ReadyLineSeen { instance } if !self.instances.contains_key(instance) => return false,
            _ => {}
        }
        self.facts.on_event(self.now, event);
        true
    }
}
