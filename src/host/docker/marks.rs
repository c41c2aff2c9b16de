//! The labels by which orch knows again what it made.

use crate::model::{Digest, FilePath, ProjectId, ResourceName};

/// Whose it is: the project's id.
pub const PROJECT: &str = "orch.project";
/// Where that project's Orchfile lies, so that others can see whether a session of it lives.
pub const ROOT: &str = "orch.root";
/// The resource that it belongs to.
pub const RESOURCE: &str = "orch.resource";
/// The digest of all that decided what it is.
pub const FINGERPRINT: &str = "orch.fingerprint";

/// What a project's marks say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// The project's id.
    pub project: ProjectId,
    /// The folder of its Orchfile.
    pub root: FilePath,
}

impl Marks {
    /// The labels of what several resources share.
    #[must_use]
    pub fn of_thing(&self) -> [(&'static str, String); 2] {
        [(PROJECT, self.project.to_string()), (ROOT, self.root.to_string())]
    }

    /// The labels of a container of a resource.
    #[must_use]
    pub fn of_container(&self, resource: &ResourceName, fingerprint: Digest) -> [(&'static str, String); 4] {
        [
            (PROJECT, self.project.to_string()),
            (ROOT, self.root.to_string()),
            (RESOURCE, resource.to_string()),
            (FINGERPRINT, fingerprint.to_string()),
        ]
    }
}
