//! An object with a project's mark, as it was last seen.

use super::{deployed, drift::Fields};
use crate::{
    host::kube::marks::{self, Marks},
    model::{Digest, ObjectKey, ResourceName},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

/// An object that the project made.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighted {
    /// Which object.
    pub key: ObjectKey,
    /// Its own name: that of `key`, but where the server made one.
    pub name: String,
    /// Another object of the same name has another.
    pub uid: String,
    /// Counts on with each change.
    pub version: u64,
    /// Whose it is.
    pub resource: ResourceName,
    /// Of what it was applied from.
    pub fingerprint: Option<Digest>,
    /// It stays when the Orchfile has it no more.
    pub is_kept: bool,
    /// It is being deleted.
    pub is_ending: bool,
    /// When it was made, in seconds since 1970.
    pub created_at: i64,
    /// Who set which of its fields.
    pub fields: Fields,
    /// Who changed it, where a command of the user's applied it and somebody did.
    pub changed_by: Option<String>,
    /// How far its controller is with it.
    pub rollout: Rollout,
}

/// How far a workload's controller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// It has seen what was applied last.
    pub is_observed: bool,
    /// What pods of what was applied last carry; of a Deployment, its newest replica set.
    pub revision: Option<String>,
    /// Why it makes no pods.
    pub trouble: Option<String>,
    /// A Job: it has ended well.
    pub is_complete: bool,
}

impl Default for Rollout {
    fn default() -> Self {
        Self { is_observed: true, revision: None, trouble: None, is_complete: false }
    }
}

/// Group and kind of what has a rollout.
pub(super) fn is_workload(group: &str, kind: &str) -> bool {
    matches!((group, kind), ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job"))
}

impl Sighted {
    /// What is told of an object of that group and kind; `None` where it has not the project's mark. `rest` is what it has besides its
    /// metadata, where that was asked for.
    pub fn of(group: &str, kind: &str, metadata: &ObjectMeta, rest: &Value, marks: &Marks) -> Option<Self> {
        if marks::project_of(metadata) != Some(marks.project.as_str()) || marks::is_copied(metadata) {
            return None;
        }
        let resource = marks::resource_of(metadata)?;
        let name = metadata.name.clone()?;
        let named_after = marks::annotation(metadata, marks::NAMED_AFTER).map(|prefix| format!("{prefix}*"));
        Some(Self {
            key: ObjectKey {
                group: group.to_owned(),
                kind: kind.to_owned(),
                namespace: metadata.namespace.clone().unwrap_or_default(),
                name: named_after.unwrap_or_else(|| name.clone()),
            },
            name,
            uid: metadata.uid.clone().unwrap_or_default(),
            version: version(metadata),
            resource,
            fingerprint: marks::annotation(metadata, marks::FINGERPRINT).and_then(|text| text.parse().ok()),
            is_kept: marks::is_kept(metadata),
            is_ending: metadata.deletion_timestamp.is_some(),
            created_at: created_at(metadata),
            fields: Fields::of(metadata),
            changed_by: deployed::changed_by(metadata),
            rollout: rollout(kind, metadata, rest),
        })
    }
}

/// Counts on with each change of an object.
pub(super) fn version(metadata: &ObjectMeta) -> u64 {
    metadata.resource_version.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default()
}

pub(super) fn created_at(metadata: &ObjectMeta) -> i64 {
    metadata.creation_timestamp.as_ref().map(|at| at.0.as_second()).unwrap_or_default()
}

fn rollout(kind: &str, metadata: &ObjectMeta, rest: &Value) -> Rollout {
    let Some(status) = rest.get("status") else {
        return Rollout { is_observed: !is_rolled_out(kind) || rest.is_null(), ..Rollout::default() };
    };
    let observed = status.get("observedGeneration").and_then(Value::as_i64).unwrap_or_default();
    let revision = match kind {
        "Deployment" => marks::annotation(metadata, "deployment.kubernetes.io/revision").map(str::to_owned),
        "StatefulSet" => status.get("updateRevision").and_then(Value::as_str).map(str::to_owned),
        "DaemonSet" => marks::annotation(metadata, "deprecated.daemonset.template.generation").map(str::to_owned),
        _ => None,
    };
    Rollout {
        is_observed: !is_rolled_out(kind) || observed >= metadata.generation.unwrap_or_default(),
        revision,
        trouble: refused(status).or_else(|| failed(status).filter(|_| kind == "Job")),
        is_complete: kind == "Job" && condition(status, "Complete").is_some(),
    }
}

/// The condition of a status that holds.
fn condition<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    let is = |one: &&Value, field: &str, value: &str| one.get(field).and_then(Value::as_str) == Some(value);
    let all = status.get("conditions")?.as_array()?;
    all.iter().find(|one| is(one, "type", name) && is(one, "status", "True"))
}

/// Why a Job is given up.
fn failed(status: &Value) -> Option<String> {
    let failed = condition(status, "Failed")?;
    let message = failed.get("message").and_then(Value::as_str).unwrap_or("it failed");
    Some(format!("the Job is given up: {}", message.split_whitespace().collect::<Vec<_>>().join(" ")))
}

fn is_rolled_out(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet")
}

/// What the controller says that was not allowed to make pods.
fn refused(status: &Value) -> Option<String> {
    let failed = condition(status, "ReplicaFailure")?;
    let message = failed.get("message")?.as_str()?;
    Some(format!("pods cannot be made: {}", message.split_whitespace().collect::<Vec<_>>().join(" ")))
}
