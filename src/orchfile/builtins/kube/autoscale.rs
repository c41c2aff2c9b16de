#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `autoscale`: how many pods of a workload there are follows their load. An addition of orch.

use super::super::unpack::{Given, Integer, Kind, Maybe, Optional, Unfit};
use crate::{
    model::KubeObject,
    orchfile::{Fault, draft::Autoscale},
};
use allocative::Allocative;
use serde_json::json;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, ValueLike, starlark_value},
};
use std::fmt;

/// What is aimed at where nothing is said: percent of what pods ask for.
const CPU_DEFAULT: u32 = 80;

/// What `autoscale` gives.
#[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct AutoscaleValue(#[allocative(skip)] Autoscale);

starlark_simple_value!(AutoscaleValue);

impl fmt::Display for AutoscaleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "autoscale({}, {})", self.0.min, self.0.max)
    }
}

#[expect(clippy::elidable_lifetime_names, reason = "the macro wants the name")]
#[starlark_value(type = "autoscale")]
impl<'v> StarlarkValue<'v> for AutoscaleValue {}

/// What `autoscale` gives.
pub(super) enum AutoscaleKind {}

impl Kind for AutoscaleKind {
    type Out = Autoscale;
    type Shown = &'static AutoscaleValue;
    const TAKES: &'static str = "what `autoscale(…)` gives";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Autoscale, Unfit> {
        value.downcast_ref::<AutoscaleValue>().map(|value| value.0).ok_or(Unfit::Type)
    }
}

impl Autoscale {
    /// The object that scales a workload.
    pub(super) fn object(self, workload: &KubeObject) -> KubeObject {
        let metric = |name: &str, percent: u32| {
            let target = json!({ "type": "Utilization", "averageUtilization": percent });
            json!({ "type": "Resource", "resource": { "name": name, "target": target } })
        };
        let metrics: Vec<_> = [("cpu", self.cpu), ("memory", self.memory)]
            .into_iter()
            .filter_map(|(name, percent)| Some(metric(name, percent?)))
            .collect();
        let mut metadata = json!({ "name": workload.name });
        if let Some(namespace) = &workload.namespace {
            metadata["namespace"] = json!(namespace);
        }
        let scaled = json!({ "apiVersion": workload.api_version, "kind": workload.kind, "name": workload.name });
        let (api_version, kind) = ("autoscaling/v2", "HorizontalPodAutoscaler");
        KubeObject {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            name: workload.name.clone(),
            namespace: workload.namespace.clone(),
            value: json!({
                "apiVersion": api_version,
                "kind": kind,
                "metadata": metadata,
                "spec": {
                    "maxReplicas": self.max, "metrics": metrics, "minReplicas": self.min, "scaleTargetRef": scaled,
                },
            }),
            images: Vec::new(),
            declared_at: workload.declared_at.clone(),
        }
    }
}

/// Whether objects of a kind can be scaled.
pub(super) fn can_be_scaled(object: &KubeObject) -> bool {
    object.group() == "apps" && matches!(object.kind.as_str(), "Deployment" | "StatefulSet" | "ReplicaSet")
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// For `k8s_resource(autoscale=)`: between how many pods a workload has, by their load. A `HorizontalPodAutoscaler` is made
    /// beside it, and `replicas` of the workload is left to that.
    ///
    /// # Arguments
    /// * `min`: at least so many pods
    /// * `max`: at most so many
    /// * `cpu`: the load that is aimed at, in percent of the CPU that pods request; 80 where neither this nor `memory` is given
    /// * `memory`: the same for memory
    fn autoscale<'v>(
        min: Given<'v, Integer>,
        max: Given<'v, Integer>,
        cpu: Option<Given<'v, Maybe<Integer>>>,
        memory: Option<Given<'v, Maybe<Integer>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<AutoscaleValue> {
        let number = |number: i64, name: &str| {
            let invalid = || Fault::value(format!("`{name}` must be at least 1, and is {number}")).at_argument(name);
            u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(invalid)
        };
        let (min, max) = (number(min.take("min", eval)?, "min")?, number(max.take("max", eval)?, "max")?);
        if max < min {
            return Err(Fault::value(format!("`max` is {max}, and `min` is {min}")).at_argument("max").into());
        }
        let cpu = cpu.take_or_default("cpu", eval)?.map(|percent| number(percent, "cpu")).transpose()?;
        let memory = memory.take_or_default("memory", eval)?.map(|percent| number(percent, "memory")).transpose()?;
        let cpu = if cpu.is_none() && memory.is_none() { Some(CPU_DEFAULT) } else { cpu };
        Ok(AutoscaleValue(Autoscale { min, max, cpu, memory }))
    }
}
