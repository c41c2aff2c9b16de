//! The networks of plain containers.
//!
//! One that an Orchfile names is the project's own, unless somebody else made one of that very name for all to use.

use crate::{
    host::docker::{
        Connection,
        marks::{self, Marks},
    },
    model::{Failure, NetworkUse, ProjectId, ResourceName},
};
use bollard::{
    models::{EndpointSettings, Network, NetworkConnectRequest, NetworkCreateRequest},
    query_parameters::ListNetworksOptionsBuilder,
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::Mutex;

/// Networks that the engine itself has; in these nobody has further names.
const BUILT_IN: [&str; 3] = ["bridge", "host", "none"];

/// Makes networks, one at a time: the engine would make two of one name. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Networks(Arc<Mutex<()>>);

/// The networks that a container joins, by the engine's names.
#[derive(Debug, Default)]
pub(super) struct Joined(Vec<(String, EndpointSettings)>);

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
        if uses.is_empty() {
            let name = own_name(&marks.project, "default");
            self.ensure(connection, marks, &[&name], &name).await?;
            return Ok(Joined(vec![(name, alias(&[]))]));
        }
        let mut joined = Vec::new();
        for used in uses {
            if BUILT_IN.contains(&used.name.as_str()) || used.name.starts_with("container:") {
                joined.push((used.name.clone(), EndpointSettings::default()));
                continue;
            }
            let own = own_name(&marks.project, &used.name);
            let name = self.ensure(connection, marks, &[&own, &used.name], &own).await?;
            joined.push((name, alias(&used.aliases)));
        }
        Ok(Joined(joined))
    }

    /// Finds one of these names, or makes `own`.
    async fn ensure(
        &self,
        connection: &Connection,
        marks: &Marks,
        names: &[&str],
        own: &str,
    ) -> Result<String, Failure> {
        let _turn = self.0.lock().await;
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

fn own_name(project: &ProjectId, name: &str) -> String {
    format!("{project}_{name}")
}

impl Joined {
    /// The network that the container is made in: older engines take one alone.
    pub(super) fn first(&self) -> Option<(&str, &EndpointSettings)> {
        self.0.first().map(|(name, endpoint)| (name.as_str(), endpoint))
    }

    /// Joins the others.
    pub(super) async fn connect_further(&self, connection: &Connection, id: &str, name: &str) -> Result<(), Failure> {
        for (network, endpoint) in self.0.iter().skip(1) {
            let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(endpoint.clone()) };
            let connected = connection.api().connect_network(network, request).await;
            connected.map_err(|error| {
                connection.failure(&format!("the container `{name}` cannot join the network `{network}`"), &error)
            })?;
        }
        Ok(())
    }
}
