//! Pauses before something is tried again that crashed, was taken away, or could not be made: each longer than the one before.

use super::{
    deadline::Deadline,
    edges,
    node::NodeId,
    observe,
    phase::{Pause, RunPhase, Then},
    say, serve,
    state::State,
    stop,
};
use crate::snapshot::Cause;
use std::time::Duration;

/// The delay before the first restart after a crash; each further one doubles it.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
/// The longest delay. A server that stayed up that long begins anew.
const BACKOFF_MAX: Duration = Duration::from_mins(1);

/// What should be there is tried again after a while, longer each time.
pub(super) fn back_off(state: &mut State, id: NodeId, then: Then) -> Duration {
    let delay = next_delay(state, id, Duration::ZERO);
    begin(state, id, delay, then);
    delay
}

/// Has that done after that delay. A whole run brings back what there was too.
pub(super) fn begin(state: &mut State, id: NodeId, delay: Duration, then: Then) {
    let until = state.now + delay;
    let then = match state.node(id).server.backoff.take() {
        Some(Pause { then: Then::Run(cause), .. }) => Then::Run(cause),
        Some(_) | None => then,
    };
    state.node(id).server.backoff = Some(Pause { until, then });
    state.deadlines.set(Deadline::Backoff(id), until);
    state.touch(id);
}

/// The next delay of what lived that long.
pub(super) fn next_delay(state: &mut State, id: NodeId, lived: Duration) -> Duration {
    let server = &mut state.node(id).server;
    if lived >= BACKOFF_MAX {
        server.crashes = 0;
    }
    let delay = BACKOFF_MIN.saturating_mul(1 << server.crashes.min(6)).min(BACKOFF_MAX);
    server.crashes += 1;
    delay
}

/// What somebody took away is put back: at once, but not again and again.
pub(super) fn repair(state: &mut State, id: NodeId, lived: Duration) -> Duration {
    let server = &mut state.node(id).server;
    if lived < BACKOFF_MAX && server.crashes > 0 {
        return back_off(state, id, Then::Start);
    }
    server.crashes = 1;
    server.due = true;
    state.touch(id);
    Duration::ZERO
}

/// What had crashed lives again.
pub(super) fn recover(state: &mut State, id: NodeId) {
    if state.nodes[id].server.backoff.is_none() || state.nodes[id].server.waits_to_start() {
        calm(state, id);
    }
    state.node(id).server.stays_ended = false;
}

/// Forgets that the server crashed, or could not be made.
pub(super) fn calm(state: &mut State, id: NodeId) {
    let server = &mut state.node(id).server;
    server.backoff = None;
    server.stays_ended = false;
    state.deadlines.clear(Deadline::Backoff(id));
}

/// The pause is over.
pub(super) fn on_over(state: &mut State, id: NodeId) {
    let server = &mut state.node(id).server;
    let Some(pause) = server.backoff.take() else { return };
    match pause.then {
        Then::Start => {
            server.due = true;
            server.restarts += 1;
            state.touch(id);
        }
        Then::Run(cause) if edges::counts(state, id) => stop::wish(state, id, cause),
        Then::Run(_) => {}
    }
}

/// What the node waited for is ready again: perhaps it crashed since that was away.
pub(super) fn try_at_once(state: &mut State, id: NodeId, provider: NodeId) {
    let waits = state.nodes[id].server.waits_to_start();
    // The engine's own pauses grow too, and end when its container does.
    let engine_waits = observe::is_engines_turn(state, id) && may_restart(state, id);
    if !waits && !engine_waits {
        return;
    }
    say::tried_at_once(state, id, provider);
    if waits {
        state.node(id).server.crashes = 0;
        state.deadlines.clear(Deadline::Backoff(id));
        on_over(state, id);
    } else {
        serve::restart(state, id, Cause::Ready(state.nodes[provider].name.clone()));
    }
}

/// Whether nothing else is done about its containers, or is to be.
fn may_restart(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let is_stopping = node.live().is_some_and(|live| live.stopping);
    edges::counts(state, id) && !is_stopping && matches!(node.run, RunPhase::Idle) && state.is_in_sight(node)
}
