#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `port_forward`, and what `port_forwards` takes.

use super::super::unpack::{Either, Given, Integer, Kind, OneOrList, Optional, Text, Unfit, a_type, sequence};
use crate::{model::PortForward, orchfile::Fault};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, UnpackValue, Value, ValueLike, starlark_value},
};
use std::fmt;

/// What `port_forward` gives.
#[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct PortForwardValue(#[allocative(skip)] PortForward);

starlark_simple_value!(PortForwardValue);

impl fmt::Display for PortForwardValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PortForward { local_port, container_port, name, .. } = &self.0;
        write!(f, "port_forward(local_port={local_port}, container_port={container_port}, name={name:?})")
    }
}

#[expect(clippy::elidable_lifetime_names, reason = "the macro wants the name")]
#[starlark_value(type = "port_forward")]
impl<'v> StarlarkValue<'v> for PortForwardValue {}

/// A port, a text, a `port_forward`, or several of those; None is none.
pub(crate) enum PortForwards {}

impl Kind for PortForwards {
    type Out = Vec<PortForward>;
    type Shown = OneOrList<Either<i64, Either<String, &'static PortForwardValue>>>;
    const TAKES: &'static str = "a port, \"LOCAL:CONTAINER\", a port_forward, or a list of those";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Vec<PortForward>, Unfit> {
        if value.is_none() {
            return Ok(Vec::new());
        }
        if let Some(forward) = forward(value) {
            return forward.map(|forward| vec![forward]);
        }
        let items = sequence(value, heap).ok_or(Unfit::Type)?;
        let item = |(index, item): (usize, Value<'v>)| {
            let (place, takes, given) = (format!("item {}", index + 1), "a port or a port_forward", a_type(item));
            forward(item).unwrap_or(Err(Unfit::Part { place, takes, given }))
        };
        items.into_iter().enumerate().map(item).collect()
    }
}

fn forward(value: Value<'_>) -> Option<Result<PortForward, Unfit>> {
    if let Some(forward) = value.downcast_ref::<PortForwardValue>() {
        return Some(Ok(forward.0.clone()));
    }
    if value.get_type() == "int" {
        let port = i64::unpack_value(value).ok().flatten().ok_or_else(|| value.to_str());
        return Some(port.and_then(port_of).map(simple).map_err(not_a_port));
    }
    value.unpack_str().map(of_text)
}

fn simple(local_port: u16) -> PortForward {
    PortForward { local_port, container_port: 0, host: None, name: String::new(), link_path: String::new() }
}

fn port_of(number: i64) -> Result<u16, String> {
    u16::try_from(number).map_err(|_| number.to_string())
}

fn not_a_port(text: String) -> Unfit {
    let help = "write `8080`, `\"8080:80\"` (here, there) or `\"HOST:8080:80\"`".to_owned();
    Unfit::Content(format!("`{text}` is no port: a port is a number from 0 to 65535"), Some(help))
}

/// `LOCAL`, `LOCAL:CONTAINER` or `HOST:LOCAL:CONTAINER`.
fn of_text(text: &str) -> Result<PortForward, Unfit> {
    let port = |text: &str| text.parse::<u16>().map_err(|_| not_a_port(text.to_owned()));
    let parts: Vec<_> = text.splitn(3, ':').collect();
    match parts[..] {
        [host, local, container] => {
            if !is_host(host) {
                let message = format!("`{host}` is neither the name of a host nor an IP address");
                return Err(Unfit::Content(message, Some("write `\"HOST:LOCAL:CONTAINER\"`".to_owned())));
            }
            let container_port = port(container)?;
            Ok(PortForward { container_port, host: Some(host.to_owned()), ..simple(port(local)?) })
        }
        [local, container] => Ok(PortForward { container_port: port(container)?, ..simple(port(local)?) }),
        _ => port(text).map(simple),
    }
}

fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(is_inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.split('.').all(is_label)
}

/// The path of a link without its first slash.
fn link_path(text: &str) -> Result<String, Fault> {
    let is_odd = |c: char| c.is_control() || c == ' ';
    let has_open_bracket = text.split_once("//").is_some_and(|(_, rest)| rest.starts_with('[') && !rest.contains(']'));
    if text.chars().any(is_odd) || has_open_bracket {
        let message = format!("`{}` cannot be the path of a link", text.escape_debug());
        return Err(Fault::value(message).help("write a path, such as `/login`").at_argument("link_path"));
    }
    Ok(text.strip_prefix('/').unwrap_or(text).to_owned())
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// A local port that leads to a pod, for `k8s_resource(port_forwards=)`.
    ///
    /// # Arguments
    /// * `local_port`: the port here
    /// * `container_port`: the port there; where not given, the same if a container declares it, else the first that one declares
    /// * `name`: what its link is called
    /// * `link_path`: the path of its link
    /// * `host`: the address to listen on, instead of `localhost`
    fn port_forward<'v>(
        local_port: Given<'v, Integer>,
        container_port: Option<Given<'v, Integer>>,
        name: Option<Given<'v, Text>>,
        link_path: Option<Given<'v, Text>>,
        host: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<PortForwardValue> {
        let port = |number: i64, name: &str| {
            let invalid = |number| Fault::value(format!("`{number}` is no port: a port is a number from 0 to 65535"));
            port_of(number).map_err(|number| invalid(number).at_argument(name))
        };
        let local_port = port(local_port.take("local_port", eval)?, "local_port")?;
        let container_port = port(container_port.take_or_default("container_port", eval)?, "container_port")?;
        let host = host.take_or_default("host", eval)?;
        Ok(PortForwardValue(PortForward {
            local_port,
            container_port,
            host: Some(host).filter(|host| !host.is_empty()),
            name: name.take_or_default("name", eval)?,
            link_path: self::link_path(&link_path.take_or_default("link_path", eval)?)?,
        }))
    }
}
