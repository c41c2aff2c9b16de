//! Where a cluster wants images to be pushed, as it says itself: KEP-1755, the `ConfigMap` `local-registry-hosting`.

use super::{Connection, failure::is_lost, yaml};
use crate::model::ClusterRegistry;
use k8s_openapi::api::core::v1::ConfigMap;
use kube_client::{Api, Error};

const NAMESPACE: &str = "kube-public";
const NAME: &str = "local-registry-hosting";
const KEY: &str = "localRegistryHosting.v1";

/// The registry that a cluster advertises, if it does and we may see it.
///
/// # Errors
/// That the cluster cannot be reached.
pub async fn advertised(connection: &Connection) -> Result<Option<ClusterRegistry>, Error> {
    let api: Api<ConfigMap> = Api::namespaced(connection.client(), NAMESPACE);
    match api.get_opt(NAME).await {
        Ok(found) => Ok(found.and_then(|map| map.data?.remove(KEY)).and_then(|text| read(&text))),
        Err(error) if is_lost(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// What the text says.
fn read(text: &str) -> Option<ClusterRegistry> {
    let fields = yaml::documents(text).ok()?.into_iter().next()?;
    let of = |name: &str| {
        fields.get(name).and_then(serde_json::Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let host = of("host")?;
    let from_cluster = of("hostFromContainerRuntime").filter(|name| *name != host);
    Some(ClusterRegistry { host, from_cluster })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cluster_says_is_read() {
        let registry =
            read("host: \"localhost:5005\"\nhostFromContainerRuntime: \"registry:5000\"\nhelp: x\n").unwrap();
        assert_eq!(
            (registry.host.as_str(), registry.from_cluster.as_deref()),
            ("localhost:5005", Some("registry:5000"))
        );
        assert_eq!(read("host: \"localhost:5005\"\n").unwrap().from_cluster, None);
        assert_eq!(read("hostFromClusterNetwork: \"r:5000\"\n"), None);
    }
}
