//! `orch why`: why a resource ran, waits, or did not run.

use crate::{
    model::{FilePath, Time},
    snapshot::{Row, RunRow, RuntimeStatus, UpdateStatus, words},
};

/// The answer in a few lines.
pub fn explain(row: &Row, root: &FilePath, now: Time) -> String {
    let name = &row.name;
    let mut lines = Vec::new();
    if let Some(run) = &row.current_run {
        lines.push(format!(
            "{name}#{} has been running for {}: {}",
            run.run,
            words::duration(now.since(run.started_at)),
            words::cause(&run.cause, root)
        ));
    }
    if let Some(hold) = &row.hold {
        lines.push(format!("{name} {}", held(&words::hold(hold, root, now))));
        if row.pending_count > 0 {
            let paths: Vec<_> = row.pending.iter().map(|path| path.display_from(root)).collect();
            lines.push(format!(
                "  {} for its next run: {}",
                words::count_of(row.pending_count, "changed file"),
                paths.join(", ")
            ));
        }
    }
    if let Some(skip) = &row.skipped {
        lines.push(format!("{name} did not run: {}", words::skip(skip, root)));
    }
    lines.extend(row.runs.first().map(|run| format!("{name}#{} {}", run.run, ended(row, run, root))));
    if row.runs.len() > 1 {
        lines.push("before that:".to_owned());
        lines.extend(row.runs.iter().skip(1).map(|run| format!("  {name}#{} {}", run.run, ended(row, run, root))));
    }
    lines.extend(server(row, now).map(|text| format!("its server {text}")));
    if lines.is_empty() {
        lines.push(format!("{name} has not run, and nothing asks it to"));
    }
    lines.join("\n") + "\n"
}

/// A hold as the end of a sentence that begins with the name.
fn held(hold: &str) -> String {
    match hold.split_once(' ') {
        Some(("waits" | "runs;" | "failed;" | "stopped;" | "starts" | "changed", _)) => hold.to_owned(),
        _ => format!("is held: {hold}"),
    }
}

fn ended(row: &Row, run: &RunRow, root: &FilePath) -> String {
    let cause = words::cause(&run.cause, root);
    if row.update == UpdateStatus::NotApplicable {
        return format!("had its server started ({cause})");
    }
    let took = run.ended_at.map(|ended| words::duration(ended.since(run.started_at))).unwrap_or_default();
    match &run.exit {
        Some(exit) if exit.is_success() => format!("ran ({cause}) and succeeded in {took}"),
        Some(exit) => format!("ran ({cause}) and ended after {took}: {}", words::exit(exit)),
        None => format!("ran ({cause})"),
    }
}

fn server(row: &Row, now: Time) -> Option<String> {
    let instance = row.instance.as_ref()?;
    let lived = words::duration(now.since(instance.started_at));
    let restarts = match instance.restarts {
        0 => String::new(),
        count => format!(", restarted {} after it ended unasked", words::count_of(count.into(), "time")),
    };
    Some(match (row.runtime, &instance.exit) {
        (_, Some(exit)) => format!("ended: {}{restarts}", words::exit(exit)),
        (RuntimeStatus::Ok, None) => format!("is ready, started {lived} ago{restarts}"),
        (_, None) => match &instance.probe_failure {
            Some(failure) => format!("is not ready: {failure}; started {lived} ago{restarts}"),
            None => format!("is not ready yet, started {lived} ago{restarts}"),
        },
    })
}
