//! What the objects of a resource are to be: as declared, with the images of the project in them.

use crate::{
    engine::{
        effect::{AppliedObject, ApplyOrder, CustomCommand, ExpectedObject},
        state::State,
        workload::Order,
    },
    model::{
        Built, Command, CustomDeploy, Digest, Image, ImageKey, Injected, KubeObject, KubeSpec, ObjectKey, ObjectState,
        Registry, SetDigest,
    },
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Where the number of pods is said.
const REPLICAS: &str = "/spec/replicas";

/// Workloads whose number of pods an autoscaler decides: kind, namespace and name.
pub(super) type Scaled = BTreeSet<(String, String, String)>;

/// What the objects of a resource are to be.
pub(in crate::engine) fn order(
    state: &State,
    kube: &KubeSpec,
    (definition, inputs): (Digest, SetDigest),
    images: &BTreeMap<ImageKey, &Built>,
    restart: bool,
) -> Order {
    let images: BTreeMap<&ImageKey, Deployed<'_>> =
        images.iter().map(|(key, built)| (key, Deployed::of(state, key, built))).collect();
    let scaled = scaled(state);
    let settings = state.project.as_ref().map(|project| project.kube.clone()).unwrap_or_default();
    let load = images.values().filter(|image| image.is_loaded(state)).map(|image| image.built.reference.clone());
    Order::Kube(Arc::new(ApplyOrder {
        objects: kube.objects.iter().map(|object| applied(state, object, &images, &scaled)).collect(),
        custom: kube.custom.as_ref().map(|custom| Box::new(applying(state, custom, (definition, inputs), &images))),
        load: load.collect(),
        restart,
        timeout: kube.timeout.unwrap_or(settings.upsert_timeout),
    }))
}

/// Whether both bring objects to the same.
pub(in crate::engine) fn is_alike(one: &ApplyOrder, other: &ApplyOrder) -> bool {
    let fingerprints = |order: &ApplyOrder| -> BTreeMap<ObjectKey, Digest> {
        order.objects.iter().map(|object| (object.key.clone(), object.fingerprint)).collect()
    };
    let custom = |order: &ApplyOrder| order.custom.as_ref().map(|custom| custom.fingerprint);
    fingerprints(one) == fingerprints(other) && custom(one) == custom(other)
}

/// An image as the cluster gets it.
struct Deployed<'a> {
    built: &'a Built,
    declared: Option<&'a Image>,
    /// As the cluster calls it.
    reference: String,
}

impl<'a> Deployed<'a> {
    fn of(state: &'a State, key: &ImageKey, built: &'a Built) -> Self {
        let images = state.project.as_ref().map(|project| project.images.as_slice()).unwrap_or_default();
        let declared = images.iter().find(|image| image.key == *key).map(|image| &**image);
        Self { built, declared, reference: from_cluster(state, &built.reference) }
    }

    /// Whether its nodes get it from this machine's engine: no registry leads there.
    fn is_loaded(&self, state: &State) -> bool {
        let is_pushed = self.declared.is_some_and(|image| image.push);
        state.kube.registry.is_none() && !is_pushed && self.built.id.is_some()
    }
}

/// What the cluster calls what is called so on this machine.
pub(super) fn from_cluster(state: &State, reference: &str) -> String {
    let settings = state.project.as_ref().and_then(|project| project.settings.default_registry.as_ref());
    let (host, other) = match (&state.kube.registry, settings) {
        (Some(registry), _) => (&registry.host, registry.from_cluster.as_deref()),
        (None, Some(Registry { host, host_from_cluster, .. })) => (host, Some(host_from_cluster.as_str())),
        (None, None) => return reference.to_owned(),
    };
    let path = reference.strip_prefix(host.as_str()).filter(|path| path.starts_with('/'));
    match (path, other.filter(|other| !other.is_empty())) {
        (Some(path), Some(other)) => format!("{other}{path}"),
        _ => reference.to_owned(),
    }
}

/// The image as it is built: what a cluster is to have goes to the registry that it wants, whatever the file says.
pub(in crate::engine) fn placed(state: &State, image: &Arc<Image>, is_deployed: bool) -> Arc<Image> {
    let Some(registry) = state.kube.registry.as_ref().filter(|_| is_deployed) else { return Arc::clone(image) };
    let place = Registry { host: registry.host.clone(), ..Registry::default() };
    let mut image = Image::clone(image);
    let name = crate::model::ImageRef::parse(image.key.as_str())
        .map_or_else(|_| image.key.as_str().to_owned(), |reference| reference.familiar_name());
    (image.repository, image.tag_prefix) = place.place_of(&name);
    image.push = true;
    Arc::new(image)
}

/// Which object it is.
fn key(state: &State, object: &KubeObject) -> ObjectKey {
    let namespace = || state.kube.cluster.as_ref().map(|cluster| cluster.namespace.clone()).unwrap_or_default();
    ObjectKey {
        group: object.group().to_owned(),
        kind: object.kind.clone(),
        namespace: object.namespace.clone().unwrap_or_else(namespace),
        name: if object.name.is_empty() { format!("{}*", object.generate_name()) } else { object.name.clone() },
    }
}

/// What autoscalers of the project decide about.
pub(super) fn scaled(state: &State) -> Scaled {
    let scalers = super::specs(state).flat_map(|(_, spec)| &spec.objects);
    let scalers = scalers.filter(|object| object.group() == "autoscaling" && object.kind == "HorizontalPodAutoscaler");
    let target = |object: &Arc<KubeObject>| {
        let field = |name: &str| object.value.pointer(&format!("/spec/scaleTargetRef/{name}"))?.as_str();
        Some((field("kind")?.to_owned(), key(state, object).namespace, field("name")?.to_owned()))
    };
    scalers.filter_map(target).collect()
}

fn left_alone(key: &ObjectKey, scaled: &Scaled) -> Vec<String> {
    let is_scaled = scaled.contains(&(key.kind.clone(), key.namespace.clone(), key.name.clone()));
    is_scaled.then(|| REPLICAS.to_owned()).into_iter().collect()
}

pub(super) fn expected(state: &State, object: &Arc<KubeObject>, scaled: &Scaled) -> ExpectedObject {
    let key = key(state, object);
    ExpectedObject { left_alone: left_alone(&key, scaled), key, declared: Arc::clone(object) }
}

fn applied(
    state: &State,
    object: &Arc<KubeObject>,
    images: &BTreeMap<&ImageKey, Deployed<'_>>,
    scaled: &Scaled,
) -> AppliedObject {
    let ExpectedObject { key, declared, left_alone } = expected(state, object, scaled);
    let injected = |key: &ImageKey| {
        let image = images.get(key)?;
        Some(Injected {
            reference: &image.reference,
            entrypoint: image.declared.and_then(|image| image.entrypoint.as_deref()),
            container_args: image.declared.and_then(|image| image.container_args.as_deref()),
        })
    };
    let value = if images.is_empty() { object.value.clone() } else { object.with_images(injected) };
    AppliedObject { fingerprint: fingerprint(&value), key, declared, value, left_alone }
}

fn fingerprint(value: &Value) -> Digest {
    Digest::of(value.to_string().as_bytes())
}

fn applying(
    state: &State,
    custom: &CustomDeploy,
    (definition, inputs): (Digest, SetDigest),
    images: &BTreeMap<&ImageKey, Deployed<'_>>,
) -> CustomCommand {
    let mut command = command(state, &custom.apply, definition);
    let given = custom.image_deps.iter().enumerate().filter_map(|(place, key)| Some((place, images.get(key)?, key)));
    let mut parts = vec![definition.0.to_vec(), inputs.digest().0.to_vec()];
    for (place, image, key) in given {
        parts.push(image.reference.as_bytes().to_vec());
        command.environment.insert(format!("TILT_IMAGE_{place}"), Some(image.reference.clone()));
        command.environment.insert(format!("TILT_IMAGE_MAP_{place}"), Some(key.to_string()));
    }
    command.fingerprint = Digest::of_parts(parts.iter().map(Vec::as_slice));
    command
}

/// A command of a custom deploy.
pub(super) fn command(state: &State, command: &Command, fingerprint: Digest) -> CustomCommand {
    let environment = state.project.as_ref().map(|project| project.environment.clone()).unwrap_or_default();
    CustomCommand { command: command.clone(), environment, fingerprint, grace: state.mode().stop_grace() }
}

/// What is deleted with its resource: not what the user wants to keep, nor what more would go with than the project made.
pub(super) fn goes_with_its_resource(key: &ObjectKey, object: &ObjectState) -> bool {
    let is_vast = matches!(
        (key.group.as_str(), key.kind.as_str()),
        ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition")
    );
    !is_vast && !object.is_kept
}
