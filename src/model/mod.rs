//! The nouns of orch as plain data: no behaviour beyond their own invariants, no I/O.

pub mod attempt;
pub mod button;
pub mod compose;
pub mod container;
pub mod digest;
pub mod dockerfile;
pub mod exit;
mod glob;
pub mod graph;
pub mod id;
pub mod ignore;
pub mod image;
pub mod image_ref;
pub mod input;
pub mod known;
pub mod kube;
pub mod kube_cluster;
pub mod kube_object;
pub mod kube_state;
pub mod live_update;
pub mod local;
pub mod mode;
pub mod name;
pub mod paths;
pub mod probe;
pub mod project;
pub mod project_id;
pub mod resource;
pub mod success;
pub mod time;

pub use attempt::{Attempt, Level};
pub use button::{Button, ButtonAction, ButtonInput, InputKind, InvalidInput};
pub use compose::{ComposeProject, compose_plugins};
pub use container::{
    BoundPort, Container, ContainerId, ContainerImage, ContainerPhase, ContainerSource, ContainerSpec, ContainerState,
    Health, HealthCheck, NetworkUse, Overlay, Port, Volume, VolumeSource,
};
pub use digest::{Digest, SetDigest};
pub use dockerfile::Dockerfile;
pub use exit::{Exit, Failure};
pub use graph::{Condition, Edge, EdgeKind, NodeKey};
pub use id::{EvaluationId, InstanceId, RequestId, RunId};
pub use ignore::IgnoreRule;
pub use image::{
    Build, Built, ComposeBuild, CustomBuild, CustomOutput, DockerBuild, Image, ImageId, ImageKey, ImageRecord,
};
pub use image_ref::{ImageRef, InvalidRef};
pub use input::{EvaluationInput, Seen};
pub use known::KnownFile;
pub use kube::{
    ContainerSelector, CustomDeploy, Discovery, ImageLocator, KubeLiveUpdate, KubeSpec, PodReadiness, PortForward,
    UNCATEGORIZED,
};
pub use kube_cluster::{Cluster, KubeSettings, Product};
pub use kube_object::{ImageForm, ImagePlace, Injected, KubeObject};
pub use kube_state::{
    ClusterRegistry, ForwardState, KubeState, ObjectKey, ObjectState, PodContainer, PodContainerPhase, PodId, PodPhase,
    PodState,
};
pub use live_update::{LiveUpdate, RestartStep, RunStep, Sync, Trigger, Unmatched};
pub use local::{Command, Local, Restart, Serve};
pub use mode::Mode;
pub use name::{InvalidName, ResourceName};
pub use paths::{FilePath, FileSet, PathIndex, WatchSet};
pub use probe::{Probe, ProbeAction};
pub use project::{CiSettings, DockerPrune, Project, Registry, Secret, Settings};
pub use project_id::{InvalidProjectId, ProjectId};
pub use resource::{Dependency, Kind, Link, Location, Resource, TriggerMode};
pub use success::Success;
pub use time::Time;
