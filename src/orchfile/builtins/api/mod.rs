#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `v1alpha1.*`: API objects, and the parts that they are made of. A function that makes an object registers it and gives nothing;
//! one that makes a part gives a dict of what it was given. What objects do is in `effects`.

mod body;
mod effects;
mod kubernetes;
mod objects;
mod shape;
mod take;

pub(crate) use effects::declare;
pub(crate) use kubernetes::declare as declare_kubernetes;

use super::unpack::{Given, Optional, Text, TextDict};
use crate::orchfile::{
    Fault,
    context::{context, site},
    draft::ApiObject,
};
use allocative::Allocative;
use shape::{OBJECTS, PARTS, Shape, Takes};
use starlark::{
    any::ProvidesStaticType,
    docs::{DocFunction, DocItem, DocMember, DocParam, DocParams, DocReturn, DocString},
    environment::GlobalsBuilder,
    eval::{Arguments, Evaluator, ParametersSpec, ParametersSpecParam},
    starlark_simple_value,
    typing::Ty,
    values::{
        Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, UnpackValue, Value, dict::AllocDict, starlark_value,
    },
};
use std::fmt;

/// What every object takes before its own fields.
const OF_OBJECTS: [&str; 3] = ["name", "labels", "annotations"];

/// A function of the family.
#[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
struct Constructor {
    /// Its kind in the API, of what makes an object.
    kind: Option<&'static str>,
    #[allocative(skip)]
    shape: &'static Shape,
}

starlark_simple_value!(Constructor);

impl fmt::Display for Constructor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v1alpha1.{}", self.shape.name)
    }
}

impl Constructor {
    /// The names of its parameters with what they take; texts where `None`.
    fn parameters(&self) -> impl Iterator<Item = (&'static str, Option<Takes>)> {
        let of_objects = OF_OBJECTS.into_iter().take(if self.kind.is_some() { OF_OBJECTS.len() } else { 0 });
        let own = self.shape.fields.iter().map(|field| (field.name, Some(field.takes)));
        of_objects.map(|name| (name, None)).chain(own)
    }

    /// What was given, in the order of the parameters.
    fn arguments<'v>(&self, args: &Arguments<'v, '_>, heap: Heap<'v>) -> starlark::Result<Vec<Option<Value<'v>>>> {
        let parameter = |(name, _): (&'static str, Option<Takes>)| {
            let is_name = self.kind.is_some() && name == OF_OBJECTS[0];
            (name, if is_name { ParametersSpecParam::Required } else { ParametersSpecParam::Optional })
        };
        let parameters: Vec<_> = self.parameters().map(parameter).collect();
        let count = parameters.len();
        let spec: ParametersSpec<Value<'v>> =
            ParametersSpec::new_parts(&self.to_string(), [], parameters, false, [], false);
        let mut slots = vec![None; count];
        spec.collect(args, &mut slots, heap)?;
        Ok(slots)
    }

    /// A part: a dict of what was given.
    fn part<'v>(&self, given: &[Option<Value<'v>>], eval: &mut Evaluator<'v, '_, '_>) -> Result<Value<'v>, Fault> {
        let mut entries = Vec::new();
        for (field, value) in self.shape.fields.iter().zip(given) {
            let Some(value) = value.filter(|value| !value.is_none()) else { continue };
            take::check(field, value, eval)?;
            entries.push((field.name, take::resolved(field, value, eval)));
        }
        Ok(eval.heap().alloc(AllocDict(entries)))
    }

    /// Registers an object.
    fn register<'v>(
        &self,
        kind: &'static str,
        given: &[Option<Value<'v>>],
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> Result<(), Fault> {
        let (head, own) = given.split_at(OF_OBJECTS.len());
        let [name, labels, annotations] = head else { unreachable!("an object has these parameters") };
        let dict = |value: &Option<Value<'v>>| value.and_then(|value| Given::<TextDict>::unpack_value(value).ok()?);
        let name = name.and_then(|value| Given::<Text>::unpack_value(value).ok()?).take_or_default("name", eval)?;
        if name.is_empty() {
            return Err(Fault::value("an object needs a name that is not empty").at_argument("name"));
        }
        let object = ApiObject {
            kind,
            name,
            site: site(eval),
            labels: dict(labels).take_or_default("labels", eval)?,
            annotations: dict(annotations).take_or_default("annotations", eval)?,
            body: take::body(self.shape, own, eval)?,
        };
        effects::check(&object)?;
        if kind == "kubernetesdiscoverys" {
            kubernetes::check_discovery(&object, eval);
        }
        if kind == "kubernetesapplys" {
            let objects = kubernetes::check(&object, eval)?;
            context(eval).draft.borrow_mut().kube.read.insert(object.name.clone(), objects);
        }
        add(object, self, eval)
    }
}

/// The same again is nothing new.
fn add(object: ApiObject, constructor: &Constructor, eval: &Evaluator<'_, '_, '_>) -> Result<(), Fault> {
    let mut draft = context(eval).draft.borrow_mut();
    let known = draft.api.iter().find(|known| known.kind == object.kind && known.name == object.name);
    match known {
        Some(known) if known.is_same(&object) => Ok(()),
        Some(known) => {
            let message = format!("there is a `{constructor}` of the name `{}` already", object.name);
            let first = known.site.as_ref().map(|site| site.label("first made here"));
            Err(Fault::new("orchfile::duplicate_name", message)
                .help("give one of them another name")
                .further(first)
                .at_argument("name"))
        }
        None => {
            draft.api.push(object);
            Ok(())
        }
    }
}

#[starlark_value(type = "builtin_function_or_method")]
impl<'v> StarlarkValue<'v> for Constructor {
    fn invoke(
        &self,
        _me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let given = self.arguments(args, eval.heap())?;
        match self.kind {
            Some(kind) => {
                self.register(kind, &given, eval)?;
                Ok(Value::new_none())
            }
            None => Ok(self.part(&given, eval)?),
        }
    }

    fn documentation(&self) -> DocItem {
        let parameter = |(name, takes): (&'static str, Option<Takes>)| DocParam {
            name: name.to_owned(),
            docs: None,
            typ: takes
                .map_or_else(|| if name == "name" { Ty::string() } else { take::shown(Takes::TextMap) }, take::shown),
            default_value: (self.kind.is_none() || name != "name").then(|| "...".to_owned()),
        };
        let summary = DocString { summary: self.shape.about.to_owned(), details: None, examples: None };
        let params = DocParams { pos_or_named: self.parameters().map(parameter).collect(), ..DocParams::default() };
        let typ = if self.kind.is_some() { Ty::none() } else { take::shown(Takes::Part(self.shape)) };
        let ret = DocReturn { docs: None, typ };
        DocItem::Member(DocMember::Function(DocFunction { docs: Some(summary), params, ret }))
    }
}

/// Adds the family.
pub(crate) fn register(globals: &mut GlobalsBuilder) {
    globals.namespace("v1alpha1", |namespace| {
        for (kind, shape) in OBJECTS {
            namespace.set(shape.name, Constructor { kind: Some(kind), shape });
        }
        for shape in PARTS {
            namespace.set(shape.name, Constructor { kind: None, shape });
        }
    });
}
