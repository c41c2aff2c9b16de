//! What a cluster has of a Kubernetes resource, as it is shown and decided upon.

use super::Digest;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Which object of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// The group of its kind, without a version; that of the oldest kinds is empty.
    pub group: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// As written, else that of the cluster. Says nothing about kinds that have none.
    pub namespace: String,
    /// Its name; `generateName`, with `*` at its end, where the server makes one.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind, self.name)
    }
}

/// What the cluster has of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KubeState {
    /// Its objects with the project's mark, those that are being deleted left out.
    pub objects: BTreeMap<ObjectKey, ObjectState>,
    /// Its pods, the newest first.
    pub pods: Vec<PodState>,
    /// What keeps pods from being made, in Kubernetes' words: a quota, or an admission that refused them.
    pub trouble: Option<String>,
}

/// An object of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectState {
    /// The annotation `orch.dev/fingerprint`: of what it was applied from.
    pub fingerprint: Option<Digest>,
    /// What somebody changed of what was applied, in the user's words: `spec.replicas is 3, not 1`. Fields that a controller
    /// which is known for it took over do not count.
    pub drift: Option<String>,
    /// The user wants it to stay when the Orchfile has it no more.
    #[serde(default)]
    pub is_kept: bool,
    /// A Job that has ended well, whatever became of its pods.
    #[serde(default)]
    pub is_complete: bool,
}

/// Which pod, for all time: its `uid`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PodId(pub Arc<str>);

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodState {
    /// Another pod of the same name has another.
    pub id: PodId,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether it belongs to what was applied last: the newest revision of its owner. The others end, and decide nothing.
    pub is_current: bool,
    /// Whether it is being deleted.
    pub is_ending: bool,
    /// When it was made, in nanoseconds since 1970.
    pub created_at_ns: i64,
    /// Where in its life it is.
    pub phase: PodPhase,
    /// Its condition `Ready`.
    pub is_ready: bool,
    /// What keeps it from running, with the event or the state that explains it: `cannot be scheduled: 0/1 nodes …`.
    pub trouble: Option<String>,
    /// Its containers, the initial ones first.
    pub containers: Vec<PodContainer>,
}

/// Where in its life a pod is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodPhase {
    /// Not all of its containers were started yet.
    Pending,
    /// They were.
    Running,
    /// All of them ended well, and stay so.
    Succeeded,
    /// All of them ended, not all of them well.
    Failed,
    /// Its node does not answer.
    Unknown,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodContainer {
    /// Its name in the pod.
    pub name: String,
    /// The image that it was made of, as the pod names it.
    pub image: String,
    /// Whether it runs before the others.
    pub is_initial: bool,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Whether a probe of its own decides that. Without one it is ready as soon as it runs.
    pub is_checked: bool,
    /// How often the node started it again.
    pub restarts: u32,
    /// When it was started last, in nanoseconds since 1970: another start is another value. 0 before the first.
    pub started_at_ns: i64,
    /// Where in its life it is.
    pub phase: PodContainerPhase,
}

/// Where in its life a container of a pod is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodContainerPhase {
    /// It does not run yet, or not again.
    Waiting {
        /// Kubernetes' word, such as `ImagePullBackOff`; may be empty.
        reason: String,
        /// What it says about that; may be empty.
        message: String,
    },
    /// It runs.
    Running,
    /// It ended.
    Ended {
        /// With this code.
        code: i32,
        /// Kubernetes' word, such as `OOMKilled`; may be empty.
        reason: String,
    },
}

/// What a local port does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardState {
    /// What was asked for, by its place among the resource's forwards.
    pub index: usize,
    /// The port here, also where any free one was asked for.
    pub local_port: u16,
    /// The pod and its port that it leads to; `None` while there is none.
    pub to: Option<(PodId, u16)>,
    /// Why it does not work, and what to do about it.
    pub trouble: Option<String>,
}

/// Where images are pushed so that a cluster finds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRegistry {
    /// As this machine calls it: `localhost:5005`.
    pub host: String,
    /// As pods call it; `None` where that is the same.
    pub from_cluster: Option<String>,
}
