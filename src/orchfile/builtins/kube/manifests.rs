//! `k8s_yaml` and `filter_yaml`.

use super::{
    super::{
        blob::Blob,
        tree::Tree,
        unpack::{Flag, Given, Optional, Text, TextDict},
        yaml_print,
    },
    objects::{self, Input, Inputs, Read},
    selector::{InvalidPattern, ObjectSelector},
};
use crate::{
    model::{ImageLocator, KubeObject},
    orchfile::{
        Fault,
        context::{Context, context, site},
        draft::DraftObject,
        text::Site,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;
use starlark::{environment::GlobalsBuilder, eval::Evaluator, starlark_module, values::none::NoneType};
use std::collections::BTreeMap;

/// Shorter values of Secrets are not hidden: they would be found in everything.
const SECRET_BYTES_MIN: usize = 5;

/// What tells objects apart: the namespace as written.
fn identity(object: &KubeObject) -> (&str, &str, Option<&str>, &str) {
    (object.group(), &object.kind, object.namespace.as_deref(), &object.name)
}

fn add(objects: Vec<Read>, allow_duplicates: bool, eval: &Evaluator<'_, '_, '_>) -> Result<(), Fault> {
    let context = context(eval);
    let site = site(eval);
    for Read { mut object, place, .. } in objects {
        hide_secrets(&object, context);
        object.declared_at = object.declared_at.or_else(|| site.as_ref().map(Site::location));
        let new = DraftObject { object, site: site.clone(), place };
        let known = &mut context.draft.borrow_mut().kube.objects;
        let is_named = !new.object.name.is_empty();
        let twin = known.iter().find(|known| identity(&known.object) == identity(&new.object));
        if let Some(twin) = twin.filter(|_| is_named && !allow_duplicates) {
            return Err(duplicate(twin, &new));
        }
        known.push(new);
    }
    Ok(())
}

fn duplicate(first: &DraftObject, second: &DraftObject) -> Fault {
    let namespace = second.object.namespace.as_ref().map(|name| format!(" in the namespace `{name}`"));
    let (kind, name) = (&second.object.kind, &second.object.name);
    let message = format!("the {kind} `{name}`{} is given twice", namespace.unwrap_or_default());
    Fault::new("orchfile::duplicate_object", message)
        .further(Some(second.place.site().label("the second one")))
        .further(Some(first.place.site().label("the first one")))
        .help("remove one of them, or say `allow_duplicates=True`")
}

/// The values of a Secret are never shown from now on, unless the file wants that.
pub(in crate::orchfile::builtins) fn hide_secrets(object: &KubeObject, context: &Context<'_>) {
    let shown = context.draft.borrow().settings.accepted.get("disable_scrub") == Some(&Json::Bool(true));
    if object.kind != "Secret" || object.api_version != "v1" || shown {
        return;
    }
    let entries = |field: &str| object.value.get(field).and_then(Json::as_object).into_iter().flatten();
    let text = |(key, value): (&String, &Json)| Some((key.clone(), value.as_str()?.to_owned()));
    for (key, value) in entries("stringData").filter_map(text) {
        hide(context, object, &key, value.as_bytes());
    }
    for (key, value) in entries("data").filter_map(text) {
        let joined: String = value.split_whitespace().collect();
        match STANDARD.decode(&joined) {
            Ok(bytes) => hide(context, object, &key, &bytes),
            Err(_) => context.add_secret(format!("{}:{key}", object.name), value),
        }
    }
}

fn hide(context: &Context<'_>, object: &KubeObject, key: &str, bytes: &[u8]) {
    let name = format!("{}:{key}", object.name);
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() >= SECRET_BYTES_MIN => context.add_secret(name, text),
        // What is too short, or no text, is hidden as it stands in the manifest.
        Ok(_) | Err(_) if !bytes.is_empty() => context.add_secret(name, STANDARD.encode(bytes)),
        Ok(_) | Err(_) => {}
    }
}

fn has_labels(object: &KubeObject, wanted: &BTreeMap<String, String>) -> bool {
    let labels = object.value.pointer("/metadata/labels");
    wanted
        .iter()
        .all(|(key, value)| labels.and_then(|labels| labels.get(key)).and_then(Json::as_str) == Some(value.as_str()))
}

fn blob(objects: Vec<&Read>, source: &str) -> Blob {
    let trees: Vec<Tree> = objects.into_iter().map(|read| read.tree.clone()).collect();
    Blob::new(yaml_print::print_stream(&trees), source)
}

/// The fault for a regular expression that is none.
pub(super) fn not_a_pattern(invalid: &InvalidPattern) -> Fault {
    Fault::value(format!("`{}` is no regular expression: {}", invalid.name, invalid.reason)).at_argument(invalid.name)
}

/// Adds the builtins.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// Objects of Kubernetes. When the whole file has been evaluated, each workload becomes a resource, with the Services that
    /// select its pods; what belongs to none becomes the resource `uncategorized`.
    ///
    /// # Arguments
    /// * `yaml`: paths of YAML files, blobs with YAML, or a list of those; the files are watched
    /// * `allow_duplicates`: whether an object may be given again
    fn k8s_yaml<'v>(
        yaml: Given<'v, Inputs>,
        allow_duplicates: Option<Given<'v, Flag>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let inputs = yaml.take("yaml", eval)?;
        let allow_duplicates = allow_duplicates.take_or_default("allow_duplicates", eval)?;
        let begins_with_text = matches!(inputs.first(), Some(Input::Text(..)) | None);
        let objects = objects::read(inputs, eval)?;
        if objects.is_empty() && begins_with_text {
            let fault = Fault::value("there is no YAML in what `k8s_yaml` was given").at_argument("yaml");
            return Err(fault.help("name a file, as in `k8s_yaml(\"app.yaml\")`").into());
        }
        add(objects, allow_duplicates, eval)?;
        Ok(NoneType)
    }

    /// Divides YAML into the objects that are meant and the others: a tuple of two blobs. All conditions must hold.
    ///
    /// # Arguments
    /// * `yaml`: as `k8s_yaml` takes it
    /// * `labels`: labels that an object must have
    /// * `name`: a regular expression that is found in its name
    /// * `namespace`: a regular expression that is found in its namespace
    /// * `kind`: a regular expression that is found in its kind
    /// * `api_version`: a regular expression that is found in its group and version, such as `apps/v1`
    fn filter_yaml<'v>(
        yaml: Given<'v, Inputs>,
        labels: Option<Given<'v, TextDict>>,
        name: Option<Given<'v, Text>>,
        namespace: Option<Given<'v, Text>>,
        kind: Option<Given<'v, Text>>,
        api_version: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<(Blob, Blob)> {
        let inputs = yaml.take("yaml", eval)?;
        let source = match inputs.as_slice() {
            [Input::Text(_, source)] => source.clone(),
            _ => "filter_yaml".to_owned(),
        };
        let labels = labels.take_or_default("labels", eval)?;
        let wanted = ImageLocator {
            kind: kind.take_or_default("kind", eval)?,
            name: name.take_or_default("name", eval)?,
            namespace: namespace.take_or_default("namespace", eval)?,
            api_version: api_version.take_or_default("api_version", eval)?,
            path: String::new(),
            fields: None,
        };
        let selector = ObjectSelector::of(&wanted).map_err(|invalid| not_a_pattern(&invalid))?;
        let all = objects::read(inputs, eval)?;
        let (meant, mut others): (Vec<_>, Vec<_>) = all.iter().partition(|read| selector.matches(&read.object));
        let (meant, unlabelled): (Vec<_>, Vec<_>) =
            meant.into_iter().partition(|read| has_labels(&read.object, &labels));
        others.extend(unlabelled);
        Ok((blob(meant, &source), blob(others, &source)))
    }
}
