//! Objects to resources, when the whole file has been evaluated. The rules are Tilt's: each workload is a resource with the
//! Services that select its pods, `k8s_resource` says more, and what nobody takes is `uncategorized`.

use super::{
    call, cluster,
    images::{self, KnownKind},
    selector,
};
use crate::{
    model::{
        ImageLocator, ImageRef, Kind, KubeObject, KubeSpec, PodReadiness, ResourceName, TriggerMode, UNCATEGORIZED,
    },
    orchfile::{
        Fault,
        context::Context,
        draft::{Draft, DraftApply, DraftImage, DraftKube, DraftObject, DraftResource},
        text::Site,
    },
};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// A resource in the making.
pub(super) struct Made {
    pub(super) resource: DraftResource,
    pub(super) spec: KubeSpec,
    pub(super) objects: Vec<KubeObject>,
    /// What `pod_readiness` said.
    pub(super) readiness: Option<PodReadiness>,
    /// Made by hand of objects that are no workloads.
    pub(super) is_group: bool,
}

/// Resources and objects while they are sorted.
#[derive(Default)]
pub(super) struct Assembly {
    /// In the order in which they were made.
    pub(super) made: Vec<Made>,
    /// Objects that belong to nobody yet.
    pub(super) rest: Vec<DraftObject>,
    /// All objects, for messages.
    pub(super) all: Vec<KubeObject>,
}

/// The workloads among the objects, by their places.
pub(super) fn workloads(draft: &Draft) -> Vec<(usize, KubeObject)> {
    let kube = &draft.kube;
    let objects = kube.objects.iter().enumerate();
    let found = objects.filter(|(_, known)| {
        let found = images::places(&known.object, &kube.kinds, |image| is_in_environment(&draft.images, image));
        // What is wrong with it is told later.
        is_workload(&known.object, &kube.kinds, found.map_or(true, |places| !places.is_empty()))
    });
    found.map(|(place, known)| (place, known.object.clone())).collect()
}

fn is_in_environment(images: &[DraftImage], used: &ImageRef) -> bool {
    images.iter().any(|image| image.image.match_in_env_vars && image.reference.selects(used))
}

fn is_workload(object: &KubeObject, kinds: &[KnownKind], has_images: bool) -> bool {
    has_images || own_readiness(object).is_some() || kinds.iter().any(|kind| kind.selector.matches(object))
}

/// When pods of kinds that everybody knows count as ready.
fn own_readiness(object: &KubeObject) -> Option<PodReadiness> {
    match (object.group(), object.kind.as_str()) {
        ("batch", "Job") => Some(PodReadiness::Succeeded),
        ("batch", "CronJob") => Some(PodReadiness::Ignore),
        _ => None,
    }
}

/// Puts the resources that objects become among the others: first in the project, but for `uncategorized`, which is the last.
pub(crate) fn declare_resources(context: &Context<'_>) {
    let kube = std::mem::take(&mut context.draft.borrow_mut().kube);
    let DraftKube { mut settings, objects, kinds, calls, customs, read: _, applies, naming } = kube;
    context.draft.borrow_mut().kube.settings.allowed_contexts.clone_from(&settings.allowed_contexts);
    let first = objects.first().map(|object| object.site.clone()).or_else(|| customs.first().map(|it| it.site.clone()));
    let first = first.or_else(|| applies.first().map(|it| it.site.clone()));
    if let Some(site) = &first {
        match cluster::check_resources(context) {
            Ok(cluster) => {
                settings.no_cluster = cluster.is_none().then(|| cluster::why_none(context));
                settings.cluster = cluster;
            }
            Err(fault) => context.report(site.as_ref(), fault),
        }
    }
    let timeout = context.draft.borrow().settings.accepted.get("k8s_upsert_timeout_secs").and_then(Value::as_u64);
    settings.upsert_timeout = timeout.map_or(settings.upsert_timeout, Duration::from_secs);
    let objects = with_places(objects, &kinds, context);
    let mut assembly = Assembly { all: objects.iter().map(|it| it.object.clone()).collect(), ..Assembly::default() };
    for custom in customs {
        let resource = DraftResource { site: custom.site, ..new_resource(custom.name) };
        assembly.made.push(Made { spec: custom.spec, ..made(resource) });
    }
    for apply in applies {
        let made = of_api(apply, &kinds, context);
        assembly.made.push(made);
    }
    let given = naming.as_ref().map(|naming| (&naming.names, naming.site.as_ref()));
    let names = names(&objects, &kinds);
    for (place, known) in objects.into_iter().enumerate() {
        let by_function = given.and_then(|(names, _)| names.get(&place));
        match by_function.or_else(|| names.get(&place)) {
            Some(name) => {
                let site = given.and_then(|(_, site)| site.cloned()).or_else(|| known.site.clone());
                assembly.add_workload(name, site, known, context);
            }
            None => assembly.rest.push(known),
        }
    }
    assembly.attach_services();
    assembly.add_leftovers(context);
    call::apply(calls, &mut assembly, context);
    finish(assembly, &kinds, context);
    context.draft.borrow_mut().kube.settings = settings;
}

/// A resource that an API object describes.
fn of_api(apply: DraftApply, kinds: &[KnownKind], context: &Context<'_>) -> Made {
    let DraftApply { name, site, objects, custom, extra_pod_selectors, discovery, port_forwards, readiness, timeout } =
        apply;
    let objects = with_places(objects, kinds, context).into_iter().map(|known| known.object).collect();
    let spec = KubeSpec {
        inputs: custom.iter().map(|custom| custom.inputs.clone()).collect(),
        custom: custom.map(Box::new),
        timeout,
        extra_pod_selectors,
        discovery,
        port_forwards,
        ..new_spec()
    };
    Made { spec, objects, readiness, ..made(DraftResource { site, ..new_resource(name) }) }
}

/// Finds the images of all objects.
fn with_places(objects: Vec<DraftObject>, kinds: &[KnownKind], context: &Context<'_>) -> Vec<DraftObject> {
    let in_environment = |image: &ImageRef| is_in_environment(&context.draft.borrow().images, image);
    let find = |mut known: DraftObject| {
        match images::places(&known.object, kinds, in_environment) {
            Ok(places) => known.object.images = places,
            Err(unfit) => {
                let path = unfit.at.trim_start_matches('/').replace('/', ".");
                let message = format!("the image at `{path}` of the {}: {}", known.object.title(), unfit.reason);
                let by = unfit.by.and_then(|by| kinds.get(by)).and_then(|kind| kind.site.as_ref());
                let fault = Fault::new("orchfile::invalid_image", message)
                    .further(by.map(|site| site.label("said to name an image here")));
                context.report(Some(&known.place.site_at(&unfit.at)), fault);
            }
        }
        known
    };
    objects.into_iter().map(find).collect()
}

/// The names of the workloads, by their places: each the shortest that no other has.
fn names(objects: &[DraftObject], kinds: &[KnownKind]) -> HashMap<usize, String> {
    let all = objects.iter().enumerate();
    let workloads = all.filter(|(_, known)| is_workload(&known.object, kinds, !known.object.images.is_empty()));
    let workloads: Vec<_> = workloads.map(|(place, known)| (place, selector::names(&known.object))).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for name in workloads.iter().flat_map(|(_, names)| names) {
        *counts.entry(name).or_default() += 1;
    }
    let chosen = |(index, (place, names)): (usize, &(usize, [String; 4]))| {
        let unique = names.iter().find(|name| counts.get(name.as_str()) == Some(&1)).filter(|name| !name.is_empty());
        let name = unique.cloned().unwrap_or_else(|| format!("{}:{index}", names[3]));
        (*place, name)
    };
    workloads.iter().enumerate().map(chosen).collect()
}

fn new_resource(name: ResourceName) -> DraftResource {
    DraftResource {
        name,
        site: None,
        kind: Kind::Kube(Box::new(new_spec())),
        dependencies: Vec::new(),
        trigger_mode: None,
        auto_init: true,
        labels: Vec::new(),
        links: Vec::new(),
    }
}

fn new_spec() -> KubeSpec {
    KubeSpec {
        objects: Vec::new(),
        custom: None,
        images: Vec::new(),
        synced: Vec::new(),
        image_locators: Vec::new(),
        live_updates: Vec::new(),
        inputs: Vec::new(),
        pod_readiness: PodReadiness::Wait,
        extra_pod_selectors: Vec::new(),
        discovery: None,
        port_forwards: Vec::new(),
        before_others: false,
        timeout: None,
    }
}

fn made(resource: DraftResource) -> Made {
    Made { resource, spec: new_spec(), objects: Vec::new(), readiness: None, is_group: false }
}

impl Assembly {
    /// The resource of that name.
    pub(super) fn find(&mut self, name: &str) -> Option<&mut Made> {
        self.made.iter_mut().find(|made| made.resource.name.as_str() == name)
    }

    /// A new resource; says where it cannot be one.
    pub(super) fn add(&mut self, name: &str, site: Option<Site>, context: &Context<'_>) -> Option<&mut Made> {
        let parsed = match ResourceName::parse(name) {
            Ok(parsed) => parsed,
            Err(invalid) => {
                context.report(site.as_ref(), Fault::value(format!("a workload cannot be a resource: {invalid}")));
                return None;
            }
        };
        if self.find(name).is_some() {
            let message = format!("there is a Kubernetes resource `{name}` already");
            let fault = Fault::new("orchfile::duplicate_name", message).help("give one of them another name");
            context.report(site.as_ref(), fault.at_literal(name));
            return None;
        }
        self.made.push(made(DraftResource { site, ..new_resource(parsed) }));
        self.made.last_mut()
    }

    fn add_workload(&mut self, name: &str, site: Option<Site>, known: DraftObject, context: &Context<'_>) {
        if let Some(made) = self.add(name, site, context) {
            made.objects.push(known.object);
        }
    }

    /// Gives Services to the first resource whose pods they select.
    fn attach_services(&mut self) {
        let mut rest = Vec::new();
        for known in std::mem::take(&mut self.rest) {
            let mut owners = self.made.iter_mut();
            match owners.find(|made| made.objects.first().is_some_and(|first| selects(&known.object, first))) {
                Some(owner) => owner.objects.push(known.object),
                None => rest.push(known),
            }
        }
        self.rest = rest;
    }

    /// Makes resources of what has a template of pods without any image.
    fn add_leftovers(&mut self, context: &Context<'_>) {
        let (templates, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.rest)
            .into_iter()
            .partition(|known| known.object.kind != "Pod" && !images::pod_specs(&known.object).is_empty());
        self.rest = rest;
        for known in templates {
            match self.find(&known.object.name) {
                Some(made) => made.objects.push(known.object),
                None => self.add_workload(&known.object.name.clone(), known.site.clone(), known, context),
            }
        }
        self.attach_services();
    }
}

/// Whether a Service selects the pods of a workload.
fn selects(service: &KubeObject, workload: &KubeObject) -> bool {
    if service.api_version != "v1" || service.kind != "Service" {
        return false;
    }
    let wanted = service.value.pointer("/spec/selector").and_then(Value::as_object);
    let (Some(wanted), Some(labels)) = (wanted.filter(|wanted| !wanted.is_empty()), images::pod_labels(workload))
    else {
        return false;
    };
    let is_here = service.namespace.is_none() || selector::namespace(service) == selector::namespace(workload);
    is_here && wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn finish(assembly: Assembly, kinds: &[KnownKind], context: &Context<'_>) {
    let Assembly { made, rest, .. } = assembly;
    let draft = &mut *context.draft.borrow_mut();
    let resources: Vec<_> = made.into_iter().map(|made| finished(made, kinds)).collect();
    draft.resources.splice(0..0, resources);
    if let Some(site) = rest.first().map(|known| known.site.clone())
        && let Ok(name) = ResourceName::parse(UNCATEGORIZED)
    {
        let objects = rest.into_iter().map(|known| known.object).collect();
        // What is everybody's does not wait for the user.
        let trigger_mode = Some(TriggerMode::Auto);
        let resource = DraftResource { site, trigger_mode, ..new_resource(name) };
        let made = Made { objects, readiness: Some(PodReadiness::Ignore), ..made_first(resource) };
        draft.resources.push(finished(made, kinds));
    }
}

/// A resource for which the others wait.
fn made_first(resource: DraftResource) -> Made {
    Made { spec: KubeSpec { before_others: true, ..new_spec() }, ..made(resource) }
}

fn finished(made: Made, kinds: &[KnownKind]) -> DraftResource {
    let Made { resource, mut spec, objects, readiness, is_group } = made;
    let of_kind = || {
        let meant = |kind: &&KnownKind| objects.iter().any(|object| kind.selector.matches(object));
        let said = kinds.iter().filter(meant).find_map(|kind| kind.readiness);
        said.or_else(|| objects.iter().find_map(own_readiness))
    };
    let has_pods = objects.iter().any(|object| !object.images.is_empty()) || !spec.extra_pod_selectors.is_empty();
    let otherwise = if is_group && !has_pods { PodReadiness::Ignore } else { PodReadiness::Wait };
    spec.pod_readiness = readiness.or_else(of_kind).unwrap_or(otherwise);
    spec.image_locators = locators(&objects, kinds);
    spec.objects = objects.into_iter().map(Arc::new).collect();
    DraftResource { kind: Kind::Kube(Box::new(spec)), ..resource }
}

fn locators(objects: &[KubeObject], kinds: &[KnownKind]) -> Vec<ImageLocator> {
    let meant = |kind: &&KnownKind| objects.iter().any(|object| kind.selector.matches(object));
    let locators = kinds.iter().filter(meant).flat_map(|kind| &kind.locators);
    locators.map(|(locator, _)| locator.clone()).collect()
}
