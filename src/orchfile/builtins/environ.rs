#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `os.environ`: the environment as a mapping that is always up to date.

#![expect(clippy::unnecessary_wraps, reason = "the signatures are those of the language")]

use super::unpack::{a_type, stringable};
use crate::orchfile::{Fault, environment::Environment};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    collections::SmallMap,
    environment::{Methods, MethodsBuilder},
    starlark_module, starlark_simple_value,
    values::{
        Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, dict::DictRef, list::AllocList, none::NoneType,
        starlark_value,
    },
};
use std::fmt;

/// The live environment.
#[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct Environ(#[allocative(skip)] pub(crate) Environment);

starlark_simple_value!(Environ);
starlark::methods_static!(METHODS = methods);

impl fmt::Display for Environ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.all().iter().map(|(name, value)| format!("{name:?}: {value:?}")).collect();
        write!(f, "environ({{{}}})", parts.join(", "))
    }
}

fn text(what: &str, value: Value<'_>) -> Result<String, Fault> {
    let help = if value.is_none() { "use `os.unsetenv`" } else { "write `str(…)` around it" };
    let unfit =
        || Fault::value(format!("{what} of an environment variable is a string, not {}", a_type(value))).help(help);
    stringable(value).ok_or_else(unfit)
}

fn missing(name: &str) -> Fault {
    let help = format!("write `os.getenv({name:?}, …)` with what to take when it is not set");
    Fault::new("orchfile::missing_variable", format!("the environment variable `{name}` is not set")).help(help)
}

#[starlark_value(type = "environ")]
impl<'v> StarlarkValue<'v> for Environ {
    fn get_methods() -> Option<&'static Methods> {
        Some(METHODS.methods())
    }

    fn to_bool(&self) -> bool {
        !self.0.all().is_empty()
    }

    fn length(&self) -> starlark::Result<i32> {
        Ok(i32::try_from(self.0.all().len()).unwrap_or(i32::MAX))
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let name = text("the name", index)?;
        Ok(self.0.get(&name).map(|value| heap.alloc(value)).ok_or_else(|| missing(&name).at_literal(&name))?)
    }

    fn set_at(&self, index: Value<'v>, value: Value<'v>) -> starlark::Result<()> {
        self.0.set(&text("the name", index)?, Some(text("the value", value)?));
        Ok(())
    }

    fn is_in(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.unpack_str().is_some_and(|name| self.0.get(name).is_some()))
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        Ok(self.0.all().into_keys().map(|name| heap.alloc(name)).collect())
    }
}

#[starlark_module]
fn methods(builder: &mut MethodsBuilder) {
    /// The value of a variable, or `default`.
    fn get<'v>(
        this: &Environ,
        key: Value<'v>,
        default: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let value = this.0.get(&text("the name", key)?);
        Ok(value.map(|value| heap.alloc(value)).or(default).unwrap_or_else(Value::new_none))
    }

    /// The names of all variables.
    fn keys<'v>(this: &Environ, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(AllocList(this.0.all().into_keys())))
    }

    /// The values of all variables, in the order of their names.
    fn values<'v>(this: &Environ, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(AllocList(this.0.all().into_values())))
    }

    /// All variables as pairs.
    fn items<'v>(this: &Environ, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(AllocList(this.0.all())))
    }

    /// Removes a variable and gives its value, or `default` when it is not set.
    fn pop<'v>(
        this: &Environ,
        key: Value<'v>,
        default: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let name = text("the name", key)?;
        let Some(value) = this.0.get(&name) else { return Ok(default.ok_or_else(|| missing(&name))?) };
        this.0.set(&name, None);
        Ok(heap.alloc(value))
    }

    /// Removes the first variable and gives its name and value.
    fn popitem<'v>(this: &Environ, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let first = this.0.all().pop_first().ok_or_else(|| Fault::value("the environment is empty"))?;
        this.0.set(&first.0, None);
        Ok(heap.alloc(first))
    }

    /// The value of a variable; sets it to `default` first when it is not set.
    fn setdefault<'v>(
        this: &Environ,
        key: Value<'v>,
        default: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let name = text("the name", key)?;
        if let Some(value) = this.0.get(&name) {
            return Ok(heap.alloc(value));
        }
        let value = text("the value", default.unwrap_or_else(Value::new_none))?;
        this.0.set(&name, Some(value.clone()));
        Ok(heap.alloc(value))
    }

    /// Sets several variables: those of a dict, and keyword arguments.
    fn update<'v>(
        this: &Environ,
        #[starlark(require = pos)] pairs: Option<Value<'v>>,
        #[starlark(kwargs)] kwargs: SmallMap<String, Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<NoneType> {
        let mut entries = Vec::new();
        if let Some(dict) = pairs.and_then(DictRef::from_value) {
            entries.extend(dict.iter());
        } else if let Some(pairs) = pairs {
            for pair in pairs.iterate(heap)? {
                let parts: Vec<_> = pair.iterate(heap)?.collect();
                let [name, value] = parts[..] else {
                    return Err(Fault::value("`update` takes a dict, or a list of pairs").into());
                };
                entries.push((name, value));
            }
        }
        entries.extend(kwargs.into_iter().map(|(name, value)| (heap.alloc(name), value)));
        for (name, value) in entries {
            this.0.set(&text("the name", name)?, Some(text("the value", value)?));
        }
        Ok(NoneType)
    }

    /// Removes all variables.
    fn clear(this: &Environ) -> starlark::Result<NoneType> {
        this.0.all().keys().for_each(|name| this.0.set(name, None));
        Ok(NoneType)
    }
}
