//! What `docker_compose` takes for its files.

use crate::orchfile::builtins::{
    blob::Blob,
    json,
    tree::Tree,
    unpack::{Either, Kind, OneOrList, Unfit, a_type, list_or_tuple, path},
};
use starlark::values::{Heap, Value, ValueLike, dict::DictRef};

/// One compose file, as it is given.
#[derive(Debug)]
pub(super) enum Argument {
    /// Its path.
    Path(String),
    /// What it says.
    Text(String),
}

/// A path, a blob, a dict, or a list of those; at least one.
pub(super) enum ComposeFiles {}

impl Kind for ComposeFiles {
    type Out = Vec<Argument>;
    type Shown = OneOrList<Either<String, &'static Blob>>;
    const TAKES: &'static str = "a path, a blob, a dict, or a list of those";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Vec<Argument>, Unfit> {
        let files = match argument(value)? {
            Some(file) => vec![file],
            None if value.is_none() => Vec::new(),
            None => {
                let items = list_or_tuple(value).ok_or(Unfit::Type)?;
                items.into_iter().enumerate().map(item).collect::<Result<_, _>>()?
            }
        };
        if files.is_empty() {
            let help = "name a compose file, such as `docker_compose(\"compose.yaml\")`".to_owned();
            return Err(Unfit::Content("there is no compose file to read".to_owned(), Some(help)));
        }
        Ok(files)
    }
}

fn item((index, item): (usize, Value<'_>)) -> Result<Argument, Unfit> {
    let place = format!("item {}", index + 1);
    argument(item)?.ok_or_else(|| Unfit::Part { place, takes: "a path, a blob or a dict", given: a_type(item) })
}

fn argument(value: Value<'_>) -> Result<Option<Argument>, Unfit> {
    if let Some(path) = path(value) {
        return Ok(Some(Argument::Path(path)));
    }
    if let Some(blob) = value.downcast_ref::<Blob>() {
        return Ok(Some(Argument::Text(blob.text.clone())));
    }
    if DictRef::from_value(value).is_none() {
        return Ok(None);
    }
    let unfit = |reason| Unfit::Content(format!("the dict is no compose file: {reason}"), None);
    Tree::of_value(value).map(|tree| Some(Argument::Text(json::print(&tree)))).map_err(unfit)
}
