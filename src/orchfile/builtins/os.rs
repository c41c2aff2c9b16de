//! `os`, `sys` and `shlex`.

#![expect(clippy::unnecessary_wraps, reason = "the signatures are those of the language")]

use super::{
    environ::Environ,
    gopath, shlex,
    unpack::{Given, Optional, Stringable, Text, a_type},
};
use crate::orchfile::{
    Fault,
    context::{context, resolve_path},
    environment::Surroundings,
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Value, list::AllocList, none::NoneType, tuple::UnpackTuple},
};

/// Adds the families.
pub(crate) fn register(globals: &mut GlobalsBuilder, surroundings: &Surroundings) {
    globals.namespace("os", |os| {
        os.set("environ", Environ(surroundings.environment.clone()));
        os.set("name", "posix");
        os_functions(os);
        os.namespace("path", os_path);
    });
    globals.namespace("sys", |sys| {
        let verb = surroundings.subcommand.split(' ').filter(|word| !word.is_empty());
        let words = std::iter::once("orch").chain(verb).map(str::to_owned);
        sys.set("argv", AllocList(words.chain(surroundings.args.iter().cloned()).collect::<Vec<_>>()));
        sys.set("executable", "orch");
    });
    globals.namespace("shlex", shlex_functions);
}

#[starlark_module]
fn os_functions(builder: &mut GlobalsBuilder) {
    /// The folder that relative paths are taken from: that of the file that is being executed.
    fn getcwd<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(context(eval).dir().to_string())
    }

    /// The value of an environment variable, or `default`.
    ///
    /// # Arguments
    /// * `key`: the variable
    /// * `default`: what is given when it is not set; None where not given
    fn getenv<'v>(
        key: Given<'v, Stringable>,
        default: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let value = context(eval).env(&key.take("key", eval)?);
        Ok(value.map(|value| eval.heap().alloc(value)).or(default).unwrap_or_else(Value::new_none))
    }

    /// Sets an environment variable, for this file and for all commands of the project.
    fn putenv<'v>(
        key: Given<'v, Stringable>,
        value: Given<'v, Stringable>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let (key, value) = (key.take("key", eval)?, value.take("value", eval)?);
        context(eval).set_env(&key, Some(value));
        Ok(NoneType)
    }

    /// Removes an environment variable, for this file and for all commands of the project.
    fn unsetenv<'v>(key: Given<'v, Stringable>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        let key = key.take("key", eval)?;
        context(eval).set_env(&key, None);
        Ok(NoneType)
    }
}

#[starlark_module]
fn os_path(builder: &mut GlobalsBuilder) {
    /// The path, absolute and without `.` and `..`.
    fn abspath<'v>(path: Given<'v, Text>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(resolve_path(eval, &path.take("path", eval)?).to_string())
    }

    /// The last part of a path.
    fn basename<'v>(path: Given<'v, Text>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(gopath::base(&path.take("path", eval)?).to_owned())
    }

    /// All of a path but its last part.
    fn dirname<'v>(path: Given<'v, Text>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(gopath::dir(&path.take("path", eval)?))
    }

    /// Whether there is a file or folder. Does not watch it.
    fn exists<'v>(path: Given<'v, Text>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<bool> {
        let path = resolve_path(eval, &path.take("path", eval)?);
        Ok(matches!(context(eval).kind(&path), Ok(Some(_))))
    }

    /// The parts behind one another, cleaned; an absolute part does not replace those before it.
    fn join<'v>(#[starlark(args)] parts: UnpackTuple<Value<'v>>) -> starlark::Result<String> {
        let mut texts = Vec::new();
        for part in parts.items {
            let unfit = || Fault::value(format!("a part of a path is a string, not {}", a_type(part)));
            texts.push(part.unpack_str().ok_or_else(unfit)?);
        }
        Ok(gopath::join(texts))
    }

    /// The path without symbolic links.
    fn realpath<'v>(path: Given<'v, Text>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        let path = resolve_path(eval, &path.take("path", eval)?);
        let real = context(eval).real_path(&path).map_err(|error| {
            let message = format!("`{}` has no real path: {error}", context(eval).display(&path));
            Fault::new("orchfile::unreadable_file", message)
        })?;
        Ok(real.to_string())
    }

    /// The way to `targpath` from `basepath`.
    ///
    /// # Arguments
    /// * `targpath`: where it leads
    /// * `basepath`: where it begins; the folder of the file that is being executed where not given
    fn relpath<'v>(
        targpath: Given<'v, Text>,
        basepath: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<String> {
        let target = resolve_path(eval, &targpath.take("targpath", eval)?);
        let base = resolve_path(eval, &basepath.take_or_default("basepath", eval)?);
        Ok(gopath::relative(&base.to_string(), &target.to_string()))
    }
}

#[starlark_module]
fn shlex_functions(builder: &mut GlobalsBuilder) {
    /// A text as one word of a shell.
    fn quote<'v>(name: Given<'v, Stringable>, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<String> {
        Ok(shlex::quote(&name.take("name", eval)?))
    }
}
