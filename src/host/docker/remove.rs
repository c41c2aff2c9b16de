//! Stopping and removing what carries a project's marks. What carries none is never touched.

use super::{
    Connection, compose,
    failure::{is_missing, status},
    seen,
};
use crate::model::{ContainerId, Failure, ProjectId, ResourceName};
use bollard::{
    errors::Error,
    query_parameters::{
        ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
        RemoveContainerOptionsBuilder, RemoveVolumeOptionsBuilder, StopContainerOptionsBuilder,
        WaitContainerOptionsBuilder,
    },
};
use futures_util::{StreamExt as _, future::try_join_all};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

/// Ends containers: asks, and after `grace` kills. One that does not live any more is no failure.
///
/// # Errors
/// Why one lives on.
pub async fn stop(connection: &Connection, containers: &[ContainerId], grace: Duration) -> Result<(), Failure> {
    try_join_all(containers.iter().map(|id| stop_one(connection, id, grace))).await.map(drop)
}

async fn stop_one(connection: &Connection, id: &ContainerId, grace: Duration) -> Result<(), Failure> {
    let seconds = i32::try_from(grace.as_millis().div_ceil(1000)).unwrap_or(i32::MAX);
    let options = StopContainerOptionsBuilder::default().t(seconds).build();
    match connection.slow_api(grace).stop_container(&id.0, Some(options)).await {
        Ok(()) => Ok(()),
        Err(error) if is_missing(&error) => Ok(()),
        Err(error) => Err(connection.failure(&format!("the container `{}` cannot be stopped", id.short()), &error)),
    }
}

/// Ends containers and removes them, with the volumes that go with them. They are gone when this returns.
///
/// # Errors
/// Why one is still there.
pub async fn containers(connection: &Connection, containers: &[ContainerId], grace: Duration) -> Result<(), Failure> {
    let removals = containers.iter().map(async |id| {
        stop_one(connection, id, grace).await?;
        let removed = remove_one(connection, id).await;
        removed
            .map_err(|error| connection.failure(&format!("the container `{}` cannot be removed", id.short()), &error))
    });
    try_join_all(removals).await.map(drop)
}

async fn remove_one(connection: &Connection, id: &ContainerId) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    match connection.api().remove_container(&id.0, Some(options)).await {
        Err(error) if is_missing(&error) => Ok(()),
        // Somebody else removes it.
        Err(error) if status(&error) == Some(409) => {
            let options = WaitContainerOptionsBuilder::default().condition("removed").build();
            match connection.api().wait_container(&id.0, Some(options)).next().await {
                Some(Err(error)) if !is_missing(&error) && status(&error).is_some() => Err(error),
                _ => Ok(()),
            }
        }
        removed => removed,
    }
}

/// The compose projects to which containers of a project belong: what they share goes when the last of them is gone.
pub type ComposeProjects = BTreeSet<String>;

/// Ends and removes all containers that carry a resource's mark. Gives the compose projects that they belonged to.
///
/// # Errors
/// Why one is still there.
pub async fn of_resource(
    connection: &Connection,
    project: &ProjectId,
    resource: &ResourceName,
    grace: Duration,
) -> Result<ComposeProjects, Failure> {
    marked(connection, project, Some(resource), grace).await
}

async fn marked(
    connection: &Connection,
    project: &ProjectId,
    resource: Option<&ResourceName>,
    grace: Duration,
) -> Result<ComposeProjects, Failure> {
    let options = ListContainersOptionsBuilder::default().all(true).filters(&seen::filter(project, resource)).build();
    let found = connection.api().list_containers(Some(options)).await;
    let found = found.map_err(|error| connection.failure("containers cannot be listed", &error))?;
    let mut projects = ComposeProjects::new();
    let mut ids = Vec::new();
    for one in found {
        projects.extend(one.labels.and_then(|mut labels| labels.remove(compose::PROJECT)));
        ids.extend(one.id.map(|id| ContainerId(id.into())));
    }
    containers(connection, &ids, grace).await?;
    Ok(projects)
}

/// Removes all that carries the project's mark: containers that are left, networks, and volumes where that is wanted; and what
/// the compose projects of its containers shared, unless others use these. Tells that in lines: `removed the volume …`.
///
/// # Errors
/// What is still there, and why.
pub async fn all(
    connection: &Connection,
    project: &ProjectId,
    mut projects: ComposeProjects,
    grace: Duration,
    volumes: bool,
) -> Result<Vec<String>, Failure> {
    projects.extend(marked(connection, project, None, grace).await?);
    let volume = |name: String| format!("removed the volume `{name}`");
    let removed = shared(connection, &seen::filter(project, None), volumes).await?;
    let mut lines: Vec<String> = removed.into_iter().map(volume).collect();
    for name in projects {
        if let Some(whose) = compose::whose(connection, &name).await? {
            lines.push(format!("the compose project `{name}` belongs to {whose}: left alone"));
            continue;
        }
        let own = HashMap::from([("label".to_owned(), vec![format!("{}={name}", compose::PROJECT)])]);
        lines.extend(shared(connection, &own, volumes).await?.into_iter().map(volume));
    }
    Ok(lines)
}

/// Removes the networks, and where that is wanted the volumes, that pass a filter. Gives these volumes.
async fn shared(
    connection: &Connection,
    filter: &HashMap<String, Vec<String>>,
    volumes: bool,
) -> Result<Vec<String>, Failure> {
    let options = ListNetworksOptionsBuilder::default().filters(filter).build();
    let found = connection.api().list_networks(Some(options)).await;
    for network in found.map_err(|error| connection.failure("networks cannot be listed", &error))? {
        let (Some(id), Some(name)) = (network.id, network.name) else { continue };
        let removed = connection.api().remove_network(&id).await;
        unless_gone(removed, || format!("the network `{name}` cannot be removed"), connection)?;
    }
    if !volumes {
        return Ok(Vec::new());
    }
    let options = ListVolumesOptionsBuilder::default().filters(filter).build();
    let found = connection.api().list_volumes(Some(options)).await;
    let found = found.map_err(|error| connection.failure("volumes cannot be listed", &error))?;
    let mut names = Vec::new();
    for volume in found.volumes.unwrap_or_default() {
        let options = RemoveVolumeOptionsBuilder::default().build();
        let removed = connection.api().remove_volume(&volume.name, Some(options)).await;
        unless_gone(removed, || format!("the volume `{}` cannot be removed", volume.name), connection)?;
        names.push(volume.name);
    }
    Ok(names)
}

fn unless_gone(removed: Result<(), Error>, doing: impl Fn() -> String, connection: &Connection) -> Result<(), Failure> {
    match removed {
        Err(error) if !is_missing(&error) => Err(connection.failure(&doing(), &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
