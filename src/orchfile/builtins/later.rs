#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! The names of the language that orch does not have yet: calling one says so, instead of that the name is unknown.

use crate::orchfile::Fault;
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::{Arguments, Evaluator},
    starlark_simple_value,
    values::{NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, starlark_value},
};
use std::fmt;

const V1ALPHA1: &[&str] = &[
    "cmd",
    "config_map",
    "config_map_disable_source",
    "disable_source",
    "exec_action",
    "extension",
    "extension_repo",
    "file_watch",
    "forward",
    "handler",
    "http_get_action",
    "http_header",
    "ignore_def",
    "kubernetes_apply",
    "kubernetes_apply_cmd",
    "kubernetes_discovery",
    "kubernetes_discovery_template_spec",
    "kubernetes_image_locator",
    "kubernetes_image_object_descriptor",
    "kubernetes_watch_ref",
    "label_selector",
    "label_selector_requirement",
    "object_selector",
    "pod_log_stream_template_spec",
    "port_forward_template_spec",
    "probe",
    "restart_on_spec",
    "start_on_spec",
    "tcp_socket_action",
    "ui_bool_input_spec",
    "ui_button",
    "ui_choice_input_spec",
    "ui_component_location",
    "ui_hidden_input_spec",
    "ui_input_spec",
    "ui_text_input_spec",
];

/// A name that cannot be called yet.
#[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
struct Later {
    name: String,
    about: String,
}

starlark_simple_value!(Later);

impl fmt::Display for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<built-in function {}>", self.name)
    }
}

#[starlark_value(type = "builtin_function_or_method")]
impl<'v> StarlarkValue<'v> for Later {
    fn invoke(
        &self,
        _me: Value<'v>,
        _args: &Arguments<'v, '_>,
        _eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let message = format!("`{}` is not supported yet: orch cannot do {} so far", self.name, self.about);
        let help = "keep what needs it in a file of its own, and load that only under Tilt";
        Err(Fault::new("orchfile::not_supported", message).help(help).into())
    }
}

/// Adds the names.
pub(crate) fn register(globals: &mut GlobalsBuilder) {
    globals.namespace("v1alpha1", |namespace| {
        for name in V1ALPHA1 {
            namespace.set(name, Later { name: format!("v1alpha1.{name}"), about: "API objects".to_owned() });
        }
    });
}
