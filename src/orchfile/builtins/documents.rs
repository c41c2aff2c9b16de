//! JSON and YAML: `read_*`, `decode_*`, `encode_*`.

use super::{
    blob::Blob,
    files::read_text,
    json,
    tree::Tree,
    unpack::{Given, PathText, Stringable, a_type},
    yaml, yaml_print,
};
use crate::{
    model::FilePath,
    orchfile::{
        Fault,
        context::{context, resolve_path},
        text::{OffsetMap, Site, SourceText},
    },
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Value, list::ListRef},
};
use std::sync::Arc;

/// The file that a text was read from.
struct File {
    given: String,
    path: FilePath,
    name: String,
}

/// What is wrong with a text, at its line where that is known.
fn invalid(language: &str, text: &str, file: Option<&File>, line: Option<usize>, reason: &str) -> Fault {
    let place = file.map(|file| format!(" `{}`", file.name)).unwrap_or_default();
    let fault = Fault::new("orchfile::invalid_document", format!("the {language}{place} is not valid: {reason}"));
    let Some(file) = file else { return fault };
    let label = line.filter(|line| *line > 0).map(|line| {
        let (path, name) = (Some(file.path.clone()), file.name.clone());
        let source = Arc::new(SourceText::new(path, name, text.to_owned(), OffsetMap::default()));
        Site { range: source.line_range(line), source }.label("here")
    });
    fault.further(label).at_literal(&file.given)
}

fn documents(text: &str, file: Option<&File>) -> Result<Vec<Tree>, Fault> {
    let documents = yaml::parse_documents(text).map_err(|found| {
        let reason = format!("line {}: {}", found.line, found.reason);
        invalid("YAML", text, file, Some(found.line), &reason)
    })?;
    Ok(documents.into_iter().map(|document| document.tree).collect())
}

fn one_document(text: &str, file: Option<&File>) -> Result<Tree, Fault> {
    let mut documents = documents(text, file)?;
    if documents.len() > 1 {
        let name = if file.is_some() { "read_yaml_stream" } else { "decode_yaml_stream" };
        let message = format!("there are {} YAML documents, and one was expected", documents.len());
        return Err(Fault::new("orchfile::invalid_document", message).help(format!("use `{name}`")));
    }
    Ok(documents.pop().unwrap_or(Tree::Null))
}

fn stream(text: &str, file: Option<&File>) -> Result<Tree, Fault> {
    documents(text, file).map(Tree::List)
}

/// Reads a file and what it says, or gives the default when it is not there.
fn read<'v>(
    paths: Given<'v, PathText>,
    default: Option<Value<'v>>,
    eval: &mut Evaluator<'v, '_, '_>,
    parse: impl Fn(&str, Option<&File>) -> Result<Tree, Fault>,
) -> Result<Value<'v>, Fault> {
    let given = paths.take("paths", eval)?;
    let Some(text) = read_text(&given, default.is_some(), eval)? else {
        return Ok(default.unwrap_or_else(Value::new_none));
    };
    let path = resolve_path(eval, &given);
    let name = context(eval).display(&path);
    Ok(parse(&text, Some(&File { given, path, name }))?.alloc(eval.heap()))
}

fn tree_of(value: Value<'_>) -> Result<Tree, Fault> {
    let help = "convert it first: `list(…)` of a tuple or set, `str(…)` of a blob, a dict instead of a struct";
    Tree::of_value(value).map_err(|reason| Fault::value(reason).help(help))
}

fn parse_json(text: &str, file: Option<&File>) -> Result<Tree, Fault> {
    json::parse(text).map_err(|reason| invalid("JSON", text, file, json::invalid_line(text), &reason))
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// What a JSON file says. The Orchfile is evaluated again when the file changes.
    ///
    /// # Arguments
    /// * `paths`: the file
    /// * `default`: what is given when there is no such file; an error where not given
    fn read_json<'v>(
        paths: Given<'v, PathText>,
        default: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        Ok(read(paths, default, eval, parse_json)?)
    }

    /// What a YAML file with one document says; None when it is empty. The Orchfile is evaluated again when the file changes.
    ///
    /// # Arguments
    /// * `paths`: the file
    /// * `default`: what is given when there is no such file; an error where not given
    fn read_yaml<'v>(
        paths: Given<'v, PathText>,
        default: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        Ok(read(paths, default, eval, one_document)?)
    }

    /// The documents of a YAML file, without empty ones. The Orchfile is evaluated again when the file changes.
    ///
    /// # Arguments
    /// * `paths`: the file
    /// * `default`: what is given when there is no such file; an error where not given
    fn read_yaml_stream<'v>(
        paths: Given<'v, PathText>,
        default: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let unfit = default.filter(|default| !default.is_none() && ListRef::from_value(*default).is_none());
        if let Some(unfit) = unfit {
            let message = format!("`default` takes a list, not {}", a_type(unfit));
            return Err(Fault::value(message).at_argument("default").into());
        }
        Ok(read(paths, default, eval, stream)?)
    }

    /// What a JSON text says. A number is a float when it has a `.`.
    fn decode_json<'v>(json: Given<'v, Stringable>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        Ok(parse_json(&json.take("json", eval)?, None)?.alloc(eval.heap()))
    }

    /// What a YAML text with one document says; None when it is empty.
    fn decode_yaml<'v>(yaml: Given<'v, Stringable>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        Ok(one_document(&yaml.take("yaml", eval)?, None)?.alloc(eval.heap()))
    }

    /// The documents of a YAML text, without empty ones.
    fn decode_yaml_stream<'v>(
        yaml: Given<'v, Stringable>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        Ok(stream(&yaml.take("yaml", eval)?, None)?.alloc(eval.heap()))
    }

    /// A value as JSON, with sorted keys, indented by two spaces.
    fn encode_json<'v>(obj: Value<'v>) -> starlark::Result<String> {
        Ok(json::print(&tree_of(obj)?))
    }

    /// A value as YAML, with sorted keys.
    fn encode_yaml<'v>(obj: Value<'v>) -> starlark::Result<Blob> {
        Ok(Blob::new(yaml_print::print(&tree_of(obj)?), "encode_yaml"))
    }

    /// Values as a stream of YAML documents.
    fn encode_yaml_stream<'v>(objs: Value<'v>) -> starlark::Result<Blob> {
        let Tree::List(trees) = tree_of(objs)? else {
            let message = format!("`objs` takes a list, not {}", a_type(objs));
            return Err(Fault::value(message).at_argument("objs").into());
        };
        Ok(Blob::new(yaml_print::print_stream(&trees), "encode_yaml_stream"))
    }
}
