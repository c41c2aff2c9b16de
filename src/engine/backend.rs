//! What workloads live on: the Docker Engine, or a cluster. Both are looked at, lost and found again in the same way.

use super::{
    docker, kube,
    node::{Node, NodeId},
    observe,
    phase::Live,
    serve, shutdown,
    state::{Question, State},
    verdict,
};
use crate::{
    model::{Failure, Level},
    snapshot::Hold,
};

/// On what something lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Backend {
    /// The Docker Engine.
    Docker,
    /// The cluster.
    Kube,
}

/// What is known of a backend as a whole.
#[derive(Debug, Default)]
pub(super) struct Contact {
    link: Link,
    /// It just came back: what has ended meanwhile has ended with it.
    aftermath: bool,
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

/// What an answer came after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing was known.
    Unknown,
    /// It had been lost.
    Lost,
    /// It was known, and looked at once more.
    Seen,
}

impl Contact {
    pub(super) fn is_seen(&self) -> bool {
        self.link == Link::Seen
    }

    pub(super) fn is_unasked(&self) -> bool {
        self.link == Link::Unasked
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

    /// Whether what has ended has ended with it.
    pub(super) fn is_aftermath(&self) -> bool {
        self.aftermath
    }
}

impl Backend {
    pub(super) const ALL: [Self; 2] = [Self::Docker, Self::Kube];

    /// What people call it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Docker => "the Docker Engine",
            Self::Kube => "the cluster",
        }
    }

    fn hold(self, why: String) -> Hold {
        match self {
            Self::Docker => Hold::Docker(why),
            Self::Kube => Hold::Cluster(why),
        }
    }
}

impl State {
    pub(super) fn contact(&self, backend: Backend) -> &Contact {
        match backend {
            Backend::Docker => &self.docker.contact,
            Backend::Kube => &self.kube.contact,
        }
    }

    pub(super) fn contact_mut(&mut self, backend: Backend) -> &mut Contact {
        match backend {
            Backend::Docker => &mut self.docker.contact,
            Backend::Kube => &mut self.kube.contact,
        }
    }

    /// That of what the node lives on; none for what runs on this machine.
    pub(super) fn contact_of(&self, node: &Node) -> Option<&Contact> {
        node.backend().map(|backend| self.contact(backend))
    }

    /// Whether what the node has is known.
    pub(super) fn is_in_sight(&self, node: &Node) -> bool {
        self.contact_of(node).is_none_or(Contact::is_seen)
    }

    /// Whether what the node has cannot be reached.
    pub(super) fn is_out_of_reach(&self, node: &Node) -> bool {
        self.contact_of(node).is_some_and(|contact| contact.lost().is_some())
    }
}

/// Why a node that needs it does not start.
pub(super) fn hold(state: &State, node: &Node) -> Option<Hold> {
    let backend = node.backend()?;
    hold_of(state, backend).or_else(|| {
        // Where images go is known once the cluster was looked at.
        let is_for_cluster = node.what.image().is_some() && kube::deploys(state, node);
        is_for_cluster.then(|| hold_of(state, Backend::Kube)).flatten()
    })
}

/// Why nothing is known of what a node has now; one that is done needs nobody.
pub(super) fn away(state: &State, node: &Node) -> Option<Hold> {
    let needs = node.what.is_workload() && !state.is_ending() && (node.live().is_some() || node.server.due);
    let backend = node.backend().filter(|_| needs)?;
    state.contact(backend).lost().map(|failure| backend.hold(failure.message.clone()))
}

fn hold_of(state: &State, backend: Backend) -> Option<Hold> {
    match &state.contact(backend).link {
        Link::Seen => None,
        Link::Unasked | Link::Looking { .. } if state.is_ending() => None,
        Link::Unasked | Link::Looking { .. } => Some(backend.hold("it is asked what it has".to_owned())),
        Link::Lost(failure) => Some(backend.hold(failure.message.clone())),
    }
}

/// Asks what it has.
pub(super) fn ask(state: &mut State, backend: Backend, again: bool) {
    state.contact_mut(backend).link = Link::Looking { again };
    question(state, backend);
    touch_all(state, backend);
}

/// Asks, while what was known still counts.
fn question(state: &mut State, backend: Backend) {
    match backend {
        Backend::Docker => docker::question(state),
        Backend::Kube => kube::question(state),
    }
}

/// It answered.
pub(super) fn seen(state: &mut State, backend: Backend) -> Before {
    match std::mem::replace(&mut state.contact_mut(backend).link, Link::Seen) {
        Link::Seen => Before::Seen,
        Link::Looking { again: true } => Before::Lost,
        Link::Unasked | Link::Looking { again: false } | Link::Lost(_) => Before::Unknown,
    }
}

/// What still lives is as it was, untouched; what is not there any more is put back.
pub(super) fn come_back(state: &mut State, backend: Backend) {
    state.say_session(Level::Info, format!("{} is back", backend.title()));
    state.contact_mut(backend).aftermath = true;
    for id in on(state, backend) {
        if let Some(watched) = state.node(id).server.live.as_mut().and_then(Live::watched) {
            watched.out_of_sight = false;
            observe::judge(state, id);
            serve::update_ready(state, id);
            serve::stop_again(state, id);
        }
    }
    state.contact_mut(backend).aftermath = false;
}

pub(super) fn on_lost(state: &mut State, backend: Backend, failure: Failure) {
    state.questions.retain(|_, question| *question != Question::Look(backend));
    let was_lost = state.contact(backend).lost().is_some();
    state.contact_mut(backend).link = Link::Lost(failure.clone());
    if !was_lost {
        say_lost(state, backend, &failure);
    }
    for id in on(state, backend) {
        if let Some(watched) = state.node(id).server.live.as_mut().and_then(Live::watched) {
            watched.out_of_sight = true;
            serve::update_ready(state, id);
        }
    }
    touch_all(state, backend);
    verdict::on_lost(state, failure.clone());
    shutdown::on_lost(state, failure);
}

fn say_lost(state: &mut State, backend: Backend, failure: &Failure) {
    let text = match backend {
        Backend::Docker => format!("the Docker Engine cannot be reached: {}", failure.message),
        // That failure says itself what cannot be reached.
        Backend::Kube => failure.message.clone(),
    };
    state.say_session(Level::Error, text);
    if let Some(help) = &failure.help {
        state.say_session(Level::Info, format!("help: {help}"));
    }
}

pub(super) fn on_back(state: &mut State, backend: Backend) {
    if state.contact(backend).lost().is_some() && !state.is_ending() {
        ask(state, backend, true);
    }
}

/// The nodes that live on it.
pub(super) fn on(state: &State, backend: Backend) -> Vec<NodeId> {
    state.nodes.ids().filter(|id| state.nodes[*id].backend() == Some(backend)).collect()
}

/// All that needs it is looked at again.
pub(super) fn touch_all(state: &mut State, backend: Backend) {
    for id in state.nodes.ids() {
        let node = &state.nodes[id];
        if node.backend() == Some(backend) || node.what.image().is_some() {
            state.touch(id);
        }
    }
}
