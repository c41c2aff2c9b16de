//! Kubernetes resources, as `orch eval` prints them.

use super::{Fields, Shown};
use crate::{
    model::{Discovery, ImageKey, ImageLocator, KubeObject, KubeSettings, KubeSpec, PodReadiness, PortForward},
    orchfile::builtins::duration_text,
};
use serde_json::{Value, json};

impl Shown<'_> {
    /// Adds what a Kubernetes resource has beside what every resource has.
    pub(super) fn kube(&self, kube: &KubeSpec, out: &mut Fields) {
        let custom = kube.custom.as_ref();
        let settings = &self.project.kube;
        let mut fields = Fields::default();
        fields.fill("objects", kube.objects.iter().map(|object| object_name(object)).collect());
        fields.fill("containers", json!(containers(kube)));
        fields.fill("port_forwards", kube.port_forwards.iter().map(port_forward).collect());
        fields.put("pod_readiness", json!(readiness(kube.pod_readiness)));
        fields.fill("extra_pod_selectors", json!(kube.extra_pod_selectors));
        fields.fill("discovery_strategy", json!(kube.discovery.map(discovery)));
        fields.fill("image_locators", kube.image_locators.iter().map(locator).collect());
        fields.fill("apply_cmd", self.command(custom.map(|custom| &custom.apply)));
        fields.fill("delete_cmd", self.command(custom.map(|custom| &custom.delete)));
        if settings.upsert_timeout != KubeSettings::default().upsert_timeout {
            fields.put("timeout", json!(duration_text(settings.upsert_timeout)));
        }
        let applies = self.project.settings.accepted.get("k8s_server_side_apply");
        fields.fill("server_side_apply", json!(applies.is_some_and(|word| word == "true")));
        out.put("kubernetes", fields.done());
        out.fill("images", json!(kube.images));
        let targets = self.kube_targets(kube);
        if targets.len() != kube.images.len() {
            out.put("image_targets", json!(targets));
        }
    }

    /// The images that it uses, each behind those that it is made of, then those into whose containers files are only copied.
    fn kube_targets<'s>(&'s self, kube: &'s KubeSpec) -> Vec<&'s ImageKey> {
        let mut targets: Vec<&ImageKey> = Vec::new();
        for key in &kube.images {
            for needed in self.targets(key) {
                if !targets.contains(&needed) {
                    targets.push(needed);
                }
            }
        }
        let synced = self.project.kube.synced_images.iter().map(|image| &image.key);
        targets.extend(synced.filter(|key| kube.synced.contains(key)));
        targets
    }
}

fn object_name(object: &KubeObject) -> Value {
    let name = if object.name.is_empty() { format!("{}*", object.generate_name()) } else { object.name.clone() };
    let namespace = object.namespace.as_ref().map(|namespace| format!("@{namespace}")).unwrap_or_default();
    json!(format!("{}/{name}{namespace}", object.kind))
}

/// Every string at a key `image`, with the keys in order.
fn containers(kube: &KubeSpec) -> Vec<&str> {
    let mut found = Vec::new();
    kube.objects.iter().for_each(|object| find_images(&object.value, &mut found));
    found
}

fn find_images<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "image" => found.push(text),
                    value => find_images(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find_images(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn port_forward(forward: &PortForward) -> Value {
    let given = |port: u16| Some(port).filter(|port| *port != 0);
    let mut out = Fields::default();
    out.put("local_port", json!(forward.local_port));
    out.fill("container_port", json!(given(forward.container_port)));
    out.fill("host", json!(forward.host.as_ref().filter(|host| *host != "localhost")));
    out.fill("name", json!(forward.name));
    out.fill("link_path", json!(forward.link_path));
    out.done()
}

/// The regular expressions as Tilt compiles them.
fn locator(locator: &ImageLocator) -> Value {
    let insensitive = |text: &str| if text.is_empty() { String::new() } else { format!("(?i){text}") };
    let mut out = Fields::default();
    out.fill("kind", json!(insensitive(&locator.kind)));
    out.fill("name", json!(insensitive(&locator.name)));
    out.fill("namespace", json!(insensitive(&locator.namespace)));
    out.fill("api_version", json!(insensitive(&locator.api_version)));
    out.put("path", json!(locator.path));
    if let Some((repository, tag)) = &locator.fields {
        out.put("object", json!({ "repo_field": repository, "tag_field": tag }));
    }
    out.done()
}

fn readiness(readiness: PodReadiness) -> &'static str {
    match readiness {
        PodReadiness::Ignore => "ignore",
        PodReadiness::Wait => "wait",
        PodReadiness::Succeeded => "succeeded",
    }
}

fn discovery(discovery: Discovery) -> &'static str {
    match discovery {
        Discovery::Default => "default",
        Discovery::SelectorsOnly => "selectors-only",
    }
}
