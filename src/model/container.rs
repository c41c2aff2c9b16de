//! Containers: compose services, and plain ones.

use super::{Digest, FilePath, FileSet, ImageId, ImageKey, LiveUpdate, Restart};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

/// The spec of a container resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// Where it is declared.
    pub source: ContainerSource,
    /// What it is made of.
    pub image: ContainerImage,
    /// What is done in it when files change; one for each image that has steps, the container's own first.
    pub live_updates: Vec<LiveUpdate>,
    /// All files that the images below it are made of, and those that `live_updates` name: a change of one makes it dirty.
    /// One set for each image, since what one ignores another may need. Filled by `lower`.
    pub inputs: Vec<Arc<FileSet>>,
    /// Whether it has a health check: it is ready when that passes, else when it runs.
    pub health_check: bool,
    /// What orch does when it ends unasked; `None` where nothing is said, and the mode decides.
    pub restart: Option<Restart>,
    /// Whether the engine itself starts it again (`restart:` of Docker), so that orch leaves that to it.
    pub engine_restarts: bool,
    /// Whether published ports become links.
    pub infer_links: bool,
}

/// Where a container is declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerSource {
    /// A service of a compose project.
    Compose {
        /// The name of the project.
        project: String,
        /// The service.
        service: String,
        /// What the compose tool made of the service, as JSON with sorted keys: the definition.
        definition: String,
    },
    /// `docker_container(…)`.
    Plain(Box<ContainerSpec>),
}

/// What a container is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerImage {
    /// An image of the project: a data edge.
    Built(ImageKey),
    /// One that the engine has or pulls.
    Pulled(String),
}

/// `docker_container(…)`. Names and meanings are those of `docker run`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "switches of `docker run`, each on its own")]
pub struct ContainerSpec {
    /// `None` is the image's.
    pub command: Option<Vec<String>>,
    /// `None` is the image's.
    pub entrypoint: Option<Vec<String>>,
    /// Sorted by name.
    pub env: BTreeMap<String, String>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// What is mounted.
    pub volumes: Vec<Volume>,
    /// Networks it joins; none is one of the project's own, where its name is the resource's.
    pub networks: Vec<NetworkUse>,
    /// Its health check; `None` is the image's.
    pub health: Option<HealthCheck>,
    /// `user[:group]`; `None` is the image's.
    pub user: Option<String>,
    /// `None` is the image's.
    pub workdir: Option<String>,
    /// The user's own labels.
    pub labels: BTreeMap<String, String>,
    /// `None` is made of its id.
    pub hostname: Option<String>,
    /// In bytes.
    pub memory_bytes: Option<u64>,
    /// In thousandths of a core.
    pub cpu_millis: Option<u64>,
    /// At most so many processes.
    pub pids_max: Option<u32>,
    /// In bytes.
    pub shm_bytes: Option<u64>,
    /// A small init as process 1.
    pub init: bool,
    /// All that the host may.
    pub privileged: bool,
    /// The root file system cannot be written.
    pub read_only: bool,
    /// A terminal as its standard output.
    pub tty: bool,
    /// Capabilities added.
    pub cap_add: Vec<String>,
    /// Capabilities taken away.
    pub cap_drop: Vec<String>,
    /// Folders in memory, as `docker run --tmpfs` takes them.
    pub tmpfs: Vec<String>,
    /// `HOST:IP`.
    pub extra_hosts: Vec<String>,
    /// `None` is the image's.
    pub stop_signal: Option<String>,
    /// How long it has between asking and killing; `None` is the mode's.
    pub stop_timeout: Option<Duration>,
    /// Empty is the engine's.
    pub platform: String,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// `None` is 127.0.0.1.
    pub host_ip: Option<String>,
    /// `None` is a free one.
    pub host_port: Option<u16>,
    /// In the container.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// Something mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// What.
    pub source: VolumeSource,
    /// Where in the container.
    pub target: String,
    /// It cannot be written there.
    pub read_only: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeSource {
    /// A file or folder of this machine.
    Bind(FilePath),
    /// A volume of the project.
    Named(String),
    /// A volume that goes with the container.
    Anonymous,
}

/// A network that a container joins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkUse {
    /// Its name; made for the project where it is not there.
    pub name: String,
    /// Further names of the container there; the resource's name always is one.
    pub aliases: Vec<String>,
}

/// A health check that the engine does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// As Docker has it: `["CMD", …]`, `["CMD-SHELL", text]` or `["NONE"]`.
    pub test: Vec<String>,
    /// `None` is Docker's 30 s; and so on.
    pub interval: Option<Duration>,
    /// How long one check may take.
    pub timeout: Option<Duration>,
    /// Failures before that do not count.
    pub start_period: Option<Duration>,
    /// Failures in a row that make it unhealthy.
    pub retries: Option<u32>,
}

/// The id that the engine gave a container.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContainerId(pub Arc<str>);

impl ContainerId {
    /// The first twelve digits, as Docker shows it.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.short())
    }
}

/// A container as the engine shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// Its id: another container has another.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// What it was made of.
    pub image: ImageId,
    /// The label `orch.fingerprint`; `None` where it is not orch's.
    pub fingerprint: Option<Digest>,
    /// Where in its life it is.
    pub phase: ContainerPhase,
    /// What its health check says; `None` where it has none.
    pub health: Option<Health>,
    /// What the last failed check printed.
    pub health_output: Option<String>,
    /// When it was started last, in nanoseconds since 1970: another start is another value. 0 before the first.
    pub started_at_ns: i64,
    /// How often the engine started it again by itself.
    pub engine_restarts: u32,
    /// Published ports, as they are bound now.
    pub ports: Vec<BoundPort>,
    /// How somebody changed it since it was made, as in "it is called `y` now"; `None` where nobody did.
    #[serde(default)]
    pub changed: Option<String>,
}

impl ContainerState {
    /// Whether it runs, and is healthy where somebody checks that.
    pub fn is_well(&self) -> bool {
        self.phase == ContainerPhase::Running && self.health.is_none_or(|health| health == Health::Healthy)
    }
}

/// Where in its life a container is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerPhase {
    /// It was made and not started.
    Created,
    /// It runs.
    Running,
    /// It is frozen.
    Paused,
    /// The engine is about to start it again by itself.
    Restarting,
    /// It ended with this code.
    Exited {
        /// Of its process 1.
        code: i32,
        /// It needed more memory than it may have.
        out_of_memory: bool,
    },
    /// It cannot be used any more (`dead`, `removing`).
    Dead,
}

/// What a health check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It has not passed yet.
    Starting,
    /// It passes.
    Healthy,
    /// It failed too often in a row.
    Unhealthy,
}

/// A port of a container that can be reached from this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BoundPort {
    /// The address it is bound to.
    pub host_ip: String,
    /// On this machine.
    pub host_port: u16,
    /// In the container.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// What was changed in a container since it was made: for each file the content that was copied, `None` where it was removed.
/// Void when the container is another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Overlay {
    /// The containers that have it.
    pub containers: Vec<ContainerId>,
    /// By the path of the file on this machine; [`Digest::UNKNOWN`] where a change did not come to its end.
    pub files: BTreeMap<FilePath, Option<Digest>>,
}
