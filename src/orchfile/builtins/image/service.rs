//! The image of a compose service that has a `build:`. orch builds it as its own where it can do all that the `build:` says, and
//! leaves it to the compose tool where not.

use super::{docker::named_images, ignore::Ignores};
use crate::{
    model::{
        Build, ComposeBuild, Digest, DockerBuild, EvaluationInput, FilePath, FileSet, IgnoreRule, Image, ImageRef, Seen,
    },
    orchfile::{
        context::{Context, READ_BYTES_MAX},
        draft::{DraftImage, IgnoreFile},
        text::Site,
    },
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// What orch's own build understands of a `build:`.
const UNDERSTOOD: [&str; 13] = [
    "args",
    "cache_from",
    "context",
    "dockerfile",
    "dockerfile_inline",
    "extra_hosts",
    "network",
    "platforms",
    "pull",
    "secrets",
    "ssh",
    "tags",
    "target",
];

/// A service, as the compose tool understood it.
pub(crate) struct Service<'a> {
    /// The name of the compose project.
    pub(crate) project: &'a str,
    /// Its name.
    pub(crate) name: &'a str,
    /// All that is said of it.
    pub(crate) spec: &'a Value,
    /// Finds a secret of the project.
    pub(crate) secret: &'a dyn Fn(&str) -> Option<&'a Value>,
    /// What its image is called.
    pub(crate) image: &'a str,
    /// What its containers see of this machine.
    pub(crate) mounts: &'a [FilePath],
    /// The call that declared it.
    pub(crate) site: Option<&'a Site>,
}

impl Service<'_> {
    /// The image that it builds; `None` when it builds none, or one whose name cannot be read.
    pub(crate) fn image(&self, context: &Context<'_>) -> Option<DraftImage> {
        let build = self.spec.get("build").filter(|build| build.is_object())?;
        let reference = ImageRef::parse(self.image).ok()?;
        let folder = Folder::of(build, context);
        let recipe = Recipe::read(build, &folder, context);
        let Ignores { rules, looked } = folder.ignores(&recipe, context);
        let place = ComposeBuild {
            project: self.project.to_owned(),
            service: self.name.to_owned(),
            context: folder.path.clone(),
        };
        let named = recipe.text.as_deref().map(|text| named_images(text, &arguments(build), context));
        // What is mounted is seen in the container without a build.
        let unwatched = std::iter::once(&recipe.path).chain(self.mounts);
        let unwatched = unwatched.map(|path| Arc::new(IgnoreRule::new(path.clone(), Vec::new())));
        let inputs = FileSet {
            roots: Some(folder.path.clone()).filter(|_| folder.is_local).into_iter().collect(),
            ignore: rules.iter().cloned().chain(unwatched).collect(),
        };
        let key = reference.key();
        let image = Image {
            exact: reference.is_exact(),
            declared_at: self.site.map(Site::location),
            build: self.build(build, &folder, &recipe, rules, place),
            inputs: Arc::new(inputs),
            bases: Vec::new(),
            repository: String::new(),
            tag_prefix: String::new(),
            push: false,
            live_update: None,
            match_in_env_vars: false,
            entrypoint: None,
            container_args: None,
            key,
        };
        Some(DraftImage {
            reference,
            site: self.site.cloned(),
            image,
            named: named.unwrap_or_default(),
            required: Vec::new(),
            steps: Vec::new(),
            ignore_files: looked.into_iter().chain(recipe.looked).collect(),
            implicit: true,
            container: None,
        })
    }

    fn build(
        &self,
        build: &Value,
        folder: &Folder,
        recipe: &Recipe,
        ignore: Vec<Arc<IgnoreRule>>,
        place: ComposeBuild,
    ) -> Build {
        let says_more = |(name, value): (&String, &Value)| !UNDERSTOOD.contains(&name.as_str()) && !is_empty(value);
        let says_more = build.as_object().is_some_and(|build| build.iter().any(says_more));
        let platforms = texts(build, "platforms");
        let secrets = self.secrets(build).filter(|_| platforms.len() <= 1);
        let (Some(text), false, true, Some(secrets)) = (&recipe.text, says_more, folder.is_local, secrets) else {
            return Build::Compose(place);
        };
        let own_platform = text_of(self.spec, "platform");
        Build::Docker(Box::new(DockerBuild {
            context: folder.path.clone(),
            dockerfile: text.clone(),
            dockerfile_path: Some(recipe.path.clone()).filter(|_| !recipe.is_inline),
            ignore,
            build_args: arguments(build),
            target: text_of(build, "target"),
            secrets,
            ssh: ssh(build),
            network: text_of(build, "network"),
            // The name that people know it by.
            extra_tags: Some(text_of(self.spec, "image"))
                .filter(|name| !name.is_empty())
                .into_iter()
                .chain(texts(build, "tags"))
                .collect(),
            cache_from: texts(build, "cache_from"),
            pull: build.get("pull").and_then(Value::as_bool).unwrap_or(false),
            platform: platforms.into_iter().next().unwrap_or(own_platform),
            extra_hosts: texts(build, "extra_hosts").iter().map(|line| line.replacen('=', ":", 1)).collect(),
            service: Some(place),
        }))
    }

    /// As `docker build --secret` takes them; `None` where one comes from elsewhere than a file or the environment.
    fn secrets(&self, build: &Value) -> Option<Vec<String>> {
        let used = build.get("secrets").and_then(Value::as_array).into_iter().flatten();
        let secret = |used: &Value| {
            let source = used.get("source").unwrap_or(used).as_str()?;
            let id = used.get("target").and_then(Value::as_str).unwrap_or(source);
            let secret = (self.secret)(source)?;
            let file = secret.get("file").and_then(Value::as_str).map(|file| format!("id={id},src={file}"));
            file.or_else(|| Some(format!("id={id},env={}", secret.get("environment")?.as_str()?)))
        };
        used.map(secret).collect()
    }
}

/// The context.
struct Folder {
    /// The folder of the project where it is an address.
    path: FilePath,
    is_local: bool,
}

impl Folder {
    fn of(build: &Value, context: &Context<'_>) -> Self {
        let text = text_of(build, "context");
        if !text.starts_with('/') {
            return Self { path: context.root.clone(), is_local: false };
        }
        Self { path: FilePath::new(&text), is_local: true }
    }

    fn ignores(&self, recipe: &Recipe, context: &Context<'_>) -> Ignores {
        let mut ignores = Ignores::default();
        if self.is_local {
            ignores.file(&self.path, Some(&recipe.path), context);
            ignores.always(std::slice::from_ref(&self.path), context);
        }
        ignores
    }
}

/// The Dockerfile.
struct Recipe {
    /// `None` where it cannot be read: the build will say why.
    text: Option<String>,
    /// Where it is or would be.
    path: FilePath,
    is_inline: bool,
    looked: Option<IgnoreFile>,
}

impl Recipe {
    fn read(build: &Value, folder: &Folder, context: &Context<'_>) -> Self {
        let name = text_of(build, "dockerfile");
        let path = folder.path.join(if name.is_empty() { "Dockerfile" } else { &name });
        if let Some(text) = build.get("dockerfile_inline").and_then(Value::as_str) {
            return Self { text: Some(text.to_owned()), path, is_inline: true, looked: None };
        }
        if !folder.is_local {
            return Self { text: None, path, is_inline: false, looked: None };
        }
        let read = context.peek(&path, READ_BYTES_MAX);
        let seen = match &read {
            Ok(bytes) => Seen::Content(Digest::of(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Seen::Absent,
            Err(_) => Seen::Tree,
        };
        let text = read.ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let looked = IgnoreFile { input: EvaluationInput { path: path.clone(), seen }, listed: false };
        Self { text, path, is_inline: false, looked: Some(looked) }
    }
}

/// `args`: one without a value is taken from the environment.
fn arguments(build: &Value) -> BTreeMap<String, Option<String>> {
    let arguments = build.get("args").and_then(Value::as_object).into_iter().flatten();
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    arguments.map(|(name, value)| (name.clone(), text(value))).collect()
}

/// As `docker build --ssh` takes them.
fn ssh(build: &Value) -> Vec<String> {
    let Some(keys) = build.get("ssh").and_then(Value::as_object) else { return texts(build, "ssh") };
    let path = |path: &Value| path.as_str().filter(|path| !path.is_empty()).map(str::to_owned);
    keys.iter().map(|(id, value)| path(value).map_or_else(|| id.clone(), |path| format!("{id}={path}"))).collect()
}

fn text_of(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let items = value.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}
