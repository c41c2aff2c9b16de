//! What the engine says in the log: short lines that tell what it does and why. No content of files, no values.

use super::{
    backend::Backend,
    node::{Node, NodeId},
    phase::{Cancelled, Live, RunPhase, Work},
    schedule,
    state::State,
    stop, verdict,
    what::What,
};
use crate::{
    model::{Attempt, Exit, FilePath, InstanceId, Kind, Level, RunId},
    snapshot::{
        Cause, Hold, RunRow, Step,
        words::{self, Subject},
    },
};
use std::{collections::BTreeSet, time::Duration};

/// Where paths are shown from.
fn root(state: &State) -> FilePath {
    state.project.as_ref().map_or_else(|| FilePath::new("/"), |project| project.root.clone())
}

/// What the runs of a node are about.
fn subject(state: &State, id: NodeId) -> Subject<'_> {
    match &state.nodes[id].what {
        What::Image(image) => Subject::Image(&image.key),
        What::Resource(resource) => match resource.kind {
            Kind::Local(_) => Subject::Local,
            Kind::Container(_) => Subject::Container,
            Kind::Kube(_) => Subject::Objects,
        },
    }
}

pub(super) fn run_starts(state: &mut State, id: NodeId, row: &RunRow) {
    let text = words::run_starts(row, subject(state, id), &root(state));
    state.say(id, Some(Attempt::Run(row.run)), Level::Info, text);
}

/// What a run is a step of, where its resource has several kinds of them.
fn step_of(state: &State, id: NodeId, row: &RunRow) -> String {
    match (row.step, state.nodes[id].what.image()) {
        (Step::Build, Some(image)) => format!("build of {} ", image.key),
        (Step::LiveUpdate, _) => "live update ".to_owned(),
        (Step::Teardown, _) if state.nodes[id].local().is_none() => "removal ".to_owned(),
        (Step::Command | Step::Build | Step::Container | Step::Apply | Step::Teardown, _) => String::new(),
    }
}

/// The session ends at once: which resources have something that is killed.
pub(super) fn killed(state: &mut State) {
    let alive = state.nodes.ids().filter(|id| stop::has_processes(&state.nodes[*id]));
    let names: BTreeSet<&str> = alive.map(|id| state.nodes[id].name.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    if !names.is_empty() {
        let text = format!("killing {} at once", words::first_of(&names));
        state.say_session(Level::Info, text);
    }
}

/// What a node has that lives.
pub(super) fn server(node: &Node) -> &'static str {
    match node.backend() {
        Some(Backend::Docker) => "container",
        Some(Backend::Kube) => "pod",
        None => "server",
    }
}

/// A container is put back.
pub(super) fn repair(state: &mut State, id: NodeId, cause: &Cause, delay: Duration) {
    let when = if delay.is_zero() { String::new() } else { format!(" in {}s", delay.as_secs()) };
    let what = match cause {
        Cause::Crashed(how) => format!("its container ended: {}", words::exit(how)),
        other => words::cause(other, &root(state)),
    };
    let text = format!("repair: {what}; it is put back{when}");
    state.say(id, None, Level::Warning, text);
}

/// Its containers live anew, and orch did nothing for that.
pub(super) fn started_by_others(state: &mut State, id: NodeId) {
    let text = "its container was started again by somebody else".to_owned();
    state.say(id, None, Level::Warning, text);
}

/// What was to be put back could not be.
pub(super) fn not_put_back(state: &mut State, id: NodeId, run: RunId, delay: Duration) {
    let text = format!("not put back; once more in {}s", delay.as_secs());
    state.say(id, Some(Attempt::Run(run)), Level::Warning, text);
}

/// A container was not made, since somebody else has its port.
pub(super) fn waits_for_port(state: &mut State, id: NodeId, run: RunId, port: u16, delay: Duration) {
    let text = format!("once more in {}s: port {port} may be free then", delay.as_secs());
    state.say(id, Some(Attempt::Run(run)), Level::Warning, text);
}

/// What had crashed is not waited with any longer.
pub(super) fn tried_at_once(state: &mut State, id: NodeId, provider: NodeId) {
    let text = format!("starts again now: {} is ready", state.nodes[provider].name);
    state.say(id, None, Level::Info, text);
}

pub(super) fn out_of_memory(state: &mut State, id: NodeId, instance: InstanceId) {
    let text = "it needed more memory than it may have".to_owned();
    state.say(id, Some(Attempt::Instance(instance)), Level::Warning, text);
}

pub(super) fn run_ended(state: &mut State, id: NodeId, row: &RunRow, cancelled: Option<Cancelled>) {
    let Some(exit) = &row.exit else { return };
    let took = words::duration(row.ended_at.unwrap_or(state.now).since(row.started_at));
    let step = step_of(state, id, row);
    let (level, text) = match cancelled {
        _ if exit.is_success() => (Level::Info, words::run_succeeded(row, subject(state, id))),
        Some(Cancelled::Superseded) => (Level::Info, format!("{step}cancelled after {took}: a newer change came")),
        Some(Cancelled::Stopped) => (Level::Info, format!("{step}stopped after {took}")),
        Some(Cancelled::Lost) => {
            let backend = state.nodes[id].backend().unwrap_or(Backend::Docker).title();
            (Level::Warning, format!("{step}cut short after {took}: {backend} went away"))
        }
        None => (Level::Error, words::run_failed(row, subject(state, id), exit)),
    };
    let about = Some(Attempt::Run(row.run));
    state.say(id, about, level, text);
    if cancelled.is_none() {
        help(state, id, about, exit);
    }
}

/// What to do about something that could not be started.
fn help(state: &mut State, id: NodeId, about: Option<Attempt>, exit: &Exit) {
    if let Exit::NotStarted(failure) = exit
        && let Some(help) = &failure.help
    {
        state.say(id, about, Level::Info, format!("help: {help}"));
    }
}

/// A server became ready, or is not any more.
pub(super) fn readiness(state: &mut State, id: NodeId, is_ready: bool) {
    let Some(live) = state.nodes[id].live() else { return };
    // While they are replaced, what is seen is of those that come and go.
    if !live.has_check() || is_orchs_doing(&state.nodes[id]) {
        return;
    }
    let instance = Some(Attempt::Instance(live.id()));
    if is_ready {
        let took = words::duration(state.now.since(live.row.started_at));
        let is_first = live.row.ready_at == Some(state.now) || live.row.pods.is_empty();
        let text = if is_first { format!("ready after {took}") } else { "ready again".to_owned() };
        state.say(id, instance, Level::Info, text);
    } else if !live.stopping && !live.is_out_of_sight() {
        let failure = unready(live).unwrap_or_default();
        state.say(id, instance, Level::Warning, format!("not ready any more: {failure}"));
    }
}

/// Whether orch itself makes, restarts or removes what the node has.
fn is_orchs_doing(node: &Node) -> bool {
    let is_moved = match &node.run {
        RunPhase::Running(running) => matches!(running.work, Work::Raise(_)),
        RunPhase::TearingDown(_) => true,
        RunPhase::Idle | RunPhase::Checking(_) => false,
    };
    is_moved || node.workload.restarting || node.workload.removal
}

/// What keeps an instance from being ready, in one line.
fn unready(live: &Live) -> Option<String> {
    if live.row.containers.is_empty() && !live.is_process() && live.row.probe_failure.is_none() {
        return Some(unready_pods(live));
    }
    if let Some(container) = live.row.containers.iter().find(|container| !container.is_well()) {
        return Some(words::container(container));
    }
    let failure = live.row.probe_failure.as_deref()?;
    failure.trim().lines().next().map(str::to_owned)
}

/// What is missing of its pods, where nothing is wrong with them.
fn unready_pods(live: &Live) -> String {
    let pods = &live.row.pods;
    let Some(pod) = pods.iter().find(|pod| pod.is_current && !pod.is_ending) else {
        return match pods.len() {
            0 => "no pod yet".to_owned(),
            older => format!("no new pod yet, only {older} older"),
        };
    };
    let name = &pod.name;
    match () {
        () if pod.is_ready && live.is_out_of_sight() => {
            format!("pod {name} was ready; the cluster cannot be reached now")
        }
        () if pod.is_ready && live.is_to_end() => format!("pod {name} runs, and has not ended yet"),
        () => format!("pod {name}: {}", words::pod(pod)),
    }
}

/// A server is not ready after a while: says so once, with what the last check said.
pub(super) fn slow(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(live) = node.live().filter(|live| !live.stopping && live.row.ready_at.is_none()) else { return };
    let why = unready(live).map(|why| format!(": {why}")).unwrap_or_default();
    let took = words::duration(state.now.since(live.row.started_at));
    let about = Some(Attempt::Instance(live.id()));
    let (level, what) = if live.is_to_end() { (Level::Info, "done") } else { (Level::Warning, "ready") };
    state.say(id, about, level, format!("not {what} after {took}{why}"));
}

/// The Orchfile has a node no more, of which something lives.
pub(super) fn removed(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let runs = matches!(node.run, RunPhase::Running(_));
    if runs || node.live().is_some_and(|live| !live.stopping) || !node.leftovers.is_empty() {
        state.say(id, None, Level::Info, "stopped: no longer in the Orchfile".to_owned());
    }
}

/// A container ended, and the Docker Engine has its turn to start it again.
pub(super) fn engine_restarts(state: &mut State, id: NodeId) {
    let Some(live) = state.nodes[id].live() else { return };
    let about = Some(Attempt::Instance(live.id()));
    state.say(id, about, Level::Warning, "container ended; Docker starts it again".to_owned());
}

/// Its containers cannot be removed at the end of the session.
pub(super) fn left_behind(state: &mut State, id: NodeId) {
    let text = match state.nodes[id].backend() {
        Some(Backend::Kube) => "its objects are left: the cluster cannot be reached; `orch down` deletes them later",
        Some(Backend::Docker) | None => {
            "its containers are left: the Docker Engine cannot be reached; `orch down` removes them later"
        }
    };
    state.say(id, None, Level::Warning, text.to_owned());
}

/// Something is wrong with a pod.
pub(super) fn trouble(state: &mut State, id: NodeId, text: String) {
    let about = state.nodes[id].live().map(|live| Attempt::Instance(live.id()));
    state.say(id, about, Level::Warning, text);
}

/// A server ended unasked; `delay` is that of its restart.
pub(super) fn crashed(state: &mut State, id: NodeId, instance: InstanceId, exit: &Exit, delay: Option<Duration>) {
    let about = Some(Attempt::Instance(instance));
    let server = server(&state.nodes[id]);
    let what = match exit {
        Exit::NotStarted(failure) => format!("{server} not started: {}", failure.message),
        Exit::Code(_) | Exit::Signal(_) | Exit::Stopped => format!("{server} ended: {}", words::exit(exit)),
    };
    let (level, text) = match delay {
        Some(delay) if state.nodes[id].what.container().is_some() => {
            return repair(state, id, &Cause::Crashed(exit.clone()), delay);
        }
        Some(delay) => (Level::Warning, format!("{what}; starts again in {}s", delay.as_secs())),
        None if verdict::may_end(state, id)(exit) => (Level::Info, what),
        None => (Level::Error, what),
    };
    state.say(id, about, level, text);
    help(state, id, about, exit);
}

/// Says once that a node that wants to run is held by something that does not go away by itself.
pub(super) fn lasting_hold(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if !node.is_enabled() || !node.is_dirty() || node.queued.is_some() || node.said.is_none() && !may_last(state, id) {
        return;
    }
    let is_image = node.what.image().is_some();
    // What holds an image is said of those that need it.
    let hold = schedule::start_hold(state, id).filter(lasts).filter(|hold| !is_image || is_its_own(hold));
    if hold == state.nodes[id].said {
        return;
    }
    if let Some(hold) = &hold {
        let text = words::hold(hold, &root(state), state.now);
        state.say(id, None, Level::Warning, text);
    }
    state.node(id).said = hold;
}

/// A quick look before the slow one.
fn may_last(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let edges = &node.edges;
    let may_be_held = edges.unmet + edges.moving_providers + edges.failed_writers > 0 || node.itself.streak > 0;
    !state.is_shutting_down() && may_be_held
}

/// Whether an image alone can be held by that.
fn is_its_own(hold: &Hold) -> bool {
    matches!(hold, Hold::SelfDirty { .. })
}

fn lasts(hold: &Hold) -> bool {
    match hold {
        Hold::Dependency { because, .. } => matches!(because.as_str(), "failed" | "disabled" | "manual" | "stopped"),
        Hold::WriterFailed(_) | Hold::SelfDirty { .. } => true,
        Hold::OrchfileLoading
        | Hold::Writer(_)
        // What happens to images and to the Docker Engine is said when it happens.
        | Hold::Image(_)
        | Hold::ImageFailed(_)
        | Hold::Docker(_)
        | Hold::Cluster(_)
        | Hold::Starting
        | Hold::Unneeded
        | Hold::Settling
        | Hold::Slot
        | Hold::Exclusive(_)
        | Hold::Running
        | Hold::Stopping
        | Hold::Backoff { .. }
        | Hold::Manual
        | Hold::Stopped
        | Hold::Disabled
        | Hold::Failed
        | Hold::Ended
        | Hold::ShuttingDown => false,
    }
}
