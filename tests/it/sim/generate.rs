//! Random projects, and what users do to them.

use super::{
    disk::Disk,
    rng::Rng,
    world::{Action, Evaluator},
};
use orch::{
    diag::{Diagnostic, Severity},
    engine::{EvaluationOutcome, Request},
    model::{
        Button, ButtonAction, CiSettings, Command, Condition, Dependency, EvaluationInput, FilePath, FileSet, Kind,
        Local, Mode, Probe, ProbeAction, Project, Resource, ResourceName, Restart, Serve, Settings, TriggerMode,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Where the simulated project lies.
pub(crate) const ROOT: &str = "/p";

pub(crate) fn path(relative: &str) -> FilePath {
    FilePath::new(ROOT).join(relative)
}

pub(crate) fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).expect("a name")
}

/// The button of generated projects.
pub(crate) const BUTTON: &str = "button";

/// A press triggers the resource.
fn button(resource: &ResourceName) -> Arc<Button> {
    Arc::new(Button {
        name: name(BUTTON),
        text: BUTTON.to_owned(),
        resource: None,
        icon: String::new(),
        disabled: false,
        confirm: false,
        inputs: Vec::new(),
        actions: vec![ButtonAction::Trigger(resource.clone())],
    })
}

/// What a generated Orchfile evaluates to: the file holds the number of one of these.
#[derive(Debug, Clone)]
pub(crate) struct Shelf(pub(crate) Vec<Option<Arc<Project>>>);

/// What is written into an Orchfile to get the project at that place.
pub(crate) fn orchfile_of(place: usize) -> String {
    place.to_string()
}

impl Evaluator for Shelf {
    fn evaluate(&self, disk: &Disk, args: &[String]) -> (Vec<EvaluationInput>, EvaluationOutcome) {
        let file = path("Orchfile");
        let seen = disk.seen(&file);
        // An argument stands over what the file says.
        let text = args.first().map(String::as_str).or_else(|| disk.content(&file));
        let place: Option<usize> = text.and_then(|text| text.parse().ok());
        let project = place.and_then(|place| self.0.get(place)).and_then(Option::as_ref);
        let outcome = match project {
            Some(project) => EvaluationOutcome::Loaded(Arc::clone(project), Vec::new()),
            None => EvaluationOutcome::Failed(vec![broken()]),
        };
        (vec![EvaluationInput { path: file, seen }], outcome)
    }
}

fn broken() -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: "orchfile::syntax".to_owned(),
        message: "it does not parse".to_owned(),
        labels: Vec::new(),
        help: None,
        frames: Vec::new(),
    }
}

/// What kind of sessions a seed gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taste {
    /// Servers may have failing scripts and commands may fail.
    pub(crate) faults: bool,
}

/// Makes projects and actions from chance.
pub(crate) struct Generator {
    pub(crate) rng: Rng,
    pub(crate) taste: Taste,
    mode: Mode,
    pub(crate) version: u64,
    /// Users also enable, disable, give other arguments and press buttons.
    pub(crate) switches: bool,
}

const SOURCES: u64 = 6;

/// Whether an output is a folder.
fn is_folder(output: &str) -> bool {
    output.ends_with("/all")
}

fn source(place: u64) -> String {
    format!("src/s{place}")
}

impl Generator {
    pub(crate) fn new(mut rng: Rng, taste: Taste) -> Self {
        let mode = if rng.percent(50) { Mode::Orchfile } else { Mode::Tiltfile };
        Self { rng, taste, mode, version: 0, switches: false }
    }

    /// New content for a file; its first character is one of a few, which is all that a `coarse` command sees.
    pub(crate) fn content(&mut self) -> String {
        self.version += 1;
        let coarse = *self.rng.pick(&['a', 'b']);
        let bad = if self.taste.faults && self.rng.percent(6) { " bad" } else { "" };
        format!("{coarse}{}{bad}", self.version)
    }

    pub(crate) fn sources(&mut self) -> Vec<(FilePath, String)> {
        (0..SOURCES).map(|place| (path(&source(place)), self.content())).collect()
    }

    pub(crate) fn project(&mut self) -> Project {
        let count = self.rng.between(1, 7);
        let mut resources: Vec<Arc<Resource>> = Vec::new();
        for place in 0..count {
            let resource = self.resource(&format!("r{place}"), &resources);
            resources.push(Arc::new(resource));
        }
        let buttons = resources.first().map(|resource| button(&resource.name)).into_iter().collect();
        Project { resources, buttons, ..self.empty() }
    }

    /// A project without resources.
    pub(crate) fn empty(&mut self) -> Project {
        let max_parallel_updates = if self.rng.percent(30) { Some(1 + self.small(3)) } else { None };
        Project {
            images: Vec::new(),
            compose: Vec::new(),
            buttons: Vec::new(),
            of_api: BTreeSet::new(),
            kube: orch::model::KubeSettings::default(),
            mode: self.mode,
            file: path("Orchfile"),
            root: FilePath::new(ROOT),
            resources: Vec::new(),
            settings: Settings { max_parallel_updates, ci: CiSettings::default(), ..Settings::default() },
            environment: BTreeMap::new(),
            secrets: Vec::new(),
        }
    }

    fn small(&mut self, n: u64) -> u32 {
        u32::try_from(self.rng.below(n)).expect("small")
    }

    fn command(words: &[String]) -> Command {
        let argv = std::iter::once("sim".to_owned()).chain(words.iter().cloned()).collect();
        Command { argv, dir: FilePath::new(ROOT), env: BTreeMap::new() }
    }

    /// A resource that may depend on those before it.
    pub(crate) fn resource(&mut self, own: &str, before: &[Arc<Resource>]) -> Resource {
        let kind = self.rng.below(10);
        let (has_cmd, has_serve) = (kind < 8, kind >= 6);
        let mut inputs = self.inputs(before);
        // What it reads and writes without saying so is its own: two that feed each other never end, and nobody can tell them.
        let feeds_itself = has_cmd && self.taste.faults && self.rng.percent(2);
        let fed = feeds_itself.then(|| format!("own/{own}"));
        inputs.extend(fed.clone());
        let outputs = if has_cmd && self.rng.percent(60) { self.outputs(own) } else { Vec::new() };
        let rng = &mut self.rng;
        let (trigger_mode, auto_init) = match rng.below(20) {
            0 => (TriggerMode::Manual, true),
            1 => (TriggerMode::Manual, false),
            2 => (TriggerMode::Auto, false),
            _ => (TriggerMode::Auto, true),
        };
        let mut cmd = has_cmd.then(|| self.cmd(&inputs, &outputs));
        if let (Some(cmd), Some(fed)) = (&mut cmd, &fed) {
            cmd.argv.push(format!("out={fed}"));
        }
        let serve = has_serve.then(|| self.serve());
        let teardown =
            self.rng.percent(15).then(|| Self::command(&[format!("teardown-of={own}"), "dur=30".to_owned()]));
        let local = Local {
            cmd,
            serve,
            teardown,
            inputs: Arc::new(FileSet::of(inputs.iter().map(|input| path(input)).collect())),
            outputs: outputs.iter().map(|output| path(output)).collect(),
            parallel: self.mode == Mode::Orchfile && !self.rng.percent(12) || self.rng.percent(30),
            cancel_superseded: self.rng.percent(20),
        };
        Resource {
            name: name(own),
            declared_at: None,
            kind: Kind::Local(Box::new(local)),
            dependencies: self.dependencies(before),
            trigger_mode,
            auto_init,
            enabled: !self.rng.percent(4),
            labels: Vec::new(),
            links: Vec::new(),
        }
    }

    fn inputs(&mut self, before: &[Arc<Resource>]) -> Vec<String> {
        let mut inputs: Vec<String> = Vec::new();
        for _ in 0..self.rng.below(3) {
            inputs.push(source(self.rng.below(SOURCES)));
        }
        if self.rng.percent(8) {
            inputs = vec!["src".to_owned()];
        }
        for other in before {
            for output in other.kind.outputs() {
                if self.rng.percent(30) {
                    inputs.push(output.display_from(&FilePath::new(ROOT)));
                }
            }
        }
        inputs.sort();
        inputs.dedup();
        inputs
    }

    fn outputs(&mut self, own: &str) -> Vec<String> {
        match self.rng.below(4) {
            0 => vec![format!("gen/{own}/all")],
            1 => vec![format!("gen/{own}.one"), format!("gen/{own}.two")],
            _ => vec![format!("gen/{own}.txt")],
        }
    }

    fn cmd(&mut self, inputs: &[String], outputs: &[String]) -> Command {
        let duration = if self.rng.percent(10) { self.rng.between(500, 3000) } else { self.rng.between(1, 150) };
        let mut words = vec![format!("dur={duration}")];
        words.extend(inputs.iter().map(|input| format!("in={input}")));
        for output in outputs {
            if is_folder(output) {
                words.extend([format!("out={output}/x"), format!("out={output}/y")]);
            } else {
                words.push(format!("out={output}"));
            }
        }
        let rng = &mut self.rng;
        let mut flag = |percent: u64, word: &str| rng.percent(percent).then(|| word.to_owned());
        words.extend(flag(35, "coarse"));
        words.extend(flag(5, "deaf"));
        words.extend(flag(6, "leaves=4000"));
        if self.taste.faults {
            words.extend(flag(4, "exit=3"));
            words.extend(flag(2, "missing"));
            words.extend(flag(30, "fails-on=bad"));
        }
        Self::command(&words)
    }

    fn serve(&mut self) -> Serve {
        let mut words = vec![format!("v={}", self.rng.below(3)), format!("ok={}", self.rng.below(3000))];
        let dies = self.taste.faults && self.rng.percent(15);
        if dies {
            words.push(format!("dies={}", self.rng.between(1, 4000)));
            words.push(format!("exit={}", self.rng.pick(&[0, 1, 137])));
        }
        if self.rng.percent(5) {
            words.push("deaf".to_owned());
        }
        let sort = self.rng.below(10);
        let probe = (sort < 4).then(|| self.probe());
        let ready_log_line = (sort == 9).then(|| {
            words.push(format!("says={}", self.rng.below(500)));
            "listening".to_owned()
        });
        let restart = match self.rng.below(6) {
            0 => Some(Restart::Always),
            1 => Some(Restart::OnFailure),
            2 => Some(Restart::Never),
            _ => None,
        };
        Serve { command: Self::command(&words), probe, ready_log_line, restart }
    }

    fn probe(&mut self) -> Probe {
        let action = match self.rng.below(3) {
            0 => ProbeAction::TcpSocket { host: None, port: 8000 },
            1 => ProbeAction::HttpGet { host: None, port: 8001, scheme: None, path: None, headers: Vec::new() },
            _ => ProbeAction::Exec { argv: vec!["sim".to_owned(), format!("ok={}", self.rng.below(2000))] },
        };
        Probe {
            action,
            initial_delay_secs: self.rng.percent(20).then_some(1),
            timeout_secs: self.rng.percent(20).then_some(2),
            period_secs: Some(5),
            success_threshold: self.rng.percent(20).then_some(2),
            failure_threshold: self.rng.percent(20).then_some(1),
        }
    }

    pub(crate) fn dependencies(&mut self, before: &[Arc<Resource>]) -> Vec<Dependency> {
        let mut dependencies = Vec::new();
        for other in before {
            if self.rng.percent(22) {
                let ends = other.kind.local().is_some_and(|local| local.serve.is_none());
                let condition = match self.rng.below(6) {
                    0 => Condition::Started,
                    1 if ends => Condition::Succeeded,
                    _ => Condition::Ready,
                };
                dependencies.push(Dependency { on: other.name.clone(), condition });
            }
        }
        dependencies
    }

    /// The project after an edit of its Orchfile.
    pub(crate) fn edited(&mut self, project: &Project) -> Project {
        let mut next = project.clone();
        let place = usize::try_from(self.rng.below(next.resources.len() as u64)).expect("an index");
        match self.rng.below(8) {
            0 => {
                let gone = next.resources.remove(place).name.clone();
                for resource in &mut next.resources {
                    Arc::make_mut(resource).dependencies.retain(|dependency| dependency.on != gone);
                }
            }
            1 | 2 => {
                let number = next.resources.iter().filter_map(|one| one.name.as_str()[1..].parse::<u64>().ok()).max();
                let added = self.resource(&format!("r{}", number.unwrap_or(0) + 1), &next.resources);
                next.resources.push(Arc::new(added));
            }
            3 => Arc::make_mut(&mut next.resources[place]).labels.push("label".to_owned()),
            4 => {
                let resource = Arc::make_mut(&mut next.resources[place]);
                resource.trigger_mode = match resource.trigger_mode {
                    TriggerMode::Auto => TriggerMode::Manual,
                    TriggerMode::Manual => TriggerMode::Auto,
                };
            }
            5 => {
                let resource = Arc::make_mut(&mut next.resources[place]);
                resource.enabled = !resource.enabled;
            }
            _ => self.redefine(Arc::make_mut(&mut next.resources[place])),
        }
        next
    }

    fn redefine(&mut self, resource: &mut Resource) {
        self.version += 1;
        let word = format!("edit={}", self.version);
        let Kind::Local(local) = &mut resource.kind else { return };
        match (&mut local.cmd, &mut local.serve) {
            (Some(cmd), Some(serve)) => {
                let command = if self.rng.percent(50) { cmd } else { &mut serve.command };
                command.argv.push(word);
            }
            (Some(command), None) => command.argv.push(word),
            (None, Some(serve)) => serve.command.argv.push(word),
            (None, None) => {}
        }
    }

    /// A few actions that belong together, with the wait before each.
    pub(crate) fn actions(&mut self, project: &Project, shelf_len: usize) -> Vec<(Duration, Action)> {
        let wait = Duration::from_millis(self.wait());
        let soon = |rng: &mut Rng| Duration::from_millis(rng.below(30));
        let file = path(&source(self.rng.below(SOURCES)));
        match self.rng.below(if self.switches { 31 } else { 26 }) {
            0..=6 => vec![(wait, Action::Save(file, self.content()))],
            7 => vec![(wait, Action::Touch(file))],
            8 => {
                let mut actions = vec![(wait, Action::Save(file, self.content()))];
                for _ in 0..self.rng.between(2, 8) {
                    let file = path(&source(self.rng.below(SOURCES)));
                    let content = self.content();
                    actions.push((soon(&mut self.rng), Action::Save(file, content)));
                }
                actions
            }
            9 => {
                let content = self.content();
                let gap = Duration::from_millis(*self.rng.pick(&[1, 5, 40, 400]));
                let back = self.content();
                vec![
                    (wait, Action::Save(file.clone(), back.clone())),
                    (gap, Action::Save(file.clone(), content)),
                    (gap, Action::Save(file, back)),
                ]
            }
            10 => vec![(wait, Action::Remove(file.clone())), (soon(&mut self.rng), Action::Save(file, self.content()))],
            11 => vec![(wait, Action::Remove(file))],
            12 | 13 => self.on_output(project, wait),
            14 => {
                let mut actions = vec![(wait, Action::GitLock(true))];
                for _ in 0..self.rng.between(1, 4) {
                    let file = path(&source(self.rng.below(SOURCES)));
                    let content = self.content();
                    actions.push((soon(&mut self.rng), Action::Save(file, content)));
                }
                if self.rng.percent(90) {
                    actions.push((soon(&mut self.rng), Action::GitLock(false)));
                }
                actions
            }
            15 | 16 => {
                let place = usize::try_from(self.rng.below(shelf_len as u64 + 1)).expect("small");
                vec![(wait, Action::Save(path("Orchfile"), orchfile_of(place)))]
            }
            17 | 18 => {
                let code = *self.rng.pick(&[0, 1, 137]);
                vec![(wait, Action::Kill(self.some_name(project), code))]
            }
            19 => vec![(wait, Action::Ask(Request::Trigger(self.some_names(project))))],
            20 => vec![(wait, Action::Ask(Request::Restart(self.some_names(project))))],
            21 | 22 => {
                let names = self.some_names(project);
                let end = if self.rng.percent(40) { Request::TakeDown } else { Request::Stop };
                let mut actions = vec![(wait, Action::Ask(end(names.clone())))];
                if self.rng.percent(70) {
                    let gap = Duration::from_millis(self.rng.below(800));
                    actions.push((gap, Action::Ask(Request::Start(names))));
                }
                actions
            }
            23 => vec![(wait, Action::Ask(Request::Start(self.some_names(project))))],
            24 => vec![(wait, Action::Wake)],
            26 | 27 => {
                let (names, alone, only) = (self.some_names(project), self.rng.percent(20), self.rng.percent(30));
                vec![(wait, Action::Ask(Request::Enable { names, alone, only }))]
            }
            28 => self.away_for_a_while(project, wait),
            29 => {
                let place = self.rng.below(shelf_len as u64 + 1);
                let args = if self.rng.percent(30) { Vec::new() } else { vec![place.to_string()] };
                vec![(wait, Action::Ask(Request::SetArgs(args)))]
            }
            30 => {
                let button = name(if self.rng.percent(10) { "nobody" } else { BUTTON });
                vec![(wait, Action::Ask(Request::Click { button, inputs: BTreeMap::new() }))]
            }
            _ => {
                if self.rng.percent(40) {
                    vec![(wait, Action::Reboot)]
                } else {
                    vec![(wait, Action::Save(file, self.content()))]
                }
            }
        }
    }

    /// Somebody disables resources, and mostly enables them again.
    fn away_for_a_while(&mut self, project: &Project, wait: Duration) -> Vec<(Duration, Action)> {
        let (names, alone) = (self.some_names(project), self.rng.percent(20));
        let mut actions = vec![(wait, Action::Ask(Request::Disable { names: names.clone(), alone }))];
        if self.rng.percent(60) {
            let gap = Duration::from_millis(self.rng.below(800));
            actions.push((gap, Action::Ask(Request::Enable { names, alone, only: false })));
        }
        actions
    }

    pub(crate) fn wait(&mut self) -> u64 {
        match self.rng.below(4) {
            0 => self.rng.below(20),
            1 | 2 => self.rng.below(300),
            _ => self.rng.below(2000),
        }
    }

    fn on_output(&mut self, project: &Project, wait: Duration) -> Vec<(Duration, Action)> {
        let mut outputs = Vec::new();
        for resource in &project.resources {
            let file = |root: &FilePath| if is_folder(&root.to_string()) { root.join("x") } else { root.clone() };
            outputs.extend(resource.kind.outputs().iter().map(file));
        }
        if outputs.is_empty() {
            return Vec::new();
        }
        let output = self.rng.pick(&outputs).clone();
        match self.rng.below(3) {
            0 => vec![(wait, Action::Remove(output))],
            1 => vec![(wait, Action::Touch(output))],
            _ => vec![(wait, Action::Save(output, self.content()))],
        }
    }

    fn some_name(&mut self, project: &Project) -> ResourceName {
        match project.resources.as_slice() {
            [] => name("r0"),
            resources => self.rng.pick(resources).name.clone(),
        }
    }

    fn some_names(&mut self, project: &Project) -> Vec<ResourceName> {
        let mut names: Vec<_> = (0..self.rng.between(1, 2)).map(|_| self.some_name(project)).collect();
        if self.rng.percent(5) {
            names.push(name("nobody"));
        }
        names
    }
}
