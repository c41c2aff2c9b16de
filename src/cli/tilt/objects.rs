//! The session as the objects of Tilt's API: as much of them as scripts read.

use super::pods;
use crate::{
    host::claim::SessionCard,
    model::{ButtonAction, Exit, ResourceName, TriggerMode},
    report::when::rfc3339,
    snapshot::{ButtonRow, GraphEdgeKind, Hold, Row, RowKind, RunRow, RuntimeStatus, Snapshot, UpdateStatus},
};
use serde_json::{Value, json};

const API: &str = "tilt.dev/v1alpha1";

/// What Tilt calls the file itself, among resources.
pub(super) const TILTFILE: &str = "(Tiltfile)";

/// A kind of objects and the names that scripts call it by.
#[derive(Debug)]
pub(super) struct Kind {
    /// As in documents.
    pub(super) name: &'static str,
    /// Of one.
    pub(super) singular: &'static str,
    /// Of several.
    pub(super) plural: &'static str,
    short: &'static [&'static str],
}

const fn of(name: &'static str, singular: &'static str, plural: &'static str, short: &'static [&'static str]) -> Kind {
    Kind { name, singular, plural, short }
}

/// The kinds of which a session has objects.
pub(super) const KINDS: [Kind; 11] = [
    of("UIResource", "uiresource", "uiresources", &["uir"]),
    of(
        "KubernetesDiscovery",
        "kubernetesdiscovery",
        "kubernetesdiscoveries",
        &["kd", "kdisco", "kubernetesdiscoverys"],
    ),
    of("PortForward", "portforward", "portforwards", &["pf"]),
    of("DockerComposeService", "dockercomposeservice", "dockercomposeservices", &["dcs"]),
    of("ImageMap", "imagemap", "imagemaps", &["im"]),
    of("Cluster", "cluster", "clusters", &[]),
    of("Cmd", "cmd", "cmds", &[]),
    of("UIButton", "uibutton", "uibuttons", &["uib"]),
    of("UISession", "uisession", "uisessions", &[]),
    of("Session", "session", "sessions", &[]),
    of("Tiltfile", "tiltfile", "tiltfiles", &["tf"]),
];

/// The kind that has this name, in any of the forms that Tilt takes.
pub(super) fn kind(name: &str) -> Option<&'static Kind> {
    let name = name.to_lowercase();
    let name = name.split('.').next().unwrap_or_default();
    KINDS.iter().find(|kind| kind.singular == name || kind.plural == name || kind.short.contains(&name))
}

/// The objects of a kind.
pub(super) fn of_kind(kind: &Kind, snapshot: &Snapshot, card: &SessionCard) -> Vec<Value> {
    let rows = || snapshot.rows.iter();
    match kind.singular {
        "uiresource" => {
            let all = rows().enumerate().map(|(order, row)| resource(snapshot, order, row));
            std::iter::once(tiltfile_resource(snapshot)).chain(all).collect()
        }
        "kubernetesdiscovery" => rows().filter_map(|row| pods::discovery(snapshot, row)).collect(),
        "portforward" => rows().filter_map(|row| pods::forward(snapshot, row)).collect(),
        "dockercomposeservice" => rows().filter_map(|row| pods::service(snapshot, row)).collect(),
        "imagemap" => images(snapshot),
        "cluster" => clusters(snapshot),
        "cmd" => {
            let of_rows = rows().flat_map(|row| commands(snapshot, row));
            of_rows.chain(snapshot.buttons.iter().map(|row| command_of(snapshot, row))).collect()
        }
        "uibutton" => snapshot.buttons.iter().map(|row| button(snapshot, row)).collect(),
        "uisession" => vec![object(snapshot, "UISession", "Tiltfile", json!({}), json!({}))],
        "session" => vec![session(snapshot, card)],
        "tiltfile" => vec![tiltfile(snapshot, card)],
        _ => Vec::new(),
    }
}

/// Several objects in one document.
pub(super) fn list(kind: &str, items: &[Value]) -> Value {
    json!({ "apiVersion": API, "items": items, "kind": format!("{kind}List"), "metadata": {} })
}

pub(super) fn object(snapshot: &Snapshot, kind: &str, name: &str, spec: Value, status: Value) -> Value {
    let created = snapshot.began_ms.map(rfc3339);
    json!({
        "apiVersion": API,
        "kind": kind,
        "metadata": { "name": name, "creationTimestamp": created },
        "spec": spec,
        "status": status,
    })
}

/// Says of an object to which resource it belongs.
pub(super) fn of_resource(mut object: Value, row: &Row) -> Value {
    object["metadata"]["annotations"] = json!({ "tilt.dev/resource": row.name.as_str() });
    object
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

fn condition(kind: &str, is: bool) -> Value {
    json!({ "type": kind, "status": if is { "True" } else { "False" } })
}

fn resource(snapshot: &Snapshot, order: usize, row: &Row) -> Value {
    let history: Vec<_> = row.runs.iter().map(|run| build(snapshot, run)).collect();
    let links: Vec<_> = row.links.iter().map(|link| json!({ "url": link.url, "name": link.name })).collect();
    let labels: serde_json::Map<_, _> = row.labels.iter().map(|label| (label.clone(), json!(label))).collect();
    let last = row.runs.first().and_then(|run| run.ended_at).map(|at| time(snapshot, at));
    let state = if row.spec.enabled { "Enabled" } else { "Disabled" };
    let kind = match row.kind {
        RowKind::Local => "local",
        RowKind::Container => "docker-compose",
        RowKind::Kubernetes => "k8s",
    };
    let images = row.images.iter().map(|image| json!({ "id": format!("image:{}", image.image), "type": "image" }));
    let target = json!({ "id": format!("{kind}:{}", row.name), "type": kind });
    let mut status = json!({
        "runtimeStatus": runtime_word(row.runtime),
        "updateStatus": update_word(row.update),
        "triggerMode": trigger_mode(row),
        "hasPendingChanges": row.dirty,
        "queued": row.update == UpdateStatus::Pending,
        "disableStatus": { "state": state },
        "order": order + 1,
        "buildHistory": history,
        "currentBuild": row.current_run.as_ref().map(|run| json!({ "startTime": time(snapshot, run.started_at) })),
        "lastDeployTime": last,
        "endpointLinks": links,
        "specs": images.chain([target]).collect::<Vec<_>>(),
        "waiting": waiting(row),
        "conditions": [condition("UpToDate", row.is_up_to_date()), condition("Ready", row.is_ready())],
    });
    match row.kind {
        RowKind::Local => status["localResourceInfo"] = json!({ "pid": pid(row).to_string() }),
        RowKind::Container => status["composeResourceInfo"] = json!({ "healthStatus": health(row) }),
        RowKind::Kubernetes => status["k8sResourceInfo"] = pod_info(row),
    }
    let mut object = object(snapshot, "UIResource", row.name.as_str(), json!({}), status);
    object["metadata"]["labels"] = labels.into();
    object
}

/// The file itself is a resource, too.
fn tiltfile_resource(snapshot: &Snapshot) -> Value {
    let file = &snapshot.orchfile;
    let error = file.errors.first().map(|error| error.message.clone());
    let is_good = error.is_none() && !file.loading;
    let word = if file.loading {
        "in_progress"
    } else if is_good {
        "ok"
    } else {
        "error"
    };
    let build = json!({ "error": error.unwrap_or_default() });
    let status = json!({
        "runtimeStatus": "not_applicable",
        "updateStatus": word,
        "disableStatus": { "state": "Enabled" },
        "order": 0,
        "buildHistory": if file.loading { vec![] } else { vec![build] },
        "specs": [],
        "conditions": [condition("UpToDate", is_good), condition("Ready", is_good)],
    });
    object(snapshot, "UIResource", TILTFILE, json!({}), status)
}

/// Two bits: that changes do not start it, and that the session does not.
fn trigger_mode(row: &Row) -> u8 {
    match (row.trigger_mode == TriggerMode::Auto, row.spec.auto_init) {
        (true, true) => 0,
        (false, true) => 1,
        (false, false) => 2,
        (true, false) => 3,
    }
}

/// In Tilt's words, as far as it has some.
fn waiting(row: &Row) -> Option<Value> {
    let (reason, on) = match row.hold.as_ref()? {
        Hold::OrchfileLoading => ("tiltfile-reload", None),
        Hold::Dependency { on, .. } => ("waiting-for-dep", Some(on)),
        Hold::Writer(on) | Hold::WriterFailed(on) => ("waiting-for-dep", Some(on)),
        Hold::Image(_) | Hold::ImageFailed(_) => ("building-component", None),
        Hold::Exclusive(on) => ("waiting-for-local", Some(on)),
        Hold::Cluster(_) | Hold::Docker(_) => ("waiting-for-cluster", None),
        Hold::Starting => ("waiting-for-deploy", None),
        _ => return None,
    };
    let on: Vec<_> = on.into_iter().map(|name| json!({ "group": "tilt.dev", "apiVersion": "v1alpha1", "kind": "UIResource", "name": name.as_str() })).collect();
    Some(json!({ "reason": reason, "on": on }))
}

fn health(row: &Row) -> &'static str {
    match row.runtime {
        RuntimeStatus::Ok => "Healthy",
        RuntimeStatus::Error => "Unhealthy",
        _ => "Starting",
    }
}

fn pod_info(row: &Row) -> Value {
    let objects = row.spec.parts.iter().filter(|part| part.name == "object").map(|part| {
        let mut words = part.text.split(' ');
        let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        format!("{name}:{}", kind.to_lowercase())
    });
    let names: Vec<_> = objects.collect();
    let Some(pod) = pods::sorted(row).first().copied() else { return json!({ "displayNames": names }) };
    json!({
        "podName": pod.name,
        "podStatus": pods::status(pod),
        "podStatusMessage": pod.trouble,
        "allContainersReady": pod.is_ready,
        "podRestarts": pod.containers.iter().map(|container| container.restarts).sum::<u32>(),
        "displayNames": names,
    })
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

/// Each image that is built here, with what it is called now.
fn images(snapshot: &Snapshot) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for image in snapshot.rows.iter().flat_map(|row| &row.images) {
        let selector = image.image.to_string();
        let name = selector.replace(['/', ':', '@'], "_");
        if found.iter().all(|known| known["metadata"]["name"] != json!(name)) {
            let status = json!({ "image": image.reference, "imageFromLocal": image.reference, "imageFromCluster": image.reference });
            found.push(object(snapshot, "ImageMap", &name, json!({ "selector": selector }), status));
        }
    }
    found
}

/// Where Kubernetes and Docker resources run. Their machines are taken to be as this one is.
fn clusters(snapshot: &Snapshot) -> Vec<Value> {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let one = |kind: RowKind, name: &str, connection: Value| {
        let is_there = snapshot.rows.iter().any(|row| row.kind == kind);
        is_there.then(|| {
            let (spec, status) = (json!({ "connection": connection }), json!({ "arch": arch }));
            object(snapshot, "Cluster", name, spec, status)
        })
    };
    let kubernetes = one(RowKind::Kubernetes, "default", json!({ "kubernetes": {} }));
    let docker = one(RowKind::Container, "docker", json!({ "docker": {} }));
    kubernetes.into_iter().chain(docker).collect()
}

/// The commands of a local resource: the one that runs to its end, and the server.
fn commands(snapshot: &Snapshot, row: &Row) -> Vec<Value> {
    let has = |name: &str| row.kind == RowKind::Local && row.spec.parts.iter().any(|part| part.name == name);
    let named = |end: &str, status: Value| {
        of_resource(object(snapshot, "Cmd", &format!("{}{end}", row.name), json!({}), status), row)
    };
    let update = has("cmd").then(|| named(":update", run_state(snapshot, row.current_run.as_ref(), row.runs.first())));
    let server = has("serve_cmd").then(|| named("-serve", server_state(snapshot, row)));
    update.into_iter().chain(server).collect()
}

fn run_state(snapshot: &Snapshot, current: Option<&RunRow>, last: Option<&RunRow>) -> Value {
    match (current, last) {
        (Some(run), _) => json!({ "running": { "startedAt": time(snapshot, run.started_at) }, "ready": false }),
        (None, Some(run)) => {
            let reason = run.exit.as_ref().map(crate::snapshot::words::exit).unwrap_or_default();
            let code = match &run.exit {
                Some(exit) if exit.is_success() => 0,
                Some(Exit::Code(code)) => *code,
                _ => 1,
            };
            let (started, ended) = (time(snapshot, run.started_at), run.ended_at.map(|at| time(snapshot, at)));
            json!({ "terminated": { "startedAt": started, "finishedAt": ended, "exitCode": code, "reason": reason } })
        }
        (None, None) => json!({ "waiting": {} }),
    }
}

fn server_state(snapshot: &Snapshot, row: &Row) -> Value {
    let Some(instance) = &row.instance else { return json!({ "waiting": {} }) };
    match (&instance.exit, instance.pid) {
        (None, Some(pid)) => {
            let started = time(snapshot, instance.started_at);
            json!({ "running": { "pid": pid, "startedAt": started }, "ready": instance.ready_at.is_some() })
        }
        (None, None) => json!({ "waiting": {} }),
        (Some(exit), _) => json!({ "terminated": { "reason": crate::snapshot::words::exit(exit) } }),
    }
}

/// The command of a button.
fn command_of(snapshot: &Snapshot, row: &ButtonRow) -> Value {
    let button = &row.button;
    let name = button.actions.iter().find_map(|action| match action {
        ButtonAction::Run { name, .. } => Some(name.clone()),
        ButtonAction::Trigger(_) => None,
    });
    let status = run_state(snapshot, row.current_run.as_ref(), row.last_run.as_ref());
    let spec = json!({ "startOn": { "uiButtons": [button.name.as_str()] } });
    let mut object = object(snapshot, "Cmd", &name.unwrap_or_else(|| format!("btn-{}", button.name)), spec, status);
    object["metadata"]["annotations"] =
        json!({ "tilt.dev/resource": button.resource.as_ref().map(ResourceName::as_str) });
    object
}

fn button(snapshot: &Snapshot, row: &ButtonRow) -> Value {
    let button = &row.button;
    let (id, kind) = button.resource.as_ref().map_or(("nav", "Global"), |name| (name.as_str(), "Resource"));
    let spec = json!({
        "location": { "componentID": id, "componentType": kind },
        "text": button.text,
        "iconName": button.icon,
        "disabled": button.disabled,
        "requiresConfirmation": button.confirm,
    });
    let pressed = row.current_run.as_ref().or(row.last_run.as_ref()).map(|run| time(snapshot, run.started_at));
    object(snapshot, "UIButton", button.name.as_str(), spec, json!({ "lastClickedAt": pressed }))
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
    object(snapshot, "Session", "Tiltfile", spec, status)
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
    let spec = json!({ "path": card.file.to_string(), "args": *snapshot.args });
    object(snapshot, "Tiltfile", TILTFILE, spec, status)
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
        let of_containers = containers
            .map(|container| (container.name.clone(), json!({ "containers": [{ "ready": row.is_ready() }] })));
        let of_pods = pods::sorted(row).into_iter().map(|pod| {
            let ready = pod.containers.iter().map(|it| json!({ "name": it.name, "ready": it.is_ready }));
            (pod.name.clone(), json!({ "phase": pods::phase(pod), "containers": ready.collect::<Vec<_>>() }))
        });
        let pods: serde_json::Map<_, _> = of_containers.chain(of_pods).collect();
        let target = json!({
            "Manifest": { "Name": row.name.as_str(), "ResourceDependencies": needs(place) },
            "State": { "RuntimeState": { "Pods": pods } },
        });
        (row.name.to_string(), target)
    };
    let targets: serde_json::Map<_, _> = snapshot.rows.iter().enumerate().map(target).collect();
    json!({ "ManifestTargets": targets })
}
