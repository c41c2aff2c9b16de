//! What orch prints for programs. Each document says its schema.

use crate::{
    model::FilePath,
    snapshot::{Row, Snapshot, Verdict, words},
};
use serde_json::{Value, json};

/// The schema that the documents are of.
pub const SCHEMA: &str = "orch/v1";

/// `orch status -o json`.
pub fn status(snapshot: &Snapshot, rows: &[&Row]) -> Value {
    json!({
        "schema": SCHEMA,
        "goal": snapshot.goal,
        "at_rest": snapshot.at_rest,
        "orchfile": {"loading": snapshot.orchfile.loading, "errors": snapshot.orchfile.errors.as_slice()},
        "resources": rows.iter().map(|row| resource(snapshot, row)).collect::<Vec<_>>(),
    })
}

/// One resource of `orch status -o json`, and a line of `-o jsonl`.
pub fn resource(snapshot: &Snapshot, row: &Row) -> Value {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let run = row.runs.first();
    json!({
        "name": row.name,
        "kind": row.kind,
        "labels": row.labels,
        "links": row.links,
        "update": row.update,
        "runtime": row.runtime,
        "dirty": row.dirty,
        "hold": row.hold.as_ref().map(|hold| words::hold(hold, &root, snapshot.at)),
        "running": row.current_run.as_ref().map(|run| json!({"run": run.run, "cause": words::cause(&run.cause, &root)})),
        "last_run": run.map(|run| json!({
            "run": run.run,
            "cause": words::cause(&run.cause, &root),
            "exit": run.exit.as_ref().map(words::exit),
            "succeeded": run.exit.as_ref().is_some_and(crate::model::Exit::is_success),
            "duration_ms": run.ended_at.map(|ended| millis(ended.since(run.started_at))),
        })),
        "skipped": row.skipped.as_ref().map(|skip| words::skip(skip, &root)),
        "server": row.instance.as_ref().map(|server| json!({
            "instance": server.instance,
            "pid": server.pid,
            "restarts": server.restarts,
            "exit": server.exit.as_ref().map(words::exit),
            "probe_failure": server.probe_failure,
        })),
    })
}

/// `orch ci -o json`.
pub fn verdict(snapshot: &Snapshot, verdict: &Verdict) -> Value {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let (word, troubles) = match verdict {
        Verdict::Succeeded => ("succeeded", &[][..]),
        Verdict::Failed(troubles) => ("failed", troubles.as_slice()),
        Verdict::TimedOut(troubles) => ("timed_out", troubles.as_slice()),
        Verdict::OrchfileFailed => ("orchfile_failed", &[][..]),
        Verdict::Interrupted => ("interrupted", &[][..]),
        Verdict::Unusable(_) => ("unusable", &[][..]),
    };
    let trouble = |(name, trouble): &(crate::model::ResourceName, crate::snapshot::Trouble)| json!({"resource": name, "message": words::trouble(trouble, &root, snapshot.at)});
    json!({
        "schema": SCHEMA,
        "verdict": word,
        "duration_ms": millis(snapshot.at.0),
        "troubles": troubles.iter().map(trouble).collect::<Vec<_>>(),
        "diagnostics": snapshot.orchfile.errors.as_slice(),
        "resources": snapshot.rows.iter().map(|row| resource(snapshot, row)).collect::<Vec<_>>(),
    })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
