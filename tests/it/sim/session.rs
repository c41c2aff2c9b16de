//! One engine in one world: tells it what happens, performs what it asks for, and checks both.

use super::{
    check,
    facts::Facts,
    pace::Pace,
    world::{Action, Due, Evaluator, World},
};
use orch::{
    engine::{DockerEvent, Effect, Engine, EngineConfig, Event, Request},
    model::{FilePath, InstanceId, RunId, Time},
    snapshot::{Goal, Skip, Snapshot},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

/// What was told, asked for or done, in its order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Event(Event),
    Effect(Effect),
    Action(Action),
    /// The engine's snapshot changed to this.
    Snapshot(Arc<Snapshot>),
}

/// How a session is started.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each on its own")]
pub(crate) struct Setting {
    pub(crate) goal: Goal,
    pub(crate) cores: u32,
    pub(crate) ci_timeout: Option<Duration>,
    /// `orch ci --keep-going`.
    pub(crate) keep_going: bool,
    /// Keep a snapshot after each event, for traces.
    pub(crate) with_snapshots: bool,
    /// Tell the engine old news now and then, and see that nothing comes of it.
    pub(crate) with_old_news: bool,
    /// At its end play it again, and see that the same comes of it.
    pub(crate) with_replay: bool,
}

/// An engine in its world.
pub(crate) struct Sim {
    pub(crate) world: World,
    setting: Setting,
    engine: Engine,
    /// Since the world began.
    pub(crate) log: Vec<(Time, Entry)>,
    /// What the engine was told and answered in this session, to be played again.
    played: Vec<(Time, Event, Vec<Effect>)>,
    first_config: EngineConfig,
    /// What is wrong. The first one ends the simulation.
    pub(crate) faults: Vec<String>,
    last_activity: Time,
}

/// Beyond this many steps without rest, something runs in circles.
const STEPS_MAX: usize = 30_000;

/// Longer than any back-off.
const QUIET: Duration = Duration::from_secs(61);

fn config(world: &World, setting: &Setting) -> EngineConfig {
    let facts: &Facts = &world.facts;
    let instances = facts.instances.keys().chain(facts.docker.instances.keys()).chain(&world.cluster.instances);
    let runs = facts.runs.keys().chain(facts.docker.runs.keys()).chain(&world.cluster.known_runs);
    EngineConfig {
        images: facts.docker.images.clone(),
        overlays: facts.docker.overlays.clone(),
        volumes: false,
        namespaces: false,
        goal: setting.goal,
        cores: setting.cores,
        first_run: runs.max().map_or(RunId(1), |run| run.next()),
        first_instance: instances.max().map_or(InstanceId(1), |instance| instance.next()),
        remembered: facts.remembered.clone(),
        ci_timeout: setting.ci_timeout,
    }
}

impl Sim {
    pub(crate) fn new(pace: Pace, evaluator: Box<dyn Evaluator>, setting: Setting) -> Self {
        let mut world = World::new(pace, evaluator);
        world.facts.begin_for(setting.goal);
        let config = config(&world, &setting);
        Self {
            world,
            engine: Engine::new(config.clone()).keep_going(setting.keep_going),
            setting,
            log: Vec::new(),
            played: Vec::new(),
            first_config: config,
            faults: Vec::new(),
            last_activity: Time::ZERO,
        }
    }

    pub(crate) fn snapshot(&mut self) -> Arc<Snapshot> {
        self.engine.snapshot()
    }

    /// Tells the engine that the session began.
    pub(crate) fn begin(&mut self) {
        self.tell(Event::SessionStarted);
    }

    /// Does something, some time from now.
    pub(crate) fn later(&mut self, wait: Duration, action: Action) {
        self.world.later(wait, Due::User(action));
    }

    /// Whether there is nothing more to see: orch has left, or something is wrong.
    pub(crate) fn is_over(&self) -> bool {
        self.world.finished.is_some() || !self.faults.is_empty()
    }

    /// Runs until the world and the engine are at rest, which proves that nothing more comes.
    pub(crate) fn settle(&mut self) {
        for _ in 0..STEPS_MAX {
            let end = (!self.world.is_busy()).then(|| self.last_activity + QUIET);
            if self.is_over() || !self.step_within(end) {
                self.world.now = self.world.now.max(end.unwrap_or_default());
                return self.check_rest();
            }
        }
        self.faults.push(format!("no rest after {STEPS_MAX} steps"));
    }

    /// Runs until that time of the world.
    pub(crate) fn run_until(&mut self, end: Time) {
        for _ in 0..STEPS_MAX {
            if self.is_over() || !self.step_within(Some(end)) {
                self.world.now = self.world.now.max(end);
                return;
            }
        }
        self.faults.push(format!("more than {STEPS_MAX} steps until {end}"));
    }

    fn check_rest(&mut self) {
        if self.faults.is_empty() && self.world.finished.is_none() {
            let faults = check::at_rest(&self.world, &self.engine.snapshot());
            self.faults.extend(faults);
        }
    }

    /// Goes on with the next thing, if there is one before `end`.
    fn step_within(&mut self, end: Option<Time>) -> bool {
        let deadline = self.engine.next_deadline().map(|time| self.world.world_time(time));
        let due = self.world.next_due();
        let Some(next) = deadline.into_iter().chain(due).min() else { return false };
        if end.is_some_and(|end| next > end) {
            return false;
        }
        let tie = deadline == due && self.world.pace.percent(50);
        if deadline.is_some_and(|deadline| due.is_none_or(|due| deadline < due)) || tie {
            self.world.now = self.world.now.max(next);
            self.wake();
            return true;
        }
        match self.world.take_due() {
            Some(Due::Tell(event)) => self.tell(event),
            Some(Due::Go(step)) => self.world.go(step),
            Some(Due::User(action)) => self.act(action),
            None => return false,
        }
        true
    }

    fn wake(&mut self) {
        self.tell(Event::Woke);
        let late = self.engine.next_deadline().filter(|next| *next <= self.world.session_time());
        if let Some(deadline) = late.filter(|_| self.faults.is_empty()) {
            self.faults.push(format!("woken at {}, the next deadline is still {deadline}", self.world.session_time()));
        }
    }

    fn act(&mut self, action: Action) {
        self.last_activity = self.world.now;
        self.log.push((self.world.now, Entry::Action(action.clone())));
        match action {
            Action::Save(path, content) => {
                self.world.note_tampering(&path);
                self.world.write(&path, &content);
            }
            Action::Touch(path) => self.world.touch(&path),
            Action::Remove(path) => {
                self.world.note_tampering(&path);
                self.world.remove(&path);
            }
            Action::GitLock(held) => self.world.git_lock(held),
            Action::Ask(request) => self.tell(Event::Asked(request)),
            Action::Kill(name, code) => self.world.kill_server(&name, code),
            Action::Port(port, true) => _ = self.world.taken_ports.insert(port),
            Action::Port(port, false) => _ = self.world.taken_ports.remove(&port),
            Action::Wake => self.tell(Event::Woke),
            Action::Reboot => self.reboot(),
            Action::Docker(action) => self.world.docker_action(&action),
            Action::Kube(action) => self.world.kube_action(&action),
        }
    }

    /// Kills orch without warning and starts it again with what the store kept.
    pub(crate) fn reboot(&mut self) {
        self.check_replay();
        self.world.kill_session();
        self.world.facts.begin_for(self.setting.goal);
        let config = config(&self.world, &self.setting);
        self.engine = Engine::new(config.clone()).keep_going(self.setting.keep_going);
        self.first_config = config;
        self.played.clear();
        self.last_activity = self.world.now;
        self.begin();
    }

    /// Kills orch and starts it for something else.
    pub(crate) fn reboot_for(&mut self, goal: Goal) {
        self.setting.goal = goal;
        self.reboot();
    }

    /// Asks for the end and runs until it comes.
    pub(crate) fn shut_down(&mut self, teardown: bool) {
        self.act(Action::Ask(Request::ShutDown { teardown, volumes: false, namespaces: false }));
        self.settle();
        if self.faults.is_empty() && self.world.finished.is_none() {
            self.faults.push("asked to end, orch does not".to_owned());
        }
    }

    /// Starts orch again in a world that is as it should be: it does nothing to containers that are well.
    pub(crate) fn reboot_quietly(&mut self) {
        let snapshot = self.engine.snapshot();
        let well = check::well(&self.world, &snapshot);
        // What users switched, and other arguments, end with a session.
        let is_same = self.world.facts.is_as_evaluated() && snapshot.args.is_empty();
        self.reboot();
        self.settle();
        if is_same && self.faults.is_empty() {
            self.faults.extend(check::touched(&self.world, &well));
        }
    }

    fn tell(&mut self, event: Event) {
        if self.world.finished.is_some() || !self.faults.is_empty() || !self.world.on_tell(&event) {
            return;
        }
        if let Event::FilesChanged { paths } = &event {
            paths.iter().for_each(|path| self.world.note_tampering(path));
        }
        let now = self.world.session_time();
        self.log.push((self.world.now, Entry::Event(event.clone())));
        let answer = catch_unwind(AssertUnwindSafe(|| self.engine.handle(now, event.clone())));
        let effects = match answer {
            Ok(effects) => effects,
            Err(payload) => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
                self.faults.push(format!("the engine panicked: {text}"));
                return;
            }
        };
        if !matches!(event, Event::Woke | Event::Probed { .. }) || !effects.iter().all(is_check) {
            self.last_activity = self.world.now;
        }
        let may_be_fresh = matches!(event, Event::SetTaken { .. });
        self.played.push((now, event, effects.clone()));
        self.perform(effects);
        if may_be_fresh {
            self.note_fresh();
        }
        if self.setting.with_snapshots {
            self.log.push((self.world.now, Entry::Snapshot(self.engine.snapshot())));
        }
        if self.setting.with_old_news && self.world.pace.percent(4) {
            self.tell_old_news();
        }
    }

    /// Notes which resources the engine found to need no run.
    fn note_fresh(&mut self) {
        let snapshot = self.engine.snapshot();
        for row in snapshot.rows.iter().filter(|row| row.skipped == Some(Skip::Fresh)) {
            self.world.facts.found_fresh(&row.name);
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let snapshot = if effects.iter().any(starts) { self.engine.snapshot() } else { Arc::default() };
        for effect in effects {
            self.log.push((self.world.now, Entry::Effect(effect.clone())));
            let faults = check::on_effect(&self.world, &snapshot, self.setting.cores, &effect);
            self.faults.extend(faults);
            self.world.perform(effect);
        }
        self.faults.append(&mut self.world.objections);
    }

    /// What came once is told once more: of attempts that are over and of questions that are answered, nothing may come.
    fn tell_old_news(&mut self) {
        let now = self.world.session_time();
        let quiet = self.engine.next_deadline().is_none_or(|deadline| deadline > now);
        if self.world.finished.is_some() || !self.faults.is_empty() || !quiet || self.played.is_empty() {
            return;
        }
        let place = self.world.pace.below(self.played.len() as u64);
        let event = self.played[usize::try_from(place).expect("an index")].1.clone();
        if !self.is_old_news(&event) {
            return;
        }
        let before = self.engine.snapshot();
        let effects = self.engine.handle(now, event.clone());
        self.played.push((now, event.clone(), effects.clone()));
        let after = self.engine.snapshot();
        if !effects.is_empty() || before.rows != after.rows || before.orchfile != after.orchfile {
            self.faults.push(format!("old news changed something: {event:?} gave {effects:?}"));
        }
    }

    fn is_old_news(&self, event: &Event) -> bool {
        let facts = &self.world.facts;
        let docker_over = |run: &RunId| facts.docker.runs.get(run).is_some_and(|run| run.exit.is_some());
        let run_over = |run: &RunId| facts.runs.get(run).is_some_and(|run| run.exit.is_some()) || docker_over(run);
        let instance_over = |one: &InstanceId| facts.instances.get(one).is_some_and(|one| one.exit.is_some());
        match event {
            Event::RunStarted { run, .. } | Event::RunEnded { run, .. } => run_over(run),
            Event::InstanceStarted { instance, .. }
            | Event::InstanceEnded { instance, .. }
            | Event::ReadyLineSeen { instance } => instance_over(instance),
            Event::DigestsTaken { .. }
            | Event::SetTaken { .. }
            | Event::Probed { .. }
            | Event::LeftoversEnded { .. }
            | Event::EvaluationEnded { .. }
            | Event::Docker(DockerEvent::Seen { .. } | DockerEvent::FollowEnded { .. }) => true,
            Event::SessionStarted
            | Event::Woke
            | Event::EvaluationRead { .. }
            | Event::FilesChanged { .. }
            | Event::GitLockChanged { .. }
            | Event::Docker(_)
            | Event::Kube(_)
            | Event::Asked(_) => false,
        }
    }

    /// The same events at the same times give the same effects.
    pub(crate) fn check_replay(&mut self) {
        if !self.faults.is_empty() || !self.setting.with_replay {
            return;
        }
        let mut engine = Engine::new(self.first_config.clone()).keep_going(self.setting.keep_going);
        for (now, event, effects) in &self.played {
            let again = engine.handle(*now, event.clone());
            if again != *effects {
                let text = format!("told again at {now}, {event:?} gives {again:?} instead of {effects:?}");
                self.faults.push(text);
                return;
            }
        }
    }
}

fn is_check(effect: &Effect) -> bool {
    matches!(effect, Effect::Probe { .. })
}

fn starts(effect: &Effect) -> bool {
    matches!(effect, Effect::StartRun { .. } | Effect::StartInstance { .. } | Effect::Docker(_))
}

impl World {
    /// Notes that somebody else changed an output of a resource whose run or server lives: that does not make it dirty.
    pub(super) fn note_tampering(&mut self, path: &FilePath) {
        let Some(project) = &self.facts.project else { return };
        let writes =
            |resource: &&Arc<orch::model::Resource>| resource.kind.outputs().iter().any(|root| path.is_within(root));
        let owner = project.resources.iter().find(writes).map(|resource| resource.name.clone());
        if owner.is_some_and(|name| self.facts.is_running(&name) || self.facts.is_serving(&name)) {
            self.facts.tampered.insert(path.clone());
        }
    }
}
