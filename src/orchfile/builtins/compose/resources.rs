//! Services to resources, when the whole file has been evaluated.

use super::{
    config::{self, Config, items, text},
    definition::definition,
    depends, watch,
};
use crate::{
    model::{Container, ContainerImage, ContainerSource, Kind, Mode, Restart},
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
    for compose in draft.compose.iter().rev() {
        // It was read before, or the load would have failed.
        let Ok(config) = config::parse(&compose.project.config) else { continue };
        let known =
            |service: &'_ DraftService| config.services.get(&service.service).map(|spec| (service.clone(), spec));
        let services: Vec<_> = compose.services.iter().filter_map(known).collect();
        let resources: Vec<_> =
            services.iter().map(|(service, spec)| resource(service, spec, compose, &config, context.mode)).collect();
        draft
            .images
            .extend(services.iter().filter_map(|(service, spec)| image(service, spec, compose, &config, context)));
        let at = compose.at.min(draft.resources.len());
        draft.resources.splice(at..at, resources);
    }
}

/// What the service builds.
fn image(
    service: &DraftService,
    spec: &Value,
    compose: &DraftCompose,
    config: &Config,
    context: &Context<'_>,
) -> Option<DraftImage> {
    let project = &compose.project.name;
    let (image, site) = (&image_name(service, spec, project), service.site.as_ref());
    let secret = |name: &str| config.shared("secrets", name);
    Service { project, name: &service.service, spec, secret: &secret, image, site }.image(context)
}

/// What its image is called; Tilt's name where the compose file gives none.
fn image_name(service: &DraftService, spec: &Value, project: &str) -> String {
    let named = service.image.as_deref().or_else(|| text(spec, "image"));
    named.map_or_else(|| format!("{project}_{}", service.service), str::to_owned)
}

fn resource(
    service: &DraftService,
    spec: &Value,
    compose: &DraftCompose,
    config: &Config,
    mode: Mode,
) -> DraftResource {
    let resource_of = |name: &str| compose.services.iter().find(|other| other.service == name);
    let declared = depends::of(spec, config).into_iter().filter_map(|(name, condition)| {
        let on = resource_of(&name)?.name.as_str().to_owned();
        Some(DraftDependency { on, condition })
    });
    let mut labels = service.labels.clone();
    labels.sort();
    labels.dedup();
    DraftResource {
        name: service.name.clone(),
        site: service.site.clone(),
        kind: Kind::Container(Box::new(container(service, spec, compose, config, mode))),
        dependencies: declared.chain(service.dependencies.iter().cloned()).collect(),
        trigger_mode: service.trigger_mode,
        auto_init: service.auto_init,
        labels,
        links: service.links.clone(),
    }
}

fn container(service: &DraftService, spec: &Value, compose: &DraftCompose, config: &Config, mode: Mode) -> Container {
    let project = compose.project.name.clone();
    let live_updates: Vec<_> =
        if mode.honours_develop_watch() { watch::live_update(spec) } else { None }.into_iter().collect();
    let inputs = live_updates.iter().flat_map(|update| update.inputs.iter().cloned()).collect();
    Container {
        image: ContainerImage::Pulled(image_name(service, spec, &project)),
        source: ContainerSource::Compose {
            project,
            service: service.service.clone(),
            definition: definition(spec, config),
        },
        live_updates,
        inputs,
        health_check: has_health_check(spec),
        restart: (text(spec, "restart") == Some("no")).then_some(Restart::Never),
        engine_restarts: engine_restarts(spec),
        infer_links: service.infer_links,
    }
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
