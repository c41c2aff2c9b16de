//! What parameters accept. Each [`Kind`] is one line of the language's table of kinds: which values it takes, what they become,
//! and how a message calls them. A builtin declares `Given<Kind>` and takes it with the parameter's name.

use super::blob::Blob;
use crate::{
    model::{InvalidName, ResourceName},
    orchfile::Fault,
};
use starlark::{
    collections::SmallMap,
    eval::Evaluator,
    typing::Ty,
    values::{
        Heap, UnpackValue, Value, ValueLike, dict::DictRef, list::ListRef, list::UnpackList, tuple::TupleRef,
        type_repr::StarlarkTypeRepr,
    },
};
use std::{collections::BTreeMap, convert::Infallible, marker::PhantomData};

/// What a parameter accepts.
pub(crate) trait Kind {
    /// What it becomes.
    type Out;
    /// How the reference shows its type.
    type Shown: StarlarkTypeRepr;
    /// What it accepts, as a message says it after "takes".
    const TAKES: &'static str;

    /// Takes a value apart.
    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Self::Out, Unfit>;
}

/// Why a value is not accepted.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is of another type.
    Type,
    /// The part at this place of the list (or this key of the dict) is of another type: what it should be, what it is.
    Part { place: String, takes: &'static str, given: String },
    /// Its type is right, and something else is wrong: the whole message, and what to do.
    Content(String, Option<String>),
}

/// What was given for a parameter; its kind looks at it only when it is taken, since only then its name is known.
pub(crate) struct Given<'v, K> {
    value: Value<'v>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> StarlarkTypeRepr for Given<'_, K> {
    type Canonical = <K::Shown as StarlarkTypeRepr>::Canonical;

    fn starlark_type_repr() -> Ty {
        K::Shown::starlark_type_repr()
    }
}

impl<'v, K: Kind> UnpackValue<'v> for Given<'v, K> {
    type Error = Infallible;

    fn unpack_value_impl(value: Value<'v>) -> Result<Option<Self>, Infallible> {
        Ok(Some(Self { value, kind: PhantomData }))
    }
}

impl<'v, K: Kind> Given<'v, K> {
    /// The value as its kind has it.
    ///
    /// # Errors
    /// A fault that names the parameter, what it takes and what was given.
    pub(crate) fn take(self, name: &str, eval: &Evaluator<'v, '_, '_>) -> Result<K::Out, Fault> {
        K::take(self.value, eval.heap()).map_err(|unfit| fault::<K>(name, self.value, unfit))
    }
}

/// How the reference shows the type of what is one or several: `str | list[str]`. A list may always be a tuple.
pub(crate) struct OneOrList<T>(PhantomData<T>);

impl<T: StarlarkTypeRepr> StarlarkTypeRepr for OneOrList<T> {
    type Canonical = Self;

    fn starlark_type_repr() -> Ty {
        Ty::union2(T::starlark_type_repr(), Ty::list(T::starlark_type_repr()))
    }
}

/// How the reference shows the type of what is of one type or of another.
pub(crate) struct Either<A, B>(PhantomData<(A, B)>);

impl<A: StarlarkTypeRepr, B: StarlarkTypeRepr> StarlarkTypeRepr for Either<A, B> {
    type Canonical = Self;

    fn starlark_type_repr() -> Ty {
        Ty::union2(A::starlark_type_repr(), B::starlark_type_repr())
    }
}

/// An argument that need not be given.
pub(crate) trait Optional<'v, K: Kind> {
    /// The value, if one was given.
    ///
    /// # Errors
    /// As [`Given::take`].
    fn take_given(self, name: &str, eval: &Evaluator<'v, '_, '_>) -> Result<Option<K::Out>, Fault>;

    /// The value, or what stands for none.
    ///
    /// # Errors
    /// As [`Given::take`].
    fn take_or_default(self, name: &str, eval: &Evaluator<'v, '_, '_>) -> Result<K::Out, Fault>
    where
        Self: Sized,
        K::Out: Default,
    {
        self.take_given(name, eval).map(Option::unwrap_or_default)
    }
}

impl<'v, K: Kind> Optional<'v, K> for Option<Given<'v, K>> {
    fn take_given(self, name: &str, eval: &Evaluator<'v, '_, '_>) -> Result<Option<K::Out>, Fault> {
        self.map(|given| given.take(name, eval)).transpose()
    }
}

fn fault<K: Kind>(name: &str, value: Value<'_>, unfit: Unfit) -> Fault {
    let (message, help) = match unfit {
        Unfit::Type => (format!("`{name}` takes {}, not {}", K::TAKES, a_type(value)), remedy(K::TAKES, value)),
        Unfit::Part { place, takes, given } => (format!("{place} of `{name}` must be {takes}, not {given}"), None),
        Unfit::Content(message, help) => (message, help),
    };
    Fault::value(message).maybe_help(help).at_argument(name)
}

fn remedy(takes: &str, value: Value<'_>) -> Option<String> {
    let takes_text = takes.contains("string") || takes.contains("path") || takes.contains("command");
    match value.get_type() {
        "NoneType" if takes.contains("list") => Some("leave it out, or write `[]`".to_owned()),
        "NoneType" => Some("leave it out".to_owned()),
        "int" | "float" | "blob" if takes_text => Some("write `str(…)` around it".to_owned()),
        "string" if takes.contains("True") => Some("write `True` or `False` without quotes".to_owned()),
        "string" if takes.contains("integer") => Some("write the number without quotes".to_owned()),
        "string" if takes.contains("list") => Some("put it into `[…]`".to_owned()),
        _ => None,
    }
}

/// The type of a value, as messages say it: `a list`, `an int`, `None`.
pub(crate) fn a_type(value: Value<'_>) -> String {
    match value.get_type() {
        "NoneType" => "None".to_owned(),
        "function" | "builtin_function_or_method" | "native_function" => "a function".to_owned(),
        name if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
        name => format!("a {name}"),
    }
}

/// A string; a blob is none.
pub(crate) enum Text {}

impl Kind for Text {
    type Out = String;
    type Shown = String;
    const TAKES: &'static str = "a string";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<String, Unfit> {
        value.unpack_str().map(str::to_owned).ok_or(Unfit::Type)
    }
}

/// A string or a blob.
pub(crate) enum Stringable {}

impl Kind for Stringable {
    type Out = String;
    type Shown = Either<String, &'static Blob>;
    const TAKES: &'static str = "a string or a blob";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<String, Unfit> {
        stringable(value).ok_or(Unfit::Type)
    }
}

/// The text of a string or a blob.
pub(crate) fn stringable(value: Value<'_>) -> Option<String> {
    let blob = || value.downcast_ref::<Blob>().map(|blob| blob.text.clone());
    value.unpack_str().map(str::to_owned).or_else(blob)
}

/// The items of a list or tuple.
pub(crate) fn list_or_tuple(value: Value<'_>) -> Option<Vec<Value<'_>>> {
    let tuple = || TupleRef::from_value(value).map(|tuple| tuple.content().to_vec());
    ListRef::from_value(value).map(|list| list.iter().collect()).or_else(tuple)
}

/// The items of anything that has some: a list, a tuple, a set, the keys of a dict; not of a string.
pub(crate) fn sequence<'v>(value: Value<'v>, heap: Heap<'v>) -> Option<Vec<Value<'v>>> {
    value.iterate(heap).ok().map(Iterator::collect)
}

/// Takes each item, with its place for messages.
pub(crate) fn each<'v, T>(
    items: Vec<Value<'v>>,
    takes: &'static str,
    take: impl Fn(Value<'v>) -> Option<T>,
) -> Result<Vec<T>, Unfit> {
    let unfit = |index, item| Unfit::Part { place: format!("item {}", index + 1), takes, given: a_type(item) };
    items.into_iter().enumerate().map(|(index, item)| take(item).ok_or_else(|| unfit(index, item))).collect()
}

/// A string, a blob, or a list of those; None is none.
pub(crate) enum TextOrList {}

impl Kind for TextOrList {
    type Out = Vec<String>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "a string or a list of strings";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Vec<String>, Unfit> {
        if value.is_none() {
            return Ok(Vec::new());
        }
        if let Some(text) = stringable(value) {
            return Ok(vec![text]);
        }
        each(list_or_tuple(value).ok_or(Unfit::Type)?, "a string", stringable)
    }
}

/// Strings in a list, a tuple, a set or the keys of a dict.
pub(crate) enum TextSeq {}

impl Kind for TextSeq {
    type Out = Vec<String>;
    type Shown = UnpackList<String>;
    const TAKES: &'static str = "a list of strings";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Vec<String>, Unfit> {
        let text = |item: Value<'v>| item.unpack_str().map(str::to_owned);
        each(sequence(value, heap).ok_or(Unfit::Type)?, "a string", text)
    }
}

/// A dict from strings to strings (or blobs); None is none.
pub(crate) enum TextDict {}

impl Kind for TextDict {
    type Out = BTreeMap<String, String>;
    type Shown = SmallMap<String, String>;
    const TAKES: &'static str = "a dict of strings";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        if value.is_none() {
            return Ok(BTreeMap::new());
        }
        let dict = DictRef::from_value(value).ok_or(Unfit::Type)?;
        let entry = |(key, value): (Value<'v>, Value<'v>)| {
            let place = format!("the key {}", key.to_repr());
            let text = stringable(key).ok_or_else(|| Unfit::Part { place, takes: "a string", given: a_type(key) })?;
            let value = stringable(value).ok_or_else(|| unfit_value(&text, value))?;
            Ok((text, value))
        };
        dict.iter().map(entry).collect()
    }
}

fn unfit_value(key: &str, value: Value<'_>) -> Unfit {
    Unfit::Part { place: format!("the value of {key:?}"), takes: "a string", given: a_type(value) }
}

/// A path: a string, not a blob.
pub(crate) enum PathText {}

impl Kind for PathText {
    type Out = String;
    type Shown = String;
    const TAKES: &'static str = "a path";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<String, Unfit> {
        path(value).ok_or(Unfit::Type)
    }
}

/// The text of a path.
pub(crate) fn path(value: Value<'_>) -> Option<String> {
    let repository = || value.downcast_ref::<super::repository::Repository>().map(|found| found.root.clone());
    value.unpack_str().map(str::to_owned).or_else(repository)
}

/// A path or a list of paths; None is none.
pub(crate) enum PathOrList {}

impl Kind for PathOrList {
    type Out = Vec<String>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "a path or a list of paths";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Vec<String>, Unfit> {
        if value.is_none() {
            return Ok(Vec::new());
        }
        if let Some(path) = path(value) {
            return Ok(vec![path]);
        }
        each(list_or_tuple(value).ok_or(Unfit::Type)?, "a path", path)
    }
}

/// A command: a string for the shell, or program and arguments. An empty one is none.
pub(crate) enum CommandLine {}

impl Kind for CommandLine {
    type Out = Option<Vec<String>>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "a command: a string, or a list of strings";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        if let Some(text) = value.unpack_str() {
            let argv = ["sh", "-c", text.trim()].map(str::to_owned);
            return Ok((!text.is_empty()).then(|| argv.to_vec()));
        }
        if value.is_none() {
            let help = "to have none, leave it out or write `\"\"`";
            return Err(Unfit::Content(
                "a command is a string or a list of strings, not None".into(),
                Some(help.into()),
            ));
        }
        let text = |item: Value<'v>| item.unpack_str().map(str::to_owned);
        let argv = each(list_or_tuple(value).ok_or(Unfit::Type)?, "a string", text)?;
        Ok((!argv.is_empty()).then_some(argv))
    }
}

/// One label or several; None is none.
pub(crate) enum Labels {}

impl Kind for Labels {
    type Out = Vec<String>;
    type Shown = OneOrList<String>;
    const TAKES: &'static str = "a label or a list of labels";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<Vec<String>, Unfit> {
        let text = |item: Value<'v>| item.unpack_str().map(str::to_owned);
        let mut labels = match text(value) {
            Some(label) => vec![label],
            None if value.is_none() => Vec::new(),
            None => each(list_or_tuple(value).ok_or(Unfit::Type)?, "a string", text)?,
        };
        if let Some(label) = labels.iter().find(|label| !is_label(label)) {
            let help = "use letters, digits, `-`, `_` and `.`, at most 63, with a letter or digit at both ends";
            return Err(Unfit::Content(format!("`{label}` cannot be a label"), Some(help.to_owned())));
        }
        labels.sort();
        labels.dedup();
        Ok(labels)
    }
}

/// The rule of Kubernetes for the values of labels, which is Tilt's.
fn is_label(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63 && text.chars().all(is_inner) && is_edge(text.chars().next()) && is_edge(text.chars().last())
}

/// The name of a resource.
pub(crate) enum Name {}

impl Kind for Name {
    type Out = ResourceName;
    type Shown = String;
    const TAKES: &'static str = "a name (a string)";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<ResourceName, Unfit> {
        let text = stringable(value).ok_or(Unfit::Type)?;
        ResourceName::parse(&text).map_err(|invalid| {
            let help = match &invalid {
                InvalidName::Empty => "give the resource a name".to_owned(),
                InvalidName::Dots(_) => "choose another name".to_owned(),
                InvalidName::Character { name, found } => format!("write `{}`", name.replace(*found, "-")),
            };
            Unfit::Content(invalid.to_string(), Some(help))
        })
    }
}

/// True or False, nothing else.
pub(crate) enum Flag {}

impl Kind for Flag {
    type Out = bool;
    type Shown = bool;
    const TAKES: &'static str = "True or False";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<bool, Unfit> {
        value.unpack_bool().ok_or(Unfit::Type)
    }
}

/// An integer.
pub(crate) enum Integer {}

impl Kind for Integer {
    type Out = i64;
    type Shown = i64;
    const TAKES: &'static str = "an integer";

    fn take<'v>(value: Value<'v>, _heap: Heap<'v>) -> Result<i64, Unfit> {
        if value.get_type() != "int" {
            return Err(Unfit::Type);
        }
        let too_big = || Unfit::Content(format!("the number {value} is too big"), None);
        i64::unpack_value(value).ok().flatten().ok_or_else(too_big)
    }
}

/// A kind that also takes None, for "not given".
pub(crate) struct Maybe<K>(PhantomData<K>);

impl<K: Kind> Kind for Maybe<K> {
    type Out = Option<K::Out>;
    type Shown = starlark::values::none::NoneOr<K::Shown>;
    const TAKES: &'static str = K::TAKES;

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        if value.is_none() { Ok(None) } else { K::take(value, heap).map(Some) }
    }
}
