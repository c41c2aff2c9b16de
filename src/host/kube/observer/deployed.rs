//! What a command of the user's left of the objects that it applied, and who changed them since. What it applied is not known, but
//! the server notes who set which fields: what those set who had set something when the command had ended is digested, and kept as
//! an annotation. Others may add to an object; whoever takes a field away from them has changed it.

use super::drift::CONTROLLERS;
use crate::{host::kube::marks, model::Digest};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The name under which orch puts its marks on what others applied.
pub const MARKS_MANAGER: &str = "orch-marks";
/// Tools that set fields only when a person or a command has them do so: that they did it again is told by the time alone.
const TOOLS: [&str; 4] = ["kubectl", "helm", "tilt", "terraform"];

/// What one manager had set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    /// Digest of its fields, and of when a tool set them.
    all: Digest,
    /// The same without the number of pods: a controller may have taken that over.
    but_replicas: Digest,
}

type All = BTreeMap<String, Left>;

/// What all of them had set, as an annotation says it.
#[must_use]
pub fn left(metadata: &ObjectMeta) -> String {
    serde_json::to_string(&of(metadata)).unwrap_or_default()
}

/// Who changed an object since; `None` where nobody did, or nothing is known.
#[must_use]
pub fn changed_by(metadata: &ObjectMeta) -> Option<String> {
    let before: All = serde_json::from_str(marks::annotation(metadata, marks::DEPLOYED)?).ok()?;
    let now = of(metadata);
    let is_scaled = entries(metadata).any(|entry| is_controller(entry) && replicas(entry));
    let is_same = |(name, left): (&String, &Left)| {
        now.get(name).is_some_and(|now| now == left || is_scaled && now.but_replicas == left.but_replicas)
    };
    if before.iter().all(is_same) {
        return None;
    }
    // Whoever was last; a manager that has nothing left is in the list no more.
    let others = entries(metadata).filter(|entry| is_somebodys(entry) || is_of_scale(entry) && !is_controller(entry));
    // Whoever loses a field is noted as late as whoever takes it.
    let is_new = |entry: &ManagedFieldsEntry| is_of_scale(entry) || !before.contains_key(&name(entry));
    let last = others.max_by_key(|entry| (entry.time.as_ref().map(|time| time.0), is_new(entry)));
    let who = last.and_then(|entry| entry.manager.clone());
    Some(who.map_or_else(|| "somebody changed it".to_owned(), |who| format!("`{who}` changed it")))
}

/// Where a tool set fields, others that did are controllers of some kind.
fn of(metadata: &ObjectMeta) -> All {
    let by_tool = entries(metadata).any(|entry| is_somebodys(entry) && is_tool(entry));
    let counted = entries(metadata).filter(|entry| is_somebodys(entry) && (!by_tool || is_tool(entry)));
    counted.map(|entry| (name(entry), Left { all: digest(entry, true), but_replicas: digest(entry, false) })).collect()
}

fn entries(metadata: &ObjectMeta) -> impl Iterator<Item = &ManagedFieldsEntry> {
    metadata.managed_fields.iter().flatten()
}

fn is_somebodys(entry: &ManagedFieldsEntry) -> bool {
    entry.subresource.is_none() && !is_controller(entry)
}

fn is_controller(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref().is_some_and(|manager| CONTROLLERS.contains(&manager))
}

fn is_tool(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref().is_some_and(|manager| TOOLS.iter().any(|tool| manager.starts_with(tool)))
}

fn is_of_scale(entry: &ManagedFieldsEntry) -> bool {
    entry.subresource.as_deref() == Some("scale")
}

fn name(entry: &ManagedFieldsEntry) -> String {
    let (manager, operation) = (entry.manager.as_deref(), entry.operation.as_deref());
    format!("{} {}", manager.unwrap_or_default(), operation.unwrap_or_default())
}

fn replicas(entry: &ManagedFieldsEntry) -> bool {
    entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
}

fn digest(entry: &ManagedFieldsEntry, with_replicas: bool) -> Digest {
    let mut fields = entry.fields_v1.as_ref().map(|fields| fields.0.clone()).unwrap_or_default();
    if !with_replicas && let Some(spec) = fields.pointer_mut("/f:spec").and_then(Value::as_object_mut) {
        spec.remove("f:replicas");
    }
    let time = entry.time.as_ref().filter(|_| is_tool(entry)).map(|time| time.0.to_string()).unwrap_or_default();
    Digest::of_parts([fields.to_string().as_bytes(), time.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(manager: &str, subresource: Option<&str>, time: &str, fields: &Value) -> Value {
        let mut entry = json!({
            "manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "time": time, "fieldsV1": fields,
        });
        if let Some(subresource) = subresource {
            entry["subresource"] = subresource.into();
        }
        entry
    }

    fn object(entries: Vec<Value>) -> ObjectMeta {
        serde_json::from_value(json!({ "managedFields": entries })).unwrap()
    }

    fn who(before: Vec<Value>, now: Vec<Value>) -> Option<String> {
        let mut now = object(now);
        now.annotations = Some(BTreeMap::from([(marks::DEPLOYED.to_owned(), left(&object(before)))]));
        changed_by(&now)
    }

    const EARLY: &str = "2026-01-01T00:00:00Z";
    const LATE: &str = "2026-01-02T00:00:00Z";

    #[test]
    fn whoever_takes_a_field_or_sets_it_again_has_changed_the_object() {
        let helm = |time: &str| entry("helm", None, time, &json!({"f:spec": {"f:replicas": {}, "f:paused": {}}}));
        let rest = |time: &str| entry("helm", None, time, &json!({"f:spec": {"f:paused": {}}}));
        let paused = entry("kubectl-edit", None, LATE, &json!({"f:spec": {"f:replicas": {}}}));
        assert_eq!(who(vec![helm(EARLY)], vec![helm(EARLY)]), None);
        assert_eq!(who(vec![helm(EARLY)], vec![rest(EARLY), paused]), Some("`kubectl-edit` changed it".to_owned()));
        assert_eq!(who(vec![helm(EARLY)], vec![helm(LATE)]), Some("`helm` changed it".to_owned()));
        let scaled = |manager: &str| entry(manager, Some("scale"), LATE, &json!({"f:spec": {"f:replicas": {}}}));
        assert_eq!(
            who(vec![helm(EARLY)], vec![rest(EARLY), scaled("kubectl")]),
            Some("`kubectl` changed it".to_owned())
        );
        assert_eq!(who(vec![helm(EARLY)], vec![rest(EARLY), scaled("kube-controller-manager")]), None);
    }

    #[test]
    fn what_others_add_and_what_controllers_do_is_no_change() {
        let helm = entry("helm", None, EARLY, &json!({"f:data": {"f:a": {}}}));
        let theirs = |time: &str| entry("some-operator", None, time, &json!({"f:metadata": {"f:finalizers": {}}}));
        let own = entry(MARKS_MANAGER, None, LATE, &json!({"f:metadata": {"f:labels": {}}}));
        let status = entry("kubelet", Some("status"), LATE, &json!({"f:status": {}}));
        assert_eq!(who(vec![helm.clone()], vec![helm.clone(), theirs(EARLY), own, status]), None);
        assert_eq!(who(vec![helm.clone(), theirs(EARLY)], vec![helm, theirs(LATE)]), None);
    }
}
