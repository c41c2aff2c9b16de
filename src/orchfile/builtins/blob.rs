#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! Text that is not a string: file contents and command output, told from paths by their type.

use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    starlark_simple_value,
    values::{NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, ValueLike, starlark_value},
};
use std::fmt;

/// A text with what it came from. `str(blob)` gives the text.
#[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct Blob {
    pub(crate) text: String,
    /// What it came from, for messages: `file: a.yaml`.
    pub(crate) source: String,
}

starlark_simple_value!(Blob);

impl Blob {
    pub(crate) fn new(text: impl Into<String>, source: impl Into<String>) -> Self {
        Self { text: text.into(), source: source.into() }
    }
}

impl fmt::Display for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[starlark_value(type = "blob")]
impl<'v> StarlarkValue<'v> for Blob {
    fn to_bool(&self) -> bool {
        !self.text.is_empty()
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.downcast_ref::<Blob>().is_some_and(|other| other.text == self.text))
    }
}
