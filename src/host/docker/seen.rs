//! What the engine shows of a project's containers and images, in orch's words. Asks, changes nothing.

use super::{Connection, failure::is_missing, made::Made, marks, stamp};
use crate::model::{
    BoundPort, ContainerId, ContainerPhase, ContainerState, Digest, Health, ImageId, ProjectId, ResourceName,
};
use bollard::{
    errors::Error,
    models::{
        ContainerInspectResponse, ContainerState as Engines, ContainerStateStatusEnum as Status, HealthStatusEnum,
        PortMap,
    },
    query_parameters::{ListContainersOptionsBuilder, ListImagesOptionsBuilder},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::{BTreeSet, HashMap};

/// So many containers are asked for at a time.
const QUESTIONS_MAX: usize = 32;
/// So much of what a health check printed is kept.
const OUTPUT_CHARS: usize = 2000;

/// A container of the project, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sighted {
    /// Whose it is.
    pub(super) resource: ResourceName,
    /// How it is.
    pub(super) state: ContainerState,
    /// What of it can be changed by hand, now.
    pub(super) now: Made,
    /// The same as it must have been made, if nobody saw that.
    pub(super) at_first_sight: Made,
}

/// The filter that lets only what carries the project's mark pass; with a name, only what is that resource's.
pub(super) fn filter(project: &ProjectId, resource: Option<&ResourceName>) -> HashMap<String, Vec<String>> {
    let mut labels = vec![format!("{}={project}", marks::PROJECT)];
    labels.extend(resource.map(|resource| format!("{}={resource}", marks::RESOURCE)));
    HashMap::from([("label".to_owned(), labels)])
}

/// The ids of all containers of the project, or of a resource of it, also of those that ended.
pub(super) async fn ids(
    connection: &Connection,
    project: &ProjectId,
    resource: Option<&ResourceName>,
) -> Result<Vec<ContainerId>, Error> {
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filter(project, resource)).build();
    let found = connection.api().list_containers(Some(options)).await?;
    Ok(found.into_iter().filter_map(|one| one.id).map(|id| ContainerId(id.into())).collect())
}

/// How a container is; `None` where it is gone.
pub(super) async fn inspect(
    connection: &Connection,
    id: &ContainerId,
) -> Result<Option<ContainerInspectResponse>, Error> {
    match connection.api().inspect_container(&id.0, None).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All containers of the project, or of a resource of it.
pub(super) async fn containers(
    connection: &Connection,
    project: &ProjectId,
    resource: Option<&ResourceName>,
) -> Result<Vec<Sighted>, Error> {
    let ids = ids(connection, project, resource).await?;
    let found = stream::iter(ids).map(async |id| inspect(connection, &id).await).buffer_unordered(QUESTIONS_MAX);
    found.try_filter_map(async |found| Ok(found.and_then(sighted))).try_collect().await
}

/// Which of these images the engine has. One that has lost its name is not there: nothing could be made of it.
pub(super) async fn images(connection: &Connection, asked: &[ImageId]) -> Result<BTreeSet<ImageId>, Error> {
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let found = connection.api().list_images(Some(ListImagesOptionsBuilder::default().all(true).build())).await?;
    let is_named = |tags: &[String]| tags.iter().any(|tag| !tag.starts_with("<none>"));
    let named = found.into_iter().filter(|image| is_named(&image.repo_tags)).map(|image| image.id);
    let there: BTreeSet<String> = named.collect();
    Ok(asked.iter().filter(|id| there.contains(&*id.0)).cloned().collect())
}

/// A container that carries a resource's mark.
pub(super) fn sighted(found: ContainerInspectResponse) -> Option<Sighted> {
    let (now, at_first_sight) = (Made::now(&found), Made::at_first_sight(&found));
    let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
    let resource = ResourceName::parse(labels.get(marks::RESOURCE)?).ok()?;
    let engines = found.state.unwrap_or_default();
    let (health, health_output) = health(&engines);
    let state = ContainerState {
        id: ContainerId(found.id?.into()),
        name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: ImageId(found.image.unwrap_or_default().into()),
        fingerprint: labels.get(marks::FINGERPRINT).and_then(|text| text.parse::<Digest>().ok()),
        phase: phase(&engines),
        health,
        health_output,
        started_at_ns: engines.started_at.as_deref().and_then(stamp::parse).unwrap_or_default(),
        engine_restarts: found.restart_count.and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        ports: bound(found.network_settings.and_then(|network| network.ports).unwrap_or_default()),
        changed: None,
    };
    Some(Sighted { resource, state, now, at_first_sight })
}

fn phase(engines: &Engines) -> ContainerPhase {
    match engines.status {
        Some(Status::RUNNING) => ContainerPhase::Running,
        Some(Status::PAUSED) => ContainerPhase::Paused,
        Some(Status::RESTARTING) => ContainerPhase::Restarting,
        Some(Status::EXITED) => ContainerPhase::Exited {
            code: engines.exit_code.and_then(|code| i32::try_from(code).ok()).unwrap_or(-1),
            out_of_memory: engines.oom_killed.unwrap_or_default(),
        },
        Some(Status::DEAD | Status::REMOVING) => ContainerPhase::Dead,
        // One of a later engine that is about to end still runs.
        Some(Status::STOPPING) => ContainerPhase::Running,
        Some(Status::CREATED | Status::EMPTY) | None => ContainerPhase::Created,
    }
}

/// What the health check says, and what it printed when it failed last.
fn health(engines: &Engines) -> (Option<Health>, Option<String>) {
    let Some(health) = &engines.health else { return (None, None) };
    let status = match health.status {
        Some(HealthStatusEnum::HEALTHY) => Health::Healthy,
        Some(HealthStatusEnum::UNHEALTHY) => Health::Unhealthy,
        Some(HealthStatusEnum::STARTING) => Health::Starting,
        Some(HealthStatusEnum::NONE | HealthStatusEnum::EMPTY) | None => return (None, None),
    };
    let failed = health.log.iter().flatten().rev().find(|check| check.exit_code != Some(0));
    let output = failed.and_then(|check| check.output.as_deref()).map(str::trim).filter(|text| !text.is_empty());
    (Some(status), output.map(|text| text.chars().take(OUTPUT_CHARS).collect()))
}

fn bound(ports: PortMap) -> Vec<BoundPort> {
    let bound = ports.into_iter().flat_map(|(inside, bindings)| {
        let bindings = bindings.unwrap_or_default().into_iter();
        bindings.filter_map(move |binding| {
            let (container_port, protocol) = inside.split_once('/')?;
            Some(BoundPort {
                host_ip: binding.host_ip.unwrap_or_default(),
                host_port: binding.host_port?.parse().ok()?,
                container_port: container_port.parse().ok()?,
                protocol: protocol.to_owned(),
            })
        })
    });
    let mut bound: Vec<BoundPort> = bound.collect();
    bound.sort();
    bound
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn inspected(state: serde_json::Value, labels: serde_json::Value) -> Option<Sighted> {
        let found = json!({
            "Id": "0123", "Name": "/shop-web", "Image": "sha256:aa", "RestartCount": 2, "State": state,
            "Config": {"Labels": labels},
            "NetworkSettings": {"Ports": {
                "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostIp": "::1", "HostPort": "8080"}],
                "90/udp": null
            }}
        });
        sighted(serde_json::from_value(found).unwrap())
    }

    #[test]
    fn a_container_is_seen_with_all_that_is_known_of_it() {
        let digest = Digest::of(b"x");
        let state = json!({"Status": "running", "StartedAt": "1970-01-01T00:00:01Z", "Health": {"Status": "unhealthy", "Log": [
            {"ExitCode": 1, "Output": "early\n"}, {"ExitCode": 1, "Output": "not yet\n"}, {"ExitCode": 0, "Output": "ok"}
        ]}});
        let labels = json!({"orch.resource": "web", "orch.fingerprint": digest.to_string()});
        let Sighted { resource, state, .. } = inspected(state, labels).unwrap();
        assert_eq!((resource.as_str(), state.name.as_str(), &*state.id.0), ("web", "shop-web", "0123"));
        assert_eq!((state.phase, state.fingerprint), (ContainerPhase::Running, Some(digest)));
        assert_eq!((state.health, state.health_output.as_deref()), (Some(Health::Unhealthy), Some("not yet")));
        assert_eq!((state.started_at_ns, state.engine_restarts), (1_000_000_000, 2));
        let ports: Vec<_> = state.ports.iter().map(|port| (port.host_ip.as_str(), port.host_port)).collect();
        assert_eq!(ports, [("127.0.0.1", 8080), ("::1", 8080)]);
    }

    #[test]
    fn an_end_tells_its_code_and_whether_memory_ran_out() {
        let state = json!({"Status": "exited", "ExitCode": 137, "OOMKilled": true});
        let seen = inspected(state, json!({"orch.resource": "web", "orch.fingerprint": "what?"})).unwrap();
        assert_eq!(seen.state.phase, ContainerPhase::Exited { code: 137, out_of_memory: true });
        assert_eq!((seen.state.fingerprint, seen.state.health), (None, None));
        assert!(inspected(json!({"Status": "exited"}), json!({})).is_none(), "nobody's");
    }
}
