//! The Docker Engine as a whole: looking what it has, losing it, getting it back.

use super::{
    container,
    effect::{DockerEffect, Effect},
    event::{DockerEvent, DockerSeen},
    image,
    node::{Node, NodeId},
    observe, prune, raise, removal, serve, shutdown,
    state::{Question, State},
    verdict,
};
use crate::{
    model::{Exit, Failure, ImageId, Level, RequestId},
    snapshot::Hold,
};
use std::collections::BTreeSet;

/// What is known of the Docker Engine.
#[derive(Debug, Default)]
pub(super) struct Docker {
    link: Link,
    /// Images of the project that it has.
    pub(super) images: BTreeSet<ImageId>,
    /// It just came back: what has ended meanwhile has ended with it.
    aftermath: bool,
    /// Images that were built since old ones were last removed.
    pub(super) builds: u32,
    /// It has been of use in this session.
    pub(super) used: bool,
}

/// Whether it can be reached.
#[derive(Debug, Clone, Default, PartialEq)]
enum Link {
    /// Nothing needed it so far.
    #[default]
    Unasked,
    /// It is asked what it has; whether it was lost before.
    Looking { again: bool },
    /// What it has is known, and followed.
    Seen,
    /// It cannot be reached.
    Lost(Failure),
}

impl Docker {
    pub(super) fn is_seen(&self) -> bool {
        self.link == Link::Seen
    }

    /// What is between it and orch, if something is.
    pub(super) fn lost(&self) -> Option<&Failure> {
        match &self.link {
            Link::Lost(failure) => Some(failure),
            Link::Unasked | Link::Looking { .. } | Link::Seen => None,
        }
    }

    /// Whether its answer is waited for.
    pub(super) fn is_looking(&self) -> bool {
        matches!(self.link, Link::Looking { .. })
    }

    /// Whether containers that have ended have ended with it.
    pub(super) fn is_aftermath(&self) -> bool {
        self.aftermath
    }
}

pub(super) fn effect(effect: DockerEffect) -> Effect {
    Effect::Docker(effect)
}

/// Why a node that needs it does not start.
pub(super) fn hold(state: &State, node: &Node) -> Option<Hold> {
    if node.local().is_some() {
        return None;
    }
    match &state.docker.link {
        Link::Seen => None,
        Link::Unasked | Link::Looking { .. } if state.is_ending() => None,
        Link::Unasked | Link::Looking { .. } => Some(Hold::Docker("it is asked what it has".to_owned())),
        Link::Lost(failure) => Some(Hold::Docker(failure.message.clone())),
    }
}

/// Why nothing is known of a node's containers now; one that is done needs nobody.
pub(super) fn away(state: &State, node: &Node) -> Option<Hold> {
    let needs = node.what.container().is_some() && !state.is_ending() && (node.live().is_some() || node.server.due);
    state.docker.lost().filter(|_| needs).map(|failure| Hold::Docker(failure.message.clone()))
}

/// A project came into force: if it needs the engine, it is looked at.
pub(super) fn on_loaded(state: &mut State) {
    let mut users = state.order.iter().map(|id| &state.nodes[*id]).filter(|node| node.what.container().is_some());
    let is_wanted = |node: &Node| state.down_only.as_ref().is_none_or(|only| only.contains(&node.name));
    let (needs, asks) = (users.clone().next().is_some(), users.any(is_wanted));
    if asks && state.docker.link == Link::Unasked {
        ask(state, false);
    }
    state.docker.used |= needs;
}

fn ask(state: &mut State, again: bool) {
    state.docker.link = Link::Looking { again };
    question(state);
    touch_all(state);
}

fn question(state: &mut State) {
    let recorded = state.image_records.values().filter_map(|record| record.built.id.clone());
    let made = state.nodes.iter().filter_map(|node| node.making.value.as_ref()?.built.id.clone());
    let in_use = state.nodes.iter().filter_map(|node| node.containers.raised.as_ref()?.image().cloned());
    let images: BTreeSet<ImageId> = recorded.chain(made).chain(in_use).collect();
    let request = state.ask(Question::Look);
    state.emit(effect(DockerEffect::Look { request, images: images.into_iter().collect() }));
}

/// A run failed; perhaps since an image that was there is gone.
pub(super) fn doubt_images(state: &mut State, exit: &Exit) {
    let is_asked = state.questions.values().any(|question| *question == Question::Look);
    if raise::may_lack_image(exit) && state.docker.is_seen() && !is_asked && !state.is_ending() {
        question(state);
    }
}

pub(super) fn on_event(state: &mut State, event: DockerEvent) {
    match event {
        DockerEvent::Seen { request, seen } => on_seen(state, request, seen),
        DockerEvent::ContainersChanged { resource, containers } => {
            observe::on_containers_changed(state, resource, containers);
        }
        DockerEvent::FollowEnded { instance } => observe::on_follow_ended(state, instance),
        DockerEvent::Lost { failure } => on_lost(state, failure),
        DockerEvent::Back => on_back(state),
    }
}

fn on_seen(state: &mut State, request: RequestId, seen: DockerSeen) {
    if state.questions.remove(&request) != Some(Question::Look) {
        return;
    }
    let before = std::mem::replace(&mut state.docker.link, Link::Seen);
    let DockerSeen { mut containers, images } = seen;
    for id in state.nodes.ids() {
        let node = state.node(id);
        if node.what.container().is_some() || node.containers.removal {
            node.containers.there = containers.remove(&node.name).unwrap_or_default();
        }
    }
    if state.is_ending() {
        return shutdown::on_docker_seen(state);
    }
    look_for_images(state, images);
    if before == Link::Seen {
        state.nodes.ids().for_each(|id| observe::judge(state, id));
        return;
    }
    let again = before == Link::Looking { again: true };
    if again {
        state.say_session(Level::Info, "the Docker Engine is back".to_owned());
        come_back(state);
    } else {
        prune::begin(state);
    }
    removal::remove_strays(state, containers);
    touch_all(state);
}

/// Images that it has no more are to be made again.
fn look_for_images(state: &mut State, there: BTreeSet<ImageId>) {
    state.docker.images = there;
    for id in state.images.clone() {
        let Some(image) = state.nodes[id].making.value.as_ref().and_then(|value| value.built.id.clone()) else {
            continue;
        };
        if !state.docker.images.contains(&image) {
            image::on_gone(state, id);
        }
    }
}

/// What still runs is as it was, untouched; what is not there any more is put back.
fn come_back(state: &mut State) {
    state.docker.aftermath = true;
    for id in state.nodes.ids() {
        if let Some(watched) = state.node(id).server.live.as_mut().and_then(super::phase::Live::watched) {
            watched.out_of_sight = false;
            observe::judge(state, id);
            serve::update_ready(state, id);
            stop_again(state, id);
        }
    }
    state.docker.aftermath = false;
}

/// What was asked to end when it was lost is asked again.
fn stop_again(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if node.live().is_some_and(|live| live.stopping) && !node.containers.removal {
        let containers = container::living(node.live()).iter().map(|one| one.id.clone()).collect();
        let (resource, grace) = (node.name.clone(), raise::stop_grace(state, id));
        state.emit(effect(DockerEffect::Stop { resource, containers, grace }));
    }
}

fn on_lost(state: &mut State, failure: Failure) {
    state.questions.retain(|_, question| *question != Question::Look);
    let was_lost = state.docker.lost().is_some();
    state.docker.link = Link::Lost(failure.clone());
    if !was_lost {
        state.say_session(Level::Error, format!("the Docker Engine cannot be reached: {}", failure.message));
        if let Some(help) = &failure.help {
            state.say_session(Level::Info, format!("help: {help}"));
        }
    }
    for id in state.nodes.ids() {
        if let Some(watched) = state.node(id).server.live.as_mut().and_then(super::phase::Live::watched) {
            watched.out_of_sight = true;
            serve::update_ready(state, id);
        }
    }
    touch_all(state);
    verdict::on_docker_lost(state, failure);
}

fn on_back(state: &mut State) {
    if state.docker.lost().is_none() || state.is_ending() {
        return;
    }
    ask(state, true);
}

/// All that needs it is looked at again.
fn touch_all(state: &mut State) {
    for id in state.nodes.ids() {
        if state.nodes[id].local().is_none() {
            state.touch(id);
        }
    }
}
