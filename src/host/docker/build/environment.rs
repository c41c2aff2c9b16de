//! The environment of a build: orch's own, and what the project sets on top of it.

use std::{collections::BTreeMap, env};

/// Variables as commands of the project see them.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    overlay: BTreeMap<String, Option<String>>,
}

impl Environment {
    pub(super) fn new(overlay: &BTreeMap<String, Option<String>>) -> Self {
        Self { overlay: overlay.clone() }
    }

    pub(super) fn get(&self, name: &str) -> Option<String> {
        match self.overlay.get(name) {
            Some(value) => value.clone(),
            None => env::var(name).ok(),
        }
    }

    /// The build arguments, those without a value taken from here.
    pub(super) fn resolve(&self, arguments: &BTreeMap<String, Option<String>>) -> BTreeMap<String, Option<String>> {
        let value = |name: &str, value: &Option<String>| value.clone().or_else(|| self.get(name));
        arguments.iter().map(|(name, given)| (name.clone(), value(name, given))).collect()
    }
}
