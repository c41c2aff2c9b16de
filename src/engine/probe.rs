//! When a server is checked, and what its checks make of it.

use super::{
    deadline::Deadline,
    effect::{CommandSpec, Effect},
    event::ProbeResult,
    node::NodeId,
    phase::{Live, Probing},
    serve,
    state::{Question, State},
};
use crate::model::{Probe, ProbeAction, RequestId};
use std::time::Duration;

/// The delay after the first check that failed; each further one is half as long again, up to the period. So a server is
/// seen to be ready soon, whatever the period.
const EAGER: Duration = Duration::from_millis(50);

/// The server is up: its first check comes after the delay that the file gives.
pub(super) fn begin(state: &mut State, id: NodeId) {
    let now = state.now;
    let Some(live) = &mut state.node(id).server.live else { return };
    let Some(probe) = live.serve.probe.clone().filter(|_| !live.stopping) else { return };
    live.probing = Probing { delay: EAGER, ..Probing::default() };
    if probe.initial_delay().is_zero() {
        check(state, id);
    } else {
        state.deadlines.set(Deadline::Probe(id), now + probe.initial_delay());
    }
}

/// No more checks.
pub(super) fn end(state: &mut State, id: NodeId) {
    state.deadlines.clear(Deadline::Probe(id));
    let asked = state.node(id).server.live.as_mut().and_then(|live| live.probing.asked.take());
    if let Some(request) = asked {
        state.questions.remove(&request);
    }
}

/// Does one check.
pub(super) fn check(state: &mut State, id: NodeId) {
    let Some(live) = state.nodes[id].live() else { return };
    let Some(probe) = live.serve.probe.clone() else { return };
    let (instance, command) = (live.id(), command_of(live, &probe));
    let request = state.ask(Question::Probe(id));
    if let Some(live) = &mut state.node(id).server.live {
        live.probing.asked = Some(request);
    }
    let timeout = probe.timeout();
    state.emit(Effect::Probe { request, instance, action: probe.action, command, timeout });
}

fn command_of(live: &Live, probe: &Probe) -> Option<CommandSpec> {
    match &probe.action {
        ProbeAction::Exec { argv } => Some(CommandSpec { argv: argv.clone(), ..live.command.clone() }),
        ProbeAction::HttpGet { .. } | ProbeAction::TcpSocket { .. } => None,
    }
}

/// The answer of a check.
pub(super) fn on_probed(state: &mut State, request: RequestId, result: ProbeResult) {
    let Some(Question::Probe(id)) = state.questions.get(&request).copied() else { return };
    state.questions.remove(&request);
    let now = state.now;
    let Some(live) = &mut state.node(id).server.live else { return };
    let Some(probe) = live.serve.probe.clone() else { return };
    live.probing.asked = None;
    match result {
        ProbeResult::Passed => pass(live, &probe),
        ProbeResult::Failed(why) => fail(live, &probe, why),
    }
    let delay = next_delay(&mut live.probing, &probe);
    state.deadlines.set(Deadline::Probe(id), now + delay);
    serve::update_ready(state, id);
}

fn pass(live: &mut Live, probe: &Probe) {
    live.row.probe_failure = None;
    live.probing.failures = 0;
    live.probing.successes = live.probing.successes.saturating_add(1);
    live.probing.passing |= live.probing.successes >= probe.successes_needed();
}

fn fail(live: &mut Live, probe: &Probe, why: String) {
    live.row.probe_failure = Some(why);
    live.probing.successes = 0;
    live.probing.failures = live.probing.failures.saturating_add(1);
    live.probing.passing &= live.probing.failures < probe.failures_needed();
}

/// At its period once it passes and nothing is doubtful, sooner until then.
fn next_delay(probing: &mut Probing, probe: &Probe) -> Duration {
    if probing.passing {
        probing.delay = EAGER;
        return probe.period();
    }
    let delay = probing.delay.min(probe.period());
    probing.delay = delay * 3 / 2;
    delay
}
