//! What the builtins for Kubernetes gather: objects, and what was said of the resources that will be made of them.

use super::DraftDependency;
use crate::{
    model::{
        CustomDeploy, Discovery, KubeObject, KubeSettings, KubeSpec, Link, PodReadiness, PortForward, ResourceName,
        TriggerMode,
    },
    orchfile::{
        builtins::{kube::images::KnownKind, kube::place::ObjectPlace},
        text::Site,
    },
};
use std::{collections::BTreeMap, time::Duration};

/// All that was said of Kubernetes so far.
#[derive(Debug, Default)]
pub struct DraftKube {
    /// What holds for all of it.
    pub settings: KubeSettings,
    /// In the order of the text.
    pub(crate) objects: Vec<DraftObject>,
    /// What was said of kinds of objects.
    pub(crate) kinds: Vec<KnownKind>,
    /// The calls of `k8s_resource`.
    pub(crate) calls: Vec<ResourceCall>,
    /// The calls of `k8s_custom_deploy`.
    pub(crate) customs: Vec<DraftCustom>,
    /// Objects of `kubernetes_apply`, by its name.
    pub(crate) read: BTreeMap<String, Vec<DraftObject>>,
    /// Resources that API objects describe.
    pub(crate) applies: Vec<DraftApply>,
    /// The last call of `workload_to_resource_function`.
    pub(crate) naming: Option<Naming>,
}

/// An object with where it came from.
#[derive(Debug)]
pub(crate) struct DraftObject {
    pub(crate) object: KubeObject,
    /// The call that gave it.
    pub(crate) site: Option<Site>,
    /// Where in the YAML it stands.
    pub(crate) place: ObjectPlace,
}

/// One call of `k8s_resource`.
#[derive(Debug)]
pub(crate) struct ResourceCall {
    pub(crate) site: Option<Site>,
    /// The resource that is meant; `None` makes one of `objects`.
    pub(crate) workload: Option<String>,
    pub(crate) new_name: Option<ResourceName>,
    pub(crate) port_forwards: Vec<PortForward>,
    pub(crate) extra_pod_selectors: Vec<BTreeMap<String, String>>,
    pub(crate) trigger_mode: Option<TriggerMode>,
    pub(crate) dependencies: Vec<DraftDependency>,
    pub(crate) objects: Vec<String>,
    pub(crate) auto_init: Option<bool>,
    pub(crate) pod_readiness: Option<PodReadiness>,
    pub(crate) links: Vec<Link>,
    pub(crate) labels: Vec<String>,
    pub(crate) discovery: Option<Discovery>,
    pub(crate) autoscale: Option<Autoscale>,
}

/// `autoscale(…)`: between how many pods, and what is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Autoscale {
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// Percent of what its pods ask for.
    pub(crate) cpu: Option<u32>,
    /// Percent of what its pods ask for.
    pub(crate) memory: Option<u32>,
}

/// One call of `k8s_custom_deploy`.
#[derive(Debug)]
pub(crate) struct DraftCustom {
    pub(crate) name: ResourceName,
    pub(crate) site: Option<Site>,
    pub(crate) spec: KubeSpec,
}

/// A resource that an API object describes.
#[derive(Debug)]
pub(crate) struct DraftApply {
    pub(crate) name: ResourceName,
    pub(crate) site: Option<Site>,
    pub(crate) objects: Vec<DraftObject>,
    pub(crate) custom: Option<CustomDeploy>,
    pub(crate) extra_pod_selectors: Vec<BTreeMap<String, String>>,
    pub(crate) discovery: Option<Discovery>,
    pub(crate) port_forwards: Vec<PortForward>,
    pub(crate) readiness: Option<PodReadiness>,
    /// How long applying it may take.
    pub(crate) timeout: Option<Duration>,
}

/// The function that names resources.
#[derive(Debug)]
pub(crate) struct Naming {
    /// The call that gave it.
    pub(crate) site: Option<Site>,
    /// The file in whose variables it is kept.
    pub(crate) module: String,
    /// What it gave, by the place of the object.
    pub(crate) names: BTreeMap<usize, String>,
}
