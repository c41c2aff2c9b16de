//! Commands of containers: words, never for a shell of this machine.

use crate::orchfile::builtins::{
    shlex,
    unpack::{Kind, OneOrList, Unfit, each, list_or_tuple},
};
use starlark::values::{Heap, Value};

/// A command: a string that is split into words, or the words. None is the image's.
pub(super) enum Words {}

impl Kind for Words {
    type Out = Option<Vec<String>>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "a command: a string, or a list of strings";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        if value.is_none() {
            return Ok(None);
        }
        let Some(text) = value.unpack_str() else {
            let text = |item: Value<'v>| item.unpack_str().map(str::to_owned);
            return each(list_or_tuple(value).ok_or(Unfit::Type)?, "a string", text).map(Some);
        };
        let words = shlex::split(text).ok_or_else(|| {
            let help = "close it, or give a list of program and arguments";
            Unfit::Content(format!("a quote in the command `{text}` is not closed"), Some(help.to_owned()))
        })?;
        Ok(Some(words).filter(|words| !words.is_empty()))
    }
}
