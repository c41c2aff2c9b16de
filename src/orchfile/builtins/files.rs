//! Reading and watching files: `read_file`, `watch_file`, `listdir`, `blob`.

use super::{
    blob::Blob,
    unpack::{Flag, Given, Maybe, Optional, PathText, Text, a_type},
};
use crate::{
    model::FilePath,
    orchfile::{
        EntryKind, Fault,
        context::{context, resolve_path},
    },
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Value, none::NoneType},
};
use std::io;

/// Reads a file as text, and watches it; `None` when it is not there and need not be.
///
/// # Errors
/// Says why it cannot be read.
pub(crate) fn read_text(path: &str, may_miss: bool, eval: &Evaluator<'_, '_, '_>) -> Result<Option<String>, Fault> {
    let file = resolve_path(eval, path);
    match context(eval).read(&file) {
        Ok(bytes) => Ok(Some(
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        )),
        Err(error) if may_miss && error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&context(eval).display(&file), &error).at_literal(path)),
    }
}

fn unreadable(name: &str, error: &io::Error) -> Fault {
    let fault = |message: String| Fault::new("orchfile::unreadable_file", message);
    match error.kind() {
        io::ErrorKind::NotFound => Fault::new("orchfile::missing_file", format!("there is no file `{name}`")).help(
            "a path begins in the folder of the file that calls; `default=` says what to take when it is not there",
        ),
        io::ErrorKind::IsADirectory => fault(format!("`{name}` is a folder, not a file")),
        io::ErrorKind::PermissionDenied => fault(format!("`{name}` may not be read")),
        io::ErrorKind::FileTooLarge => fault(format!("`{name}` is too large")),
        _ => fault(format!("`{name}` cannot be read: {error}")),
    }
}

fn files_in(folder: &FilePath, recursive: bool, eval: &Evaluator<'_, '_, '_>) -> Result<Vec<String>, Fault> {
    match context(eval).list(folder, recursive) {
        Ok(entries) => {
            let files = entries.into_iter().filter(|entry| entry.kind != EntryKind::Folder);
            Ok(files.map(|entry| entry.path.to_string()).collect())
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => {
            let message = format!("the folder `{}` cannot be listed: {error}", context(eval).display(folder));
            Err(Fault::new("orchfile::unreadable_file", message))
        }
    }
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// The text of a file, as a blob. The Orchfile is evaluated again when the file changes.
    ///
    /// # Arguments
    /// * `paths`: the file
    /// * `default`: what to give when there is no such file
    fn read_file<'v>(
        paths: Given<'v, PathText>,
        default: Option<Given<'v, Maybe<Text>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Blob> {
        let path = paths.take("paths", eval)?;
        let default = default.take_or_default("default", eval)?;
        let text = read_text(&path, default.is_some(), eval)?.or(default).unwrap_or_default();
        Ok(Blob::new(text, format!("file: {path}")))
    }

    /// Evaluates the Orchfile again when this file, or anything below this folder, changes.
    fn watch_file<'v>(paths: Given<'v, PathText>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        let path = resolve_path(eval, &paths.take("paths", eval)?);
        context(eval).watch(path);
        Ok(NoneType)
    }

    /// The files in a folder, as absolute paths, sorted; folders are left out. None when there is no such folder.
    ///
    /// # Arguments
    /// * `dir`: the folder
    /// * `recursive`: whether to list and watch all that is below it
    fn listdir<'v>(
        dir: Given<'v, PathText>,
        recursive: Option<Given<'v, Flag>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Vec<String>> {
        let folder = resolve_path(eval, &dir.take("dir", eval)?);
        let recursive = recursive.take_or_default("recursive", eval)?;
        let files = files_in(&folder, recursive, eval)?;
        if recursive {
            context(eval).watch(folder);
        }
        Ok(files)
    }

    /// A text that is content, not a path.
    fn blob<'v>(input: Value<'v>) -> starlark::Result<Blob> {
        let text = input.unpack_str().ok_or_else(|| {
            Fault::value(format!("`input` takes a string, not {}", a_type(input))).at_argument("input")
        })?;
        Ok(Blob::new(text, "a blob"))
    }
}
