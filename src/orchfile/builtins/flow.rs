//! Saying something, stopping, and running other files: `print`, `warn`, `fail`, `exit`, `include`, `load_dynamic`, `secret`.

#![expect(clippy::unnecessary_wraps, reason = "the signatures are those of the language")]

use super::unpack::{Given, Optional, PathText, Text, a_type};
use crate::{
    model::Level,
    orchfile::{Fault, context::context, load::execute},
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{FrozenStringValue, Value, dict::AllocDict, list::ListRef, none::NoneType, tuple::UnpackTuple},
};

/// A single text; Tilt takes no several arguments here, as Python would.
fn message(msg: Value<'_>) -> Result<String, Fault> {
    let unfit = || {
        Fault::value(format!("`msg` takes a string, not {}", a_type(msg)))
            .help("write `str(…)` around it")
            .at_argument("msg")
    };
    msg.unpack_str().map(str::to_owned).ok_or_else(unfit)
}

/// The name of a value's type, as Tilt has it: extensions compare it.
fn type_name(value: Value<'_>) -> String {
    let found = value.get_type();
    match found {
        "namespace" => "module",
        "function" if !is_users(value) => "builtin_function_or_method",
        "native_method" | "attribute" => "builtin_function_or_method",
        "link" => "struct",
        "probe" => "Probe",
        "action" => return super::probe::action_name(value).unwrap_or(found).to_owned(),
        "iterator" => "string.elems",
        _ => found,
    }
    .to_owned()
}

/// Whether a function is one of the user's: the text of such a one names its file too.
fn is_users(function: Value<'_>) -> bool {
    !function.to_str().chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// Writes values to the log, with `sep` between them.
    fn print<'v>(
        #[starlark(args)] args: UnpackTuple<Value<'v>>,
        #[starlark(require = named)] sep: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let sep = sep.take_given("sep", eval)?.unwrap_or_else(|| " ".to_owned());
        let texts: Vec<_> = args.items.into_iter().map(Value::to_str).collect();
        context(eval).print(Level::Info, texts.join(&sep));
        Ok(NoneType)
    }

    /// Writes a warning to the log.
    fn warn<'v>(msg: Value<'v>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        context(eval).print(Level::Warning, message(msg)?);
        Ok(NoneType)
    }

    /// The name of a value's type.
    fn r#type<'v>(#[starlark(require = pos)] value: Value<'v>) -> anyhow::Result<String> {
        Ok(type_name(value))
    }

    /// Stops the evaluation with an error.
    fn fail<'v>(msg: Value<'v>) -> starlark::Result<NoneType> {
        Err(Fault::new("orchfile::fail", message(msg)?).into())
    }

    /// Stops the evaluation of all files; what was declared so far holds. Writes `code` to the log, if it is given.
    fn exit<'v>(code: Option<Value<'v>>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        if let Some(code) = code.filter(|code| !code.is_none()) {
            context(eval).print(Level::Info, code.to_repr());
        }
        Err(Fault::exit().into())
    }

    /// Executes another file for what it declares; its names stay its own.
    ///
    /// # Arguments
    /// * `path`: the file; relative paths in it begin at its own folder
    fn include<'v>(path: Given<'v, PathText>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        execute(context(eval), &path.take("path", eval)?)?;
        Ok(NoneType)
    }

    /// Executes another file and gives its global names as a dict.
    ///
    /// # Arguments
    /// * `path`: the file; unlike that of `load` it may be computed
    fn load_dynamic<'v>(path: Given<'v, PathText>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<Value<'v>> {
        let module = execute(context(eval), &path.take("path", eval)?)?;
        let heap = eval.heap();
        let hidden = module.extra_value().and_then(|names| ListRef::from_value(names.to_value()));
        let hidden = hidden.into_iter().flat_map(ListRef::iter).filter_map(Value::unpack_str);
        let public = module.names().map(FrozenStringValue::as_str).filter(|name| !name.starts_with("__"));
        let mut entries = Vec::new();
        for name in public.chain(hidden) {
            if let Ok((value, _)) = module.get_any_visibility(name) {
                entries.push((name, heap.access_owned_frozen_value(&value)));
            }
        }
        Ok(heap.alloc(AllocDict(entries)))
    }

    /// A value that is never shown: `[redacted NAME]` stands in its place in logs, on the screen and in all that orch tells.
    ///
    /// # Arguments
    /// * `name`: what is shown instead
    /// * `value`: what is not shown; the environment variable of that name where it is not given
    fn secret<'v>(
        name: Given<'v, Text>,
        value: Option<Given<'v, super::unpack::Stringable>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<String> {
        let name = name.take("name", eval)?;
        let value = match value {
            Some(value) => value.take("value", eval)?,
            None => context(eval).env(&name).ok_or_else(|| {
                Fault::value(format!("the environment variable `{name}` is not set"))
                    .at_literal(&*name)
                    .help("set it, or give the secret a `value`")
            })?,
        };
        if !value.is_empty() {
            context(eval).add_secret(name, value.clone());
        }
        Ok(value)
    }
}
