//! What containers are made of, and what live updates in them must keep to.

use super::{Lowering, images::Resolved, label_at_keyword};
use crate::{
    diag::Label,
    model::{Container, ContainerImage, ContainerSource, FilePath, Kind, LiveUpdate, Resource},
    orchfile::draft::{DraftImage, DraftStep, MadeStep},
};
use std::{collections::BTreeSet, sync::Arc};

/// More places of one fault are not shown.
const PLACES_MAX: usize = 8;

impl Lowering<'_> {
    /// Gives the containers their images, with the files below them and what is done in them when those change.
    pub(super) fn containers(&mut self, resolved: &Resolved, resources: &mut [Arc<Resource>]) {
        let mut checked = BTreeSet::new();
        for (used, resource) in resolved.used.iter().zip(resources) {
            let resource = Arc::make_mut(resource);
            if let (Kind::Container(container), Some(place)) = (&mut resource.kind, used.first()) {
                self.fill(container, *place, resolved);
            }
            for place in used {
                self.check_override(*place, resource);
                if checked.insert(*place) {
                    self.check_steps(*place, resolved);
                }
            }
        }
        self.unused_steps();
    }

    fn fill(&self, container: &mut Container, place: usize, resolved: &Resolved) {
        let images = resolved.closure(place);
        let image = |place: &usize| &self.draft.images[*place].image;
        container.image = ContainerImage::Built(image(&place).key.clone());
        container.inputs.extend(images.iter().map(|place| image(place).inputs.clone()));
        let of_images: Vec<_> =
            images.iter().filter_map(|at| Some((*at, resolved.live_update(self.draft, *at)?))).collect();
        let has_own = of_images.iter().any(|(at, _)| *at == place);
        let answered: BTreeSet<_> = of_images.iter().flat_map(|(at, _)| resolved.closure(*at)).collect();
        // What the container itself says of its image holds where the image says nothing.
        let own = std::mem::take(&mut container.live_updates).into_iter().filter(|_| !has_own).map(|update| {
            let rest = images.iter().filter(|at| !answered.contains(at)).map(|at| image(at).inputs.clone());
            let inputs = update.inputs.iter().cloned().chain(rest).collect();
            LiveUpdate { image: Some(image(&place).key.clone()), inputs, ..update }
        });
        container.live_updates = own.chain(of_images.into_iter().map(|(_, update)| update)).collect();
    }

    /// Some arguments of an image are for Kubernetes alone.
    fn check_override(&mut self, place: usize, resource: &Resource) {
        let image = &self.draft.images[place];
        let Some(container) = resource.kind.container().filter(|_| image.image.entrypoint.is_some()) else { return };
        let key = image.reference.key();
        let message = format!("the image `{key}` has an `entrypoint`, which only containers in Kubernetes get");
        let help = match container.source {
            ContainerSource::Compose { .. } => format!("write `entrypoint:` for the service `{}`", resource.name),
            ContainerSource::Plain(_) => format!("give `entrypoint` to the container `{}`", resource.name),
        };
        let labels = label_at_keyword(image.site.as_ref(), "entrypoint", "");
        self.error("orchfile::unusable_entrypoint", message, labels, Some(help));
    }

    /// What a live update copies or falls back on must be an input of the image or of one that it is made of.
    pub(super) fn check_steps(&mut self, place: usize, resolved: &Resolved) {
        let draft = self.draft;
        let image = &draft.images[place];
        let images = resolved.closure(place);
        let roots: Vec<&FilePath> = images.iter().flat_map(|place| &draft.images[*place].image.inputs.roots).collect();
        let is_outside = |step: &&DraftStep| !roots.iter().any(|root| step.path.is_within(root));
        for step in image.steps.iter().filter(is_outside) {
            self.outside(image, step, &roots);
        }
    }

    fn outside(&mut self, image: &DraftImage, step: &DraftStep, roots: &[&FilePath]) {
        let (key, path) = (image.reference.key(), step.path.display_from(self.root));
        let message = format!("`{path}` is no part of what the image `{key}` is made of");
        let roots: Vec<_> = roots.iter().map(|root| format!("`{}`", root.display_from(self.root))).collect();
        let help = if roots.is_empty() {
            "add it to `deps`".to_owned()
        } else {
            format!("name a path in {}; paths are relative to the folder of the file that calls", roots.join(" or "))
        };
        let labels = step.site.iter().map(|site| site.label("")).collect();
        self.error("orchfile::step_outside_image", message, labels, Some(help));
    }

    fn unused_steps(&mut self) {
        let unused: Vec<&MadeStep> = self.draft.steps.values().filter(|step| !step.used).collect();
        let Some(first) = unused.first() else { return };
        let message = match unused.len() {
            1 => format!("no `live_update` has this `{}`", first.function),
            count => format!("no `live_update` has these {count} steps"),
        };
        let labels: Vec<Label> = unused.iter().take(PLACES_MAX).map(|step| step.site.label("")).collect();
        let help = "put it into the list `live_update=[…]` of an image, or remove it".to_owned();
        self.error("orchfile::unused_step", message, labels, Some(help));
    }
}
