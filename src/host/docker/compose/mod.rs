//! What Docker's compose tool does for orch: it makes the containers of services, and images whose `build:` says more than orch
//! can. What it is told is the project's resolved configuration with orch's own image and marks put in.
//!
//! Nothing here follows containers or removes them: they carry orch's marks like any other.

mod build;
mod failure;
mod feed;
mod owner;
mod raise;
mod seen;
mod tool;

pub use build::Building;
pub(super) use owner::whose;
pub use raise::Raising;
pub(super) use seen::PROJECT;
pub use tool::Tool;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The compose projects of a session. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Compose(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    tool: Tool,
    locks: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Compose {
    /// What the tool is called by here.
    fn tool(&self) -> &Tool {
        &self.0.tool
    }

    /// Held by whoever makes what services of a project share, so that it is made once.
    fn lock(&self, project: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.locks.lock().unwrap_or_else(PoisonError::into_inner);
        locks.entry(project.to_owned()).or_default().clone()
    }
}
