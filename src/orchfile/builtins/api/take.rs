//! Values to what the API has: each field as its shape says. A part may be what its function gave, or a dict of the same keys.

use super::{
    super::unpack::{a_type, list_or_tuple, path, sequence, stringable},
    shape::{Always, Field, Shape, Takes},
};
use crate::{
    diag::suggest::did_you_mean,
    orchfile::{
        Fault,
        context::{context, resolve_path},
    },
};
use serde_json::{Map, Value as Json};
use starlark::{
    collections::SmallMap,
    eval::Evaluator,
    typing::Ty,
    values::{UnpackValue, Value, dict::DictRef, type_repr::StarlarkTypeRepr},
};

/// The fields of a body, as the API has them.
pub(super) fn body<'v>(
    shape: &Shape,
    given: &[Option<Value<'v>>],
    eval: &Evaluator<'v, '_, '_>,
) -> Result<Map<String, Json>, Fault> {
    let mut body = Map::new();
    for (field, value) in shape.fields.iter().zip(given) {
        let value = value.filter(|value| !value.is_none());
        let json = value.map(|value| json(field.takes, value, field.name, eval)).transpose()?;
        put(&mut body, field, json, eval);
    }
    Ok(body)
}

/// Puts a field where the API shows it.
fn put(body: &mut Map<String, Json>, field: &Field, json: Option<Json>, eval: &Evaluator<'_, '_, '_>) {
    let missing = match (field.takes, field.always) {
        (Takes::Folder, _) => Some(Json::String(context(eval).dir().to_string())),
        (_, Some(Always::Null)) => Some(Json::Null),
        (_, Some(Always::Empty)) => Some(Json::String(String::new())),
        (_, None) => None,
    };
    if let Some(json) = json.or(missing) {
        body.insert(field.api.to_owned(), json);
    }
}

/// Whether a value can be in a field.
///
/// # Errors
/// Says which part of it cannot.
pub(super) fn check<'v>(field: &Field, value: Value<'v>, eval: &Evaluator<'v, '_, '_>) -> Result<(), Fault> {
    json(field.takes, value, field.name, eval).map(drop)
}

/// The value as a part keeps it: paths are absolute from then on.
pub(super) fn resolved<'v>(field: &Field, value: Value<'v>, eval: &Evaluator<'v, '_, '_>) -> Value<'v> {
    match (field.takes, path(value)) {
        (Takes::Path | Takes::Folder, Some(path)) => eval.heap().alloc(resolve_path(eval, &path).to_string()),
        _ => value,
    }
}

fn json<'v>(takes: Takes, value: Value<'v>, name: &str, eval: &Evaluator<'v, '_, '_>) -> Result<Json, Fault> {
    let unfit = |what: &str| {
        let fault = Fault::value(format!("`{name}` takes {what}, not {}", a_type(value))).at_argument(name);
        if value.get_type() == "int" && what.contains("text") {
            fault.help("write `str(…)` around it")
        } else {
            fault
        }
    };
    match takes {
        Takes::Text => stringable(value).map(Json::String).ok_or_else(|| unfit("a text")),
        Takes::Flag => value.unpack_bool().map(Json::Bool).ok_or_else(|| unfit("True or False")),
        Takes::Number => i64::unpack_value(value).ok().flatten().map(Json::from).ok_or_else(|| unfit("an integer")),
        Takes::Texts => each(value, "a list of texts", name, eval, |item| stringable(item).map(Json::String)),
        Takes::TextMap => text_map(value).ok_or_else(|| unfit("a dict of texts")),
        Takes::Path | Takes::Folder => path(value).map(|path| absolute(&path, eval)).ok_or_else(|| unfit("a path")),
        Takes::Paths => each(value, "a list of paths", name, eval, |item| path(item).map(|path| absolute(&path, eval))),
        Takes::Part(shape) => part(shape, value, name, eval),
        Takes::Parts(shape) => {
            let items = list_or_tuple(value).ok_or_else(|| unfit("a list"))?;
            items.into_iter().map(|item| part(shape, item, name, eval)).collect::<Result<Vec<_>, _>>().map(Json::Array)
        }
    }
}

fn absolute(path: &str, eval: &Evaluator<'_, '_, '_>) -> Json {
    Json::String(resolve_path(eval, path).to_string())
}

fn each<'v>(
    value: Value<'v>,
    what: &str,
    name: &str,
    eval: &Evaluator<'v, '_, '_>,
    take: impl Fn(Value<'v>) -> Option<Json>,
) -> Result<Json, Fault> {
    let unfit = || Fault::value(format!("`{name}` takes {what}, not {}", a_type(value))).at_argument(name);
    let items = sequence(value, eval.heap()).ok_or_else(unfit)?;
    let item = |(index, item): (usize, Value<'v>)| {
        take(item).ok_or_else(|| {
            let message = format!("item {} of `{name}` cannot be {}", index + 1, a_type(item));
            Fault::value(message).at_argument(name)
        })
    };
    items.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>().map(Json::Array)
}

fn text_map(value: Value<'_>) -> Option<Json> {
    let dict = DictRef::from_value(value)?;
    let entry = |(key, value)| Some((stringable(key)?, Json::String(stringable(value)?)));
    dict.iter().map(entry).collect::<Option<Map<_, _>>>().map(Json::Object)
}

/// A part: a dict whose keys are those of its shape.
fn part<'v>(shape: &Shape, value: Value<'v>, name: &str, eval: &Evaluator<'v, '_, '_>) -> Result<Json, Fault> {
    let dict = DictRef::from_value(value).ok_or_else(|| {
        let message =
            format!("`{name}` takes what `v1alpha1.{}(…)` gives, or such a dict, not {}", shape.name, a_type(value));
        Fault::value(message).at_argument(name)
    })?;
    if let Some(key) = dict.keys().find(|key| !is_field(shape, *key)) {
        let key = key.unpack_str().map_or_else(|| key.to_repr(), str::to_owned);
        let known = shape.fields.iter().map(|field| field.name);
        let message = format!("`{name}` has no `{key}`");
        return Err(Fault::value(message).maybe_help(did_you_mean(&key, known)).at_literal(key));
    }
    let mut body = Map::new();
    for field in shape.fields {
        let value = dict.get_str(field.name).filter(|value| !value.is_none());
        let json = value.map(|value| json(field.takes, value, field.name, eval)).transpose()?;
        put(&mut body, field, json, eval);
    }
    Ok(Json::Object(body))
}

fn is_field(shape: &Shape, key: Value<'_>) -> bool {
    key.unpack_str().is_some_and(|key| shape.fields.iter().any(|field| field.name == key))
}

/// The type of what a field takes, for the reference.
pub(super) fn shown(takes: Takes) -> Ty {
    match takes {
        Takes::Text | Takes::Path | Takes::Folder => Ty::string(),
        Takes::Flag => Ty::bool(),
        Takes::Number => Ty::int(),
        Takes::Texts | Takes::Paths => Ty::list(Ty::string()),
        Takes::TextMap => SmallMap::<String, String>::starlark_type_repr(),
        Takes::Part(_) => SmallMap::<String, Value<'_>>::starlark_type_repr(),
        Takes::Parts(shape) => Ty::list(shown(Takes::Part(shape))),
    }
}
