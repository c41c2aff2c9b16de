//! The labels and annotations by which orch knows again what it made.

use crate::model::{Digest, FilePath, ObjectKey, ProjectId, ResourceName};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

/// Who looks after an object: a label, and its value where that is orch.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "orch");
/// Whose it is: a label, the project's id.
pub const PROJECT: &str = "orch.dev/project";
/// Where that project's Orchfile lies, so that others can see whether a session of it lives.
pub const ROOT: &str = "orch.dev/root";
/// The resource that it belongs to: an annotation.
pub const RESOURCE: &str = "orch.dev/resource";
/// The digest of what it was applied from: an annotation.
pub const FINGERPRINT: &str = "orch.dev/fingerprint";
/// An annotation of what a command of the user's applied: what it left, see [`super::observer::deployed`].
pub const DEPLOYED: &str = "orch.dev/deployed";
/// An annotation of the user's: what has it stays when the Orchfile has it no more.
pub const KEEP: &str = "orch.dev/keep";
/// What Tilt's users say for the same, by `keep`.
pub const TILT_KEEP: &str = "tilt.dev/down-policy";
/// Of `generateName`, where a name was asked for that the server makes.
pub const NAMED_AFTER: &str = "orch.dev/generate-name";
/// In a pod's template, so that its pods are made anew.
pub const RESTARTED: &str = "orch.dev/restarted-at";

/// What a project's marks say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// The project's id.
    pub project: ProjectId,
    /// The folder of its Orchfile.
    pub root: FilePath,
}

impl Marks {
    /// Which objects have the project's mark, as a selector of labels.
    #[must_use]
    pub fn selector(&self) -> String {
        format!("{PROJECT}={}", self.project)
    }

    /// Puts them on an object.
    pub fn put(&self, value: &mut Value, key: &ObjectKey, resource: &ResourceName, fingerprint: Digest) {
        let labels = [(MANAGED_BY.0, MANAGED_BY.1.to_owned()), (PROJECT, self.project.to_string())];
        let mut annotations = vec![
            (ROOT, self.root.to_string()),
            (RESOURCE, resource.to_string()),
            (FINGERPRINT, fingerprint.to_string()),
        ];
        if let Some(prefix) = key.name.strip_suffix('*') {
            annotations.push((NAMED_AFTER, prefix.to_owned()));
        }
        add(value, "labels", &labels);
        add(value, "annotations", &annotations);
    }
}

fn add(value: &mut Value, field: &str, marks: &[(&str, String)]) {
    let Some(object) = value.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let map = metadata.entry(field).or_insert_with(|| json!({}));
    if map.is_null() {
        *map = json!({});
    }
    let Some(map) = map.as_object_mut() else { return };
    for (name, value) in marks {
        map.insert((*name).to_owned(), json!(value));
    }
}

/// Whether something else of the cluster made an object. Controllers copy labels and annotations onto what they make: it is theirs.
#[must_use]
pub fn is_copied(metadata: &ObjectMeta) -> bool {
    metadata.owner_references.iter().flatten().any(|owner| owner.controller == Some(true))
}

/// The project whose mark is on an object.
#[must_use]
pub fn project_of(metadata: &ObjectMeta) -> Option<&str> {
    metadata.labels.as_ref()?.get(PROJECT).map(String::as_str)
}

/// What an annotation of an object says.
#[must_use]
pub fn annotation<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(name).map(String::as_str)
}

/// Whether the user wants an object to stay when its resource goes.
#[must_use]
pub fn is_kept(metadata: &ObjectMeta) -> bool {
    annotation(metadata, KEEP) == Some("true") || annotation(metadata, TILT_KEEP) == Some("keep")
}

/// The resource that an object says it belongs to.
#[must_use]
pub fn resource_of(metadata: &ObjectMeta) -> Option<ResourceName> {
    ResourceName::parse(annotation(metadata, RESOURCE)?).ok()
}
