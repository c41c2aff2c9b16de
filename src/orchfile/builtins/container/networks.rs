//! Networks that a container joins.

use crate::{
    model::NetworkUse,
    orchfile::builtins::unpack::{Either, Kind, OneOrList, TextOrList, Unfit},
};
use starlark::{
    collections::SmallMap,
    values::{Heap, Value, dict::DictRef},
};

/// A name, names, or a dict from names to what else the container is called there; None is none.
pub(super) enum Networks {}

impl Kind for Networks {
    type Out = Vec<NetworkUse>;
    type Shown = Either<OneOrList<String>, SmallMap<String, OneOrList<String>>>;
    const TAKES: &'static str = "a network, a list of networks, or a dict from networks to further names there";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        let pairs: Vec<(String, Vec<String>)> = match DictRef::from_value(value) {
            None => TextOrList::take(value, heap)?.into_iter().map(|name| (name, Vec::new())).collect(),
            Some(dict) => dict
                .iter()
                .map(|(name, aliases)| {
                    let name = name.unpack_str().ok_or(Unfit::Type)?;
                    Ok((name.to_owned(), TextOrList::take(aliases, heap)?))
                })
                .collect::<Result<_, Unfit>>()?,
        };
        let mut networks: Vec<NetworkUse> = Vec::new();
        for (name, aliases) in pairs {
            if !is_name(&name) {
                let advice = "use letters, digits, `_`, `.` and `-`, with a letter or digit first";
                return Err(Unfit::Content(format!("`{name}` cannot be a network"), Some(advice.to_owned())));
            }
            if networks.iter().any(|network| network.name == name) {
                return Err(Unfit::Content(format!("the network `{name}` is named twice"), None));
            }
            networks.push(NetworkUse { name, aliases });
        }
        Ok(networks)
    }
}

fn is_name(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_inner)
}
