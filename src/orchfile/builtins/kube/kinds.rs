//! `k8s_kind` and `k8s_image_json_path`: what orch cannot know of kinds of objects.

use super::{
    super::unpack::{Given, Kind, Maybe, Optional, Text, TextDict, TextOrList, Unfit},
    images::KnownKind,
    json_path::JsonPath,
    manifests::not_a_pattern,
    resource::Readiness,
    selector::ObjectSelector,
};
use crate::{
    diag::suggest::did_you_mean,
    model::{ImageLocator, PodReadiness},
    orchfile::{
        Fault,
        context::{context, site},
    },
};
use starlark::{
    collections::SmallMap,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Heap, Value, dict::DictRef, none::NoneType},
};

/// A path as written, as read, and the fields with repository and tag there.
type Path = (String, JsonPath, Option<(String, String)>);

/// The keys of `image_object`.
const KEYS: [&str; 3] = ["json_path", "repo_field", "tag_field"];

/// `image_object`: path, field with the repository, field with the tag; None is none.
pub(super) enum ImageObject {}

impl Kind for ImageObject {
    type Out = Option<[String; 3]>;
    type Shown = SmallMap<String, String>;
    const TAKES: &'static str = "a dict with `json_path`, `repo_field` and `tag_field`";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Self::Out, Unfit> {
        if value.is_none() {
            return Ok(None);
        }
        if DictRef::from_value(value).is_none() {
            return Err(Unfit::Type);
        }
        let mut given = TextDict::take(value, heap)?;
        if let Some(unknown) = given.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let remedy = did_you_mean(unknown, KEYS).unwrap_or_else(|| format!("it takes {}", Self::TAKES));
            return Err(Unfit::Content(format!("`image_object` has the unknown key `{unknown}`"), Some(remedy)));
        }
        let mut field = |key: &str| {
            let missing =
                || Unfit::Content(format!("`image_object` has no `{key}`"), Some(format!("it takes {}", Self::TAKES)));
            given.remove(key).ok_or_else(missing)
        };
        Ok(Some([field(KEYS[0])?, field(KEYS[1])?, field(KEYS[2])?]))
    }
}

fn parse(path: &str, argument: &str) -> Result<JsonPath, Fault> {
    JsonPath::parse(path).map_err(|reason| {
        Fault::value(format!("`{path}` is no path into an object: {reason}"))
            .help("write it as `kubectl` takes it, such as `{.spec.image}`")
            .at_argument(argument)
    })
}

/// Adds a kind to the known ones. `paths` are those to images, each with the fields there.
fn add(
    wanted: &ImageLocator,
    paths: Vec<Path>,
    readiness: Option<PodReadiness>,
    eval: &Evaluator<'_, '_, '_>,
) -> Result<(), Fault> {
    let selector = ObjectSelector::of(wanted).map_err(|invalid| not_a_pattern(&invalid))?;
    let locators =
        paths.into_iter().map(|(path, read, fields)| (ImageLocator { path, fields, ..wanted.clone() }, read));
    let kind = KnownKind { selector, locators: locators.collect(), readiness, site: site(eval) };
    context(eval).draft.borrow_mut().kube.kinds.push(kind);
    Ok(())
}

fn texts(paths: Vec<String>, argument: &str) -> Result<Vec<Path>, Fault> {
    paths.into_iter().map(|path| Ok((path.clone(), parse(&path, argument)?, None))).collect()
}

/// Adds the builtins.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// Makes each object of a kind a resource of its own, and says where such objects name images.
    ///
    /// # Arguments
    /// * `kind`: a regular expression that is found in the kind, whatever the case
    /// * `image_json_path`: where strings with images stand, as `kubectl` takes it: `{.spec.image}`; one or several
    /// * `api_version`: a regular expression that is found in group and version
    /// * `image_object`: where an object with an image stands: a dict with `json_path`, `repo_field` and `tag_field`
    /// * `pod_readiness`: `"ignore"` where no pods come of it; `"wait"`, or `"succeeded"`, for what becomes of its pods
    fn k8s_kind<'v>(
        kind: Given<'v, Text>,
        #[starlark(require = named)] image_json_path: Option<Given<'v, TextOrList>>,
        #[starlark(require = named)] api_version: Option<Given<'v, Text>>,
        #[starlark(require = named)] image_object: Option<Given<'v, ImageObject>>,
        #[starlark(require = named)] pod_readiness: Option<Given<'v, Maybe<Readiness>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let wanted = ImageLocator {
            kind: kind.take("kind", eval)?,
            name: String::new(),
            namespace: String::new(),
            api_version: api_version.take_or_default("api_version", eval)?,
            path: String::new(),
            fields: None,
        };
        let paths = image_json_path.take_or_default("image_json_path", eval)?;
        let object = image_object.take_or_default("image_object", eval)?;
        let readiness = pod_readiness.take_or_default("pod_readiness", eval)?.flatten();
        let paths = match object {
            Some(_) if !paths.is_empty() => {
                let message = "`image_json_path` and `image_object` both say where the image is";
                return Err(Fault::value(message).help("give one of them").at_keyword("image_object").into());
            }
            Some([path, repository, tag]) => {
                vec![(path.clone(), parse(&path, "image_object")?, Some((repository, tag)))]
            }
            None => texts(paths, "image_json_path")?,
        };
        add(&wanted, paths, readiness, eval)?;
        Ok(NoneType)
    }

    /// Says where some objects name images; an older form of `k8s_kind`.
    ///
    /// # Arguments
    /// * `paths`: as `image_json_path` of `k8s_kind`
    /// * `api_version`: a regular expression that is found in group and version
    /// * `kind`: a regular expression that is found in the kind
    /// * `name`: a regular expression that is found in the name
    /// * `namespace`: a regular expression that is found in the namespace
    fn k8s_image_json_path<'v>(
        paths: Given<'v, TextOrList>,
        api_version: Option<Given<'v, Text>>,
        kind: Option<Given<'v, Text>>,
        name: Option<Given<'v, Text>>,
        namespace: Option<Given<'v, Text>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let paths = texts(paths.take("paths", eval)?, "paths")?;
        let wanted = ImageLocator {
            kind: kind.take_or_default("kind", eval)?,
            name: name.take_or_default("name", eval)?,
            namespace: namespace.take_or_default("namespace", eval)?,
            api_version: api_version.take_or_default("api_version", eval)?,
            path: String::new(),
            fields: None,
        };
        if [&wanted.kind, &wanted.name, &wanted.namespace].iter().all(|text| text.is_empty()) {
            let message = "`k8s_image_json_path` does not say which objects it is about";
            return Err(Fault::value(message).help("give it a `kind`, a `name` or a `namespace`").into());
        }
        add(&wanted, paths, None, eval)?;
        Ok(NoneType)
    }
}
