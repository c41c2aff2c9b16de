#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `workload_to_resource_function`: a function of the file that names resources.
//!
//! It is kept in a variable of the file that gave it, and called when the whole file has been evaluated.

use super::{assemble, selector};
use crate::{
    model::KubeObject,
    orchfile::{
        Fault,
        builtins::unpack::a_type,
        context::{Context, context, site},
        draft::Naming,
        load::Outcome,
    },
};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, none::NoneType, starlark_value},
};
use std::{collections::BTreeMap, fmt};

/// The variable with the function.
const VARIABLE: &str = "__workload_to_resource_function__";

/// What the function gets.
#[derive(Debug, Clone, PartialEq, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
struct ObjectId {
    name: String,
    kind: String,
    namespace: String,
    group: String,
}

starlark_simple_value!(ObjectId);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, namespace, group } = self;
        f.write_str(&format!("{name}:{kind}:{namespace}:{group}").to_lowercase())
    }
}

impl ObjectId {
    fn of(object: &KubeObject) -> Self {
        Self {
            name: object.name.clone(),
            kind: object.kind.clone(),
            namespace: selector::namespace(object).to_owned(),
            group: object.group().to_owned(),
        }
    }
}

#[starlark_value(type = "K8sObjectID")]
impl<'v> StarlarkValue<'v> for ObjectId {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        let text = match attribute {
            "name" => &self.name,
            "kind" => &self.kind,
            "namespace" => &self.namespace,
            "group" => &self.group,
            _ => return None,
        };
        Some(heap.alloc(text.as_str()))
    }

    fn dir_attr(&self) -> Vec<String> {
        ["group", "kind", "name", "namespace"].map(str::to_owned).to_vec()
    }
}

/// Calls the function for each workload, when all that gives some has been evaluated.
///
/// # Errors
/// What goes wrong in the function. What it gives that is no name, or one for two workloads, is reported.
pub(crate) fn name_workloads(eval: &mut Evaluator<'_, '_, '_>) -> starlark::Result<()> {
    let context = context(eval);
    let naming = context.draft.borrow().kube.naming.as_ref().map(|naming| (naming.module.clone(), naming.site.clone()));
    let Some((module, site)) = naming else { return Ok(()) };
    let Some(function) = function(&module, context, eval) else { return Ok(()) };
    let workloads = assemble::workloads(&context.draft.borrow());
    let mut names: BTreeMap<usize, String> = BTreeMap::new();
    for (place, id) in workloads.into_iter().map(|(place, object)| (place, ObjectId::of(&object))) {
        let shown = id.to_string();
        let given = eval.eval_function(function, &[eval.heap().alloc(id)], &[])?;
        let Some(name) = given.unpack_str() else {
            let message =
                format!("the function that names resources gives {} for `{shown}`, not a string", a_type(given));
            context.report(site.as_ref(), Fault::value(message));
            return Ok(());
        };
        if names.values().any(|known| known == name) {
            let message =
                format!("the function that names resources gives `{name}` for `{shown}` and for another workload");
            let fault = Fault::new("orchfile::duplicate_name", message).help("give each a name of its own");
            context.report(site.as_ref(), fault);
            return Ok(());
        }
        names.insert(place, name.to_owned());
    }
    if let Some(naming) = &mut context.draft.borrow_mut().kube.naming {
        naming.names = names;
    }
    Ok(())
}

fn function<'v>(module: &str, context: &Context<'_>, eval: &Evaluator<'v, '_, '_>) -> Option<Value<'v>> {
    if context.executing().last().is_some_and(|executing| executing.key == module) {
        return eval.module().get(VARIABLE);
    }
    let loaded = match context.modules.borrow().get(module) {
        Some(Outcome::Done(loaded)) => loaded.clone(),
        Some(Outcome::Begun | Outcome::Failed(_)) | None => return None,
    };
    let (value, _) = loaded.get_any_visibility(VARIABLE).ok()?;
    Some(eval.heap().access_owned_frozen_value(&value))
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// Lets a function of the file name the resources that workloads become.
    ///
    /// # Arguments
    /// * `func`: gets an id with `name`, `kind`, `namespace` and `group`, and gives the name of the resource
    fn workload_to_resource_function<'v>(
        func: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        if func.get_type() != "function" {
            let message = format!("`func` takes a function of the file, not {}", a_type(func));
            return Err(Fault::value(message).at_argument("func").into());
        }
        let module = context(eval).executing().last().map(|executing| executing.key.clone()).unwrap_or_default();
        eval.module().set(VARIABLE, func);
        let naming = Naming { site: site(eval), module, names: BTreeMap::new() };
        context(eval).draft.borrow_mut().kube.naming = Some(naming);
        Ok(NoneType)
    }
}
