//! What `orch ci` wants to see of what nothing checks before it calls it well: that it lives for a while.

use super::{
    deadline::Deadline,
    kube,
    node::NodeId,
    phase::{Body, Live},
    state::State,
};
use crate::{model::PodReadiness, snapshot::Goal};
use std::time::Duration;

/// How long a server without a check must live before the verdict of `orch ci`.
const LIVED: Duration = Duration::from_secs(1);
/// How long pods without a check must stay ready before it. A node looks at its containers once a second, and says late what it saw.
const PODS_LIVED: Duration = Duration::from_secs(3);

/// What tells that something is well which nothing checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    /// That it lives for a while.
    Life,
    /// That its pods stay ready for a while: Kubernetes calls them so as soon as their containers run.
    ReadyPods,
}

impl Live {
    /// What is to be seen of it; `None` where something checks it.
    fn proof(&self) -> Option<Proof> {
        match &self.body {
            Body::Pods(_, PodReadiness::Wait) => (!kube::are_checked(&self.row.pods)).then_some(Proof::ReadyPods),
            Body::Process(_) | Body::Containers(_) | Body::Pods(..) => (!self.has_check()).then_some(Proof::Life),
        }
    }

    /// Whether the verdict of `orch ci` may rely on it.
    pub(super) fn is_proven(&self) -> bool {
        self.lived || self.proof().is_none()
    }
}

/// What has no check must live for a while from now on.
pub(super) fn watch_life(state: &mut State, id: NodeId) {
    if state.nodes[id].live().and_then(Live::proof) == Some(Proof::Life) {
        watch_for(state, id, LIVED);
    }
}

/// Pods without a check must stay ready for a while; a container that starts again begins anew.
pub(super) fn watch_pods_life(state: &mut State, id: NodeId) {
    let Some(live) = state.node(id).server.live.as_mut().filter(|live| live.proof() == Some(Proof::ReadyPods)) else {
        return;
    };
    live.lived = false;
    let is_ready = live.ready;
    state.deadlines.clear(Deadline::Lived(id));
    if is_ready {
        watch_for(state, id, PODS_LIVED);
    }
}

fn watch_for(state: &mut State, id: NodeId, how_long: Duration) {
    if state.goal == Goal::Ci {
        state.deadlines.set(Deadline::Lived(id), state.now + how_long);
    }
}

/// It has lived for long enough.
pub(super) fn on_lived(state: &mut State, id: NodeId) {
    if let Some(live) = &mut state.node(id).server.live {
        live.lived = true;
        if let Some(watched) = live.watched() {
            watched.failing_since = None;
        }
    }
    state.touch(id);
}
