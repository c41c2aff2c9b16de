//! What is built, and what the engine is told of it: the same for both builders.

use super::environment::Environment;
use crate::{
    engine::BuildOrder,
    model::{Built, DockerBuild, Dockerfile, Failure, ImageKey, ImageRef, dockerfile::NamedImage},
};
use serde_json::json;
use std::collections::BTreeMap;

/// What the Dockerfile is called at the engine where it is no file.
const NAMELESS: &str = "Dockerfile";
/// The variables that docker's configuration sets for all builds behind a proxy.
const PROXY_VARIABLES: [(&str, &str); 5] = [
    ("httpProxy", "HTTP_PROXY"),
    ("httpsProxy", "HTTPS_PROXY"),
    ("ftpProxy", "FTP_PROXY"),
    ("noProxy", "NO_PROXY"),
    ("allProxy", "ALL_PROXY"),
];

/// An image that is made from a Dockerfile.
#[derive(Debug)]
pub(super) struct Recipe<'a> {
    pub(super) build: &'a DockerBuild,
    /// As the user wrote it, with the images that this session made in the place of their names.
    pub(super) text: String,
    pub(super) dockerfile: Dockerfile,
    /// The images that this session did not make.
    foreign: Vec<String>,
    /// What the engine calls the file.
    pub(super) file_name: String,
    /// What messages call it.
    pub(super) shown: String,
    pub(super) environment: &'a Environment,
}

impl<'a> Recipe<'a> {
    pub(super) fn new(order: &BuildOrder, build: &'a DockerBuild, environment: &'a Environment) -> Self {
        let dockerfile = Dockerfile::parse(&build.dockerfile);
        let path = build.dockerfile_path.as_ref();
        let file_name = path.and_then(|path| path.as_path().file_name()?.to_str()).unwrap_or(NAMELESS);
        let shown = path.map_or_else(
            || format!("the Dockerfile of `{}`", order.image.key),
            |path| path.display_from(&build.context.parent().unwrap_or_else(|| build.context.clone())),
        );
        let arguments = environment.resolve(&build.build_args);
        let named = dockerfile.images(&arguments).into_iter();
        let made = |image: NamedImage| made_here(&order.bases, &image.reference).map(|reference| (image, reference));
        let (own, foreign): (Vec<_>, Vec<_>) =
            named.partition(|image| made_here(&order.bases, &image.reference).is_some());
        let replaced: Vec<_> = own.into_iter().filter_map(made).collect();
        Self {
            build,
            foreign: foreign.into_iter().map(|image| image.reference).collect(),
            text: dockerfile.with_images(&build.dockerfile, &replaced),
            dockerfile,
            file_name: file_name.to_owned(),
            shown,
            environment,
        }
    }

    /// Looks at what is there before anything is sent.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let context = &self.build.context;
        let failure = |message: String, help: Option<&str>| Err(Failure { message, help: help.map(str::to_owned) });
        match context.as_path().metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => failure(
                format!("the build context `{context}` does not exist"),
                Some("look at the second argument of `docker_build`"),
            ),
            Err(error) => failure(format!("the build context `{context}` cannot be read: {error}"), None),
            Ok(found) if !found.is_dir() => failure(
                format!("the build context `{context}` is no folder"),
                Some("name the folder that the Dockerfile copies from"),
            ),
            Ok(_) if self.dockerfile.instructions.is_empty() => {
                failure(format!("{} holds no instruction", self.shown), Some("a Dockerfile starts with `FROM`"))
            }
            Ok(_) => Ok(()),
        }
    }

    /// The Dockerfile as a folder of its own, with a list of what to leave out that names nothing: orch leaves it out itself, and
    /// without such a list the engine would take the one that lies in the context.
    pub(super) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let ignore = b"# left out before it is sent\n".to_vec();
        vec![
            (self.file_name.clone(), self.text.clone().into_bytes()),
            (format!("{}.dockerignore", self.file_name), ignore),
        ]
    }

    /// The parameters of the request that both builders know. What is in them may be secret.
    pub(super) fn query(&self, proxies: &BTreeMap<String, String>) -> Vec<(&'static str, String)> {
        let build = self.build;
        let mut query =
            vec![("dockerfile", self.file_name.clone()), ("rm", "1".to_owned()), ("forcerm", "1".to_owned())];
        let mut put = |name, value: &str| {
            if !value.is_empty() {
                query.push((name, value.to_owned()));
            }
        };
        put("target", &build.target);
        put("networkmode", &build.network);
        put("pull", if build.pull && !self.has_own() { "1" } else { "" });
        put("platform", &self.platform());
        build.extra_hosts.iter().for_each(|host| put("extrahosts", host));
        if !build.cache_from.is_empty() {
            put("cachefrom", &json!(build.cache_from).to_string());
        }
        let arguments = self.arguments(proxies);
        if !arguments.is_empty() {
            put("buildargs", &json!(arguments).to_string());
        }
        query
    }

    /// The platform that is built for; empty is the engine's.
    pub(super) fn platform(&self) -> String {
        let default = || self.environment.get("DOCKER_DEFAULT_PLATFORM").unwrap_or_default();
        if self.build.platform.is_empty() { default() } else { self.build.platform.clone() }
    }

    /// The images to be pulled before the build: where it is made of images of this session too, the engine must not look for those
    /// at a registry, and it looks for all or none.
    pub(super) fn pulled_alone(&self) -> &[String] {
        if self.build.pull && self.has_own() { &self.foreign } else { &[] }
    }

    /// Whether it is made of images of this session.
    fn has_own(&self) -> bool {
        self.text != self.build.dockerfile
    }

    /// The build arguments; one whose value nobody knows is told so.
    fn arguments(&self, proxies: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
        let proxies = PROXY_VARIABLES.iter().filter_map(|(setting, name)| Some((name, proxies.get(*setting)?)));
        let both_cases = |(name, value): (&&str, &String)| {
            [(*name).to_owned(), name.to_lowercase()].map(|name| (name, Some(value.clone())))
        };
        let mut arguments: BTreeMap<_, _> = proxies.flat_map(both_cases).collect();
        arguments.extend(self.environment.resolve(&self.build.build_args));
        arguments
    }

    /// What a line of the user's Dockerfile is called.
    pub(super) fn place(&self, line: usize) -> String {
        if self.build.dockerfile_path.is_some() {
            format!("{}:{line}", self.shown)
        } else {
            format!("line {line} of {}", self.shown)
        }
    }

    /// A line of the user's Dockerfile with its neighbours, drawn.
    pub(super) fn excerpt(&self, line: usize) -> Vec<String> {
        let lines = (1_usize..).zip(self.build.dockerfile.lines());
        let near = lines.filter(|(number, _)| number.abs_diff(line) <= 1);
        let drawn =
            near.map(|(number, text)| format!("{} {number:>4} │ {text}", if number == line { '>' } else { ' ' }));
        std::iter::once(format!("{}:", self.place(line))).chain(drawn).collect()
    }
}

/// What this session made of the image that a Dockerfile names; an exact name goes before one for any tag.
pub(in crate::host::docker) fn made_here(bases: &BTreeMap<ImageKey, Built>, reference: &str) -> Option<String> {
    let used = ImageRef::parse(reference).ok()?;
    let bases = bases.iter().filter_map(|(key, built)| Some((ImageRef::parse(key.as_str()).ok()?, built)));
    let meant = bases.filter(|(declared, _)| declared.selects(&used));
    meant.max_by_key(|(declared, _)| declared.is_exact()).map(|(_, built)| built.reference.clone())
}
