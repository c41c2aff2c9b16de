//! When a server is checked, and what its checks make of it.

use super::{
    deadline::Deadline,
    effect::{CommandSpec, Effect},
    event::ProbeResult,
    node::NodeId,
    phase::{Probing, Process},
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
    let Some(live) = state.node(id).server.live.as_mut().filter(|live| !live.stopping) else { return };
    let Some(process) = live.process() else { return };
    let Some(probe) = process.serve.probe.clone() else { return };
    process.probing = Probing { delay: EAGER, ..Probing::default() };
    if probe.initial_delay().is_zero() {
        check(state, id);
    } else {
        state.deadlines.set(Deadline::Probe(id), now + probe.initial_delay());
    }
}

/// No more checks.
pub(super) fn end(state: &mut State, id: NodeId) {
    state.deadlines.clear(Deadline::Probe(id));
    let asked = state.node(id).server.live.as_mut().and_then(|live| live.process()?.probing.asked.take());
    if let Some(request) = asked {
        state.questions.remove(&request);
    }
}

/// Does one check.
pub(super) fn check(state: &mut State, id: NodeId) {
    let request = state.ids.request;
    let Some(live) = &mut state.node(id).server.live else { return };
    let instance = live.id();
    let Some(process) = live.process() else { return };
    let Some(probe) = process.serve.probe.clone() else { return };
    process.probing.asked = Some(request);
    let command = command_of(process, &probe);
    state.ask(Question::Probe(id));
    let timeout = probe.timeout();
    state.emit(Effect::Probe { request, instance, action: probe.action, command, timeout });
}

fn command_of(process: &Process, probe: &Probe) -> Option<CommandSpec> {
    match &probe.action {
        ProbeAction::Exec { argv } => Some(CommandSpec { argv: argv.clone(), ..process.command.clone() }),
        ProbeAction::HttpGet { .. } | ProbeAction::TcpSocket { .. } => None,
    }
}

/// The answer of a check.
pub(super) fn on_probed(state: &mut State, request: RequestId, result: ProbeResult) {
    let Some(Question::Probe(id)) = state.questions.get(&request).copied() else { return };
    state.questions.remove(&request);
    let now = state.now;
    let Some(live) = &mut state.node(id).server.live else { return };
    let Some(process) = live.process() else { return };
    let Some(probe) = process.serve.probe.clone() else { return };
    process.probing.asked = None;
    let failure = process.probing.take(result, &probe);
    let delay = next_delay(&mut process.probing, &probe);
    live.row.probe_failure = failure;
    state.deadlines.set(Deadline::Probe(id), now + delay);
    serve::update_ready(state, id);
}

impl Probing {
    /// Counts a check, and tells what it said where it failed.
    fn take(&mut self, result: ProbeResult, probe: &Probe) -> Option<String> {
        match result {
            ProbeResult::Passed => {
                self.failures = 0;
                self.successes = self.successes.saturating_add(1);
                self.passing |= self.successes >= probe.successes_needed();
                None
            }
            ProbeResult::Failed(why) => {
                self.successes = 0;
                self.failures = self.failures.saturating_add(1);
                self.passing &= self.failures < probe.failures_needed();
                Some(why)
            }
        }
    }
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
