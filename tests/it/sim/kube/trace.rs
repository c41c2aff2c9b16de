//! What happens with a cluster, as a trace of a case shows it.

use super::KubeAction;
use orch::{
    engine::{AppliedObject, ApplyOrder, KubeEffect, KubeEvent, PodUpdateOrder},
    model::{FilePath, KubeState, PodContainerPhase, PodState, ResourceName, RunId},
};

/// What somebody else did.
pub(crate) fn action(action: &KubeAction) -> String {
    match action {
        KubeAction::Delete(name, object) => format!("kube delete {name} {object}"),
        KubeAction::Edit(name, object) => format!("kube edit {name} {object}"),
        KubeAction::DeletePods(name) => format!("kube delete pods {name}"),
        KubeAction::Crash(name, code) => format!("kube crash {name} {code}"),
        KubeAction::CrashOne(name, code) => format!("kube crash one {name} {code}"),
        KubeAction::Down => "kube down".to_owned(),
        KubeAction::Up => "kube up".to_owned(),
    }
}

/// What the engine was told.
pub(crate) fn event(event: &KubeEvent) -> Option<String> {
    Some(match event {
        KubeEvent::Seen { seen, .. } => {
            let found = seen.resources.iter().filter(|(_, there)| !there.objects.is_empty());
            let all: Vec<_> = found.map(|(name, there)| format!("{name}: {}", state(there))).collect();
            format!("cluster seen {}", if all.is_empty() { "nothing".to_owned() } else { all.join(", ") })
        }
        KubeEvent::Changed { resource, state: there } => format!("{resource}: {}", state(there)),
        KubeEvent::FollowEnded { .. } => return None,
        KubeEvent::Forwarded { resource, ports } => {
            let to = ports.iter().map(|port| {
                let pod = port.to.as_ref().map_or("nowhere".to_owned(), |(pod, port)| format!("{}:{port}", pod.0));
                format!("{} to {pod}", port.local_port)
            });
            format!("{resource} forwards {}", to.collect::<Vec<_>>().join(", "))
        }
        KubeEvent::Lost { failure } => format!("cluster lost: {}", failure.message),
        KubeEvent::Back => "cluster back".to_owned(),
    })
}

fn state(there: &KubeState) -> String {
    let drifted = there.objects.values().filter(|one| one.drift.is_some()).count();
    let drifted = if drifted > 0 { format!(", {drifted} changed") } else { String::new() };
    let pods: String = there.pods.iter().map(|one| format!("; {}", pod(one))).collect();
    format!("{} objects{drifted}{pods}", there.objects.len())
}

fn pod(pod: &PodState) -> String {
    let phase = match pod.containers.first().map(|container| &container.phase) {
        _ if pod.is_ending => "ending".to_owned(),
        Some(PodContainerPhase::Running) if pod.is_ready => "ready".to_owned(),
        Some(PodContainerPhase::Running) => "running".to_owned(),
        Some(PodContainerPhase::Waiting { reason, .. }) => reason.clone(),
        Some(PodContainerPhase::Ended { code, .. }) => format!("ended {code}"),
        None => "nothing".to_owned(),
    };
    format!("{} {phase}", pod.name)
}

/// What orch does.
pub(crate) fn effect(effect: &KubeEffect, root: &FilePath, cause: Option<String>) -> String {
    let why = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    match effect {
        KubeEffect::Look { .. } => "  look at the cluster".to_owned(),
        KubeEffect::Apply { run, resource, order } => format!("  apply {resource}#{run}{why}{}", applied(order)),
        KubeEffect::Update { run, resource, orders } => {
            let orders: String = orders.iter().map(|order| update(order, root)).collect();
            format!("  update {resource}#{run}{why}{orders}")
        }
        KubeEffect::Delete { run, resource, .. } => format!("  delete {resource}#{run}"),
        KubeEffect::Follow { instance, resource } => format!("  follow {resource}@{instance}"),
        KubeEffect::StopFollowing { instance } => format!("  follow no longer @{instance}"),
        KubeEffect::Forward { resource, ports } => {
            let ports = ports.iter().map(|port| format!(" {}:{}", port.local_port, port.container_port));
            format!("  forward {resource}{}", ports.collect::<String>())
        }
        KubeEffect::Clean { run, namespaces } => {
            format!("  clean #{run}{}", if *namespaces { ", namespaces too" } else { "" })
        }
    }
}

fn applied(order: &ApplyOrder) -> String {
    let object = |object: &AppliedObject| {
        let image = object.value.pointer("/spec/template/spec/containers/0/image");
        let image = image.and_then(serde_json::Value::as_str).map(short).unwrap_or_default();
        format!("\n               {}{image}", object.key)
    };
    let objects: String = order.objects.iter().map(object).collect();
    let custom = order.custom.as_ref().map(|custom| format!("\n               by {}", custom.command.argv.join(" ")));
    let load: String = order.load.iter().map(|image| format!("\n               load{}", short(image))).collect();
    let restart = if order.restart { "\n               anew" } else { "" };
    format!("{load}{objects}{}{restart}", custom.unwrap_or_default())
}

/// A reference with the first four digits of its tag.
fn short(reference: &str) -> String {
    let from = reference.rfind(":orch-").map_or(reference.len(), |at| at + ":orch-".len());
    format!(" of {}", reference.get(..from + 4).unwrap_or(reference))
}

fn update(order: &PodUpdateOrder, root: &FilePath) -> String {
    let pods = order.containers.iter().map(|(pod, container)| format!("\n               in {} {container}", pod.0));
    let copies =
        order.copies.iter().map(|(path, to)| format!("\n               copy {} {to}", path.display_from(root)));
    let removals = order.removals.iter().map(|path| format!("\n               remove {path}"));
    let runs = order.runs.iter().map(|step| format!("\n               run {}", step.argv.join(" ")));
    pods.chain(copies).chain(removals).chain(runs).collect()
}

/// Whose run an effect starts.
pub(crate) fn run_of(effect: &KubeEffect) -> Option<(RunId, String)> {
    match effect {
        KubeEffect::Apply { run, resource, .. }
        | KubeEffect::Update { run, resource, .. }
        | KubeEffect::Delete { run, resource, .. } => Some((*run, resource.to_string())),
        KubeEffect::Clean { run, .. } => Some((*run, "clean".to_owned())),
        _ => None,
    }
}

/// For whom an effect is done.
pub(crate) fn resource_of(effect: &KubeEffect) -> Option<&ResourceName> {
    match effect {
        KubeEffect::Apply { resource, .. } | KubeEffect::Update { resource, .. } => Some(resource),
        _ => None,
    }
}
