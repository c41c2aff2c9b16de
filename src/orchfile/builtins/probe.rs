#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `probe` and its actions.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

use super::unpack::{Given, Integer, Kind, Maybe, Optional, Text, TextSeq, Unfit};
use crate::{
    model::{Probe, ProbeAction},
    orchfile::Fault,
};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, ValueLike, starlark_value},
};
use std::fmt;

/// What a check does, as `exec_action` and its like give it.
#[derive(Debug, Clone, PartialEq, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct ActionValue(#[allocative(skip)] ProbeAction);

/// What Tilt calls the type of an action.
pub(crate) fn action_name(value: Value<'_>) -> Option<&'static str> {
    Some(match value.downcast_ref::<ActionValue>()?.0 {
        ProbeAction::Exec { .. } => "ExecAction",
        ProbeAction::HttpGet { .. } => "HTTPGetAction",
        ProbeAction::TcpSocket { .. } => "TCPSocketAction",
    })
}

/// A readiness probe, as `probe` gives it.
#[derive(Debug, Clone, PartialEq, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct ProbeValue(#[allocative(skip)] Probe);

starlark_simple_value!(ActionValue);
starlark_simple_value!(ProbeValue);

/// The attributes of a value that is like a struct.
trait Record {
    fn name(&self) -> &'static str;
    fn names(&self) -> &'static [&'static str];
    fn get<'v>(&self, name: &str, heap: Heap<'v>) -> Option<Value<'v>>;

    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Heap::temp(|heap| {
            let parts =
                self.names().iter().filter_map(|name| Some(format!("{name} = {}", self.get(name, heap)?.to_repr())));
            write!(f, "{}({})", self.name(), parts.collect::<Vec<_>>().join(", "))
        })
    }
}

impl Record for ActionValue {
    fn name(&self) -> &'static str {
        match self.0 {
            ProbeAction::Exec { .. } => "exec_action",
            ProbeAction::HttpGet { .. } => "http_get_action",
            ProbeAction::TcpSocket { .. } => "tcp_socket_action",
        }
    }

    fn names(&self) -> &'static [&'static str] {
        match self.0 {
            ProbeAction::Exec { .. } => &["command"],
            ProbeAction::HttpGet { .. } => &["host", "path", "port", "scheme"],
            ProbeAction::TcpSocket { .. } => &["host", "port"],
        }
    }

    fn get<'v>(&self, name: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        let text = |text: &Option<String>| heap.alloc(text.as_deref().unwrap_or(""));
        match (&self.0, name) {
            (ProbeAction::Exec { argv }, "command") => Some(heap.alloc(argv.clone())),
            (ProbeAction::HttpGet { host, .. } | ProbeAction::TcpSocket { host, .. }, "host") => Some(text(host)),
            (ProbeAction::HttpGet { port, .. } | ProbeAction::TcpSocket { port, .. }, "port") => {
                Some(heap.alloc(i32::from(*port)))
            }
            (ProbeAction::HttpGet { scheme, .. }, "scheme") => Some(text(scheme)),
            (ProbeAction::HttpGet { path, .. }, "path") => Some(text(path)),
            _ => None,
        }
    }
}

impl Record for ProbeValue {
    fn name(&self) -> &'static str {
        "probe"
    }

    fn names(&self) -> &'static [&'static str] {
        &[
            "exec",
            "failure_threshold",
            "http_get",
            "initial_delay_secs",
            "period_secs",
            "success_threshold",
            "tcp_socket",
            "timeout_secs",
        ]
    }

    fn get<'v>(&self, name: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        let number = |number: Option<u32>| Some(heap.alloc(number.unwrap_or(0)));
        let action = ActionValue(self.0.action.clone());
        match (name, &self.0.action) {
            ("initial_delay_secs", _) => number(self.0.initial_delay_secs),
            ("timeout_secs", _) => number(self.0.timeout_secs),
            ("period_secs", _) => number(self.0.period_secs),
            ("success_threshold", _) => number(self.0.success_threshold),
            ("failure_threshold", _) => number(self.0.failure_threshold),
            ("exec", ProbeAction::Exec { .. })
            | ("http_get", ProbeAction::HttpGet { .. })
            | ("tcp_socket", ProbeAction::TcpSocket { .. }) => Some(heap.alloc(action)),
            ("exec" | "http_get" | "tcp_socket", _) => Some(Value::new_none()),
            _ => None,
        }
    }
}

impl fmt::Display for ActionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(f)
    }
}

impl fmt::Display for ProbeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(f)
    }
}

#[starlark_value(type = "action")]
impl<'v> StarlarkValue<'v> for ActionValue {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        self.get(attribute, heap)
    }

    fn dir_attr(&self) -> Vec<String> {
        self.names().iter().map(|name| (*name).to_owned()).collect()
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.downcast_ref::<Self>() == Some(self))
    }
}

#[starlark_value(type = "probe")]
impl<'v> StarlarkValue<'v> for ProbeValue {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        self.get(attribute, heap)
    }

    fn dir_attr(&self) -> Vec<String> {
        self.names().iter().map(|name| (*name).to_owned()).collect()
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.downcast_ref::<Self>() == Some(self))
    }
}

/// A probe.
pub(crate) enum ProbeKind {}

impl Kind for ProbeKind {
    type Out = Probe;
    type Shown = &'static ProbeValue;
    const TAKES: &'static str = "a probe, as `probe(…)` gives it";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Probe, Unfit> {
        value.downcast_ref::<ProbeValue>().map(|probe| probe.0.clone()).ok_or(Unfit::Type)
    }
}

/// The action of a probe.
enum Action {}

impl Kind for Action {
    type Out = ProbeAction;
    type Shown = &'static ActionValue;
    const TAKES: &'static str =
        "an action, as `exec_action(…)`, `http_get_action(…)` or `tcp_socket_action(…)` gives it";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<ProbeAction, Unfit> {
        value.downcast_ref::<ActionValue>().map(|action| action.0.clone()).ok_or(Unfit::Type)
    }
}

/// A number of seconds or checks that is not below zero.
enum Count {}

impl Kind for Count {
    type Out = u32;
    type Shown = u32;
    const TAKES: &'static str = "an integer";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<u32, Unfit> {
        let number = Integer::take(value, heap)?;
        u32::try_from(number)
            .map_err(|_| Unfit::Content(format!("{number} is not a number from 0 to {}", u32::MAX), None))
    }
}

/// The number of a port.
enum Port {}

impl Kind for Port {
    type Out = u16;
    type Shown = i32;
    const TAKES: &'static str = "a port (an integer)";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<u16, Unfit> {
        let number = Integer::take(value, heap)?;
        let port = u16::try_from(number).ok().filter(|port| *port > 0);
        port.ok_or_else(|| Unfit::Content(format!("{number} is no port; ports go from 1 to 65535"), None))
    }
}

type Actions = [(&'static str, Option<ProbeAction>); 3];

fn only_action(actions: Actions) -> Result<ProbeAction, Fault> {
    let mut given: Vec<_> = actions.into_iter().filter_map(|(name, action)| Some((name, action?))).collect();
    match given.pop() {
        None => Err(Fault::value("a probe needs something to do").help("give it `exec`, `http_get` or `tcp_socket`")),
        Some((name, _)) if !given.is_empty() => {
            let message = format!("a probe does one thing, and both `{}` and `{name}` are given", given[0].0);
            Err(Fault::value(message).help("leave one of them out"))
        }
        Some((name, action)) if ActionValue(action.clone()).name().strip_suffix("_action") != Some(name) => {
            let given = ActionValue(action).name();
            Err(Fault::value(format!("`{name}` takes what `{name}_action(…)` gives, not `{given}(…)`"))
                .at_argument(name))
        }
        Some((_, action)) => Ok(action),
    }
}

fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// A check that tells when a server is ready, for `readiness_probe` of `local_resource`. It does exactly one of `exec`,
    /// `http_get` and `tcp_socket`.
    ///
    /// # Arguments
    /// * `initial_delay_secs`: seconds before the first check; 0 where not given
    /// * `timeout_secs`: seconds that one check may take; 1 where not given
    /// * `period_secs`: seconds between checks of a ready server; 10 where not given
    /// * `success_threshold`: checks in a row that must pass before the server is ready; 1 where not given
    /// * `failure_threshold`: checks in a row that must fail before a ready server is unready; 3 where not given
    /// * `exec`: an `exec_action(…)`
    /// * `http_get`: an `http_get_action(…)`
    /// * `tcp_socket`: a `tcp_socket_action(…)`
    fn probe<'v>(
        initial_delay_secs: Option<Given<'v, Count>>,
        timeout_secs: Option<Given<'v, Count>>,
        period_secs: Option<Given<'v, Count>>,
        success_threshold: Option<Given<'v, Count>>,
        failure_threshold: Option<Given<'v, Count>>,
        exec: Option<Given<'v, Maybe<Action>>>,
        http_get: Option<Given<'v, Maybe<Action>>>,
        tcp_socket: Option<Given<'v, Maybe<Action>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<ProbeValue> {
        let action = only_action([
            ("exec", exec.take_or_default("exec", eval)?),
            ("http_get", http_get.take_or_default("http_get", eval)?),
            ("tcp_socket", tcp_socket.take_or_default("tcp_socket", eval)?),
        ])?;
        Ok(ProbeValue(Probe {
            action,
            initial_delay_secs: initial_delay_secs.take_given("initial_delay_secs", eval)?,
            timeout_secs: timeout_secs.take_given("timeout_secs", eval)?,
            period_secs: period_secs.take_given("period_secs", eval)?,
            success_threshold: success_threshold.take_given("success_threshold", eval)?,
            failure_threshold: failure_threshold.take_given("failure_threshold", eval)?,
        }))
    }

    /// A check that runs a command in the server's folder; it passes when the command succeeds.
    ///
    /// # Arguments
    /// * `command`: program and arguments, such as `["pg_isready"]`; no shell reads them
    fn exec_action<'v>(command: Given<'v, TextSeq>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<ActionValue> {
        let argv = command.take("command", eval)?;
        if argv.is_empty() {
            return Err(Fault::value("`command` is empty").at_argument("command").into());
        }
        Ok(ActionValue(ProbeAction::Exec { argv }))
    }

    /// A check that asks a web server; it passes with a status from 200 to 399.
    ///
    /// # Arguments
    /// * `port`: the port of the server
    /// * `host`: its name or address; `localhost` where not given
    /// * `scheme`: `"http"` or `"https"`; http where not given
    /// * `path`: what is asked for, such as `"/healthz"`; `/` where not given
    fn http_get_action<'v>(
        port: Given<'v, Port>,
        host: Option<Given<'v, Text>>,
        scheme: Option<Given<'v, Text>>,
        path: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<ActionValue> {
        Ok(ActionValue(ProbeAction::HttpGet {
            port: port.take("port", eval)?,
            host: non_empty(host.take_given("host", eval)?),
            scheme: non_empty(scheme.take_given("scheme", eval)?).map(|scheme| scheme.to_uppercase()),
            path: non_empty(path.take_given("path", eval)?),
            headers: Vec::new(),
        }))
    }

    /// A check that opens a connection.
    ///
    /// # Arguments
    /// * `port`: the port of the server
    /// * `host`: its name or address; `localhost` where not given
    fn tcp_socket_action<'v>(
        port: Given<'v, Port>,
        host: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<ActionValue> {
        let (port, host) = (port.take("port", eval)?, non_empty(host.take_given("host", eval)?));
        Ok(ActionValue(ProbeAction::TcpSocket { port, host }))
    }
}
