//! The fields of objects that do something, as the API calls them.

use crate::orchfile::draft::ApiObject;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The fields of an object. They were checked when it was made, so that nothing is missing but what was not given.
pub(super) fn of<T: DeserializeOwned + Default>(object: &ApiObject) -> T {
    serde_json::from_value(Json::Object(object.body.clone())).unwrap_or_default()
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CmdBody {
    pub(super) args: Vec<String>,
    pub(super) dir: String,
    pub(super) env: Vec<String>,
    pub(super) readiness_probe: Option<ProbeBody>,
    pub(super) restart_on: Option<Starts>,
    pub(super) start_on: Option<Starts>,
    pub(super) disable_source: Option<DisableBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Starts {
    pub(super) file_watches: Vec<String>,
    pub(super) ui_buttons: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DisableBody {
    pub(super) config_map: Option<EntryBody>,
    pub(super) every_config_map: Vec<EntryBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EntryBody {
    pub(super) name: String,
    pub(super) key: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ProbeBody {
    pub(super) handler: Option<Box<ProbeBody>>,
    pub(super) exec: Option<ExecBody>,
    pub(super) http_get: Option<HttpBody>,
    pub(super) tcp_socket: Option<HttpBody>,
    pub(super) initial_delay_seconds: Option<u32>,
    pub(super) timeout_seconds: Option<u32>,
    pub(super) period_seconds: Option<u32>,
    pub(super) success_threshold: Option<u32>,
    pub(super) failure_threshold: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ExecBody {
    pub(super) command: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HttpBody {
    pub(super) port: u16,
    pub(super) host: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) path: Option<String>,
    pub(super) http_headers: Vec<HeaderBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HeaderBody {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WatchBody {
    pub(super) watched_paths: Vec<String>,
    pub(super) ignores: Vec<IgnoreBody>,
    pub(super) disable_source: Option<DisableBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct IgnoreBody {
    pub(super) base_path: String,
    pub(super) patterns: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ButtonBody {
    pub(super) location: LocationBody,
    pub(super) text: String,
    pub(super) icon_name: String,
    pub(super) disabled: bool,
    pub(super) requires_confirmation: bool,
    pub(super) inputs: Vec<InputBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LocationBody {
    #[serde(rename = "componentID")]
    pub(super) id: String,
    #[serde(rename = "componentType")]
    pub(super) kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct InputBody {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) text: Option<TextBody>,
    pub(super) bool: Option<BoolBody>,
    pub(super) hidden: Option<HiddenBody>,
    pub(super) choice: Option<ChoiceBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct TextBody {
    pub(super) default_value: String,
    pub(super) placeholder: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BoolBody {
    pub(super) default_value: bool,
    pub(super) true_string: Option<String>,
    pub(super) false_string: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HiddenBody {
    pub(super) value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChoiceBody {
    pub(super) choices: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ApplyBody {
    pub(super) yaml: String,
    pub(super) kubernetes_discovery_template_spec: SelectorsBody,
    pub(super) port_forward_template_spec: ForwardsBody,
    pub(super) discovery_strategy: String,
    pub(super) disable_source: Option<DisableBody>,
    pub(super) apply_cmd: Option<KubeCmdBody>,
    pub(super) delete_cmd: Option<KubeCmdBody>,
    pub(super) restart_on: Option<Starts>,
    pub(super) timeout: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct DiscoveryBody {
    pub(super) extra_selectors: Vec<SelectorBody>,
    pub(super) port_forward_template_spec: ForwardsBody,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SelectorsBody {
    pub(super) extra_selectors: Vec<SelectorBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct SelectorBody {
    pub(super) match_labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ForwardsBody {
    pub(super) forwards: Vec<ForwardBody>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ForwardBody {
    pub(super) local_port: u16,
    pub(super) container_port: u16,
    pub(super) host: Option<String>,
    pub(super) name: String,
    pub(super) path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KubeCmdBody {
    pub(super) args: Vec<String>,
    pub(super) dir: String,
    pub(super) env: Vec<String>,
}
