//! The cluster that a project is for, as far as an evaluation knows it without asking the cluster.

use super::{FilePath, Image};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// What holds for all Kubernetes resources of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeSettings {
    /// The cluster; `None` where no kubeconfig names a context.
    pub cluster: Option<Cluster>,
    /// Why there is none, as far as the kubeconfig tells.
    #[serde(default)]
    pub no_cluster: Option<String>,
    /// What `allow_k8s_contexts` names.
    pub allowed_contexts: Vec<String>,
    /// How long applying one resource may take.
    pub upsert_timeout: Duration,
    /// Images that nobody builds, and into whose containers files are copied; for `orch eval`.
    pub synced_images: Vec<Arc<Image>>,
}

impl Default for KubeSettings {
    /// Tilt's.
    fn default() -> Self {
        let upsert_timeout = Duration::from_secs(30);
        Self {
            cluster: None,
            no_cluster: None,
            allowed_contexts: Vec::new(),
            upsert_timeout,
            synced_images: Vec::new(),
        }
    }
}

impl KubeSettings {
    /// Whether the cluster may be talked to: there is one, and it is known to be local or was allowed by name.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        let allowed =
            |cluster: &Cluster| cluster.product.is_local() || self.allowed_contexts.contains(&cluster.context);
        self.cluster.as_ref().is_none_or(allowed)
    }
}

/// A cluster, as the kubeconfig has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The name of the context.
    pub context: String,
    /// The name of the context's cluster.
    pub name: String,
    /// The namespace of objects that name none: that of `--namespace`, else of the context, else `default`.
    pub namespace: String,
    /// What runs it.
    pub product: Product,
    /// The files that were read, in the order of `$KUBECONFIG`.
    pub kubeconfig: Vec<FilePath>,
}

/// What runs a cluster, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the products")]
pub enum Product {
    Minikube,
    DockerDesktop,
    MicroK8s,
    Crc,
    Kind,
    K3d,
    Krucible,
    RancherDesktop,
    Colima,
    OrbStack,
    Gke,
    Eks,
    /// Any other.
    Unknown,
}

/// What the name of a cluster begins with, and what that tells. The rule is Tilt's.
const PREFIXES: [(&str, Product); 13] = [
    ("minikube", Product::Minikube),
    ("docker-for-desktop-cluster", Product::DockerDesktop),
    ("docker-desktop", Product::DockerDesktop),
    ("gke_", Product::Gke),
    ("kind-", Product::Kind),
    ("arn:aws:eks:", Product::Eks),
    ("microk8s", Product::MicroK8s),
    ("api-crc-testing", Product::Crc),
    ("krucible-", Product::Krucible),
    ("k3d-", Product::K3d),
    ("rancher-desktop", Product::RancherDesktop),
    ("colima", Product::Colima),
    ("orbstack", Product::OrbStack),
];

impl Product {
    /// What runs the cluster of this name, whose certificates are signed by what lies at `authority`.
    #[must_use]
    pub fn of_cluster(name: &str, authority: Option<&FilePath>, home: Option<&FilePath>) -> Self {
        if name == "kind" {
            return Self::Kind;
        }
        let is_meant = |(prefix, product): &&(&str, Self)| match product {
            Self::OrbStack => name == *prefix,
            _ => name.starts_with(prefix),
        };
        if let Some((_, product)) = PREFIXES.iter().find(is_meant) {
            return *product;
        }
        let of_minikube = home.map(|home| home.join(".minikube"));
        let signed = authority.zip(of_minikube).is_some_and(|(authority, folder)| authority.is_within(&folder));
        if signed { Self::Minikube } else { Self::Unknown }
    }

    /// Whether the nodes of such a cluster get images from registries alone: they do not share those of the Docker Engine, and no tool
    /// gives them any.
    #[must_use]
    pub fn pulls_images(self) -> bool {
        matches!(self, Self::MicroK8s | Self::Crc | Self::Krucible | Self::Gke | Self::Eks | Self::Unknown)
    }

    /// Whether such a cluster is one's own machine's, so that nobody else is hurt.
    #[must_use]
    pub fn is_local(self) -> bool {
        !matches!(self, Self::Gke | Self::Eks | Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_cluster_tells_what_runs_it() {
        let home = FilePath::new("/home/ann");
        let of = |name: &str, authority: &str| {
            Product::of_cluster(name, Some(&FilePath::new(authority)), Some(&home)).is_local()
        };
        for name in ["kind", "kind-shop", "minikube", "docker-desktop", "k3d-x", "orbstack", "colima-work"] {
            assert!(of(name, "/ca.crt"), "{name}");
        }
        for name in ["gke_acme_europe_prod", "arn:aws:eks:eu:1:cluster/x", "kindle", "orbstack-prod", "prod"] {
            assert!(!of(name, "/ca.crt"), "{name}");
        }
        assert!(of("prod", "/home/ann/.minikube/ca.crt"));
    }
}
