//! What happens with images and containers.

use crate::model::{ContainerState, Failure, ImageId, InstanceId, RequestId, ResourceName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Something that happened with Docker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DockerEvent {
    /// Answer to `Look`. Where the engine cannot be reached `Lost` comes instead, and the question is asked anew
    /// after `Back`.
    Seen {
        /// Which question.
        request: RequestId,
        /// What is there.
        seen: DockerSeen,
    },
    /// The containers of a resource as they are now, all of them: told whenever something about one of them changed, for all that
    /// carry the project's mark. After a run that made them, told before its `RunEnded`.
    ContainersChanged {
        /// Whose.
        resource: ResourceName,
        /// None is none.
        containers: Vec<ContainerState>,
    },
    /// What `Follow` asked for is over: all output of these containers up to their end is in the log.
    FollowEnded {
        /// Which instance.
        instance: InstanceId,
    },
    /// The Docker Engine went away, or never was there. What runs on it ends with a failure after this.
    Lost {
        /// Why, and what to do about it.
        failure: Failure,
    },
    /// It can be reached again.
    Back,
}

/// What the Docker Engine has of a project.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DockerSeen {
    /// All containers with the project's mark, by the resource that the mark names.
    pub containers: BTreeMap<ResourceName, Vec<ContainerState>>,
    /// Which of the images that were asked for are there.
    pub images: BTreeSet<ImageId>,
}
