//! API objects as `v1alpha1.*` registered them.

use crate::orchfile::text::Site;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// What the loader marks what it registered itself with.
const MANAGED_BY: &str = "tilt.dev/managed-by";
const LOADER: &str = "tiltfile.loader";

/// An object.
#[derive(Debug, Clone)]
pub(crate) struct ApiObject {
    /// As the API calls many of it: `cmds`.
    pub(crate) kind: &'static str,
    /// The only one of its kind.
    pub(crate) name: String,
    /// The call that registered it.
    pub(crate) site: Option<Site>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    /// Its fields, as the API calls them.
    pub(crate) body: Map<String, Json>,
}

impl ApiObject {
    /// An object that the loader needs, and nobody registered.
    pub(crate) fn of_loader(kind: &'static str, name: &str, body: Json) -> Self {
        let body = if let Json::Object(body) = body { body } else { Map::new() };
        let (site, labels, annotations) = (None, BTreeMap::new(), BTreeMap::new());
        let mut object = Self { kind, name: name.to_owned(), site, labels, annotations, body };
        object.is_loaded();
        object
    }

    /// A `load` uses it: it is not run besides.
    pub(crate) fn is_loaded(&mut self) {
        self.annotations.insert(MANAGED_BY.to_owned(), LOADER.to_owned());
    }

    /// Whether a `load` uses it.
    pub(crate) fn was_loaded(&self) -> bool {
        self.annotations.get(MANAGED_BY).is_some_and(|by| by == LOADER)
    }

    /// Whether it says the same as another of its name.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.body == other.body && self.labels == other.labels && self.annotations == other.annotations
    }

    /// A text of its body; may be empty.
    pub(crate) fn text(&self, field: &str) -> &str {
        self.body.get(field).and_then(Json::as_str).unwrap_or_default()
    }

    fn json(&self) -> Json {
        let mut object = Map::new();
        for (name, texts) in [("labels", &self.labels), ("annotations", &self.annotations)] {
            if !texts.is_empty() {
                object.insert(name.to_owned(), json!(texts));
            }
        }
        let body = if self.kind == "configmaps" { self.body.get("data") } else { None };
        match (self.kind, body) {
            ("configmaps", data) => object.extend(data.map(|data| ("data".to_owned(), data.clone()))),
            _ => object.extend([("spec".to_owned(), Json::Object(self.body.clone()))]),
        }
        Json::Object(object)
    }
}

/// All objects, as `orch eval` shows them: by kind and name.
pub(crate) fn shown(objects: &[ApiObject]) -> Json {
    let mut kinds = Map::new();
    for object in objects {
        let kind = kinds.entry(object.kind).or_insert_with(|| json!({}));
        kind[&object.name] = object.json();
    }
    Json::Object(kinds)
}
