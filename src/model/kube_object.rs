//! Objects of Kubernetes as the Orchfile gives them, and how images get into them.

use super::{ContainerImage, ImageKey, Location};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// An object as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeObject {
    /// Group and version, such as `apps/v1`.
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Empty where the server makes the name of `generateName`.
    pub name: String,
    /// As written; `None` is that of the context, or none where the kind has none.
    pub namespace: Option<String>,
    /// All of it.
    pub value: Value,
    /// Where it names images, in the order in which they stand.
    pub images: Vec<ImagePlace>,
    /// The file and line where it begins, or the call that gave the text; no part of what it is.
    pub declared_at: Option<Location>,
}

/// A place in an object where an image is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePlace {
    /// Leads there, as a JSON pointer (RFC 6901).
    pub at: String,
    /// What is there.
    pub form: ImageForm,
    /// What it names; what the project builds is put there instead.
    pub image: ContainerImage,
}

/// How an object names an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageForm {
    /// By the field `image` of a container.
    Container,
    /// By a string.
    Text,
    /// By the fields of an object.
    Fields {
        /// The one with the repository.
        repository: String,
        /// The one with the tag.
        tag: String,
    },
}

/// What is put in the place of an image's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Injected<'a> {
    /// As the cluster calls it, with its tag.
    pub reference: &'a str,
    /// Replaces the `command` of containers, and takes their `args` away.
    pub entrypoint: Option<&'a [String]>,
    /// Replaces the `args` of containers.
    pub container_args: Option<&'a [String]>,
}

impl KubeObject {
    /// The group of its kind; that of the oldest kinds is empty.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// What messages call it: `Deployment web`.
    #[must_use]
    pub fn title(&self) -> String {
        if self.name.is_empty() { format!("{} {}*", self.kind, self.generate_name()) } else { self.kind_and_name() }
    }

    fn kind_and_name(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// What the server makes its name of, where it has none.
    #[must_use]
    pub fn generate_name(&self) -> &str {
        self.value.pointer("/metadata/generateName").and_then(Value::as_str).unwrap_or_default()
    }

    /// The object as it is applied in a resource that has images of the project: `injected` gives what stands for one of them.
    /// Its containers take images that the node has, since the tag of an image is of its content, and pods of a stateful set need
    /// not wait for each other. Where an image is missing, the place stays as it is.
    #[must_use]
    pub fn with_images<'a>(&self, injected: impl Fn(&ImageKey) -> Option<Injected<'a>>) -> Value {
        let mut value = self.value.clone();
        for place in &self.images {
            let Some(target) = value.pointer_mut(&place.at) else { continue };
            if let (ImageForm::Container, Some(container)) = (&place.form, target.as_object_mut()) {
                container.insert("imagePullPolicy".to_owned(), json!("IfNotPresent"));
            }
            let ContainerImage::Built(key) = &place.image else { continue };
            if let Some(injected) = injected(key) {
                place.form.put(target, injected);
            }
        }
        if self.kind == "StatefulSet"
            && self.group() == "apps"
            && let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut)
        {
            spec.insert("podManagementPolicy".to_owned(), json!("Parallel"));
        }
        value
    }
}

impl ImageForm {
    fn put(&self, target: &mut Value, injected: Injected<'_>) {
        match (self, target) {
            (Self::Container, Value::Object(container)) => put_into_container(container, injected),
            (Self::Fields { repository, tag }, Value::Object(fields)) => {
                let (name, version) = split(injected.reference);
                fields.insert(repository.clone(), json!(name));
                fields.insert(tag.clone(), json!(version));
            }
            (Self::Text, target) => *target = json!(injected.reference),
            (Self::Container | Self::Fields { .. }, _) => {}
        }
    }
}

fn put_into_container(container: &mut Map<String, Value>, injected: Injected<'_>) {
    container.insert("image".to_owned(), json!(injected.reference));
    if let Some(entrypoint) = injected.entrypoint {
        container.insert("command".to_owned(), json!(entrypoint));
        container.remove("args");
    }
    if let Some(args) = injected.container_args {
        container.insert("args".to_owned(), json!(args));
    }
}

/// Repository and tag of a reference.
fn split(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn object(value: Value, images: Vec<ImagePlace>) -> KubeObject {
        let (api_version, kind) = ("apps/v1".to_owned(), "StatefulSet".to_owned());
        KubeObject { api_version, kind, name: "a".to_owned(), namespace: None, value, images, declared_at: None }
    }

    fn place(at: &str, form: ImageForm, image: &str) -> ImagePlace {
        ImagePlace { at: at.to_owned(), form, image: ContainerImage::Built(ImageKey(Arc::from(image))) }
    }

    #[test]
    fn images_get_into_every_form_of_place() {
        let value = json!({"spec": {
            "containers": [{"image": "web", "args": ["-x"]}, {"image": "nginx", "imagePullPolicy": "Always"}],
            "text": "web",
            "image": {"repository": "web", "tag": "1", "other": true},
        }});
        let fields = ImageForm::Fields { repository: "repository".to_owned(), tag: "tag".to_owned() };
        let mut images = vec![
            place("/spec/containers/0", ImageForm::Container, "web"),
            place("/spec/containers/1", ImageForm::Container, "nginx"),
            place("/spec/text", ImageForm::Text, "web"),
            place("/spec/image", fields, "web"),
            place("/spec/nowhere", ImageForm::Text, "web"),
        ];
        images[1].image = ContainerImage::Pulled("nginx".to_owned());
        let entrypoint = ["run".to_owned()];
        let injected =
            Injected { reference: "localhost:5005/web:orch-1", entrypoint: Some(&entrypoint), container_args: None };
        let given = object(value, images).with_images(|key| (key.as_str() == "web").then_some(injected));
        assert_eq!(
            given,
            json!({"spec": {
                "podManagementPolicy": "Parallel",
                "containers": [
                    {"image": "localhost:5005/web:orch-1", "imagePullPolicy": "IfNotPresent", "command": ["run"]},
                    {"image": "nginx", "imagePullPolicy": "IfNotPresent"},
                ],
                "text": "localhost:5005/web:orch-1",
                "image": {"repository": "localhost:5005/web", "tag": "orch-1", "other": true},
            }})
        );
    }

    #[test]
    fn a_registry_with_a_port_is_no_tag() {
        assert_eq!(split("localhost:5005/web"), ("localhost:5005/web", ""));
    }
}
