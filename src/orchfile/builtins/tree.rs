//! JSON-like values between text and Starlark. Numbers are decided here, so that no trait of another crate
//! (`serde_json/arbitrary_precision`) changes what a document means.

use starlark::values::{Heap, UnpackValue, Value, dict::AllocDict, dict::DictRef, float::UnpackFloat, list::ListRef};

/// How deep a document may be nested; a list that holds itself ends here.
const DEPTH_MAX: usize = 1_000;

/// A document: what JSON can say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Tree>),
    /// In the order of the text, each key once.
    Map(Vec<(String, Tree)>),
}

impl Tree {
    /// A float that has no fraction is an integer, as in Tilt's YAML.
    pub(crate) fn of_float(float: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the value is whole and within the range")]
        let whole = float as i64;
        if float.fract() == 0.0 && float.abs() < 9_223_372_036_854_775_808.0 {
            Self::Int(whole)
        } else {
            Self::Float(float)
        }
    }

    /// All integers as floats, as in objects on Tilt's command line.
    pub(crate) fn with_floats(self) -> Self {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "what a JSON number is to most readers")]
            Self::Int(int) => Self::Float(int as f64),
            Self::List(items) => Self::List(items.into_iter().map(Self::with_floats).collect()),
            Self::Map(entries) => {
                Self::Map(entries.into_iter().map(|(key, value)| (key, value.with_floats())).collect())
            }
            other => other,
        }
    }

    /// How many values it is made of.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::List(items) => 1 + items.iter().map(Tree::size).sum::<usize>(),
            Self::Map(entries) => 1 + entries.iter().map(|(_, value)| value.size()).sum::<usize>(),
            _ => 1,
        }
    }

    /// The document as a new Starlark value.
    pub(crate) fn alloc<'v>(&self, heap: Heap<'v>) -> Value<'v> {
        match self {
            Self::Null => Value::new_none(),
            Self::Bool(bool) => Value::new_bool(*bool),
            Self::Int(int) => heap.alloc(*int),
            Self::Float(float) => heap.alloc(*float),
            Self::Text(text) => heap.alloc(text.as_str()),
            Self::List(items) => heap.alloc(items.iter().map(|item| item.alloc(heap)).collect::<Vec<_>>()),
            Self::Map(entries) => {
                heap.alloc(AllocDict(entries.iter().map(|(key, value)| (key.as_str(), value.alloc(heap)))))
            }
        }
    }

    /// What `encode_json` and `encode_yaml` take of a value.
    ///
    /// # Errors
    /// Says which part has no place in a document.
    pub(crate) fn of_value(value: Value<'_>) -> Result<Self, String> {
        Self::of_value_at(value, 0)
    }

    fn of_value_at(value: Value<'_>, depth: usize) -> Result<Self, String> {
        if depth > DEPTH_MAX {
            return Err("the value is nested too deeply, or holds itself".to_owned());
        }
        if value.is_none() {
            return Ok(Self::Null);
        }
        if let Some(bool) = value.unpack_bool() {
            return Ok(Self::Bool(bool));
        }
        if let Some(text) = value.unpack_str() {
            return Ok(Self::Text(text.to_owned()));
        }
        if let Some(list) = ListRef::from_value(value) {
            return list
                .iter()
                .map(|item| Self::of_value_at(item, depth + 1))
                .collect::<Result<_, _>>()
                .map(Self::List);
        }
        if let Some(dict) = DictRef::from_value(value) {
            return dict
                .iter()
                .map(|(key, value)| Self::entry(key, value, depth))
                .collect::<Result<_, _>>()
                .map(Self::Map);
        }
        Self::of_number(value)
    }

    fn entry(key: Value<'_>, value: Value<'_>, depth: usize) -> Result<(String, Self), String> {
        let text = key.unpack_str().ok_or_else(|| {
            format!("a key must be a string, and `{}` is of type `{}`", key.to_repr(), key.get_type())
        })?;
        Ok((text.to_owned(), Self::of_value_at(value, depth + 1)?))
    }

    fn of_number(value: Value<'_>) -> Result<Self, String> {
        let unfit = || format!("a value of type `{}` cannot be written as a document", value.get_type());
        match value.get_type() {
            "int" => {
                i64::unpack_value(value).ok().flatten().map(Self::Int).ok_or_else(|| format!("`{value}` is too big"))
            }
            "float" => match UnpackFloat::unpack_value(value).ok().flatten() {
                Some(UnpackFloat(float)) if float.is_finite() => Ok(Self::of_float(float)),
                _ => Err(format!("`{value}` has no place in a document")),
            },
            _ => Err(unfit()),
        }
    }
}

/// A float as Go's `encoding/json` writes it.
pub(crate) fn float_text(float: f64) -> String {
    let size = float.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{float:e}");
        return match text.split_once('e') {
            Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
            _ => text,
        };
    }
    format!("{float}")
}
