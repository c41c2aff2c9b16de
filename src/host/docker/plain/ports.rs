//! The ports of this machine that a container gets. A free one is chosen here, not by the engine, and kept: the engine chooses another
//! one at each start.

use crate::{host::docker::taken::Wanted, model::Port};
use bollard::models::{ContainerInspectResponse, PortBinding, PortMap};
use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
};

/// The address where nothing else is said.
const LOOPBACK: &str = "127.0.0.1";

/// Ports as they are to be bound.
#[derive(Debug)]
pub(super) struct Chosen {
    ports: Vec<Binding>,
    /// Whether the engine is on this machine, so that what is free here is free there.
    is_here: bool,
}

#[derive(Debug)]
struct Binding {
    wanted: Port,
    /// `None` leaves it to the engine.
    host_port: Option<u16>,
}

impl Chosen {
    /// Those that are wanted; what is free to choose is what the container had before, where it had one.
    pub(super) fn of(wanted: &[Port], before: &[ContainerInspectResponse], is_here: bool) -> Self {
        let mut taken: BTreeSet<u16> = wanted.iter().filter_map(|port| port.host_port).collect();
        let ports = wanted.iter().map(|port| {
            let host_port = port.host_port.or_else(|| had(before, port, &taken));
            taken.extend(host_port);
            Binding { wanted: port.clone(), host_port }
        });
        let mut chosen = Self { ports: ports.collect(), is_here };
        chosen.choose(|binding| binding.host_port.is_none());
        chosen
    }

    /// Those that nobody chooses here.
    pub(super) fn fixed(&self) -> Vec<Wanted> {
        let fixed = self.ports.iter().filter_map(|binding| {
            let address = binding.wanted.host_ip.as_deref().unwrap_or(LOOPBACK).parse().ok()?;
            Some(Wanted { address, port: binding.wanted.host_port?, protocol: binding.wanted.protocol.clone() })
        });
        fixed.collect()
    }

    /// Whether the port was free to choose.
    pub(super) fn is_chosen(&self, port: u16) -> bool {
        self.ports.iter().any(|binding| binding.wanted.host_port.is_none() && binding.host_port == Some(port))
    }

    /// Chooses others: one of them was taken.
    pub(super) fn choose_again(&mut self) {
        self.choose(|binding| binding.wanted.host_port.is_none());
    }

    fn choose(&mut self, which: impl Fn(&Binding) -> bool) {
        // Held until all are chosen, so that no two are one.
        let mut held = Vec::new();
        for binding in self.ports.iter_mut().filter(|binding| which(binding)) {
            binding.host_port = if self.is_here { free(&binding.wanted.protocol, &mut held) } else { None };
        }
    }

    /// As the engine takes them.
    pub(super) fn bindings(&self) -> PortMap {
        let mut bindings = PortMap::new();
        for binding in &self.ports {
            let inside = format!("{}/{}", binding.wanted.container_port, binding.wanted.protocol);
            let outside = PortBinding {
                host_ip: Some(binding.wanted.host_ip.clone().unwrap_or_else(|| LOOPBACK.to_owned())),
                host_port: Some(binding.host_port.map(|port| port.to_string()).unwrap_or_default()),
            };
            bindings.entry(inside).or_default().get_or_insert_default().push(outside);
        }
        bindings
    }
}

/// The port that a container before it had for this, unless it is for another one.
fn had(before: &[ContainerInspectResponse], port: &Port, taken: &BTreeSet<u16>) -> Option<u16> {
    let inside = format!("{}/{}", port.container_port, port.protocol);
    let bindings =
        before.iter().filter_map(|one| one.host_config.as_ref()?.port_bindings.as_ref()?.get(&inside)?.as_ref());
    let address = port.host_ip.as_deref().unwrap_or(LOOPBACK);
    let same = bindings.flatten().filter(|binding| binding.host_ip.as_deref() == Some(address));
    let mut ports = same.filter_map(|binding| binding.host_port.as_ref()?.parse().ok());
    ports.find(|port| !taken.contains(port))
}

/// A port that is free now.
fn free(protocol: &str, held: &mut Vec<Box<dyn Send>>) -> Option<u16> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let address = match protocol {
        "tcp" => {
            let listener = TcpListener::bind(any).ok()?;
            let address = listener.local_addr().ok()?;
            held.push(Box::new(listener));
            address
        }
        "udp" => {
            let socket = UdpSocket::bind(any).ok()?;
            let address = socket.local_addr().ok()?;
            held.push(Box::new(socket));
            address
        }
        _ => return None,
    };
    Some(address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn port(host_port: Option<u16>, container_port: u16) -> Port {
        Port { host_ip: None, host_port, container_port, protocol: "tcp".to_owned() }
    }

    #[test]
    fn free_ports_are_chosen_once_and_kept() {
        let wanted = [port(None, 80), port(None, 81), port(Some(9), 82)];
        let chosen = Chosen::of(&wanted, &[], true);
        let bindings = chosen.bindings();
        let first = bindings["80/tcp"].as_ref().unwrap()[0].host_port.clone().unwrap();
        assert_ne!(Some(&first), bindings["81/tcp"].as_ref().unwrap()[0].host_port.as_ref());
        assert!(chosen.is_chosen(first.parse().unwrap()) && !chosen.is_chosen(9));
        let before = json!({"HostConfig": {"PortBindings": bindings}});
        let before: ContainerInspectResponse = serde_json::from_value(before).unwrap();
        let mut again = Chosen::of(&wanted, &[before], true);
        assert_eq!(again.bindings(), bindings);
        again.choose_again();
        assert_eq!(again.bindings()["82/tcp"], bindings["82/tcp"]);
    }

    #[test]
    fn a_free_port_beside_a_fixed_one_of_the_same_port_is_kept() {
        for wanted in [[port(Some(9), 80), port(None, 80)], [port(None, 80), port(Some(9), 80)]] {
            let bindings = Chosen::of(&wanted, &[], true).bindings();
            let before = json!({"HostConfig": {"PortBindings": bindings}});
            let again = Chosen::of(&wanted, &[serde_json::from_value(before).unwrap()], true);
            assert_eq!(again.bindings(), bindings);
            assert!(!again.is_chosen(9));
        }
    }

    #[test]
    fn an_engine_elsewhere_chooses_itself() {
        let chosen = Chosen::of(&[port(None, 80)], &[], false);
        assert_eq!(chosen.bindings()["80/tcp"].as_ref().unwrap()[0].host_port.as_deref(), Some(""));
    }
}
