//! A resource: a named node with a desired state.

use super::{Condition, Container, ContainerImage, FilePath, FileSet, ImageKey, KubeSpec, Local, ResourceName};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A resource of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name, the only one in the project.
    pub name: ResourceName,
    /// Where the user declared it, for messages; no part of what it is.
    pub declared_at: Option<Location>,
    /// What it runs.
    pub kind: Kind,
    /// Order edges: what must have been reached before the first start, and see `graph`.
    pub dependencies: Vec<Dependency>,
    /// Whether a change starts it.
    pub trigger_mode: TriggerMode,
    /// Whether it starts with the session.
    pub auto_init: bool,
    /// Whether it is part of this session: selected by names or by the file itself.
    pub enabled: bool,
    /// How it is grouped, sorted.
    pub labels: Vec<String>,
    /// Where it can be looked at.
    pub links: Vec<Link>,
}

/// What a resource is made of. One variant a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Commands and servers on this machine.
    Local(Box<Local>),
    /// A container, of a compose file or a plain one.
    Container(Box<Container>),
    /// Objects of Kubernetes, with the pods that come of them.
    Kube(Box<KubeSpec>),
}

impl Kind {
    /// The spec of a local resource.
    #[must_use]
    pub fn local(&self) -> Option<&Local> {
        match self {
            Self::Local(local) => Some(local),
            Self::Container(_) | Self::Kube(_) => None,
        }
    }

    /// Files that decide what comes of its runs.
    #[must_use]
    pub fn inputs(&self) -> &[Arc<FileSet>] {
        match self {
            Self::Local(local) => std::slice::from_ref(&local.inputs),
            Self::Container(container) => &container.inputs,
            Self::Kube(kube) => &kube.inputs,
        }
    }

    /// Files and folders that its runs write.
    #[must_use]
    pub fn outputs(&self) -> &[FilePath] {
        match self {
            Self::Local(local) => &local.outputs,
            Self::Container(_) | Self::Kube(_) => &[],
        }
    }

    /// Images of the project that it is made of.
    #[must_use]
    pub fn images(&self) -> Vec<ImageKey> {
        match self {
            Self::Container(container) => match &container.image {
                ContainerImage::Built(key) => vec![key.clone()],
                ContainerImage::Pulled(_) => Vec::new(),
            },
            Self::Kube(kube) => kube.images.clone(),
            Self::Local(_) => Vec::new(),
        }
    }

    /// The spec of a container.
    #[must_use]
    pub fn container(&self) -> Option<&Container> {
        match self {
            Self::Container(container) => Some(container),
            Self::Local(_) | Self::Kube(_) => None,
        }
    }

    /// The spec of a Kubernetes resource.
    #[must_use]
    pub fn kube(&self) -> Option<&KubeSpec> {
        match self {
            Self::Kube(kube) => Some(kube),
            Self::Local(_) | Self::Container(_) => None,
        }
    }
}

/// One entry of `resource_deps`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// What is waited for.
    pub on: ResourceName,
    /// What it must have reached once.
    pub condition: Condition,
}

/// What a change of an input does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriggerMode {
    /// It starts a run.
    Auto,
    /// It waits for the user.
    Manual,
}

/// Something to look at in a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where.
    pub url: String,
    /// What it is called; may be empty.
    pub name: String,
}

/// A place in the user's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The path as messages show it, relative to the project where it lies in it.
    pub file: String,
    /// Counts from 1.
    pub line: u32,
    /// Counts characters from 1.
    pub column: u32,
}
