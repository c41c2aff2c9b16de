//! The session as the objects of Tilt's API: as much of them as scripts read.

use crate::{
    host::claim::SessionCard,
    model::{ContainerPhase, TriggerMode},
    report::when::rfc3339,
    snapshot::{ButtonRow, GraphEdgeKind, Row, RowKind, RunRow, RuntimeStatus, Snapshot, UpdateStatus},
};
use serde_json::{Value, json};

const API: &str = "tilt.dev/v1alpha1";

/// The objects of a kind, by the names that Tilt has for it; `None` where there is no such kind.
pub(super) fn of_kind(kind: &str, snapshot: &Snapshot, card: &SessionCard) -> Option<(&'static str, Vec<Value>)> {
    let rows = || snapshot.rows.iter().enumerate();
    let kind = kind.to_lowercase();
    let kind = kind.trim_end_matches(".tilt.dev").trim_end_matches(".v1alpha1");
    Some(match kind {
        "uiresource" | "uiresources" => {
            ("UIResource", rows().map(|(order, row)| resource(snapshot, order, row)).collect())
        }
        "kubernetesdiscovery" | "kubernetesdiscoveries" | "kubernetesdiscoverys" | "kd" => {
            ("KubernetesDiscovery", rows().map(|(_, row)| discovery(row)).collect())
        }
        "uibutton" | "uibuttons" => ("UIButton", snapshot.buttons.iter().map(button).collect()),
        "cmd" | "cmds" => ("Cmd", rows().filter_map(|(_, row)| command(snapshot, row)).collect()),
        "session" | "sessions" => ("Session", vec![session(snapshot, card)]),
        "uisession" | "uisessions" => ("UISession", vec![object("UISession", "Tiltfile", json!({}), json!({}))]),
        "tiltfile" | "tiltfiles" => ("Tiltfile", vec![tiltfile(snapshot, card)]),
        _ => return None,
    })
}

/// Several objects in one document.
pub(super) fn list(kind: &str, items: Vec<Value>) -> Value {
    json!({ "apiVersion": API, "items": items, "kind": format!("{kind}List"), "metadata": {} })
}

fn object(kind: &str, name: &str, spec: Value, status: Value) -> Value {
    json!({ "apiVersion": API, "kind": kind, "metadata": { "name": name }, "spec": spec, "status": status })
}

fn time(snapshot: &Snapshot, at: crate::model::Time) -> String {
    let millis = u64::try_from(at.0.as_millis()).unwrap_or(u64::MAX);
    rfc3339(snapshot.began_ms.unwrap_or(0).saturating_add(millis))
}

fn update_word(status: UpdateStatus) -> &'static str {
    match status {
        UpdateStatus::None => "none",
        UpdateStatus::Pending => "pending",
        UpdateStatus::InProgress => "in_progress",
        UpdateStatus::Ok => "ok",
        UpdateStatus::Error => "error",
        UpdateStatus::NotApplicable => "not_applicable",
    }
}

fn runtime_word(status: RuntimeStatus) -> &'static str {
    match status {
        RuntimeStatus::None => "none",
        RuntimeStatus::Pending => "pending",
        RuntimeStatus::Ok => "ok",
        RuntimeStatus::Error => "error",
        RuntimeStatus::NotApplicable => "not_applicable",
    }
}

fn resource(snapshot: &Snapshot, order: usize, row: &Row) -> Value {
    let condition = |kind: &str, is: bool| json!({ "type": kind, "status": if is { "True" } else { "False" } });
    let history: Vec<_> = row.runs.iter().map(|run| build(snapshot, run)).collect();
    let links: Vec<_> = row.links.iter().map(|link| json!({ "url": link.url, "name": link.name })).collect();
    let labels: serde_json::Map<_, _> = row.labels.iter().map(|label| (label.clone(), json!(label))).collect();
    let last = row.runs.first().and_then(|run| run.ended_at).map(|at| time(snapshot, at));
    let state = if row.spec.enabled { "Enabled" } else { "Disabled" };
    let kind = match row.kind {
        RowKind::Local => "local",
        _ => "docker-compose",
    };
    let status = json!({
        "runtimeStatus": runtime_word(row.runtime),
        "updateStatus": update_word(row.update),
        "triggerMode": u8::from(row.trigger_mode != TriggerMode::Auto),
        "hasPendingChanges": row.dirty,
        "queued": row.update == UpdateStatus::Pending,
        "disableStatus": { "state": state },
        "order": order + 1,
        "buildHistory": history,
        "currentBuild": row.current_run.as_ref().map(|run| json!({ "startTime": time(snapshot, run.started_at) })),
        "lastDeployTime": last,
        "endpointLinks": links,
        "specs": [{ "id": row.name.as_str(), "type": kind }],
        "localResourceInfo": { "pid": pid(row).to_string() },
        "conditions": [condition("UpToDate", row.is_up_to_date()), condition("Ready", row.is_ready())],
    });
    let mut object = object("UIResource", row.name.as_str(), json!({}), status);
    object["metadata"]["labels"] = labels.into();
    object
}

fn pid(row: &Row) -> u32 {
    row.instance.as_ref().and_then(|instance| instance.pid).unwrap_or(0)
}

fn build(snapshot: &Snapshot, run: &RunRow) -> Value {
    let failed = run.exit.as_ref().filter(|exit| !exit.is_success());
    json!({
        "startTime": time(snapshot, run.started_at),
        "finishTime": run.ended_at.map(|at| time(snapshot, at)),
        "error": failed.map(crate::snapshot::words::exit),
        "spanID": format!("build:{}", run.run),
    })
}

/// The pods, or containers, that a resource is.
fn discovery(row: &Row) -> Value {
    let containers = row.instance.iter().flat_map(|instance| &instance.containers);
    let pods: Vec<_> = containers
        .map(|container| {
            let running = container.phase == ContainerPhase::Running;
            json!({ "name": container.name, "phase": if running { "Running" } else { "Pending" } })
        })
        .collect();
    object("KubernetesDiscovery", row.name.as_str(), json!({}), json!({ "pods": pods, "running": {} }))
}

/// The server of a local resource.
fn command(snapshot: &Snapshot, row: &Row) -> Option<Value> {
    let instance = row.instance.as_ref().filter(|_| row.kind == RowKind::Local)?;
    let status = match (&instance.exit, instance.pid) {
        (None, Some(pid)) => {
            json!({ "running": { "pid": pid, "startedAt": time(snapshot, instance.started_at) }, "ready": instance.ready_at.is_some() })
        }
        (None, None) => json!({ "waiting": {} }),
        (Some(exit), _) => json!({ "terminated": { "reason": crate::snapshot::words::exit(exit) } }),
    };
    let mut object = object("Cmd", &format!("{}-serve", row.name), json!({}), status);
    object["metadata"]["annotations"] = json!({ "tilt.dev/resource": row.name.as_str() });
    Some(object)
}

fn button(row: &ButtonRow) -> Value {
    let button = &row.button;
    let (id, kind) = button.resource.as_ref().map_or(("nav", "Global"), |name| (name.as_str(), "Resource"));
    let spec = json!({
        "location": { "componentID": id, "componentType": kind },
        "text": button.text,
        "iconName": button.icon,
        "disabled": button.disabled,
        "requiresConfirmation": button.confirm,
    });
    object("UIButton", button.name.as_str(), spec, json!({}))
}

/// Each resource has a target for what it runs to its end, and one for what stays up.
fn session(snapshot: &Snapshot, card: &SessionCard) -> Value {
    let targets: Vec<_> = snapshot.rows.iter().filter(|row| row.spec.enabled).flat_map(|row| targets_of(row)).collect();
    let goal = if card.verb == "ci" { "ci" } else { "manual" };
    let spec = json!({ "tiltfilePath": card.file.to_string(), "exitCondition": goal });
    let status = json!({
        "pid": card.pid,
        "startTime": rfc3339(card.since_ms),
        "targets": targets,
        "done": snapshot.verdict.is_some(),
    });
    object("Session", "Tiltfile", spec, status)
}

fn targets_of(row: &Row) -> Vec<Value> {
    let name = row.name.as_str();
    let mut targets = Vec::new();
    if row.update != UpdateStatus::NotApplicable {
        let state = match row.update {
            UpdateStatus::Ok => json!({ "terminated": {} }),
            UpdateStatus::Error => json!({ "terminated": { "error": "it failed" } }),
            UpdateStatus::InProgress => json!({ "active": { "ready": false } }),
            _ => json!({ "waiting": { "waitReason": "waiting" } }),
        };
        targets.push(json!({ "name": format!("{name}:update"), "type": "job", "resources": [name], "state": state }));
    }
    if row.runtime != RuntimeStatus::NotApplicable {
        let state = match row.runtime {
            RuntimeStatus::Ok => json!({ "active": { "ready": true } }),
            RuntimeStatus::Pending => json!({ "active": { "ready": false } }),
            RuntimeStatus::Error => json!({ "terminated": { "error": "it ended, or is not ready" } }),
            _ => json!({ "waiting": { "waitReason": "waiting" } }),
        };
        targets
            .push(json!({ "name": format!("{name}:runtime"), "type": "server", "resources": [name], "state": state }));
    }
    targets
}

fn tiltfile(snapshot: &Snapshot, card: &SessionCard) -> Value {
    let error = snapshot.orchfile.errors.first().map(|error| error.message.clone());
    let status = if snapshot.orchfile.loading {
        json!({ "running": {} })
    } else {
        json!({ "terminated": { "error": error.unwrap_or_default() } })
    };
    object("Tiltfile", "(Tiltfile)", json!({ "path": card.file.to_string(), "args": *snapshot.args }), status)
}

/// What `tilt dump engine` says of resources and what they depend on.
pub(super) fn engine(snapshot: &Snapshot) -> Value {
    let graph = &snapshot.graph;
    let needs = |place: usize| -> Vec<String> {
        let edges = graph.edges.iter().filter(|edge| edge.to == place && matches!(edge.kind, GraphEdgeKind::Order(_)));
        edges.filter_map(|edge| snapshot.rows.get(edge.from)).map(|row| row.name.to_string()).collect()
    };
    let target = |(place, row): (usize, &std::sync::Arc<Row>)| {
        let containers = row.instance.iter().flat_map(|instance| &instance.containers);
        let pods: serde_json::Map<_, _> = containers
            .map(|container| (container.name.clone(), json!({ "containers": [{ "ready": row.is_ready() }] })))
            .collect();
        let target = json!({
            "Manifest": { "Name": row.name.as_str(), "ResourceDependencies": needs(place) },
            "State": { "RuntimeState": { "Pods": pods } },
        });
        (row.name.to_string(), target)
    };
    let targets: serde_json::Map<_, _> = snapshot.rows.iter().enumerate().map(target).collect();
    json!({ "ManifestTargets": targets })
}
