//! A pod, as it was last seen.

use super::object::version;
use crate::model::{PodContainer, PodContainerPhase, PodId, PodPhase, PodState};
use k8s_openapi::{
    api::core::v1::{Container, ContainerState, ContainerStatus, Pod, PodStatus},
    apimachinery::pkg::apis::meta::v1::{OwnerReference, Time},
};
use std::{collections::BTreeMap, sync::Arc};

/// A pod of the cluster, whoever made it.
#[derive(Debug, Clone, PartialEq)]
pub struct SightedPod {
    /// How it is; `is_current` and `trouble` are filled in later.
    pub state: PodState,
    /// Counts on with each change.
    pub version: u64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What owns it.
    pub owner: Option<Owner>,
    /// Ports that its containers declare.
    pub ports: Vec<u16>,
    /// What its own status says that keeps it from running.
    pub trouble: Option<String>,
}

/// What owns an object: the controller that made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Which object, for all time.
    pub uid: String,
    /// Group and version of its kind.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

impl Owner {
    /// The one among the owners of an object that looks after it.
    pub(super) fn of(owners: Option<&Vec<OwnerReference>>) -> Option<Self> {
        let owners = owners?;
        let one = owners.iter().find(|owner| owner.controller == Some(true)).or_else(|| owners.first())?;
        Some(Self {
            uid: one.uid.clone(),
            api_version: one.api_version.clone(),
            kind: one.kind.clone(),
            name: one.name.clone(),
        })
    }
}

impl SightedPod {
    /// What is told of a pod.
    #[must_use]
    pub fn of(pod: Pod) -> Option<Self> {
        let metadata = pod.metadata;
        let (spec, status) = (pod.spec.unwrap_or_default(), pod.status.unwrap_or_default());
        let mut containers: Vec<PodContainer> = Vec::new();
        let initial = spec.init_containers.unwrap_or_default();
        let of = |all: &Option<Vec<ContainerStatus>>, name: &str| {
            all.iter().flatten().find(|status| status.name == name).cloned()
        };
        containers
            .extend(initial.iter().map(|one| container(one, of(&status.init_container_statuses, &one.name), true)));
        containers
            .extend(spec.containers.iter().map(|one| container(one, of(&status.container_statuses, &one.name), false)));
        let ports = spec.containers.iter().flat_map(|one| one.ports.iter().flatten());
        let ports = ports.filter_map(|port| u16::try_from(port.container_port).ok()).collect();
        let is_ready = has_condition(&status, "Ready").is_some_and(|condition| condition.status == "True");
        Some(Self {
            version: version(&metadata),
            owner: Owner::of(metadata.owner_references.as_ref()),
            labels: metadata.labels.unwrap_or_default(),
            trouble: trouble(&status, &containers),
            ports,
            state: PodState {
                id: PodId(Arc::from(metadata.uid?)),
                name: metadata.name?,
                namespace: metadata.namespace.unwrap_or_default(),
                is_current: false,
                is_ending: metadata.deletion_timestamp.is_some(),
                created_at_ns: nanos(metadata.creation_timestamp.as_ref()),
                phase: phase(status.phase.as_deref()),
                is_ready,
                trouble: None,
                containers,
            },
        })
    }

    /// What pods of one template have in common, and others not.
    pub(super) fn revision(&self) -> Option<&str> {
        let labels = ["pod-template-hash", "controller-revision-hash", "rollouts-pod-template-hash"];
        labels.iter().find_map(|label| self.labels.get(*label)).map(String::as_str)
    }
}

fn phase(text: Option<&str>) -> PodPhase {
    match text {
        Some("Running") => PodPhase::Running,
        Some("Succeeded") => PodPhase::Succeeded,
        Some("Failed") => PodPhase::Failed,
        Some("Unknown") => PodPhase::Unknown,
        _ => PodPhase::Pending,
    }
}

fn container(declared: &Container, status: Option<ContainerStatus>, is_initial: bool) -> PodContainer {
    let status = status.unwrap_or_default();
    let state = status.state.unwrap_or_default();
    let last = status.last_state.unwrap_or_default();
    PodContainer {
        name: declared.name.clone(),
        image: declared.image.clone().unwrap_or_default(),
        is_initial,
        is_ready: status.ready,
        is_checked: declared.readiness_probe.is_some() || declared.startup_probe.is_some(),
        restarts: u32::try_from(status.restart_count).unwrap_or_default(),
        started_at_ns: started_at(&state).max(started_at(&last)),
        phase: container_phase(state),
    }
}

fn started_at(state: &ContainerState) -> i64 {
    let running = state.running.as_ref().map(|running| nanos(running.started_at.as_ref()));
    let ended = state.terminated.as_ref().map(|ended| nanos(ended.started_at.as_ref()));
    running.or(ended).unwrap_or_default()
}

fn container_phase(state: ContainerState) -> PodContainerPhase {
    if state.running.is_some() {
        return PodContainerPhase::Running;
    }
    if let Some(ended) = state.terminated {
        return PodContainerPhase::Ended { code: ended.exit_code, reason: ended.reason.unwrap_or_default() };
    }
    let waiting = state.waiting.unwrap_or_default();
    PodContainerPhase::Waiting {
        reason: waiting.reason.unwrap_or_default(),
        message: waiting.message.unwrap_or_default(),
    }
}

pub(super) fn nanos(time: Option<&Time>) -> i64 {
    time.and_then(|time| i64::try_from(time.0.as_nanosecond()).ok()).unwrap_or_default()
}

fn has_condition<'a>(status: &'a PodStatus, name: &str) -> Option<&'a k8s_openapi::api::core::v1::PodCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == name)
}

/// What keeps a pod from running, as its own status tells it.
fn trouble(status: &PodStatus, containers: &[PodContainer]) -> Option<String> {
    if let Some(condition) = has_condition(status, "PodScheduled")
        && condition.status == "False"
    {
        let message = condition.message.as_deref().unwrap_or_default();
        return Some(format!("cannot be scheduled: {}", one_line(message)));
    }
    let of_container = containers.iter().find_map(|container| {
        let why = waits_badly(container, status)?;
        Some(if containers.len() > 1 { format!("container `{}`: {why}", container.name) } else { why })
    });
    of_container.or_else(|| {
        let is_bad = matches!(status.phase.as_deref(), Some("Failed"));
        let text = status.message.as_deref().or(status.reason.as_deref()).filter(|_| is_bad)?;
        Some(one_line(text))
    })
}

fn waits_badly(container: &PodContainer, status: &PodStatus) -> Option<String> {
    match &container.phase {
        PodContainerPhase::Waiting { reason, message } => match reason.as_str() {
            "" | "ContainerCreating" | "PodInitializing" => None,
            "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
                Some(format!("image `{}` cannot be pulled: {}", container.image, or(&one_line(message), reason)))
            }
            "CrashLoopBackOff" => Some(format!("{}; {}", last_end(container, status), or(&one_line(message), reason))),
            reason => Some(format!("{reason}: {}", one_line(message)).trim_end_matches(": ").to_owned()),
        },
        PodContainerPhase::Ended { code, reason } if *code != 0 => Some(ended(*code, reason)),
        PodContainerPhase::Ended { .. } | PodContainerPhase::Running => None,
    }
}

fn last_end(container: &PodContainer, status: &PodStatus) -> String {
    let all = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let last = all
        .filter(|status| status.name == container.name)
        .find_map(|status| status.last_state.as_ref()?.terminated.as_ref());
    last.map_or_else(
        || "it crashes".to_owned(),
        |last| ended(last.exit_code, last.reason.as_deref().unwrap_or_default()),
    )
}

fn ended(code: i32, reason: &str) -> String {
    match reason {
        "" | "Error" | "Completed" => format!("exited with code {code}"),
        "OOMKilled" => format!("killed: it needs more memory than its limit (exit code {code})"),
        reason => format!("exited with code {code} ({reason})"),
    }
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

pub(super) fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.trim_end_matches('.').to_owned()
}
