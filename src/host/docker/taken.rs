//! A port of this machine that a container was to get and somebody else has.

use super::{Address, Connection};
use crate::{
    host::port::holder,
    model::{Failure, ResourceName},
};
use bollard::{
    models::{ContainerSummary, PortSummary},
    query_parameters::ListContainersOptionsBuilder,
};
use regex::Regex;
use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    sync::LazyLock,
};

/// A port of this machine that a container is to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The address that it is bound to.
    pub(super) address: IpAddr,
    /// Its number.
    pub(super) port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub(super) protocol: String,
}

/// Why containers were not raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In the user's words.
    pub failure: Failure,
    /// The port of this machine that somebody else has, where that is why.
    pub port: Option<u16>,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, port: None }
    }
}

/// `Bind for 0.0.0.0:8080 failed`, `listen tcp4 0.0.0.0:8080: bind`.
static PORT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:Bind for|exposing port \w+|listen \w+) \S*?:(\d+)\b").ok());

/// The port that is taken, if that is what the engine says.
pub(super) fn port_in(text: &str) -> Option<u16> {
    let is_taken = ["port is already allocated", "address already in use"].iter().any(|said| text.contains(said));
    PORT.as_ref().filter(|_| is_taken)?.captures(text)?.get(1)?.as_str().parse().ok()
}

/// Looks whether somebody else has a port that new containers are to get, while those that they replace, `own`, still live.
///
/// # Errors
/// Who has it.
pub(super) async fn check(
    connection: &Connection,
    wanted: &[Wanted],
    own: &[&str],
    resource: &ResourceName,
) -> Result<(), Refused> {
    if wanted.is_empty() {
        return Ok(());
    }
    let running = running(connection).await;
    let (ours, others): (Vec<_>, Vec<_>) =
        running.iter().partition(|one| one.id.as_deref().is_some_and(|id| own.contains(&id)));
    for port in wanted.iter().filter(|port| !ours.iter().any(|one| publishes(one, port.port, Some(port)))) {
        let is_published = others.iter().any(|one| publishes(one, port.port, Some(port)));
        if is_published || is_local(connection) && port.is_held() {
            let Refused { failure: Failure { message, help }, port } = refused(port.port, connection, resource).await;
            let message = format!("{message}: the old container goes on running");
            return Err(Refused { failure: Failure { message, help }, port });
        }
    }
    Ok(())
}

/// Whether the engine's ports are those of this machine.
pub(super) fn is_local(connection: &Connection) -> bool {
    !matches!(connection.address(), Address::Ssh { .. } | Address::Tcp { .. })
}

impl Wanted {
    /// Whether somebody on this machine has it now.
    fn is_held(&self) -> bool {
        let address = SocketAddr::new(self.address, self.port);
        let bound = match self.protocol.as_str() {
            "tcp" => TcpListener::bind(address).map(drop),
            "udp" => UdpSocket::bind(address).map(drop),
            _ => Ok(()),
        };
        bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
    }

    fn is_at(&self, published: &PortSummary) -> bool {
        let address = published.ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok());
        let meets = address.is_none_or(|it| it == self.address || it.is_unspecified() || self.address.is_unspecified());
        meets && published.typ.is_none_or(|typ| typ.to_string() == self.protocol)
    }
}

/// That somebody else has the port: a container, or another process.
pub(super) async fn refused(port: u16, connection: &Connection, resource: &ResourceName) -> Refused {
    Refused { failure: failure(port, connection, resource).await, port: Some(port) }
}

async fn failure(port: u16, connection: &Connection, resource: &ResourceName) -> Failure {
    let again = format!("; `orch trigger {resource}` tries it again");
    let running = running(connection).await;
    if let Some(name) = running.into_iter().find(|one| publishes(one, port, None)).and_then(name) {
        let message = format!("port {port} is already taken by the container `{name}`");
        let help = format!("stop it (`docker stop {name}`), or publish another port{again}");
        return Failure { message, help: Some(help) };
    }
    let found = tokio::task::spawn_blocking(move || holder(port)).await.ok().flatten();
    let failure = found.map_or_else(
        || Failure {
            message: format!("port {port} is already taken"),
            help: Some("end what has it, or publish another port".to_owned()),
        },
        |holder| holder.failure(port),
    );
    Failure { help: failure.help.map(|help| help + &again), ..failure }
}

/// All containers that run, whoever's they are; none where the engine does not say it.
async fn running(connection: &Connection) -> Vec<ContainerSummary> {
    let options = ListContainersOptionsBuilder::default().build();
    connection.api().list_containers(Some(options)).await.unwrap_or_default()
}

/// Whether a container publishes that port; with `wanted`, where it is in the way of that.
fn publishes(container: &ContainerSummary, port: u16, wanted: Option<&Wanted>) -> bool {
    let ports = container.ports.iter().flatten().filter(|published| published.public_port == Some(port));
    ports.into_iter().any(|published| wanted.is_none_or(|wanted| wanted.is_at(published)))
}

fn name(container: ContainerSummary) -> Option<String> {
    let name = container.names?.into_iter().next()?;
    Some(name.trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_in_what_engines_say() {
        for text in [
            "driver failed programming external connectivity on endpoint x (0123): Bind for 0.0.0.0:8080 failed: port is already \
             allocated",
            "driver failed programming external connectivity: Error starting userland proxy: listen tcp4 0.0.0.0:8080: bind: \
             address already in use",
            "listen tcp :::8080: bind: address already in use",
        ] {
            assert_eq!(port_in(text), Some(8080), "{text}");
        }
        assert_eq!(port_in("Bind for 0.0.0.0:8080 failed: no reason"), None);
    }

    #[test]
    fn a_port_is_in_the_way_at_the_same_address_and_protocol() {
        let wanted = |address: &str, protocol: &str| Wanted {
            address: address.parse().unwrap(),
            port: 80,
            protocol: protocol.to_owned(),
        };
        let published = r#"{"Ports":[{"IP":"127.0.0.2","PrivatePort":1,"PublicPort":80,"Type":"tcp"}]}"#;
        let container: ContainerSummary = serde_json::from_str(published).unwrap();
        for (address, protocol, expected) in [
            ("127.0.0.2", "tcp", true),
            ("0.0.0.0", "tcp", true),
            ("127.0.0.1", "tcp", false),
            ("127.0.0.2", "udp", false),
        ] {
            assert_eq!(publishes(&container, 80, Some(&wanted(address, protocol))), expected, "{address} {protocol}");
        }
        assert!(publishes(&container, 80, None) && !publishes(&container, 1, None));
    }
}
