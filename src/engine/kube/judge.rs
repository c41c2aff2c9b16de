//! What is seen of a cluster's objects and pods against what they should be. Objects are put back; pods are Kubernetes' business.

use super::{deploy, order, pods};
use crate::{
    engine::{
        deadline::Deadline,
        effect::ApplyOrder,
        node::{Node, NodeId},
        observe::{self, Finding},
        phase::{Body, Live, RunPhase},
        proof, say, serve,
        state::State,
        workload::{Order, There},
    },
    model::{Exit, KubeState, ObjectKey, PodReadiness},
    snapshot::Cause,
};
use std::time::Duration;

/// Compares what the cluster has with what it was brought to.
pub(in crate::engine) fn find(node: &Node, order: &ApplyOrder, there: &KubeState) -> Finding {
    if missing(node, order, there).is_some() {
        return Finding::Gone;
    }
    if let Some(how) = changed(node, order, there) {
        return Finding::Changed(how);
    }
    let readiness = node.what.kube().map_or(PodReadiness::Ignore, |kube| kube.pod_readiness);
    match readiness {
        PodReadiness::Ignore => Finding::Runs,
        _ if pods::is_done(there) => Finding::Done,
        _ if pods::error_of(&there.pods).is_some() => Finding::Waits,
        PodReadiness::Wait | PodReadiness::Succeeded => Finding::Runs,
    }
}

/// An object that is not there.
fn missing(node: &Node, order: &ApplyOrder, there: &KubeState) -> Option<String> {
    let declared = order.objects.iter().map(|object| &object.key);
    let mut keys = declared.chain(deploy::objects(node, order));
    keys.find(|key| !there.objects.contains_key(key)).map(ToString::to_string)
}

/// How one is not what it was made to be.
fn changed(node: &Node, order: &ApplyOrder, there: &KubeState) -> Option<String> {
    if order.custom.is_some() {
        return deploy::changed(node, order, there);
    }
    for object in &order.objects {
        let found = there.objects.get(&object.key)?;
        if found.fingerprint != Some(object.fingerprint) {
            return Some(format!("another {} has its place", object.key));
        }
        if let Some(drift) = &found.drift {
            return Some(format!("{}: {drift}", object.key));
        }
    }
    if node.workload.raised.is_some() {
        return None;
    }
    // What an earlier session applied goes with the next apply.
    let is_declared = |key: &ObjectKey| order.objects.iter().any(|object| object.key == *key);
    let mut left =
        there.objects.iter().filter(|(key, one)| !is_declared(key) && order::goes_with_its_resource(key, one));
    left.next().map(|(key, _)| format!("the Orchfile has {key} no more"))
}

/// Acts on what was found while something lives.
pub(in crate::engine) fn judge(state: &mut State, id: NodeId, finding: Finding) {
    let node = &state.nodes[id];
    let is_halfway = node.workload.outdated || node.workload.again.is_some();
    match finding {
        Finding::Done => observe::died(state, id, Exit::Code(0), false),
        Finding::Gone | Finding::Changed(_) if is_halfway => show(state, id),
        Finding::Gone => {
            let missing = order_of(node).and_then(|(order, there)| missing(node, order, there)).unwrap_or_default();
            repair(state, id, Cause::Deleted(missing));
        }
        Finding::Changed(how) => repair(state, id, Cause::Drifted(how)),
        Finding::Runs | Finding::Waits | Finding::Ended { .. } => show(state, id),
    }
}

fn order_of(node: &Node) -> Option<(&ApplyOrder, &KubeState)> {
    match (&node.workload.raised.as_ref()?.order, &node.workload.there) {
        (Order::Kube(order), There::Cluster(there)) => Some((order, there)),
        _ => None,
    }
}

/// Somebody deleted or changed an object: it is put back, while all else goes on.
fn repair(state: &mut State, id: NodeId, cause: Cause) {
    let up_at = state.nodes[id].live().and_then(|live| live.up_at);
    let since = state.nodes[id].workload.repaired_at.max(up_at);
    let lived = since.map_or(Duration::ZERO, |since| state.now.since(since));
    state.node(id).workload.repaired_at = Some(state.now);
    observe::put_back(state, id, cause, lived);
    show(state, id);
}

/// Rows show the pods as they are; what is wrong with them is said once.
pub(in crate::engine) fn show(state: &mut State, id: NodeId) {
    let node = &mut state.nodes[id];
    let There::Cluster(there) = &node.workload.there else { return };
    let Some(live) = node.server.live.as_mut().filter(|live| !live.is_process()) else { return };
    if let (Body::Pods(_, readiness), Some(kube)) = (&mut live.body, node.what.kube()) {
        *readiness = kube.pod_readiness;
    }
    let started_anew = pods::starts(&live.row.pods) != pods::starts(&there.pods);
    live.row.pods.clone_from(&there.pods);
    // What a run of its own makes is another instance; what Kubernetes makes anew is not.
    if !matches!(node.run, RunPhase::Running(_))
        && let Some(watched) = live.watched()
    {
        watched.lives = pods::lives(there);
    }
    let trouble = pods::trouble(there).filter(|_| live.has_check());
    live.row.probe_failure.clone_from(&trouble);
    let is_error = live.has_check() && pods::error_of(&there.pods).is_some();
    let is_news = trouble
        .as_ref()
        .is_some_and(|trouble| live.watched().is_some_and(|watched| watched.said.insert(without_numbers(trouble))));
    if let Some(trouble) = trouble.filter(|_| is_news) {
        say::trouble(state, id, trouble);
    }
    watch_error(state, id, is_error);
    find_lost(state, id);
    serve::update_ready(state, id);
    if started_anew {
        proof::watch_pods_life(state, id);
    }
}

/// The same trouble tells of ever longer times.
fn without_numbers(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// In `orch ci` what is wrong with pods decides, if it does not go away. One that crashes again and again runs in between.
fn watch_error(state: &mut State, id: NodeId, is_error: bool) {
    let deadline = Deadline::Trouble(id);
    let now = state.now;
    let Some(live) = state.node(id).server.live.as_mut() else { return };
    let is_well = live.is_ready_now() && live.is_proven();
    let Some(watched) = live.watched() else { return };
    if is_well {
        watched.failing_since = None;
    } else if is_error {
        watched.failing_since.get_or_insert(now);
    }
    let since = watched.failing_since.filter(|_| is_error && state.goal == crate::snapshot::Goal::Ci);
    let Some(since) = since else { return state.deadlines.clear(deadline) };
    let grace = state.project.as_ref().and_then(|project| project.settings.ci.k8s_grace_period).unwrap_or_default();
    state.deadlines.set(deadline, since + grace);
}

/// Containers that started anew have none of the files that were changed in them.
fn find_lost(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if node.workload.overlay.is_empty() || node.workload.resync || node.is_running() {
        return;
    }
    let There::Cluster(there) = &node.workload.there else { return };
    let lost = super::work::targets(state, id, there).any(|life| !node.workload.ids.contains(&life));
    if lost {
        let node = state.node(id);
        node.workload.resync = true;
        node.workload.plan = None;
        state.touch(id);
    }
}

/// Whether the pods that are there are those that lived before.
pub(in crate::engine) fn goes_on(live: &Live, there: &KubeState) -> bool {
    let now = pods::lives(there);
    let before = live.lives();
    // Nothing that was applied has pods that count.
    let is_ready_at_once = !live.has_check();
    let is_same = !now.is_empty() && now.iter().all(|pod| before.contains(pod));
    !live.stopping && (is_ready_at_once || before.is_empty() || is_same)
}
