//! Services to resources, when the whole file has been evaluated.

use super::{
    config::{self, Config, items, text},
    definition::definition,
    depends, watch,
};
use crate::{
    model::{Container, ContainerImage, ContainerSource, FilePath, ImageRef, Kind, Restart},
    orchfile::{
        builtins::image::service::Service,
        context::Context,
        draft::{DraftCompose, DraftDependency, DraftImage, DraftResource, DraftService},
    },
};
use serde_json::Value;

/// Puts the services of all compose projects among the resources, each project where its first call stands, and what they
/// build among the images.
pub(crate) fn declare_services(context: &Context<'_>) {
    let draft = &mut *context.draft.borrow_mut();
    let mut images = Vec::new();
    for compose in draft.compose.iter().rev() {
        // It was read before, or the load would have failed.
        let Ok(config) = config::parse(&compose.project.config) else { continue };
        let services = Services { compose, config: &config, declared: &draft.images, context };
        let builds = services.builds();
        let all = compose.services.iter();
        let resources: Vec<_> = all.filter_map(|service| services.resource(service, &builds)).collect();
        images.extend(builds.iter().filter_map(|build| services.image(build, context)));
        let at = compose.at.min(draft.resources.len());
        draft.resources.splice(at..at, resources);
    }
    draft.images.extend(images);
}

/// What the resources of a project follow from.
struct Services<'a> {
    compose: &'a DraftCompose,
    config: &'a Config,
    /// Images that the Orchfile declares.
    declared: &'a [DraftImage],
    context: &'a Context<'a>,
}

/// An image that services are built to.
struct Built<'a> {
    /// What it is called.
    name: String,
    /// The first that says it.
    service: &'a DraftService,
    spec: &'a Value,
    build: &'a Value,
    /// All that share it.
    services: Vec<&'a str>,
    /// What all of them mount.
    mounts: Vec<FilePath>,
}

impl<'a> Services<'a> {
    fn resource(&self, service: &DraftService, builds: &[Built<'_>]) -> Option<DraftResource> {
        let spec = self.config.services.get(&service.service)?;
        let others = &self.compose.services;
        let declared = depends::of(spec, self.config).into_iter().filter_map(|(name, condition)| {
            let on = others.iter().find(|other| other.service == name)?.name.as_str().to_owned();
            Some(DraftDependency { on, condition })
        });
        let mut labels = service.labels.clone();
        labels.sort();
        labels.dedup();
        Some(DraftResource {
            name: service.name.clone(),
            site: service.site.clone(),
            kind: Kind::Container(Box::new(self.container(service, spec, builds))),
            dependencies: declared.chain(service.dependencies.iter().cloned()).collect(),
            trigger_mode: service.trigger_mode,
            auto_init: service.auto_init,
            labels,
            links: service.links.clone(),
        })
    }

    fn container(&self, service: &DraftService, spec: &Value, builds: &[Built<'_>]) -> Container {
        let update =
            self.context.mode.honours_develop_watch().then(|| watch::live_update(spec, self.context)).flatten();
        let built = builds.iter().find(|build| build.services.contains(&service.service.as_str()));
        let image = built.map(|build| build.name.clone()).or_else(|| self.declared_name(service, spec));
        let image = image.or_else(|| text(spec, "image").map(str::to_owned));
        Container {
            image: ContainerImage::Pulled(image.unwrap_or_else(|| self.default_name(service, '-'))),
            source: ContainerSource::Compose {
                project: self.compose.project.name.clone(),
                service: service.service.clone(),
                definition: definition(spec, self.config),
            },
            inputs: update.iter().flat_map(|update| update.inputs.iter().cloned()).collect(),
            live_updates: update.into_iter().collect(),
            health_check: has_health_check(spec),
            restart: (text(spec, "restart") == Some("no")).then_some(Restart::Never),
            engine_restarts: engine_restarts(spec),
            infer_links: service.infer_links,
        }
    }

    /// What compose, or (with `_`) Tilt calls an image that has no name.
    fn default_name(&self, service: &DraftService, separator: char) -> String {
        format!("{}{separator}{}", self.compose.project.name, service.service)
    }

    /// The name by which an image of the Orchfile stands for that of the service.
    fn declared_name(&self, service: &DraftService, spec: &Value) -> Option<String> {
        let is_declared = |name: &String| {
            let used = ImageRef::parse(name);
            used.is_ok_and(|used| self.declared.iter().any(|image| image.reference.selects(&used)))
        };
        let named = text(spec, "image").map(str::to_owned);
        let has_none = named.is_none();
        let defaults = ['_', '-'].map(|separator| self.default_name(service, separator));
        let defaults = defaults.into_iter().filter(|_| has_none);
        service.image.iter().cloned().chain(named).chain(defaults).find(is_declared)
    }

    /// What the services build for themselves. Those whose `image:` and `build:` are the same share it.
    fn builds(&self) -> Vec<Built<'a>> {
        let mut builds: Vec<Built<'a>> = Vec::new();
        for service in &self.compose.services {
            let Some(spec) = self.config.services.get(&service.service) else { continue };
            let Some(build) = spec.get("build").filter(|build| build.is_object()) else { continue };
            if self.declared_name(service, spec).is_some() {
                continue;
            }
            let own = self.default_name(service, '_');
            let name = text(spec, "image").map_or_else(|| own.clone(), str::to_owned);
            let mounts: Vec<_> = mounts(spec).collect();
            match builds.iter_mut().find(|other| other.name == name) {
                Some(other) if other.build == build => {
                    other.services.push(&service.service);
                    other.mounts.retain(|mount| mounts.contains(mount));
                }
                other => {
                    // Another image of that name: this one gets a name of its own.
                    let name = if other.is_some() { own } else { name };
                    builds.push(Built { name, service, spec, build, services: vec![&service.service], mounts });
                }
            }
        }
        builds
    }

    fn image(&self, built: &Built<'_>, context: &Context<'_>) -> Option<DraftImage> {
        let secret = |name: &str| self.config.shared("secrets", name);
        let service = Service {
            project: &self.compose.project.name,
            name: &built.service.service,
            spec: built.spec,
            secret: &secret,
            image: &built.name,
            mounts: &built.mounts,
            site: built.service.site.as_ref(),
        };
        service.image(context)
    }
}

/// Files and folders of this machine that the containers of a service see.
pub(super) fn mounts(spec: &Value) -> impl Iterator<Item = FilePath> {
    let binds = items(spec, "volumes").filter(|volume| text(volume, "type") == Some("bind"));
    binds.filter_map(|volume| text(volume, "source").map(FilePath::new))
}

/// Whether the service says how its health is checked. One that its image has shows only in the running container.
fn has_health_check(spec: &Value) -> bool {
    let Some(check) = spec.get("healthcheck") else { return false };
    let off = check.get("disable").and_then(Value::as_bool).unwrap_or(false);
    let first = items(check, "test").next().and_then(Value::as_str);
    !off && first.is_some_and(|first| first != "NONE")
}

/// Whether the engine is told to start it again.
fn engine_restarts(spec: &Value) -> bool {
    let policy = spec.get("deploy").and_then(|deploy| deploy.get("restart_policy"));
    match (text(spec, "restart"), policy) {
        (Some(restart), _) => restart != "no",
        (None, Some(policy)) => text(policy, "condition") != Some("none"),
        (None, None) => false,
    }
}
