//! What runs elsewhere, as the objects of Tilt's API: pods, local ports that lead to them, containers of compose files.

use super::objects::{object, of_resource};
use crate::{
    model::{ContainerPhase, PodContainer, PodContainerPhase, PodPhase, PodState},
    report::when::rfc3339,
    snapshot::{Row, RowKind, Snapshot},
};
use serde_json::{Value, json};

fn moment(unix_ns: i64) -> Option<String> {
    u64::try_from(unix_ns).ok().filter(|ns| *ns > 0).map(|ns| rfc3339(ns / 1_000_000))
}

/// The pods of a resource of a cluster, those that count first.
pub(super) fn discovery(snapshot: &Snapshot, row: &Row) -> Option<Value> {
    if row.kind != RowKind::Kubernetes {
        return None;
    }
    let pods = sorted(row);
    let mut namespaces: Vec<&str> = pods.iter().map(|pod| pod.namespace.as_str()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let watches: Vec<_> = namespaces.iter().map(|namespace| json!({ "namespace": namespace, "uid": "" })).collect();
    let status = json!({ "pods": pods.iter().map(|pod| self::pod(pod)).collect::<Vec<_>>(), "running": {} });
    Some(of_resource(
        object(snapshot, "KubernetesDiscovery", row.name.as_str(), json!({ "watches": watches }), status),
        row,
    ))
}

/// The pods that belong to what was applied last come first, the newest of them at the head.
pub(super) fn sorted(row: &Row) -> Vec<&PodState> {
    let mut pods: Vec<&PodState> = row.instance.iter().flat_map(|instance| &instance.pods).collect();
    pods.sort_by_key(|pod| (!pod.is_current, pod.is_ending, std::cmp::Reverse(pod.created_at_ns)));
    pods
}

/// Kubernetes' word for where a pod is in its life.
pub(super) fn phase(pod: &PodState) -> &'static str {
    match pod.phase {
        PodPhase::Pending => "Pending",
        PodPhase::Running => "Running",
        PodPhase::Succeeded => "Succeeded",
        PodPhase::Failed => "Failed",
        PodPhase::Unknown => "Unknown",
    }
}

/// What `kubectl get pod` says of it.
pub(super) fn status(pod: &PodState) -> String {
    let waiting = pod.containers.iter().find_map(|container| match &container.phase {
        PodContainerPhase::Waiting { reason, .. } if !reason.is_empty() => Some(reason.clone()),
        _ => None,
    });
    match pod.phase {
        _ if pod.is_ending => "Terminating".to_owned(),
        PodPhase::Succeeded => "Completed".to_owned(),
        _ => waiting.unwrap_or_else(|| phase(pod).to_owned()),
    }
}

fn pod(pod: &PodState) -> Value {
    let of = |is_initial: bool| {
        let containers = pod.containers.iter().filter(|container| container.is_initial == is_initial);
        containers.map(container).collect::<Vec<_>>()
    };
    let ready = if pod.is_ready { "True" } else { "False" };
    json!({
        "name": pod.name,
        "namespace": pod.namespace,
        "createdAt": moment(pod.created_at_ns),
        "phase": phase(pod),
        "deleting": pod.is_ending,
        "conditions": [{ "type": "Ready", "status": ready }],
        "initContainers": of(true),
        "containers": of(false),
        "baselineRestartCount": 0,
        "status": status(pod),
        "errors": pod.trouble.iter().collect::<Vec<_>>(),
    })
}

fn container(container: &PodContainer) -> Value {
    let started = moment(container.started_at_ns);
    let (waiting, running, terminated) = match &container.phase {
        PodContainerPhase::Waiting { reason, .. } => (json!({ "reason": reason }), Value::Null, Value::Null),
        PodContainerPhase::Running => (Value::Null, json!({ "startedAt": started }), Value::Null),
        PodContainerPhase::Ended { code, reason } => {
            (Value::Null, Value::Null, json!({ "startedAt": started, "exitCode": code, "reason": reason }))
        }
    };
    json!({
        "name": container.name,
        "image": container.image,
        "ready": container.is_ready,
        "restarts": container.restarts,
        "state": { "waiting": waiting, "running": running, "terminated": terminated },
    })
}

/// The local ports of a resource.
pub(super) fn forward(snapshot: &Snapshot, row: &Row) -> Option<Value> {
    let newest = sorted(row).first().map(|pod| (pod.name.clone(), pod.namespace.clone()));
    let (pod, namespace) = newest.unwrap_or_default();
    let forwards: Vec<_> = row
        .forwards
        .iter()
        .map(|row| {
            let forward = &row.forward;
            let state = row.state.as_ref();
            let there = state.and_then(|state| state.to.as_ref()).map_or(forward.container_port, |(_, port)| *port);
            json!({
                "host": forward.host(),
                "localPort": state.map_or(forward.local_port, |state| state.local_port),
                "containerPort": there,
                "name": forward.name,
                "path": forward.link_path,
            })
        })
        .collect();
    if forwards.is_empty() {
        return None;
    }
    let spec = json!({ "podName": pod, "namespace": namespace, "forwards": forwards });
    Some(of_resource(object(snapshot, "PortForward", row.name.as_str(), spec, json!({})), row))
}

/// The container of a service of a compose file, or a plain one.
pub(super) fn service(snapshot: &Snapshot, row: &Row) -> Option<Value> {
    if row.kind != RowKind::Container {
        return None;
    }
    let container = row.instance.iter().flat_map(|instance| &instance.containers).next();
    let state = container.map(|container| {
        let word = match container.phase {
            ContainerPhase::Running => "running",
            ContainerPhase::Created => "created",
            _ => "exited",
        };
        json!({ "status": word, "startedAt": moment(container.started_at_ns) })
    });
    let status = json!({
        "containerID": container.map(|container| container.id.to_string()),
        "containerName": container.map(|container| container.name.clone()),
        "containerState": state,
    });
    Some(of_resource(
        object(snapshot, "DockerComposeService", row.name.as_str(), json!({ "service": row.name.as_str() }), status),
        row,
    ))
}
