//! Objects and pods as the simulated cluster has them.

use super::Work;
use crate::sim::script::Script;
use orch::model::{
    Digest, FilePath, ForwardState, InstanceId, KubeState, ObjectKey, ObjectState, PodContainer, PodContainerPhase,
    PodId, PodPhase, PodState, PortForward, ResourceName, RunId, Time,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The cluster, and orch's connection to it.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) down: bool,
    /// It says where images are to be pushed.
    pub(crate) registry: bool,
    pub(crate) objects: BTreeMap<(ResourceName, ObjectKey), SimObject>,
    pub(crate) pods: BTreeMap<PodId, SimPod>,
    /// Of all sessions.
    pub(crate) known_runs: BTreeSet<RunId>,
    pub(crate) instances: BTreeSet<InstanceId>,
    pub(super) made: u64,
    pub(super) declared: Vec<ResourceName>,
    pub(super) is_open: bool,
    pub(super) runs: BTreeMap<RunId, (ResourceName, Work)>,
    pub(super) follows: BTreeSet<InstanceId>,
    pub(super) forwards: BTreeMap<ResourceName, Vec<PortForward>>,
    pub(super) stale: BTreeSet<ResourceName>,
    pub(super) told: BTreeMap<ResourceName, KubeState>,
    pub(super) told_forwards: BTreeMap<ResourceName, Vec<ForwardState>>,
}

/// An object.
#[derive(Debug, Clone)]
pub(crate) struct SimObject {
    pub(super) value: Value,
    pub(super) fingerprint: Option<Digest>,
    pub(super) drift: Option<String>,
    pub(super) is_complete: bool,
}

/// A pod with one container.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Clone)]
pub(crate) struct SimPod {
    pub(super) resource: ResourceName,
    pub(super) owner: ObjectKey,
    pub(super) number: u64,
    pub(super) image: String,
    pub(super) script: Script,
    pub(super) is_current: bool,
    pub(super) is_ending: bool,
    pub(super) created_at: Time,
    pub(super) phase: PodPhase,
    pub(super) is_ready: bool,
    /// A probe decides that.
    pub(super) is_checked: bool,
    pub(super) restarts: u32,
    pub(super) started_at: Option<Time>,
    pub(super) container: PodContainerPhase,
    pub(super) trouble: Option<String>,
    /// What was changed in it since it started.
    pub(crate) layer: BTreeMap<String, String>,
}

/// What a pod does next; of its so-manieth life.
#[derive(Debug, Clone)]
pub(crate) enum PodStep {
    Starts(PodId),
    Turns(PodId, u32),
    Ends(PodId, u32, i32),
    /// Kubernetes starts it again.
    Again(PodId, u32),
    Goes(PodId),
}

impl SimObject {
    /// What its pods are made from.
    pub(super) fn template(&self) -> Option<Value> {
        let template = self.value.pointer("/spec/template/spec").or_else(|| {
            let is_pod = self.value.get("kind").and_then(Value::as_str) == Some("Pod");
            self.value.get("spec").filter(|_| is_pod)
        });
        template.cloned()
    }

    pub(super) fn is_job(&self) -> bool {
        self.value.get("kind").and_then(Value::as_str) == Some("Job")
    }

    pub(super) fn script(&self) -> Script {
        let template = self.template().unwrap_or_default();
        let words = |field: &str| {
            let list = template.pointer(&format!("/containers/0/{field}")).and_then(Value::as_array).cloned();
            list.unwrap_or_default().iter().filter_map(|word| word.as_str().map(str::to_owned)).collect::<Vec<_>>()
        };
        Script::parse(&[words("command"), words("args")].concat(), &FilePath::new("/"))
    }

    pub(super) fn image(&self) -> String {
        let template = self.template().unwrap_or_default();
        template.pointer("/containers/0/image").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(super) fn is_checked(&self) -> bool {
        self.template().is_some_and(|template| template.pointer("/containers/0/readinessProbe").is_some())
    }

    pub(super) fn replicas(&self) -> u64 {
        self.value.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1)
    }
}

fn nanos(time: Time) -> i64 {
    let since_1970 = std::time::Duration::from_secs(1_700_000_000);
    i64::try_from((since_1970 + time.0).as_nanos()).expect("in time")
}

impl SimPod {
    fn state(&self, id: &PodId) -> PodState {
        let container = PodContainer {
            name: "c".to_owned(),
            image: self.image.clone(),
            is_initial: false,
            is_ready: self.is_ready,
            is_checked: self.is_checked,
            restarts: self.restarts,
            started_at_ns: self.started_at.map_or(0, nanos),
            phase: self.container.clone(),
        };
        PodState {
            id: id.clone(),
            name: format!("{}-{}", self.resource, self.number),
            namespace: "default".to_owned(),
            is_current: self.is_current,
            is_ending: self.is_ending,
            created_at_ns: nanos(self.created_at),
            phase: self.phase,
            is_ready: self.is_ready,
            trouble: self.trouble.clone(),
            containers: vec![container],
        }
    }
}

impl Cluster {
    /// Whether no run of orch's goes on.
    pub(crate) fn is_idle(&self) -> bool {
        self.runs.is_empty()
    }

    /// orch is killed: its end of the connection is gone.
    pub(crate) fn forget_session(&mut self) {
        self.is_open = false;
        self.runs.clear();
        self.follows.clear();
        self.forwards.clear();
        self.stale.clear();
        self.told.clear();
        self.told_forwards.clear();
    }

    pub(super) fn keys_of(&self, name: &ResourceName) -> impl Iterator<Item = ObjectKey> {
        self.objects.keys().filter(move |(of, _)| of == name).map(|(_, key)| key.clone())
    }

    /// The object of that kind, or of that kind and name.
    pub(super) fn key_named(&self, name: &ResourceName, text: &str) -> Option<ObjectKey> {
        self.keys_of(name).find(|key| key.kind == text || key.to_string() == text)
    }

    pub(super) fn pods_of(&self, name: &ResourceName) -> Vec<PodId> {
        self.pods.iter().filter(|(_, pod)| pod.resource == *name).map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn newest_running(&self, name: &ResourceName) -> Option<PodId> {
        let pods = self.state_of(name).pods;
        let runs = |pod: &&PodState| pod.is_current && !pod.is_ending && pod.phase == PodPhase::Running;
        pods.iter().find(runs).map(|pod| pod.id.clone())
    }

    pub(super) fn state_of(&self, name: &ResourceName) -> KubeState {
        let objects = self.objects.iter().filter(|((of, _), _)| of == name);
        let objects = objects.map(|((_, key), one)| {
            let (fingerprint, drift, is_complete) = (one.fingerprint, one.drift.clone(), one.is_complete);
            (key.clone(), ObjectState { fingerprint, drift, is_kept: false, is_complete })
        });
        let mut pods: Vec<PodState> =
            self.pods.iter().filter(|(_, pod)| pod.resource == *name).map(|(id, pod)| pod.state(id)).collect();
        pods.sort_by(|a, b| b.created_at_ns.cmp(&a.created_at_ns).then_with(|| b.name.cmp(&a.name)));
        KubeState { objects: objects.collect(), pods, trouble: None }
    }
}
