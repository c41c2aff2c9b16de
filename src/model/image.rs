//! Images: build nodes of their own, shared by the resources that use them.

use super::{Command, Digest, FilePath, FileSet, IgnoreRule, LiveUpdate, Location};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc};

/// What an image is known by over the whole session: its reference in the short form (`foo`, `ghcr.io/acme/foo:1`).
/// Made by `ImageRef::key`, so two that mean the same are equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageKey(pub Arc<str>);

impl ImageKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ImageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

/// The id that an image's content gives it: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageId(pub Arc<str>);

impl ImageId {
    /// How many digits of the id a tag has.
    const TAG_DIGITS: usize = 16;

    /// The tag that orch gives this image: `orch-` and the first 16 digits of the id, so that the same content has the same tag.
    #[must_use]
    pub fn tag(&self) -> String {
        let digits = self.0.strip_prefix("sha256:").unwrap_or(&self.0);
        format!("orch-{}", digits.get(..Self::TAG_DIGITS).unwrap_or(digits))
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

/// An image as its file declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// What it is known by; holds the tag where the file gives one.
    pub key: ImageKey,
    /// Whether only this very reference is meant, tag and all; else any tag of the name.
    pub exact: bool,
    /// Where the user declared it, for messages; no part of what it is.
    pub declared_at: Option<Location>,
    /// How it is made.
    pub build: Build,
    /// Files that decide its content: the context without what is ignored, or a custom build's `deps`.
    pub inputs: Arc<FileSet>,
    /// Images that it is made of: `FROM`, `COPY --from`, `image_deps`. Data edges.
    pub bases: Vec<ImageKey>,
    /// What its name is on this machine, without a tag: the name of `key`, or its place in the registry.
    pub repository: String,
    /// What its tags begin with there: empty, or what tells it from the others where all images share one repository.
    pub tag_prefix: String,
    /// Whether it is pushed to `repository` after it was built.
    pub push: bool,
    /// `live_update=` as declared; what a container makes of it is in [`Container::live_updates`](super::Container).
    pub live_update: Option<LiveUpdate>,
    /// Whether names of images in environment variables of Kubernetes objects are replaced too.
    pub match_in_env_vars: bool,
    /// Replaces the `command` of Kubernetes containers.
    pub entrypoint: Option<Vec<String>>,
    /// Replaces the `args` of Kubernetes containers; may be empty.
    pub container_args: Option<Vec<String>>,
}

/// How an image is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Build {
    /// From a Dockerfile, by the engine.
    Docker(Box<DockerBuild>),
    /// By a command of the user's.
    Custom(Box<CustomBuild>),
    /// By `docker compose build`: a service whose `build:` says more than orch can.
    Compose(ComposeBuild),
}

/// `docker_build(…)`, or the `build:` of a compose service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerBuild {
    /// The folder that is sent.
    pub context: FilePath,
    /// The text of the Dockerfile, wherever it came from.
    pub dockerfile: String,
    /// The file that the text came from, for messages; `None` for `dockerfile_contents`.
    pub dockerfile_path: Option<FilePath>,
    /// What of the context is left out, in the order in which it was given. The image's `inputs` have it too.
    pub ignore: Vec<Arc<IgnoreRule>>,
    /// `None` is taken from the environment.
    pub build_args: BTreeMap<String, Option<String>>,
    /// The stage to build; empty is the last one.
    pub target: String,
    /// As `docker build --secret` takes them.
    pub secrets: Vec<String>,
    /// As `docker build --ssh` takes them.
    pub ssh: Vec<String>,
    /// Empty is the default.
    pub network: String,
    /// Further references that the image gets.
    pub extra_tags: Vec<String>,
    /// As `docker build --cache-from` takes them.
    pub cache_from: Vec<String>,
    /// Whether base images are asked for again at their registry.
    pub pull: bool,
    /// Empty is that of the engine.
    pub platform: String,
    /// `HOST:IP`.
    pub extra_hosts: Vec<String>,
    /// The service it was declared in, where it comes from a compose file.
    pub service: Option<ComposeBuild>,
}

/// `custom_build(…)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomBuild {
    /// What makes the image.
    pub command: Command,
    /// `deps`.
    pub deps: Vec<FilePath>,
    /// Patterns of `ignore=` and `.dockerignore`, as given. The image's `inputs` have them too.
    pub ignore: Vec<Arc<IgnoreRule>>,
    /// Where the image is after the command.
    pub output: CustomOutput,
    /// The command pushed it already.
    pub disable_push: bool,
    /// `image_deps`, in their order: they are told to the command.
    pub image_deps: Vec<ImageKey>,
}

/// Where a custom build leaves its image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomOutput {
    /// In the local engine, with the tag that orch told it; `None` is a new one each time.
    Local {
        /// `tag=`.
        tag: Option<String>,
    },
    /// Somewhere else, with the tag that orch told it: nothing is looked at, tagged or pushed.
    Elsewhere {
        /// `tag=`.
        tag: Option<String>,
    },
    /// The command writes the reference to a file.
    Reference {
        /// Where.
        file: FilePath,
        /// It may be somewhere else.
        elsewhere: bool,
    },
}

/// The `build:` of a compose service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposeBuild {
    /// The name of the compose project.
    pub project: String,
    /// The service.
    pub service: String,
    /// Its context.
    pub context: FilePath,
}

/// An image that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// Its id; `None` for a custom build that leaves it elsewhere.
    pub id: Option<ImageId>,
    /// What containers are to be made of: repository and content-addressed tag.
    pub reference: String,
}

/// The record of an image that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Digest of everything that decided it: definition, inputs, bases.
    pub fingerprint: Digest,
    /// What was made.
    pub built: Built,
    /// What its build saw of its inputs, sorted by path; [`Digest::UNKNOWN`] where a file changed meanwhile.
    pub files: Arc<Vec<(FilePath, Digest)>>,
}
