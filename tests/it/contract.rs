//! What every executor promises, as one suite that the simulator and the real processes both keep: the simulator cannot lie.
//!
//! An executor is told by effects and answers by events. For each start there is at most one "started" and exactly one
//! "ended", and after that nothing that the start brought about is left.

use crate::sim::{
    generate::Shelf,
    pace::Pace,
    rng::Rng,
    world::{Due, World},
};
use orch::{
    engine::{CommandSpec, Effect, Event, RunEnd},
    host::process::{Capture, Kind, Processes, ReadyLine, Running, Spawn, Stream},
    model::{Exit, FilePath, FileSet, InstanceId, ResourceName, RunId},
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// What a process of the suite does.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Ends at once with this code.
    Ends(i32),
    /// There is no such program.
    IsMissing,
    /// Runs until it is ended.
    Stays,
    /// The same, and does not end when asked to.
    StaysDeaf,
    /// Runs until it is ended, with a child of its own that runs too.
    StaysWithChild,
    /// Succeeds and leaves a child running.
    Leaves,
    /// Writes that many lines and succeeds.
    Writes(usize),
    /// Fails and leaves a child running, which nobody may see after its end.
    FailsWithChild,
    /// A server that says its ready line twice and stays.
    GetsReady,
}

/// Something that performs effects.
trait Executors {
    fn command(&self, act: Act) -> CommandSpec;
    fn perform(&mut self, effect: Effect);
    /// What happened next; `None` when nothing more can come.
    fn next(&mut self) -> Option<Event>;
    /// How long it is since the last effect.
    fn waited(&self) -> Duration;
    /// How many processes live that were started here.
    fn living(&mut self) -> usize;
    /// How many lines the run wrote that are there to be read now.
    fn lines(&mut self, run: RunId) -> usize;
}

const RUN: RunId = RunId(1);
const SERVER: InstanceId = InstanceId(1);
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_millis(150);

fn resource() -> ResourceName {
    ResourceName::parse("r").unwrap()
}

fn start_run(executors: &mut impl Executors, act: Act) {
    let command = executors.command(act);
    let outputs = Arc::new(FileSet::default());
    executors.perform(Effect::StartRun {
        run: RUN,
        resource: resource(),
        command,
        outputs,
        own_sessions: true,
        grace: LONG,
    });
}

fn start_server(executors: &mut impl Executors, act: Act) {
    let command = executors.command(act);
    let ready_line = matches!(act, Act::GetsReady).then(|| "ready".to_owned());
    executors.perform(Effect::StartInstance {
        instance: SERVER,
        resource: resource(),
        command,
        ready_line,
        port: None,
        grace: LONG,
    });
}

fn started(event: Option<Event>) {
    assert!(
        matches!(event, Some(Event::RunStarted { run: RUN, .. } | Event::InstanceStarted { instance: SERVER, .. })),
        "{event:?}"
    );
}

fn end_of_run(event: Option<Event>) -> RunEnd {
    match event {
        Some(Event::RunEnded { run: RUN, end }) => end,
        other => panic!("{other:?}"),
    }
}

fn end_of_server(event: Option<Event>) -> Exit {
    match event {
        Some(Event::InstanceEnded { instance: SERVER, exit }) => exit,
        other => panic!("{other:?}"),
    }
}

fn over(executors: &mut impl Executors) {
    assert_eq!(executors.next(), None);
    assert_eq!(executors.living(), 0);
}

fn started_then_ended_once(mut executors: impl Executors) {
    start_run(&mut executors, Act::Ends(0));
    started(executors.next());
    let end = end_of_run(executors.next());
    assert_eq!(end, RunEnd::of(Exit::Code(0)));
    over(&mut executors);
}

fn a_failure_is_told_by_its_code(mut executors: impl Executors) {
    start_run(&mut executors, Act::Ends(7));
    started(executors.next());
    assert_eq!(end_of_run(executors.next()).exit, Exit::Code(7));
    over(&mut executors);
}

fn a_spawn_failure_is_an_end(mut executors: impl Executors) {
    start_run(&mut executors, Act::IsMissing);
    let end = end_of_run(executors.next());
    assert!(matches!(end.exit, Exit::NotStarted(_)), "{end:?}");
    over(&mut executors);
}

fn a_server_that_cannot_start_ends(mut executors: impl Executors) {
    start_server(&mut executors, Act::IsMissing);
    let exit = end_of_server(executors.next());
    assert!(matches!(exit, Exit::NotStarted(_)), "{exit:?}");
    over(&mut executors);
}

fn cancelled_it_ends_within_the_grace(mut executors: impl Executors) {
    start_run(&mut executors, Act::Stays);
    started(executors.next());
    executors.perform(Effect::CancelRun { run: RUN, grace: LONG });
    assert_eq!(end_of_run(executors.next()).exit, Exit::Stopped);
    assert!(executors.waited() < LONG);
    over(&mut executors);
}

fn what_does_not_end_is_killed_after_the_grace(mut executors: impl Executors) {
    start_run(&mut executors, Act::StaysDeaf);
    started(executors.next());
    executors.perform(Effect::CancelRun { run: RUN, grace: SHORT });
    assert_eq!(end_of_run(executors.next()).exit, Exit::Stopped);
    assert!(executors.waited() >= SHORT, "{:?}", executors.waited());
    over(&mut executors);
}

fn a_second_request_shortens_the_grace(mut executors: impl Executors) {
    start_run(&mut executors, Act::StaysDeaf);
    started(executors.next());
    executors.perform(Effect::CancelRun { run: RUN, grace: LONG });
    executors.perform(Effect::CancelRun { run: RUN, grace: Duration::ZERO });
    assert_eq!(end_of_run(executors.next()).exit, Exit::Stopped);
    assert!(executors.waited() < LONG);
    over(&mut executors);
}

fn a_second_request_never_lengthens_the_grace(mut executors: impl Executors) {
    start_server(&mut executors, Act::StaysDeaf);
    started(executors.next());
    executors.perform(Effect::StopInstance { instance: SERVER, grace: SHORT });
    executors.perform(Effect::StopInstance { instance: SERVER, grace: LONG });
    assert_eq!(end_of_server(executors.next()), Exit::Stopped);
    assert!(executors.waited() < LONG);
    over(&mut executors);
}

fn cancelled_before_it_started_it_ends_all_the_same(mut executors: impl Executors) {
    start_run(&mut executors, Act::Stays);
    executors.perform(Effect::CancelRun { run: RUN, grace: LONG });
    let event = match executors.next() {
        Some(Event::RunStarted { .. }) => executors.next(),
        other => other,
    };
    assert_eq!(end_of_run(event).exit, Exit::Stopped);
    over(&mut executors);
}

fn cancelled_after_its_end_nothing_more_comes(mut executors: impl Executors) {
    start_run(&mut executors, Act::Ends(0));
    started(executors.next());
    assert_eq!(end_of_run(executors.next()).exit, Exit::Code(0));
    executors.perform(Effect::CancelRun { run: RUN, grace: LONG });
    over(&mut executors);
}

fn the_whole_tree_ends(mut executors: impl Executors) {
    start_server(&mut executors, Act::StaysWithChild);
    started(executors.next());
    executors.perform(Effect::StopInstance { instance: SERVER, grace: LONG });
    assert_eq!(end_of_server(executors.next()), Exit::Stopped);
    over(&mut executors);
}

fn a_failed_command_leaves_nothing(mut executors: impl Executors) {
    start_run(&mut executors, Act::FailsWithChild);
    started(executors.next());
    let end = end_of_run(executors.next());
    assert_eq!((end.exit, end.leftovers), (Exit::Code(1), false));
    over(&mut executors);
}

fn leftovers_end_when_they_are_told_to(mut executors: impl Executors) {
    start_run(&mut executors, Act::Leaves);
    started(executors.next());
    let end = end_of_run(executors.next());
    assert_eq!((end.exit, end.leftovers), (Exit::Code(0), true));
    assert_ne!(executors.living(), 0);
    executors.perform(Effect::StopLeftovers { run: RUN, grace: LONG });
    assert_eq!(executors.next(), Some(Event::LeftoversEnded { run: RUN }));
    over(&mut executors);
}

fn output_is_complete_before_the_end(mut executors: impl Executors) {
    start_run(&mut executors, Act::Writes(20_000));
    started(executors.next());
    assert_eq!(end_of_run(executors.next()).exit, Exit::Code(0));
    assert_eq!(executors.lines(RUN), 20_000);
    over(&mut executors);
}

fn a_server_that_ends_by_itself_tells_its_code(mut executors: impl Executors) {
    start_server(&mut executors, Act::Ends(5));
    started(executors.next());
    assert_eq!(end_of_server(executors.next()), Exit::Code(5));
    over(&mut executors);
}

fn the_ready_line_is_seen_once(mut executors: impl Executors) {
    start_server(&mut executors, Act::GetsReady);
    // The line may be read before the start is told.
    let ready = Some(Event::ReadyLineSeen { instance: SERVER });
    let (first, second) = (executors.next(), executors.next());
    started(if first == ready { second.clone() } else { first.clone() });
    assert!(first == ready || second == ready, "{first:?}, {second:?}");
    executors.perform(Effect::StopInstance { instance: SERVER, grace: LONG });
    assert_eq!(end_of_server(executors.next()), Exit::Stopped);
    over(&mut executors);
}

/// The executors of the simulator.
struct Simulated {
    world: World,
    asked_at: orch::model::Time,
    written: BTreeMap<RunId, usize>,
}

fn simulated() -> Simulated {
    let pace = Pace::Seeded(Rng::new(3));
    let world = World::new(pace, Box::new(Shelf(Vec::new())));
    Simulated { world, asked_at: orch::model::Time::ZERO, written: BTreeMap::new() }
}

impl Executors for Simulated {
    fn command(&self, act: Act) -> CommandSpec {
        let words = match act {
            Act::Ends(code) => format!("dur=20 dies=20 exit={code}"),
            Act::IsMissing => "missing".to_owned(),
            Act::Stays | Act::StaysWithChild => "dur=100000000".to_owned(),
            Act::StaysDeaf => "dur=100000000 deaf".to_owned(),
            Act::Leaves => "leaves=100000000".to_owned(),
            Act::Writes(count) => format!("prints={count}"),
            Act::FailsWithChild => "exit=1 leaves=100000000".to_owned(),
            Act::GetsReady => "says=10".to_owned(),
        };
        CommandSpec { argv: vec!["sim".to_owned(), words], dir: FilePath::new("/"), env: BTreeMap::new() }
    }

    fn perform(&mut self, effect: Effect) {
        if let Effect::StartRun { run, command, .. } = &effect {
            let count = command.argv[1].strip_prefix("prints=").and_then(|count| count.parse().ok());
            self.written.insert(*run, count.unwrap_or(0));
        }
        self.asked_at = self.world.now;
        self.world.perform(effect);
    }

    fn next(&mut self) -> Option<Event> {
        loop {
            match self.world.take_due()? {
                Due::Tell(event) if self.world.on_tell(&event) => return Some(event),
                Due::Go(step) => self.world.go(step),
                Due::Tell(_) | Due::User(_) => {}
            }
        }
    }

    fn waited(&self) -> Duration {
        self.world.now.since(self.asked_at)
    }

    fn living(&mut self) -> usize {
        usize::from(!self.world.is_empty())
    }

    fn lines(&mut self, run: RunId) -> usize {
        self.written[&run]
    }
}

/// Processes of this machine.
struct Real {
    // Before `processes`: what the tasks hold ends the trees with them.
    runtime: Runtime,
    processes: Processes,
    events: (mpsc::Sender<Event>, mpsc::Receiver<Event>),
    runs: BTreeMap<RunId, Running>,
    instances: BTreeMap<InstanceId, Running>,
    output: Vec<Arc<Capture>>,
    written: String,
    /// How many children its script names.
    promised: usize,
    asked_at: Instant,
}

fn real() -> Real {
    Real {
        runtime: tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
        processes: Processes::start_through(Path::new(env!("CARGO_BIN_EXE_orch"))).unwrap(),
        events: mpsc::channel(),
        runs: BTreeMap::new(),
        instances: BTreeMap::new(),
        output: Vec::new(),
        written: String::new(),
        promised: 0,
        asked_at: Instant::now(),
    }
}

impl Real {
    fn sink(&mut self) -> Arc<Capture> {
        let capture = Arc::new(Capture::default());
        self.output.push(capture.clone());
        capture
    }

    fn written(&mut self) -> &str {
        for capture in &self.output {
            self.written += &String::from_utf8_lossy(&capture.take(Stream::Out));
        }
        &self.written
    }

    /// Waits until the process has named the children that its script promises: only then it is sure to have them.
    fn wait_for_children(&mut self) {
        let (deadline, promised) = (Instant::now() + LONG, self.promised);
        while self.written().matches("child ").count() < promised {
            assert!(Instant::now() < deadline, "no child");
            std::thread::yield_now();
        }
    }
}

impl Executors for Real {
    fn command(&self, act: Act) -> CommandSpec {
        let script = match act {
            Act::Ends(code) => format!("exit {code}"),
            Act::IsMissing => return missing(),
            Act::Stays => "exec sleep 1000".to_owned(),
            Act::StaysDeaf => "trap '' TERM INT HUP; echo child $$; while :; do sleep 1000; done".to_owned(),
            Act::StaysWithChild => "(setsid sleep 1000 & echo child $!); sleep 1000 & echo child $!; wait".to_owned(),
            Act::Leaves => "sleep 1000 >/dev/null 2>&1 & echo child $!".to_owned(),
            Act::Writes(count) => format!("i=0; while [ $i -lt {count} ]; do echo line $i; i=$((i+1)); done"),
            Act::FailsWithChild => "sleep 1000 & echo child $!; exit 1".to_owned(),
            Act::GetsReady => "echo ready; echo ready; exec sleep 1000".to_owned(),
        };
        let argv = vec!["sh".to_owned(), "-c".to_owned(), script];
        CommandSpec { argv, dir: FilePath::new("/"), env: BTreeMap::new() }
    }

    fn perform(&mut self, effect: Effect) {
        self.asked_at = Instant::now();
        match effect {
            Effect::StartRun { run, command, own_sessions, grace, .. } => {
                self.promised = children(&command);
                let spawn = Spawn { own_sessions, ..Spawn::new(&command, Kind::Command, grace) };
                let sink = self.sink();
                let running = self.processes.spawn(spawn, sink);
                self.runs.insert(run, running.clone());
                self.runtime.spawn(report_run(run, running, self.events.0.clone()));
            }
            Effect::StartInstance { instance, command, ready_line, grace, .. } => {
                self.promised = children(&command);
                let capture = self.sink();
                let events = self.events.0.clone();
                let seen = move || {
                    events.send(Event::ReadyLineSeen { instance }).ok();
                };
                let spawn = Spawn::new(&command, Kind::Server, grace);
                let running = match ready_line {
                    Some(pattern) => {
                        let line = ReadyLine::new(regex::Regex::new(&pattern).unwrap(), capture, seen);
                        self.processes.spawn(spawn, Arc::new(line))
                    }
                    None => self.processes.spawn(spawn, capture),
                };
                self.instances.insert(instance, running.clone());
                self.runtime.spawn(report_instance(instance, running, self.events.0.clone()));
            }
            Effect::CancelRun { run, grace } | Effect::StopLeftovers { run, grace } => self.runs[&run].stop(grace),
            Effect::StopInstance { instance, grace } => {
                if self.instances.contains_key(&instance) {
                    self.instances[&instance].stop(grace);
                }
            }
            other => panic!("no part of the suite: {other:?}"),
        }
    }

    fn next(&mut self) -> Option<Event> {
        // What is still to come is sent by a task; when all of them are done, nothing more comes.
        let deadline = Instant::now() + LONG;
        loop {
            if let Ok(event) = self.events.1.try_recv() {
                if matches!(event, Event::RunStarted { .. } | Event::InstanceStarted { .. }) {
                    self.wait_for_children();
                }
                return Some(event);
            }
            if self.runtime.metrics().num_alive_tasks() == 0 {
                return self.events.1.try_recv().ok();
            }
            assert!(Instant::now() < deadline, "nothing happens");
            std::thread::yield_now();
        }
    }

    fn waited(&self) -> Duration {
        self.asked_at.elapsed()
    }

    fn living(&mut self) -> usize {
        let pids = self.written().lines().filter_map(|line| line.strip_prefix("child ")).map(str::to_owned);
        pids.collect::<Vec<_>>().iter().filter(|pid| is_alive(pid)).count()
    }

    fn lines(&mut self, _run: RunId) -> usize {
        self.written().lines().count()
    }
}

fn children(command: &CommandSpec) -> usize {
    command.argv.last().map_or(0, |script| script.matches("echo child").count())
}

fn missing() -> CommandSpec {
    CommandSpec { argv: vec!["/no/such/program".to_owned()], dir: FilePath::new("/"), env: BTreeMap::new() }
}

/// A zombie is none: nobody but its parent can see it.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

async fn report_run(run: RunId, running: Running, events: mpsc::Sender<Event>) {
    if let Ok(pid) = running.started().await {
        events.send(Event::RunStarted { run, pid }).ok();
    }
    let ended = running.ended().await;
    let end = RunEnd { leftovers: ended.leftovers, ..RunEnd::of(ended.exit) };
    events.send(Event::RunEnded { run, end }).ok();
    if ended.leftovers {
        running.leftovers_ended().await;
        events.send(Event::LeftoversEnded { run }).ok();
    }
}

async fn report_instance(instance: InstanceId, running: Running, events: mpsc::Sender<Event>) {
    if let Ok(pid) = running.started().await {
        events.send(Event::InstanceStarted { instance, pid }).ok();
    }
    let exit = running.ended().await.exit;
    events.send(Event::InstanceEnded { instance, exit }).ok();
}

macro_rules! suite {
    ($($promise:ident),* $(,)?) => {
        mod of_the_simulator { $(#[test] fn $promise() { super::$promise(super::simulated()); })* }
        mod of_processes { $(#[test] fn $promise() { super::$promise(super::real()); })* }
    };
}

suite!(
    started_then_ended_once,
    a_failure_is_told_by_its_code,
    a_spawn_failure_is_an_end,
    a_server_that_cannot_start_ends,
    cancelled_it_ends_within_the_grace,
    what_does_not_end_is_killed_after_the_grace,
    a_second_request_shortens_the_grace,
    a_second_request_never_lengthens_the_grace,
    cancelled_before_it_started_it_ends_all_the_same,
    cancelled_after_its_end_nothing_more_comes,
    the_whole_tree_ends,
    a_failed_command_leaves_nothing,
    leftovers_end_when_they_are_told_to,
    output_is_complete_before_the_end,
    a_server_that_ends_by_itself_tells_its_code,
    the_ready_line_is_seen_once,
);
