//! `k8s_resource`: what is said of the resources that objects become.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

use super::{
    super::{
        dependency::Dependencies,
        link::Links,
        trigger::Mode as TriggerKind,
        unpack::{
            Flag, Given, Kind, Labels, Maybe, OneOrList, Optional, Stringable, TextSeq, Unfit, a_type, list_or_tuple,
        },
    },
    autoscale::AutoscaleKind,
    forward::PortForwards,
};
use crate::{
    model::{Discovery, PodReadiness, ResourceName},
    orchfile::{
        Fault,
        context::{context, site},
        draft::ResourceCall,
    },
};
use starlark::{
    collections::SmallMap,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Heap, Value, dict::DictRef, none::NoneType},
};
use std::collections::BTreeMap;

/// `pod_readiness`; an empty text leaves it to orch.
pub(super) enum Readiness {}

impl Kind for Readiness {
    type Out = Option<PodReadiness>;
    type Shown = String;
    const TAKES: &'static str = "a string: \"wait\", \"ignore\" or \"succeeded\"";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        match value.unpack_str().ok_or(Unfit::Type)? {
            "" => Ok(None),
            "wait" => Ok(Some(PodReadiness::Wait)),
            "ignore" => Ok(Some(PodReadiness::Ignore)),
            "succeeded" => Ok(Some(PodReadiness::Succeeded)),
            other => {
                let help = "use \"wait\", \"ignore\" or \"succeeded\"".to_owned();
                Err(Unfit::Content(format!("`{other}` does not say when pods are ready"), Some(help)))
            }
        }
    }
}

/// `discovery_strategy`; an empty text leaves it to orch.
enum Strategy {}

impl Kind for Strategy {
    type Out = Option<Discovery>;
    type Shown = String;
    const TAKES: &'static str = "a string: \"default\" or \"selectors-only\"";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        match value.unpack_str().ok_or(Unfit::Type)? {
            "" => Ok(None),
            "default" => Ok(Some(Discovery::Default)),
            "selectors-only" => Ok(Some(Discovery::SelectorsOnly)),
            other => {
                let help = "use \"default\" or \"selectors-only\"".to_owned();
                Err(Unfit::Content(format!("`{other}` does not say how pods are found"), Some(help)))
            }
        }
    }
}

/// Labels of pods: a dict, or a list of them.
enum PodSelectors {}

impl Kind for PodSelectors {
    type Out = Vec<BTreeMap<String, String>>;
    type Shown = OneOrList<SmallMap<String, String>>;
    const TAKES: &'static str = "a dict of labels, or a list of such dicts";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        let dicts = if let Some(selector) = selector(value) {
            vec![selector?]
        } else {
            let items = list_or_tuple(value).ok_or(Unfit::Type)?.into_iter().enumerate();
            let item = |(index, item): (usize, Value<'v>)| {
                let (place, given) = (format!("item {}", index + 1), a_type(item));
                selector(item).unwrap_or(Err(Unfit::Part { place, takes: "a dict of labels", given }))
            };
            items.map(item).collect::<Result<_, _>>()?
        };
        Ok(dicts.into_iter().filter(|dict| !dict.is_empty()).collect())
    }
}

fn selector(value: Value<'_>) -> Option<Result<BTreeMap<String, String>, Unfit>> {
    let dict = DictRef::from_value(value)?;
    let text = |value: Value<'_>, what: &str| {
        let unfit = || Unfit::Part { place: what.to_owned(), takes: "a string", given: a_type(value) };
        value.unpack_str().map(str::to_owned).ok_or_else(unfit)
    };
    let entry =
        |(key, value): (Value<'_>, Value<'_>)| Ok((text(key, "a label")?, text(value, "the value of a label")?));
    Some(dict.iter().map(entry).collect())
}

fn checked(call: ResourceCall) -> Result<ResourceCall, Fault> {
    match (&call.workload, &call.new_name) {
        (None, None) => Err(Fault::value("`k8s_resource` does not say which resource it is about")
            .help("name a workload, or give `new_name` and `objects` to make a resource of other objects")),
        (None, Some(name)) if call.objects.is_empty() => {
            let message = format!("the new resource `{name}` has no `objects`");
            Err(Fault::value(message)
                .help(format!("name its objects, or the workload that is to be called `{name}`"))
                .at_argument("new_name"))
        }
        _ => Ok(call),
    }
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// Says more about a resource that objects of `k8s_yaml` become, or makes one of objects that no workload takes. May be
    /// called before `k8s_yaml`, and several times: lists grow, of the rest the last word holds.
    ///
    /// # Arguments
    /// * `workload`: the resource, by the name that it has then
    /// * `new_name`: what it is called from then on; without a `workload`, what the new resource is called
    /// * `port_forwards`: local ports that lead to its newest pod: `8080`, `"8080:80"`, `"HOST:8080:80"`, `port_forward(…)`
    /// * `extra_pod_selectors`: labels of pods that are its own too: a dict, or a list of dicts of which one suffices
    /// * `trigger_mode`: `TRIGGER_MODE_MANUAL` lets changes wait for the user
    /// * `resource_deps`: what must have been ready once before the first start
    /// * `objects`: objects that belong to it, each as `"name"`, `"name:kind"` or `"name:kind:namespace"`
    /// * `auto_init`: `False` keeps it from starting with the session
    /// * `pod_readiness`: `"wait"` until the newest pod is ready, or until it `"succeeded"`; `"ignore"` pods
    /// * `links`: where it can be looked at
    /// * `labels`: how it is grouped
    /// * `discovery_strategy`: `"selectors-only"` leaves pods alone that it owns and that no selector names
    /// * `autoscale`: what `autoscale(…)` gives: how many pods there are follows their load
    fn k8s_resource<'v>(
        workload: Option<Given<'v, Stringable>>,
        new_name: Option<Given<'v, Stringable>>,
        port_forwards: Option<Given<'v, PortForwards>>,
        extra_pod_selectors: Option<Given<'v, PodSelectors>>,
        trigger_mode: Option<Given<'v, TriggerKind>>,
        resource_deps: Option<Given<'v, Dependencies>>,
        objects: Option<Given<'v, TextSeq>>,
        auto_init: Option<Given<'v, Maybe<Flag>>>,
        pod_readiness: Option<Given<'v, Readiness>>,
        links: Option<Given<'v, Links>>,
        labels: Option<Given<'v, Labels>>,
        discovery_strategy: Option<Given<'v, Strategy>>,
        autoscale: Option<Given<'v, Maybe<AutoscaleKind>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let new_name = new_name.take_or_default("new_name", eval)?;
        let new_name = Some(new_name).filter(|name| !name.is_empty()).map(|name| ResourceName::parse(&name));
        let new_name =
            new_name.transpose().map_err(|invalid| Fault::value(invalid.to_string()).at_argument("new_name"))?;
        let workload = workload.take_or_default("workload", eval)?;
        let call = ResourceCall {
            site: site(eval),
            workload: Some(workload).filter(|workload| !workload.is_empty()),
            new_name,
            port_forwards: port_forwards.take_or_default("port_forwards", eval)?,
            extra_pod_selectors: extra_pod_selectors.take_or_default("extra_pod_selectors", eval)?,
            trigger_mode: trigger_mode.take_given("trigger_mode", eval)?,
            dependencies: resource_deps.take_or_default("resource_deps", eval)?,
            objects: objects.take_or_default("objects", eval)?,
            auto_init: auto_init.take_or_default("auto_init", eval)?,
            pod_readiness: pod_readiness.take_or_default("pod_readiness", eval)?,
            links: links.take_or_default("links", eval)?,
            labels: labels.take_or_default("labels", eval)?,
            discovery: discovery_strategy.take_or_default("discovery_strategy", eval)?,
            autoscale: autoscale.take_or_default("autoscale", eval)?,
        };
        context(eval).draft.borrow_mut().kube.calls.push(checked(call)?);
        Ok(NoneType)
    }
}
