//! What starts now, and why the rest does not. The scheduler and the rows ask the same function.

use super::{
    adopt, backend, build, command, edges, fresh,
    image::{self, Demand},
    itself, kube, live,
    need::{self, Need},
    node::NodeId,
    phase::{Cancelled, LastRun, Pause, RunPhase, Then},
    raise, record, removal, run, say, serve,
    state::State,
    takedown, verdict,
    what::What,
};
use crate::{
    model::{Kind, Time},
    snapshot::Hold,
};
use std::collections::{BTreeSet, VecDeque};

/// How many commands that ended are remembered as having perhaps written what is seen now.
const RECENT_MAX: usize = 64;

/// So many runs in a row may be cut short by newer changes; the next one goes on to its end.
const SUPERSEDED_MAX: u32 = 5;

/// Who goes first: what users asked for in the order of their asking, then first starts in declaration order, then the
/// earliest change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// A user's wish, by its turn.
    Wished(u64),
    /// A first start, by its place.
    First(usize),
    /// A change, by its time and the node's place.
    Changed(Time, usize),
}

/// The nodes that wait for a slot and those that have one.
#[derive(Debug, Default)]
pub(super) struct Queue {
    parallel: BTreeSet<(Priority, NodeId)>,
    exclusive: BTreeSet<(Priority, NodeId)>,
    running: BTreeSet<NodeId>,
    /// The last commands that ended, and when.
    recent: VecDeque<(Time, NodeId)>,
    /// The one that runs and shares with nothing.
    alone: Option<NodeId>,
}

impl Queue {
    pub(super) fn starts(&mut self, id: NodeId, exclusive: bool) {
        self.running.insert(id);
        if exclusive {
            self.alone = Some(id);
        }
    }

    pub(super) fn ends(&mut self, id: NodeId, now: Time) {
        self.running.remove(&id);
        self.recent.push_back((now, id));
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
        self.alone.take_if(|alone| *alone == id);
    }

    /// Whose commands may have written what was seen now, but for that node.
    pub(super) fn may_have_written(&self, except: NodeId, now: Time) -> BTreeSet<NodeId> {
        let recent = self.recent.iter().rev().take_while(|(ended_at, _)| now.since(*ended_at) <= run::ECHO);
        let all = self.running.iter().chain(recent.map(|(_, id)| id));
        all.copied().filter(|id| *id != except).collect()
    }

    /// The next that may start beside what runs.
    fn next(&self, slots: usize) -> Option<NodeId> {
        if self.running.len() >= slots || self.alone.is_some() {
            return None;
        }
        let exclusive = self.exclusive.first().filter(|_| self.running.is_empty());
        exclusive.into_iter().chain(self.parallel.first()).min().map(|(_, id)| *id)
    }

    /// Why a queued node does not start.
    pub(super) fn hold(&self, id: NodeId, exclusive: bool) -> Waits {
        let other = self.alone.or_else(|| self.running.first().copied().filter(|_| exclusive));
        match other.filter(|other| *other != id) {
            Some(other) => Waits::Exclusive(other),
            None => Waits::Slot,
        }
    }

    /// What the holds of all queued nodes depend on.
    pub(super) fn holder(&self) -> Option<NodeId> {
        self.alone.or_else(|| self.running.first().copied().filter(|_| !self.exclusive.is_empty()))
    }

    pub(super) fn queued(&self) -> impl Iterator<Item = NodeId> {
        self.parallel.iter().chain(&self.exclusive).map(|(_, id)| *id)
    }

    fn set_of(&mut self, exclusive: bool) -> &mut BTreeSet<(Priority, NodeId)> {
        if exclusive { &mut self.exclusive } else { &mut self.parallel }
    }
}

/// Why a queued node waits.
pub(super) enum Waits {
    /// All slots are taken.
    Slot,
    /// For that node.
    Exclusive(NodeId),
}

/// Looks at all nodes that the event touched, and starts what may start, until nothing is left to do.
pub(super) fn work(state: &mut State) {
    loop {
        while let Some(id) = state.agenda.pop_first() {
            consider(state, id);
        }
        let Some(id) = state.queue.next(slots(state)) else { return };
        leave_queue(state, id);
        start(state, id);
    }
}

/// Starts the run that has got a slot.
fn start(state: &mut State, id: NodeId) {
    match &state.nodes[id].what {
        What::Image(_) => build::start(state, id),
        What::Resource(resource) => match resource.kind {
            Kind::Local(_) => command::start(state, id),
            Kind::Container(_) | Kind::Kube(_) => raise::start(state, id),
        },
    }
}

/// How many commands may run at once.
fn slots(state: &State) -> usize {
    let given = state.project.as_ref().and_then(|project| project.settings.max_parallel_updates);
    let slots = given.unwrap_or_else(|| state.mode().default_slots(state.cores));
    usize::try_from(slots.max(1)).unwrap_or(usize::MAX)
}

/// Looks at one node again: whether its run or server starts now, and what others must know of it.
fn consider(state: &mut State, id: NodeId) {
    prepare(state, id);
    let wants = state.nodes[id].is_enabled() && wants_to_go(state, id);
    if wants && start_hold(state, id).is_none() {
        go(state, id);
    } else {
        leave_queue(state, id);
        fresh::abort(state, id);
    }
    supersede(state, id);
    serve::start_if_due(state, id);
    takedown::advance(state, id);
    removal::advance(state, id);
    itself::give_another_chance(state, id);
    say::lasting_hold(state, id);
    verdict::note(state, id);
    edges::refresh(state, id);
}

/// Whether the node has a reason to start something.
fn wants_to_go(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    node.is_dirty() || node.what.image().is_some() && image::starts_by_itself(state, id)
}

/// What has to be decided before anything else about the node is.
fn prepare(state: &mut State, id: NodeId) {
    match &state.nodes[id].what {
        What::Image(_) => record::accept_if_back(state, id),
        What::Resource(resource) => match resource.kind {
            Kind::Local(_) => {}
            Kind::Container(_) | Kind::Kube(_) => {
                kube::look_at_inputs(state, id);
                adopt::decide(state, id);
                need::look(state, id);
                kube::forward(state, id);
            }
        },
    }
}

/// Nothing but a slot holds the node.
fn go(state: &mut State, id: NodeId) {
    if state.nodes[id].what.is_workload() {
        return go_on_with_workload(state, id);
    }
    if !state.nodes[id].what.has_runs() {
        command::run_at_once(state, id);
    } else if matches!(state.nodes[id].run, RunPhase::Checking(_)) {
        // Its answer is under way.
    } else if fresh::needs_check(state, id) {
        leave_queue(state, id);
        fresh::ask(state, id);
    } else {
        enqueue(state, id);
    }
}

fn go_on_with_workload(state: &mut State, id: NodeId) {
    let steps = match need::need(state, id) {
        Need::Nothing | Need::Wait => None,
        Need::Update(steps) => Some(steps.clone()),
        Need::Full => return enqueue_unless_needless(state, id),
    };
    leave_queue(state, id);
    if let Some(steps) = steps {
        live::start(state, id, steps);
    }
}

fn enqueue_unless_needless(state: &mut State, id: NodeId) {
    if raise::is_needless(state, id) {
        leave_queue(state, id);
    } else {
        enqueue(state, id);
    }
}

fn priority(state: &State, id: NodeId) -> Priority {
    let node = &state.nodes[id];
    if node.what.image().is_some() {
        return image::priority(state, id, priority);
    }
    let place = node.place.unwrap_or(usize::MAX);
    match &node.wish {
        Some(wish) => Priority::Wished(wish.turn),
        None if node.dirt.first => Priority::First(place),
        None => Priority::Changed(node.changed_at, place),
    }
}

fn enqueue(state: &mut State, id: NodeId) {
    let priority = priority(state, id);
    if state.nodes[id].queued == Some(priority) {
        return;
    }
    leave_queue(state, id);
    let exclusive = !state.nodes[id].what.is_parallel();
    state.node(id).queued = Some(priority);
    state.queue.set_of(exclusive).insert((priority, id));
}

/// Takes the node out of the queue, wherever it stands.
pub(super) fn leave_queue(state: &mut State, id: NodeId) {
    if let Some(priority) = state.node(id).queued.take() {
        state.queue.parallel.remove(&(priority, id));
        state.queue.exclusive.remove(&(priority, id));
    }
}

/// Ends a run that a newer change has made pointless, where the resource says that this is safe.
fn supersede(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let is_pointless = node.what.cancels_superseded()
        && node.is_running()
        && node.settling == 0
        && node.dirt.is_change()
        // Where something is written all the time, none would come to its end.
        && node.superseded < SUPERSEDED_MAX
        // Nor one that may feed itself.
        && !(node.itself.streak > 0 && itself::is_self_dirty(state, id))
        && node.is_enabled()
        && !node.stopped
        && starts_by_itself(state, id);
    let goes_on = matches!(&node.run, RunPhase::Running(running) if running.cancelled.is_none());
    // Nobody needs the image any more.
    let is_unneeded = node.what.image().is_some() && image::demand(state, id) != Demand::Build;
    if (is_pointless || is_unneeded) && goes_on {
        run::cancel(state, id, Cancelled::Superseded);
    }
}

/// Whether a change would start it.
pub(super) fn reacts(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    node.what.is_automatic() && !itself::is_held(state, id)
}

/// Whether it is dirty in such a way that it starts as soon as nothing holds it.
pub(super) fn starts_by_itself(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    if node.what.image().is_some() {
        return image::starts_by_itself(state, id);
    }
    if node.wish.is_some() || node.waits_for_sync() {
        return true;
    }
    let first = node.dirt.first && node.what.auto_init();
    first || node.dirt.is_change() && reacts(state, id)
}

/// Why the node may not start now, slots apart; `None` means it may.
pub(super) fn start_hold(state: &State, id: NodeId) -> Option<Hold> {
    // What held it before the end tells more than that there is an end.
    standing_hold(state, id).or_else(|| state.is_ending().then_some(Hold::ShuttingDown))
}

fn standing_hold(state: &State, id: NodeId) -> Option<Hold> {
    let node = &state.nodes[id];
    if !node.is_enabled() {
        return Some(Hold::Disabled);
    }
    if node.stopped {
        return Some(Hold::Stopped);
    }
    if node.workload.removal {
        return Some(Hold::Stopping);
    }
    run::own_hold(&node.run, state.is_shutting_down())
        .or_else(|| wish_hold(state, id))
        .or_else(|| backend::hold(state, node))
        .or_else(|| edge_hold(state, id))
        .or_else(|| made_of_hold(state, id))
}

/// Why a dirty node does not want to start.
fn wish_hold(state: &State, id: NodeId) -> Option<Hold> {
    if starts_by_itself(state, id) {
        return None;
    }
    let node = &state.nodes[id];
    if let Some(Pause { until, then: Then::Run(_) }) = node.server.backoff {
        return Some(Hold::Backoff { until });
    }
    if itself::is_held(state, id)
        && let Some(path) = itself::path(state, id).or_else(|| node.dirt.files.keys().next())
    {
        return Some(Hold::SelfDirty { times: node.itself.streak + 1, path: path.clone() });
    }
    if node.what.image().is_some() {
        return Some(image::wish_hold(node));
    }
    let failed = matches!(node.last, LastRun::Failed(_));
    Some(if failed && !node.dirt.is_some() { Hold::Failed } else { Hold::Manual })
}

/// What of other nodes, or of files, the node waits for.
fn edge_hold(state: &State, id: NodeId) -> Option<Hold> {
    let node = &state.nodes[id];
    if node.settling > 0 {
        return Some(Hold::Settling);
    }
    if node.edges.unmet > 0
        && !node.reached.started
        && let Some((on, condition)) = edges::first_unmet(state, id)
    {
        return Some(edges::dependency_hold(state, on, condition));
    }
    let name = |id: &NodeId| state.nodes[*id].name.clone();
    // To look at an image waits for nobody who is held: containers that run are not to be out of sight for that.
    let looks = image::only_looks(state, id);
    if node.edges.unsettled_writers > 0 {
        let is_moving = |writer: &&NodeId| {
            let derived = &state.nodes[**writer].derived;
            derived.unsettled && (derived.busy || !looks)
        };
        let writer = node.edges.writers.iter().find(is_moving).map(|writer| Hold::Writer(name(writer)));
        if writer.is_some() || looks {
            return writer;
        }
    }
    if looks {
        return None;
    }
    if node.edges.failed_writers > 0 {
        let writer = node.edges.writers.iter().find(|writer| state.nodes[**writer].derived.failed);
        return writer.map(|writer| Hold::WriterFailed(name(writer)));
    }
    let moving = if node.reached.started { edges::moving_provider(state, id) } else { None };
    moving.map(|(on, condition)| edges::dependency_hold(state, on, condition))
}

/// What of the images that it is made of the node waits for.
fn made_of_hold(state: &State, id: NodeId) -> Option<Hold> {
    match &state.nodes[id].what {
        What::Image(_) => image::base_hold(state, id),
        What::Resource(resource) => match resource.kind {
            Kind::Local(_) => None,
            Kind::Container(_) | Kind::Kube(_) => need::hold(state, id),
        },
    }
}

/// Why a node does not start now, though it is dirty or its server should run; what its row shows.
pub(super) fn hold_of(state: &State, id: NodeId) -> Option<Hold> {
    let node = &state.nodes[id];
    if node.is_dirty() {
        return start_hold(state, id).or_else(|| slot_hold(state, id));
    }
    server_hold(state, id)
}

fn slot_hold(state: &State, id: NodeId) -> Option<Hold> {
    let node = &state.nodes[id];
    node.queued?;
    Some(match state.queue.hold(id, !node.what.is_parallel()) {
        Waits::Slot => Hold::Slot,
        Waits::Exclusive(other) => Hold::Exclusive(state.nodes[other].name.clone()),
    })
}

fn server_hold(state: &State, id: NodeId) -> Option<Hold> {
    let node = &state.nodes[id];
    if !node.is_enabled() {
        return Some(Hold::Disabled);
    }
    if node.stopped {
        return Some(Hold::Stopped);
    }
    if state.is_shutting_down() {
        return node.live().map(|_| Hold::ShuttingDown);
    }
    if node.server.due && node.live().is_some_and(|live| live.stopping) {
        return Some(Hold::Stopping);
    }
    if let Some(away) = backend::away(state, node) {
        return Some(away);
    }
    let backoff = node.server.backoff.as_ref().map(|pause| Hold::Backoff { until: pause.until });
    // A job that ended well is done, not held.
    let is_done = node.what.is_workload() && verdict::is_finished(state, id);
    backoff.or_else(|| (node.server.stays_ended && !is_done).then_some(Hold::Ended))
}
