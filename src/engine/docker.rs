//! The Docker Engine as a whole: what it has, and which images of the project.

use super::{
    backend::{self, Backend, Before, Contact},
    build,
    effect::{DockerEffect, Effect},
    event::{DockerEvent, DockerSeen},
    node::{Node, NodeId},
    observe, prune, raise, removal, shutdown,
    state::{Question, State},
    workload::There,
};
use crate::{
    model::{Exit, ImageId, RequestId},
    snapshot::Goal,
};
use std::collections::BTreeSet;

/// What is known of the Docker Engine.
#[derive(Debug, Default)]
pub(super) struct Docker {
    pub(super) contact: Contact,
    /// Images of the project that it has.
    pub(super) images: BTreeSet<ImageId>,
    /// Images that were built since old ones were last removed.
    pub(super) builds: u32,
}

pub(super) fn effect(effect: DockerEffect) -> Effect {
    Effect::Docker(effect)
}

/// A project came into force: if it needs the engine, it is looked at.
pub(super) fn on_loaded(state: &mut State) {
    let needs = |id: &NodeId| {
        let node = &state.nodes[*id];
        node.backend() == Some(Backend::Docker) || !node.edges.images.is_empty() && state.goal != Goal::Down
    };
    let mut users = state.order.iter().filter(|id| needs(id)).map(|id| &state.nodes[*id]);
    let is_wanted = |node: &Node| state.down_only.as_ref().is_none_or(|only| only.contains(&node.name));
    let (needs, asks) = (users.clone().next().is_some(), users.any(is_wanted));
    if asks && state.docker.contact.is_unasked() {
        backend::ask(state, Backend::Docker, false);
    }
    state.docker.contact.used |= needs;
}

pub(super) fn question(state: &mut State) {
    let recorded = state.image_records.values().filter_map(|record| record.built.id.clone());
    let made = state.nodes.iter().filter_map(|node| node.making.value.as_ref()?.built.id.clone());
    let in_use = state.nodes.iter().filter_map(|node| node.workload.raised.as_ref()?.image().cloned());
    let images: BTreeSet<ImageId> = recorded.chain(made).chain(in_use).collect();
    let request = state.ask(Question::Look(Backend::Docker));
    state.emit(effect(DockerEffect::Look { request, images: images.into_iter().collect() }));
}

/// A run failed; perhaps since an image that was there is gone.
pub(super) fn doubt_images(state: &mut State, exit: &Exit) {
    let is_asked = state.questions.values().any(|question| *question == Question::Look(Backend::Docker));
    if raise::may_lack_image(exit) && state.docker.contact.is_seen() && !is_asked && !state.is_ending() {
        question(state);
    }
}

pub(super) fn on_event(state: &mut State, event: DockerEvent) {
    match event {
        DockerEvent::Seen { request, seen } => on_seen(state, request, seen),
        DockerEvent::ContainersChanged { resource, containers } => {
            observe::on_changed(state, resource, There::Containers(containers));
        }
        DockerEvent::FollowEnded { instance } => observe::on_follow_ended(state, instance),
        DockerEvent::Lost { failure } => backend::on_lost(state, Backend::Docker, failure),
        DockerEvent::Back => backend::on_back(state, Backend::Docker),
    }
}

fn on_seen(state: &mut State, request: RequestId, seen: DockerSeen) {
    if state.questions.remove(&request) != Some(Question::Look(Backend::Docker)) {
        return;
    }
    let before = backend::seen(state, Backend::Docker);
    let DockerSeen { mut containers, images } = seen;
    for id in backend::on(state, Backend::Docker) {
        let node = state.node(id);
        if node.what.resource().is_some() {
            node.workload.there = There::Containers(containers.remove(&node.name).unwrap_or_default());
        }
    }
    if state.is_ending() {
        return shutdown::on_seen(state);
    }
    look_for_images(state, images);
    match before {
        Before::Seen => {
            return backend::on(state, Backend::Docker).into_iter().for_each(|id| observe::judge(state, id));
        }
        Before::Lost => backend::come_back(state, Backend::Docker),
        Before::Unknown => prune::begin(state),
    }
    containers.retain(|_, containers| !containers.is_empty());
    removal::remove_strays(state, Backend::Docker, containers.into_keys());
    backend::touch_all(state, Backend::Docker);
}

/// Images that it has no more are to be made again.
fn look_for_images(state: &mut State, there: BTreeSet<ImageId>) {
    state.docker.images = there;
    for id in state.images.clone() {
        let Some(image) = state.nodes[id].making.value.as_ref().and_then(|value| value.built.id.clone()) else {
            continue;
        };
        if !state.docker.images.contains(&image) {
            build::on_gone(state, id);
        }
    }
}
