//! Where objects name images: in containers of the kinds that everybody knows, at the paths of `k8s_kind`, and in environment
//! variables that have the name of an image.

use super::{
    json_path::{JsonPath, below},
    selector::ObjectSelector,
};
use crate::model::{ContainerImage, ImageForm, ImageLocator, ImagePlace, ImageRef, KubeObject, PodReadiness};
use serde_json::Value;

/// What was said of a kind of objects: each of them is a resource.
#[derive(Debug)]
pub(crate) struct KnownKind {
    /// Which objects.
    pub(crate) selector: ObjectSelector,
    /// Where they name images.
    pub(crate) locators: Vec<(ImageLocator, JsonPath)>,
    /// When they are ready.
    pub(crate) readiness: Option<PodReadiness>,
    /// The call that said it.
    pub(crate) site: Option<crate::orchfile::text::Site>,
}

/// What is wrong with a place at which an image was looked for.
pub(crate) struct Unfit {
    /// The place, as a JSON pointer.
    pub(crate) at: String,
    /// What is wrong, behind the place.
    pub(crate) reason: String,
    /// Which of the known kinds led there.
    pub(crate) by: Option<usize>,
}

/// The places at which an object names images.
///
/// # Errors
/// A place where no image can be named.
pub(crate) fn places(
    object: &KubeObject,
    kinds: &[KnownKind],
    is_in_environment: impl Fn(&ImageRef) -> bool,
) -> Result<Vec<ImagePlace>, Unfit> {
    let mut places = Vec::new();
    let pods = pod_specs(object);
    for pod in &pods {
        for container in containers(&object.value, pod) {
            let image = object.value.pointer(&below(&container, "image")).and_then(Value::as_str);
            let Some(image) = image else { continue };
            check(image).map_err(|reason| Unfit { at: below(&container, "image"), reason, by: None })?;
            places.push(place(container, ImageForm::Container, image));
        }
        places.extend(image_volumes(&object.value, pod));
    }
    for (by, kind) in kinds.iter().enumerate().filter(|(_, kind)| kind.selector.matches(object)) {
        for (locator, path) in &kind.locators {
            located(object, locator, path, &mut places).map_err(|unfit| Unfit { by: Some(by), ..unfit })?;
        }
    }
    for pod in &pods {
        places.extend(variables(&object.value, pod, &is_in_environment));
    }
    Ok(places)
}

fn place(at: String, form: ImageForm, image: &str) -> ImagePlace {
    ImagePlace { at, form, image: ContainerImage::Pulled(image.to_owned()) }
}

fn check(image: &str) -> Result<(), String> {
    ImageRef::parse(image).map(drop).map_err(|invalid| format!("`{image}` cannot be the name of an image: {invalid}"))
}

/// Pointers to the specs of pods in an object of a kind that has some.
pub(crate) fn pod_specs(object: &KubeObject) -> Vec<String> {
    let path = match (object.group(), object.kind.as_str()) {
        ("", "Pod") => "/spec",
        ("", "PodTemplate") => "/template/spec",
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job") => "/spec/template/spec",
        ("batch", "CronJob") => "/spec/jobTemplate/spec/template/spec",
        _ => return Vec::new(),
    };
    Some(path.to_owned()).filter(|path| object.value.pointer(path).is_some()).into_iter().collect()
}

/// The labels that pods of an object get; `None` where it makes none, or is a pod itself.
pub(crate) fn pod_labels(object: &KubeObject) -> Option<&serde_json::Map<String, Value>> {
    let spec = pod_specs(object).pop().filter(|_| object.kind != "Pod")?;
    let holder = spec.strip_suffix("/spec")?;
    object.value.pointer(&format!("{holder}/metadata/labels"))?.as_object()
}

fn containers(value: &Value, pod: &str) -> Vec<String> {
    let lists = ["initContainers", "containers"].map(|list| below(pod, list));
    lists.iter().flat_map(|list| items(value, list)).collect()
}

/// Pointers to the items of the list at a pointer.
fn items(value: &Value, list: &str) -> Vec<String> {
    let count = value.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
    (0..count).map(|place| below(list, &place.to_string())).collect()
}

fn image_volumes(value: &Value, pod: &str) -> Vec<ImagePlace> {
    let reference = |volume: String| {
        let at = format!("{volume}/image/reference");
        let image = value.pointer(&at)?.as_str().filter(|image| ImageRef::parse(image).is_ok())?;
        Some(place(at, ImageForm::Text, image))
    };
    items(value, &below(pod, "volumes")).into_iter().filter_map(reference).collect()
}

fn variables(value: &Value, pod: &str, is_meant: &impl Fn(&ImageRef) -> bool) -> Vec<ImagePlace> {
    let variable = |variable: String| {
        let at = below(&variable, "value");
        let text = value.pointer(&at)?.as_str()?;
        let is_meant = ImageRef::parse(text).is_ok_and(|reference| is_meant(&reference));
        is_meant.then(|| place(at.clone(), ImageForm::Text, text))
    };
    let containers = containers(value, pod).into_iter();
    containers.flat_map(|container| items(value, &below(&container, "env"))).filter_map(variable).collect()
}

fn located(
    object: &KubeObject,
    locator: &ImageLocator,
    path: &JsonPath,
    places: &mut Vec<ImagePlace>,
) -> Result<(), Unfit> {
    for (at, value) in path.find(&object.value) {
        let (form, image) = match &locator.fields {
            None => (ImageForm::Text, value.as_str().map(str::to_owned)),
            Some((repository, tag)) => {
                let field = |name: &str| value.get(name).and_then(Value::as_str);
                let image = field(repository).map(|name| match field(tag).filter(|tag| !tag.is_empty()) {
                    Some(tag) => format!("{name}:{tag}"),
                    None => name.to_owned(),
                });
                (ImageForm::Fields { repository: repository.clone(), tag: tag.clone() }, image)
            }
        };
        let unfit = |reason: String| Unfit { at: at.clone(), reason, by: None };
        let image = image.ok_or_else(|| unfit(not_there(value, locator)))?;
        check(&image).map_err(unfit)?;
        if !places.iter().any(|known| known.at == at) {
            places.push(place(at, form, &image));
        }
    }
    Ok(())
}

fn not_there(value: &Value, locator: &ImageLocator) -> String {
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    match &locator.fields {
        None => format!("`{}` must lead to a string, and there is {given}", locator.path),
        Some((field, _)) => {
            format!("`{}` must lead to an object with the field `{field}`, and there is {given}", locator.path)
        }
    }
}
