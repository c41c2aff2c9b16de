#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `link` and the kind `links`: where a resource can be looked at.

use super::unpack::{Either, Given, Kind, OneOrList, Optional, Text, Unfit, a_type, sequence};
use crate::{model::Link, orchfile::Fault};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, ValueLike, starlark_value},
};
use std::fmt;

/// What `link` gives.
#[derive(Debug, Clone, PartialEq, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct LinkValue {
    url: String,
    name: String,
}

starlark_simple_value!(LinkValue);

impl fmt::Display for LinkValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link(name = {:?}, url = {:?})", self.name, self.url)
    }
}

#[starlark_value(type = "link")]
impl<'v> StarlarkValue<'v> for LinkValue {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        match attribute {
            "url" => Some(heap.alloc(self.url.as_str())),
            "name" => Some(heap.alloc(self.name.as_str())),
            _ => None,
        }
    }

    fn dir_attr(&self) -> Vec<String> {
        vec!["name".to_owned(), "url".to_owned()]
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(other.downcast_ref::<LinkValue>() == Some(self))
    }
}

/// Links: an address, a `link`, or several of those; None is none.
pub(crate) enum Links {}

impl Kind for Links {
    type Out = Vec<Link>;
    type Shown = OneOrList<Either<String, &'static LinkValue>>;
    const TAKES: &'static str = "an address (a string), a link, or a list of those";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Vec<Link>, Unfit> {
        if value.is_none() {
            return Ok(Vec::new());
        }
        if let Some(link) = link(value) {
            return Ok(vec![link?]);
        }
        let items = sequence(value, heap).ok_or(Unfit::Type)?;
        let item = |(index, item): (usize, Value<'v>)| {
            let (place, takes, given) = (format!("item {}", index + 1), "an address or a link", a_type(item));
            link(item).unwrap_or(Err(Unfit::Part { place, takes, given }))
        };
        items.into_iter().enumerate().map(item).collect()
    }
}

fn link(value: Value<'_>) -> Option<Result<Link, Unfit>> {
    if let Some(link) = value.downcast_ref::<LinkValue>() {
        return Some(Ok(Link { url: link.url.clone(), name: link.name.clone() }));
    }
    let url = normalize(value.unpack_str()?).map_err(|message| Unfit::Content(message, None));
    Some(url.map(|url| Link { url, name: String::new() }))
}

/// The address as it is opened: with `http://` where no scheme is given, as Tilt reads it; `localhost:8080` counts as one with
/// the scheme `localhost` and stays as it is.
fn normalize(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("a link needs an address, and an empty one was given".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err(format!("the address `{}` holds a control character", text.escape_debug()));
    }
    if let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
        return Ok(format!("{}:{rest}", scheme.to_ascii_lowercase()));
    }
    if text.split('/').next().is_some_and(|first| first.contains(':')) {
        return Err(format!("the address `{text}` has no scheme; write `http://{text}`"));
    }
    Ok(format!("http://{text}"))
}

fn is_scheme(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_inner)
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// An address with a name, for the parameter `links` of a resource. An address without a scheme gets `http://`.
    ///
    /// # Arguments
    /// * `url`: the address
    /// * `name`: what is shown for it
    fn link<'v>(
        url: Given<'v, Text>,
        name: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<LinkValue> {
        let url = normalize(&url.take("url", eval)?).map_err(|message| Fault::value(message).at_argument("url"))?;
        Ok(LinkValue { url, name: name.take_or_default("name", eval)? })
    }
}
