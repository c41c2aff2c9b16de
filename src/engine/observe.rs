//! What is seen of containers against what they should be: instances that begin and end, and repairs. What counts is how they
//! are, not what happened to them: events may be lost.

use super::{
    backend::{Backend, Contact},
    container,
    deadline::Deadline,
    docker, edges,
    effect::{DockerEffect, KubeEffect},
    kube,
    node::{Node, NodeId},
    pause,
    phase::{Body, Live, RunPhase, Watched},
    proof, say, serve, shutdown,
    state::State,
    verdict,
    workload::{self, Order, Raised, There},
};
use crate::{
    model::{ContainerPhase, ContainerState, Exit, Health, InstanceId, NodeKey, ResourceName},
    snapshot::{Cause, InstanceRow},
};

/// How one was changed that goes on as it is when it is let.
pub(super) const PAUSED: &str = "it is paused";

/// What is found of containers that were brought to something.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    /// All of them run.
    Runs,
    /// The engine starts one again: it is its turn.
    Waits,
    /// All ended well.
    Done,
    /// One ended, not well.
    Ended {
        /// How.
        exit: Exit,
        /// It needed more memory than it may have.
        out_of_memory: bool,
    },
    /// One is gone, or was never started.
    Gone,
    /// Somebody changed one: how.
    Changed(String),
}

/// Compares what is there with what it was brought to be.
pub(super) fn find(state: &State, id: NodeId, raised: &Raised) -> Finding {
    let node = &state.nodes[id];
    match (&raised.order, &node.workload.there) {
        (Order::Docker(order), There::Containers(there)) => {
            container::find(order, raised.values.last().map(|(_, value)| value), there)
        }
        (Order::Kube(order), There::Cluster(there)) => kube::find(node, order, there),
        (Order::Docker(_) | Order::Kube(_), _) => Finding::Gone,
    }
}

/// What a resource has, as it is now.
pub(super) fn on_changed(state: &mut State, resource: ResourceName, there: There) {
    let Some(&id) = state.by_key.get(&NodeKey::Resource(resource)) else { return };
    if state.nodes[id].backend() != there.backend() {
        return;
    }
    state.node(id).workload.there = there;
    show_ended(state.node(id));
    state.touch(id);
    judge(state, id);
}

/// All output of an instance has come.
pub(super) fn on_follow_ended(state: &mut State, instance: InstanceId) {
    if let Some(id) = state.instances.remove(&instance) {
        state.node(id).workload.follows.remove(&instance);
        state.touch(id);
        shutdown::on_gone_changed(state, id, true);
    }
}

/// Compares what is there with what should be, and acts on it. While the node's own run goes on, what becomes of its containers
/// says nothing.
pub(super) fn judge(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if !node.what.is_workload() {
        return;
    }
    let own_run = matches!(node.run, RunPhase::Running(_) | RunPhase::TearingDown(_));
    if own_run || node.workload.removal || !node.is_enabled() || state.is_ending() || !state.is_in_sight(node) {
        return show(state, id);
    }
    if node.live().is_some_and(|live| live.stopping) || node.stopped {
        return judge_stopped(state, id);
    }
    let Some(raised) = &node.workload.raised else { return judge_stale(state, id) };
    let finding = find(state, id, raised);
    match node.live() {
        Some(_) if node.backend() == Some(Backend::Kube) => kube::judge(state, id, finding),
        Some(_) => judge_living(state, id, finding),
        // What was meant to end, or was taken away by a user, is nobody's any more.
        None if node.backend() == Some(Backend::Kube) => {}
        None if is_taken_away(node) => repair(state, id, Cause::Removed),
        // Somebody started it.
        None if finding == Finding::Runs && !node.workload.outdated && node.workload.decided => {
            say::started_by_others(state, id);
            begin(state, id);
        }
        None => {}
    }
}

/// Whether a container is gone that had ended, not well, and was not to be started again: what somebody removes is put back.
fn is_taken_away(node: &Node) -> bool {
    let ended = node.server.ended.as_ref().filter(|_| node.server.stays_ended && !node.workload.outdated);
    let is_ill = ended.and_then(|row| row.exit.as_ref()).is_some_and(|exit| !exit.is_success());
    is_ill && node.workload.there.containers().len() < node.workload.ids.len()
}

/// Those that have ended are shown as long as they are there.
fn show_ended(node: &mut Node) {
    let there = node.workload.there.containers();
    if let Some(ended) = node.server.ended.as_mut().filter(|_| node.server.live.is_none()) {
        ended.containers.retain(|one| there.iter().any(|other| other.id == one.id));
    }
}

/// Rows show what there is as it is, whatever comes of it.
pub(super) fn show(state: &mut State, id: NodeId) {
    if let There::Cluster(_) = &state.nodes[id].workload.there {
        return kube::show(state, id);
    }
    let there = state.nodes[id].workload.there.containers().to_vec();
    if let Some(live) = state.node(id).server.live.as_mut().filter(|live| !live.is_process())
        && !there.is_empty()
    {
        let failing = there.iter().find(|one| one.health.is_some_and(|health| health != Health::Healthy));
        live.row.probe_failure = failing.and_then(|one| one.health_output.clone());
        live.row.containers = there;
        serve::update_ready(state, id);
    }
}

/// Containers of an earlier session that are not what they should be live until others have their place: they are shown.
pub(super) fn follow_stale(state: &mut State, id: NodeId) {
    if state.nodes[id].workload.there.is_alive() {
        begin(state, id);
    }
}

fn judge_stale(state: &mut State, id: NodeId) {
    if state.nodes[id].workload.there.is_alive() {
        show(state, id);
    } else {
        over(state, id, Exit::Stopped);
    }
}

/// They are to be ended: they have, or they are asked to.
fn judge_stopped(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let lives = node.workload.there.is_alive();
    // Others have come in the place of those that were asked to end.
    let is_live = node.live().is_some_and(|live| !lives || node.workload.there.lives() == live.lives());
    if !is_live {
        over(state, id, Exit::Stopped);
    }
    match (lives, is_live) {
        (false, true) => _ = over(state, id, Exit::Stopped),
        (true, false) => {
            begin(state, id);
            serve::end(state, id);
        }
        (true, true) | (false, false) => show(state, id),
    }
}

fn judge_living(state: &mut State, id: NodeId, finding: Finding) {
    let node = &state.nodes[id];
    let before = node.live().map(Live::lives).unwrap_or_default();
    let there = node.workload.there.lives();
    let is_fewer = there.len() < before.len();
    let is_same = there == before;
    match finding {
        Finding::Runs if is_fewer => repair(state, id, Cause::Removed),
        Finding::Runs if is_same => show(state, id),
        Finding::Runs => {
            if !node.workload.restarting && !is_started_by_engine(state, id) {
                say::started_by_others(state, id);
            }
            over(state, id, Exit::Stopped);
            begin(state, id);
        }
        Finding::Waits => wait_for_engine(state, id),
        Finding::Done => died(state, id, Exit::Code(0), false),
        Finding::Ended { exit, out_of_memory } => died(state, id, exit, out_of_memory),
        // A run has left them halfway.
        Finding::Gone | Finding::Changed(_) if node.workload.outdated => _ = over(state, id, Exit::Stopped),
        Finding::Gone => repair(state, id, Cause::Removed),
        Finding::Changed(how) => repair(state, id, Cause::ChangedByHand(how)),
    }
}

/// It is the engine's turn to start one again.
fn wait_for_engine(state: &mut State, id: NodeId) {
    if !is_engines_turn(state, id) {
        say::engine_restarts(state, id);
    }
    show(state, id);
}

/// Whether the engine started one again, as its own policy says.
fn is_started_by_engine(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let restarts = |containers: &[ContainerState]| containers.iter().map(|one| one.engine_restarts).sum::<u32>();
    is_engines_turn(state, id) || restarts(node.workload.there.containers()) > restarts(workload::living(node.live()))
}

/// Whether the engine was about to start one again when they were last seen.
pub(super) fn is_engines_turn(state: &State, id: NodeId) -> bool {
    let waits = |one: &ContainerState| one.phase == ContainerPhase::Restarting;
    workload::living(state.nodes[id].live()).iter().any(waits)
}

/// A run that was to replace the containers failed: those that it took away have ended by that, not by themselves.
pub(super) fn let_replaced_end(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let there = node.workload.there.lives();
    let goes_on = node.live().is_some_and(|live| live.lives().iter().all(|life| there.contains(life)));
    if !goes_on && !state.is_out_of_reach(node) && node.backend() == Some(Backend::Docker) {
        over(state, id, Exit::Stopped);
    }
}

/// They were brought to what they should be: from now on they live, or have lived.
pub(super) fn on_raised(state: &mut State, id: NodeId) {
    let node = state.node(id);
    node.workload.decided = true;
    node.workload.again = None;
    let node = &*node;
    if !goes_on(node) {
        over(state, id, Exit::Stopped);
        appear(state, id);
    }
    edges::reach_started(state, id);
    // Before anybody takes them for ready: somebody may have put others in their place.
    judge(state, id);
    serve::update_ready(state, id);
    edges::reach_ready(state, id);
}

/// Whether what lives is what lived before.
pub(super) fn goes_on(node: &Node) -> bool {
    match (node.live(), &node.workload.there) {
        (Some(live), There::Cluster(there)) => kube::goes_on(live, there),
        (Some(live), there) => live.lives() == there.lives(),
        (None, _) => false,
    }
}

/// A new instance begins.
fn begin(state: &mut State, id: NodeId) {
    appear(state, id);
    serve::update_ready(state, id);
}

/// A new instance is there, as yet unready.
fn appear(state: &mut State, id: NodeId) {
    let instance = state.ids.next_instance();
    let now = state.now;
    let node = state.node(id);
    node.server.due = false;
    node.workload.restarting = false;
    let containers = node.workload.there.containers().to_vec();
    let pods = kube::shown(&node.workload.there);
    let row = InstanceRow {
        instance,
        pid: None,
        started_at: now,
        cause: None,
        ready_at: None,
        exit: None,
        restarts: node.server.restarts,
        probe_failure: None,
        containers,
        pods,
    };
    let watched = Watched { lives: node.workload.there.lives(), ..Watched::default() };
    let body = match node.what.kube() {
        Some(kube) => Body::Pods(watched, kube.pod_readiness),
        None => Body::Containers(watched),
    };
    node.server.live = Some(Live { row, body, up_at: Some(now), stopping: false, ready: false, lived: false });
    node.workload.follows.insert(instance);
    pause::recover(state, id);
    state.instances.insert(instance, id);
    follow(state, id, instance);
    verdict::watch_readiness(state, id);
    proof::watch_life(state, id);
    serve::watch_slowness(state, id);
}

/// Its output goes to the log from now on.
fn follow(state: &mut State, id: NodeId, instance: InstanceId) {
    let node = &state.nodes[id];
    let resource = node.name.clone();
    let effect = match &node.workload.there {
        There::None => return,
        There::Containers(_) => {
            let containers = workload::ids(&node.workload.there);
            docker::effect(DockerEffect::Follow { instance, resource, containers })
        }
        There::Cluster(_) => kube::effect(KubeEffect::Follow { instance, resource }),
    };
    state.emit(effect);
}

/// Its output goes to the log no longer.
pub(super) fn follow_no_longer(state: &mut State, id: NodeId, instance: InstanceId) {
    let effect = match state.nodes[id].workload.there {
        There::None => return,
        There::Containers(_) => docker::effect(DockerEffect::StopFollowing { instance }),
        There::Cluster(_) => kube::effect(KubeEffect::StopFollowing { instance }),
    };
    state.emit(effect);
}

/// The instance has ended, if there is one. Tells how long it lived.
pub(super) fn over(state: &mut State, id: NodeId, exit: Exit) -> Option<(InstanceId, std::time::Duration)> {
    state.touch(id);
    state.deadlines.clear(Deadline::Readiness(id));
    state.deadlines.clear(Deadline::Lived(id));
    state.deadlines.clear(Deadline::Slow(id));
    let now = state.now;
    let node = state.node(id);
    let mut live = node.server.live.take()?;
    live.row.exit = Some(exit);
    let there = &node.workload.there;
    if there.lives().iter().map(|(id, _)| id).eq(live.lives().iter().map(|(id, _)| id)) {
        live.row.containers = there.containers().to_vec();
    }
    let lived = live.up_at.map_or(std::time::Duration::ZERO, |up_at| now.since(up_at));
    let instance = live.id();
    node.server.ended = Some(live.row);
    // What containers print ends with them; pods of a next instance may be the same.
    if state.nodes[id].backend() == Some(Backend::Kube) {
        follow_no_longer(state, id, instance);
    }
    Some((instance, lived))
}

/// One ended unasked.
pub(super) fn died(state: &mut State, id: NodeId, exit: Exit, out_of_memory: bool) {
    let Some((instance, lived)) = over(state, id, exit.clone()) else { return };
    if out_of_memory {
        say::out_of_memory(state, id, instance);
    }
    if state.contact_of(&state.nodes[id]).is_some_and(Contact::is_aftermath) && !exit.is_success() {
        put_back(state, id, Cause::Crashed(exit), lived);
        return;
    }
    state.node(id).workload.again = Some(Cause::Crashed(exit.clone()));
    serve::crash(state, id, instance, &exit, lived);
    edges::reach_ready(state, id);
}

/// Somebody removed or changed them: they are put back, whatever the mode.
fn repair(state: &mut State, id: NodeId, cause: Cause) {
    let lived = over(state, id, Exit::Stopped).map_or(std::time::Duration::ZERO, |(_, lived)| lived);
    put_back(state, id, cause, lived);
}

pub(super) fn put_back(state: &mut State, id: NodeId, cause: Cause, lived: std::time::Duration) {
    state.node(id).workload.again = Some(cause.clone());
    let delay = pause::repair(state, id, lived);
    say::repair(state, id, &cause, delay);
}
