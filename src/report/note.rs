//! The one thing most worth knowing of a resource: the last column of `orch status`.

use crate::{
    model::{ContainerPhase, ContainerState, FilePath, Health, Time},
    snapshot::{
        Hold, InstanceRow, Row, RowKind, RunRow, RuntimeStatus, Trouble, UpdateStatus,
        words::{self, Subject},
    },
};

/// How many links are shown.
const LINKS: usize = 3;

/// Why it waits, else what is done for it, else how it failed, else what serves it.
pub(super) fn note(row: &Row, root: &FilePath, now: Time) -> String {
    if let Some(doing) = doing(row) {
        return doing;
    }
    match row.hold.as_ref().filter(|hold| !matches!(hold, Hold::Failed)) {
        Some(hold @ Hold::ImageFailed(_)) => {
            return words::trouble(&Trouble::Held(hold.clone()), Some(row), root, now);
        }
        Some(hold) => return words::hold(hold, root, now),
        None => {}
    }
    if let Some(run) = row.runs.first().filter(|_| row.update == UpdateStatus::Error) {
        return run.exit.as_ref().map(|exit| words::exit_of(run, exit)).unwrap_or_default();
    }
    if let Some(exit) = row.finished() {
        return format!("ended: {}", words::exit(exit));
    }
    match (&row.instance, row.kind) {
        (Some(instance), RowKind::Container) => container(row, instance),
        (Some(instance), RowKind::Kubernetes) => pods(row, instance),
        (Some(instance), RowKind::Local) => server(row, instance),
        (None, _) => String::new(),
    }
}

/// A build, or what is done with containers.
fn doing(row: &Row) -> Option<String> {
    let does = |run: &RunRow, subject| words::does(run.step, subject);
    let builds =
        row.images.iter().find_map(|image| Some(does(image.current_run.as_ref()?, Subject::Image(&image.image))));
    let run = row.current_run.as_ref().filter(|_| row.kind != RowKind::Local);
    builds.or_else(|| run.map(|run| does(run, Subject::of(row.kind))))
}

fn server(row: &Row, instance: &InstanceRow) -> String {
    if row.runtime == RuntimeStatus::Error {
        let ended = instance.exit.as_ref().map(words::exit);
        return ended.or_else(|| instance.probe_failure.clone()).unwrap_or_default();
    }
    let pid = instance.pid.filter(|_| instance.exit.is_none()).map(|pid| format!("pid {pid}"));
    let restarts = words::count_of(instance.restarts.into(), "time");
    let restarted = (instance.restarts > 0).then(|| format!("ended unasked {restarts}"));
    pid.into_iter().chain(restarted).collect::<Vec<_>>().join(", ")
}

/// Where it can be reached if all is well, else how the worst of its containers fares.
fn container(row: &Row, instance: &InstanceRow) -> String {
    let Some(worst) = instance.containers.iter().max_by_key(|state| badness(state)) else {
        return instance.exit.as_ref().map(words::exit).unwrap_or_default();
    };
    if row.runtime != RuntimeStatus::Ok || row.links.is_empty() || worst.engine_restarts > 0 {
        return words::container(worst);
    }
    row.links.iter().take(LINKS).map(|link| link.url.as_str()).collect::<Vec<_>>().join(" ")
}

/// Where it can be reached if all is well, else how its newest pod fares.
fn pods(row: &Row, instance: &InstanceRow) -> String {
    let broken = row.forwards.iter().find(|row| row.state.as_ref().is_some_and(|state| state.trouble.is_some()));
    let newest = instance.pods.iter().find(|pod| pod.is_current && !pod.is_ending).or(instance.pods.first());
    match (newest, broken) {
        _ if row.runtime == RuntimeStatus::NotApplicable => String::new(),
        (Some(pod), None) if row.runtime == RuntimeStatus::Ok && row.links.is_empty() => {
            format!("{}: {}", pod.name, words::pod(pod))
        }
        (_, None) if row.runtime == RuntimeStatus::Ok => {
            row.links.iter().take(LINKS).map(|link| link.url.as_str()).collect::<Vec<_>>().join(" ")
        }
        (_, Some(forward)) if row.runtime == RuntimeStatus::Ok => words::forward(forward, &instance.pods),
        (Some(pod), _) => format!("{}: {}", pod.name, words::pod(pod)),
        (None, _) => instance.probe_failure.clone().unwrap_or_else(|| "no pod yet".to_owned()),
    }
}

fn badness(state: &ContainerState) -> u8 {
    match (&state.phase, state.health) {
        (ContainerPhase::Dead, _) => 6,
        (ContainerPhase::Exited { code: 1.., .. }, _) => 5,
        (ContainerPhase::Restarting, _) => 4,
        (ContainerPhase::Running, Some(Health::Unhealthy)) => 3,
        (ContainerPhase::Created | ContainerPhase::Paused | ContainerPhase::Exited { .. }, _) => 2,
        (ContainerPhase::Running, Some(Health::Starting)) => 1,
        (ContainerPhase::Running, Some(Health::Healthy) | None) => 0,
    }
}
