#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `dep` and the kind of `resource_deps`: what a resource first waits for.

use super::unpack::{Either, Given, Kind, Optional, Text, Unfit, a_type, sequence};
use crate::{
    model::Condition,
    orchfile::{Fault, draft::DraftDependency},
};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{
        Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, ValueLike, list::UnpackList, starlark_value,
    },
};
use std::fmt;

const CONDITIONS: [(&str, Condition); 3] =
    [("started", Condition::Started), ("ready", Condition::Ready), ("succeeded", Condition::Succeeded)];

/// What `dep` gives.
#[derive(Debug, Clone, PartialEq, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct DependencyValue {
    on: String,
    #[allocative(skip)]
    condition: Condition,
}

starlark_simple_value!(DependencyValue);

impl DependencyValue {
    fn condition_name(&self) -> &'static str {
        CONDITIONS.iter().find(|(_, condition)| *condition == self.condition).map_or("ready", |(name, _)| name)
    }
}

impl fmt::Display for DependencyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dep({:?}, condition = {:?})", self.on, self.condition_name())
    }
}

#[starlark_value(type = "dep")]
impl<'v> StarlarkValue<'v> for DependencyValue {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        match attribute {
            "name" => Some(heap.alloc(self.on.as_str())),
            "condition" => Some(heap.alloc(self.condition_name())),
            _ => None,
        }
    }

    fn dir_attr(&self) -> Vec<String> {
        vec!["condition".to_owned(), "name".to_owned()]
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.downcast_ref::<Self>() == Some(self))
    }
}

/// Names of resources and what `dep` gives.
pub(crate) enum Dependencies {}

impl Kind for Dependencies {
    type Out = Vec<DraftDependency>;
    type Shown = UnpackList<Either<String, &'static DependencyValue>>;
    const TAKES: &'static str = "a list of names of resources";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        let items = sequence(value, heap).ok_or(Unfit::Type)?;
        let item = |(index, item): (usize, Value<'v>)| {
            let (place, takes, given) = (format!("item {}", index + 1), "a name, or what `dep(…)` gives", a_type(item));
            dependency(item).ok_or(Unfit::Part { place, takes, given })
        };
        items.into_iter().enumerate().map(item).collect()
    }
}

fn dependency(value: Value<'_>) -> Option<DraftDependency> {
    if let Some(given) = value.downcast_ref::<DependencyValue>() {
        return Some(DraftDependency { on: given.on.clone(), condition: given.condition });
    }
    value.unpack_str().map(|name| DraftDependency { on: name.to_owned(), condition: Condition::Ready })
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// A dependency with what is waited for, in `resource_deps`.
    ///
    /// # Arguments
    /// * `name`: the resource that is waited for
    /// * `condition`: `"ready"`, as for a bare name; `"started"`, when its first run has begun; `"succeeded"`, when its command
    ///   succeeded, or its server ended with exit code 0
    fn dep<'v>(
        name: Given<'v, Text>,
        condition: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<DependencyValue> {
        let on = name.take("name", eval)?;
        let Some(named) = condition.take_given("condition", eval)? else {
            return Ok(DependencyValue { on, condition: Condition::Ready });
        };
        let known = CONDITIONS.iter().find(|(name, _)| *name == named);
        let unknown = || {
            Fault::value(format!("`{named}` is no condition"))
                .help("use \"started\", \"ready\" or \"succeeded\"")
                .at_argument("condition")
        };
        Ok(DependencyValue { on, condition: known.ok_or_else(unknown)?.1 })
    }
}
