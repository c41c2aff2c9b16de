//! One saved file in a large graph, in the engine alone: the world answers at once.

use crate::stats::{Figure, Rounds, percentile};
use orch::{
    engine::{Effect, Engine, EngineConfig, EvaluationOutcome, Event, RunEnd, TakenFile},
    model::{
        Command, Digest, Exit, FilePath, FileSet, InstanceId, Kind, Local, Mode, Project, Resource, ResourceName,
        RunId, Settings, Time, TriggerMode,
    },
    snapshot::Goal,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

/// How many resources read the file that is saved.
const READERS: usize = 10;

/// A saved file that ten resources read.
pub(crate) fn event(rounds: &Rounds) -> Vec<Figure> {
    [1_000, 100_000]
        .into_iter()
        .flat_map(|count| {
            let mut world = World::new(count);
            world.run_to_rest();
            let (worst, whole): (Vec<f64>, Vec<f64>) = (0..rounds.short).map(|_| world.save_shared()).unzip();
            let most = percentile(&whole, 0.5);
            [
                Figure::new(
                    format!("the costliest engine event of a save that {READERS} of {count} nodes read"),
                    "us",
                    worst,
                    "500",
                ),
                Figure::new(format!("all events of that save, {READERS} runs and snapshots included"), "us", whole, "")
                    .note(format!("{:.0} us a run", most / 10.0)),
            ]
        })
        .collect()
}

struct World {
    engine: Engine,
    project: Arc<Project>,
    now: Time,
    /// How often each file was saved.
    versions: BTreeMap<FilePath, u64>,
    shared: FilePath,
    /// What each call of the engine took since this was cleared.
    took: Vec<Duration>,
}

impl World {
    fn new(count: usize) -> Self {
        let root = FilePath::new("/project");
        let shared = root.join("shared");
        let resources = (0..count).map(|number| Arc::new(resource(&root, &shared, number))).collect();
        let project = Project {
            images: Vec::new(),
            compose: Vec::new(),
            buttons: Vec::new(),
            of_api: std::collections::BTreeSet::new(),
            kube: orch::model::KubeSettings::default(),
            mode: Mode::Orchfile,
            file: root.join("Orchfile"),
            root,
            resources,
            settings: Settings::default(),
            environment: BTreeMap::new(),
            secrets: Vec::new(),
        };
        let config = EngineConfig {
            images: std::collections::BTreeMap::new(),
            overlays: std::collections::BTreeMap::new(),
            volumes: false,
            namespaces: false,
            goal: Goal::Up,
            cores: 8,
            first_run: RunId(1),
            first_instance: InstanceId(1),
            remembered: BTreeMap::new(),
            ci_timeout: None,
        };
        Self {
            engine: Engine::new(config),
            project: Arc::new(project),
            now: Time::default(),
            versions: BTreeMap::new(),
            shared,
            took: Vec::new(),
        }
    }

    fn run_to_rest(&mut self) {
        self.play(Event::SessionStarted);
    }

    /// The costliest event of a save, and all of them together, in microseconds.
    fn save_shared(&mut self) -> (f64, f64) {
        self.now = self.now + Duration::from_secs(10);
        let shared = self.shared.clone();
        *self.versions.entry(shared.clone()).or_default() += 1;
        self.took.clear();
        self.play(Event::FilesChanged { paths: vec![shared] });
        let micros: Vec<f64> = self.took.iter().map(|took| took.as_secs_f64() * 1e6).collect();
        (percentile(&micros, 1.0), micros.iter().sum())
    }

    /// Gives an event to the engine, does what it says, and so on until it rests and waits for nothing.
    fn play(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        let (mut runs, started) = (0, self.took.len());
        loop {
            while let Some(event) = events.pop_front() {
                let begin = Instant::now();
                let effects = self.engine.handle(self.now, event);
                let snapshot = self.engine.snapshot();
                self.took.push(begin.elapsed());
                assert!(snapshot.orchfile.errors.is_empty());
                for effect in effects {
                    runs += usize::from(matches!(effect, Effect::StartRun { .. }));
                    events.extend(self.answer(effect));
                }
            }
            if self.engine.snapshot().at_rest {
                break;
            }
            let deadline = self.engine.next_deadline().expect("not at rest, and nothing to wait for");
            self.now = self.now.max(deadline);
            events.push_back(Event::Woke);
        }
        assert!(runs >= READERS, "{runs} runs in {} events", self.took.len() - started);
    }

    fn answer(&self, effect: Effect) -> Vec<Event> {
        match effect {
            Effect::Evaluate { evaluation, .. } => {
                let outcome = EvaluationOutcome::Loaded(self.project.clone(), Vec::new());
                vec![Event::EvaluationEnded { evaluation, outcome }]
            }
            Effect::TakeDigests { request, paths } => {
                let digests = paths.into_iter().map(|path| (path.clone(), Some(self.digest(&path)))).collect();
                vec![Event::DigestsTaken { request, digests }]
            }
            Effect::TakeSet { request, files, .. } => {
                let taken =
                    |path: &FilePath| TakenFile { path: path.clone(), digest: self.digest(path), unchanged: true };
                vec![Event::SetTaken { request, files: files.roots.iter().map(taken).collect() }]
            }
            Effect::StartRun { run, .. } => {
                let end = RunEnd::of(Exit::Code(0));
                vec![Event::RunStarted { run, pid: 1 }, Event::RunEnded { run, end }]
            }
            _ => Vec::new(),
        }
    }

    fn digest(&self, path: &FilePath) -> Digest {
        Digest::of(&self.versions.get(path).copied().unwrap_or(0).to_le_bytes())
    }
}

/// Reads a file of its own; the first few read the shared one too.
fn resource(root: &FilePath, shared: &FilePath, number: usize) -> Resource {
    let mut roots = vec![root.join(format!("in/{number}"))];
    roots.extend((number < READERS).then(|| shared.clone()));
    let command = Command { argv: vec!["true".to_owned()], dir: root.clone(), env: BTreeMap::new() };
    let local = Local {
        cmd: Some(command),
        serve: None,
        teardown: None,
        inputs: Arc::new(FileSet::of(roots)),
        outputs: Vec::new(),
        parallel: true,
        cancel_superseded: false,
    };
    Resource {
        name: ResourceName::parse(&format!("node-{number}")).unwrap(),
        declared_at: None,
        kind: Kind::Local(Box::new(local)),
        dependencies: Vec::new(),
        trigger_mode: TriggerMode::Auto,
        auto_init: true,
        enabled: true,
        labels: Vec::new(),
        links: Vec::new(),
    }
}
