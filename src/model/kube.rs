//! Kubernetes resources: what is applied, and what is expected of the pods that come of it.

use super::{Command, FileSet, ImageKey, KubeObject, LiveUpdate};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The resource that holds what belongs to no other.
pub const UNCATEGORIZED: &str = "uncategorized";

/// The spec of a Kubernetes resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeSpec {
    /// What is applied, in this order of kinds; those of one kind may be applied at once.
    pub objects: Vec<Arc<KubeObject>>,
    /// A command that applies what it likes, instead of or besides `objects`.
    pub custom: Option<Box<CustomDeploy>>,
    /// Images of the project that it is deployed with, each once: data edges. Filled by `lower`.
    pub images: Vec<ImageKey>,
    /// Images that nobody builds, and into whose containers files are copied: those of `KubeSettings::synced_images` that count
    /// for it.
    pub synced: Vec<ImageKey>,
    /// Where its objects name images besides the usual places; [`KubeObject::images`] has what was found by them.
    pub image_locators: Vec<ImageLocator>,
    /// What is done in its containers when files change, each with the containers that are meant. Filled by `lower`.
    pub live_updates: Vec<KubeLiveUpdate>,
    /// All files that the images below it are made of, those that `live_updates` name, and `deps` of `custom`: a change of one
    /// makes it dirty. Filled by `lower`.
    pub inputs: Vec<Arc<FileSet>>,
    /// When it counts as ready.
    pub pod_readiness: PodReadiness,
    /// Labels of further pods that are its own: one of these sets, all labels of a set.
    pub extra_pod_selectors: Vec<BTreeMap<String, String>>,
    /// How its pods are found; `None` where the file does not say, which is `Default`.
    pub discovery: Option<Discovery>,
    /// Local ports that lead to its newest pod.
    pub port_forwards: Vec<PortForward>,
    /// Whether the other Kubernetes resources wait while it is being applied: it holds what belongs to none of them (namespaces,
    /// definitions of kinds, configuration).
    pub before_others: bool,
    /// How long applying it may take, where that is said of it alone.
    #[serde(default)]
    pub timeout: Option<Duration>,
}

/// `k8s_custom_deploy(…)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomDeploy {
    /// Applies, and prints the YAML of what it applied.
    pub apply: Command,
    /// Removes it again.
    pub delete: Command,
    /// `deps`, but for what a live update answers for: a change applies it anew.
    pub inputs: Arc<FileSet>,
    /// Images of the project that `apply` finds in `TILT_IMAGE_0` and so on, in this order. Filled by `lower`.
    pub image_deps: Vec<ImageKey>,
}

/// Where objects of some kinds name images: `k8s_kind` and `k8s_image_json_path`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLocator {
    /// Which objects are meant: regular expressions that are found in what they are about, whatever the case. Empty is any.
    pub kind: String,
    /// As `kind`.
    pub name: String,
    /// As `kind`.
    pub namespace: String,
    /// As `kind`.
    pub api_version: String,
    /// Where in them, as `kubectl` takes it: `{.spec.image}`.
    pub path: String,
    /// The fields with repository and tag, where an object is there; a string where `None`.
    pub fields: Option<(String, String)>,
}

/// A live update with the containers in which it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeLiveUpdate {
    /// Where.
    pub containers: ContainerSelector,
    /// What.
    pub update: LiveUpdate,
}

/// Which containers of a resource's pods are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerSelector {
    /// Those made of this image of the project.
    Built(ImageKey),
    /// Those whose image has this name, whoever built it; with a tag, just that tag.
    Image(ImageKey),
    /// The container of this name.
    Name(String),
}

/// When a Kubernetes resource counts as ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PodReadiness {
    /// When it is applied.
    Ignore,
    /// When the newest pod runs and all its containers are ready.
    Wait,
    /// When the newest pod has ended well.
    Succeeded,
}

/// How the pods of a resource are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discovery {
    /// By what owns them, and by `extra_pod_selectors`.
    #[default]
    Default,
    /// By `extra_pod_selectors` alone.
    SelectorsOnly,
}

/// A local port that leads to a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortForward {
    /// Here; 0 is any that is free.
    pub local_port: u16,
    /// In the pod; 0 is `local_port` where a container declares that, else the first port that one declares, else `local_port`.
    pub container_port: u16,
    /// The address to listen on; `None` is `localhost`.
    pub host: Option<String>,
    /// What its link is called; may be empty.
    pub name: String,
    /// What the path of its link is, without the first `/`; may be empty.
    pub link_path: String,
}

impl PortForward {
    /// The address to listen on.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.as_deref().unwrap_or("localhost")
    }

    /// Where a browser finds what it leads to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:{}/{}", self.host(), self.local_port, self.link_path)
    }
}
