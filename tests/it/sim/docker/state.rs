//! Images and containers as the simulated Docker Engine has them.

use super::Docker;
use crate::sim::script::Script;
use orch::{
    engine::RaiseOrder,
    model::{
        BoundPort, Container, ContainerId, ContainerPhase, ContainerSource, ContainerState, Digest, FilePath, Health,
        Image, ImageId, ImageKey, ResourceName, Time,
    },
};
use std::{collections::BTreeMap, sync::Arc};

/// An image as it was made.
#[derive(Debug, Clone)]
pub(crate) struct SimImage {
    /// As it was declared.
    pub(crate) image: Arc<Image>,
    pub(crate) reference: String,
    /// What its build saw of its inputs.
    pub(crate) files: BTreeMap<FilePath, String>,
    pub(crate) bases: BTreeMap<ImageKey, ImageId>,
}

/// A container as it is.
#[derive(Debug, Clone)]
pub(crate) struct SimContainer {
    pub(crate) resource: ResourceName,
    /// Among the containers of its resource.
    pub(crate) place: u64,
    /// What it was made of.
    pub(crate) container: Arc<Container>,
    pub(crate) image: ImageId,
    /// Its label, if orch made it.
    pub(crate) fingerprint: Option<Digest>,
    pub(crate) phase: ContainerPhase,
    pub(crate) health: Option<Health>,
    pub(crate) started_at: Option<Time>,
    /// How often it was started.
    pub(crate) lives: u32,
    pub(crate) engine_restarts: u32,
    /// What was changed in it since it was made; `None` is removed. By the path in it.
    pub(crate) layer: BTreeMap<String, Option<String>>,
    pub(crate) made_at: Time,
    pub(crate) script: Script,
}

impl SimContainer {
    pub(crate) fn is_running(&self) -> bool {
        self.phase == ContainerPhase::Running
    }

    /// Whether its process is there, frozen or not.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.phase, ContainerPhase::Running | ContainerPhase::Paused)
    }
}

/// What a container does, as its command says it.
pub(crate) fn script_of(container: &Container) -> Script {
    let words = match &container.source {
        ContainerSource::Compose { definition, .. } => definition.replace(['"', ',', '{', '}', '[', ']', ':'], " "),
        ContainerSource::Plain(spec) => spec.command.clone().unwrap_or_default().join(" "),
    };
    Script::parse(&[words], &FilePath::new("/"))
}

/// The id of an image that is not built here.
pub(crate) fn pulled_id(reference: &str) -> ImageId {
    image_id(&Digest::of(reference.as_bytes()))
}

pub(super) fn image_id(digest: &Digest) -> ImageId {
    ImageId(format!("sha256:{digest}{}", Digest::of(&digest.0)).into())
}

fn ports_of(container: &Container) -> Vec<BoundPort> {
    let ContainerSource::Plain(spec) = &container.source else { return Vec::new() };
    let bound = |port: &orch::model::Port| BoundPort {
        host_ip: port.host_ip.clone().unwrap_or_else(|| "127.0.0.1".to_owned()),
        host_port: port.host_port.unwrap_or(port.container_port),
        container_port: port.container_port,
        protocol: port.protocol.clone(),
    };
    spec.ports.iter().map(bound).collect()
}

impl Docker {
    /// The containers of a resource, in their order.
    pub(crate) fn of(&self, name: &ResourceName) -> impl Iterator<Item = (&ContainerId, &SimContainer)> {
        self.containers.iter().filter(move |(_, one)| one.resource == *name)
    }

    pub(crate) fn ids_of(&self, name: &ResourceName) -> Vec<ContainerId> {
        self.of(name).map(|(id, _)| id.clone()).collect()
    }

    /// The containers of a resource as the engine shows them.
    pub(crate) fn states_of(&self, name: &ResourceName) -> Vec<ContainerState> {
        self.of(name).map(|(id, one)| state_of(id, one)).collect()
    }

    /// The image that a reference names, if it is there.
    pub(super) fn image_of(&self, reference: &str) -> Option<ImageId> {
        self.images.iter().find(|(_, image)| image.reference == reference).map(|(id, _)| id.clone())
    }

    pub(super) fn new_id(&mut self) -> ContainerId {
        self.made += 1;
        ContainerId(format!("{:012x}", self.made).into())
    }

    /// Makes a container; it does not run yet.
    pub(super) fn make(&mut self, now: Time, resource: &ResourceName, place: u64, order: &RaiseOrder, image: ImageId) {
        let one = SimContainer {
            resource: resource.clone(),
            place,
            container: Arc::clone(&order.container),
            image,
            fingerprint: Some(order.fingerprint),
            phase: ContainerPhase::Created,
            health: None,
            started_at: None,
            lives: 0,
            engine_restarts: 0,
            layer: BTreeMap::new(),
            made_at: now,
            script: script_of(&order.container),
        };
        let id = self.new_id();
        self.containers.insert(id, one);
    }
}

fn state_of(id: &ContainerId, one: &SimContainer) -> ContainerState {
    let since_1970 = std::time::Duration::from_secs(1_700_000_000);
    let started_at = one.started_at.map_or(0, |at| i64::try_from((since_1970 + at.0).as_nanos()).expect("in time"));
    ContainerState {
        id: id.clone(),
        name: format!("p-{}-{}", one.resource, one.place + 1),
        image: one.image.clone(),
        fingerprint: one.fingerprint,
        phase: one.phase.clone(),
        health: one.health,
        health_output: (one.health == Some(Health::Unhealthy)).then(|| "it is sick".to_owned()),
        started_at_ns: started_at,
        engine_restarts: one.engine_restarts,
        ports: if one.is_alive() { ports_of(&one.container) } else { Vec::new() },
        changed: None,
    }
}
