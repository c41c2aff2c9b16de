//! Where what a container publishes can be reached.

use crate::model::{BoundPort, ContainerPhase, ContainerState, Link};

/// Ports that by their numbers are for other clients than browsers: mail, DNS, LDAP, databases, queues, caches.
const NO_WEB: [u16; 26] = [
    21, 22, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 1521, 1883, 2181, 3306, 4222, 5432, 5672, 6379, 9042,
    9092, 11211, 26257, 27017,
];
/// Ports where a web server speaks TLS.
const TLS: [u16; 3] = [443, 6443, 8443];

/// A link for each TCP port that running containers publish, in the order of the ports inside.
pub fn published(containers: &[ContainerState]) -> Vec<Link> {
    let running = containers.iter().filter(|container| container.phase == ContainerPhase::Running);
    let mut ports: Vec<&BoundPort> = running.flat_map(|container| &container.ports).collect();
    ports.sort_by_key(|port| (port.container_port, port.host_port));
    let mut links: Vec<Link> = Vec::new();
    for url in ports.into_iter().filter_map(url) {
        // One port is often bound twice: for IPv4 and for IPv6.
        if links.iter().all(|link| link.url != url) {
            links.push(Link { url, name: String::new() });
        }
    }
    links
}

fn url(port: &BoundPort) -> Option<String> {
    let scheme = match port.container_port {
        _ if port.protocol != "tcp" => return None,
        inside if TLS.contains(&inside) => "https",
        inside if NO_WEB.contains(&inside) => "tcp",
        _ => "http",
    };
    let host = match port.host_ip.as_str() {
        "" | "0.0.0.0" | "127.0.0.1" | "::" | "::1" => "localhost".to_owned(),
        v6 if v6.contains(':') => format!("[{v6}]"),
        v4 => v4.to_owned(),
    };
    Some(format!("{scheme}://{host}:{}", port.host_port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerId, ImageId};

    fn port(host_ip: &str, host_port: u16, container_port: u16, protocol: &str) -> BoundPort {
        BoundPort { host_ip: host_ip.to_owned(), host_port, container_port, protocol: protocol.to_owned() }
    }

    #[test]
    fn each_port_is_linked_once_and_as_what_it_is() {
        let ports = [
            port("0.0.0.0", 8080, 80, "tcp"),
            port("::", 8080, 80, "tcp"),
            port("127.0.0.1", 5555, 5432, "tcp"),
            port("10.1.2.3", 8443, 8443, "tcp"),
            port("fe80::1", 70, 70, "tcp"),
            port("0.0.0.0", 53, 5353, "udp"),
        ];
        let state = |phase| ContainerState {
            id: ContainerId("c".into()),
            name: "c".to_owned(),
            image: ImageId("i".into()),
            fingerprint: None,
            phase,
            health: None,
            health_output: None,
            started_at_ns: 1,
            engine_restarts: 0,
            ports: ports.to_vec(),
            changed: None,
        };
        let urls: Vec<String> = published(&[state(ContainerPhase::Running)]).into_iter().map(|link| link.url).collect();
        let expected =
            ["http://[fe80::1]:70", "http://localhost:8080", "tcp://localhost:5555", "https://10.1.2.3:8443"];
        assert_eq!(urls, expected);
        assert_eq!(published(&[state(ContainerPhase::Exited { code: 0, out_of_memory: false })]), []);
    }
}
