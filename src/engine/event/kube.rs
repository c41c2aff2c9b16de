//! What happens with a cluster.

use crate::model::{ClusterRegistry, Failure, ForwardState, InstanceId, KubeState, RequestId, ResourceName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that happened with Kubernetes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KubeEvent {
    /// Answer to `Look`. Where the cluster cannot be reached `Lost` comes instead, and the question is asked anew after `Back`.
    Seen {
        /// Which question.
        request: RequestId,
        /// What is there.
        seen: KubeSeen,
    },
    /// What the cluster has of a resource now, all of it: told whenever something about it changed. After a run that changed it,
    /// told before its `RunEnded`.
    Changed {
        /// Whose.
        resource: ResourceName,
        /// What is there.
        state: KubeState,
    },
    /// What `Follow` asked for is over.
    FollowEnded {
        /// Which instance.
        instance: InstanceId,
    },
    /// What the local ports of a resource do now.
    Forwarded {
        /// Whose.
        resource: ResourceName,
        /// Each of them.
        ports: Vec<ForwardState>,
    },
    /// The cluster went away, or never was there, or does not let us in. What runs on it ends with a failure after this.
    Lost {
        /// Why, with its address, and what to do about it.
        failure: Failure,
    },
    /// It can be reached again.
    Back,
}

/// What a cluster has of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KubeSeen {
    /// By the resource that the mark names, or whose objects they are.
    pub resources: BTreeMap<ResourceName, KubeState>,
    /// Where it wants images to be pushed (KEP-1755); `None` where it does not say.
    pub registry: Option<ClusterRegistry>,
}
