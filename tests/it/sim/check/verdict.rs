//! What the end of `orch ci` and `orch down` must be.

use super::{docker, local};
use crate::sim::facts::Facts;
use orch::model::{Exit, Resource, ResourceName, Restart};

/// What keeps `orch ci` from succeeding, by the facts: commands that failed, servers that ended unasked, and what never ran.
pub(crate) fn verdict(facts: &Facts) -> Vec<String> {
    let Some(project) = &facts.project else { return vec!["no project".to_owned()] };
    // What does not start with the session may still be started by a change: by new outputs that it reads.
    // A server alone has no run that anybody sees. What started counts (Tilt: what is not `auto_init` is skipped, unless
    // something had it start).
    let ran = |resource: &Resource| {
        let name = &resource.name;
        facts.last_run(name).is_some() || facts.last_instance(name).is_some() || docker::failed_for(facts, name)
    };
    let wanted = project.resources.iter().filter(|one| one.enabled && (one.auto_init || ran(one)));
    wanted.filter_map(|resource| trouble(facts, resource)).collect()
}

fn trouble(facts: &Facts, resource: &Resource) -> Option<String> {
    let name = &resource.name;
    if let Some(container) = resource.kind.container() {
        return docker::trouble(facts, resource, container);
    }
    if resource.kind.kube().is_some() {
        return None;
    }
    if local(resource).cmd.is_some() {
        match facts.last_run(name) {
            None => return Some(format!("`{name}` never ran")),
            Some(run) if !run.succeeded() => return Some(format!("`{name}` ended with {:?}", run.exit)),
            Some(_) => {}
        }
    }
    let serve = local(resource).serve.as_ref()?;
    let Some(instance) = facts.last_instance(name) else { return Some(format!("`{name}` never served")) };
    let unasked = facts.instances_of[name].iter().any(|id| {
        let one = &facts.instances[id];
        let in_time = facts.first_stop_at.is_none_or(|end| one.told_at.is_some_and(|at| at <= end));
        in_time && !one.stop_asked && one.exit.as_ref().is_some_and(|exit| *exit != Exit::Stopped)
    });
    let ended_well = instance.exit.as_ref().is_some_and(Exit::is_success);
    let allowed = match serve.restart {
        Some(Restart::Always | Restart::OnFailure) => true,
        Some(Restart::Never) => ended_well,
        None => false,
    };
    if unasked && !allowed {
        return Some(format!("the server of `{name}` ended: {:?}", instance.exit));
    }
    (!facts.reached(name).ready && !allowed).then(|| format!("`{name}` was never ready"))
}

/// Those whose `teardown_cmd` did not run.
pub(crate) fn teardowns_missing(facts: &Facts) -> Vec<ResourceName> {
    let Some(project) = &facts.project else { return Vec::new() };
    let ran = |name: &ResourceName| facts.runs.values().any(|run| run.resource == *name && run.is_teardown());
    let with = project
        .resources
        .iter()
        .filter(|one| one.enabled && one.kind.local().is_some_and(|local| local.teardown.is_some()));
    with.map(|resource| resource.name.clone()).filter(|name| !ran(name)).collect()
}
