//! Which images the project needs: matched with who names them, in an order in which they can be built.

use super::{Lowering, label_at_literal};
use crate::{
    diag::{
        Label, Severity,
        suggest::{did_you_mean, suggest},
    },
    model::{
        Build, ContainerImage, ContainerSource, CustomOutput, Image, ImageKey, ImageRef, Kind, LiveUpdate, Registry,
        Resource, Settings,
    },
    orchfile::{
        builtins::is_synced,
        draft::{Draft, DraftImage},
    },
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The images of a project, resolved.
pub(super) struct Resolved {
    /// For each image of the draft, those that it is made of.
    pub(super) bases: Vec<Vec<usize>>,
    /// For each resource the images that its containers are made of.
    pub(super) used: Vec<Vec<usize>>,
    /// For each resource the images that nobody builds, and into whose containers files are copied.
    pub(super) synced: Vec<Vec<usize>>,
    /// Images that some resource needs, bases first.
    pub(super) order: Vec<usize>,
}

/// Which image stands for a reference.
#[derive(Default)]
struct Builders {
    exact: HashMap<ImageRef, usize>,
    named: HashMap<String, usize>,
}

impl Builders {
    fn of(images: &[DraftImage]) -> Self {
        let mut builders = Self::default();
        // Those of compose services come last.
        for (place, image) in images.iter().enumerate() {
            let reference = &image.reference;
            if image.implicit && builders.find(reference).is_some() {
                continue;
            }
            if reference.is_exact() {
                builders.exact.entry(reference.clone()).or_insert(place);
            } else {
                builders.named.entry(reference.name()).or_insert(place);
            }
        }
        builders
    }

    /// The image for just that reference, else the one for any of its name.
    fn find(&self, used: &ImageRef) -> Option<usize> {
        self.exact.get(used).or_else(|| self.named.get(&used.name())).copied()
    }
}

impl Lowering<'_> {
    /// Finds the images that the resources need; says what is wrong with them.
    pub(super) fn resolve_images(&mut self, resources: &[Arc<Resource>]) -> Resolved {
        let builders = Builders::of(&self.draft.images);
        let bases = self.bases(&builders);
        let (mut used, mut synced) = (Vec::with_capacity(resources.len()), Vec::with_capacity(resources.len()));
        for resource in resources {
            self.missing_images(resource, &builders);
            let mut places: Vec<usize> = Vec::new();
            for place in named_by(resource).iter().filter_map(|name| builders.find(name)) {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            let is_synced =
                |place: &usize| resource.kind.kube().is_some() && is_synced(&self.draft.images[*place].image);
            let (of_synced, of_used) = places.into_iter().partition(is_synced);
            synced.push(of_synced);
            used.push(of_used);
        }
        let order = self.order(&bases, &used);
        let resolved = Resolved { bases, used, synced, order };
        self.unused_images(&resolved, resources);
        resolved
    }

    /// Compose takes its images from the local engine.
    pub(super) fn check_registry(&mut self) {
        if self.draft.settings.default_registry.is_none() || self.draft.compose.is_empty() {
            return;
        }
        let labels = self.draft.registry_at.iter().map(|site| site.label("")).collect();
        let message = "`default_registry` cannot be used with `docker_compose`".to_owned();
        let help = "remove it: compose takes its images from the local engine".to_owned();
        self.error("orchfile::registry_with_compose", message, labels, Some(help));
    }

    fn bases(&mut self, builders: &Builders) -> Vec<Vec<usize>> {
        let images = &self.draft.images;
        let mut all = Vec::with_capacity(images.len());
        for image in images {
            let mut bases: Vec<usize> = Vec::new();
            for (reference, is_required) in with(&image.named, false).chain(with(&image.required, true)) {
                match builders.find(reference) {
                    Some(place) if bases.contains(&place) => {}
                    Some(place) => bases.push(place),
                    None if is_required => self.missing_image(image, reference),
                    None => {}
                }
            }
            all.push(bases);
        }
        all
    }

    /// Images that a deployment needs must be there.
    fn missing_images(&mut self, resource: &Resource, builders: &Builders) {
        let custom = resource.kind.kube().and_then(|kube| kube.custom.as_ref());
        for key in custom.into_iter().flat_map(|custom| &custom.image_deps) {
            let is_there = ImageRef::parse(key.as_str()).is_ok_and(|reference| builders.find(&reference).is_some());
            if !is_there {
                let message = format!("the resource `{}` needs the image `{key}`, which no one builds", resource.name);
                let site = self.draft.resources.iter().find(|draft| draft.name == resource.name);
                let labels = label_at_literal(site.and_then(|draft| draft.site.as_ref()), key.as_str(), "");
                self.unknown_image(message, labels, key);
            }
        }
    }

    fn missing_image(&mut self, image: &DraftImage, missing: &ImageRef) {
        let missing = missing.key();
        let message = format!("the image `{}` needs `{missing}`, which no one builds", image.reference.key());
        let labels = label_at_literal(image.site.as_ref(), missing.as_str(), "");
        self.unknown_image(message, labels, &missing);
    }

    fn unknown_image(&mut self, message: String, labels: Vec<Label>, missing: &ImageKey) {
        let names: Vec<_> = self.draft.images.iter().map(|image| image.reference.key()).collect();
        let help = did_you_mean(missing.as_str(), names.iter().map(ImageKey::as_str));
        let help = help.or_else(|| Some("declare it with `docker_build` or `custom_build`".to_owned()));
        self.error("orchfile::unknown_image", message, labels, help);
    }

    /// The images below those that are used, each after what it is made of.
    fn order(&mut self, bases: &[Vec<usize>], used: &[Vec<usize>]) -> Vec<usize> {
        let mut visit = Visit { bases, state: vec![State::New; bases.len()], order: Vec::new(), circle: None };
        for start in used.iter().flatten() {
            visit.image(*start);
        }
        let Visit { order, circle, .. } = visit;
        if let Some(circle) = circle {
            self.image_circle(&circle);
        }
        order
    }

    fn image_circle(&mut self, circle: &[usize]) {
        let name = |place: usize| self.draft.images[place].reference.key();
        let names: Vec<_> = circle.iter().map(|place| format!("`{}`", name(*place))).collect();
        let message = match &names[..] {
            [name, _] => format!("the image {name} is made of itself"),
            _ => format!("images are made of each other in a circle: {}", names.join(" → ")),
        };
        let labels: Vec<Label> = circle
            .windows(2)
            .flat_map(|pair| {
                let text = format!("`{}` is made of `{}`", name(pair[0]), name(pair[1]));
                label_at_literal(self.draft.images[pair[0]].site.as_ref(), name(pair[0]).as_str(), &text)
            })
            .collect();
        let help = match circle.len() {
            2 => "it starts from another image of its name: give it a name, or a tag, of its own",
            _ => "let one of them start from another image",
        };
        self.error("orchfile::image_cycle", message, labels, Some(help.to_owned()));
    }

    fn unused_images(&mut self, resolved: &Resolved, resources: &[Arc<Resource>]) {
        // What is wrong already may be why they are not used.
        if self.found.iter().any(|found| found.severity == Severity::Error) {
            return;
        }
        let synced = resolved.synced.iter().flatten();
        let needed: BTreeSet<usize> = resolved.order.iter().chain(synced).copied().collect();
        let suppressed = Suppressed::of(&self.draft.settings);
        for (place, image) in self.draft.images.iter().enumerate() {
            if needed.contains(&place) || image.implicit || suppressed.holds(&image.reference) {
                continue;
            }
            let key = image.reference.key();
            let message = format!("the image `{key}` is never built: no resource uses it");
            let labels = label_at_literal(image.site.as_ref(), key.as_str(), "");
            let names: BTreeSet<_> =
                resources.iter().flat_map(|resource| named_by(resource)).map(|name| name.key()).collect();
            let help = match suggest(key.as_str(), names.iter().map(ImageKey::as_str)) {
                Some(near) => format!("did you mean `{near}`, which a resource uses?"),
                None => format!("if it is to be so, say `update_settings(suppress_unused_image_warnings=[\"{key}\"])`"),
            };
            self.say(Severity::Warning, "orchfile::unused_image", message, labels, Some(help));
        }
    }

    /// The images that are needed, as the project has them.
    pub(super) fn images(&self, resolved: &Resolved, resources: &[Arc<Resource>]) -> Vec<Arc<Image>> {
        let draft = self.draft;
        let pushed = self.pushed(resolved, resources);
        let registry = draft.settings.default_registry.as_ref();
        let image = |place: &usize| Arc::new(self.lowered_image(*place, resolved, registry, &pushed));
        resolved.order.iter().map(image).collect()
    }

    /// Images that are pushed: those of what compose does not run, where there is a registry; and those of a cluster whose nodes get
    /// images from registries alone. The rule is Tilt's.
    fn pushed(&self, resolved: &Resolved, resources: &[Arc<Resource>]) -> BTreeSet<usize> {
        let has_registry = self.draft.settings.default_registry.is_some();
        let cluster = self.draft.kube.settings.cluster.as_ref();
        let cluster_pulls = cluster.is_some_and(|cluster| cluster.product.pulls_images());
        let is_pushed = |resource: &Resource| match &resource.kind {
            Kind::Kube(_) => has_registry || cluster_pulls,
            Kind::Container(container) => has_registry && !matches!(container.source, ContainerSource::Compose { .. }),
            Kind::Local(_) => has_registry,
        };
        let uses = resolved.used.iter().zip(resources).filter(|(_, resource)| is_pushed(resource));
        uses.flat_map(|(used, _)| used.iter().copied()).collect()
    }

    /// The images that are not built, as the project has them.
    pub(super) fn synced_images(&self, resolved: &Resolved) -> Vec<Arc<Image>> {
        let mut places: Vec<usize> = Vec::new();
        for place in resolved.synced.iter().flatten().filter(|place| !resolved.order.contains(place)) {
            if !places.contains(place) {
                places.push(*place);
            }
        }
        places.iter().map(|place| Arc::new(self.lowered_image(*place, resolved, None, &BTreeSet::new()))).collect()
    }

    fn lowered_image(
        &self,
        place: usize,
        resolved: &Resolved,
        registry: Option<&Registry>,
        pushed: &BTreeSet<usize>,
    ) -> Image {
        let draft = self.draft;
        let from = &draft.images[place];
        let mut image = from.image.clone();
        let bases = resolved.bases[place].iter();
        image.bases = bases.map(|base| draft.images[*base].reference.key()).collect();
        if let Build::Custom(build) = &mut image.build {
            build.image_deps.clone_from(&image.bases);
        }
        let name = from.reference.familiar_name();
        (image.repository, image.tag_prefix) =
            registry.map_or((name.clone(), String::new()), |registry| registry.place_of(&name));
        image.push = pushed.contains(&place) && !is_pushed_otherwise(&image.build);
        image.live_update = resolved.live_update(draft, place);
        image
    }
}

impl Resolved {
    /// The image and all that it is made of, itself first.
    pub(super) fn closure(&self, place: usize) -> Vec<usize> {
        let (mut found, mut next) = (Vec::new(), vec![place]);
        while let Some(place) = next.pop() {
            if !found.contains(&place) {
                found.push(place);
                next.extend(self.bases[place].iter().rev());
            }
        }
        found
    }

    /// The live update of an image with the files that it answers for: the image's, and those of bases that no other answers
    /// for.
    pub(super) fn live_update(&self, draft: &Draft, place: usize) -> Option<LiveUpdate> {
        let own = draft.images[place].image.live_update.clone()?;
        let (mut found, mut next) = (Vec::new(), vec![place]);
        while let Some(at) = next.pop() {
            let answers = at == place || draft.images[at].image.live_update.is_none();
            if answers && !found.contains(&at) {
                found.push(at);
                next.extend(self.bases[at].iter().rev());
            }
        }
        let inputs = found.into_iter().map(|at| draft.images[at].image.inputs.clone()).collect();
        Some(LiveUpdate { inputs, ..own })
    }
}

/// Whether a custom build pushes by itself, or leaves nothing to push.
fn is_pushed_otherwise(build: &Build) -> bool {
    match build {
        Build::Custom(build) => build.disable_push || matches!(build.output, CustomOutput::Elsewhere { .. }),
        Build::Docker(_) | Build::Compose(_) => false,
    }
}

/// The images that the file says may be unused.
struct Suppressed<'a>(Vec<&'a str>);

impl<'a> Suppressed<'a> {
    fn of(settings: &'a Settings) -> Self {
        let names = settings.accepted.get("suppress_unused_image_warnings").and_then(|names| names.as_array());
        Self(names.into_iter().flatten().filter_map(|name| name.as_str()).collect())
    }

    fn holds(&self, reference: &ImageRef) -> bool {
        let is_meant = |name: &&str| **name == *"*" || ImageRef::parse(name).is_ok_and(|name| name.selects(reference));
        self.0.iter().any(is_meant)
    }
}

/// A walk from an image to what it is made of.
struct Visit<'a> {
    bases: &'a [Vec<usize>],
    state: Vec<State>,
    order: Vec<usize>,
    /// The first circle that was found; its first image stands again at the end.
    circle: Option<Vec<usize>>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Begun,
    Done,
}

impl Visit<'_> {
    fn image(&mut self, start: usize) {
        // The images that are being visited, each with how many of its bases were.
        let mut path = vec![(start, 0)];
        while let Some((place, visited)) = path.last_mut() {
            let place = *place;
            if self.state[place] == State::Done {
                path.pop();
                continue;
            }
            self.state[place] = State::Begun;
            let Some(base) = self.bases[place].get(*visited).copied() else {
                self.state[place] = State::Done;
                self.order.push(place);
                path.pop();
                continue;
            };
            *visited += 1;
            if self.state[base] == State::New {
                path.push((base, 0));
            } else if self.state[base] == State::Begun && self.circle.is_none() {
                let circle = path.iter().map(|(place, _)| *place).skip_while(|place| *place != base);
                self.circle = Some(circle.chain([base]).collect());
            }
        }
    }
}

/// What the containers of a resource name as their images, in order.
pub(super) fn named_by(resource: &Resource) -> Vec<ImageRef> {
    match &resource.kind {
        Kind::Local(_) => Vec::new(),
        Kind::Container(container) => named(&container.image).into_iter().collect(),
        Kind::Kube(kube) => {
            let places = kube.objects.iter().flat_map(|object| &object.images);
            let required = kube.custom.iter().flat_map(|custom| &custom.image_deps);
            let keys = required.chain(&kube.synced).filter_map(|key| ImageRef::parse(key.as_str()).ok());
            places.filter_map(|place| named(&place.image)).chain(keys).collect()
        }
    }
}

fn named(image: &ContainerImage) -> Option<ImageRef> {
    match image {
        ContainerImage::Pulled(name) => ImageRef::parse(name).ok(),
        ContainerImage::Built(key) => ImageRef::parse(key.as_str()).ok(),
    }
}

fn with(references: &[ImageRef], mark: bool) -> impl Iterator<Item = (&ImageRef, bool)> {
    references.iter().map(move |reference| (reference, mark))
}
