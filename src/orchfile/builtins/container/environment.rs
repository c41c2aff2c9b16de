//! What a container finds in its environment.

use crate::orchfile::{
    builtins::unpack::{Kind, TextDict, Unfit, each, list_or_tuple},
    context::context,
};
use starlark::{
    collections::SmallMap,
    eval::Evaluator,
    values::{Heap, Value, list::UnpackList},
};
use std::collections::BTreeMap;

/// A dict, or a list of `NAME=VALUE` and `NAME`; None is none.
pub(super) enum Environment {}

impl Kind for Environment {
    /// `None` is taken from the environment.
    type Out = BTreeMap<String, Option<String>>;
    type Shown = super::super::unpack::Either<SmallMap<String, String>, UnpackList<String>>;
    const TAKES: &'static str = "a dict of strings, or a list of \"NAME=VALUE\"";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        let Some(items) = list_or_tuple(value) else {
            let pairs = TextDict::take(value, heap)?;
            return pairs.into_iter().map(|(name, value)| named(&name).map(|()| (name, Some(value)))).collect();
        };
        let lines = each(items, "a string", |item| item.unpack_str().map(str::to_owned))?;
        let pair = |line: &String| {
            let (name, value) = line.split_once('=').map_or((line.as_str(), None), |(name, value)| (name, Some(value)));
            named(name).map(|()| (name.to_owned(), value.map(str::to_owned)))
        };
        lines.iter().map(pair).collect()
    }
}

fn named(name: &str) -> Result<(), Unfit> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(Unfit::Content(format!("`{name}` cannot be the name of an environment variable"), None));
    }
    Ok(())
}

/// The values, with those that the environment gives; what it does not have is left out.
pub(super) fn complete(
    given: BTreeMap<String, Option<String>>,
    eval: &Evaluator<'_, '_, '_>,
) -> BTreeMap<String, String> {
    let value = |(name, value): (String, Option<String>)| {
        let value = value.or_else(|| context(eval).env(&name))?;
        Some((name, value))
    };
    given.into_iter().filter_map(value).collect()
}
