//! The engine by hand: small sessions, event by event.

use orch::{
    engine::{Effect, Engine, EngineConfig, EvaluationOutcome, Event, ProbeResult, Request, RunEnd, TakenFile},
    model::{
        Command, Condition, Dependency, Digest, EvaluationId, EvaluationInput, Exit, FilePath, FileSet, InstanceId,
        Kind, Local, Mode, NodeKey, Probe, ProbeAction, Project, RequestId, Resource, ResourceName, Restart, RunId,
        Secret, Seen, Serve, Settings, Success, Time, TriggerMode,
    },
    snapshot::{Cause, Goal, GraphEdgeKind, Hold, Row, RuntimeStatus, Skip, UpdateStatus},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

fn path(text: &str) -> FilePath {
    FilePath::new("/p").join(text)
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn command(text: &str) -> Command {
    Command { argv: vec![text.to_owned()], dir: FilePath::new("/p"), env: BTreeMap::new() }
}

/// A resource in the making.
#[derive(Debug, Clone)]
struct Made(Resource);

fn resource(text: &str) -> Made {
    let local = Local {
        cmd: None,
        serve: None,
        teardown: None,
        inputs: Arc::default(),
        outputs: Vec::new(),
        parallel: true,
        cancel_superseded: false,
    };
    Made(Resource {
        name: name(text),
        declared_at: None,
        kind: Kind::Local(Box::new(local)),
        dependencies: Vec::new(),
        trigger_mode: TriggerMode::Auto,
        auto_init: true,
        enabled: true,
        labels: Vec::new(),
        links: Vec::new(),
    })
}

impl Made {
    fn local(mut self, change: impl FnOnce(&mut Local)) -> Self {
        let Kind::Local(local) = &mut self.0.kind else { unreachable!("a local resource") };
        change(local);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Resource)) -> Self {
        change(&mut self.0);
        self
    }

    fn cmd(self, text: &str) -> Self {
        self.local(|local| local.cmd = Some(command(text)))
    }

    fn serve(self, text: &str) -> Self {
        let serve = Serve { command: command(text), probe: None, ready_log_line: None, restart: None };
        self.local(|local| local.serve = Some(serve))
    }

    fn probed(self) -> Self {
        let action = ProbeAction::Exec { argv: vec!["probe".to_owned()] };
        let probe = Probe {
            action,
            initial_delay_secs: None,
            timeout_secs: None,
            period_secs: None,
            success_threshold: None,
            failure_threshold: None,
        };
        self.local(|local| local.serve.as_mut().unwrap().probe = Some(probe))
    }

    fn restart(self, restart: Restart) -> Self {
        self.local(|local| local.serve.as_mut().unwrap().restart = Some(restart))
    }

    fn reads(self, roots: &[&str]) -> Self {
        self.local(|local| local.inputs = Arc::new(FileSet::of(roots.iter().map(|root| path(root)).collect())))
    }

    fn writes(self, roots: &[&str]) -> Self {
        self.local(|local| local.outputs = roots.iter().map(|root| path(root)).collect())
    }

    fn after(self, on: &str, condition: Condition) -> Self {
        self.with(|resource| resource.dependencies.push(Dependency { on: name(on), condition }))
    }
}

/// An engine with a world that does what the test says.
struct World {
    engine: Engine,
    now: Time,
    effects: Vec<Effect>,
    files: BTreeMap<FilePath, String>,
    /// What a command writes when it succeeds.
    writes: BTreeMap<ResourceName, Vec<(FilePath, String)>>,
    evaluation: EvaluationId,
    runs: BTreeMap<RunId, (ResourceName, Arc<FileSet>)>,
    instances: BTreeMap<InstanceId, ResourceName>,
    /// Commands that do not end by themselves.
    slow: BTreeSet<ResourceName>,
    trace: Vec<String>,
    store: BTreeMap<ResourceName, Success>,
}

impl World {
    fn new(goal: Goal) -> Self {
        Self::with_store(goal, BTreeMap::new())
    }

    fn with_store(goal: Goal, store: BTreeMap<ResourceName, Success>) -> Self {
        let config = EngineConfig {
            images: std::collections::BTreeMap::new(),
            overlays: std::collections::BTreeMap::new(),
            volumes: false,
            namespaces: false,
            goal,
            cores: 4,
            first_run: RunId(1),
            first_instance: InstanceId(1),
            remembered: store.clone(),
            ci_timeout: None,
        };
        let mut world = Self {
            engine: Engine::new(config),
            now: Time::ZERO,
            effects: Vec::new(),
            files: BTreeMap::new(),
            writes: BTreeMap::new(),
            evaluation: EvaluationId(0),
            runs: BTreeMap::new(),
            instances: BTreeMap::new(),
            slow: BTreeSet::new(),
            trace: Vec::new(),
            store,
        };
        world.event(Event::SessionStarted);
        world
    }

    fn event(&mut self, event: Event) {
        let effects = self.engine.handle(self.now, event);
        self.effects.extend(effects);
        while !self.effects.is_empty() {
            let effect = self.effects.remove(0);
            self.perform(effect);
        }
        let snapshot = self.engine.snapshot();
        assert_eq!(self.engine.stale_rows(&snapshot), Vec::<String>::new());
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Evaluate { evaluation, .. } => self.evaluation = evaluation,
            Effect::TakeDigests { request, paths } => {
                let digests = paths.into_iter().map(|path| (path.clone(), self.digest_of(&path))).collect();
                self.event(Event::DigestsTaken { request, digests });
            }
            Effect::TakeSet { request, files, .. } => self.take_set(request, &files),
            Effect::StartRun { run, resource, outputs, command, .. } => {
                self.trace.push(format!("run {resource}: {}", command.argv[0]));
                self.runs.insert(run, (resource.clone(), outputs));
                if !self.slow.contains(&resource) {
                    self.end_run(&resource, Exit::Code(0));
                }
            }
            Effect::CancelRun { run, .. } => {
                let resource = self.runs[&run].0.clone();
                self.trace.push(format!("cancel {resource}"));
                self.end_run(&resource, Exit::Stopped);
            }
            Effect::StartInstance { instance, resource, command, .. } => {
                self.trace.push(format!("serve {resource}: {}", command.argv[0]));
                self.instances.insert(instance, resource);
                self.event(Event::InstanceStarted { instance, pid: 1 });
            }
            Effect::StopInstance { instance, .. } => {
                let resource = self.instances.remove(&instance).unwrap();
                self.trace.push(format!("stop {resource}"));
                self.event(Event::InstanceEnded { instance, exit: Exit::Stopped });
            }
            Effect::Probe { request, .. } => self.event(Event::Probed { request, result: ProbeResult::Passed }),
            Effect::Remember { resource, success } => _ = self.store.insert(resource, success),
            Effect::Forget { resource } => _ = self.store.remove(&resource),
            Effect::Finish { verdict } => self.trace.push(format!("finish {verdict:?}")),
            Effect::CancelEvaluation { .. }
            | Effect::Watch { .. }
            | Effect::RecordRun { .. }
            | Effect::StopLeftovers { .. }
            | Effect::Docker(_)
            | Effect::Kube(_)
            | Effect::Say { .. } => {}
        }
    }

    fn digest_of(&self, path: &FilePath) -> Option<Digest> {
        self.files.get(path).map(|text| digest(text))
    }

    fn take_set(&mut self, request: RequestId, set: &FileSet) {
        let files = self.files.iter().filter(|(path, _)| set.contains(path));
        let taken = |(path, text): (&FilePath, &String)| TakenFile {
            path: path.clone(),
            digest: digest(text),
            unchanged: true,
        };
        let files = files.map(taken).collect();
        self.event(Event::SetTaken { request, files });
    }

    fn reads_orchfile(&mut self) {
        let seen = self.digest_of(&path("Orchfile")).map_or(Seen::Absent, Seen::Content);
        let inputs = vec![EvaluationInput { path: path("Orchfile"), seen }];
        self.event(Event::EvaluationRead { evaluation: self.evaluation, inputs });
    }

    fn load(&mut self, mode: Mode, resources: &[Made]) {
        self.load_with(mode, resources, |_| ());
    }

    fn load_with(&mut self, mode: Mode, resources: &[Made], change: impl FnOnce(&mut Project)) {
        self.reads_orchfile();
        let mut project = Project {
            images: Vec::new(),
            compose: Vec::new(),
            buttons: Vec::new(),
            of_api: BTreeSet::new(),
            kube: orch::model::KubeSettings::default(),
            mode,
            file: path("Orchfile"),
            root: FilePath::new("/p"),
            resources: resources.iter().map(|made| Arc::new(made.0.clone())).collect(),
            settings: Settings::default(),
            environment: BTreeMap::new(),
            secrets: Vec::new(),
        };
        change(&mut project);
        let outcome = EvaluationOutcome::Loaded(Arc::new(project), Vec::new());
        self.event(Event::EvaluationEnded { evaluation: self.evaluation, outcome });
    }

    /// Saves the Orchfile, which every evaluation here reads, and loads what it says now.
    fn reload(&mut self, resources: &[Made]) {
        self.save("Orchfile", &format!("{resources:?}"));
        self.load(Mode::Orchfile, resources);
    }

    /// Ends the oldest run of that resource.
    fn end_run(&mut self, resource: &ResourceName, exit: Exit) {
        let found = self.runs.iter().find(|(_, (name, _))| name == resource).map(|(run, (_, set))| (*run, set.clone()));
        let (run, outputs) = found.unwrap();
        self.runs.remove(&run);
        if exit.is_success() {
            let written = self.writes.get(resource).cloned().unwrap_or_default();
            self.files.extend(written);
        }
        let files = self.files.iter().filter(|(path, _)| exit.is_success() && outputs.contains(path));
        let outputs = files.map(|(path, text)| (path.clone(), digest(text))).collect();
        self.event(Event::RunEnded { run, end: RunEnd { outputs, ..RunEnd::of(exit) } });
    }

    fn end(&mut self, resource: &str, exit: Exit) {
        self.end_run(&name(resource), exit);
    }

    fn crash(&mut self, resource: &str, exit: Exit) {
        let instance = *self.instances.iter().find(|(_, name)| name.as_str() == resource).unwrap().0;
        self.instances.remove(&instance);
        self.event(Event::InstanceEnded { instance, exit });
    }

    fn save(&mut self, file: &str, text: &str) {
        self.files.insert(path(file), text.to_owned());
        self.event(Event::FilesChanged { paths: vec![path(file)] });
        self.pass(1_000);
    }

    /// Lets time go on, deadline by deadline.
    fn pass(&mut self, millis: u64) {
        let until = self.now + std::time::Duration::from_millis(millis);
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= until) {
            self.now = at;
            self.event(Event::Woke);
        }
        self.now = until;
    }

    fn row(&mut self, resource: &str) -> Row {
        Row::clone(self.engine.snapshot().rows.named(&name(resource)).unwrap())
    }

    fn take_trace(&mut self) -> Vec<String> {
        std::mem::take(&mut self.trace)
    }

    #[track_caller]
    fn expect(&mut self, trace: &[&str]) {
        assert_eq!(self.take_trace(), trace);
    }
}

#[test]
fn commands_run_and_servers_follow_in_order() {
    let mut world = World::new(Goal::Up);
    let api = resource("api").cmd("build").serve("api").after("db", Condition::Ready);
    world.load(Mode::Orchfile, &[api, resource("db").serve("db").probed()]);
    world.expect(&["serve db: db", "run api: build", "serve api: api"]);
    assert_eq!(world.row("api").update, UpdateStatus::Ok);
    assert_eq!(world.row("db").update, UpdateStatus::NotApplicable);
    assert_eq!(world.row("db").runtime, RuntimeStatus::Ok);
    world.event(Event::Asked(Request::ShutDown { teardown: false, volumes: false, namespaces: false }));
    world.expect(&["stop api", "stop db", "finish Interrupted"]);
}

#[test]
fn a_save_runs_only_what_reads_the_file_and_only_if_its_content_differs() {
    let mut world = World::new(Goal::Up);
    world.files.insert(path("a/x"), "1".to_owned());
    world.load(Mode::Orchfile, &[resource("a").cmd("a").reads(&["a"]), resource("b").cmd("b").reads(&["b"])]);
    world.expect(&["run a: a", "run b: b"]);
    world.save("a/x", "1");
    world.expect(&[]);
    assert!(matches!(world.row("a").skipped, Some(Skip::SameContent { count: 1, .. })));
    world.save("a/x", "2");
    world.expect(&["run a: a"]);
    assert!(matches!(&world.row("a").runs[0].cause, Cause::Files { count: 1, paths } if paths == &[path("a/x")]));
    world.save("a/x", "2");
    world.save("other", "2");
    world.expect(&[]);
}

#[test]
fn a_change_during_a_run_runs_once_more() {
    let mut world = World::new(Goal::Up);
    world.files.insert(path("x"), "1".to_owned());
    world.slow.insert(name("a"));
    world.load(Mode::Orchfile, &[resource("a").cmd("a").reads(&["x"])]);
    world.save("x", "2");
    world.save("x", "3");
    world.expect(&["run a: a"]);
    assert_eq!(world.row("a").hold, Some(Hold::Running));
    world.end("a", Exit::Code(0));
    world.expect(&["run a: a"]);
    world.end("a", Exit::Code(0));
    world.pass(1_000);
    world.expect(&[]);
    assert!(!world.row("a").dirty);
}

#[test]
fn a_reader_waits_for_its_writer_and_stops_at_equal_outputs() {
    let mut world = World::new(Goal::Up);
    world.files.insert(path("in"), "1".to_owned());
    world.writes.insert(name("gen"), vec![(path("out/f"), "same".to_owned())]);
    let use_ = resource("use").cmd("use").reads(&["out", "in"]);
    world.load(Mode::Orchfile, &[use_, resource("gen").cmd("gen").reads(&["in"]).writes(&["out"])]);
    world.expect(&["run gen: gen", "run use: use"]);
    world.save("in", "2");
    world.expect(&["run gen: gen", "run use: use"]);
    world.event(Event::Asked(Request::Trigger(vec![name("gen")])));
    world.expect(&["run gen: gen"]);
    assert_eq!(world.row("use").skipped, Some(Skip::SameOutputs(name("gen"))));
    world.writes.insert(name("gen"), vec![(path("out/f"), "new".to_owned())]);
    world.event(Event::Asked(Request::Trigger(vec![name("gen")])));
    world.expect(&["run gen: gen", "run use: use"]);
    assert_eq!(world.row("use").runs[0].cause, Cause::Writer(name("gen")));
}

#[test]
fn outputs_that_somebody_removes_are_made_again() {
    let mut world = World::new(Goal::Up);
    world.writes.insert(name("gen"), vec![(path("out"), "1".to_owned())]);
    world.load(Mode::Orchfile, &[resource("gen").cmd("gen").writes(&["out"])]);
    world.event(Event::FilesChanged { paths: vec![path("out")] });
    world.pass(1_000);
    world.expect(&["run gen: gen"]);
    world.files.remove(&path("out"));
    world.event(Event::FilesChanged { paths: vec![path("out")] });
    world.pass(1_000);
    world.expect(&["run gen: gen"]);
    assert!(matches!(world.row("gen").runs[0].cause, Cause::Outputs { count: 1, .. }));
}

#[test]
fn what_is_fresh_is_not_run_in_a_later_session() {
    let project = [resource("gen").cmd("gen").reads(&["in"]).writes(&["out"]), resource("c").cmd("c").reads(&["out"])];
    let mut first = World::new(Goal::Ci);
    first.files.insert(path("in"), "1".to_owned());
    first.writes.insert(name("gen"), vec![(path("out"), "o".to_owned())]);
    first.load(Mode::Orchfile, &project);
    first.expect(&["run gen: gen", "run c: c", "finish Succeeded"]);
    let mut second = World::with_store(Goal::Ci, first.store.clone());
    second.files = first.files.clone();
    second.load(Mode::Orchfile, &project);
    second.expect(&["run c: c", "finish Succeeded"]);
    let mut third = World::with_store(Goal::Ci, second.store.clone());
    third.files = second.files.clone();
    third.files.insert(path("out"), "edited".to_owned());
    third.slow.insert(name("gen"));
    third.load(Mode::Orchfile, &project);
    third.expect(&["run gen: gen"]);
    assert!(third.store.is_empty());
}

#[test]
fn a_success_whose_inputs_changed_meanwhile_is_not_remembered() {
    let gen_of_in = || {
        let made = resource("gen").cmd("gen").reads(&["in"]).writes(&["out"]);
        made.with(|resource| resource.trigger_mode = TriggerMode::Manual)
    };
    for saved_meanwhile in [false, true] {
        let mut world = World::new(Goal::Up);
        world.files.insert(path("in"), "1".to_owned());
        world.slow.insert(name("gen"));
        world.load(Mode::Orchfile, &[gen_of_in()]);
        world.expect(&["run gen: gen"]);
        if saved_meanwhile {
            world.save("in", "2");
        }
        world.end("gen", Exit::Code(0));
        world.pass(1_000);
        assert_eq!(world.store.is_empty(), saved_meanwhile, "nobody knows whether the command read 1 or 2");
    }
}

#[test]
fn a_server_that_dies_backs_off_and_a_save_starts_it_at_once() {
    let mut world = World::new(Goal::Up);
    world.files.insert(path("x"), "1".to_owned());
    world.load(Mode::Orchfile, &[resource("s").serve("s").reads(&["x"])]);
    world.take_trace();
    world.crash("s", Exit::Code(1));
    world.pass(999);
    assert!(matches!(world.row("s").hold, Some(Hold::Backoff { .. })));
    world.expect(&[]);
    world.pass(1);
    world.expect(&["serve s: s"]);
    assert_eq!(world.row("s").instance.unwrap().restarts, 1);
    world.crash("s", Exit::Signal(9));
    world.save("x", "2");
    world.expect(&["serve s: s"]);
    world.crash("s", Exit::Code(0));
    world.pass(100_000);
    world.expect(&[]);
    assert_eq!(world.row("s").hold, Some(Hold::Ended));
}

#[test]
fn ci_fails_at_once_and_stops_the_rest() {
    let mut world = World::new(Goal::Ci);
    world.slow.extend([name("bad"), name("slow")]);
    world.load(Mode::Orchfile, &[resource("bad").cmd("bad"), resource("slow").cmd("slow"), resource("s").serve("s")]);
    world.take_trace();
    world.end("bad", Exit::Code(3));
    let trace = world.take_trace();
    assert_eq!(trace[..2], ["cancel slow".to_owned(), "stop s".to_owned()]);
    assert!(trace[2].starts_with("finish Failed([(\"bad\", RunFailed(Code(3)))])"), "{trace:?}");
}

#[test]
fn ci_waits_until_a_server_without_a_check_has_lived() {
    let mut world = World::new(Goal::Ci);
    world.load(Mode::Orchfile, &[resource("s").serve("s")]);
    world.pass(999);
    world.expect(&["serve s: s"]);
    world.pass(1);
    world.expect(&["stop s", "finish Succeeded"]);
}

#[test]
fn ci_fails_when_a_server_ends_unless_its_restart_says_otherwise() {
    let mut world = World::new(Goal::Ci);
    world.load(Mode::Orchfile, &[resource("s").serve("s").probed()]);
    world.expect(&["serve s: s", "stop s", "finish Succeeded"]);
    let mut world = World::new(Goal::Ci);
    world.load(Mode::Orchfile, &[resource("s").serve("s")]);
    world.crash("s", Exit::Code(0));
    world.expect(&["serve s: s", "finish Failed([(\"s\", InstanceEnded(Code(0)))])"]);
    let mut world = World::new(Goal::Ci);
    world.load(Mode::Orchfile, &[resource("s").serve("s").restart(Restart::Always)]);
    world.crash("s", Exit::Code(1));
    world.pass(2_000);
    world.expect(&["serve s: s", "serve s: s", "stop s", "finish Succeeded"]);
}

#[test]
fn ci_fails_at_rest_with_the_hold_of_what_can_never_go() {
    let mut world = World::new(Goal::Ci);
    let never = resource("never").cmd("never").with(|resource| resource.auto_init = false);
    world.load(Mode::Orchfile, &[resource("a").cmd("a").after("never", Condition::Ready), never]);
    let trace = world.take_trace();
    assert!(trace[0].contains("Held(Dependency { on: \"never\""), "{trace:?}");
    assert!(trace[0].contains("manual"), "{trace:?}");
}

#[test]
fn manual_resources_wait_for_a_trigger() {
    let mut world = World::new(Goal::Up);
    world.files.insert(path("x"), "1".to_owned());
    let manual = |text: &str| {
        resource(text).cmd(text).reads(&["x"]).with(|resource| {
            resource.trigger_mode = TriggerMode::Manual;
        })
    };
    let lazy = resource("lazy").cmd("lazy").reads(&["x"]).with(|resource| resource.auto_init = false);
    let never = manual("never").with(|resource| resource.auto_init = false);
    world.load(Mode::Orchfile, &[manual("once"), lazy, never]);
    world.expect(&["run once: once"]);
    world.save("x", "2");
    world.expect(&["run lazy: lazy"]);
    assert_eq!(world.row("once").hold, Some(Hold::Manual));
    assert_eq!(world.row("once").pending, [path("x")]);
    assert_eq!(world.row("never").hold, Some(Hold::Manual));
    world.event(Event::Asked(Request::Trigger(vec![name("never"), name("once")])));
    world.expect(&["run never: never", "run once: once"]);
}

#[test]
fn exclusive_commands_share_with_nothing() {
    let mut world = World::new(Goal::Up);
    world.slow.extend([name("a"), name("b"), name("c")]);
    let alone = |text: &str| resource(text).cmd(text).local(|local| local.parallel = false);
    world.load(Mode::Tiltfile, &[resource("a").cmd("a"), alone("b"), resource("c").cmd("c")]);
    world.expect(&["run a: a", "run c: c"]);
    assert_eq!(world.row("b").hold, Some(Hold::Exclusive(name("a"))));
    world.end("a", Exit::Code(0));
    world.end("c", Exit::Code(0));
    world.expect(&["run b: b"]);
    world.event(Event::Asked(Request::Trigger(vec![name("a")])));
    assert_eq!(world.row("a").hold, Some(Hold::Exclusive(name("b"))));
    world.end("b", Exit::Code(0));
    world.expect(&["run a: a"]);
}

#[test]
fn a_newer_change_ends_a_run_that_may_be_superseded() {
    let mut world = World::new(Goal::Up);
    world.files.insert(path("x"), "1".to_owned());
    world.slow.insert(name("a"));
    let a = resource("a").cmd("a").reads(&["x"]).local(|local| local.cancel_superseded = true);
    world.load(Mode::Orchfile, &[a]);
    world.save("x", "2");
    world.expect(&["run a: a", "cancel a", "run a: a"]);
}

/// Has `a` write what it reads in each of its runs, until it runs no more.
fn let_a_feed_itself(world: &mut World) {
    for round in 0..10 {
        if world.runs.is_empty() {
            break;
        }
        world.save("x", &round.to_string());
        world.end("a", Exit::Code(0));
        world.pass(500);
    }
}

#[test]
fn a_node_that_makes_itself_dirty_is_held() {
    let mut world = World::new(Goal::Up);
    world.slow.insert(name("a"));
    world.load(Mode::Orchfile, &[resource("a").cmd("a").reads(&["x"])]);
    let_a_feed_itself(&mut world);
    assert_eq!(world.row("a").hold, Some(Hold::SelfDirty { times: 5, path: path("x") }));
    assert_eq!(world.take_trace().len(), 5);
    world.pass(1_000);
    world.expect(&["run a: a"]);
    world.save("x", "once more");
    world.end("a", Exit::Code(0));
    world.pass(1_000);
    assert_eq!(world.row("a").hold, Some(Hold::SelfDirty { times: 6, path: path("x") }));
    world.slow.clear();
    world.save("x", "by a user");
    world.expect(&["run a: a"]);
}

#[test]
fn a_save_in_between_does_not_clear_a_node_that_makes_itself_dirty() {
    let mut world = World::new(Goal::Up);
    world.slow.insert(name("a"));
    world.load(Mode::Orchfile, &[resource("a").cmd("a").reads(&["x", "y"])]);
    world.save("y", "by a user");
    world.end("a", Exit::Code(0));
    let_a_feed_itself(&mut world);
    assert_eq!(world.row("a").hold, Some(Hold::SelfDirty { times: 6, path: path("x") }));
}

#[test]
fn stop_keeps_ended_until_start() {
    let mut world = World::new(Goal::Up);
    world.files.insert(path("x"), "1".to_owned());
    world.load(Mode::Orchfile, &[resource("a").cmd("a").serve("s").reads(&["x"])]);
    world.take_trace();
    world.event(Event::Asked(Request::Stop(vec![name("a")])));
    world.expect(&["stop a"]);
    assert_eq!(world.row("a").hold, Some(Hold::Stopped));
    world.event(Event::Asked(Request::Start(vec![name("a")])));
    world.expect(&["serve a: s"]);
    world.event(Event::Asked(Request::Stop(vec![name("a")])));
    world.save("x", "2");
    world.event(Event::Asked(Request::Start(vec![name("a")])));
    world.expect(&["stop a", "run a: a", "serve a: s"]);
    world.event(Event::Asked(Request::Restart(vec![name("a")])));
    world.expect(&["stop a", "serve a: s"]);
}

#[test]
fn down_runs_teardowns_dependants_first() {
    let mut world = World::new(Goal::Down);
    let down = |text: &str| resource(text).cmd(text).local(|local| local.teardown = Some(command("down")));
    world.load(Mode::Orchfile, &[down("db"), down("api").after("db", Condition::Ready)]);
    world.expect(&["run api: down", "run db: down", "finish Succeeded"]);
}

#[test]
fn a_reload_touches_only_what_differs() {
    let mut world = World::new(Goal::Up);
    let a = resource("a").cmd("a");
    let b = resource("b").cmd("b").serve("s");
    let c = resource("c").serve("c");
    world.load(Mode::Orchfile, &[a.clone(), b.clone(), c]);
    world.take_trace();
    let b = b.cmd("b2").with(|resource| resource.labels.push("l".to_owned()));
    world.reload(&[resource("d").cmd("d"), b, a.with(|resource| resource.labels.push("l".to_owned()))]);
    world.expect(&["stop c", "run d: d", "run b: b2", "stop b", "serve b: s"]);
    assert_eq!(world.row("b").runs[0].cause, Cause::Definition);
    assert_eq!(world.row("a").labels, ["l"]);
    let rows = world.engine.snapshot().rows.clone();
    assert_eq!(rows.iter().map(|row| row.name.to_string()).collect::<Vec<_>>(), ["d", "b", "a"]);
}

#[test]
fn a_bad_edit_harms_nothing_and_a_mended_one_loads() {
    let mut world = World::new(Goal::Up);
    world.load(Mode::Orchfile, &[resource("s").serve("s")]);
    world.save("Orchfile", "bad");
    world.reads_orchfile();
    world
        .event(Event::EvaluationEnded { evaluation: world.evaluation, outcome: EvaluationOutcome::Failed(Vec::new()) });
    world.expect(&["serve s: s"]);
    let before = world.evaluation;
    world.save("Orchfile", "bad");
    assert_eq!(world.evaluation, before);
    world.reload(&[resource("t").serve("t")]);
    world.expect(&["stop s", "serve t: t"]);
}

#[test]
fn a_removed_resource_that_comes_back_begins_anew() {
    let mut world = World::new(Goal::Up);
    let s = resource("s").cmd("a").serve("s");
    world.load(Mode::Orchfile, std::slice::from_ref(&s));
    world.reload(&[]);
    world.reload(&[s]);
    world.expect(&["run s: a", "serve s: s", "stop s", "run s: a", "serve s: s"]);
}

/// `web` needs `api`, which reads what `gen` writes and needs `db`; `mail` stands alone.
fn shop() -> Vec<Made> {
    vec![
        resource("gen").cmd("gen").writes(&["out"]),
        resource("db").serve("db"),
        resource("api").cmd("api").reads(&["out/x"]).after("db", Condition::Ready),
        resource("web").serve("web").after("api", Condition::Ready),
        resource("mail").serve("mail"),
    ]
}

fn enabled(world: &mut World) -> Vec<String> {
    let snapshot = world.engine.snapshot();
    snapshot.rows.iter().filter(|row| row.spec.enabled).map(|row| row.name.to_string()).collect()
}

fn enable(names: &[&str]) -> Event {
    let names = names.iter().map(|one| name(one)).collect();
    Event::Asked(Request::Enable { names, alone: false, only: false })
}

#[test]
fn what_is_enabled_comes_with_what_it_needs_and_what_is_disabled_goes_with_those_that_need_it() {
    let mut world = World::new(Goal::Up);
    let off: Vec<Made> = shop().into_iter().map(|one| one.with(|resource| resource.enabled = false)).collect();
    world.load(Mode::Orchfile, &off);
    world.expect(&[]);
    world.event(enable(&["api"]));
    assert_eq!(enabled(&mut world), ["gen", "db", "api"]);
    world.expect(&["serve db: db", "run gen: gen", "run api: api"]);
    world.event(enable(&["web"]));
    world.expect(&["serve web: web"]);
    world.event(Event::Asked(Request::Disable { names: vec![name("db")], alone: false }));
    assert_eq!(enabled(&mut world), ["gen"]);
    world.expect(&["stop db", "stop web"]);
    assert_eq!(world.row("web").hold, Some(Hold::Disabled));
    world.event(Event::Asked(Request::Enable { names: vec![name("web")], alone: true, only: false }));
    assert_eq!(enabled(&mut world), ["gen", "web"]);
    world.event(Event::Asked(Request::Enable { names: vec![name("mail")], alone: false, only: true }));
    assert_eq!(enabled(&mut world), ["mail"]);
    world.event(enable(&["db"]));
    world.event(Event::Asked(Request::Disable { names: vec![name("db")], alone: true }));
    assert_eq!(enabled(&mut world), ["mail"]);
}

#[test]
fn what_was_disabled_along_says_with_what_and_comes_back_with_it() {
    let disable = |names: &[&str]| {
        Event::Asked(Request::Disable { names: names.iter().map(|one| name(one)).collect(), alone: false })
    };
    let mut world = World::new(Goal::Up);
    world.load(Mode::Orchfile, &shop());
    world.event(disable(&["db"]));
    assert_eq!(enabled(&mut world), ["gen", "mail"]);
    assert_eq!((world.row("db").disabled_with, world.row("web").disabled_with), (Vec::new(), vec![name("db")]));
    // By itself it is disabled now, so that it stays so.
    world.event(disable(&["api"]));
    assert_eq!(
        (world.row("api").disabled_with, world.row("web").disabled_with),
        (Vec::new(), vec![name("api"), name("db")])
    );
    world.reload(&shop());
    world.event(enable(&["db"]));
    assert_eq!(enabled(&mut world), ["gen", "db", "mail"]);
    world.event(enable(&["api"]));
    assert_eq!(enabled(&mut world).len(), 5);
    assert_eq!(world.row("web").disabled_with, Vec::new());
    // What is needed comes along, and brings nothing back but what it needs.
    world.event(disable(&["db"]));
    world.event(enable(&["api"]));
    assert_eq!(enabled(&mut world), ["gen", "db", "api", "mail"]);
    world.event(Event::Asked(Request::SetArgs(Vec::new())));
    assert_eq!(world.row("web").disabled_with, Vec::new());
}

#[test]
fn what_was_switched_outlives_a_reload_and_ends_with_other_arguments() {
    let mut world = World::new(Goal::Up);
    world.load(Mode::Orchfile, &shop());
    world.event(Event::Asked(Request::Disable { names: vec![name("api")], alone: false }));
    assert_eq!(enabled(&mut world), ["gen", "db", "mail"]);
    world.reload(&shop());
    assert_eq!(enabled(&mut world), ["gen", "db", "mail"]);
    let evaluation = world.evaluation;
    world.event(Event::Asked(Request::SetArgs(vec!["--fast".to_owned()])));
    assert_ne!(world.evaluation, evaluation, "the file is evaluated anew");
    assert_eq!(world.engine.snapshot().args.as_slice(), ["--fast"]);
    world.load(Mode::Orchfile, &shop());
    assert_eq!(enabled(&mut world).len(), 5);
}

#[test]
fn snapshots_share_what_a_run_does_not_change() {
    let mut world = World::new(Goal::Up);
    world.load(Mode::Orchfile, &shop());
    let before = world.engine.snapshot();
    world.event(Event::Asked(Request::Trigger(vec![name("gen")])));
    let after = world.engine.snapshot();
    assert!(Arc::ptr_eq(&before.graph, &after.graph) && Arc::ptr_eq(&before.args, &after.args));
    let row = |snapshot: &orch::snapshot::Snapshot, text: &str| snapshot.rows.named(&name(text)).unwrap().clone();
    assert!(Arc::ptr_eq(&row(&before, "mail"), &row(&after, "mail")));
    assert!(Arc::ptr_eq(&row(&before, "gen").spec, &row(&after, "gen").spec));
    assert_eq!((row(&before, "gen").runs.len(), row(&after, "gen").runs.len()), (1, 2));
    for _ in 0..2 * Row::HISTORY {
        world.event(Event::Asked(Request::Trigger(vec![name("gen")])));
    }
    assert_eq!(world.row("gen").runs.len(), Row::HISTORY);
}

#[test]
fn the_graph_says_how_each_resource_depends_on_others() {
    let mut world = World::new(Goal::Up);
    world.load(Mode::Orchfile, &shop());
    let graph = world.engine.snapshot().graph.clone();
    let api = graph.resource(&name("api")).unwrap();
    let needs: Vec<_> =
        graph.needs(api).iter().map(|edge| (graph.nodes[edge.from].clone(), edge.kind.clone())).collect();
    let files = GraphEdgeKind::Files { output: path("out"), input: path("out/x") };
    let node = |text: &str| NodeKey::Resource(name(text));
    assert_eq!(needs, [(node("gen"), files), (node("db"), GraphEdgeKind::Order(Condition::Ready))]);
    let spec = world.row("api").spec;
    assert_eq!((spec.parts[0].name.as_str(), spec.parts[0].text.as_str()), ("cmd", "api"));
    assert_eq!(spec.inputs[0].roots, [path("out/x")]);
}

#[test]
fn what_is_read_of_a_declaration_holds_no_secret() {
    let mut world = World::new(Goal::Up);
    let quiet = resource("a").cmd("login --token hunter2");
    let secret = Secret { name: "TOKEN".to_owned(), value: "hunter2".to_owned() };
    world.load_with(Mode::Orchfile, &[quiet], |project| project.secrets.push(secret));
    assert_eq!(world.row("a").spec.parts[0].text, "'login --token [redacted TOKEN]'");
}
