//! `depends_on`: which services wait for which, and for what.

use super::config::Config;
use crate::model::Condition;
use serde_json::Value;
use std::collections::BTreeSet;

/// The services that one waits for, sorted by name, each with what is waited for. One that it names and that is not there is
/// optional (`required: false`): the compose tool refuses others.
pub(super) fn of(service: &Value, config: &Config) -> Vec<(String, Condition)> {
    let entries = service.get("depends_on").and_then(Value::as_object).into_iter().flatten();
    let mut all: Vec<_> = entries
        .filter(|(name, _)| config.services.contains_key(*name))
        .map(|(name, entry)| (name.clone(), condition(entry.get("condition").and_then(Value::as_str))))
        .collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

fn condition(named: Option<&str>) -> Condition {
    match named {
        Some("service_healthy") => Condition::Ready,
        Some("service_completed_successfully") => Condition::Succeeded,
        _ => Condition::Started,
    }
}

/// The names of all services, each after those it waits for, else sorted.
pub(super) fn dependencies_first(config: &Config) -> Vec<String> {
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for name in config.services.keys() {
        visit(name, config, &mut seen, &mut order);
    }
    order
}

fn visit(name: &str, config: &Config, seen: &mut BTreeSet<String>, order: &mut Vec<String>) {
    let Some(service) = config.services.get(name).filter(|_| seen.insert(name.to_owned())) else { return };
    for (dependency, _) in of(service, config) {
        visit(&dependency, config, seen, order);
    }
    order.push(name.to_owned());
}
