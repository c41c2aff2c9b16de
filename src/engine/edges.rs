//! What nodes tell each other along edges: conditions once met, and counts of writers that hold back.

use super::{
    backend::Contact,
    image::{self, Standing},
    itself, kube, need,
    node::{Derived, NodeId},
    pause,
    phase::{LastRun, RunPhase},
    schedule,
    state::State,
    takedown, verdict,
    what::What,
};
use crate::{
    model::{Condition, Mode},
    snapshot::{Goal, Hold},
};
use std::collections::BTreeSet;

/// Its first run has begun.
pub(super) fn reach_started(state: &mut State, id: NodeId) {
    if !std::mem::replace(&mut state.node(id).reached.started, true) {
        release(state, id, Condition::Started);
    }
}

/// Its command succeeded (or its server ended well).
pub(super) fn reach_succeeded(state: &mut State, id: NodeId) {
    if !std::mem::replace(&mut state.node(id).reached.succeeded, true) {
        release(state, id, Condition::Succeeded);
    }
    reach_ready(state, id);
}

/// It may be ready now.
pub(super) fn reach_ready(state: &mut State, id: NodeId) {
    if is_ready(state, id) && !std::mem::replace(&mut state.node(id).reached.ready, true) {
        release(state, id, Condition::Ready);
    }
}

/// Its command succeeded and its server, if it has one, is ready.
fn is_ready(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let is_good = !node.what.has_runs() || node.last == LastRun::Succeeded;
    if node.what.is_workload() && verdict::is_finished(state, id) {
        return is_good;
    }
    let serves = !node.what.serves() || node.live().is_some_and(|live| live.ready);
    is_good && serves
}

fn release(state: &mut State, id: NodeId, met: Condition) {
    for (dependent, condition) in state.nodes[id].edges.dependents.clone() {
        if condition == met {
            state.node(dependent).edges.unmet -= 1;
            state.touch(dependent);
        }
    }
}

/// The first provider that has not met its condition.
pub(super) fn first_unmet(state: &State, id: NodeId) -> Option<(NodeId, Condition)> {
    let unmet = |(provider, condition): &&(NodeId, Condition)| !state.nodes[*provider].reached.has(*condition);
    state.nodes[id].edges.providers.iter().find(unmet).copied()
}

/// That it waits for this provider.
pub(super) fn dependency_hold(state: &State, on: NodeId, condition: Condition) -> Hold {
    let because = state.nodes[on].derived.because.to_owned();
    Hold::Dependency { on: state.nodes[on].name.clone(), condition, because }
}

/// The resources that are made of this image, over other images too; a resource itself.
pub(super) fn resources_above(state: &State, id: NodeId) -> BTreeSet<NodeId> {
    let (mut found, mut next) = (BTreeSet::new(), vec![id]);
    while let Some(id) = next.pop() {
        match state.nodes[id].what {
            What::Resource(_) => _ = found.insert(id),
            What::Image(_) => next.extend(&state.nodes[id].edges.users),
        }
    }
    found
}

/// Publishes what others read of the node: to the counts of its readers, to the rows of those that wait, to the tally.
pub(super) fn refresh(state: &mut State, id: NodeId) {
    let new = derive(state, id);
    let old = std::mem::replace(&mut state.node(id).derived, new.clone());
    show(state, id);
    if old == new {
        return;
    }
    if old.unsettled != new.unsettled || old.failed != new.failed {
        tell_readers(state, id, &old, &new);
    }
    if old.busy != new.busy {
        let looking = state.nodes[id].edges.readers.iter().filter(|reader| image::only_looks(state, **reader));
        state.agenda.extend(looking.copied().collect::<Vec<_>>());
    }
    if old.demand != new.demand {
        state.agenda.extend(&state.nodes[id].edges.images);
    }
    if old.standing != new.standing {
        state.agenda.extend(&state.nodes[id].edges.users);
    }
    if old.moving != new.moving || old.because != new.because {
        tell_dependents(state, id, &old, &new);
    }
    count(&mut state.tally.busy, old.busy, new.busy);
    count(&mut state.tally.backing_off, old.backing_off, new.backing_off);
    count(&mut state.tally.missing, old.missing, new.missing);
    count(&mut state.tally.living, !old.gone, !new.gone);
    if old.convicted != new.convicted {
        state.agenda.extend(&state.self_dirty);
    }
    if old.gone != new.gone {
        super::shutdown::on_gone_changed(state, id, new.gone);
    }
}

/// Has the rows made anew that show something of the node.
pub(super) fn show(state: &mut State, id: NodeId) {
    match state.nodes[id].what {
        What::Resource(_) => _ = state.view.changed.insert(id),
        What::Image(_) => {
            let rows = resources_above(state, id);
            state.view.changed.extend(rows);
        }
    }
}

fn count(total: &mut usize, was: bool, is: bool) {
    *total = *total + usize::from(is) - usize::from(was);
}

fn tell_readers(state: &mut State, id: NodeId, old: &Derived, new: &Derived) {
    for reader in state.nodes[id].edges.readers.clone() {
        let edges = &mut state.node(reader).edges;
        edges.unsettled_writers = edges.unsettled_writers + u32::from(new.unsettled) - u32::from(old.unsettled);
        edges.failed_writers = edges.failed_writers + u32::from(new.failed) - u32::from(old.failed);
        state.touch(reader);
    }
}

/// Those that wait may go on, and their rows say why they wait.
fn tell_dependents(state: &mut State, id: NodeId, old: &Derived, new: &Derived) {
    let is_well_again = old.moving && !new.moving && counts(state, id) && is_ready(state, id);
    for (dependent, condition) in state.nodes[id].edges.dependents.clone() {
        let edges = &mut state.node(dependent).edges;
        if is_of_all_runs(condition) {
            edges.moving_providers = edges.moving_providers + u32::from(new.moving) - u32::from(old.moving);
        }
        if edges.unmet > 0 || old.moving || new.moving {
            state.touch(dependent);
        }
        if is_well_again {
            pause::try_at_once(state, dependent, id);
        }
    }
}

/// Whether who waits for that condition waits for the provider before each run, where it waits for it more than once.
pub(super) fn is_of_all_runs(condition: Condition) -> bool {
    match condition {
        Condition::Ready | Condition::Succeeded => true,
        Condition::Started => false,
    }
}

/// The provider that holds back a command that has run before: it would look at what is out of date or half done. What serves copes
/// with that itself, and a Tiltfile waits once.
pub(super) fn moving_provider(state: &State, id: NodeId) -> Option<(NodeId, Condition)> {
    let node = &state.nodes[id];
    let waits_again = state.mode() == Mode::Orchfile && node.what.local().is_some() && !node.what.serves();
    if node.edges.moving_providers == 0 || !waits_again {
        return None;
    }
    let is_moving = |(provider, condition): &&(NodeId, Condition)| {
        is_of_all_runs(*condition) && state.nodes[*provider].derived.moving
    };
    node.edges.providers.iter().find(is_moving).copied()
}

/// It runs or is about to, failed, or its server is not ready.
fn is_moving(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let reacts = schedule::reacts(state, id);
    let goes_on = !matches!(node.run, RunPhase::Idle)
        || schedule::starts_by_itself(state, id)
        || reacts && (node.settling > 0 || node.edges.unsettled_writers > 0)
        || node.server.due
        || node.live().is_some_and(|live| live.stopping);
    let has_ended = node.server.stays_ended && node.reached.succeeded;
    counts(state, id) && (goes_on || !is_ready(state, id) && !has_ended)
}

/// What others read of the node, from its own state and the counts along its edges.
pub(super) fn derive(state: &State, id: NodeId) -> Derived {
    let node = &state.nodes[id];
    let counts = counts(state, id);
    Derived {
        unsettled: is_unsettled(state, id, node.edges.unsettled_writers > 0),
        failed: counts && matches!(node.last, LastRun::Failed(_)),
        moving: is_moving(state, id),
        busy: !matches!(node.run, RunPhase::Idle)
            || node.queued.is_some()
            || node.server.due && counts
            || is_changing(state, id)
            || is_looked_for(state, id),
        backing_off: node.server.backoff.is_some() && !verdict::is_given_up(state, id),
        missing: verdict::is_wanted(state, id) && !verdict::is_done(state, id),
        gone: !takedown::holds_on(node),
        demand: match node.what {
            What::Image(_) => image::demand(state, id),
            What::Resource(_) => need::demand(state, id),
        },
        standing: if node.what.image().is_some() { image::standing(state, id) } else { Standing::Settled },
        because: because(state, id),
        convicted: itself::is_held(state, id),
    }
}

/// Its state matters to others.
pub(super) fn counts(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    node.is_enabled() && !node.stopped && !state.is_shutting_down()
}

/// The answer of what it lives on decides about it.
fn is_looked_for(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let is_looking = state.contact_of(node).is_some_and(Contact::is_looking);
    let waits = is_looking || need::is_undecided(state, id);
    waits && node.what.is_workload() && node.is_dirty() && counts(state, id)
}

/// Its server is about to be ready, or to end. The verdict of `orch ci` waits for more than readers do.
fn is_changing(state: &State, id: NodeId) -> bool {
    let Some(live) = state.nodes[id].live() else { return false };
    if verdict::is_given_up(state, id) {
        return live.stopping;
    }
    let is_ci = state.goal == Goal::Ci;
    let is_young = is_ci && !live.is_proven();
    // Nobody knows how it is, nor will by waiting.
    if state.is_out_of_reach(&state.nodes[id]) && !live.is_process() {
        return false;
    }
    // It is Kubernetes' turn, and nobody knows whether anything comes of it.
    if !is_ci && !live.stopping && kube::error_of(&live.row.pods).is_some() {
        return false;
    }
    let is_awaited = is_ci && !live.stopping && ends_for_somebody(state, id);
    live.stopping || is_young || is_awaited || (!live.ready && (is_ci || live.row.ready_at.is_none()))
}

/// Somebody whom the verdict waits for waits until it has ended well.
fn ends_for_somebody(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let waits = |(dependent, condition): &(NodeId, Condition)| {
        *condition == Condition::Succeeded && verdict::is_wanted(state, *dependent)
    };
    !node.reached.succeeded && node.edges.dependents.iter().any(waits)
}

/// It runs, or is dirty and will start by itself, or something that it reads may make it so.
pub(super) fn is_unsettled(state: &State, id: NodeId, writers_are: bool) -> bool {
    let node = &state.nodes[id];
    if node.what.outputs().is_empty() || state.is_shutting_down() {
        return false;
    }
    // A run that was told to end writes until it has.
    if node.is_running() {
        return true;
    }
    if !counts(state, id) {
        return false;
    }
    let runs = matches!(node.run, RunPhase::Checking(_));
    let reacts = schedule::reacts(state, id);
    runs || schedule::starts_by_itself(state, id) || reacts && (node.settling > 0 || writers_are)
}

/// What keeps those that wait for the node.
fn because(state: &State, id: NodeId) -> &'static str {
    let node = &state.nodes[id];
    if !node.is_enabled() {
        return "disabled";
    }
    if node.stopped {
        return "stopped";
    }
    if node.is_running() {
        return "running";
    }
    if matches!(node.last, LastRun::Failed(_)) {
        return "failed";
    }
    if need::lacks_image(state, id) {
        return "failed";
    }
    if node.dirt.first && is_looked_for(state, id) {
        return "not started";
    }
    if node.dirt.first {
        return if schedule::starts_by_itself(state, id) { "not started" } else { "manual" };
    }
    if schedule::starts_by_itself(state, id) {
        return "out of date";
    }
    if node.live().is_some_and(|live| live.ready) {
        return "running";
    }
    if node.live().is_some() || node.server.due {
        return "not ready";
    }
    if node.server.waits_to_start() || node.server.stays_ended { "failed" } else { "not started" }
}
