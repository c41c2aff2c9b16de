//! The ordered end of a session: dependants first, each resource when all its dependants have ended.

use super::{
    backend::{Backend, Contact},
    button,
    changes::Changes,
    clean::{self, Cleaning},
    command,
    effect::Effect,
    evaluation,
    event::RunEnd,
    node::NodeId,
    phase::{Cancelled, Live, RunPhase},
    removal, run, say, serve,
    state::State,
    stop, takedown,
};
use crate::{
    model::{Failure, RunId},
    snapshot::{Goal, RunRow, Trouble, Verdict},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A session that is ending.
#[derive(Debug)]
pub(super) struct Shutdown {
    /// Whether `teardown_cmd`s are run.
    teardown: bool,
    /// A user would not wait: everything ends at once.
    pub(super) hurried: bool,
    /// The answer, unless a teardown fails.
    verdict: Verdict,
    /// How many dependants of a node have not ended.
    above: BTreeMap<NodeId, u32>,
    /// Nodes that have been told to end.
    told: BTreeSet<NodeId>,
    /// Nodes that have ended.
    ended: BTreeSet<NodeId>,
    /// `teardown_cmd`s that did not work.
    failed: BTreeMap<usize, NodeId>,
    /// Nodes to look at.
    agenda: BTreeSet<NodeId>,
    /// What is left of the project is removed at the end.
    pub(super) cleaning: Cleaning,
    /// What things live on cannot be reached, and so nothing be removed there.
    unusable: Option<Failure>,
}

impl Shutdown {
    /// Whether not all can be removed, for no fault of what is removed.
    pub(super) fn is_given_up(&self) -> bool {
        self.unusable.is_some()
    }
}

/// A user wants the session to end; asked twice, at once.
pub(super) fn on_asked(state: &mut State, teardown: bool) {
    if state.is_shutting_down() {
        hurry(state);
    } else {
        begin(state, Verdict::Interrupted, teardown);
    }
}

/// Begins to end everything.
pub(super) fn begin(state: &mut State, verdict: Verdict, teardown: bool) {
    let mut above: BTreeMap<NodeId, u32> = BTreeMap::new();
    let all: BTreeSet<NodeId> = state.nodes.ids().collect();
    for &id in &all {
        for below in below(state, id) {
            *above.entry(below).or_default() += 1;
        }
    }
    state.shutdown = Some(Shutdown {
        teardown,
        hurried: false,
        verdict,
        above,
        told: BTreeSet::new(),
        ended: BTreeSet::new(),
        failed: BTreeMap::new(),
        agenda: all.clone(),
        cleaning: Cleaning::default(),
        unusable: Backend::ALL.into_iter().find_map(|backend| state.contact(backend).lost().cloned()),
    });
    button::end_all(state, state.grace());
    evaluation::cancel(state);
    state.changes = Changes::default();
    state.deadlines.clear_all();
    state.nodes.ids().for_each(|id| state.nodes[id].settling = 0);
    state.agenda.extend(all);
}

/// What a node depends on, in any way, once each.
pub(super) fn below(state: &State, id: NodeId) -> BTreeSet<NodeId> {
    let edges = &state.nodes[id].edges;
    edges.writers.iter().copied().chain(edges.providers.iter().map(|(provider, _)| *provider)).collect()
}

/// Everything ends at once, without grace, order and teardown.
fn hurry(state: &mut State) {
    let Some(shutdown) = &mut state.shutdown else { return };
    if std::mem::replace(&mut shutdown.hurried, true) {
        return;
    }
    shutdown.teardown = false;
    say::killed(state);
    let Some(shutdown) = &state.shutdown else { return };
    let cleaning: Vec<RunId> = shutdown.cleaning.running().collect();
    for run in state.strays.keys().copied().chain(cleaning).collect::<Vec<_>>() {
        state.emit(Effect::CancelRun { run, grace: Duration::ZERO });
    }
    button::end_all(state, Duration::ZERO);
    for id in state.nodes.ids() {
        kill(state, id);
        if let Some(shutdown) = &mut state.shutdown {
            shutdown.told.insert(id);
            shutdown.agenda.insert(id);
        }
    }
}

/// Ends what a node has without grace, also where it was asked to end before.
pub(super) fn kill(state: &mut State, id: NodeId) {
    stop::end_all(state, id);
    serve::release(state, id);
    let grace = Duration::ZERO;
    let node = &state.nodes[id];
    let run = run::current(&node.run).map(|row| row.run);
    let instance = node.live().filter(|live| live.is_process()).map(Live::id);
    let leftovers: Vec<_> = node.leftovers.keys().copied().collect();
    let mut effects = Vec::new();
    effects.extend(run.map(|run| Effect::CancelRun { run, grace }));
    effects.extend(instance.map(|instance| Effect::StopInstance { instance, grace }));
    effects.extend(leftovers.into_iter().map(|run| Effect::StopLeftovers { run, grace }));
    // What `end_all` just asked for is asked for once.
    for effect in effects {
        if !state.effects.contains(&effect) {
            state.emit(effect);
        }
    }
}

/// A node has nothing any more, or has something again.
pub(super) fn on_gone_changed(state: &mut State, id: NodeId, gone: bool) {
    if let Some(shutdown) = &mut state.shutdown
        && gone
    {
        shutdown.agenda.insert(id);
    }
}

/// Goes on with the end as far as it can now.
pub(super) fn advance(state: &mut State) {
    while let Some(id) = state.shutdown.as_mut().and_then(|shutdown| shutdown.agenda.pop_first()) {
        step(state, id);
    }
    finish_if_over(state);
}

fn step(state: &mut State, id: NodeId) {
    let Some(shutdown) = &mut state.shutdown else { return };
    let waits = shutdown.above.get(&id).is_some_and(|above| *above > 0) && !shutdown.hurried;
    if waits || shutdown.ended.contains(&id) {
        return;
    }
    let hurried = shutdown.hurried;
    if shutdown.told.insert(id) {
        stop::end_all(state, id);
    }
    if takedown::holds_on(&state.nodes[id]) || tear_down(state, id) {
        return;
    }
    serve::release(state, id);
    // What they said last is to be in the log.
    if hurried || state.nodes[id].workload.follows.is_empty() {
        end(state, id);
    }
}

/// Runs the node's `teardown_cmd`, once. Tells whether it goes on.
fn tear_down(state: &mut State, id: NodeId) -> bool {
    let wants = state.shutdown.as_ref().is_some_and(|shutdown| shutdown.teardown);
    let node = &state.nodes[id];
    let is_meant = (node.is_enabled() || node.local().is_none())
        && state.down_only.as_ref().is_none_or(|only| only.contains(&node.name));
    if !wants || !is_meant || node.torn_down {
        return false;
    }
    if node.what.is_workload() && state.contact_of(node).is_some_and(Contact::is_looking) {
        // What is there is removed, and nothing else.
        return true;
    }
    let command = node.local().and_then(|local| local.teardown.clone());
    let is_lost = state.is_out_of_reach(node);
    let known_as_none = state.is_in_sight(node) && node.has_nothing();
    let has_something = node.what.is_workload() && !is_lost && !known_as_none;
    let is_left = is_lost && !node.has_nothing();
    state.node(id).torn_down = true;
    if is_left {
        say::left_behind(state, id);
    }
    match command {
        Some(command) => command::start_teardown(state, id, &command),
        None if has_something => removal::start(state, id),
        None => return false,
    }
    true
}

/// Nothing of the node lives: what it depends on may end.
fn end(state: &mut State, id: NodeId) {
    let below = below(state, id);
    let Some(shutdown) = &mut state.shutdown else { return };
    shutdown.ended.insert(id);
    for id in below {
        if let Some(above) = shutdown.above.get_mut(&id) {
            *above -= 1;
        }
        shutdown.agenda.insert(id);
    }
}

pub(super) fn on_teardown_ended(state: &mut State, id: NodeId, mut row: RunRow, end: &RunEnd) {
    row.ended_at = Some(state.now);
    row.exit = Some(end.exit.clone());
    if end.leftovers {
        state.leftovers.insert(row.run, id);
        state.node(id).leftovers.insert(row.run, false);
        command::stop_leftovers(state, id);
    }
    let hurried = state.shutdown.as_ref().is_some_and(|shutdown| shutdown.hurried);
    say::run_ended(state, id, &row, hurried.then_some(Cancelled::Stopped));
    let resource = state.nodes[id].name.clone();
    state.emit(Effect::RecordRun { resource, run: row.clone() });
    let is_success = end.exit.is_success();
    let place = state.nodes[id].place.unwrap_or(usize::MAX);
    state.node(id).record(row);
    state.node(id).run = RunPhase::Idle;
    if state.nodes[id].local().is_none() || state.nodes[id].workload.removal {
        removal::on_ended(state, id, &end.exit);
    }
    if let Some(shutdown) = &mut state.shutdown {
        shutdown.agenda.insert(id);
        if !is_success && shutdown.unusable.is_none() {
            shutdown.failed.insert(place, id);
        }
    } else {
        state.touch(id);
        takedown::on_done(state, id);
    }
}

fn finish_if_over(state: &mut State) {
    let Some(shutdown) = &state.shutdown else { return };
    let is_over = shutdown.ended.len() == state.nodes.len()
        && state.evaluation.is_over()
        && state.strays.is_empty()
        && state.buttons.are_idle();
    if !is_over || state.finished || cleans(state) {
        return;
    }
    let Some(shutdown) = &state.shutdown else { return };
    let verdict = final_verdict(state, shutdown);
    state.finished = true;
    state.verdict = Some(verdict.clone());
    state.emit(Effect::Finish { verdict });
}

/// Has removed what is left, if all was torn down. Tells whether that goes on.
fn cleans(state: &mut State) -> bool {
    let Some(shutdown) = &state.shutdown else { return false };
    let all = shutdown.teardown && !shutdown.hurried && state.down_only.is_none();
    all && clean::advance(state) || state.shutdown.as_ref().is_some_and(|one| one.cleaning.running().next().is_some())
}

/// It is known what there is to be removed.
pub(super) fn on_seen(state: &mut State) {
    if let Some(shutdown) = &mut state.shutdown {
        shutdown.agenda.extend(state.nodes.ids());
    }
}

/// What things live on cannot be reached, so nothing is removed there.
pub(super) fn on_lost(state: &mut State, failure: Failure) {
    if let Some(shutdown) = &mut state.shutdown {
        shutdown.unusable = Some(failure);
        shutdown.agenda.extend(state.nodes.ids());
    }
}

/// The verdict that was given, unless a teardown failed.
fn final_verdict(state: &State, shutdown: &Shutdown) -> Verdict {
    let trouble = |id: &NodeId| {
        let node = &state.nodes[*id];
        let exit = node.runs.first().and_then(|row| row.exit.clone())?;
        Some((node.name.clone(), Trouble::RunFailed(exit)))
    };
    let failed: Vec<_> = shutdown.failed.values().filter_map(trouble).collect();
    let may_fail = match shutdown.verdict {
        Verdict::Succeeded => true,
        Verdict::Interrupted => state.goal == Goal::Up || !shutdown.hurried,
        Verdict::Failed(_) | Verdict::TimedOut(_) | Verdict::OrchfileFailed | Verdict::Unusable(_) => false,
    };
    match &shutdown.unusable {
        Some(failure) if may_fail && shutdown.teardown => Verdict::Unusable(failure.clone()),
        _ if may_fail && (!failed.is_empty() || shutdown.cleaning.failed()) => Verdict::Failed(failed),
        Some(_) | None => shutdown.verdict.clone(),
    }
}
