//! `kubernetes_apply` and `kubernetes_discovery`: resources of Kubernetes that objects of the API describe.

use super::{
    super::{
        duration,
        kube::{Input, hide_secrets, read},
    },
    body::{self, ApplyBody, DiscoveryBody, ForwardsBody, KubeCmdBody, SelectorBody},
    effects::{command, name_of},
    objects::Objects,
};
use crate::{
    model::{Command, CustomDeploy, Discovery, PodReadiness, PortForward},
    orchfile::{
        Fault,
        context::{Context, context},
        draft::{ApiObject, DraftApply, DraftObject},
    },
};
use serde_json::Value as Json;
use starlark::eval::Evaluator;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Fields of a `kubernetes_apply` that nothing comes of, see [`warn_of`].
const WITHOUT_EFFECT: [(&str, &str, &str); 4] = [
    ("image_maps", "imageMaps", "remove it: images of the file are put in wherever `yaml` names them"),
    ("image_locators", "imageLocators", "say it with `k8s_kind(…, image_json_path=…)`"),
    LOG_TEMPLATE,
    CLUSTER,
];
/// The same of a `kubernetes_discovery`.
const WITHOUT_EFFECT_OF_DISCOVERY: [(&str, &str, &str); 3] =
    [("watches", "watches", "name labels of the pods in `extra_selectors`"), LOG_TEMPLATE, CLUSTER];
const LOG_TEMPLATE: (&str, &str, &str) =
    ("pod_log_stream_template_spec", "podLogStreamTemplateSpec", "remove it: all containers are in the log");
const CLUSTER: (&str, &str, &str) = ("cluster", "cluster", "choose the cluster of a session with `--context`");

/// Reads the objects that are to be applied, when they are given.
///
/// # Errors
/// What is no YAML, or no object; nothing to apply.
pub(super) fn check(object: &ApiObject, eval: &Evaluator<'_, '_, '_>) -> Result<Vec<DraftObject>, Fault> {
    let body: ApplyBody = body::of(object);
    let missing = |field: &str| {
        Fault::value(format!("the object `{}` needs `{field}`", object.name))
            .help("give it `yaml`, or an `apply_cmd` with a `delete_cmd`")
    };
    name_of(object)?;
    timeout(&body.timeout)?;
    warn_of(object, &WITHOUT_EFFECT, eval);
    match (body.yaml.is_empty(), &body.apply_cmd, &body.delete_cmd) {
        (true, None, _) => Err(missing("yaml")),
        (_, Some(_), None) => Err(missing("delete_cmd")),
        (true, Some(_), Some(_)) => Ok(Vec::new()),
        (false, ..) => {
            let source = format!("kubernetes_apply {}", object.name);
            let objects = read(vec![Input::Text(body.yaml, source)], eval)?;
            objects.iter().for_each(|read| hide_secrets(&read.object, context(eval)));
            let drafted = |read: super::super::kube::Read| DraftObject {
                object: read.object,
                site: object.site.clone(),
                place: read.place,
            };
            Ok(objects.into_iter().map(drafted).collect())
        }
    }
}

/// How long applying may take, where that is said.
fn timeout(text: &str) -> Result<Option<Duration>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = || {
        Fault::value(format!("`{text}` is no duration"))
            .help("write it as \"30s\", \"5m\" or \"1h30m\"")
            .at_keyword("timeout")
    };
    duration::parse(text).map(Some).ok_or_else(invalid)
}

/// Says which fields of an object nothing comes of.
///
/// `fields`: as they are given, as the API calls them, and what to do instead.
fn warn_of(object: &ApiObject, fields: &[(&str, &str, &str)], eval: &Evaluator<'_, '_, '_>) {
    for (given, field, instead) in fields {
        let is_empty = match object.body.get(*field) {
            None | Some(Json::Null) => true,
            Some(Json::String(text)) => text.is_empty() || *field == "cluster" && text == "default",
            Some(Json::Array(items)) => items.is_empty(),
            Some(Json::Object(fields)) => fields.is_empty(),
            Some(Json::Bool(_) | Json::Number(_)) => false,
        };
        if !is_empty {
            let message = format!("`{given}` of the object `{}` has no effect", object.name);
            let help = Some((*instead).to_owned());
            context(eval).warn(object.site.as_ref(), "orchfile::without_effect", message, help);
        }
    }
}

/// Says which fields of a `kubernetes_discovery` nothing comes of.
pub(super) fn check_discovery(object: &ApiObject, eval: &Evaluator<'_, '_, '_>) {
    warn_of(object, &WITHOUT_EFFECT_OF_DISCOVERY, eval);
}

/// Puts what is applied and what is found among the Kubernetes resources in the making.
pub(crate) fn declare(context: &Context<'_>) {
    let all = context.draft.borrow().api.clone();
    let objects = Objects { context, all: &all };
    let applies = objects.of_kind("kubernetesapplys").filter_map(|object| apply(&objects, object));
    let finds = objects.of_kind("kubernetesdiscoverys").filter_map(discovery);
    let made: Vec<_> = applies.chain(finds).collect();
    let draft = &mut *context.draft.borrow_mut();
    draft.of_api.extend(made.iter().map(|made| made.name.clone()));
    draft.kube.applies.extend(made);
}

fn apply(objects: &Objects<'_, '_>, object: &ApiObject) -> Option<DraftApply> {
    let body: ApplyBody = body::of(object);
    if objects.is_disabled(body.disable_source.as_ref()) {
        return None;
    }
    let inputs = objects.watched(object, &body.restart_on.unwrap_or_default().file_watches);
    let custom = body.apply_cmd.zip(body.delete_cmd).map(|(apply, delete)| CustomDeploy {
        apply: of_cmd(apply),
        delete: of_cmd(delete),
        inputs: Arc::new(inputs),
        image_deps: Vec::new(),
    });
    let objects = objects.context.draft.borrow_mut().kube.read.remove(&object.name).unwrap_or_default();
    Some(DraftApply {
        name: name_of(object).ok()?,
        site: object.site.clone(),
        objects,
        custom,
        extra_pod_selectors: selectors(body.kubernetes_discovery_template_spec.extra_selectors),
        discovery: (body.discovery_strategy == "selectors-only").then_some(Discovery::SelectorsOnly),
        port_forwards: forwards(body.port_forward_template_spec),
        readiness: None,
        timeout: timeout(&body.timeout).ok().flatten(),
    })
}

/// Pods that somebody else deploys.
fn discovery(object: &ApiObject) -> Option<DraftApply> {
    let body: DiscoveryBody = body::of(object);
    Some(DraftApply {
        name: name_of(object).ok()?,
        site: object.site.clone(),
        objects: Vec::new(),
        custom: None,
        extra_pod_selectors: selectors(body.extra_selectors),
        discovery: Some(Discovery::SelectorsOnly),
        port_forwards: forwards(body.port_forward_template_spec),
        readiness: Some(PodReadiness::Ignore),
        timeout: None,
    })
}

fn of_cmd(body: KubeCmdBody) -> Command {
    command(body.args, &body.dir, &body.env)
}

fn selectors(bodies: Vec<SelectorBody>) -> Vec<BTreeMap<String, String>> {
    bodies.into_iter().map(|body| body.match_labels).filter(|labels| !labels.is_empty()).collect()
}

fn forwards(body: ForwardsBody) -> Vec<PortForward> {
    let forward = |forward: super::body::ForwardBody| PortForward {
        local_port: forward.local_port,
        container_port: forward.container_port,
        host: forward.host.filter(|host| !host.is_empty()),
        name: forward.name,
        link_path: forward.path.trim_start_matches('/').to_owned(),
    };
    body.forwards.into_iter().map(forward).collect()
}
