//! What happens with Docker, as a trace of a case shows it.

use super::{DockerAction, Fate};
use orch::{
    engine::{DockerEffect, DockerEvent, UpdateOrder},
    model::{ContainerPhase, ContainerState, FilePath, Health, ResourceName},
    snapshot::words,
};

/// What somebody else did.
pub(crate) fn action(action: &DockerAction) -> String {
    match action {
        DockerAction::Stop(name) => format!("docker stop {name}"),
        DockerAction::Start(name) => format!("docker start {name}"),
        DockerAction::Restart(name) => format!("docker restart {name}"),
        DockerAction::Remove(name) => format!("docker remove {name}"),
        DockerAction::Pause(name) => format!("docker pause {name}"),
        DockerAction::Unpause(name) => format!("docker unpause {name}"),
        DockerAction::Replace(name) => format!("docker replace {name}"),
        DockerAction::Health(name, health) => format!("docker health {name} {}", health_word(*health)),
        DockerAction::PruneImages => "docker prune".to_owned(),
        DockerAction::Down(Fate::LiveOn) => "docker down, containers live on".to_owned(),
        DockerAction::Down(Fate::Stopped) => "docker down, containers stopped".to_owned(),
        DockerAction::Down(Fate::Wiped) => "docker down, all gone".to_owned(),
        DockerAction::Up => "docker up".to_owned(),
    }
}

fn health_word(health: Health) -> &'static str {
    match health {
        Health::Starting => "starting",
        Health::Healthy => "healthy",
        Health::Unhealthy => "unhealthy",
    }
}

/// The containers of a resource in a few words.
pub(crate) fn containers(containers: &[ContainerState]) -> String {
    if containers.is_empty() {
        return "no container".to_owned();
    }
    containers.iter().map(container).collect::<Vec<_>>().join("; ")
}

fn container(one: &ContainerState) -> String {
    let phase = match &one.phase {
        ContainerPhase::Created => "created".to_owned(),
        ContainerPhase::Running => "running".to_owned(),
        ContainerPhase::Paused => "paused".to_owned(),
        ContainerPhase::Restarting => "restarting".to_owned(),
        ContainerPhase::Exited { code, .. } => format!("exited {code}"),
        ContainerPhase::Dead => "dead".to_owned(),
    };
    let number = one.id.0.trim_start_matches('0');
    let health = one.health.map(|health| format!(", {}", health_word(health))).unwrap_or_default();
    let foreign = if one.fingerprint.is_none() { ", not orch's" } else { "" };
    format!("{number} {phase}{health}{foreign}")
}

/// What the engine was told; nothing for what comes of other lines. The end of a run is shown elsewhere.
pub(crate) fn event(event: &DockerEvent) -> Option<String> {
    Some(match event {
        DockerEvent::Seen { seen, .. } => {
            let found = seen.containers.iter().map(|(name, list)| format!("{name}: {}", containers(list)));
            let images = seen.images.len();
            let all: Vec<_> = found.chain((images > 0).then(|| format!("{images} images"))).collect();
            format!("seen {}", if all.is_empty() { "nothing".to_owned() } else { all.join(", ") })
        }
        DockerEvent::ContainersChanged { resource, containers: list } => format!("{resource}: {}", containers(list)),
        DockerEvent::FollowEnded { .. } => return None,
        DockerEvent::Lost { failure } => format!("docker lost: {}", failure.message),
        DockerEvent::Back => "docker back".to_owned(),
    })
}

/// What orch does; `name_of` gives the name of a run, `cause` why it starts.
pub(crate) fn effect(effect: &DockerEffect, root: &FilePath, cause: Option<String>) -> String {
    let why = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    match effect {
        DockerEffect::Look { .. } => "  look at docker".to_owned(),
        DockerEffect::Build { run, resource, order } => {
            format!("  build {}#{run} for {resource}{why}", order.image.key)
        }
        DockerEffect::Raise { run, resource, order, .. } => {
            let replace = if order.replace { "replace" } else { "raise" };
            let image = order.image.as_ref().map(|built| format!(" of {}", short(&built.reference)));
            format!("  {replace} {resource}#{run}{}{why}", image.unwrap_or_default())
        }
        DockerEffect::Update { run, resource, order, .. } => {
            format!("  update {resource}#{run}{why}{}", update(order, root))
        }
        DockerEffect::Remove { run, resource, .. } => format!("  remove containers {resource}#{run}"),
        DockerEffect::Follow { instance, resource, .. } => format!("  follow {resource}@{instance}"),
        DockerEffect::StopFollowing { instance } => format!("  follow no longer @{instance}"),
        DockerEffect::Stop { resource, grace, .. } => {
            format!("  stop containers of {resource}, grace {}", words::duration(*grace))
        }
        DockerEffect::Clean { run, volumes, .. } => {
            format!("  clean #{run}{}", if *volumes { ", volumes too" } else { "" })
        }
        DockerEffect::Prune { keep, .. } => format!("  prune images, keep {}", keep.len()),
        DockerEffect::RememberImage { image, .. } => format!("  remember image {image}"),
        DockerEffect::RememberOverlay { resource, overlay } => {
            let files = overlay.files.iter().map(|(path, content)| {
                format!("{}{}", path.display_from(root), if content.is_some() { "" } else { " (gone)" })
            });
            let files: Vec<_> = files.collect();
            format!(
                "  remember overlay {resource}: {}",
                if files.is_empty() { "-".to_owned() } else { files.join(" ") }
            )
        }
    }
}

/// A reference with the first four digits of its tag.
fn short(reference: &str) -> &str {
    let from = reference.rfind(":orch-").map_or(reference.len(), |at| at + ":orch-".len());
    reference.get(..from + 4).unwrap_or(reference)
}

fn update(order: &UpdateOrder, root: &FilePath) -> String {
    let copies =
        order.copies.iter().map(|(path, to)| format!("\n               copy {} {to}", path.display_from(root)));
    let removals = order.removals.iter().map(|path| format!("\n               remove {path}"));
    let runs = order.runs.iter().map(|step| format!("\n               run {}", step.argv.join(" ")));
    let restart = order.restart.then(|| "\n               restart".to_owned());
    copies.chain(removals).chain(runs).chain(restart).collect()
}

/// Whose run an effect starts, by name.
pub(crate) fn run_name(effect: &DockerEffect) -> Option<(orch::model::RunId, String)> {
    match effect {
        DockerEffect::Build { run, order, .. } => Some((*run, order.image.key.to_string())),
        DockerEffect::Raise { run, resource, .. }
        | DockerEffect::Update { run, resource, .. }
        | DockerEffect::Remove { run, resource, .. } => Some((*run, resource.to_string())),
        DockerEffect::Clean { run, .. } => Some((*run, "clean".to_owned())),
        _ => None,
    }
}

/// For whom an effect is done.
pub(crate) fn resource_of(effect: &DockerEffect) -> Option<&ResourceName> {
    match effect {
        DockerEffect::Build { resource, .. }
        | DockerEffect::Raise { resource, .. }
        | DockerEffect::Update { resource, .. }
        | DockerEffect::Remove { resource, .. } => Some(resource),
        _ => None,
    }
}
