//! Deploys by commands of the user's: the files that decide them, and what is remembered of them. A command is run again only when
//! what decides it differs, or what it applied is not there as it left it.

use crate::{
    engine::{
        effect::{ApplyOrder, Effect},
        node::{Node, NodeId},
        say,
        state::{Question, State},
        what::What,
        workload::{Order, Raised, There},
    },
    model::{CustomDeploy, FilePath, KubeState, ObjectKey, SetDigest, Success},
    snapshot::Cause,
};
use std::time::Duration;

fn custom(what: &What) -> Option<&CustomDeploy> {
    what.kube()?.custom.as_deref()
}

/// Whether a command of the user's applies it.
pub(in crate::engine) fn is_by_command(what: &What) -> bool {
    custom(what).is_some()
}

/// Whether a file counts among the inputs of the node that are digested as one: of a deploy its own, not those of its images.
pub(in crate::engine) fn counts(what: &What, path: &FilePath) -> bool {
    custom(what).is_none_or(|custom| custom.inputs.contains(path))
}

/// What its files are, where they decide what is applied; `None` while that is not known.
pub(in crate::engine) fn inputs_of(node: &Node) -> Option<SetDigest> {
    if is_by_command(&node.what) { node.knowledge.inputs } else { Some(SetDigest::default()) }
}

/// Has its files digested, as soon as nobody writes them.
pub(in crate::engine) fn look_at_inputs(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(custom) = custom(&node.what).filter(|_| node.is_enabled() && node.knowledge.inputs.is_none()) else {
        return;
    };
    let files = custom.inputs.clone();
    if files.roots.is_empty() {
        let now = state.now;
        let knowledge = &mut state.node(id).knowledge;
        (knowledge.inputs, knowledge.complete_at) = (Some(SetDigest::default()), Some(now));
        return;
    }
    let question = Question::CheckInputs(id);
    if node.settling > 0 {
        state.questions.retain(|_, asked| *asked != question);
    } else if !state.is_ending() && !state.questions.values().any(|asked| *asked == question) {
        let request = state.ask(question);
        state.emit(Effect::TakeSet { request, files, unchanged_since: None, urgent: true });
    }
}

/// The objects that its command applied.
pub(super) fn objects<'a>(node: &'a Node, order: &ApplyOrder) -> impl Iterator<Item = &'a ObjectKey> {
    let deployed = node.workload.deployed.as_ref().filter(|_| order.custom.is_some());
    deployed.into_iter().flatten()
}

/// How they are not as the command left them.
pub(super) fn changed(node: &Node, order: &ApplyOrder, there: &KubeState) -> Option<String> {
    if node.workload.deployed.is_none() {
        return Some("a command applies it".to_owned());
    }
    let drift = |key: &ObjectKey| Some(format!("{key}: {}", there.objects.get(key)?.drift.as_ref()?));
    objects(node, order).find_map(drift)
}

/// The record of an earlier session counts, if the command would be run for just that.
pub(in crate::engine) fn recall(state: &mut State, id: NodeId, wanted: &Raised) {
    let Order::Kube(order) = &wanted.order else { return };
    let Some(custom) = &order.custom else { return };
    let record = state.remembered.get(&state.nodes[id].name).filter(|one| one.fingerprint == custom.fingerprint);
    let objects = record.map(|record| record.objects.clone());
    state.node(id).workload.deployed = objects;
}

/// What an earlier session deployed was taken over, with what its files are now.
pub(in crate::engine) fn on_adopted(state: &mut State, id: NodeId) {
    let now = (state.step, state.now);
    if is_by_command(&state.nodes[id].what) {
        state.node(id).knowledge.ran = Some(now);
    }
}

/// Says what somebody did to objects of an earlier session, where that is why the command is run again.
pub(in crate::engine) fn say_lost(state: &mut State, id: NodeId) {
    let Some(wanted) = workload_wanted(state, id) else { return };
    recall(state, id, &wanted);
    let node = &state.nodes[id];
    let (Order::Kube(order), There::Cluster(there)) = (&wanted.order, &node.workload.there) else { return };
    if node.workload.deployed.is_none() {
        return;
    }
    let missing = objects(node, order).find(|key| !there.objects.contains_key(key));
    let cause = missing.map(|key| Cause::Deleted(key.to_string()));
    if let Some(cause) = cause.or_else(|| changed(node, order, there).map(Cause::Drifted)) {
        say::repair(state, id, &cause, Duration::ZERO);
    }
}

fn workload_wanted(state: &mut State, id: NodeId) -> Option<Raised> {
    let is_custom = is_by_command(&state.nodes[id].what) && state.remembered.contains_key(&state.nodes[id].name);
    if is_custom { crate::engine::need::wanted(state, id, false) } else { None }
}

/// From now on nobody knows what is applied.
pub(in crate::engine) fn forget_deploy(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if is_by_command(&node.what) {
        let resource = node.name.clone();
        if state.remembered.remove(&resource).is_some() {
            state.emit(Effect::Forget { resource });
        }
    }
}

/// The command ended well: what it applied is known by the marks that the objects got.
pub(in crate::engine) fn remember_deploy(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    let Some(Raised { order: Order::Kube(order), .. }) = &node.workload.raised else { return };
    let (Some(custom), There::Cluster(there)) = (&order.custom, &node.workload.there) else { return };
    let fingerprint = custom.fingerprint;
    let marked = there.objects.iter().filter(|(_, one)| one.fingerprint == Some(fingerprint));
    let objects: Vec<ObjectKey> = marked.map(|(key, _)| key.clone()).collect();
    // What the command saw of files that were written meanwhile is known to nobody.
    let is_certain = node.settling == 0 && node.knowledge.saw.is_empty() && node.place.is_some();
    let resource = node.name.clone();
    state.node(id).workload.deployed = Some(objects.clone());
    if is_certain && !objects.is_empty() {
        let success = Success { fingerprint, outputs: SetDigest::default(), objects };
        state.remembered.insert(resource.clone(), success.clone());
        state.emit(Effect::Remember { resource, success });
    }
}
