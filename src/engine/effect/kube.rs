//! What orch does with a cluster.

use crate::model::{
    Cluster, Command, Digest, FilePath, InstanceId, KubeObject, ObjectKey, PodId, PortForward, RequestId, ResourceName,
    RunId, RunStep,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Something to do with Kubernetes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KubeEffect {
    /// Look what of the project the cluster has, and follow it from then on (`KubeEvent::Changed`). `Seen` or `Lost` follows.
    /// Comes before anything else; that the cluster may be talked to was decided before it.
    Look {
        /// Which question.
        request: RequestId,
        /// Which cluster.
        cluster: Arc<Cluster>,
        /// The objects that the project has, by resource. What has the project's mark and is none of them is told too.
        objects: Arc<BTreeMap<ResourceName, Vec<ExpectedObject>>>,
        /// How the pods of each resource are found.
        pods: Arc<BTreeMap<ResourceName, PodSearch>>,
    },
    /// Bring the objects of a resource to what the order says. Those that have its fingerprint and were not changed since are not
    /// touched; objects of the resource that the order does not have are deleted, unless an annotation keeps them. Exactly one
    /// `RunEnded` follows, after their `Changed`. `CancelRun` leaves what is applied until then.
    Apply {
        /// Which run.
        run: RunId,
        /// Whose they are.
        resource: ResourceName,
        /// What they are to be.
        order: Arc<ApplyOrder>,
    },
    /// Change files in running containers of pods: one order after the other, each in all of its containers at once. Ends as
    /// `DockerEffect::Update` does; the first order that fails ends it.
    Update {
        /// Which run.
        run: RunId,
        /// Whose they are.
        resource: ResourceName,
        /// What is done.
        orders: Vec<Arc<PodUpdateOrder>>,
    },
    /// Delete the objects of a resource with the project's mark, in reverse order of kinds, and wait until they are gone. Namespaces
    /// and definitions of kinds stay. Exactly one `RunEnded` follows.
    Delete {
        /// Which run.
        run: RunId,
        /// Whose they are.
        resource: ResourceName,
        /// Run instead where the resource was applied by a command.
        command: Option<Box<CustomCommand>>,
        /// How long to wait until they are gone.
        timeout: Duration,
    },
    /// Follow the logs of all pods of a resource that are current, each container from its start or from the session's start, whichever
    /// is later, those of earlier attempts included. `KubeEvent::FollowEnded` follows after `StopFollowing`.
    Follow {
        /// Which instance.
        instance: InstanceId,
        /// Whose log it writes.
        resource: ResourceName,
    },
    /// Follow an instance no longer; its pods go on.
    StopFollowing {
        /// Which instance.
        instance: InstanceId,
    },
    /// From now on these local ports lead to the newest current pod of a resource, whatever happens to pods and network; none
    /// ends them. Told by `KubeEvent::Forwarded`.
    Forward {
        /// Whose pods.
        resource: ResourceName,
        /// Which ports.
        ports: Vec<PortForward>,
    },
    /// Delete what is left with the project's mark: objects of resources that nobody knows any more, definitions of kinds, and
    /// namespaces where that was asked for. Exactly one `RunEnded` follows.
    Clean {
        /// Which run.
        run: RunId,
        /// Namespaces too.
        namespaces: bool,
    },
}

/// An object that the project has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedObject {
    /// Which object it is.
    pub key: ObjectKey,
    /// As it was written: what of it somebody changed is told, also where a session before this one applied it.
    pub declared: Arc<KubeObject>,
    /// As [`AppliedObject::left_alone`].
    pub left_alone: Vec<String>,
}

/// How the pods of a resource are found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PodSearch {
    /// By what owns them.
    pub owned: bool,
    /// By labels: one of these sets, all labels of a set.
    pub selectors: Vec<BTreeMap<String, String>>,
}

/// What the objects of a resource are to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplyOrder {
    /// What is applied, in this order of kinds; those of one kind may be applied at once.
    pub objects: Vec<AppliedObject>,
    /// Applies what it likes and prints the YAML of it, instead of `objects`.
    pub custom: Option<Box<CustomCommand>>,
    /// Images of this machine's Docker Engine that the nodes are given before, where no registry leads there: by the tool of the
    /// cluster's product (kind, k3d, minikube), each once a session.
    pub load: Vec<String>,
    /// Applied also where they have their fingerprint: a user asked for it, or they were changed by somebody else. Pods of workloads
    /// are made anew.
    pub restart: bool,
    /// How long it may take.
    pub timeout: Duration,
}

/// An object as it is applied: with the images of the project in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppliedObject {
    /// Which object it is.
    pub key: ObjectKey,
    /// As it was written: for messages.
    pub declared: Arc<KubeObject>,
    /// What is sent, without orch's own marks.
    pub value: Value,
    /// Of `value`.
    pub fingerprint: Digest,
    /// Fields that something else than orch may change, as JSON pointers: `/spec/replicas` under an autoscaler.
    pub left_alone: Vec<String>,
}

/// The command of a custom deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomCommand {
    /// What is run.
    pub command: Command,
    /// Set (or, with `None`, removed) on top of orch's own environment: the project's overlay, and the images.
    pub environment: BTreeMap<String, Option<String>>,
    /// The mark that the objects get.
    pub fingerprint: Digest,
    /// How long it may take to end when it is told to.
    pub grace: Duration,
}

/// What is changed in running containers of pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodUpdateOrder {
    /// In which: pods, with the name of the container.
    pub containers: Vec<(PodId, String)>,
    /// Files of this machine, each with its absolute path in the container. One that is gone by then is removed there.
    pub copies: Vec<(FilePath, String)>,
    /// Absolute paths in the container that are removed.
    pub removals: Vec<String>,
    /// Folders of this machine in which files were removed, as `UpdateOrder::folders`.
    pub folders: Vec<(FilePath, String)>,
    /// Run after that, in this order.
    pub runs: Vec<RunStep>,
}
