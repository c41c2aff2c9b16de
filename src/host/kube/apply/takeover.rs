//! Objects that somebody else made: what `kubectl apply`, Tilt and others set is orch's when orch applies, so that what the
//! Orchfile does not say any more goes too.

use crate::{
    host::{
        claim::running_session,
        kube::{
            marks::{self, Marks},
            observer::drift::FIELD_MANAGER,
            voice::placed,
        },
    },
    model::{Failure, FilePath, KubeObject},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use serde_json::{Value, json};

/// Tools that apply from files by hand, as they call themselves.
const TOOLS: [&str; 6] =
    ["kubectl-client-side-apply", "kubectl-create", "kubectl-replace", "tilt", "before-first-apply", "kubectl"];

/// Whether an object may be applied that is there and is not known to be the project's. Says what is taken over.
///
/// # Errors
/// Whose it is, and what to do.
pub(super) fn check(object: &KubeObject, there: &ObjectMeta, marks: &Marks) -> Result<Option<String>, Failure> {
    let Some(project) = marks::project_of(there).filter(|project| *project != marks.project.as_str()) else {
        return Ok(None);
    };
    let root = marks::annotation(there, marks::ROOT).map(FilePath::new);
    if let Some(root) = &root
        && let Some(session) = running_session(root)
    {
        return Err(Failure {
            message: format!(
                "{} belongs to the orch in `{root}` (pid {}), which runs now",
                placed(object),
                session.pid
            ),
            help: Some(format!("end it there (`orch down -f {}`), or use another namespace here", session.file)),
        });
    }
    let from =
        root.map_or_else(|| format!("the orch project `{project}`"), |root| format!("the orch project in `{root}`"));
    Ok(Some(format!("{} was made by {from}, which has no session now: it is taken over", object.title())))
}

/// The patch that makes what tools set orch's; `None` where there is nothing of that kind.
pub(super) fn patch(there: &ObjectMeta) -> Option<Value> {
    let entries = there.managed_fields.as_ref()?;
    let is_tool = |entry: &ManagedFieldsEntry| {
        entry.subresource.is_none()
            && entry.operation.as_deref() == Some("Update")
            && entry.manager.as_deref().is_some_and(|manager| TOOLS.contains(&manager))
    };
    let was_applied = |entry: &ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        let annotations = fields.and_then(|fields| fields.pointer("/f:metadata/f:annotations"));
        let last = "f:kubectl.kubernetes.io/last-applied-configuration";
        annotations.is_some_and(|annotations| annotations.get(last).is_some())
            || entry.manager.as_deref() == Some("tilt")
    };
    let theirs: Vec<&ManagedFieldsEntry> = entries.iter().filter(|entry| is_tool(entry)).collect();
    if !theirs.iter().any(|entry| was_applied(entry)) {
        return None;
    }
    let is_ours = |entry: &ManagedFieldsEntry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.operation.as_deref() == Some("Apply")
    };
    let mut merged = entries.iter().find(|entry| is_ours(entry)).or_else(|| theirs.first().copied())?.clone();
    let mut tree = json!({});
    for entry in entries.iter().filter(|entry| is_tool(entry) || is_ours(entry)) {
        if let Some(fields) = &entry.fields_v1 {
            unite(&mut tree, &fields.0);
        }
    }
    merged.manager = Some(FIELD_MANAGER.to_owned());
    merged.operation = Some("Apply".to_owned());
    merged.fields_v1 = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1(tree));
    let mut all: Vec<ManagedFieldsEntry> =
        entries.iter().filter(|entry| !is_tool(entry) && !is_ours(entry)).cloned().collect();
    all.push(merged);
    Some(json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": serde_json::to_value(all).ok()?},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": there.resource_version},
    ]))
}

fn unite(tree: &mut Value, more: &Value) {
    let (Some(tree), Some(more)) = (tree.as_object_mut(), more.as_object()) else { return };
    for (key, below) in more {
        unite(tree.entry(key.clone()).or_insert_with(|| json!({})), below);
    }
}
