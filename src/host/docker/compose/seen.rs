//! What the engine has of a compose project.

use crate::{
    host::docker::{Connection, marks},
    model::{ContainerId, Failure},
};
use bollard::{
    models::{ContainerSummary, ContainerSummaryStateEnum as State},
    query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder},
};
use std::collections::HashMap;

use super::feed::Shared;

/// The compose tool's own labels.
pub(in crate::host::docker) const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const ONE_OFF: &str = "com.docker.compose.oneoff";
pub(super) const FOLDER: &str = "com.docker.compose.project.working_dir";

/// A container of a compose project, whoever made it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Its id.
    pub(super) id: ContainerId,
    /// Its name.
    pub(super) name: String,
    /// Whose container it is.
    pub(super) service: String,
    /// Where in its life it is.
    pub(super) state: State,
    labels: HashMap<String, String>,
}

impl Seen {
    fn of(summary: ContainerSummary) -> Option<Self> {
        let labels = summary.labels.unwrap_or_default();
        if labels.get(ONE_OFF).is_some_and(|one_off| one_off.eq_ignore_ascii_case("true")) {
            return None;
        }
        let name = summary.names.unwrap_or_default().into_iter().next().unwrap_or_default();
        Some(Self {
            id: ContainerId(summary.id?.into()),
            name: name.trim_start_matches('/').to_owned(),
            service: labels.get(SERVICE)?.clone(),
            state: summary.state.unwrap_or(State::EMPTY),
            labels,
        })
    }

    /// The fingerprint that it was made with.
    pub(super) fn fingerprint(&self) -> Option<&str> {
        self.label(marks::FINGERPRINT)
    }

    /// The id of the orch project that made it.
    pub(super) fn owner(&self) -> Option<&str> {
        self.label(marks::PROJECT)
    }

    /// Where the Orchfile of that project lies.
    pub(super) fn root(&self) -> Option<&str> {
        self.label(marks::ROOT)
    }

    /// The resource that it belongs to.
    pub(super) fn resource(&self) -> Option<&str> {
        self.label(marks::RESOURCE)
    }

    /// The folder of the compose project that made it.
    pub(super) fn folder(&self) -> Option<&str> {
        self.label(FOLDER)
    }

    /// Whether something of it lives.
    pub(super) fn is_alive(&self) -> bool {
        matches!(self.state, State::RUNNING | State::PAUSED | State::RESTARTING | State::STOPPING)
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

fn of_project(project: &str) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![format!("{PROJECT}={project}")])])
}

/// All containers of the services of a compose project.
pub(super) async fn containers(connection: &Connection, project: &str) -> Result<Vec<Seen>, Failure> {
    Ok(summaries(connection, project).await?.into_iter().filter_map(Seen::of).collect())
}

/// What all containers of a compose project are marked with, also those of `docker compose run`.
pub(super) async fn labels(connection: &Connection, project: &str) -> Result<Vec<HashMap<String, String>>, Failure> {
    let found = summaries(connection, project).await?;
    Ok(found.into_iter().map(|one| one.labels.unwrap_or_default()).collect())
}

async fn summaries(connection: &Connection, project: &str) -> Result<Vec<ContainerSummary>, Failure> {
    let options = ListContainersOptionsBuilder::default().all(true).filters(&of_project(project)).build();
    let found = connection.api().list_containers(Some(options)).await;
    found.map_err(|error| connection.failure("containers cannot be listed", &error))
}

/// Whether all of these are there.
pub(super) async fn has_shared(connection: &Connection, project: &str, shared: &Shared) -> Result<bool, Failure> {
    let filters = of_project(project);
    if !shared.networks.is_empty() {
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let found = connection.api().list_networks(Some(options)).await;
        let found = found.map_err(|error| connection.failure("networks cannot be listed", &error))?;
        if !shared.networks.iter().all(|name| found.iter().any(|network| network.name.as_ref() == Some(name))) {
            return Ok(false);
        }
    }
    if !shared.volumes.is_empty() {
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let found = connection.api().list_volumes(Some(options)).await;
        let found = found.map_err(|error| connection.failure("volumes cannot be listed", &error))?;
        let found = found.volumes.unwrap_or_default();
        return Ok(shared.volumes.iter().all(|name| found.iter().any(|volume| volume.name == *name)));
    }
    Ok(true)
}
