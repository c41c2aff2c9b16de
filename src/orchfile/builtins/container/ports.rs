//! Published ports, as `docker run --publish` takes them.

use crate::{
    model::Port,
    orchfile::{
        Fault,
        builtins::unpack::{Either, Kind, OneOrList, Unfit, a_type, list_or_tuple},
    },
};
use starlark::values::{Heap, Value};
use std::{net::IpAddr, ops::RangeInclusive};

const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];
const FORMS: &str = "write it as \"8080:80\", \"127.0.0.1:8080:80/udp\" or 80";

/// One port or several: numbers and texts; None is none.
pub(super) enum Ports {}

impl Kind for Ports {
    type Out = Vec<Port>;
    type Shown = OneOrList<Either<i32, String>>;
    const TAKES: &'static str = "a port or a list of ports";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Vec<Port>, Unfit> {
        if value.is_none() {
            return Ok(Vec::new());
        }
        let items = list_or_tuple(value).unwrap_or_else(|| vec![value]).into_iter().enumerate();
        let mut ports = Vec::new();
        for (index, item) in items {
            let text = item.unpack_str().map(str::to_owned).or_else(|| item.unpack_i32().map(|port| port.to_string()));
            let place = format!("item {}", index + 1);
            let unfit = || Unfit::Part { place, takes: "a port: a number or a string", given: a_type(item) };
            let text = text.ok_or_else(unfit)?;
            ports.extend(parse(&text).map_err(|message| Unfit::Content(message, Some(FORMS.to_owned())))?);
        }
        Ok(ports)
    }
}

/// Reads `[[ADDRESS:][HOST]:]CONTAINER[/PROTOCOL]`, where both ports may be ranges of the same length.
fn parse(text: &str) -> Result<Vec<Port>, String> {
    let (rest, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_lowercase();
    if !PROTOCOLS.contains(&protocol.as_str()) {
        return Err(format!("the port `{text}` has the protocol `{protocol}`, and there are tcp, udp and sctp"));
    }
    let (before, container) = rest.rsplit_once(':').map_or((None, rest), |(before, port)| (Some(before), port));
    let container = range(container, text)?;
    let (address, host) = match before {
        None => (None, None),
        Some(before) => match before.rsplit_once(':') {
            Some((address, host)) => (Some(address), Some(host)),
            None => (None, Some(before)),
        },
    };
    let address = address.map(|address| parse_address(address, text)).transpose()?;
    let host = host.filter(|host| !matches!(*host, "" | "0")).map(|host| range(host, text)).transpose()?;
    if host.as_ref().is_some_and(|host| host.clone().count() != container.clone().count()) {
        return Err(format!("the ranges of the port `{text}` have not the same length"));
    }
    if container.contains(&0) {
        return Err(format!("the port `{text}` publishes port 0 of the container, which nothing can have"));
    }
    let port = |(offset, container_port)| Port {
        host_ip: address.clone(),
        host_port: host.as_ref().and_then(|host| host.clone().nth(offset)),
        container_port,
        protocol: protocol.clone(),
    };
    Ok(container.enumerate().map(port).collect())
}

fn range(ports: &str, text: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let number = |port: &str| port.parse::<u16>().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()));
    let invalid = || format!("`{ports}` in the port `{text}` is no number from 1 to 65535");
    let (first, last) = (number(first).ok_or_else(invalid)?, number(last).ok_or_else(invalid)?);
    if first > last {
        return Err(format!("the range `{ports}` in the port `{text}` runs backwards"));
    }
    Ok(first..=last)
}

fn parse_address(address: &str, text: &str) -> Result<String, String> {
    let bare = address.strip_prefix('[').and_then(|address| address.strip_suffix(']')).unwrap_or(address);
    match bare.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err(format!("`{address}` in the port `{text}` is no address")),
    }
}

/// Whether a port of this machine is published twice.
///
/// # Errors
/// The first that is.
pub(super) fn check_twice(ports: &[Port]) -> Result<(), Fault> {
    let address = |port: &Port| port.host_ip.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
    let is_any = |port: &Port| matches!(port.host_ip.as_deref(), Some("0.0.0.0" | "::"));
    let same = |a: &Port, b: &Port| {
        let same_number = a.host_port.is_some() && a.host_port == b.host_port && a.protocol == b.protocol;
        same_number && (is_any(a) || is_any(b) || address(a) == address(b))
    };
    let twice = ports.iter().enumerate().find(|(index, port)| ports[..*index].iter().any(|other| same(other, port)));
    match twice.and_then(|(_, port)| port.host_port) {
        Some(port) => Err(Fault::value(format!("the port {port} of this machine is published twice"))
            .help("publish each on a port of its own")
            .at_argument("ports")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<Vec<String>, String> {
        let show = |port: &Port| {
            let host = port.host_port.map(|port| port.to_string()).unwrap_or_default();
            format!("{}|{host}|{}|{}", port.host_ip.as_deref().unwrap_or(""), port.container_port, port.protocol)
        };
        parse(text).map(|ports| ports.iter().map(show).collect())
    }

    #[test]
    fn ports_are_read_as_docker_reads_them() {
        for (text, expected) in [
            ("80", &["||80|tcp"][..]),
            ("8080:80", &["|8080|80|tcp"]),
            ("0:80", &["||80|tcp"]),
            (":80", &["||80|tcp"]),
            ("53:53/UDP", &["|53|53|udp"]),
            ("127.0.0.1:8080:80", &["127.0.0.1|8080|80|tcp"]),
            ("0.0.0.0::80", &["0.0.0.0||80|tcp"]),
            ("[::1]:8080:80/sctp", &["::1|8080|80|sctp"]),
            ("8000-8002:80-82", &["|8000|80|tcp", "|8001|81|tcp", "|8002|82|tcp"]),
            ("80-81", &["||80|tcp", "||81|tcp"]),
        ] {
            assert_eq!(shown(text), Ok(expected.iter().map(|port| (*port).to_owned()).collect()), "{text}");
        }
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for text in
            ["", "a", "80:", "70000", "80/x", "8-7", "1-2:1-3", "1-2:80", "x:1:1", "-1", "+1", "8080:0", "1:2:3:4:5"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
