//! What orch does with images and containers.

use crate::model::{
    Built, ComposeProject, Container, ContainerId, Digest, DockerPrune, FilePath, Image, ImageId, ImageKey,
    ImageRecord, InstanceId, Overlay, RequestId, ResourceName, RunId, RunStep,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Something to do with Docker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DockerEffect {
    /// Look what of the project the Docker Engine has, and follow it from then on (`ContainersChanged`). `Seen` or `Lost`
    /// follows.
    Look {
        /// Which question.
        request: RequestId,
        /// Which images may still be there.
        images: Vec<ImageId>,
    },
    /// Make an image, tag it, push it where it says so. Exactly one `RunEnded` follows; `CancelRun` ends it.
    Build {
        /// Which run.
        run: RunId,
        /// Whose log it writes: a resource that needs the image.
        resource: ResourceName,
        /// What is made.
        order: Arc<BuildOrder>,
    },
    /// Bring the containers of a resource to what the order says: made where there are none, replaced where they are others, started
    /// where they do not run. Exactly one `RunEnded` follows, after their `ContainersChanged`.
    Raise {
        /// Which run.
        run: RunId,
        /// Whose they are.
        resource: ResourceName,
        /// What they are to be.
        order: Arc<RaiseOrder>,
        /// How long one that is replaced may take to end.
        grace: Duration,
    },
    /// Change files in running containers, all at once. Exactly one `RunEnded` follows: `Exit::Code` of a step that failed in all of
    /// them; `Exit::NotStarted` where copying failed, or a step failed in some only, so that they are no longer alike.
    Update {
        /// Which run.
        run: RunId,
        /// Whose they are.
        resource: ResourceName,
        /// What is done.
        order: Arc<UpdateOrder>,
        /// How long a container that is started again may take to end.
        grace: Duration,
    },
    /// Stop and remove the containers of a resource, whichever carry its mark. Exactly one `RunEnded` follows.
    Remove {
        /// Which run.
        run: RunId,
        /// Whose they are.
        resource: ResourceName,
        /// How long they may take to end.
        grace: Duration,
    },
    /// Follow the logs of these containers, from their start or from the session's start, whichever is later. `FollowEnded`
    /// follows when they have ended, or after `StopFollowing`.
    Follow {
        /// Which instance.
        instance: InstanceId,
        /// Whose log it writes.
        resource: ResourceName,
        /// Which containers.
        containers: Vec<ContainerId>,
    },
    /// Follow an instance no longer; its containers go on.
    StopFollowing {
        /// Which instance.
        instance: InstanceId,
    },
    /// Stop containers: ask, and after `grace` kill. Told by `ContainersChanged`.
    Stop {
        /// Whose they are.
        resource: ResourceName,
        /// Which.
        containers: Vec<ContainerId>,
        /// How long to wait between asking and killing.
        grace: Duration,
    },
    /// Remove what is left of the project on the Docker Engine once the containers of its resources are gone: networks, containers
    /// with its mark of no known resource, and volumes where that was asked for. Exactly one `RunEnded` follows.
    Clean {
        /// Which run.
        run: RunId,
        /// The compose projects of the project: what their services shared goes too, unless others use it.
        compose: Vec<String>,
        /// Named volumes too.
        volumes: bool,
    },
    /// Remove old images of the project. Nothing follows.
    Prune {
        /// Which.
        settings: DockerPrune,
        /// These stay.
        keep: Vec<ImageId>,
    },
    /// Record what an image was built of, durably.
    RememberImage {
        /// Which.
        image: ImageKey,
        /// What was made of what.
        record: Arc<ImageRecord>,
    },
    /// Record what was changed in the containers of a resource, durably, before the next effect is performed.
    RememberOverlay {
        /// Whose.
        resource: ResourceName,
        /// All of it.
        overlay: Arc<Overlay>,
    },
}

/// An image to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildOrder {
    /// What is declared.
    pub image: Arc<Image>,
    /// The images it is made of, as they were made.
    pub bases: BTreeMap<ImageKey, Built>,
    /// Set (or, with `None`, removed) on top of orch's own environment: the project's overlay.
    pub environment: BTreeMap<String, Option<String>>,
    /// The compose project of an image that `docker compose build` makes.
    pub compose: Option<Arc<ComposeProject>>,
    /// How long the command of a custom build may take to end.
    pub grace: Duration,
}

/// What containers are to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaiseOrder {
    /// What is declared.
    pub container: Arc<Container>,
    /// The compose project of a compose service.
    pub compose: Option<Arc<ComposeProject>>,
    /// What its image was made to; `None` where it is not made here.
    pub image: Option<Built>,
    /// The label that they get: others are replaced.
    pub fingerprint: Digest,
    /// Replaced also where they have that label: a user asked for it, or their files were changed.
    pub replace: bool,
    /// Set (or, with `None`, removed) on top of orch's own environment: the project's overlay.
    pub environment: BTreeMap<String, Option<String>>,
}

/// What is changed in running containers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateOrder {
    /// In which.
    pub containers: Vec<ContainerId>,
    /// Files of this machine, each with its absolute path in the container. One that is gone by then is removed there.
    pub copies: Vec<(FilePath, String)>,
    /// Absolute paths in the container that are removed.
    pub removals: Vec<String>,
    /// Folders of this machine in which files were removed, each with its absolute path in the container. One that is gone by then is
    /// removed there, with all that is in it.
    pub folders: Vec<(FilePath, String)>,
    /// Run after that, in this order.
    pub runs: Vec<RunStep>,
    /// Whether the containers are started again at the end.
    pub restart: bool,
}
