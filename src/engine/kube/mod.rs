//! The cluster as a whole: looking what it has, and what it says of itself.
//!
//! `order`: what objects are to be. `deploy`: what commands of the user's apply. `pods`: how pods fare. `judge`: what is seen against what should be. `work`: what is done.

mod deploy;
mod judge;
mod order;
mod pods;
mod work;

pub(super) use deploy::{
    counts, forget_deploy, inputs_of, is_by_command, look_at_inputs, on_adopted, recall, remember_deploy, say_lost,
};
pub(super) use judge::{find, goes_on, judge, show};
pub(super) use order::{is_alike, order, placed};
pub(super) use pods::{are_checked, container_lives, error_of, footing, is_done, is_ready, lives, shown};
pub(super) use work::{Holders, apply, delete, delete_stray, forward, holders, note_holders, on_removed, update};

use super::{
    backend::{self, Backend, Before, Contact},
    edges,
    effect::{Effect, ExpectedObject, KubeEffect, PodSearch},
    event::{KubeEvent, KubeSeen},
    node::{Node, NodeId},
    observe, removal, shutdown,
    state::{Question, State},
    workload::There,
};
use crate::model::{
    Cluster, ClusterRegistry, Discovery, Failure, ForwardState, KubeSpec, KubeState, Level, NodeKey, ObjectKey,
    ObjectState, RequestId, ResourceName,
};
use std::{collections::BTreeMap, sync::Arc};

/// What is known of the cluster.
#[derive(Debug, Default)]
pub(super) struct Kube {
    pub(super) contact: Contact,
    /// That of the first project: a session has one.
    cluster: Option<Arc<Cluster>>,
    /// Where it wants images to be pushed.
    pub(super) registry: Option<ClusterRegistry>,
    /// What was asked for last.
    asked: Option<Asked>,
}

impl Kube {
    /// The cluster, where some resource of the session is for it. A project with such resources in a cluster that was not allowed
    /// never comes into force.
    pub(super) fn used_cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.as_ref().filter(|_| self.contact.used)
    }
}

/// What is asked of a cluster.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    objects: Arc<BTreeMap<ResourceName, Vec<ExpectedObject>>>,
    pods: Arc<BTreeMap<ResourceName, PodSearch>>,
}

pub(super) fn effect(effect: KubeEffect) -> Effect {
    Effect::Kube(effect)
}

/// Whether a resource of the cluster is made of the image itself.
pub(super) fn deploys(state: &State, image: &Node) -> bool {
    image.edges.users.iter().any(|user| state.nodes[*user].what.kube().is_some())
}

/// Resources of the cluster that the project has.
fn specs(state: &State) -> impl Iterator<Item = (NodeId, &KubeSpec)> {
    state.order.iter().filter_map(|id| Some((*id, state.nodes[*id].what.kube()?)))
}

/// A project came into force: if it needs the cluster, it is looked at.
pub(super) fn on_loaded(state: &mut State) {
    let is_wanted = |id: &NodeId| {
        let node = &state.nodes[*id];
        node.is_enabled() && state.down_only.as_ref().is_none_or(|only| only.contains(&node.name))
    };
    let is_needed = specs(state).any(|(id, _)| is_wanted(&id));
    state.kube.contact.used |= is_needed;
    let is_first = state.kube.cluster.is_none();
    take_cluster(state);
    if is_needed && (state.kube.contact.is_unasked() || is_first) {
        if state.kube.cluster.is_none() {
            let why = state.project.as_ref().and_then(|project| project.kube.no_cluster.clone());
            return backend::on_lost(state, Backend::Kube, no_cluster(why));
        }
        backend::ask(state, Backend::Kube, false);
    } else if !state.kube.contact.is_unasked() && state.kube.asked.as_ref() != Some(&asked(state)) {
        question(state);
    }
}

/// The cluster of the first project is that of the session.
fn take_cluster(state: &mut State) {
    let Some(named) = state.project.as_ref().and_then(|project| project.kube.cluster.clone()) else { return };
    match &state.kube.cluster {
        None => state.kube.cluster = Some(Arc::new(named)),
        Some(cluster) if cluster.context != named.context => {
            let text = format!(
                "the kubeconfig names the context `{}` now; this session stays with `{}`",
                named.context, cluster.context
            );
            state.say_session(Level::Warning, text);
        }
        Some(_) => {}
    }
}

fn no_cluster(why: Option<String>) -> Failure {
    let why = why.unwrap_or_else(|| "no kubeconfig names a context".to_owned());
    Failure {
        message: format!("there is no Kubernetes cluster: {why}"),
        help: Some("name a kubeconfig with `KUBECONFIG`, or a context with `--context`".to_owned()),
    }
}

pub(super) fn question(state: &mut State) {
    let Some(cluster) = state.kube.cluster.clone() else { return };
    if state.kube.contact.lost().is_some() {
        return;
    }
    let asked = asked(state);
    state.questions.retain(|_, question| *question != Question::Look(Backend::Kube));
    let request = state.ask(Question::Look(Backend::Kube));
    let Asked { objects, pods } = asked.clone();
    state.kube.asked = Some(asked);
    state.emit(effect(KubeEffect::Look { request, cluster, objects, pods }));
}

fn asked(state: &State) -> Asked {
    let scaled = order::scaled(state);
    let objects = |spec: &KubeSpec| spec.objects.iter().map(|object| order::expected(state, object, &scaled)).collect();
    let search = |spec: &KubeSpec| PodSearch {
        owned: spec.discovery.unwrap_or_default() == Discovery::Default,
        selectors: spec.extra_pod_selectors.clone(),
    };
    let name = |id: NodeId| state.nodes[id].name.clone();
    Asked {
        objects: Arc::new(specs(state).map(|(id, spec)| (name(id), objects(spec))).collect()),
        pods: Arc::new(specs(state).map(|(id, spec)| (name(id), search(spec))).collect()),
    }
}

pub(super) fn on_event(state: &mut State, event: KubeEvent) {
    match event {
        KubeEvent::Seen { request, seen } => on_seen(state, request, seen),
        KubeEvent::Changed { resource, state: there } => {
            observe::on_changed(state, resource, There::Cluster(Box::new(there)));
        }
        KubeEvent::FollowEnded { instance } => observe::on_follow_ended(state, instance),
        KubeEvent::Forwarded { resource, ports } => on_forwarded(state, resource, ports),
        KubeEvent::Lost { failure } => backend::on_lost(state, Backend::Kube, failure),
        KubeEvent::Back => backend::on_back(state, Backend::Kube),
    }
}

fn on_seen(state: &mut State, request: RequestId, seen: KubeSeen) {
    if state.questions.remove(&request) != Some(Question::Look(Backend::Kube)) {
        return;
    }
    let before = backend::seen(state, Backend::Kube);
    let KubeSeen { mut resources, registry } = seen;
    if before == Before::Unknown {
        state.kube.registry = registry;
    }
    for id in backend::on(state, Backend::Kube) {
        let node = state.node(id);
        node.workload.there = There::Cluster(Box::new(resources.remove(&node.name).unwrap_or_default()));
    }
    if state.is_ending() {
        return shutdown::on_seen(state);
    }
    match before {
        Before::Seen => return backend::on(state, Backend::Kube).into_iter().for_each(|id| observe::judge(state, id)),
        Before::Lost => backend::come_back(state, Backend::Kube),
        Before::Unknown => {}
    }
    let strays: Vec<ResourceName> = resources.into_iter().filter(|one| is_stray(state, one)).map(|one| one.0).collect();
    removal::remove_strays(state, Backend::Kube, strays);
    backend::touch_all(state, Backend::Kube);
}

/// Whether nobody knows the name, and something of it would be deleted. What the project declares for another has moved there.
fn is_stray(state: &State, (name, there): &(ResourceName, KubeState)) -> bool {
    let is_known = state.by_key.contains_key(&NodeKey::Resource(name.clone()));
    let declared = |key: &ObjectKey| {
        let asked = state.kube.asked.iter().flat_map(|asked| asked.objects.values().flatten());
        asked.into_iter().any(|object| object.key == *key)
    };
    let goes = |(key, object): (&ObjectKey, &ObjectState)| order::goes_with_its_resource(key, object) && !declared(key);
    !is_known && there.objects.iter().any(goes)
}

fn on_forwarded(state: &mut State, resource: ResourceName, ports: Vec<ForwardState>) {
    let Some(id) = state.resource(&resource) else { return };
    let before = std::mem::replace(&mut state.node(id).workload.forwards, ports.clone());
    for port in &ports {
        let was = before.iter().find(|one| one.index == port.index).and_then(|one| one.trouble.as_ref());
        if let Some(trouble) = port.trouble.as_ref().filter(|trouble| Some(*trouble) != was) {
            state.say(id, None, Level::Warning, trouble.clone());
        }
    }
    edges::show(state, id);
}
