//! Servers: starting, replacing, crashing.

use super::{
    backend::Backend,
    container,
    deadline::Deadline,
    edges,
    effect::{Effect, PortCheck},
    node::NodeId,
    observe, pause,
    phase::{Body, Live, Probing, Process, RunPhase, Serving, Then},
    probe, proof, raise, say,
    state::State,
    takedown::TakeDown,
    verdict,
};
use crate::{
    model::{Attempt, Exit, InstanceId, Level, Probe, Restart, Serve, Time},
    snapshot::{Cause, Goal, InstanceRow},
};
use std::time::Duration;

/// How long after its first check a server may take to be ready until that is said.
const SLOW: Duration = Duration::from_secs(10);
/// How long a server may take to be ready in `orch ci` where the file does not say.
const READINESS: Duration = Duration::from_mins(5);

/// Starts the server of a good run, in place of the one that lives.
pub(super) fn replace(state: &mut State, id: NodeId, serving: Option<Serving>) {
    let has_server = serving.is_some();
    let server = &mut state.node(id).server;
    server.serving = serving;
    server.crashes = 0;
    server.restarts = 0;
    server.due = has_server;
    pause::calm(state, id);
    stop(state, id);
    state.touch(id);
}

/// Nobody wants the server of a good run now: it is started when somebody does, in place of the one that still lives.
pub(super) fn keep_for_later(state: &mut State, id: NodeId, serving: Option<Serving>) {
    let server = &mut state.node(id).server;
    server.due = server.live.as_ref().is_some_and(|live| !live.stopping) && serving.is_some();
    server.serving = serving;
}

/// Somebody wants the node after all: what lives gives way to what was kept for later.
pub(super) fn take_up(state: &mut State, id: NodeId) {
    if state.nodes[id].server.due {
        stop(state, id);
    }
}

/// Ends the server and starts it again with the definition of the last good run. Tells whether there is one.
pub(super) fn restart(state: &mut State, id: NodeId, cause: Cause) -> bool {
    let node = &state.nodes[id];
    // What a cluster has is started anew by being applied.
    if node.backend() == Some(Backend::Kube) || node.server.serving.is_none() && node.workload.raised.is_none() {
        return false;
    }
    state.node(id).workload.again = Some(cause);
    state.node(id).server.due = true;
    state.node(id).server.crashes = 0;
    pause::calm(state, id);
    stop(state, id);
    true
}

/// Ends the server and keeps it ended.
pub(super) fn end(state: &mut State, id: NodeId) {
    state.node(id).server.due = false;
    // How it had ended is still true, and shown, when the session is over.
    let stays_ended = state.is_shutting_down() && state.nodes[id].server.stays_ended;
    pause::calm(state, id);
    state.node(id).server.stays_ended = stays_ended;
    stop(state, id);
}

/// Tells the instance that lives to end.
fn stop(state: &mut State, id: NodeId) {
    let grace = state.grace();
    state.touch(id);
    let is_end = state.is_shutting_down();
    let Some(live) = &mut state.node(id).server.live else { return };
    // At the end of a session containers go on without orch, or are removed.
    if live.stopping || is_end && !live.is_process() {
        return;
    }
    live.stopping = true;
    live.ready = false;
    if !live.is_process() {
        return stop_workload(state, id);
    }
    let instance = live.id();
    probe::end(state, id);
    state.emit(Effect::StopInstance { instance, grace });
}

/// Containers end as they are asked to. A run that removes them ends them too. Pods end when what has them made is gone.
fn stop_workload(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let is_removed = node.workload.removal || node.taken_down != TakeDown::No;
    match node.backend() {
        _ if is_removed => {}
        Some(Backend::Docker) if state.is_out_of_reach(node) => {}
        Some(Backend::Docker) => container::stop(state, id),
        Some(Backend::Kube) => state.node(id).workload.removal = true,
        None => {}
    }
}

/// What was asked to end when it was out of reach is asked again.
pub(super) fn stop_again(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let is_stopping = node.live().is_some_and(|live| live.stopping) && !node.workload.removal;
    if is_stopping && node.backend() == Some(Backend::Docker) {
        container::stop(state, id);
    }
}

/// The containers of the node, if they still live, go on without orch.
pub(super) fn release(state: &mut State, id: NodeId) {
    let node = state.node(id);
    if std::mem::replace(&mut node.workload.released, true) {
        return;
    }
    // That of a cluster which is over was told so when it was over.
    let lives = |instance: &InstanceId| match node.backend() {
        Some(Backend::Kube) => node.server.live.as_ref().is_some_and(|live| live.id() == *instance),
        Some(Backend::Docker) | None => true,
    };
    let follows: Vec<InstanceId> = node.workload.follows.iter().copied().filter(lives).collect();
    for instance in follows {
        observe::follow_no_longer(state, id, instance);
    }
}

/// Starts what is due, if nothing is in its way.
pub(super) fn start_if_due(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let in_the_way = matches!(node.run, RunPhase::Running(_) | RunPhase::TearingDown(_))
        || node.live().is_some_and(|live| !live.outlives_repair())
        || node.stopped
        || !node.is_enabled()
        || state.is_shutting_down();
    if !node.server.due || in_the_way {
        return;
    }
    if node.what.is_workload() {
        return put_back_if_free(state, id);
    }
    if let Some(serving) = node.server.serving.clone() {
        start(state, id, serving);
    }
}

/// Containers are put back, unless new ones are on their way.
fn put_back_if_free(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(raised) = node.workload.raised.as_ref().filter(|_| node.queued.is_none() && !node.workload.removal) else {
        return;
    };
    if !state.is_in_sight(node) {
        return;
    }
    let is_gone = raised.image().is_some_and(|image| !state.docker.images.contains(image));
    state.node(id).server.due = false;
    if is_gone {
        // What it was made of is made anew, and then it.
        give_way(state, id);
    } else {
        raise::again(state, id);
    }
}

/// New containers are on their way: what was to be put back is not.
pub(super) fn give_way(state: &mut State, id: NodeId) {
    let node = state.node(id);
    node.server.due = false;
    node.workload.again = None;
    pause::calm(state, id);
}

/// What is checked should be ready soon.
pub(super) fn watch_slowness(state: &mut State, id: NodeId) {
    let Some(live) = state.node(id).server.live.as_mut().filter(|live| live.has_check()) else { return };
    let probe = live.process().and_then(|process| process.serve.probe.as_ref());
    let first_check = probe.map_or(Duration::ZERO, Probe::initial_delay);
    state.deadlines.set(Deadline::Slow(id), state.now + first_check + SLOW);
}

fn start(state: &mut State, id: NodeId, serving: Serving) {
    let instance = state.ids.next_instance();
    let node = state.node(id);
    let cause = node.workload.again.take();
    let server = &mut node.server;
    server.due = false;
    let row = InstanceRow {
        instance,
        pid: None,
        started_at: Time::ZERO,
        cause,
        ready_at: None,
        exit: None,
        restarts: server.restarts,
        probe_failure: None,
        containers: Vec::new(),
        pods: Vec::new(),
    };
    let row = InstanceRow { started_at: state.now, ..row };
    state.emit(Effect::StartInstance {
        instance,
        resource: state.nodes[id].name.clone(),
        command: serving.command.clone(),
        ready_line: serving.serve.ready_log_line.clone(),
        port: port_of(state, &serving.serve),
        grace: state.mode().stop_grace(),
    });
    if row.restarts > 0 {
        state.say(id, Some(Attempt::Instance(instance)), Level::Info, "server starts again".to_owned());
    }
    state.instances.insert(instance, id);
    verdict::watch_readiness(state, id);
    let Serving { serve, command } = serving;
    let process = Process { serve, command, line_seen: false, probing: Probing::default() };
    state.node(id).server.live = Some(Live {
        row,
        body: Body::Process(Box::new(process)),
        up_at: None,
        stopping: false,
        ready: false,
        lived: false,
    });
    state.touch(id);
}

fn port_of(state: &State, serve: &Serve) -> Option<PortCheck> {
    let port = serve.probe.as_ref()?.loopback_port()?;
    Some(PortCheck { port, refuse: state.mode().refuses_taken_ports() })
}

/// Zero means without end.
pub(super) fn readiness_timeout(state: &State) -> Option<Duration> {
    let given = state.project.as_ref().and_then(|project| project.settings.ci.readiness_timeout);
    Some(given.unwrap_or(READINESS)).filter(|timeout| !timeout.is_zero())
}

/// The server of that instance, unless it has ended.
fn live(state: &mut State, instance: InstanceId) -> Option<(NodeId, &mut Live)> {
    let id = *state.instances.get(&instance)?;
    let live = state.nodes[id].server.live.as_mut()?;
    (live.id() == instance).then_some((id, live))
}

pub(super) fn on_instance_started(state: &mut State, instance: InstanceId, pid: u32) {
    let now = state.now;
    let Some((id, live)) = live(state, instance) else { return };
    live.row.pid = Some(pid);
    live.up_at = Some(now);
    proof::watch_life(state, id);
    watch_slowness(state, id);
    probe::begin(state, id);
    update_ready(state, id);
}

pub(super) fn on_ready_line_seen(state: &mut State, instance: InstanceId) {
    let Some((id, live)) = live(state, instance) else { return };
    if let Some(process) = live.process() {
        process.line_seen = true;
    }
    update_ready(state, id);
}

/// Compares what the server shows with what it was taken for.
pub(super) fn update_ready(state: &mut State, id: NodeId) {
    let now = state.now;
    state.touch(id);
    let Some(live) = &mut state.node(id).server.live else { return };
    let was_ready = live.ready;
    let is_ready = live.is_ready_now();
    let is_stopping = live.stopping;
    if was_ready == is_ready {
        return;
    }
    live.ready = is_ready;
    let is_first = is_ready && live.row.ready_at.is_none();
    if is_first {
        live.row.ready_at = Some(now);
    }
    if is_ready {
        state.deadlines.clear(Deadline::Readiness(id));
        edges::reach_ready(state, id);
    } else if !is_stopping {
        verdict::watch_readiness(state, id);
    }
    proof::watch_pods_life(state, id);
    say::readiness(state, id, is_ready);
}

pub(super) fn on_instance_ended(state: &mut State, instance: InstanceId, exit: &Exit) {
    let Some(id) = state.instances.remove(&instance) else { return };
    state.touch(id);
    probe::end(state, id);
    state.deadlines.clear(Deadline::Readiness(id));
    state.deadlines.clear(Deadline::Lived(id));
    state.deadlines.clear(Deadline::Slow(id));
    let Some(mut live) = state.node(id).server.live.take() else { return };
    live.row.exit = Some(exit.clone());
    let asked = live.stopping;
    let lived = live.up_at.map_or(Duration::ZERO, |up_at| state.now.since(up_at));
    state.node(id).server.ended = Some(live.row);
    if !asked {
        crash(state, id, instance, exit, lived);
    }
}

/// The server ended unasked.
pub(super) fn crash(state: &mut State, id: NodeId, instance: InstanceId, exit: &Exit, lived: Duration) {
    let node = &state.nodes[id];
    if exit.is_success() && (!node.what.has_runs() || node.what.is_workload()) {
        edges::reach_succeeded(state, id);
    }
    if state.is_shutting_down() {
        return;
    }
    let again = match restart_policy(state, id) {
        Restart::Always => true,
        Restart::OnFailure => !exit.is_success(),
        Restart::Never => false,
    };
    let delay = again.then(|| pause::next_delay(state, id, lived));
    say::crashed(state, id, instance, exit, delay);
    // A newer run has one started anyway.
    if state.nodes[id].server.due {
        return;
    }
    match delay {
        Some(delay) => pause::begin(state, id, delay, Then::Start),
        None => state.node(id).server.stays_ended = true,
    }
}

/// What its `restart` says, or the mode; in `orch ci` a server without `restart` is not started again.
pub(super) fn restart_policy(state: &State, id: NodeId) -> Restart {
    let given = state.nodes[id].what.restart();
    let by_mode = state.mode().restarts_by_default() && state.goal != Goal::Ci;
    given.unwrap_or(if by_mode { Restart::OnFailure } else { Restart::Never })
}
