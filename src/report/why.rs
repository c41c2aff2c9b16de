//! `orch why`: why a resource ran, waits, or did not run.

use crate::{
    model::{ContainerState, FilePath, ResourceName, Time},
    snapshot::{
        Hold, ImageRow, Row, RowKind, RunRow, RuntimeStatus, UpdateStatus,
        words::{self, Subject},
    },
};

/// The answer in a few lines.
pub fn explain(row: &Row, root: &FilePath, now: Time) -> String {
    let name = &row.name;
    let mut lines = Vec::new();
    if let Some(run) = &row.current_run {
        let since = words::duration(now.since(run.started_at));
        let cause = words::cause(&run.cause, root);
        let doing = match row.kind {
            RowKind::Local => format!("has been running for {since}"),
            kind => format!("{} since {since}", words::does(run.step, Subject::of(kind))),
        };
        lines.push(format!("{name}#{} {doing}: {cause}", run.run));
    }
    lines.extend(row.images.iter().filter_map(|image| image_now(name.as_str(), image, root, now)));
    if let Some(hold) = &row.hold {
        lines.push(format!("{name} {}", held(&words::hold(hold, root, now))));
        if !row.disabled_with.is_empty() {
            let with: Vec<&str> = row.disabled_with.iter().map(ResourceName::as_str).collect();
            let names = with.join(" ");
            lines.push(format!(
                "  disabled along with {}; `orch enable {names}` brings it back",
                words::first_of(&with)
            ));
        }
        if row.pending_count > 0 {
            let paths: Vec<_> = row.pending.iter().map(|path| path.display_from(root)).collect();
            lines.push(format!(
                "  {} for its next run: {}",
                words::count_of(row.pending_count, "changed file"),
                paths.join(", ")
            ));
        }
    }
    if let Some(exit) = row.finished().filter(|_| row.current_run.is_none()) {
        lines.push(format!("{name} ran to its end ({})", words::exit(exit)));
    }
    if let Some(skip) = &row.skipped {
        lines.push(format!("{name} did not run: {}", words::skip(skip, root)));
    }
    lines.extend(row.runs.first().map(|run| format!("{name}#{} {}", run.run, ended(row, run, root))));
    if row.runs.len() > 1 {
        lines.push("before that:".to_owned());
        lines.extend(row.runs.iter().skip(1).map(|run| format!("  {name}#{} {}", run.run, ended(row, run, root))));
    }
    lines.extend(row.images.iter().filter_map(|image| image_before(name.as_str(), image, root)));
    match row.kind {
        RowKind::Local => lines.extend(server(row, root, now).map(|text| format!("its server {text}"))),
        RowKind::Container => lines.extend(containers(row)),
        RowKind::Kubernetes => lines.extend(pods(row)),
    }
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
    came(run, Subject::of(row.kind), &cause)
}

/// What a run did, why, and what came of it.
fn came(run: &RunRow, subject: Subject<'_>, cause: &str) -> String {
    let took = run.ended_at.map(|ended| words::duration(ended.since(run.started_at))).unwrap_or_default();
    let did = words::did(run.step, subject);
    match (&run.exit, subject) {
        (Some(exit), Subject::Local) if exit.is_success() => format!("{did} ({cause}) and succeeded in {took}"),
        (Some(exit), _) if exit.is_success() => format!("{did} ({cause}) in {took}"),
        (Some(exit), Subject::Local) => format!("{did} ({cause}) and ended after {took}: {}", words::exit(exit)),
        (Some(exit), _) => format!("{} ({cause})", words::run_failed(run, subject, exit)),
        (None, _) => format!("{did} ({cause})"),
    }
}

/// What goes on with an image, and what it waits for.
fn image_now(name: &str, image: &ImageRow, root: &FilePath, now: Time) -> Option<String> {
    let key = &image.image;
    if let Some(run) = &image.current_run {
        let since = words::duration(now.since(run.started_at));
        return Some(format!(
            "{name}#{} builds image {key} since {since}: {}",
            run.run,
            words::cause(&run.cause, root)
        ));
    }
    match image.hold.as_ref().filter(|_| image.dirty)? {
        Hold::Unneeded => Some(format!("its image {key} is older than its files, and nobody needs it anew")),
        hold => Some(format!("its image {key} {}", held(&words::hold(hold, root, now)))),
    }
}

/// How the last build of an image went, and what came of it.
fn image_before(name: &str, image: &ImageRow, root: &FilePath) -> Option<String> {
    let key = &image.image;
    let reference = image.reference.as_ref();
    let Some(run) = &image.last_run else {
        return reference.map(|reference| format!("its image {key} is {reference}, not built in this session"));
    };
    let by = format!("{name}#{} ({})", run.run, words::cause(&run.cause, root));
    if let Some(exit) = run.exit.as_ref().filter(|exit| !exit.is_success()) {
        return Some(format!("its image {key} could not be built by {by}: {}", words::exit(exit)));
    }
    let took = run.ended_at.map(|ended| words::duration(ended.since(run.started_at))).unwrap_or_default();
    let is = reference.map(|reference| format!("; it is {reference}")).unwrap_or_default();
    Some(format!("its image {key} was built by {by} in {took}{is}"))
}

fn containers(row: &Row) -> Vec<String> {
    let Some(instance) = &row.instance else { return Vec::new() };
    let line = |state: &ContainerState| {
        format!("its container {} ({}): {}", state.name, state.id.short(), words::container(state))
    };
    let mut lines: Vec<String> = instance.containers.iter().map(line).collect();
    lines.extend(row.links.iter().map(|link| format!("  {}", link.url)));
    lines
}

fn pods(row: &Row) -> Vec<String> {
    let pods = row.instance.as_ref().map(|instance| instance.pods.as_slice()).unwrap_or_default();
    let mut lines: Vec<String> = pods.iter().map(|pod| format!("its pod {}: {}", pod.name, words::pod(pod))).collect();
    lines.extend(row.forwards.iter().map(|forward| format!("  {}", words::forward(forward, pods))));
    lines
}

fn server(row: &Row, root: &FilePath, now: Time) -> Option<String> {
    let instance = row.instance.as_ref()?;
    let cause = instance.cause.as_ref().map(|cause| format!(" ({})", words::cause(cause, root))).unwrap_or_default();
    let lived = format!("{} ago{cause}", words::duration(now.since(instance.started_at)));
    let restarts = match instance.restarts {
        0 => String::new(),
        count => format!(", restarted {} after it ended unasked", words::count_of(count.into(), "time")),
    };
    Some(match (row.runtime, &instance.exit) {
        (_, Some(exit)) => format!("ended: {}{restarts}", words::exit(exit)),
        (RuntimeStatus::Ok, None) => format!("is ready, started {lived}{restarts}"),
        (_, None) => match &instance.probe_failure {
            Some(failure) => format!("is not ready: {failure}; started {lived}{restarts}"),
            None => format!("is not ready yet, started {lived}{restarts}"),
        },
    })
}
