//! Images and containers in a compact form, for cases and for chance: what the front end would make of the longer one.
//!
//! ```text
//! image app in=src,lib from=base custom dur=300 fails-on=bad
//!       sync=src:/app fall-back=src/go.mod run=dur=20 run=exit=1+only-in=1@src/a restart | restart-on=src/b | initial-sync | wait
//! container web image=app after=db:ready,gen health dur=5 dies=300 exit=1
//!       pull=redis manual no-init disabled restart=never engine-restarts port=8080 volume=data compose=shop
//! ```
//!
//! All other words are what the build or the container does (see `script`); `+` stands for a space within a word.

use super::generate::{name, path};
use orch::model::{
    Build, ComposeProject, Condition, Container, ContainerImage, ContainerSource, ContainerSpec, CustomBuild,
    CustomOutput, Dependency, DockerBuild, FilePath, FileSet, HealthCheck, Image, ImageKey, Kind, LiveUpdate, Port,
    Project, Resource, Restart, RestartStep, RunStep, Sync, Trigger, TriggerMode, Unmatched, Volume, VolumeSource,
};
use std::{collections::BTreeMap, sync::Arc};

pub(crate) fn key(text: &str) -> ImageKey {
    ImageKey(text.into())
}

fn paths(text: &str) -> Vec<FilePath> {
    text.split(',').filter(|one| !one.is_empty()).map(path).collect()
}

pub(crate) fn trigger(text: &str) -> Trigger {
    Trigger { path: path(text), ignore: Vec::new() }
}

fn words(text: &str) -> Vec<String> {
    std::iter::once("sim".to_owned()).chain(text.split('+').map(str::to_owned)).collect()
}

/// Adds what these lines declare to a project.
pub(crate) fn declare<'a>(project: &mut Project, lines: impl IntoIterator<Item = &'a str>) {
    for line in lines {
        let mut all = line.split_whitespace();
        match (all.next(), all.next()) {
            (Some("image"), Some(own)) => project.images.push(Arc::new(image(own, all))),
            (Some("container"), Some(own)) => {
                let resource = container(own, all, &project.images);
                add_compose(project, &resource);
                project.resources.push(Arc::new(resource));
            }
            (None, _) => {}
            _ => panic!("what is `{line}`?"),
        }
    }
}

fn add_compose(project: &mut Project, resource: &Resource) {
    let Some(ContainerSource::Compose { project: own, .. }) = resource.kind.container().map(|one| &one.source) else {
        return;
    };
    if project.compose.iter().all(|one| one.name != *own) {
        let compose = ComposeProject {
            name: own.clone(),
            dir: project.root.clone(),
            files: vec![None],
            env_file: None,
            profiles: None,
            wait: false,
            config: String::new(),
        };
        project.compose.push(Arc::new(compose));
    }
}

/// The steps of a live update in the making.
#[derive(Debug, Default)]
struct Steps {
    initial_sync: bool,
    fall_back_on: Vec<Trigger>,
    syncs: Vec<Sync>,
    runs: Vec<RunStep>,
    restart: Option<RestartStep>,
    waits: bool,
}

impl Steps {
    /// Takes a word that is a step.
    fn take(&mut self, word: &str) -> bool {
        match word.split_once('=').unwrap_or((word, "")) {
            ("sync", both) => {
                let (local, remote) = both.split_once(':').unwrap_or_else(|| panic!("`{word}` needs LOCAL:REMOTE"));
                self.syncs.push(Sync { local: trigger(local), remote: remote.to_owned() });
            }
            ("fall-back", at) => self.fall_back_on.push(trigger(at)),
            ("run", what) => self.runs.push(run_step(what)),
            ("restart", "") => self.restart = Some(RestartStep::Always),
            ("restart-on", at) => self.restart = Some(RestartStep::On(vec![trigger(at)])),
            ("initial-sync", _) => self.initial_sync = true,
            ("wait", _) => self.waits = true,
            _ => return false,
        }
        true
    }

    fn live_update(self, image: Option<ImageKey>, inputs: &Arc<FileSet>) -> Option<LiveUpdate> {
        let is_there = !self.syncs.is_empty() || !self.runs.is_empty();
        is_there.then(|| LiveUpdate {
            image,
            inputs: vec![Arc::clone(inputs)],
            initial_sync: self.initial_sync,
            fall_back_on: self.fall_back_on,
            syncs: self.syncs,
            runs: self.runs,
            restart: self.restart.unwrap_or(RestartStep::Never),
            unmatched: if self.waits { Unmatched::Wait } else { Unmatched::Rebuild },
        })
    }
}

fn run_step(text: &str) -> RunStep {
    let (what, at) = text.split_once('@').map_or((text, None), |(what, at)| (what, Some(at)));
    RunStep {
        argv: words(what),
        triggers: at.map(|at| at.split(',').map(trigger).collect()).unwrap_or_default(),
        echo_off: false,
        user: None,
        dir: None,
        env: Vec::new(),
    }
}

fn image<'a>(own: &str, all: impl Iterator<Item = &'a str>) -> Image {
    let (mut steps, mut script, mut custom) = (Steps::default(), Vec::new(), false);
    let (mut inputs, mut bases) = (Vec::new(), Vec::new());
    for word in all {
        match word.split_once('=').unwrap_or((word, "")) {
            ("in", list) => inputs.extend(paths(list)),
            ("from", list) => bases.extend(list.split(',').map(key)),
            ("custom", "") => custom = true,
            _ if steps.take(word) => {}
            _ => script.push(word.replace('+', " ")),
        }
    }
    let inputs = Arc::new(FileSet::of(inputs));
    Image {
        key: key(own),
        exact: false,
        declared_at: None,
        build: if custom { custom_build(&script, &inputs, &bases) } else { docker_build(&script) },
        live_update: steps.live_update(Some(key(own)), &inputs),
        inputs,
        bases,
        repository: own.to_owned(),
        tag_prefix: String::new(),
        push: false,
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
    }
}

fn docker_build(script: &[String]) -> Build {
    Build::Docker(Box::new(DockerBuild {
        context: path("."),
        dockerfile: script.join(" "),
        dockerfile_path: None,
        ignore: Vec::new(),
        build_args: BTreeMap::new(),
        target: String::new(),
        secrets: Vec::new(),
        ssh: Vec::new(),
        network: String::new(),
        extra_tags: Vec::new(),
        cache_from: Vec::new(),
        pull: false,
        platform: String::new(),
        extra_hosts: Vec::new(),
        service: None,
    }))
}

fn custom_build(script: &[String], inputs: &FileSet, bases: &[ImageKey]) -> Build {
    let argv = std::iter::once("sim".to_owned()).chain(script.iter().cloned()).collect();
    Build::Custom(Box::new(CustomBuild {
        command: orch::model::Command { argv, dir: path("."), env: BTreeMap::new() },
        deps: inputs.roots.clone(),
        ignore: Vec::new(),
        output: CustomOutput::Local { tag: None },
        disable_push: false,
        image_deps: bases.to_vec(),
    }))
}

/// The image and all that it is made of, the image first.
fn with_bases(of: &ImageKey, images: &[Arc<Image>]) -> Vec<Arc<Image>> {
    let Some(image) = images.iter().find(|image| image.key == *of) else { panic!("no image `{of}`") };
    let below = image.bases.iter().flat_map(|base| with_bases(base, images));
    let mut all: Vec<Arc<Image>> = Vec::new();
    for one in std::iter::once(Arc::clone(image)).chain(below) {
        if all.iter().all(|other| other.key != one.key) {
            all.push(one);
        }
    }
    all
}

/// What `lower` makes of a container and the images below it.
pub(crate) fn connect(container: &mut Container, own_steps: Option<LiveUpdate>, images: &[Arc<Image>]) {
    let below = match &container.image {
        ContainerImage::Built(key) => with_bases(key, images),
        ContainerImage::Pulled(_) => Vec::new(),
    };
    let of_images = below.iter().filter_map(|image| {
        let live = image.live_update.clone()?;
        Some(LiveUpdate { inputs: answered_for(image, images), ..live })
    });
    container.live_updates = own_steps.into_iter().chain(of_images).collect();
    let own = container.live_updates.iter().filter(|live| live.image.is_none()).flat_map(|live| live.inputs.clone());
    container.inputs = below.iter().map(|image| Arc::clone(&image.inputs)).chain(own).collect();
}

/// The files of an image and of its bases that have no steps of their own.
fn answered_for(image: &Image, images: &[Arc<Image>]) -> Vec<Arc<FileSet>> {
    let bases = image.bases.iter().filter_map(|base| images.iter().find(|one| one.key == *base));
    let mute = bases.filter(|base| base.live_update.is_none());
    std::iter::once(Arc::clone(&image.inputs)).chain(mute.flat_map(|base| answered_for(base, images))).collect()
}

fn condition(text: &str) -> Dependency {
    let (on, condition) = text.split_once(':').unwrap_or((text, "ready"));
    let condition = match condition {
        "started" => Condition::Started,
        "ready" => Condition::Ready,
        "succeeded" => Condition::Succeeded,
        _ => panic!("what is `{text}`?"),
    };
    Dependency { on: name(on), condition }
}

fn health_check() -> HealthCheck {
    let test = vec!["CMD".to_owned(), "check".to_owned()];
    HealthCheck { test, interval: None, timeout: None, start_period: None, retries: None }
}

fn container<'a>(own: &str, all: impl Iterator<Item = &'a str>, images: &[Arc<Image>]) -> Resource {
    let mut resource = Resource {
        name: name(own),
        declared_at: None,
        kind: Kind::Container(Box::new(Container {
            source: ContainerSource::Plain(Box::default()),
            image: ContainerImage::Pulled("busybox".to_owned()),
            live_updates: Vec::new(),
            inputs: Vec::new(),
            health_check: false,
            restart: None,
            engine_restarts: false,
            infer_links: true,
        })),
        dependencies: Vec::new(),
        trigger_mode: TriggerMode::Auto,
        auto_init: true,
        enabled: true,
        labels: Vec::new(),
        links: Vec::new(),
    };
    let (mut spec, mut steps, mut script) = (ContainerSpec::default(), Steps::default(), Vec::new());
    let (mut compose, mut watched) = (None, Vec::new());
    let Kind::Container(one) = &mut resource.kind else { unreachable!("a container") };
    for word in all {
        match word.split_once('=').unwrap_or((word, "")) {
            ("image", of) => one.image = ContainerImage::Built(key(of)),
            ("pull", of) => one.image = ContainerImage::Pulled(of.to_owned()),
            ("after", list) => resource.dependencies.extend(list.split(',').map(condition)),
            ("manual", "") => resource.trigger_mode = TriggerMode::Manual,
            ("no-init", "") => resource.auto_init = false,
            ("disabled", "") => resource.enabled = false,
            ("health", "") => one.health_check = true,
            ("restart", "always") => one.restart = Some(Restart::Always),
            ("restart", "on-failure") => one.restart = Some(Restart::OnFailure),
            ("restart", "never") => one.restart = Some(Restart::Never),
            ("engine-restarts", "") => one.engine_restarts = true,
            ("port", number) => spec.ports.push(port(number)),
            ("volume", of) => spec.volumes.push(volume(of)),
            ("compose", project) => compose = Some(project.to_owned()),
            ("watch", list) => watched.extend(paths(list)),
            _ if steps.take(word) => {}
            _ => script.push(word.replace('+', " ")),
        }
    }
    spec.health = one.health_check.then(health_check);
    one.source = if let Some(project) = compose {
        let definition = format!("{{\"command\":{:?}}}", script.join(" "));
        ContainerSource::Compose { project, service: own.to_owned(), definition }
    } else {
        spec.command = Some(script);
        ContainerSource::Plain(Box::new(spec))
    };
    let own_steps = steps.live_update(None, &Arc::new(FileSet::of(watched)));
    connect(one, own_steps, images);
    resource
}

fn port(number: &str) -> Port {
    let number = number.parse().expect("a port");
    Port { host_ip: None, host_port: Some(number), container_port: number, protocol: "tcp".to_owned() }
}

fn volume(of: &str) -> Volume {
    Volume { source: VolumeSource::Named(of.to_owned()), target: format!("/{of}"), read_only: false }
}
