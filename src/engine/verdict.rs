//! The answer of `orch ci`: reached, failed, held for ever, or too late.

use super::{
    deadline::Deadline, docker, image, kube, need, node::NodeId, phase::LastRun, schedule, serve, shutdown,
    state::State, what::What,
};
use crate::{
    model::{Exit, Failure, ResourceName, Restart},
    snapshot::{Goal, Hold, Trouble, Verdict},
};
use std::{collections::BTreeSet, time::Duration};

/// How long `orch ci` may take where nobody says.
const TIMEOUT: Duration = Duration::from_mins(30);

/// Sets the deadline of the whole; zero is none.
pub(super) fn set_timeout(state: &mut State) {
    if state.goal != Goal::Ci {
        return;
    }
    let given = state.project.as_ref().and_then(|project| project.settings.ci.timeout);
    let timeout = state.ci_timeout.or(given).unwrap_or(TIMEOUT);
    if timeout.is_zero() {
        state.deadlines.clear(Deadline::CiTimeout);
    } else {
        state.deadlines.set(Deadline::CiTimeout, crate::model::Time::ZERO + timeout);
    }
}

/// A project came into force.
pub(super) fn on_loaded(state: &mut State) {
    docker::on_loaded(state);
    kube::on_loaded(state);
    match state.goal {
        Goal::Up => {}
        Goal::Ci => set_timeout(state),
        Goal::Down => shutdown::begin(state, Verdict::Succeeded, true),
    }
}

/// What workloads live on cannot be reached: what needs it cannot be answered for.
pub(super) fn on_lost(state: &mut State, failure: Failure) {
    if state.goal == Goal::Ci {
        give(state, Verdict::Unusable(failure));
    }
}

/// The answer is this: everything ends.
pub(super) fn give(state: &mut State, verdict: Verdict) {
    if state.verdict.is_none() && !state.is_shutting_down() {
        state.verdict = Some(verdict.clone());
        shutdown::begin(state, verdict, false);
    }
}

/// Whether the verdict waits for the node.
pub(super) fn is_wanted(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let asked = node.what.auto_init() || node.reached.started || node.wish.is_some();
    let is_resource = matches!(node.what, What::Resource(_));
    state.goal == Goal::Ci && is_resource && node.is_enabled() && asked && !node.stopped
}

/// Whether it is as it should be.
pub(super) fn is_done(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let ran = node.last == LastRun::Succeeded && !schedule::starts_by_itself(state, id) && !node.is_running();
    ran && (!node.what.serves() || serves(state, id))
}

fn serves(state: &State, id: NodeId) -> bool {
    let server = &state.nodes[id].server;
    match &server.live {
        Some(live) => live.ready && !server.due && live.is_proven(),
        None => {
            server.stays_ended
                && server.ended.as_ref().and_then(|row| row.exit.as_ref()).is_some_and(may_end(state, id))
        }
    }
}

/// Whether all of its containers ended well and stay so.
pub(super) fn is_finished(state: &State, id: NodeId) -> bool {
    let server = &state.nodes[id].server;
    let exit = server.ended.as_ref().and_then(|row| row.exit.as_ref());
    server.live.is_none() && server.stays_ended && exit.is_some_and(Exit::is_success)
}

/// Whether a server may end like that: its `restart` was given, and it ended well. A container may.
pub(super) fn may_end(state: &State, id: NodeId) -> impl Fn(&Exit) -> bool {
    let given = state.nodes[id].what.restart();
    let may = state.nodes[id].what.is_workload()
        || match given {
            Some(Restart::OnFailure | Restart::Never) => true,
            Some(Restart::Always) | None => false,
        };
    move |exit| may && exit.is_success()
}

/// What is wrong with the node, if that decides the verdict.
fn trouble_of(state: &State, id: NodeId) -> Option<Trouble> {
    let node = &state.nodes[id];
    if let LastRun::Failed(exit) = &node.last {
        let image = image::key(state, id);
        return Some(
            image.map_or_else(|| Trouble::RunFailed(exit.clone()), |image| Trouble::ImageFailed(image, exit.clone())),
        );
    }
    let exit = node.server.ended.as_ref().filter(|_| node.server.stays_ended)?.exit.clone()?;
    (!may_end(state, id)(&exit)).then_some(Trouble::InstanceEnded(exit))
}

/// Notes what is wrong with a node that was looked at.
pub(super) fn note(state: &mut State, id: NodeId) {
    if state.goal == Goal::Ci
        && state.verdict.is_none()
        && state.nodes[id].is_enabled()
        && let Some(trouble) = trouble_of(state, id)
    {
        state.troubles.insert(id, trouble);
    }
}

/// A server was not ready in time.
pub(super) fn on_not_ready(state: &mut State, id: NodeId) {
    let failure = state.nodes[id].live().and_then(|live| live.row.probe_failure.clone());
    fail(state, id, Trouble::NotReady(failure));
}

/// Notes what the node itself does not tell.
fn fail(state: &mut State, id: NodeId, trouble: Trouble) {
    state.troubles.insert(id, trouble);
    if state.keep_going {
        state.touch(id);
    }
}

/// Whether it failed, and the answer does not wait for what may still become of it.
pub(super) fn is_given_up(state: &State, id: NodeId) -> bool {
    state.keep_going && state.troubles.contains_key(&id)
}

/// What is wrong with pods did not go away in time.
pub(super) fn on_trouble(state: &mut State, id: NodeId) {
    let live = state.nodes[id].live();
    if let Some(error) = live.and_then(|live| kube::error_of(&live.row.pods)) {
        fail(state, id, Trouble::NotReady(Some(error)));
    }
}

/// The whole took too long.
pub(super) fn on_timeout(state: &mut State) {
    let missing = missing(state);
    give(state, Verdict::TimedOut(missing));
}

/// Gives the verdict of `orch ci` as soon as there is one.
pub(super) fn judge(state: &mut State) {
    let is_open = state.goal == Goal::Ci && state.verdict.is_none() && !state.is_shutting_down();
    if !is_open || state.project.is_none() || state.evaluation.is_loading() {
        return;
    }
    if !state.troubles.is_empty() && !state.keep_going {
        let troubles = in_order(state, failed(state));
        give(state, Verdict::Failed(troubles));
    } else if state.tally.missing == 0 && state.troubles.is_empty() {
        give(state, Verdict::Succeeded);
    } else if state.tally.busy == 0 && state.tally.backing_off == 0 {
        let missing = missing(state);
        give(state, Verdict::Failed(missing));
    }
}

/// What failed, as it was noted.
fn failed(state: &State) -> Vec<(ResourceName, Trouble)> {
    state.troubles.iter().map(|(id, trouble)| (state.nodes[*id].name.clone(), trouble.clone())).collect()
}

/// In declaration order.
fn in_order(state: &State, mut troubles: Vec<(ResourceName, Trouble)>) -> Vec<(ResourceName, Trouble)> {
    troubles.sort_by_key(|(name, _)| state.resource(name).and_then(|id| state.nodes[id].place));
    troubles
}

/// What is not as it should be, in declaration order, and what keeps it; what failed among it, whatever became of it since.
fn missing(state: &State) -> Vec<(ResourceName, Trouble)> {
    let mut troubles = if state.keep_going { failed(state) } else { Vec::new() };
    let noted: BTreeSet<ResourceName> = troubles.iter().map(|(name, _)| name.clone()).collect();
    let missing = state.order.iter().filter(|id| state.nodes[**id].derived.missing);
    let missing = missing.filter(|id| !noted.contains(&state.nodes[**id].name));
    troubles.extend(missing.map(|&id| (state.nodes[id].name.clone(), what_keeps(state, id))));
    in_order(state, troubles)
}

fn what_keeps(state: &State, id: NodeId) -> Trouble {
    if let Some(trouble) = trouble_of(state, id) {
        return trouble;
    }
    if let Some(hold) = schedule::hold_of(state, id) {
        let is_skipped = state.keep_going && waits_for_failure(state, &hold);
        return if is_skipped { Trouble::Skipped(hold) } else { Trouble::Held(hold) };
    }
    match state.nodes[id].live() {
        Some(live) if !live.ready => Trouble::NotReady(live.row.probe_failure.clone()),
        Some(_) | None => Trouble::Unfinished,
    }
}

/// Whether what is waited for failed, or waits for something that did.
fn waits_for_failure(state: &State, hold: &Hold) -> bool {
    let (Hold::Dependency { on, .. } | Hold::Writer(on) | Hold::WriterFailed(on)) = hold else { return false };
    let Some(on) = state.resource(on) else { return false };
    // Neither kind of edge leads in a circle.
    let waits = || schedule::hold_of(state, on).is_some_and(|hold| waits_for_failure(state, &hold));
    state.troubles.contains_key(&on) || need::lacks_image(state, on) || waits()
}

/// Until when a server that is not ready should be.
pub(super) fn watch_readiness(state: &mut State, id: NodeId) {
    if state.goal == Goal::Ci
        && let Some(timeout) = serve::readiness_timeout(state)
    {
        state.deadlines.set(Deadline::Readiness(id), state.now + timeout);
    }
}
