//! What orch prints for programs. Each document says its schema.

use super::{critical, when};
use crate::{
    model::{BoundPort, ContainerPhase, ContainerState, Exit, FilePath, PodState, ResourceName, Time},
    snapshot::{ForwardRow, ImageRow, Row, RunRow, Snapshot, Trouble, Verdict, words},
};
use serde_json::{Value, json};

/// The schema that the documents are of.
pub const SCHEMA: &str = "orch/v1";

/// `orch status -o json`. `live` is whether the session runs that it is of.
pub fn status(snapshot: &Snapshot, rows: &[&Row], live: bool) -> Value {
    json!({
        "schema": SCHEMA,
        "live": live,
        "goal": snapshot.goal,
        "at_rest": snapshot.at_rest,
        "orchfile": {"loading": snapshot.orchfile.loading, "errors": snapshot.orchfile.errors.as_slice()},
        "resources": rows.iter().map(|row| resource(snapshot, row)).collect::<Vec<_>>(),
    })
}

/// One resource of `orch status -o json`, and a line of `-o jsonl`.
pub fn resource(snapshot: &Snapshot, row: &Row) -> Value {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    json!({
        "name": row.name,
        "kind": row.kind,
        "labels": row.labels,
        "links": row.links,
        "disabled_with": row.disabled_with,
        "update": row.update,
        "runtime": row.runtime,
        "dirty": row.dirty,
        "hold": row.hold.as_ref().map(|hold| words::hold(hold, &root, snapshot.at)),
        "running": row.current_run.as_ref().map(|run| running(run, &root)),
        "last_run": row.runs.first().map(|run| ended(run, &root)),
        "skipped": row.skipped.as_ref().map(|skip| words::skip(skip, &root)),
        "server": row.instance.as_ref().map(|server| json!({
            "instance": server.instance,
            "pid": server.pid,
            "restarts": server.restarts,
            "exit": server.exit.as_ref().map(words::exit),
            "probe_failure": server.probe_failure,
        })),
        "images": row.images.iter().map(|image| image_of(image, &root, snapshot.at)).collect::<Vec<_>>(),
        "pods": row.instance.iter().flat_map(|instance| &instance.pods).map(pod).collect::<Vec<_>>(),
        "forwards": row.forwards.iter().map(forward).collect::<Vec<_>>(),
        "containers": row.instance.iter().flat_map(|instance| &instance.containers).map(container).collect::<Vec<_>>(),
    })
}

fn running(run: &RunRow, root: &FilePath) -> Value {
    json!({"run": run.run, "step": run.step, "cause": words::cause(&run.cause, root)})
}

pub(super) fn ended(run: &RunRow, root: &FilePath) -> Value {
    json!({
        "run": run.run,
        "step": run.step,
        "cause": words::cause(&run.cause, root),
        "exit": run.exit.as_ref().map(|exit| words::exit_of(run, exit)),
        "succeeded": run.exit.as_ref().is_some_and(Exit::is_success),
        "duration_ms": run.ended_at.map(|ended| millis(ended.since(run.started_at))),
    })
}

fn image_of(image: &ImageRow, root: &FilePath, now: Time) -> Value {
    json!({
        "image": image.image,
        "update": image.update,
        "dirty": image.dirty,
        "hold": image.hold.as_ref().map(|hold| words::hold(hold, root, now)),
        "running": image.current_run.as_ref().map(|run| running(run, root)),
        "last_run": image.last_run.as_ref().map(|run| ended(run, root)),
        "reference": image.reference,
    })
}

fn pod(state: &PodState) -> Value {
    json!({
        "name": state.name,
        "namespace": state.namespace,
        "phase": state.phase,
        "ready": state.is_ready,
        "current": state.is_current,
        "ending": state.is_ending,
        "trouble": state.trouble,
        "containers": state.containers.iter().map(|container| json!({
            "name": container.name,
            "image": container.image,
            "ready": container.is_ready,
            "restarts": container.restarts,
            "state": container.phase,
        })).collect::<Vec<_>>(),
    })
}

fn forward(row: &ForwardRow) -> Value {
    let state = row.state.as_ref();
    json!({
        "url": row.url(),
        "local_port": state.map_or(row.forward.local_port, |state| state.local_port),
        "leads_somewhere": state.is_some_and(|state| state.to.is_some()),
        "trouble": state.and_then(|state| state.trouble.as_ref()),
    })
}

fn container(state: &ContainerState) -> Value {
    let (phase, exit_code, out_of_memory) = match &state.phase {
        ContainerPhase::Created => ("created", None, false),
        ContainerPhase::Running => ("running", None, false),
        ContainerPhase::Paused => ("paused", None, false),
        ContainerPhase::Restarting => ("restarting", None, false),
        ContainerPhase::Exited { code, out_of_memory } => ("exited", Some(code), *out_of_memory),
        ContainerPhase::Dead => ("dead", None, false),
    };
    let port = |port: &BoundPort| {
        json!({
            "host_ip": port.host_ip,
            "host_port": port.host_port,
            "container_port": port.container_port,
            "protocol": port.protocol,
        })
    };
    json!({
        "id": state.id,
        "name": state.name,
        "image": state.image,
        "phase": phase,
        "exit_code": exit_code,
        "out_of_memory": out_of_memory,
        "health": state.health,
        "health_output": state.health_output,
        "restarts": state.engine_restarts,
        "ports": state.ports.iter().map(port).collect::<Vec<_>>(),
    })
}

/// `orch ci -o json`. `last_lines` gives those of what failed.
pub fn verdict(snapshot: &Snapshot, verdict: &Verdict, last_lines: impl Fn(&Row) -> String) -> Value {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let word = match verdict {
        Verdict::Succeeded => "succeeded",
        Verdict::Failed(_) => "failed",
        Verdict::TimedOut(_) => "timed_out",
        Verdict::OrchfileFailed => "orchfile_failed",
        Verdict::Interrupted => "interrupted",
        Verdict::Unusable(_) => "unusable",
    };
    let unusable = match verdict {
        Verdict::Unusable(failure) => Some(failure.message.as_str()),
        _ => None,
    };
    let trouble = |(name, trouble): &(ResourceName, Trouble)| {
        let row = snapshot.rows.named(name).map(|row| &**row);
        json!({
            "resource": name,
            "message": words::trouble(trouble, row, &root, snapshot.at),
            "skipped": trouble.is_skip(),
            "help": words::remedy(trouble, row),
            "last_lines": row.map(&last_lines).unwrap_or_default().lines().collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": SCHEMA,
        "verdict": word,
        "duration_ms": millis(snapshot.at.0),
        "began": snapshot.began_ms.map(when::rfc3339),
        "args": *snapshot.args,
        "error": unusable,
        "critical_path": critical::document(snapshot),
        "troubles": verdict.troubles().iter().map(trouble).collect::<Vec<_>>(),
        "diagnostics": snapshot.orchfile.errors.as_slice(),
        "resources": snapshot.rows.iter().map(|row| resource(snapshot, row)).collect::<Vec<_>>(),
    })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
