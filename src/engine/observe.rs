//! What is seen of containers against what they should be: instances that begin and end, and repairs. What counts is how they
//! are, not what happened to them: events may be lost.

use super::{
    container,
    deadline::Deadline,
    docker, edges,
    effect::{DockerEffect, RaiseOrder},
    image::Value,
    node::{Node, NodeId},
    phase::{Body, Live, RunPhase, Watched},
    say, serve, shutdown,
    state::State,
    verdict,
};
use crate::{
    model::{ContainerId, ContainerPhase, ContainerState, Exit, Health, InstanceId, NodeKey, ResourceName},
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

/// Compares containers with what they were brought to be. How many there should be is known to nobody but the engine: see
/// `judge`.
pub(super) fn find(order: &RaiseOrder, value: Option<&Value>, there: &[ContainerState]) -> Finding {
    let id = value.and_then(|value| value.built.id.as_ref());
    let is_gone = |one: &ContainerState| matches!(one.phase, ContainerPhase::Dead | ContainerPhase::Created);
    if there.is_empty() || there.iter().any(is_gone) {
        return Finding::Gone;
    }
    if there.iter().any(|one| one.fingerprint != Some(order.fingerprint)) {
        return Finding::Changed("another one has its place".to_owned());
    }
    if id.is_some_and(|id| there.iter().any(|one| one.image != *id)) {
        return Finding::Changed("it is made of another image".to_owned());
    }
    if let Some(how) = there.iter().filter(|one| is_alive(one)).find_map(|one| one.changed.clone()) {
        return Finding::Changed(how);
    }
    if there.iter().any(|one| one.phase == ContainerPhase::Paused) {
        return Finding::Changed(PAUSED.to_owned());
    }
    for one in there {
        if let ContainerPhase::Exited { code, out_of_memory } = one.phase
            && code != 0
        {
            return Finding::Ended { exit: Exit::Code(code), out_of_memory };
        }
    }
    let is = |wanted: fn(&ContainerPhase) -> bool| there.iter().any(|one| wanted(&one.phase));
    if is(|phase| *phase == ContainerPhase::Restarting) {
        Finding::Waits
    } else if is(|phase| *phase == ContainerPhase::Running) {
        Finding::Runs
    } else {
        Finding::Done
    }
}

/// The containers of a resource as they are now.
pub(super) fn on_containers_changed(state: &mut State, resource: ResourceName, there: Vec<ContainerState>) {
    let Some(&id) = state.by_key.get(&NodeKey::Resource(resource)) else { return };
    state.node(id).containers.there = there;
    show_ended(state.node(id));
    state.touch(id);
    judge(state, id);
}

/// All output of an instance has come.
pub(super) fn on_follow_ended(state: &mut State, instance: InstanceId) {
    if let Some(id) = state.instances.remove(&instance) {
        state.node(id).containers.follows.remove(&instance);
        state.touch(id);
        shutdown::on_gone_changed(state, id, true);
    }
}

/// Compares what is there with what should be, and acts on it. While the node's own run goes on, what becomes of its containers
/// says nothing.
pub(super) fn judge(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if node.what.container().is_none() {
        return;
    }
    let own_run = matches!(node.run, RunPhase::Running(_) | RunPhase::TearingDown(_));
    if own_run || node.containers.removal || !node.is_enabled() || state.is_ending() || !state.docker.is_seen() {
        return show(state, id);
    }
    if node.live().is_some_and(|live| live.stopping) || node.stopped {
        return judge_stopped(state, id);
    }
    let Some(raised) = &node.containers.raised else { return judge_stale(state, id) };
    let value = raised.values.last().map(|(_, value)| value);
    let finding = find(&raised.order, value, &node.containers.there);
    match node.live() {
        Some(_) => judge_living(state, id, finding),
        None if is_taken_away(node) => repair(state, id, Cause::Removed),
        // Somebody started it.
        None if finding == Finding::Runs && !node.containers.outdated && node.containers.decided => {
            say::started_by_others(state, id);
            begin(state, id);
        }
        None => {}
    }
}

/// Whether a container is gone that had ended, not well, and was not to be started again: what somebody removes is put back.
fn is_taken_away(node: &Node) -> bool {
    let ended = node.server.ended.as_ref().filter(|_| node.server.stays_ended && !node.containers.outdated);
    let is_ill = ended.and_then(|row| row.exit.as_ref()).is_some_and(|exit| !exit.is_success());
    is_ill && node.containers.there.len() < node.containers.ids.len()
}

/// Those that have ended are shown as long as they are there.
fn show_ended(node: &mut Node) {
    let there = &node.containers.there;
    if let Some(ended) = node.server.ended.as_mut().filter(|_| node.server.live.is_none()) {
        ended.containers.retain(|one| there.iter().any(|other| other.id == one.id));
    }
}

/// Rows show the containers as they are, whatever comes of it.
fn show(state: &mut State, id: NodeId) {
    let there = state.nodes[id].containers.there.clone();
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
    if state.nodes[id].containers.there.iter().any(is_alive) {
        begin(state, id);
    }
}

fn judge_stale(state: &mut State, id: NodeId) {
    if state.nodes[id].containers.there.iter().any(is_alive) {
        show(state, id);
    } else {
        over(state, id, Exit::Stopped);
    }
}

/// They are to be ended: they have, or they are asked to.
fn judge_stopped(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let lives = node.containers.there.iter().any(is_alive);
    // Others have come in the place of those that were asked to end.
    let is_live = node.live().is_some_and(|live| !lives || lives_of(&node.containers.there) == live.lives());
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

fn is_alive(container: &ContainerState) -> bool {
    match container.phase {
        ContainerPhase::Running | ContainerPhase::Paused | ContainerPhase::Restarting => true,
        ContainerPhase::Created | ContainerPhase::Exited { .. } | ContainerPhase::Dead => false,
    }
}

fn judge_living(state: &mut State, id: NodeId, finding: Finding) {
    let node = &state.nodes[id];
    let before = node.live().map(Live::lives).unwrap_or_default();
    let there = &node.containers.there;
    let is_fewer = there.len() < before.len();
    let is_same = lives_of(there) == before;
    match finding {
        Finding::Runs if is_fewer => repair(state, id, Cause::Removed),
        Finding::Runs if is_same => show(state, id),
        Finding::Runs => {
            if !node.containers.restarting && !is_started_by_engine(state, id) {
                say::started_by_others(state, id);
            }
            over(state, id, Exit::Stopped);
            begin(state, id);
        }
        Finding::Waits => wait_for_engine(state, id),
        Finding::Done => died(state, id, Exit::Code(0), false),
        Finding::Ended { exit, out_of_memory } => died(state, id, exit, out_of_memory),
        // A run has left them halfway.
        Finding::Gone | Finding::Changed(_) if node.containers.outdated => _ = over(state, id, Exit::Stopped),
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
    is_engines_turn(state, id) || restarts(&node.containers.there) > restarts(container::living(node.live()))
}

/// Whether the engine was about to start one again when they were last seen.
fn is_engines_turn(state: &State, id: NodeId) -> bool {
    let waits = |one: &ContainerState| one.phase == ContainerPhase::Restarting;
    container::living(state.nodes[id].live()).iter().any(waits)
}

/// A run that was to replace the containers failed: those that it took away have ended by that, not by themselves.
pub(super) fn let_replaced_end(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let there = lives_of(&node.containers.there);
    let goes_on = node.live().is_some_and(|live| live.lives().iter().all(|life| there.contains(life)));
    if !goes_on && state.docker.lost().is_none() {
        over(state, id, Exit::Stopped);
    }
}

/// Which containers, and which of their lives.
fn lives_of(containers: &[ContainerState]) -> Vec<(ContainerId, i64)> {
    let mut lives: Vec<_> = containers.iter().map(|one| (one.id.clone(), one.started_at_ns)).collect();
    lives.sort();
    lives
}

/// They were brought to what they should be: from now on they live, or have lived.
pub(super) fn on_raised(state: &mut State, id: NodeId) {
    let node = state.node(id);
    node.containers.decided = true;
    node.containers.again = None;
    let there = &node.containers.there;
    let goes_on = node.server.live.as_ref().is_some_and(|live| live.lives() == lives_of(there));
    if !goes_on {
        over(state, id, Exit::Stopped);
        appear(state, id);
    }
    edges::reach_started(state, id);
    // Before anybody takes them for ready: somebody may have put others in their place.
    judge(state, id);
    serve::update_ready(state, id);
    edges::reach_ready(state, id);
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
    node.containers.restarting = false;
    let containers = node.containers.there.clone();
    let ids = container::ids(&containers);
    let row = InstanceRow {
        instance,
        pid: None,
        started_at: now,
        ready_at: None,
        exit: None,
        restarts: node.server.restarts,
        probe_failure: None,
        containers,
    };
    let watched = Watched { lives: lives_of(&node.containers.there), ..Watched::default() };
    let body = Body::Containers(watched);
    node.server.live = Some(Live { row, body, up_at: Some(now), stopping: false, ready: false, lived: false });
    node.containers.follows.insert(instance);
    let resource = node.name.clone();
    serve::calm(state, id);
    state.instances.insert(instance, id);
    state.emit(docker::effect(DockerEffect::Follow { instance, resource, containers: ids }));
    verdict::watch_readiness(state, id);
    serve::watch_life(state, id);
    serve::watch_slowness(state, id);
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
    let there = node.containers.there.clone();
    if lives_of(&there).iter().map(|(id, _)| id).eq(live.lives().iter().map(|(id, _)| id)) {
        live.row.containers = there;
    }
    let lived = live.up_at.map_or(std::time::Duration::ZERO, |up_at| now.since(up_at));
    let instance = live.id();
    node.server.ended = Some(live.row);
    Some((instance, lived))
}

/// One ended unasked.
fn died(state: &mut State, id: NodeId, exit: Exit, out_of_memory: bool) {
    let Some((instance, lived)) = over(state, id, exit.clone()) else { return };
    if out_of_memory {
        say::out_of_memory(state, id, instance);
    }
    if state.docker.is_aftermath() && !exit.is_success() {
        put_back(state, id, Cause::Crashed(exit), lived);
        return;
    }
    state.node(id).containers.again = Some(Cause::Crashed(exit.clone()));
    serve::crash(state, id, instance, &exit, lived);
    edges::reach_ready(state, id);
}

/// Somebody removed or changed them: they are put back, whatever the mode.
fn repair(state: &mut State, id: NodeId, cause: Cause) {
    let lived = over(state, id, Exit::Stopped).map_or(std::time::Duration::ZERO, |(_, lived)| lived);
    put_back(state, id, cause, lived);
}

fn put_back(state: &mut State, id: NodeId, cause: Cause, lived: std::time::Duration) {
    state.node(id).containers.again = Some(cause.clone());
    let delay = serve::repair(state, id, lived);
    say::repair(state, id, &cause, delay);
}
