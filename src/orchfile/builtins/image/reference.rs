//! The kinds of arguments that name images.

use crate::{
    model::ImageRef,
    orchfile::builtins::unpack::{Kind, OneOrList, Text, TextOrList, TextSeq, Unfit},
};
use starlark::values::{Heap, Value, list::UnpackList};

/// The name of an image, which may have a tag.
pub(crate) enum Reference {}

impl Kind for Reference {
    type Out = ImageRef;
    type Shown = String;
    const TAKES: &'static str = "the name of an image (a string)";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<ImageRef, Unfit> {
        parse(&Text::take(value, heap)?)
    }
}

/// A name, or several; None is none. They are checked and kept as they are written.
pub(crate) enum References {}

impl Kind for References {
    type Out = Vec<String>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "the name of an image or a list of names";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Vec<String>, Unfit> {
        let names = TextOrList::take(value, heap)?;
        names.iter().try_for_each(|name| parse(name).map(drop))?;
        Ok(names)
    }
}

/// Names in a list.
pub(crate) enum ReferenceSeq {}

impl Kind for ReferenceSeq {
    type Out = Vec<ImageRef>;
    type Shown = UnpackList<String>;
    const TAKES: &'static str = "a list of names of images";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Vec<ImageRef>, Unfit> {
        TextSeq::take(value, heap)?.iter().map(|name| parse(name)).collect()
    }
}

fn parse(text: &str) -> Result<ImageRef, Unfit> {
    ImageRef::parse(text).map_err(|invalid| {
        let lower = text.to_lowercase();
        let help = if text.starts_with(['.', '/']) {
            Some("it looks like a path: the name of the image comes first, then the folder".to_owned())
        } else if lower != text && ImageRef::parse(&lower).is_ok() {
            Some(format!("write `{lower}`"))
        } else {
            None
        };
        Unfit::Content(format!("`{text}` cannot be the name of an image: {invalid}"), help)
    })
}
