//! Images and containers back in the compact form of `declare`, so that a failing seed can become a case.

use super::generate::path;
use orch::model::{
    Build, Condition, Container, ContainerImage, ContainerSource, Dependency, FilePath, Image, LiveUpdate, Resource,
    Restart, RestartStep, RunStep, Trigger, TriggerMode, Unmatched, VolumeSource,
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
    format!("run={}{triggers}", step.argv[1..].join("+"))
}

fn word(is_so: bool, text: &str) -> Option<String> {
    is_so.then(|| text.to_owned())
}

fn steps(live: &LiveUpdate) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(live.syncs.iter().map(|sync| format!("sync={}:{}", short(&sync.local.path), sync.remote)));
    words.extend(live.fall_back_on.iter().map(|one| format!("fall-back={}", short(&one.path))));
    words.extend(live.runs.iter().map(run));
    words.extend(match &live.restart {
        RestartStep::Never => None,
        RestartStep::Always => Some("restart".to_owned()),
        RestartStep::On(triggers) => Some(format!("restart-on={}", at(triggers))),
    });
    words.extend(word(live.initial_sync, "initial-sync"));
    words.extend(word(live.unmatched == Unmatched::Wait, "wait"));
    words
}

/// The line that declares the image.
pub(crate) fn image(image: &Image) -> String {
    let mut words = vec![format!("image {} in={}", image.key, list(&image.inputs.roots))];
    words.extend(image.bases.iter().map(|base| format!("from={base}")));
    words.push(match &image.build {
        Build::Docker(docker) => docker.dockerfile.clone(),
        Build::Custom(custom) => format!("custom {}", custom.command.argv[1..].join(" ")),
        Build::Compose(_) => "(compose build)".to_owned(),
    });
    words.extend(image.live_update.iter().flat_map(steps));
    words.join(" ")
}

fn condition(dependency: &Dependency) -> String {
    let condition = match dependency.condition {
        Condition::Started => "started",
        Condition::Ready => "ready",
        Condition::Succeeded => "succeeded",
    };
    format!("after={}:{condition}", dependency.on)
}

/// The line that declares the container.
pub(crate) fn container(resource: &Resource, container: &Container) -> String {
    let mut words = vec![format!("container {}", resource.name)];
    words.push(match &container.image {
        ContainerImage::Built(key) => format!("image={key}"),
        ContainerImage::Pulled(name) => format!("pull={name}"),
    });
    words.extend(resource.dependencies.iter().map(condition));
    words.extend(word(resource.trigger_mode == TriggerMode::Manual, "manual"));
    words.extend(word(!resource.auto_init, "no-init"));
    words.extend(word(!resource.enabled, "disabled"));
    words.extend(word(container.health_check, "health"));
    words.extend(word(container.engine_restarts, "engine-restarts"));
    words.extend(container.restart.map(|restart| match restart {
        Restart::Always => "restart=always".to_owned(),
        Restart::OnFailure => "restart=on-failure".to_owned(),
        Restart::Never => "restart=never".to_owned(),
    }));
    words.extend(source(&container.source));
    let own = container.live_updates.iter().filter(|live| live.image.is_none());
    for live in own {
        words.push(format!("watch={}", list(live.inputs.iter().flat_map(|set| &set.roots))));
        words.extend(steps(live));
    }
    words.join(" ")
}

fn source(source: &ContainerSource) -> Vec<String> {
    match source {
        ContainerSource::Compose { project, definition, .. } => {
            let command = definition.replace("{\"command\":\"", "").replace("\"}", "");
            vec![format!("compose={project}"), command]
        }
        ContainerSource::Plain(spec) => {
            let ports = spec.ports.iter().filter_map(|port| Some(format!("port={}", port.host_port?)));
            let volumes = spec.volumes.iter().filter_map(|volume| match &volume.source {
                VolumeSource::Named(name) => Some(format!("volume={name}")),
                VolumeSource::Bind(_) | VolumeSource::Anonymous => None,
            });
            ports.chain(volumes).chain(spec.command.iter().flatten().cloned()).collect()
        }
    }
}
