//! Case files of the engine: an Orchfile through the real front end, a script of what users do, and the trace that follows.
//!
//! Sections: `Orchfile` or `Tiltfile`; `docker` (images and containers in the compact form of `declare`); `setting` (lines `goal ci`, `cores 4`, `timeout 5s`, `taken PORT`); `script`; `trace`
//! and `rest` are what is expected. All other sections are files of the project. A line of the script is a time after the
//! session's start and what is done then:
//!
//! ```text
//! 500ms save src/a.c new content
//! 1s    copy Orchfile.second Orchfile
//! 2s    touch src/a.c | remove src/a.c | git lock | git unlock | kill db 137 | reboot
//! 3s    enable api | enable only api web | disable api | arguments api --fast | click button
//! 3s    trigger api web | restart api | stop api | start api | take down api db
//! 4s    port 5432 free | port 5432 taken | shut down | shut down with teardown | shut down with volumes
//! 5s    docker stop web | start | restart | remove | pause | unpause | replace | health web unhealthy
//! 5s    kube delete web Deployment | kube edit web Deployment | kube delete pods web | kube crash web 1 | kube crash one web 1 | kube down | kube up
//! 6s    docker prune | docker down | docker down stopped | docker down wiped | docker up
//! ```

use super::{
    declare::declare,
    disk::Disk,
    docker::{DockerAction, Fate},
    generate::{name, path},
    kube::KubeAction,
    pace::Pace,
    session::{Setting, Sim},
    trace::Trace,
    world::{Action, Evaluator},
};
use crate::case::{Case, check_folder};
use orch::{
    engine::{EvaluationOutcome, Request},
    model::{EvaluationInput, FilePath, Health, ResourceName, Time},
    orchfile::{Entry, EntryKind, Limits, LoadRequest, SourceCommand, SourceOutput, Sources, Told, load},
    snapshot::Goal,
};
use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

/// The real front end on the simulated disk.
struct FrontEnd {
    file: FilePath,
    goal: Goal,
    /// Images and containers.
    docker: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Evaluator for FrontEnd {
    fn evaluate(&self, disk: &Disk, args: &[String]) -> (Vec<EvaluationInput>, EvaluationOutcome) {
        let subcommand = match self.goal {
            Goal::Up => "up",
            Goal::Ci => "ci",
            Goal::Down => "down",
        };
        let request = LoadRequest {
            file: self.file.clone(),
            args: args.to_vec(),
            subcommand: subcommand.to_owned(),
            kube: orch::orchfile::KubeWish::default(),
            environment: self.environment.clone(),
            limits: Limits::default(),
        };
        let loaded = load(&request, &DiskSources(disk));
        let outcome = match loaded.project {
            Some(mut project) => {
                declare(&mut project, self.docker.iter().map(String::as_str));
                EvaluationOutcome::Loaded(Arc::new(project), loaded.diagnostics)
            }
            None => EvaluationOutcome::Failed(loaded.diagnostics),
        };
        (loaded.inputs, outcome)
    }
}

struct DiskSources<'a>(&'a Disk);

impl Sources for DiskSources<'_> {
    fn read(&self, path: &FilePath, _bytes_max: u64) -> io::Result<Vec<u8>> {
        self.0.content(path).map(|text| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &FilePath, _recursive: bool) -> io::Result<Vec<Entry>> {
        let roots = [folder.clone()];
        Ok(self.0.below(&roots).map(|(path, _)| Entry { path: path.clone(), kind: EntryKind::File }).collect())
    }

    fn kind(&self, path: &FilePath) -> io::Result<Option<EntryKind>> {
        let folder = || self.0.below(std::slice::from_ref(path)).next().map(|_| EntryKind::Folder);
        Ok(self.0.content(path).map(|_| EntryKind::File).or_else(folder))
    }

    fn real_path(&self, path: &FilePath) -> io::Result<FilePath> {
        Ok(path.clone())
    }

    /// `docker compose config` prints the file itself, so compose files of cases are what it would print.
    fn run(&self, command: &SourceCommand) -> io::Result<SourceOutput> {
        let file = command.argv.iter().position(|word| word == "-f").and_then(|at| command.argv.get(at + 1));
        match file.filter(|_| command.argv.iter().any(|word| word == "config")) {
            Some(file) => {
                let stdout = self.read(&FilePath::new(file), u64::MAX)?;
                Ok(SourceOutput { code: 0, stdout, stderr: Vec::new() })
            }
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn tell(&self, _told: Told) {}
}

pub(crate) fn duration(text: &str) -> Duration {
    let number = |digits: &str| digits.parse::<u64>().unwrap_or_else(|_| panic!("`{text}` is no time"));
    match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _) => Duration::from_millis(number(digits)),
        (None, Some(digits)) => Duration::from_secs(number(digits)),
        (None, None) => panic!("`{text}` needs `ms` or `s`"),
    }
}

fn action(words: &[&str], case: &Case) -> Action {
    let names = |list: &[&str]| list.iter().map(|text| name(text)).collect::<Vec<ResourceName>>();
    match words {
        ["save", file, content @ ..] => Action::Save(path(file), content.join(" ") + "\n"),
        ["copy", from, to] => {
            let content = case.section(from).unwrap_or_else(|| panic!("no section `{from}`"));
            Action::Save(path(to), content.to_owned())
        }
        ["touch", file] => Action::Touch(path(file)),
        ["remove", file] => Action::Remove(path(file)),
        ["git", "lock"] => Action::GitLock(true),
        ["git", "unlock"] => Action::GitLock(false),
        ["kill", server, code] => Action::Kill(name(server), code.parse().expect("an exit code")),
        ["port", port, "taken"] => Action::Port(port.parse().expect("a port"), true),
        ["port", port, "free"] => Action::Port(port.parse().expect("a port"), false),
        ["reboot"] => Action::Reboot,
        ["trigger", list @ ..] => Action::Ask(Request::Trigger(names(list))),
        ["restart", list @ ..] => Action::Ask(Request::Restart(names(list))),
        ["stop", list @ ..] => Action::Ask(Request::Stop(names(list))),
        ["start", list @ ..] => Action::Ask(Request::Start(names(list))),
        ["enable", "only", list @ ..] => Action::Ask(Request::Enable { names: names(list), alone: false, only: true }),
        ["enable", list @ ..] => Action::Ask(Request::Enable { names: names(list), alone: false, only: false }),
        ["disable", list @ ..] => Action::Ask(Request::Disable { names: names(list), alone: false }),
        ["arguments", list @ ..] => {
            Action::Ask(Request::SetArgs(list.iter().map(|&argument| argument.to_owned()).collect()))
        }
        ["click", button] => Action::Ask(Request::Click { button: name(button), inputs: BTreeMap::new() }),
        ["take", "down", list @ ..] => Action::Ask(Request::TakeDown(names(list))),
        ["shut", "down"] => Action::Ask(Request::ShutDown { teardown: false, volumes: false, namespaces: false }),
        ["shut", "down", "with", "volumes"] => {
            Action::Ask(Request::ShutDown { teardown: true, volumes: true, namespaces: false })
        }
        ["docker", list @ ..] => Action::Docker(docker_action(list)),
        ["kube", list @ ..] => Action::Kube(kube_action(list)),
        ["shut", "down", "with", "teardown"] => {
            Action::Ask(Request::ShutDown { teardown: true, volumes: false, namespaces: false })
        }
        _ => panic!("what is `{}`?", words.join(" ")),
    }
}

fn kube_action(words: &[&str]) -> KubeAction {
    match words {
        ["delete", "pods", of] => KubeAction::DeletePods(name(of)),
        ["delete", of, object @ ..] => KubeAction::Delete(name(of), object.join(" ")),
        ["edit", of, object @ ..] => KubeAction::Edit(name(of), object.join(" ")),
        ["crash", "one", of, code] => KubeAction::CrashOne(name(of), code.parse().expect("an exit code")),
        ["crash", of, code] => KubeAction::Crash(name(of), code.parse().expect("an exit code")),
        ["down"] => KubeAction::Down,
        ["up"] => KubeAction::Up,
        _ => panic!("what is `kube {}`?", words.join(" ")),
    }
}

fn docker_action(words: &[&str]) -> DockerAction {
    match words {
        ["stop", of] => DockerAction::Stop(name(of)),
        ["start", of] => DockerAction::Start(name(of)),
        ["restart", of] => DockerAction::Restart(name(of)),
        ["remove", of] => DockerAction::Remove(name(of)),
        ["pause", of] => DockerAction::Pause(name(of)),
        ["unpause", of] => DockerAction::Unpause(name(of)),
        ["replace", of] => DockerAction::Replace(name(of)),
        ["health", of, "healthy"] => DockerAction::Health(name(of), Health::Healthy),
        ["health", of, "unhealthy"] => DockerAction::Health(name(of), Health::Unhealthy),
        ["prune"] => DockerAction::PruneImages,
        ["down"] => DockerAction::Down(Fate::LiveOn),
        ["down", "stopped"] => DockerAction::Down(Fate::Stopped),
        ["down", "wiped"] => DockerAction::Down(Fate::Wiped),
        ["up"] => DockerAction::Up,
        _ => panic!("what is `docker {}`?", words.join(" ")),
    }
}

fn setting(case: &Case) -> Setting {
    let mut setting = Setting {
        goal: Goal::Up,
        cores: 4,
        ci_timeout: None,
        keep_going: false,
        with_snapshots: true,
        with_old_news: false,
        with_replay: true,
    };
    for line in case.lines("setting") {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["goal", "up"] => setting.goal = Goal::Up,
            ["goal", "ci"] => setting.goal = Goal::Ci,
            ["goal", "down"] => setting.goal = Goal::Down,
            ["cores", count] => setting.cores = count.parse().expect("a number"),
            ["keep", "going"] => setting.keep_going = true,
            ["timeout", text] => setting.ci_timeout = Some(duration(text)),
            ["taken", _] | ["cluster", "registry"] => {}
            _ => panic!("what is `{line}`?"),
        }
    }
    setting
}

/// The lines of the `docker` section; a line that begins with a blank goes on with the one before.
fn docker_lines(case: &Case) -> Vec<String> {
    let text = case.section("docker").unwrap_or_default().replace("\n ", " ");
    text.lines().map(str::to_owned).collect()
}

const NOT_FILES: [&str; 5] = ["docker", "setting", "script", "trace", "rest"];

/// Leads to the simulated cluster.
const KUBECONFIG: &str = "clusters: [{name: kind, cluster: {server: https://sim}}]
contexts: [{name: kind, context: {cluster: kind}}]
current-context: kind
";

/// The session of a case, begun, with all that its script does still to come.
pub(crate) fn begun(case: &Case, not_files: &[&str]) -> Sim {
    let setting = setting(case);
    let entry = if case.section("Tiltfile").is_some() { "Tiltfile" } else { "Orchfile" };
    let has_cluster = case.section(entry).is_some_and(|text| text.contains("k8s_"));
    let kubeconfig = ("KUBECONFIG".to_owned(), path("kubeconfig").to_string());
    let environment = has_cluster.then_some(kubeconfig).into_iter().collect();
    let front_end = FrontEnd { file: path(entry), goal: setting.goal, docker: docker_lines(case), environment };
    let mut sim = Sim::new(Pace::Even, Box::new(front_end), setting);
    if has_cluster {
        sim.world.disk.write(Time::ZERO, &path("kubeconfig"), KUBECONFIG);
    }
    for (file, content) in case.files(not_files) {
        sim.world.disk.write(Time::ZERO, &path(file), &String::from_utf8_lossy(&content));
    }
    sim.world.cluster.registry = case.lines("setting").iter().any(|line| line == "cluster registry");
    for line in case.lines("setting") {
        if let Some(port) = line.strip_prefix("taken ") {
            sim.world.taken_ports.insert(port.parse().expect("a port"));
        }
    }
    // Files older than the session, as they mostly are.
    sim.run_until(Time::from_millis(1000));
    sim.world.start_of_session();
    for line in case.lines("script").iter().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        sim.later(duration(words[0]), action(&words[1..], case));
    }
    sim.begin();
    sim
}

fn play(case: &Case) -> BTreeMap<&'static str, String> {
    let mut sim = begun(case, &NOT_FILES);
    sim.settle();
    sim.check_replay();
    let root = path(".");
    let began = Time::from_millis(1000);
    let log: Vec<_> = sim.log.iter().map(|(at, entry)| (Time(at.since(began)), entry.clone())).collect();
    let rest = if sim.world.finished.is_some() { String::new() } else { Trace::rows(&sim.snapshot(), &root) };
    let faults = sim.faults.iter().map(|fault| format!("WRONG: {fault}\n")).collect::<String>();
    BTreeMap::from([("trace", Trace::of(&log, &root) + &faults), ("rest", rest)])
}

/// Each file below `tests/cases/engine` is a session in the simulated world.
#[test]
fn engine_cases() {
    check_folder("engine", &["trace", "rest"], play);
}
