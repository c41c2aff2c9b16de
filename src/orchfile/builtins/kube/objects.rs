//! YAML to objects: files, texts, lists of both.

use super::{
    super::{
        blob::Blob,
        tree::Tree,
        unpack::{Either, Kind, OneOrList, Unfit, a_type, path, sequence},
        yaml::{self, Document},
        yaml_place::Step,
    },
    place::{ObjectPlace, line_site},
    shape::{self, Wrong},
};
use crate::{
    model::{KubeObject, Location},
    orchfile::{
        Fault,
        context::{context, resolve_path},
        text::{OffsetMap, SourceText},
    },
};
use serde_json::{Map, Number, Value as Json};
use starlark::{
    eval::Evaluator,
    values::{Heap, Value, ValueLike},
};
use std::{io, sync::Arc};

/// Where objects are read from.
pub(crate) enum Input {
    /// A file.
    Path(String),
    /// A text, with what it came from.
    Text(String, String),
}

/// Paths and blobs of YAML; None is none.
pub(crate) enum Inputs {}

impl Kind for Inputs {
    type Out = Vec<Input>;
    type Shown = OneOrList<Either<String, &'static Blob>>;
    const TAKES: &'static str = "the path of a YAML file, a blob, or a list of those";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Vec<Input>, Unfit> {
        if value.is_none() {
            return Ok(Vec::new());
        }
        if let Some(input) = input(value) {
            return Ok(vec![input]);
        }
        let items = sequence(value, heap).ok_or(Unfit::Type)?.into_iter().enumerate();
        let item = |(index, item): (usize, Value<'v>)| {
            let (place, takes, given) = (format!("item {}", index + 1), "a path or a blob", a_type(item));
            input(item).ok_or(Unfit::Part { place, takes, given })
        };
        items.map(item).collect()
    }
}

fn input(value: Value<'_>) -> Option<Input> {
    let blob = || value.downcast_ref::<Blob>().map(|blob| Input::Text(blob.text.clone(), blob.source.clone()));
    path(value).map(Input::Path).or_else(blob)
}

/// An object that was read.
pub(crate) struct Read {
    /// As it was written.
    pub(crate) tree: Tree,
    pub(crate) object: KubeObject,
    pub(crate) place: ObjectPlace,
}

/// Reads all objects of all inputs; files are watched.
///
/// # Errors
/// A file that cannot be read, what is no YAML, or no object, with its line.
pub(crate) fn read(inputs: Vec<Input>, eval: &Evaluator<'_, '_, '_>) -> Result<Vec<Read>, Fault> {
    let mut objects = Vec::new();
    for input in inputs {
        let (source, argument) = source(input, eval)?;
        let documents = yaml::parse_documents(source.text()).map_err(|invalid| {
            let fault = not_yaml(&source.name, source.path.is_some(), &invalid.reason);
            let fault = fault.further(Some(line_site(&source, invalid.line).label(invalid.reason)));
            match &argument {
                Some(path) => fault.at_literal(path),
                None => fault,
            }
        })?;
        for document in documents {
            expand(document, &source, argument.as_deref(), &mut objects)?;
        }
    }
    Ok(objects)
}

/// The text of an input, and the path as it was given.
fn source(input: Input, eval: &Evaluator<'_, '_, '_>) -> Result<(Arc<SourceText>, Option<String>), Fault> {
    let text = |path, name, text: String| {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        Arc::new(SourceText::new(path, name, text, OffsetMap::default()))
    };
    match input {
        Input::Text(content, name) => Ok((text(None, name, content), None)),
        Input::Path(given) => {
            let path = resolve_path(eval, &given);
            let name = context(eval).display(&path);
            let bytes = context(eval).read(&path).map_err(|error| unreadable(&given, &name, &error))?;
            Ok((text(Some(path), name, String::from_utf8_lossy(&bytes).into_owned()), Some(given)))
        }
    }
}

fn unreadable(given: &str, name: &str, error: &io::Error) -> Fault {
    let fault = match error.kind() {
        _ if given.contains('\n') => {
            Fault::value("a string is taken as a path, and this one is YAML itself").help("write `blob(…)` around it")
        }
        io::ErrorKind::NotFound if given.contains(['*', '?']) => {
            Fault::new("orchfile::missing_file", format!("there is no file `{name}`: patterns are not understood"))
                .help("list the files, or write `listdir(\"FOLDER\")`")
        }
        io::ErrorKind::NotFound if given.starts_with('~') => {
            Fault::new("orchfile::missing_file", format!("there is no file `{name}`: `~` is not understood"))
                .help("write `os.environ[\"HOME\"] + \"/…\"`")
        }
        io::ErrorKind::NotFound => Fault::new("orchfile::missing_file", format!("there is no file `{name}`")),
        io::ErrorKind::IsADirectory => {
            Fault::new("orchfile::unreadable_file", format!("`{name}` is a folder, not a file"))
                .help("write `listdir(…)` around it, or `kustomize(…)`, or `helm(…)`")
        }
        _ => Fault::new("orchfile::unreadable_file", format!("`{name}` cannot be read: {error}")),
    };
    if given.contains('\n') { fault } else { fault.at_literal(given) }
}

fn not_yaml(name: &str, is_file: bool, reason: &str) -> Fault {
    let what = if is_file { format!("`{name}`") } else { format!("the text ({name})") };
    let fault = Fault::new("orchfile::invalid_yaml", format!("{what} is no YAML: {reason}"));
    if reason.contains("tab") { fault.help("indent with spaces") } else { fault }
}

/// The objects of a document: itself, or the items of a list.
fn expand(
    document: Document,
    source: &Arc<SourceText>,
    argument: Option<&str>,
    objects: &mut Vec<Read>,
) -> Result<(), Fault> {
    let Document { tree, line, place } = document;
    let place = ObjectPlace { source: source.clone(), document: place, line, within: Vec::new() };
    expand_tree(tree, place, argument, objects)
}

fn expand_tree(tree: Tree, place: ObjectPlace, argument: Option<&str>, objects: &mut Vec<Read>) -> Result<(), Fault> {
    let is_list = text(&tree, "kind").is_some_and(|kind| kind.ends_with("List"));
    if is_list && let Some(Tree::List(items)) = field(&tree, "items") {
        for (index, item) in items.iter().enumerate() {
            let steps = [Step::Key("items".to_owned()), Step::Item(index)];
            let within = place.within.iter().cloned().chain(steps).collect();
            expand_tree(item.clone(), ObjectPlace { within, ..place.clone() }, argument, objects)?;
        }
        return Ok(());
    }
    let object = object(&tree, &place).map_err(|refusal| match argument {
        Some(path) => refusal.at_literal(path),
        None => refusal,
    })?;
    objects.push(Read { tree, object, place });
    Ok(())
}

fn field<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    let Tree::Map(entries) = tree else { return None };
    entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn text<'t>(tree: &'t Tree, name: &str) -> Option<&'t str> {
    match field(tree, name)? {
        Tree::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn object(tree: &Tree, place: &ObjectPlace) -> Result<KubeObject, Fault> {
    let invalid = |message: String| {
        Fault::new("orchfile::invalid_object", message).further(Some(place.site().label("this document")))
    };
    let name = &place.source.name;
    let (Some(api_version), Some(kind)) = (text(tree, "apiVersion"), text(tree, "kind")) else {
        let missing = if text(tree, "kind").is_none() { "kind" } else { "apiVersion" };
        let fault = invalid(format!("a document of `{name}` is no Kubernetes object: it has no `{missing}`"));
        return Err(if field(tree, "services").is_some() {
            fault.help("it looks like a compose file: give it to `docker_compose`")
        } else {
            fault.help("give it only files with manifests: others are read with `read_yaml`")
        });
    };
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let metadata = field(tree, "metadata");
    let own_name = metadata.and_then(|metadata| text(metadata, "name"));
    shape::check(group, kind, tree).map_err(|wrong| wrong_type(kind, own_name, &wrong, place))?;
    let generated = metadata.and_then(|metadata| text(metadata, "generateName"));
    if own_name.or(generated).is_none() {
        return Err(invalid(format!("a {kind} of `{name}` has no name")).help("give it `metadata.name`"));
    }
    Ok(KubeObject {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        name: own_name.unwrap_or_default().to_owned(),
        namespace: metadata.and_then(|metadata| text(metadata, "namespace")).map(str::to_owned),
        value: json(tree),
        images: Vec::new(),
        declared_at: place.source.path.is_some().then(|| location(place)),
    })
}

fn location(place: &ObjectPlace) -> Location {
    place.site().location()
}

fn wrong_type(kind: &str, name: Option<&str>, wrong: &Wrong, place: &ObjectPlace) -> Fault {
    let Wrong { path, takes, given, quotes_help } = wrong;
    let path_text: String = path
        .iter()
        .map(|step| match step {
            Step::Key(key) => format!(".{key}"),
            Step::Item(index) => format!("[{index}]"),
        })
        .collect();
    let path_text = path_text.trim_start_matches('.');
    let who = name.map(|name| format!(" `{name}`")).unwrap_or_default();
    let message = format!("`{path_text}` of the {kind}{who} must be {takes}, and is {given}");
    let fault = Fault::new("orchfile::invalid_object", message)
        .further(Some(place.site_of(path).label(format!("{given}, not {takes}"))));
    match (*quotes_help, *given) {
        (true, "a boolean") => {
            fault.help("put it in quotes: `y`, `yes`, `on`, `true` and their opposites are booleans in YAML")
        }
        (true, _) => fault.help("put it in quotes"),
        (false, _) => fault,
    }
}

/// The document as JSON, with sorted keys.
fn json(tree: &Tree) -> Json {
    match tree {
        Tree::Null => Json::Null,
        Tree::Bool(bool) => Json::Bool(*bool),
        Tree::Int(int) => Json::Number(Number::from(*int)),
        Tree::Float(float) => Number::from_f64(*float).map_or(Json::Null, Json::Number),
        Tree::Text(text) => Json::String(text.clone()),
        Tree::List(items) => Json::Array(items.iter().map(json).collect()),
        Tree::Map(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
            Json::Object(sorted.into_iter().map(|(key, value)| (key.clone(), json(value))).collect::<Map<_, _>>())
        }
    }
}
