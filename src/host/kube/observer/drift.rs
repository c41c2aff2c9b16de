//! What somebody changed of what was applied. The server notes who set each field (`metadata.managedFields`): a field of ours that
//! somebody else sets becomes theirs, and one that somebody removes is nobody's.

use crate::model::KubeObject;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The name under which orch applies.
pub const FIELD_MANAGER: &str = "orch";
/// The name under which orch sets what is no part of what it applies.
pub const RESTART_MANAGER: &str = "orch-restart";

/// Controllers that set fields because that is what they are for.
pub(super) const CONTROLLERS: [&str; 13] = [
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "cloud-controller-manager",
    "cluster-autoscaler",
    "vpa-admission-controller",
    "vpa-updater",
    "keda-operator",
    "cert-manager-cainjector",
    "argo-rollouts",
    "flagger",
    RESTART_MANAGER,
    super::deployed::MARKS_MANAGER,
];
/// Values are shown up to this many characters.
const SHOWN_CHARS_MAX: usize = 40;

/// Who set which fields of an object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    ours: Value,
    others: Vec<Value>,
}

/// Which field: names, and indices of what was declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(Vec<String>);

impl Fields {
    /// Those of an object.
    #[must_use]
    pub fn of(metadata: &ObjectMeta) -> Self {
        let mut fields = Self::default();
        for entry in metadata.managed_fields.iter().flatten() {
            let Some(tree) = entry.fields_v1.as_ref().map(|fields| &fields.0) else { continue };
            let (manager, operation) = (entry.manager.as_deref(), entry.operation.as_deref());
            let is_status = entry.subresource.as_deref().is_some_and(|subresource| subresource != "scale");
            if manager == Some(FIELD_MANAGER) && operation == Some("Apply") && entry.subresource.is_none() {
                fields.ours = tree.clone();
            } else if !is_status && !manager.is_some_and(|manager| CONTROLLERS.contains(&manager)) {
                fields.others.push(tree.clone());
            }
        }
        fields
    }

    /// The declared fields that somebody else took, the first of them.
    #[must_use]
    pub fn taken(&self, declared: &Value, left_alone: &[String]) -> Option<FieldPath> {
        let mut found = BTreeSet::new();
        for other in &self.others {
            taken(other, declared, Some(&self.ours), &mut Vec::new(), &mut found);
        }
        found.into_iter().find(|path| !path.is_below(left_alone))
    }

    /// The declared fields that are nobody's of orch: removed since, or dropped by the server.
    #[must_use]
    pub fn missing(&self, declared: &Value, left_alone: &[String]) -> BTreeSet<FieldPath> {
        let mut found = BTreeSet::new();
        missing(&self.ours, declared, &mut Vec::new(), &mut found);
        // Whoever may have such a field takes it from orch by changing it.
        found.retain(|path| !path.is_below(left_alone));
        found
    }
}

impl FieldPath {
    /// As a JSON pointer.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.0.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
    }

    fn is_below(&self, pointers: &[String]) -> bool {
        let own = self.pointer();
        pointers.iter().any(|above| own == *above || own.starts_with(&format!("{above}/")))
    }

    /// Whether every object that has such a field keeps it as it was sent.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let parts: Vec<&str> = self.0.iter().map(String::as_str).collect();
        matches!(parts.as_slice(), ["metadata", "labels" | "annotations", _] | ["data", _] | ["spec", "replicas"])
    }

    /// What became of it, in the user's words.
    #[must_use]
    pub fn told(&self, declared: &KubeObject, wanted: &Value, live: &Value) -> String {
        let shown = self.0.join(".");
        let pointer = self.pointer();
        let is_image = declared.images.iter().any(|place| pointer.starts_with(&place.at));
        if declared.kind == "Secret" {
            return format!("{shown} was changed");
        }
        match (self.live(wanted, live), wanted.pointer(&pointer)) {
            (None, _) => format!("{shown} is gone"),
            (Some(now), Some(before)) if !is_image && is_scalar(now) && is_scalar(before) && now != before => {
                format!("{shown} is {}, not {}", text(now), text(before))
            }
            (Some(now), _) if is_scalar(now) => format!("{shown} is {}", text(now)),
            (Some(_), _) => format!("{shown} was changed"),
        }
    }

    /// The value in the live object: items of lists are found by their names there.
    fn live<'a>(&self, wanted: &Value, live: &'a Value) -> Option<&'a Value> {
        let (mut wanted, mut live) = (wanted, live);
        for part in &self.0 {
            if let (Value::Array(items), Value::Array(there)) = (wanted, live) {
                let item = items.get(part.parse::<usize>().ok()?)?;
                let name =
                    ["name", "containerPort", "port", "mountPath"].iter().find_map(|key| Some((*key, item.get(key)?)));
                live = match name {
                    Some((key, name)) => there.iter().find(|other| other.get(key) == Some(name))?,
                    None => there.iter().find(|other| *other == item)?,
                };
                wanted = item;
            } else {
                wanted = wanted.get(part).unwrap_or(&Value::Null);
                live = live.get(part)?;
            }
        }
        Some(live)
    }
}

/// Collects the leaves of `other` that are declared and not `ours`.
fn taken(other: &Value, declared: &Value, ours: Option<&Value>, at: &mut Vec<String>, found: &mut BTreeSet<FieldPath>) {
    for (key, below) in other.as_object().into_iter().flatten() {
        let Some((part, child)) = step(key, declared) else { continue };
        let own = ours.and_then(|ours| ours.get(key));
        at.push(part);
        if is_leaf(below) {
            if own.is_none() {
                found.insert(FieldPath(at.clone()));
            }
        } else {
            taken(below, child, own, at, found);
        }
        at.pop();
    }
}

/// Collects the declared fields that `ours` has not.
fn missing(ours: &Value, declared: &Value, at: &mut Vec<String>, found: &mut BTreeSet<FieldPath>) {
    let Some(tree) = ours.as_object().filter(|tree| !tree.is_empty()) else { return };
    match declared {
        Value::Object(fields) => {
            for (name, child) in fields {
                if child.is_null() || is_nameless(at, name) {
                    continue;
                }
                at.push(name.clone());
                match tree.get(&format!("f:{name}")) {
                    Some(below) => missing(below, child, at, found),
                    None => drop(found.insert(FieldPath(at.clone()))),
                }
                at.pop();
            }
        }
        Value::Array(items) if tree.keys().any(|key| key.starts_with("k:")) => {
            for (index, item) in items.iter().enumerate() {
                at.push(index.to_string());
                match tree.iter().find(|(key, _)| is_key_of(key, item)) {
                    Some((_, below)) => missing(below, item, at, found),
                    None => drop(found.insert(FieldPath(at.clone()))),
                }
                at.pop();
            }
        }
        _ => {}
    }
}

/// What an object is called is nobody's field.
fn is_nameless(at: &[String], name: &str) -> bool {
    match at {
        [] => matches!(name, "apiVersion" | "kind" | "status"),
        [metadata] if metadata == "metadata" => !matches!(name, "labels" | "annotations" | "finalizers"),
        _ => false,
    }
}

/// Where a key of managed fields leads in what was declared.
fn step<'a>(key: &str, declared: &'a Value) -> Option<(String, &'a Value)> {
    if let Some(name) = key.strip_prefix("f:") {
        return declared.get(name).filter(|child| !child.is_null()).map(|child| (name.to_owned(), child));
    }
    let items = declared.as_array()?;
    let index = if key.starts_with("k:") {
        items.iter().position(|item| is_key_of(key, item))?
    } else {
        let value: Value = serde_json::from_str(key.strip_prefix("v:")?).ok()?;
        items.iter().position(|item| *item == value)?
    };
    Some((index.to_string(), items.get(index)?))
}

/// Whether `k:{"name":"web"}` is about this item. A port that names no protocol is one of TCP.
fn is_key_of(key: &str, item: &Value) -> bool {
    let Some(Ok(keys)) = key.strip_prefix("k:").map(serde_json::from_str::<Map<String, Value>>) else { return false };
    keys.iter().all(|(name, value)| match item.get(name) {
        Some(own) => own == value,
        None => name == "protocol" && value == "TCP",
    })
}

fn is_leaf(tree: &Value) -> bool {
    tree.as_object().is_none_or(Map::is_empty)
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() > SHOWN_CHARS_MAX || text.contains('\n') {
        let start: String = text.lines().next().unwrap_or_default().chars().take(SHOWN_CHARS_MAX).collect();
        return format!("`{start}…`");
    }
    if text.is_empty() { "empty".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(ours: Value, others: Vec<Value>) -> Fields {
        Fields { ours, others }
    }

    fn declared() -> Value {
        json!({
            "metadata": {"name": "a", "labels": {"x": "1"}},
            "spec": {"replicas": 1, "ports": [{"containerPort": 80}], "list": [{"name": "n", "image": "i"}]},
        })
    }

    fn ours() -> Value {
        json!({
            "f:metadata": {"f:labels": {"f:x": {}}},
            "f:spec": {
                "f:replicas": {},
                "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
                "f:list": {"k:{\"name\":\"n\"}": {".": {}, "f:name": {}, "f:image": {}}},
            },
        })
    }

    fn without(mut tree: Value, at: &str, name: &str) -> Value {
        tree.pointer_mut(at).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        tree
    }

    #[test]
    fn what_somebody_else_took_is_found() {
        let theirs = json!({"f:spec": {"f:replicas": {}, "f:other": {}}});
        let shared = fields(ours(), vec![theirs.clone()]);
        assert_eq!(shared.taken(&declared(), &[]), None, "both say the same");
        let taken = fields(without(ours(), "/f:spec", "f:replicas"), vec![theirs]);
        let path = taken.taken(&declared(), &[]).unwrap();
        assert_eq!(path.pointer(), "/spec/replicas");
        assert_eq!(taken.taken(&declared(), &["/spec/replicas".to_owned()]), None);
    }

    #[test]
    fn items_of_lists_are_known_by_their_keys() {
        let theirs = json!({"f:spec": {"f:list": {"k:{\"name\":\"n\"}": {"f:image": {}}, "k:{\"name\":\"m\"}": {"f:image": {}}}}});
        let ours = without(ours(), "/f:spec/f:list/k:{\"name\":\"n\"}", "f:image");
        let path = fields(ours, vec![theirs]).taken(&declared(), &[]).unwrap();
        assert_eq!(path.pointer(), "/spec/list/0/image");
        let live = json!({"spec": {"list": [{"name": "m", "image": "no"}, {"name": "n", "image": "yes"}]}});
        assert_eq!(path.live(&declared(), &live), Some(&json!("yes")));
    }

    #[test]
    fn what_somebody_removed_is_found() {
        assert_eq!(fields(ours(), Vec::new()).missing(&declared(), &[]), BTreeSet::new());
        let fields = fields(without(ours(), "/f:metadata/f:labels", "f:x"), Vec::new());
        // Nothing is left of the labels: that is how the server would have it.
        assert_eq!(fields.missing(&declared(), &[]), BTreeSet::new());
        let mut more = declared();
        more["metadata"]["labels"]["y"] = json!("2");
        let found = Fields { ours: ours(), others: Vec::new() }.missing(&more, &[]);
        let found: Vec<String> = found.iter().map(FieldPath::pointer).collect();
        assert_eq!(found, ["/metadata/labels/y"]);
        let ours = Fields { ours: ours(), others: Vec::new() };
        assert_eq!(ours.missing(&more, &["/metadata/labels".to_owned()]), BTreeSet::new());
    }
}
