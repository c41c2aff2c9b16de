#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `module`: names under one name, as an extension gathers its functions. They cannot be changed.

use super::unpack::{Given, Text};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    coerce::Coerce,
    collections::SmallMap,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_complex_value, starlark_module,
    values::{
        Freeze, Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Trace, Value, ValueLifetimeless, ValueLike,
        starlark_value,
    },
};
use std::fmt;

/// What `module` gives.
#[derive(Debug, Clone, Trace, Coerce, Freeze, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
#[repr(C)]
pub(crate) struct NamedModuleGen<V: ValueLifetimeless> {
    name: String,
    members: SmallMap<String, V>,
}

starlark_complex_value!(pub(crate) NamedModule);

impl<V: ValueLifetimeless> fmt::Display for NamedModuleGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<module {:?}>", self.name)
    }
}

#[starlark_value(type = "module")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for NamedModuleGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    fn get_attr(&self, attribute: &str, _heap: Heap<'v>) -> Option<Value<'v>> {
        self.members.get(attribute).map(|value| value.to_value())
    }

    fn dir_attr(&self) -> Vec<String> {
        let mut names: Vec<_> = self.members.keys().cloned().collect();
        names.sort();
        names
    }
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// Values under one name, as attributes.
    fn module<'v>(
        name: Given<'v, Text>,
        #[starlark(kwargs)] members: SmallMap<String, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NamedModule<'v>> {
        Ok(NamedModuleGen { name: name.take("name", eval)?, members })
    }
}
