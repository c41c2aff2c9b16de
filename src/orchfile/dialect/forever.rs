//! What a rewritten `while` walks over: a value that never ends.

#![expect(clippy::unnecessary_wraps, reason = "a builtin gives a result")]
#![expect(unsafe_code, reason = "the interpreter's iteration protocol; there is no state that could be wrong")]

use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    starlark_module, starlark_simple_value,
    values::{Heap, NoSerialize, StarlarkPagable, StarlarkValue, Value, starlark_value},
};
use std::fmt;

/// Yields `None` for ever.
#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagable, Allocative)]
struct Forever;
starlark_simple_value!(Forever);

impl fmt::Display for Forever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("forever")
    }
}

#[starlark_value(type = "forever")]
impl<'v> StarlarkValue<'v> for Forever {
    unsafe fn iterate(&self, me: Value<'v>, _heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(me)
    }

    unsafe fn iter_next(&self, _index: usize, _heap: Heap<'v>) -> Option<Value<'v>> {
        Some(Value::new_none())
    }

    unsafe fn iter_stop(&self) {}
}

/// Adds `__orch_forever`.
#[starlark_module]
pub(in crate::orchfile) fn register(globals: &mut GlobalsBuilder) {
    fn __orch_forever() -> anyhow::Result<Forever> {
        Ok(Forever)
    }
}
