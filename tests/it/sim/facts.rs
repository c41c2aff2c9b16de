//! What really happened in the simulated world, for the checks: nothing of it comes from the engine's own state.

use super::{disk::seen, docker::facts::DockerFacts, script::Script};
use orch::{
    engine::{CommandSpec, Event},
    model::{
        ContainerPhase, ContainerState, Exit, FilePath, Health, InstanceId, Project, Resource, ResourceName, Restart,
        RunId, Seen, Success, Time,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One run as the world saw it.
#[derive(Debug, Clone)]
pub(crate) struct RunFacts {
    pub(crate) resource: ResourceName,
    pub(crate) session: u32,
    pub(crate) command: CommandSpec,
    pub(crate) script: Script,
    /// Its resource as the project had it.
    pub(crate) definition: Option<Arc<Resource>>,
    /// How many projects the engine had been told of.
    pub(crate) loads: u32,
    pub(crate) asked_at: Time,
    /// When its process ended.
    pub(crate) over_at: Option<Time>,
    /// How, once the engine was told.
    pub(crate) exit: Option<Exit>,
    /// When the engine was told.
    pub(crate) told_at: Option<Time>,
    /// What it read, when it read it.
    pub(crate) read: BTreeMap<FilePath, String>,
    pub(crate) wrote: BTreeMap<FilePath, String>,
    /// The files below what it reads as they were when it was asked for.
    pub(crate) at_start: BTreeMap<FilePath, String>,
}

impl RunFacts {
    /// Whether this is the `teardown_cmd` of its resource.
    pub(crate) fn is_teardown(&self) -> bool {
        let teardown = |resource: &Arc<Resource>| resource.kind.local()?.teardown.clone();
        self.definition.as_ref().and_then(teardown).is_some_and(|teardown| teardown.argv == self.command.argv)
    }

    /// Whether no other run may go on beside it.
    pub(crate) fn shares_with_nothing(&self) -> bool {
        let local = self.definition.as_ref().and_then(|resource| resource.kind.local());
        !self.is_teardown() && local.is_some_and(|local| !local.parallel)
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.exit.as_ref().is_some_and(Exit::is_success)
    }
}

/// One instance as the world saw it.
#[derive(Debug, Clone)]
pub(crate) struct InstanceFacts {
    pub(crate) resource: ResourceName,
    pub(crate) session: u32,
    pub(crate) command: CommandSpec,
    pub(crate) asked_at: Time,
    pub(crate) started_at: Option<Time>,
    /// The engine was told that it started, and its probe or ready line, if it has one, said so too.
    pub(crate) ready: bool,
    /// Checks in a row that passed.
    pub(crate) passes: u32,
    pub(crate) stop_asked: bool,
    /// When the engine was told of its end.
    pub(crate) told_at: Option<Time>,
    /// How it ended, once the engine was told.
    pub(crate) exit: Option<Exit>,
    /// The files below what its resource reads as they were when it was asked for.
    pub(crate) at_start: BTreeMap<FilePath, String>,
}

/// What a resource has reached once in this session, for order edges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    pub(crate) started: bool,
    pub(crate) ready: bool,
    pub(crate) succeeded: bool,
}

/// What the engine was told of a path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// What the last answer that named it said.
    pub(crate) content: Option<Seen>,
    /// When that was told.
    pub(crate) content_at: Time,
    /// When that was told as the answer to `TakeDigests`.
    pub(crate) answered_at: Option<Time>,
    /// When a change of it was last reported or told with a run's outputs.
    pub(crate) change_at: Time,
}

/// All of it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) session: u32,
    pub(crate) runs: BTreeMap<RunId, RunFacts>,
    pub(crate) instances: BTreeMap<InstanceId, InstanceFacts>,
    /// The runs of each resource, oldest first.
    pub(crate) runs_of: BTreeMap<ResourceName, Vec<RunId>>,
    pub(crate) instances_of: BTreeMap<ResourceName, Vec<InstanceId>>,
    pub(crate) told: BTreeMap<FilePath, Told>,
    /// Each write, touch and removal of a file.
    pub(crate) writes: Vec<(Time, FilePath)>,
    /// Each content that the engine was told of, and when.
    pub(crate) answers: Vec<(Time, FilePath, Option<orch::model::Digest>)>,
    /// What was reached in this session.
    pub(crate) reached: BTreeMap<ResourceName, Reached>,
    /// What the Orchfile last evaluated to.
    evaluated: Option<Arc<Project>>,
    /// What users enabled and disabled since the Orchfile last got other arguments.
    switched: BTreeMap<ResourceName, bool>,
    /// What was disabled along with what.
    taken_along: BTreeMap<ResourceName, BTreeSet<ResourceName>>,
    /// The project that is in force: what the Orchfile last evaluated to, with what users switched.
    pub(crate) project: Option<Arc<Project>>,
    /// The data edges of that project: from reader to writers.
    writers: BTreeMap<ResourceName, Vec<ResourceName>>,
    pub(crate) loads: u32,
    /// The last evaluation failed.
    pub(crate) broken: bool,
    /// Stopped by a user and not asked for since.
    pub(crate) stopped: BTreeMap<ResourceName, Time>,
    /// Taken down by a user and not asked for since.
    pub(crate) taken_down: BTreeSet<ResourceName>,
    /// When a user last stopped it in this session.
    pub(crate) stopped_once: BTreeMap<ResourceName, Time>,
    /// Asked for by a user in this session.
    pub(crate) asked: BTreeMap<ResourceName, Time>,
    /// Enabled at some time in this session.
    pub(crate) once_enabled: BTreeSet<ResourceName>,
    pub(crate) shutting_down: bool,
    /// What was made is to be removed.
    pub(crate) teardown: bool,
    /// When something was first told to end.
    pub(crate) first_stop_at: Option<Time>,
    /// A user asked for the end twice.
    pub(crate) hurried: bool,
    /// Somebody else changed an output of a resource while its run or server lived.
    pub(crate) tampered: BTreeSet<FilePath>,
    /// The records that outlive a session.
    pub(crate) remembered: BTreeMap<ResourceName, Success>,
    /// The last run whose record was kept, by resource.
    pub(crate) last_remembered: BTreeMap<ResourceName, RunId>,
    pub(crate) docker: DockerFacts,
}

impl Facts {
    pub(crate) fn last_run(&self, name: &ResourceName) -> Option<&RunFacts> {
        self.runs.get(self.runs_of.get(name)?.last()?)
    }

    pub(crate) fn last_instance(&self, name: &ResourceName) -> Option<&InstanceFacts> {
        self.instances.get(self.instances_of.get(name)?.last()?)
    }

    pub(crate) fn reached(&self, name: &ResourceName) -> Reached {
        self.reached.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn is_running(&self, name: &ResourceName) -> bool {
        self.last_run(name).is_some_and(|run| run.exit.is_none() && run.session == self.session)
    }

    pub(crate) fn is_serving(&self, name: &ResourceName) -> bool {
        self.last_instance(name).is_some_and(|one| one.exit.is_none() && one.session == self.session)
    }

    /// The resource of that name in the project that is in force.
    pub(crate) fn resource(&self, name: &ResourceName) -> Option<&Arc<Resource>> {
        self.project.as_ref()?.resources.iter().find(|resource| resource.name == *name)
    }

    /// The server of a resource, if it is to have one.
    fn serve_of(&self, name: &ResourceName) -> Option<&orch::model::Serve> {
        self.resource(name)?.kind.local()?.serve.as_ref()
    }

    /// Those whose outputs a resource reads.
    pub(crate) fn writers_of(&self, name: &ResourceName) -> Vec<ResourceName> {
        self.writers.get(name).cloned().unwrap_or_default()
    }

    /// The runs that go on, as far as the engine knows.
    pub(crate) fn going_on(&self) -> impl Iterator<Item = &RunFacts> {
        self.runs.values().filter(|run| run.exit.is_none() && run.session == self.session)
    }

    /// The slots that are taken, as far as the engine knows.
    pub(crate) fn slots_taken(&self) -> usize {
        self.going_on().count() + self.docker.going_on(self.session).filter(|run| run.takes_slot()).count()
    }

    /// Notes which containers are ready, as the engine was told.
    fn note_reached(&mut self) {
        for (name, containers) in &self.docker.told {
            // What becomes of them while a run goes on, or after one that failed, says nothing.
            let last = self.docker.last_run(name).filter(|run| run.session == self.session);
            let is_theirs = containers.iter().all(|one| one.fingerprint.is_some());
            if containers.is_empty() || last.is_some_and(|run| !run.succeeded()) {
                continue;
            }
            self.reached.entry(name.clone()).or_default().started |= last.is_some();
            if !is_theirs {
                continue;
            }
            let stays =
                self.resource(name).and_then(|resource| resource.kind.container()?.restart) != Some(Restart::Always);
            let began = |one: &ContainerState| !matches!(one.phase, ContainerPhase::Created | ContainerPhase::Dead);
            let well = |one: &ContainerState| {
                one.phase == ContainerPhase::Running && matches!(one.health, None | Some(Health::Healthy))
            };
            let ended = |one: &ContainerState| matches!(one.phase, ContainerPhase::Exited { code: 0, .. });
            let reached = self.reached.entry(name.clone()).or_default();
            reached.started |= containers.iter().all(began);
            reached.ready |= containers.iter().all(well) || stays && containers.iter().all(ended);
            reached.succeeded |= containers.iter().all(ended);
        }
    }

    /// Notes what the engine is about to learn.
    pub(crate) fn on_event(&mut self, now: Time, event: &Event) {
        match event {
            Event::FilesChanged { paths } => {
                for path in paths {
                    self.told.entry(path.clone()).or_default().change_at = now;
                }
            }
            Event::DigestsTaken { digests, .. } => {
                for (path, digest) in digests {
                    self.tell_content(now, path, *digest);
                    self.told.entry(path.clone()).or_default().answered_at = Some(now);
                }
            }
            Event::SetTaken { files, .. } => {
                for file in files {
                    self.tell_content(now, &file.path, Some(file.digest));
                }
            }
            Event::RunEnded { run, end } => {
                self.on_run_ended(now, *run, end);
                self.note_reached();
            }
            Event::InstanceStarted { instance, .. } => self.on_instance_started(*instance),
            Event::InstanceEnded { instance, exit } => self.on_instance_ended(now, *instance, exit),
            Event::ReadyLineSeen { instance } => self.on_ready(*instance),
            Event::EvaluationEnded { outcome, .. } => self.on_evaluation_ended(outcome),
            Event::Asked(request) => self.on_asked(now, request),
            Event::Docker(event) => {
                self.docker.on_event(now, event);
                self.note_reached();
            }
            Event::SessionStarted
            | Event::Woke
            | Event::EvaluationRead { .. }
            | Event::GitLockChanged { .. }
            | Event::RunStarted { .. }
            | Event::LeftoversEnded { .. }
            | Event::Kube(_)
            | Event::Probed { .. } => {}
        }
    }

    fn tell_content(&mut self, now: Time, path: &FilePath, digest: Option<orch::model::Digest>) {
        self.answers.push((now, path.clone(), digest));
        let told = self.told.entry(path.clone()).or_default();
        told.content = Some(seen(digest));
        told.content_at = now;
        told.answered_at = None;
    }

    fn on_run_ended(&mut self, now: Time, run: RunId, end: &orch::engine::RunEnd) {
        for (path, digest) in &end.outputs {
            self.tell_content(now, path, Some(*digest));
            self.told.entry(path.clone()).or_default().change_at = now;
        }
        self.docker.on_ended(now, run, end);
        let Some(facts) = self.runs.get_mut(&run) else { return };
        facts.exit = Some(end.exit.clone());
        facts.told_at = Some(now);
        if facts.succeeded() && !facts.is_teardown() {
            let name = facts.resource.clone();
            let serves = self.serve_of(&name).is_some();
            let reached = self.reached.entry(name).or_default();
            reached.succeeded = true;
            reached.ready |= !serves;
        }
    }

    fn on_instance_started(&mut self, instance: InstanceId) {
        let Some(facts) = self.instances.get(&instance) else { return };
        let serve = self.serve_of(&facts.resource);
        let waits = serve.is_some_and(|serve| serve.probe.is_some() || serve.ready_log_line.is_some());
        if !waits {
            self.on_ready(instance);
        }
    }

    pub(crate) fn on_ready(&mut self, instance: InstanceId) {
        let Some(facts) = self.instances.get_mut(&instance).filter(|facts| !facts.stop_asked) else { return };
        facts.ready = true;
        let name = facts.resource.clone();
        let local = self.resource(&name).and_then(|one| one.kind.local());
        // How a command ended that the resource has no more, or in another session, says nothing of the server.
        let last = self.last_run(&name).filter(|run| run.session == self.session);
        let last = last.filter(|_| local.is_none_or(|local| local.cmd.is_some()));
        // While its command runs anew, what serves is about to be replaced.
        let is_good = last.is_none_or(RunFacts::succeeded);
        // What became a command alone is ready when that succeeds.
        let serves = local.is_none_or(|local| local.serve.is_some());
        self.reached.entry(name).or_default().ready |= is_good && serves;
    }

    fn on_instance_ended(&mut self, now: Time, instance: InstanceId, exit: &Exit) {
        let Some(facts) = self.instances.get_mut(&instance) else { return };
        facts.told_at = Some(now);
        facts.exit = Some(exit.clone());
        if exit.is_success() {
            self.reached.entry(facts.resource.clone()).or_default().succeeded = true;
        }
    }

    fn on_evaluation_ended(&mut self, outcome: &orch::engine::EvaluationOutcome) {
        match outcome {
            orch::engine::EvaluationOutcome::Loaded(project, _) => {
                self.evaluated = Some(Arc::clone(project));
                let project = &self.switched_project(project);
                self.project = Some(Arc::clone(project));
                let enabled = project.resources.iter().filter(|resource| resource.enabled);
                self.once_enabled.extend(enabled.map(|resource| resource.name.clone()));
                // Who comes back is new.
                let known = |name: &ResourceName| project.resources.iter().any(|resource| resource.name == *name);
                self.stopped.retain(|name, _| known(name));
                self.asked.retain(|name, _| known(name));
                self.taken_down.retain(known);
                self.reached.retain(|name, _| known(name));
                self.writers.clear();
                for edge in orch::model::graph::data_edges(&project.resources) {
                    let (from, to) = (&project.resources[edge.from].name, &project.resources[edge.to].name);
                    self.writers.entry(to.clone()).or_default().push(from.clone());
                }
                self.broken = false;
                self.loads += 1;
            }
            orch::engine::EvaluationOutcome::Failed(_) => self.broken = true,
            orch::engine::EvaluationOutcome::Cancelled => {}
        }
    }

    /// A project with what users switched.
    fn switched_project(&self, project: &Arc<Project>) -> Arc<Project> {
        let mut project = Project::clone(project);
        for resource in &mut project.resources {
            if let Some(&enabled) = self.switched.get(&resource.name) {
                Arc::make_mut(resource).enabled = enabled;
            }
        }
        Arc::new(project)
    }

    /// Whether no user switched anything.
    pub(crate) fn is_as_evaluated(&self) -> bool {
        self.switched.is_empty()
    }

    /// What users switched is in force at once.
    fn apply_switched(&mut self) {
        let Some(project) = self.evaluated.as_ref().map(|project| self.switched_project(project)) else { return };
        let enabled = project.resources.iter().filter(|resource| resource.enabled);
        self.once_enabled.extend(enabled.map(|resource| resource.name.clone()));
        self.project = Some(project);
        self.loads += 1;
    }

    /// Whether the one waits for the other, as far as naming it brings the other.
    fn waits_for(&self, from: &Resource, to: &Resource) -> bool {
        let selects = self.project.as_ref().is_some_and(|project| project.mode.selects_writers());
        let reads = || self.writers.get(&from.name).is_some_and(|writers| writers.contains(&to.name));
        from.dependencies.iter().any(|dependency| dependency.on == to.name) || selects && reads()
    }

    /// The named, and all that can be reached from them.
    fn closure(
        &self,
        names: &[ResourceName],
        alone: bool,
        leads: impl Fn(&Resource, &Resource) -> bool,
    ) -> BTreeSet<ResourceName> {
        let all: Vec<_> = self.project.iter().flat_map(|project| &project.resources).cloned().collect();
        let mut found: BTreeSet<ResourceName> = BTreeSet::new();
        let mut next: Vec<_> = all.iter().filter(|one| names.contains(&one.name)).cloned().collect();
        while let Some(from) = next.pop() {
            if found.insert(from.name.clone()) && !alone {
                next.extend(all.iter().filter(|to| leads(&from, to)).cloned());
            }
        }
        found
    }

    /// A press triggers what its button says.
    fn on_clicked(&mut self, now: Time, button: &ResourceName) {
        let buttons = self.project.iter().flat_map(|project| &project.buttons);
        let pressed = buttons.filter(|one| one.name == *button).flat_map(|one| &one.actions);
        let triggered = pressed.filter_map(|action| match action {
            orch::model::ButtonAction::Trigger(name) => Some(name.clone()),
            orch::model::ButtonAction::Run { .. } => None,
        });
        let triggered: Vec<ResourceName> = triggered.collect();
        if !self.shutting_down && !triggered.is_empty() {
            self.on_asked(now, &orch::engine::Request::Trigger(triggered));
        }
    }

    fn on_asked(&mut self, now: Time, request: &orch::engine::Request) {
        use orch::engine::Request;
        let resources = self.project.iter().flat_map(|project| &project.resources).filter(|one| one.enabled);
        let known: BTreeSet<ResourceName> = resources.map(|resource| resource.name.clone()).collect();
        match request {
            Request::Stop(names) | Request::TakeDown(names) => {
                for name in names.iter().filter(|name| known.contains(*name)) {
                    self.stopped.insert(name.clone(), now);
                    self.stopped_once.insert(name.clone(), now);
                    if matches!(request, Request::TakeDown(_)) {
                        self.taken_down.insert(name.clone());
                    }
                }
            }
            Request::Trigger(names) | Request::Restart(names) | Request::Start(names) => {
                for name in names.iter().filter(|name| known.contains(*name)) {
                    self.asked.insert(name.clone(), now);
                    self.taken_down.remove(name);
                    if !matches!(request, Request::Trigger(_)) {
                        self.stopped.remove(name);
                    }
                }
            }
            Request::Click { button, .. } => self.on_clicked(now, button),
            Request::Enable { names, alone, only } if !self.shutting_down => {
                let mut wanted = self.closure(names, *alone, |from, to| self.waits_for(from, to));
                if !alone && !only {
                    let is_on = |name: &ResourceName| known.contains(name) || wanted.contains(name);
                    let comes_back = |with: &BTreeSet<ResourceName>| {
                        with.iter().all(is_on) && with.iter().any(|name| names.contains(name))
                    };
                    let back = self.taken_along.iter().filter(|(_, with)| comes_back(with));
                    let back: Vec<ResourceName> = back.map(|(name, _)| name.clone()).collect();
                    wanted.extend(back.into_iter().filter(|name| self.resource(name).is_some()));
                }
                self.taken_along.retain(|name, _| !only && !wanted.contains(name));
                let others = self.project.iter().flat_map(|project| &project.resources);
                let others = others.filter(|one| *only && one.enabled);
                let others: Vec<ResourceName> = others.map(|one| one.name.clone()).collect();
                let off = others.into_iter().filter(|name| !wanted.contains(name)).map(|name| (name, false));
                let on = wanted.iter().map(|name| (name.clone(), true));
                self.switched.extend(on.chain(off).collect::<Vec<_>>());
                self.apply_switched();
            }
            Request::Disable { names, alone } if !self.shutting_down => {
                let unwanted = self.closure(names, *alone, |from, to| self.waits_for(to, from));
                for name in names.iter().filter(|_| !alone) {
                    for along in self.closure(std::slice::from_ref(name), false, |from, to| self.waits_for(to, from)) {
                        if known.contains(&along) || self.taken_along.contains_key(&along) {
                            self.taken_along.entry(along).or_default().insert(name.clone());
                        }
                    }
                }
                names.iter().for_each(|name| _ = self.taken_along.remove(name));
                self.switched.extend(unwanted.into_iter().map(|name| (name, false)));
                self.apply_switched();
            }
            Request::SetArgs(_) if !self.shutting_down => {
                self.switched.clear();
                self.taken_along.clear();
            }
            Request::Enable { .. } | Request::Disable { .. } | Request::SetArgs(_) => {}
            Request::ShutDown { teardown, .. } => {
                self.teardown |= teardown;
                self.hurried = self.shutting_down;
                self.shutting_down = true;
            }
        }
    }

    /// A resource that serves nothing was found fresh: that counts as a success.
    pub(crate) fn found_fresh(&mut self, name: &ResourceName) {
        let alone = self.resource(name).and_then(|one| one.kind.local()).is_some_and(|local| local.serve.is_none());
        let reached = self.reached.entry(name.clone()).or_default();
        reached.started = true;
        reached.ready |= alone;
        reached.succeeded |= alone;
    }

    /// `orch down` ends from its beginning on.
    pub(crate) fn begin_for(&mut self, goal: orch::snapshot::Goal) {
        self.teardown = goal == orch::snapshot::Goal::Down;
        self.shutting_down = self.teardown;
    }

    /// Forgets what a session alone knew.
    pub(crate) fn next_session(&mut self) {
        self.session += 1;
        self.told.clear();
        self.reached.clear();
        self.project = None;
        self.evaluated = None;
        self.switched.clear();
        self.taken_along.clear();
        self.loads = 0;
        self.broken = false;
        self.stopped.clear();
        self.stopped_once.clear();
        self.taken_down.clear();
        self.hurried = false;
        self.asked.clear();
        self.once_enabled.clear();
        self.shutting_down = false;
        self.teardown = false;
        self.docker.next_session();
    }
}
