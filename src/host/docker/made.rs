//! As what a container was made, so that it shows when somebody changes it by hand. Pure.
//!
//! Only what can be changed of a container that is there: its name, its networks, its limits.

use bollard::models::{ContainerInspectResponse, HostConfig};
use std::collections::BTreeSet;

/// Networks that the engine itself has: their names say little of what a container is in.
const BUILT_IN: [&str; 4] = ["default", "bridge", "host", "none"];

/// What of a container can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    name: String,
    /// By their names.
    networks: BTreeSet<String>,
    memory: [Option<i64>; 3],
    processor: [Option<i64>; 4],
    cores: Option<String>,
    processes: Option<i64>,
    restart: Option<String>,
}

impl Made {
    /// As it is now.
    pub(super) fn now(found: &ContainerInspectResponse) -> Self {
        let networks = found.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
        let host = found.host_config.as_ref();
        let number = |pick: fn(&HostConfig) -> Option<i64>| host.and_then(pick).filter(|number| *number != 0);
        Self {
            name: found.name.clone().unwrap_or_default().trim_start_matches('/').to_owned(),
            networks: networks.into_iter().flat_map(|networks| networks.keys().cloned()).collect(),
            memory: [number(|it| it.memory), number(|it| it.memory_swap), number(|it| it.memory_reservation)],
            processor: [
                number(|it| it.nano_cpus),
                number(|it| it.cpu_shares),
                number(|it| it.cpu_quota),
                number(|it| it.cpu_period),
            ],
            cores: host.and_then(|host| host.cpuset_cpus.clone()).filter(|cores| !cores.is_empty()),
            processes: number(|it| it.pids_limit),
            restart: host.and_then(|host| Some(host.restart_policy.as_ref()?.name?.to_string())),
        }
    }

    /// As it must have been made that is seen for the first time: in the network that its settings name.
    pub(super) fn at_first_sight(found: &ContainerInspectResponse) -> Self {
        let mut made = Self::now(found);
        let named = found.host_config.as_ref().and_then(|host| host.network_mode.as_deref());
        let is_name = |name: &&str| !name.is_empty() && !name.contains(':') && !BUILT_IN.contains(name);
        made.networks.extend(named.filter(is_name).filter(|name| !is_id(name)).map(str::to_owned));
        made
    }

    /// What was changed since: as in "it is called `y` now".
    pub(super) fn change(&self, now: &Self) -> Option<String> {
        if let Some(network) = self.networks.difference(&now.networks).next() {
            return Some(format!("it is not in the network `{network}` any more"));
        }
        if self.name != now.name {
            return Some(format!("it is called `{}` now", now.name));
        }
        let changes = [
            (self.memory != now.memory, "its memory limit was changed"),
            (self.processor != now.processor || self.cores != now.cores, "its CPU limit was changed"),
            (self.processes != now.processes, "its limit of processes was changed"),
            (self.restart != now.restart, "its restart policy was changed"),
        ];
        changes.into_iter().find(|(changed, _)| *changed).map(|(_, what)| what.to_owned())
    }
}

/// Whether it is a network's id, which is not among the names.
fn is_id(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn found(name: &str, mode: &str, networks: &[&str], memory: Value) -> ContainerInspectResponse {
        let networks: serde_json::Map<_, _> = networks.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        let found = json!({
            "Name": format!("/{name}"), "NetworkSettings": {"Networks": networks},
            "HostConfig": {"NetworkMode": mode, "Memory": memory},
        });
        serde_json::from_value(found).unwrap()
    }

    #[test]
    fn what_was_changed_is_told() {
        let made = Made::now(&found("web", "front", &["front", "back"], json!(0)));
        let change = |name: &str, networks: &[&str], memory: Value| {
            made.change(&Made::now(&found(name, "front", networks, memory)))
        };
        assert_eq!(change("web", &["back", "front", "further"], Value::Null), None);
        assert_eq!(change("web", &["front"], json!(0)).unwrap(), "it is not in the network `back` any more");
        assert_eq!(change("y", &["back", "front"], json!(0)).unwrap(), "it is called `y` now");
        assert_eq!(change("web", &["back", "front"], json!(9)).unwrap(), "its memory limit was changed");
    }

    #[test]
    fn the_network_that_is_named_is_missed_at_first_sight() {
        let change = |found: &ContainerInspectResponse| Made::at_first_sight(found).change(&Made::now(found));
        let missed = change(&found("web", "front", &["back"], Value::Null));
        assert_eq!(missed.unwrap(), "it is not in the network `front` any more");
        for mode in ["front", "default", "bridge", "container:abc", "", &"a1".repeat(32)] {
            assert_eq!(change(&found("web", mode, &["front"], Value::Null)), None, "{mode}");
        }
    }
}
