//! Images and containers back in the compact form of `declare`, so that a failing seed can become a case.

use super::generate::path;
use orch::model::{
    Build, Condition, Container, ContainerImage, ContainerSource, FilePath, Image, LiveUpdate, Resource, Restart,
    RestartStep, RunStep, Trigger, TriggerMode, Unmatched, VolumeSource,
};

fn short(file: &FilePath) -> String {
    file.display_from(&path("."))
}

fn list<'a>(files: impl IntoIterator<Item = &'a FilePath>) -> String {
    files.into_iter().map(short).collect::<Vec<_>>().join(",")
}

fn at(triggers: &[Trigger]) -> String {
    list(triggers.iter().map(|one| &one.path))
}

fn run(step: &RunStep) -> String {
    let triggers = if step.triggers.is_empty() { String::new() } else { format!("@{}", at(&step.triggers)) };
    format!(" run={}{triggers}", step.argv[1..].join("+"))
}

fn steps(live: &LiveUpdate) -> String {
    let mut line = String::new();
    line.extend(live.syncs.iter().map(|sync| format!(" sync={}:{}", short(&sync.local.path), sync.remote)));
    line.extend(live.fall_back_on.iter().map(|one| format!(" fall-back={}", short(&one.path))));
    line.extend(live.runs.iter().map(run));
    match &live.restart {
        RestartStep::Never => {}
        RestartStep::Always => line += " restart",
        RestartStep::On(triggers) => line += &format!(" restart-on={}", at(triggers)),
    }
    line += if live.initial_sync { " initial-sync" } else { "" };
    line + if live.unmatched == Unmatched::Wait { " wait" } else { "" }
}

/// The line that declares the image.
pub(crate) fn image(image: &Image) -> String {
    let mut line = format!("image {} in={}", image.key, list(&image.inputs.roots));
    if !image.bases.is_empty() {
        line += &format!(" from={}", image.bases.iter().map(|base| base.as_str()).collect::<Vec<_>>().join(","));
    }
    match &image.build {
        Build::Docker(docker) => line += &format!(" {}", docker.dockerfile),
        Build::Custom(custom) => line += &format!(" custom {}", custom.command.argv[1..].join(" ")),
        Build::Compose(_) => line += " (compose build)",
    }
    line + &image.live_update.as_ref().map(steps).unwrap_or_default()
}

/// The line that declares the container.
pub(crate) fn container(resource: &Resource, container: &Container) -> String {
    let mut line = format!("container {}", resource.name);
    match &container.image {
        ContainerImage::Built(key) => line += &format!(" image={key}"),
        ContainerImage::Pulled(name) => line += &format!(" pull={name}"),
    }
    for dependency in &resource.dependencies {
        let condition = match dependency.condition {
            Condition::Started => "started",
            Condition::Ready => "ready",
            Condition::Succeeded => "succeeded",
        };
        line += &format!(" after={}:{condition}", dependency.on);
    }
    line += if resource.trigger_mode == TriggerMode::Manual { " manual" } else { "" };
    line += if resource.auto_init { "" } else { " no-init" };
    line += if resource.enabled { "" } else { " disabled" };
    line += if container.health_check { " health" } else { "" };
    line += if container.engine_restarts { " engine-restarts" } else { "" };
    line += match container.restart {
        Some(Restart::Always) => " restart=always",
        Some(Restart::OnFailure) => " restart=on-failure",
        Some(Restart::Never) => " restart=never",
        None => "",
    };
    match &container.source {
        ContainerSource::Compose { project, definition, .. } => {
            line += &format!(" compose={project} {}", definition.replace("{\"command\":\"", "").replace("\"}", ""));
        }
        ContainerSource::Plain(spec) => {
            line.extend(spec.ports.iter().filter_map(|port| Some(format!(" port={}", port.host_port?))));
            for volume in &spec.volumes {
                if let VolumeSource::Named(name) = &volume.source {
                    line += &format!(" volume={name}");
                }
            }
            line.extend(spec.command.iter().flatten().map(|word| format!(" {word}")));
        }
    }
    let own = container.live_updates.iter().find(|live| live.image.is_none());
    let watched =
        |live: &LiveUpdate| format!(" watch={}{}", list(live.inputs.iter().flat_map(|set| &set.roots)), steps(live));
    line + &own.map(watched).unwrap_or_default()
}
