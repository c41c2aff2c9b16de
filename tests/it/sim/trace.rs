//! Sessions as text: every entry for a failing seed, and what a reader needs for a case.

use super::{declared, docker::trace as docker, generate::path, kube::trace as kube, session::Entry, world::Action};
use orch::{
    engine::{Effect, EvaluationOutcome, Event, Request},
    model::{FilePath, InstanceId, Level, ResourceName, RunId, Time},
    snapshot::{Cause, Row, Snapshot, Verdict, words},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The log of a session but for checks of probes, one line each; of long ones only the end.
pub(crate) fn compact(log: &[(Time, Entry)], lines_max: usize) -> String {
    let is_check = |entry: &Entry| {
        matches!(entry, Entry::Event(Event::Probed { .. } | Event::Woke) | Entry::Effect(Effect::Probe { .. }))
    };
    let log: Vec<_> = log.iter().filter(|(_, entry)| !is_check(entry)).collect();
    let skipped = log.len().saturating_sub(lines_max);
    let mut text = if skipped > 0 { format!("… {skipped} lines before\n") } else { String::new() };
    for (time, entry) in &log[skipped..] {
        writeln!(text, "{time} {}", line(entry)).expect("a text grows");
    }
    text
}

fn line(entry: &Entry) -> String {
    match entry {
        Entry::Action(action) => format!("USER {action:?}"),
        Entry::Event(Event::EvaluationEnded { outcome: EvaluationOutcome::Loaded(project, _), .. }) => {
            let mut text = format!("-> loaded, {:?}, slots {:?}", project.mode, project.settings.max_parallel_updates);
            for image in &project.images {
                write!(text, "\n      {}", declared::image(image)).expect("a text grows");
            }
            for resource in &project.resources {
                if let Some(container) = resource.kind.container() {
                    write!(text, "\n      {}", declared::container(resource, container)).expect("a text grows");
                }
                let Some(local) = resource.kind.local() else { continue };
                let words = |command: &orch::model::Command| command.argv[1..].join(" ");
                write!(
                    text,
                    "\n      {}: cmd [{}] serve [{}] deps {:?} outputs {:?} after {:?} {:?}{}{}{}{}",
                    resource.name,
                    local.cmd.as_ref().map(words).unwrap_or_default(),
                    local.serve.as_ref().map(|serve| words(&serve.command)).unwrap_or_default(),
                    local.inputs.roots,
                    local.outputs,
                    resource.dependencies.iter().map(|dep| (dep.on.as_str(), dep.condition)).collect::<Vec<_>>(),
                    resource.trigger_mode,
                    if resource.auto_init { "" } else { " no-init" },
                    if resource.enabled { "" } else { " disabled" },
                    if local.parallel { "" } else { " alone" },
                    if local.cancel_superseded { " cancels" } else { "" },
                )
                .expect("a text grows");
            }
            text
        }
        Entry::Event(Event::Docker(event)) => match docker::event(event) {
            Some(text) => format!("-> {text}"),
            None => format!("-> {event:?}"),
        },
        Entry::Event(event) => format!("-> {event:?}"),
        Entry::Effect(Effect::Watch { set, since }) => format!("<- watch {} sets since {since}", set.sets.len()),
        Entry::Effect(Effect::StartRun { run, resource, command, .. }) => {
            format!("<- START {resource}#{run} [{}]", command.argv.join(" "))
        }
        Entry::Effect(Effect::StartInstance { instance, resource, command, .. }) => {
            format!("<- SERVE {resource}@{instance} [{}]", command.argv.join(" "))
        }
        Entry::Effect(Effect::RecordRun { resource, run }) => format!("<- record {resource} {:?}", run.cause),
        Entry::Effect(Effect::Docker(effect)) => format!("<- {}", docker::effect(effect, &path("."), None)),
        Entry::Effect(effect) => format!("<- {effect:?}"),
        Entry::Snapshot(_) => String::new(),
    }
}

/// A session as a case shows it: what was done, what ended, what the engine did about it and what it shows of it. Questions
/// about files, watches and checks of probes are left out: what they lead to is there.
pub(crate) struct Trace<'a> {
    root: &'a FilePath,
    text: String,
    shown_at: Option<Time>,
    rows: BTreeMap<ResourceName, Row>,
    began_at: Time,
    /// Whose they are.
    runs: BTreeMap<RunId, String>,
    instances: BTreeMap<InstanceId, ResourceName>,
}

impl<'a> Trace<'a> {
    pub(crate) fn of(log: &[(Time, Entry)], root: &'a FilePath) -> String {
        let began_at = Time::ZERO;
        let (runs, instances) = (BTreeMap::new(), BTreeMap::new());
        let mut trace =
            Self { root, text: String::new(), shown_at: None, rows: BTreeMap::new(), began_at, runs, instances };
        for (place, (time, entry)) in log.iter().enumerate() {
            let next = log[place..].iter().find_map(|(_, entry)| match entry {
                Entry::Snapshot(snapshot) => Some(&**snapshot),
                _ => None,
            });
            trace.entry(*time, entry, next);
        }
        trace.text
    }

    fn say(&mut self, time: Time, line: impl std::fmt::Display) {
        let shown = if self.shown_at == Some(time) { String::new() } else { time.to_string() };
        self.shown_at = Some(time);
        writeln!(self.text, "{shown:>9}  {line}").expect("a text grows");
    }

    fn path(&self, path: &FilePath) -> String {
        path.display_from(self.root)
    }

    fn entry(&mut self, time: Time, entry: &Entry, next: Option<&Snapshot>) {
        match entry {
            Entry::Action(Action::Reboot) => {
                self.began_at = time;
                self.rows.clear();
                self.say(time, "| reboot");
            }
            Entry::Action(action) => {
                let line = self.action(action);
                self.say(time, format_args!("| {line}"));
            }
            Entry::Event(event) => {
                if let Some(line) = self.event(event) {
                    self.say(time, line);
                }
            }
            Entry::Effect(effect) => {
                self.note_names(effect);
                if let Some(line) = self.effect(effect, next) {
                    self.say(time, line);
                }
            }
            Entry::Snapshot(snapshot) => self.snapshot(time, snapshot),
        }
    }

    fn note_names(&mut self, effect: &Effect) {
        match effect {
            Effect::StartRun { run, resource, .. } => drop(self.runs.insert(*run, resource.to_string())),
            Effect::Docker(effect) => self.runs.extend(docker::run_name(effect)),
            Effect::Kube(effect) => self.runs.extend(kube::run_of(effect)),
            Effect::StartInstance { instance, resource, .. } => {
                drop(self.instances.insert(*instance, resource.clone()));
            }
            _ => {}
        }
    }

    fn action(&self, action: &Action) -> String {
        let names = |names: &[ResourceName]| names.iter().map(ResourceName::as_str).collect::<Vec<_>>().join(" ");
        match action {
            Action::Save(path, _) => format!("save {}", self.path(path)),
            Action::Touch(path) => format!("touch {}", self.path(path)),
            Action::Remove(path) => format!("remove {}", self.path(path)),
            Action::GitLock(true) => "git lock".to_owned(),
            Action::GitLock(false) => "git unlock".to_owned(),
            Action::Ask(Request::Trigger(list)) => format!("trigger {}", names(list)),
            Action::Ask(Request::Restart(list)) => format!("restart {}", names(list)),
            Action::Ask(Request::Stop(list)) => format!("stop {}", names(list)),
            Action::Ask(Request::Start(list)) => format!("start {}", names(list)),
            Action::Ask(Request::TakeDown(list)) => format!("take down {}", names(list)),
            Action::Ask(Request::Click { button, .. }) => format!("click {button}"),
            Action::Ask(Request::Enable { names: list, .. }) => format!("enable {}", names(list)),
            Action::Ask(Request::Disable { names: list, .. }) => format!("disable {}", names(list)),
            Action::Ask(Request::SetArgs(args)) => format!("arguments {}", args.join(" ")),
            Action::Ask(Request::ShutDown { teardown: false, .. }) => "shut down".to_owned(),
            Action::Ask(Request::ShutDown { teardown: true, .. }) => "shut down with teardown".to_owned(),
            Action::Kill(name, code) => format!("kill {name} {code}"),
            Action::Port(port, taken) => format!("port {port} {}", if *taken { "taken" } else { "free" }),
            Action::Wake => "wake".to_owned(),
            Action::Reboot => "reboot".to_owned(),
            Action::Docker(action) => docker::action(action),
            Action::Kube(action) => kube::action(action),
        }
    }

    fn event(&self, event: &Event) -> Option<String> {
        let run_name = |run: &RunId| format!("{}#{run}", self.runs[run]);
        let instance_name = |instance: &InstanceId| format!("{}@{instance}", self.instances[instance]);
        Some(match event {
            Event::EvaluationEnded { outcome: EvaluationOutcome::Loaded(..), .. } => "loaded".to_owned(),
            Event::EvaluationEnded { outcome: EvaluationOutcome::Failed(diagnostics), .. } => {
                let messages = diagnostics.iter().map(|one| one.message.as_str()).collect::<Vec<_>>();
                format!("not loaded: {}", messages.join("; "))
            }
            Event::EvaluationEnded { outcome: EvaluationOutcome::Cancelled, .. } => "evaluation cancelled".to_owned(),
            Event::RunEnded { run, end } => {
                let leaves = if end.leftovers { ", leaves something running" } else { "" };
                format!("{} ended: {}{leaves}", run_name(run), words::exit(&end.exit))
            }
            Event::LeftoversEnded { run } => format!("what {} left running ended", run_name(run)),
            Event::InstanceEnded { instance, exit } => {
                format!("{} ended: {}", instance_name(instance), words::exit(exit))
            }
            Event::ReadyLineSeen { instance } => format!("{} says its ready line", instance_name(instance)),
            Event::Docker(event) => return docker::event(event),
            Event::Kube(event) => return kube::event(event),
            Event::SessionStarted
            | Event::Woke
            | Event::EvaluationRead { .. }
            | Event::FilesChanged { .. }
            | Event::GitLockChanged { .. }
            | Event::DigestsTaken { .. }
            | Event::SetTaken { .. }
            | Event::RunStarted { .. }
            | Event::InstanceStarted { .. }
            | Event::Probed { .. }
            | Event::Asked(_) => return None,
        })
    }

    fn effect(&self, effect: &Effect, next: Option<&Snapshot>) -> Option<String> {
        Some(match effect {
            Effect::Evaluate { .. } => "  evaluate".to_owned(),
            Effect::CancelEvaluation { .. } => "  cancel the evaluation".to_owned(),
            Effect::StartRun { run, resource, command, .. } => {
                let row = next.and_then(|next| next.rows.named(resource));
                let current = row.and_then(|row| row.current_run.as_ref()).filter(|one| one.run == *run);
                match current {
                    Some(one) => format!("  run {resource}#{run}: {}", words::cause(&one.cause, self.root)),
                    None => format!("  run {resource}#{run}: {}", command.argv.join(" ")),
                }
            }
            Effect::Docker(effect) => {
                let cause = docker_cause(effect, next).map(|cause| words::cause(cause, self.root));
                docker::effect(effect, self.root, cause)
            }
            Effect::CancelRun { run, grace } => {
                format!("  cancel {}#{run}, grace {}", self.runs[run], words::duration(*grace))
            }
            Effect::StopLeftovers { run, grace } => {
                format!("  end what {}#{run} left running, grace {}", self.runs[run], words::duration(*grace))
            }
            Effect::StartInstance { instance, resource, .. } => format!("  serve {resource}@{instance}"),
            Effect::StopInstance { instance, grace } => {
                format!("  stop {}@{instance}, grace {}", self.instances[instance], words::duration(*grace))
            }
            Effect::Forget { resource } => format!("  forget {resource}"),
            Effect::Remember { resource, .. } => format!("  remember {resource}"),
            // What goes well is said in other words here.
            Effect::Say { level: Level::Info, .. } => return None,
            Effect::Say { resource, level, text, .. } => {
                let whom = resource.as_ref().map_or("orch", ResourceName::as_str);
                format!("  say to {whom} ({level:?}): {text}")
            }
            Effect::Finish { verdict } => format!("  finish: {}", self.verdict(verdict)),
            Effect::Kube(effect) => {
                let cause = kube_cause(effect, next).map(|cause| words::cause(cause, self.root));
                kube::effect(effect, self.root, cause)
            }
            Effect::Watch { .. }
            | Effect::TakeDigests { .. }
            | Effect::TakeSet { .. }
            | Effect::RecordRun { .. }
            | Effect::Probe { .. } => return None,
        })
    }

    fn verdict(&self, verdict: &Verdict) -> String {
        let list = |troubles: &[(ResourceName, orch::snapshot::Trouble)]| {
            let one = |(name, trouble): &(ResourceName, orch::snapshot::Trouble)| {
                format!("{name}: {}", words::trouble(trouble, None, self.root, Time::ZERO))
            };
            troubles.iter().map(one).collect::<Vec<_>>().join("; ")
        };
        match verdict {
            Verdict::Succeeded => "succeeded".to_owned(),
            Verdict::Failed(troubles) => format!("failed ({})", list(troubles)),
            Verdict::TimedOut(troubles) => format!("timed out ({})", list(troubles)),
            Verdict::OrchfileFailed => "the Orchfile failed".to_owned(),
            Verdict::Unusable(failure) => format!("unusable ({})", failure.message),
            Verdict::Interrupted => "interrupted".to_owned(),
        }
    }

    /// Says what a user sees change: holds, the state of servers, why something was not done.
    fn snapshot(&mut self, time: Time, snapshot: &Snapshot) {
        for row in snapshot.rows.iter() {
            let before = self.rows.insert(row.name.clone(), Row::clone(row));
            let before = before.as_ref();
            let now = Time(time.since(self.began_at));
            if before.and_then(|row| row.hold.as_ref()) != row.hold.as_ref() {
                match &row.hold {
                    Some(hold) => {
                        let text = words::hold(hold, self.root, now);
                        self.say(time, format_args!("    {} held: {text}", row.name));
                    }
                    None => self.say(time, format_args!("    {} not held", row.name)),
                }
            }
            if before.is_some_and(|before| before.runtime != row.runtime) {
                self.say(time, format_args!("    {} runtime {}", row.name, status(&row.runtime)));
            }
            if before.and_then(|row| row.skipped.as_ref()) != row.skipped.as_ref()
                && let Some(skip) = &row.skipped
            {
                self.say(time, format_args!("    {} skipped: {}", row.name, words::skip(skip, self.root)));
            }
        }
    }

    /// What is shown at the end, one line for each resource.
    pub(crate) fn rows(snapshot: &Snapshot, root: &FilePath) -> String {
        let mut text = String::new();
        for row in snapshot.rows.iter() {
            let dirty = if row.dirty { ", dirty" } else { "" };
            let hold = row.hold.as_ref().map(|hold| format!(", held: {}", words::hold(hold, root, snapshot.at)));
            let (update, runtime) = (status(&row.update), status(&row.runtime));
            let hold = hold.unwrap_or_default();
            writeln!(text, "{}: update {update}, runtime {runtime}{dirty}{hold}", row.name).expect("a text grows");
        }
        text
    }
}

/// Why a run on the cluster starts, as the snapshot says it.
fn kube_cause<'a>(effect: &orch::engine::KubeEffect, next: Option<&'a Snapshot>) -> Option<&'a Cause> {
    let (run, _) = kube::run_of(effect)?;
    let row = next?.rows.named(kube::resource_of(effect)?)?;
    row.current_run.as_ref().filter(|one| one.run == run).map(|one| &one.cause)
}

/// Why a run on Docker starts, as the snapshot says it.
fn docker_cause<'a>(effect: &orch::engine::DockerEffect, next: Option<&'a Snapshot>) -> Option<&'a Cause> {
    let (run, _) = docker::run_name(effect)?;
    let row = next?.rows.named(docker::resource_of(effect)?)?;
    let runs = row.images.iter().filter_map(|image| image.current_run.as_ref()).chain(&row.current_run);
    runs.into_iter().find(|one| one.run == run).map(|one| &one.cause)
}

/// A status as the socket names it.
fn status(status: &impl serde::Serialize) -> String {
    serde_json::to_value(status).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
