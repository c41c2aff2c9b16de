//! What a resource has on the Docker Engine or in a cluster: what it holds of the files that it is made of, and what it needs to be
//! up to date.

use super::{
    backend::Backend,
    container,
    dirt::Saw,
    effect::{ApplyOrder, RaiseOrder},
    image::Value,
    kube,
    node::{Node, NodeId},
    phase::{Footing, Life, Live},
    plan::Plan,
    what::What,
};
use crate::{
    model::{
        ContainerId, ContainerState, FilePath, ForwardState, ImageId, InstanceId, Kind, KubeState, ObjectKey,
        PortForward, Time,
    },
    snapshot::Cause,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What is only a workload's.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each counted on its own")]
pub(super) struct Workload {
    /// What it has, as the engine knows it.
    pub(super) there: There,
    /// What that was last brought to be.
    pub(super) raised: Option<Raised>,
    /// It may be something else meanwhile: a run that was to bring it to something failed, or was cut short.
    pub(super) outdated: bool,
    /// Those that were brought to it, sorted.
    pub(super) ids: Vec<ContainerId>,
    /// What was changed in them since they were made.
    pub(super) overlay: BTreeMap<FilePath, Saw>,
    /// Files that were copied, but a command failed after that: the next update takes them along.
    pub(super) unsynced: BTreeSet<FilePath>,
    /// New containers wait for their first sync.
    pub(super) initial_sync: bool,
    /// Containers started anew without what was changed in them.
    pub(super) resync: bool,
    /// What is done about the files that differ; `None` until it is looked at.
    pub(super) plan: Option<Plan>,
    /// It was decided whether what an earlier session made is taken over.
    pub(super) decided: bool,
    /// When something of it was last put back.
    pub(super) repaired_at: Option<Time>,
    /// The objects that a command of the user's applied when it was brought to `raised`; `None` where that is not known.
    pub(super) deployed: Option<Vec<ObjectKey>>,
    /// Why it is brought to `raised` again.
    pub(super) again: Option<Cause>,
    /// An update is to start containers again: their next life is no surprise.
    pub(super) restarting: bool,
    /// It is to be removed.
    pub(super) removal: bool,
    /// The session ends, and it goes on without it.
    pub(super) released: bool,
    /// Instances whose output still comes.
    pub(super) follows: BTreeSet<InstanceId>,
    /// Local ports that lead to it, as it was last said.
    pub(super) forwarded: Vec<PortForward>,
    /// What they do.
    pub(super) forwards: Vec<ForwardState>,
}

/// What a workload has where it lives.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum There {
    /// It has none: it is no workload.
    #[default]
    None,
    /// Containers of the Docker Engine.
    Containers(Vec<ContainerState>),
    /// Objects of a cluster, and their pods.
    Cluster(Box<KubeState>),
}

impl There {
    /// What such a node has before anything of it is known.
    pub(super) fn of(what: &What) -> Self {
        match what.resource().map(|resource| &resource.kind) {
            Some(Kind::Container(_)) => Self::Containers(Vec::new()),
            Some(Kind::Kube(_)) => Self::Cluster(Box::default()),
            Some(Kind::Local(_)) | None => Self::None,
        }
    }

    pub(super) fn backend(&self) -> Option<Backend> {
        match self {
            Self::None => None,
            Self::Containers(_) => Some(Backend::Docker),
            Self::Cluster(_) => Some(Backend::Kube),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::None => true,
            Self::Containers(containers) => containers.is_empty(),
            Self::Cluster(there) => there.objects.is_empty(),
        }
    }

    /// Whether something of it lives.
    pub(super) fn is_alive(&self) -> bool {
        match self {
            Self::None => false,
            Self::Containers(containers) => containers.iter().any(container::is_alive),
            Self::Cluster(there) => !there.objects.is_empty(),
        }
    }

    /// Whether all of it has ended well.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::None => false,
            Self::Containers(containers) => !containers.is_empty() && containers.iter().all(container::is_done),
            Self::Cluster(there) => kube::is_done(there),
        }
    }

    /// Which containers or pods it is, and which of their lives, sorted.
    pub(super) fn lives(&self) -> Vec<Life> {
        match self {
            Self::None => Vec::new(),
            Self::Containers(containers) => container::lives(containers),
            Self::Cluster(there) => kube::lives(there),
        }
    }

    pub(super) fn containers(&self) -> &[ContainerState] {
        match self {
            Self::Containers(containers) => containers,
            Self::None | Self::Cluster(_) => &[],
        }
    }
}

/// What a workload is to be.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Docker(Arc<RaiseOrder>),
    Kube(Arc<ApplyOrder>),
}

/// What a workload was brought to be.
#[derive(Debug, Clone)]
pub(super) struct Raised {
    pub(super) order: Order,
    /// What its images were made to, each after those it is made of.
    pub(super) values: Vec<(NodeId, Value)>,
}

impl Raised {
    /// The image that its containers are made of, where orch knows it.
    pub(super) fn image(&self) -> Option<&ImageId> {
        match &self.order {
            Order::Docker(order) => order.image.as_ref()?.id.as_ref(),
            Order::Kube(_) => None,
        }
    }

    /// Whether it is made anew also where it is what it should be.
    pub(super) fn replace(&mut self, replace: bool) {
        match &mut self.order {
            Order::Docker(order) if order.replace != replace => Arc::make_mut(order).replace = replace,
            // What differs is put back, and nothing else touched.
            Order::Kube(order) if order.restart => Arc::make_mut(order).restart = false,
            Order::Docker(_) | Order::Kube(_) => {}
        }
    }

    /// Whether both are the same, but for how they come to it.
    pub(super) fn is_alike(&self, other: &Self) -> bool {
        match (&self.order, &other.order) {
            (Order::Docker(one), Order::Docker(other)) => one.fingerprint == other.fingerprint,
            (Order::Kube(one), Order::Kube(other)) => kube::is_alike(one, other),
            (Order::Docker(_), Order::Kube(_)) | (Order::Kube(_), Order::Docker(_)) => false,
        }
    }
}

/// Whether all its containers run, as far as is known.
pub(super) fn run(node: &Node) -> bool {
    node.live().is_some_and(|live| !live.stopping && live.footing() == Some(Footing::Firm))
}

/// Whether what runs is just what it is to be, so that nothing has to be done for it.
pub(super) fn is_there(node: &Node, wanted: &Raised) -> bool {
    let Some(raised) = &node.workload.raised else { return false };
    let same_image = |(image, value): &(NodeId, Value)| {
        raised.values.iter().any(|(other, before)| other == image && before.is_same(value))
    };
    let mut own = wanted.values.iter().filter(|(image, _)| node.edges.images.contains(image));
    run(node) && raised.is_alike(wanted) && own.all(same_image)
}

/// What tells that these are the same containers as before, sorted.
pub(super) fn ids(there: &There) -> Vec<ContainerId> {
    let mut ids = match there {
        There::None => Vec::new(),
        There::Containers(containers) => containers.iter().map(|container| container.id.clone()).collect(),
        There::Cluster(there) => kube::container_lives(there),
    };
    ids.sort();
    ids
}

/// The containers that live, if any do.
pub(super) fn living(live: Option<&Live>) -> &[ContainerState] {
    live.map(|live| live.row.containers.as_slice()).unwrap_or_default()
}
