//! The networks of plain containers.
//!
//! One that an Orchfile names is the project's own, unless somebody else made one of that very name for all to use.

use crate::{
    host::docker::{
        Connection,
        marks::{self, Marks},
        seen,
    },
    model::{Failure, NetworkUse, ProjectId, ResourceName},
};
use bollard::{
    models::{EndpointSettings, Network, NetworkConnectRequest, NetworkCreateRequest},
    query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder},
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, Weak},
};
use tokio::sync::Mutex;

/// Networks that the engine itself has; in these nobody has further names.
const BUILT_IN: [&str; 3] = ["bridge", "host", "none"];

/// Makes networks, one at a time: the engine would make two of one name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Networks(Arc<Mutex<Vec<Weak<Names>>>>);

/// Networks that a container joins which is not there yet.
type Names = std::sync::Mutex<BTreeSet<String>>;

/// The networks that a container joins, by the engine's names.
#[derive(Debug, Default)]
pub(super) struct Joined {
    networks: Vec<(String, EndpointSettings)>,
    /// As long as this lives they stay.
    #[expect(dead_code, reason = "held, never read: whoever removes networks has a weak one")]
    kept: Arc<Names>,
}

impl Networks {
    /// Sees to it that all of these are there.
    pub(super) async fn join(
        &self,
        connection: &Connection,
        marks: &Marks,
        resource: &ResourceName,
        uses: &[NetworkUse],
    ) -> Result<Joined, Failure> {
        let alias = |further: &[String]| EndpointSettings {
            aliases: Some(std::iter::once(resource.to_string()).chain(further.iter().cloned()).collect()),
            ..EndpointSettings::default()
        };
        let kept = Arc::<Names>::default();
        if uses.is_empty() {
            let name = own_name(&marks.project, "default");
            self.ensure(connection, marks, &[&name], &name, &kept).await?;
            return Ok(Joined { networks: vec![(name, alias(&[]))], kept });
        }
        let mut networks = Vec::new();
        for used in uses {
            if BUILT_IN.contains(&used.name.as_str()) || used.name.starts_with("container:") {
                networks.push((used.name.clone(), EndpointSettings::default()));
                continue;
            }
            let own = own_name(&marks.project, &used.name);
            let name = self.ensure(connection, marks, &[&own, &used.name], &own, &kept).await?;
            networks.push((name, alias(&used.aliases)));
        }
        Ok(Joined { networks, kept })
    }

    /// Finds one of these names, or makes `own`.
    async fn ensure(
        &self,
        connection: &Connection,
        marks: &Marks,
        names: &[&str],
        own: &str,
        kept: &Arc<Names>,
    ) -> Result<String, Failure> {
        let mut turn = self.0.lock().await;
        turn.retain(|names| names.strong_count() > 0);
        turn.push(Arc::downgrade(kept));
        kept.lock().unwrap_or_else(PoisonError::into_inner).extend(names.iter().map(ToString::to_string));
        let filters = HashMap::from([("name".to_owned(), names.iter().map(|name| format!("^{name}$")).collect())]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let found = connection.api().list_networks(Some(options)).await;
        let found = found.map_err(|error| connection.failure("networks cannot be listed", &error))?;
        let is_ours_to_use = |network: &&Network| {
            let owner = network.labels.as_ref().and_then(|labels| labels.get(marks::PROJECT));
            owner.is_none_or(|owner| owner == marks.project.as_str())
        };
        let usable: Vec<_> =
            found.iter().filter(is_ours_to_use).filter_map(|network| network.name.as_deref()).collect();
        if let Some(name) = names.iter().find(|name| usable.contains(name)) {
            return Ok((*name).to_owned());
        }
        let labels = marks.of_thing().into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
        let request = NetworkCreateRequest { name: own.to_owned(), labels: Some(labels), ..Default::default() };
        let made = connection.api().create_network(request).await;
        made.map_err(|error| connection.failure(&format!("the network `{own}` cannot be made"), &error))?;
        Ok(own.to_owned())
    }
}

impl Networks {
    /// Removes the project's networks that no container of it is in and none that is being made joins. One that is used in another way
    /// stays.
    ///
    /// # Errors
    /// Why the engine does not say what it has.
    pub(super) async fn remove_unused(&self, connection: &Connection, project: &ProjectId) -> Result<(), Failure> {
        let turn = self.0.lock().await;
        let failure = |error| connection.failure("networks cannot be listed", &error);
        let own = seen::filter(project, None);
        let options = ListNetworksOptionsBuilder::default().filters(&own).build();
        let networks = connection.api().list_networks(Some(options)).await.map_err(failure)?;
        if networks.is_empty() {
            return Ok(());
        }
        let options = ListContainersOptionsBuilder::default().all(true).filters(&own).build();
        let containers = connection.api().list_containers(Some(options)).await.map_err(failure)?;
        let mut used: BTreeSet<String> = containers
            .into_iter()
            .filter_map(|one| one.network_settings?.networks)
            .flat_map(HashMap::into_keys)
            .collect();
        for names in turn.iter().filter_map(Weak::upgrade) {
            used.extend(names.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        }
        for name in networks.into_iter().filter_map(|network| network.name).filter(|name| !used.contains(name)) {
            // One that somebody else's container is in stays.
            drop(connection.api().remove_network(&name).await);
        }
        Ok(())
    }
}

fn own_name(project: &ProjectId, name: &str) -> String {
    format!("{project}_{name}")
}

impl Joined {
    /// The network that the container is made in: older engines take one alone.
    pub(super) fn first(&self) -> Option<(&str, &EndpointSettings)> {
        self.networks.first().map(|(name, endpoint)| (name.as_str(), endpoint))
    }

    /// Joins the others.
    pub(super) async fn connect_further(&self, connection: &Connection, id: &str, name: &str) -> Result<(), Failure> {
        for (network, endpoint) in self.networks.iter().skip(1) {
            let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(endpoint.clone()) };
            let connected = connection.api().connect_network(network, request).await;
            connected.map_err(|error| {
                connection.failure(&format!("the container `{name}` cannot join the network `{network}`"), &error)
            })?;
        }
        Ok(())
    }
}
