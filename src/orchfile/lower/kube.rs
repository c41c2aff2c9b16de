//! Images and live updates of Kubernetes resources.

use super::{Lowering, images::Resolved, label_at_keyword};
use crate::{
    model::{
        ContainerImage, ContainerSelector, CustomDeploy, FileSet, IgnoreRule, ImageForm, ImageKey, ImageRef, Kind,
        KubeLiveUpdate, KubeObject, KubeSpec, LiveUpdate, Resource, ResourceName, RestartStep,
    },
    orchfile::draft::DraftImage,
};
use std::{collections::BTreeSet, sync::Arc};

/// In which order objects of these kinds are applied; the others follow. The order is Tilt's, which has it from kustomize.
const ORDER: [&str; 20] = [
    "Namespace",
    "StorageClass",
    "CustomResourceDefinition",
    "MutatingWebhookConfiguration",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

fn rank(object: &KubeObject) -> usize {
    ORDER.iter().position(|kind| *kind == object.kind).unwrap_or(ORDER.len())
}

impl Lowering<'_> {
    /// Gives Kubernetes resources their images, with the files below them and what is done in containers when those change.
    pub(super) fn deployments(&mut self, resolved: &Resolved, resources: &mut [Arc<Resource>]) {
        let mut checked = BTreeSet::new();
        for ((used, synced), resource) in resolved.used.iter().zip(&resolved.synced).zip(resources) {
            let resource = Arc::make_mut(resource);
            let Kind::Kube(kube) = &mut resource.kind else { continue };
            self.fill_kube(kube, used, synced, resolved);
            for place in used.iter().chain(synced) {
                self.check_kube(&resource.name, kube, *place);
            }
            for place in synced {
                if checked.insert(*place) {
                    self.check_steps(*place, resolved);
                }
            }
        }
    }

    fn fill_kube(&self, kube: &mut KubeSpec, used: &[usize], synced: &[usize], resolved: &Resolved) {
        let image = |place: usize| &self.draft.images[place];
        for object in &mut kube.objects {
            for place in &mut Arc::make_mut(object).images {
                let ContainerImage::Pulled(name) = &place.image else { continue };
                let named = ImageRef::parse(name).ok().and_then(|name| self.stands_for(&name, used));
                if let Some(key) = named {
                    place.image = ContainerImage::Built(key);
                }
            }
        }
        kube.objects.sort_by_key(|object| rank(object));
        let own = kube.inputs.first().cloned();
        let files = used.iter().chain(synced).flat_map(|place| resolved.closure(*place));
        for place in files {
            let inputs = &image(place).image.inputs;
            if !kube.inputs.contains(inputs) {
                kube.inputs.push(inputs.clone());
            }
        }
        kube.images = used.iter().map(|place| image(*place).image.key.clone()).collect();
        kube.synced = synced.iter().map(|place| image(*place).image.key.clone()).collect();
        let built = used.iter().flat_map(|place| {
            let key = &image(*place).image.key;
            let updates = resolved.closure(*place).into_iter().filter_map(|at| resolved.live_update(self.draft, at));
            updates.map(|update| KubeLiveUpdate { containers: ContainerSelector::Built(key.clone()), update })
        });
        let others = synced.iter().filter_map(|place| {
            let DraftImage { container, image, .. } = image(*place);
            let containers = match container {
                Some(name) => ContainerSelector::Name(name.clone()),
                None => ContainerSelector::Image(image.key.clone()),
            };
            Some(KubeLiveUpdate { containers, update: resolved.live_update(self.draft, *place)? })
        });
        kube.live_updates = built.chain(others).collect();
        if let (Some(custom), Some(own)) = (&mut kube.custom, own) {
            self.fill_custom(custom, &own, &kube.live_updates, used);
        }
    }

    /// The image among these that stands for a reference.
    fn stands_for(&self, named: &ImageRef, used: &[usize]) -> Option<ImageKey> {
        let images = used.iter().map(|place| &self.draft.images[*place]);
        let (exact, named_only): (Vec<_>, Vec<_>) = images
            .filter(|image| image.reference == *named || image.reference.selects(named))
            .partition(|image| image.reference.is_exact());
        exact.into_iter().chain(named_only).next().map(|image| image.image.key.clone())
    }

    /// Files that a live update answers for do not apply it anew.
    fn fill_custom(&self, custom: &mut CustomDeploy, own: &FileSet, updates: &[KubeLiveUpdate], used: &[usize]) {
        let answered = updates.iter().flat_map(|KubeLiveUpdate { update, .. }: &KubeLiveUpdate| {
            let LiveUpdate { syncs, fall_back_on, .. } = update;
            syncs.iter().map(|sync| &sync.local).chain(fall_back_on).map(|trigger| trigger.path.clone())
        });
        let answered = answered.map(|path| Arc::new(IgnoreRule::new(path, Vec::new())));
        let ignore = own.ignore.iter().cloned().chain(answered).collect();
        custom.inputs = Arc::new(FileSet { roots: own.roots.clone(), ignore });
        let resolve = |key: &ImageKey| {
            let named = ImageRef::parse(key.as_str()).ok()?;
            self.stands_for(&named, used)
        };
        custom.image_deps = custom.image_deps.iter().map(|key| resolve(key).unwrap_or_else(|| key.clone())).collect();
    }

    /// What an image says that does not go with Kubernetes, or not with where it is named.
    fn check_kube(&mut self, resource: &ResourceName, kube: &KubeSpec, place: usize) {
        let draft = self.draft;
        let DraftImage { image, site, .. } = &draft.images[place];
        let (key, site) = (&image.key, site.as_ref());
        if image.live_update.as_ref().is_some_and(|update| update.restart != RestartStep::Never) {
            let message = format!("`restart_container()` of the image `{key}` cannot restart containers in Kubernetes");
            let help = "let a program in the container start the server anew, such as `entr`, or leave the step out";
            let labels = label_at_keyword(site, "live_update", "");
            let help = format!("`{resource}` is one of Kubernetes: {help}");
            self.error("orchfile::unusable_restart", message, labels, Some(help));
        }
        let places = || kube.objects.iter().flat_map(|object| &object.images);
        let is_it = |image: &ContainerImage| *image == ContainerImage::Built(key.clone());
        let is_named = places().any(|place| is_it(&place.image));
        let in_container = places().any(|place| is_it(&place.image) && place.form == ImageForm::Container);
        let overrides = image.entrypoint.is_some() || image.container_args.is_some();
        if overrides && is_named && !in_container {
            let argument = if image.entrypoint.is_some() { "entrypoint" } else { "container_args" };
            let message = format!("the image `{key}` has `{argument}`, and no container in `{resource}` is made of it");
            let help = "write the command where the object names the image".to_owned();
            let labels = label_at_keyword(site, argument, "");
            self.error("orchfile::unusable_entrypoint", message, labels, Some(help));
        }
    }
}
