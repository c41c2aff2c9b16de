//! What the compose tool prints, taken apart.

use crate::orchfile::Fault;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A compose project with all values resolved.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// By name.
    pub(super) services: BTreeMap<String, Value>,
    /// `networks`, `volumes`, `configs`, `secrets`: what services refer to.
    shared: BTreeMap<String, Map<String, Value>>,
}

/// What services refer to by name.
pub(super) const SHARED: [&str; 4] = ["networks", "volumes", "configs", "secrets"];

/// Reads what the tool printed.
pub(super) fn parse(text: &str) -> Result<Config, Fault> {
    let strange = |reason: String| {
        Fault::new("orchfile::no_compose", format!("what the compose tool printed cannot be read: {reason}"))
            .help("update the compose tool: orch needs version 2.3 or newer")
    };
    let value: Value = serde_json::from_str(text).map_err(|error| strange(error.to_string()))?;
    let Value::Object(mut all) = unescaped(value) else { return Err(strange("it is no object".to_owned())) };
    let mut section = |name: &str| match all.remove(name) {
        Some(Value::Object(section)) => section,
        _ => Map::new(),
    };
    let services = section("services").into_iter().collect();
    let shared = SHARED.iter().map(|name| ((*name).to_owned(), section(name))).collect();
    Ok(Config { services, shared })
}

/// What is printed can be read again as a compose file, where a `$` is written twice.
fn unescaped(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("$$", "$")),
        Value::Array(items) => items.into_iter().map(unescaped).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, unescaped(value))).collect(),
        other => other,
    }
}

impl Config {
    /// What `networks`, `volumes`, … say of a name.
    pub(super) fn shared(&self, section: &str, name: &str) -> Option<&Value> {
        self.shared.get(section)?.get(name)
    }
}

/// The text at `key`, unless it is empty.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// The items of the list at `key`.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The texts of the list at `key`.
pub(super) fn texts(value: &Value, key: &str) -> Vec<String> {
    items(value, key).filter_map(Value::as_str).map(str::to_owned).collect()
}
