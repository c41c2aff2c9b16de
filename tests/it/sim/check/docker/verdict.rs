//! What keeps `orch ci` from succeeding with a container, by the facts.

use super::images_of;
use crate::sim::{docker::facts::DockerRun, facts::Facts};
use orch::model::{Container, Exit, Resource, ResourceName, Restart};

fn failed(run: &DockerRun, session: u32) -> bool {
    run.session == session
        && !run.cut
        && run.exit.as_ref().is_some_and(|exit| !exit.is_success() && *exit != Exit::Stopped)
}

/// Whether something failed that was done for it, be it the build of its image.
pub(crate) fn failed_for(facts: &Facts, name: &ResourceName) -> bool {
    facts.docker.runs.values().any(|run| run.resource == *name && failed(run, facts.session))
}

/// What is wrong with it at the end of the session.
pub(crate) fn trouble(facts: &Facts, resource: &Resource, container: &Container) -> Option<String> {
    let name = &resource.name;
    for image in images_of(facts.project.as_ref()?, container) {
        let last = facts.docker.last_build(&image.key);
        if last.is_some_and(|run| failed(run, facts.session)) {
            return Some(format!("image {} of `{name}` could not be built", image.key));
        }
    }
    if facts.docker.last_run(name).is_some_and(|run| failed(run, facts.session)) {
        return Some(format!("`{name}` could not be raised"));
    }
    // What ends when the answer is given, while others are ended, changes it no more.
    let in_time =
        |life| facts.first_stop_at.is_none_or(|end| facts.docker.ended_at.get(life).is_some_and(|at| *at <= end));
    let ended = facts.docker.ended.iter().filter(|(life, (of, _))| of == name && in_time(*life));
    let codes: Vec<i32> = ended.map(|(_, (_, code))| *code).collect();
    let allowed = match container.restart {
        Some(Restart::Always | Restart::OnFailure) => true,
        Some(Restart::Never) => codes.iter().all(|code| *code == 0),
        None => container.engine_restarts || codes.iter().all(|code| *code == 0),
    };
    if !codes.is_empty() && !allowed {
        return Some(format!("a container of `{name}` ended with {codes:?}"));
    }
    // One that may end may have ended before it was ready, but it must have been there.
    (!facts.reached(name).ready && (!allowed || codes.is_empty())).then(|| format!("`{name}` was never ready"))
}
