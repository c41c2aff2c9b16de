//! What decides a service's containers, as one text: when it changes, they are made anew.

use super::config::{Config, SHARED};
use serde_json::{Map, Value};

/// What changes nothing about a container: how its image is made (the image itself counts), when it starts, who develops it.
const WITHOUT_EFFECT: [&str; 5] = ["build", "depends_on", "develop", "profiles", "pull_policy"];

/// The service as JSON with sorted keys, with what it refers to beside it.
pub(super) fn definition(service: &Value, config: &Config) -> String {
    let mut fields = service.as_object().cloned().unwrap_or_default();
    fields.retain(|key, value| !WITHOUT_EFFECT.contains(&key.as_str()) && !value.is_null());
    for section in SHARED {
        let used = referred(service, section);
        let used: Map<_, _> =
            used.into_iter().filter_map(|name| Some((name.clone(), config.shared(section, &name)?.clone()))).collect();
        if !used.is_empty() {
            fields.insert(format!("x-orch-{section}"), Value::Object(used));
        }
    }
    sorted(Value::Object(fields)).to_string()
}

/// The names of a section to which a service refers.
fn referred(service: &Value, section: &str) -> Vec<String> {
    match service.get(section) {
        Some(Value::Object(named)) => named.keys().cloned().collect(),
        Some(Value::Array(entries)) => {
            let source = |entry: &Value| entry.get("source").unwrap_or(entry).as_str().map(str::to_owned);
            entries.iter().filter_map(source).collect()
        }
        _ => Vec::new(),
    }
}

/// The same with sorted keys.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
