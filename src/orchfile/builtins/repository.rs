#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `local_git_repo`: a folder with a `.git`, an older way to write paths.

use super::unpack::{Given, PathText, Text};
use crate::orchfile::{
    Fault,
    context::{context, resolve_path},
};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::{GlobalsBuilder, Methods, MethodsBuilder},
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{NoSerialize, StarlarkPagablePanic, StarlarkValue, starlark_value},
};
use std::fmt;

/// A checkout.
#[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(crate) struct Repository {
    /// Its absolute path.
    pub(crate) root: String,
}

starlark_simple_value!(Repository);
starlark::methods_static!(METHODS = methods);

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "git.Repo({:?})", self.root)
    }
}

#[expect(clippy::elidable_lifetime_names, reason = "the macro wants the name")]
#[starlark_value(type = "git.Repo")]
impl<'v> StarlarkValue<'v> for Repository {
    fn get_methods() -> Option<&'static Methods> {
        Some(METHODS.methods())
    }
}

#[starlark_module]
fn methods(builder: &mut MethodsBuilder) {
    /// The path below the checkout.
    fn paths<'v>(
        this: &Repository,
        path: Given<'v, Text>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<String> {
        Ok(super::gopath::join([this.root.as_str(), path.take("path", eval)?.as_str()]))
    }
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// A folder that holds a `.git`; its method `paths(path)` joins a path to it.
    fn local_git_repo<'v>(
        paths: Given<'v, PathText>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Repository> {
        let root = resolve_path(eval, &paths.take("paths", eval)?);
        if !matches!(context(eval).kind(&root.join(".git")), Ok(Some(_))) {
            let shown = context(eval).display(&root);
            return Err(Fault::value(format!("`{shown}` is no git checkout: there is no `.git` in it"))
                .at_argument("paths")
                .into());
        }
        Ok(Repository { root: root.to_string() })
    }
}
