//! `docker_build`: an image from a Dockerfile.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

use super::{
    Options, Parts,
    ignore::{self, Ignores},
    reference::{Reference, References},
    step::Steps,
};
use crate::{
    model::{Build, DockerBuild, Dockerfile, FilePath, FileSet, IgnoreRule, ImageRef},
    orchfile::{
        Fault,
        builtins::unpack::{
            CommandLine, Flag, Given, Maybe, Optional, PathText, Stringable, TextDict, TextOrList, TextSeq,
        },
        context::{Context, context, resolve_path, site},
        sources::EntryKind,
    },
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Value, none::NoneType},
};
use std::{collections::BTreeMap, io, sync::Arc};

type Arg<'v, K> = Option<Given<'v, K>>;

/// The text of a Dockerfile, and the file that it came from.
struct Recipe {
    text: String,
    path: Option<FilePath>,
}

/// The arguments that say where the Dockerfile is.
struct RecipeArguments<'v> {
    dockerfile: Arg<'v, Maybe<PathText>>,
    dockerfile_contents: Arg<'v, Maybe<Stringable>>,
}

impl<'v> RecipeArguments<'v> {
    fn take(self, folder: &FilePath, eval: &Evaluator<'v, '_, '_>) -> Result<Recipe, Fault> {
        let path = self.dockerfile.take_or_default("dockerfile", eval)?;
        let contents = self.dockerfile_contents.take_or_default("dockerfile_contents", eval)?;
        match (path, contents) {
            (Some(_), Some(_)) => {
                let message = "`dockerfile` and `dockerfile_contents` both say what the Dockerfile is";
                Err(Fault::value(message).help("give one of them").at_keyword("dockerfile_contents"))
            }
            (None, Some(text)) => Ok(Recipe { text, path: None }),
            (Some(path), None) => {
                let in_context = folder.join(&path);
                read(resolve_path(eval, &path), "dockerfile", Some(&in_context), context(eval))
            }
            (None, None) => read(folder.join("Dockerfile"), "context", None, context(eval)),
        }
    }
}

/// `instead` is where somebody may have thought that the path begins.
fn read(path: FilePath, argument: &str, instead: Option<&FilePath>, context: &Context<'_>) -> Result<Recipe, Fault> {
    let bytes = context.read(&path).map_err(|error| {
        let instead = instead.filter(|instead| matches!(context.kind(instead), Ok(Some(EntryKind::File))));
        let instead = instead.map(|instead| context.display(instead));
        unreadable(&path, instead.as_deref(), &error, argument)
    })?;
    let text = String::from_utf8(bytes);
    let text = text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Recipe { text, path: Some(path) })
}

fn unreadable(name: &FilePath, instead: Option<&str>, error: &io::Error, argument: &str) -> Fault {
    let fault = match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("there is no Dockerfile at `{name}`");
            let help = match instead {
                Some(instead) => {
                    format!("did you mean `{instead}`? The path begins where the Orchfile is, not in the context")
                }
                None => "name it with `dockerfile=`, or give its text with `dockerfile_contents=`".to_owned(),
            };
            Fault::new("orchfile::missing_file", message).help(help)
        }
        io::ErrorKind::IsADirectory => {
            Fault::new("orchfile::unreadable_file", format!("the Dockerfile `{name}` is a folder, not a file"))
        }
        _ => Fault::new("orchfile::unreadable_file", format!("the Dockerfile `{name}` cannot be read: {error}")),
    };
    fault.at_argument(argument)
}

/// The images that a Dockerfile starts from or copies from, as far as they can be told: a value that the environment gives is
/// taken from there.
pub(super) fn named_images(
    text: &str,
    build_args: &BTreeMap<String, Option<String>>,
    context: &Context<'_>,
) -> Vec<ImageRef> {
    let value = |(name, value): (&String, &Option<String>)| (name.clone(), value.clone().or_else(|| context.env(name)));
    let known = build_args.iter().map(value).collect();
    let named = Dockerfile::parse(text).images(&known);
    named.iter().filter_map(|named| ImageRef::parse(&named.reference).ok()).collect()
}

/// The arguments that say what of the context is left out.
struct Ignoring<'v> {
    ignore: Arg<'v, TextOrList>,
    only: Arg<'v, TextOrList>,
}

impl<'v> Ignoring<'v> {
    fn take(self, folder: &FilePath, recipe: &Recipe, eval: &Evaluator<'v, '_, '_>) -> Result<Ignores, Fault> {
        let patterns = self.ignore.take_or_default("ignore", eval)?;
        let only = self.only.take_or_default("only", eval)?;
        ignore::check_patterns(&patterns, "ignore")?;
        ignore::check_patterns(&only, "only")?;
        ignore::check_paths(&only, "only")?;
        let mut ignores = Ignores::default();
        ignores.patterns(folder, &patterns);
        ignores.only(folder, &only);
        ignores.file(folder, recipe.path.as_ref(), context(eval));
        ignores.always(std::slice::from_ref(folder), context(eval));
        Ok(ignores)
    }
}

/// The other arguments of the build.
struct Details<'v> {
    build_args: Arg<'v, TextDict>,
    target: Arg<'v, Stringable>,
    ssh: Arg<'v, TextOrList>,
    secret: Arg<'v, TextOrList>,
    network: Arg<'v, Stringable>,
    extra_tag: Arg<'v, References>,
    cache_from: Arg<'v, TextOrList>,
    pull: Arg<'v, Flag>,
    platform: Arg<'v, Stringable>,
    extra_hosts: Arg<'v, TextOrList>,
}

impl<'v> Details<'v> {
    fn take(
        self,
        folder: FilePath,
        recipe: Recipe,
        ignore: Vec<Arc<IgnoreRule>>,
        eval: &Evaluator<'v, '_, '_>,
    ) -> Result<DockerBuild, Fault> {
        let build_args = self.build_args.take_or_default("build_args", eval)?;
        let given = |value: String| Some(value).filter(|value| !value.is_empty());
        // What the environment gives is part of what the image is made of.
        let value = |(name, value): (String, String)| {
            let value = given(value).or_else(|| context(eval).env(&name));
            (name, value)
        };
        let platform = given(self.platform.take_or_default("platform", eval)?);
        let from_environment = || context(eval).env("DOCKER_DEFAULT_PLATFORM");
        Ok(DockerBuild {
            context: folder,
            dockerfile: recipe.text,
            dockerfile_path: recipe.path,
            ignore,
            build_args: build_args.into_iter().map(value).collect(),
            target: self.target.take_or_default("target", eval)?,
            secrets: self.secret.take_or_default("secret", eval)?,
            ssh: self.ssh.take_or_default("ssh", eval)?,
            network: self.network.take_or_default("network", eval)?,
            extra_tags: self.extra_tag.take_or_default("extra_tag", eval)?,
            cache_from: self.cache_from.take_or_default("cache_from", eval)?,
            pull: self.pull.take_or_default("pull", eval)?,
            platform: platform.or_else(from_environment).unwrap_or_default(),
            extra_hosts: self.extra_hosts.take_or_default("extra_hosts", eval)?,
            service: None,
        })
    }
}

fn declare<'v>(
    options: Options,
    folder: &str,
    recipe: RecipeArguments<'v>,
    ignoring: Ignoring<'v>,
    details: Details<'v>,
    eval: &Evaluator<'v, '_, '_>,
) -> Result<(), Fault> {
    let folder = resolve_path(eval, folder);
    let recipe = recipe.take(&folder, eval)?;
    let Ignores { rules, looked } = ignoring.take(&folder, &recipe, eval)?;
    let build = details.take(folder.clone(), recipe, rules.clone(), eval)?;
    // The Dockerfile is an input of the Orchfile, and its text a part of the image's definition.
    let own = build.dockerfile_path.clone().map(|path| Arc::new(IgnoreRule::new(path, Vec::new())));
    let inputs = FileSet { roots: vec![folder], ignore: rules.into_iter().chain(own).collect() };
    let named = named_images(&build.dockerfile, &build.build_args, context(eval));
    let build = Build::Docker(Box::new(build));
    super::declare(options, Parts { build, inputs, named, required: Vec::new(), ignore_files: looked }, eval)
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// An image that is built from a Dockerfile. It is built when a container needs it, and anew when a file of its context
    /// changes.
    ///
    /// # Arguments
    /// * `ref`: the image's name; with a tag, it stands for just that tag, else for any
    /// * `context`: the folder that is sent to the build
    /// * `build_args`: values of `ARG`s; an empty one is taken from the environment
    /// * `dockerfile`: where the Dockerfile is, relative to the folder of the file that calls; else in the context
    /// * `dockerfile_contents`: the text of the Dockerfile, instead of a file
    /// * `cache`: obsolete, without effect
    /// * `live_update`: how a running container follows changes: `sync`, `run` and their like, in order
    /// * `match_in_env_vars`: for Kubernetes: whether the image's name is replaced in environment variables too
    /// * `ignore`: patterns as in `.dockerignore`, relative to the context; what they match is not part of the image
    /// * `only`: files and folders of the context; all others are not part of the image
    /// * `entrypoint`: for Kubernetes: replaces the `command` of containers
    /// * `container_args`: for Kubernetes: replaces the `args` of containers
    /// * `target`: the stage to build
    /// * `ssh`: as `docker build --ssh` takes them
    /// * `secret`: as `docker build --secret` takes them
    /// * `network`: as `docker build --network` takes it
    /// * `extra_tag`: further names that the image gets
    /// * `cache_from`: as `docker build --cache-from` takes them
    /// * `pull`: whether base images are asked for again at their registry
    /// * `platform`: such as `"linux/arm64"`; else that of `$DOCKER_DEFAULT_PLATFORM` or of the engine
    /// * `extra_hosts`: lines for the build's `/etc/hosts`, as `"NAME:IP"`
    fn docker_build<'v>(
        r#ref: Given<'v, Reference>,
        context: Given<'v, PathText>,
        build_args: Option<Given<'v, TextDict>>,
        dockerfile: Option<Given<'v, Maybe<PathText>>>,
        dockerfile_contents: Option<Given<'v, Maybe<Stringable>>>,
        cache: Option<Value<'v>>,
        live_update: Option<Given<'v, Steps>>,
        match_in_env_vars: Option<Given<'v, Flag>>,
        ignore: Option<Given<'v, TextOrList>>,
        only: Option<Given<'v, TextOrList>>,
        entrypoint: Option<Given<'v, CommandLine>>,
        container_args: Option<Given<'v, TextSeq>>,
        target: Option<Given<'v, Stringable>>,
        ssh: Option<Given<'v, TextOrList>>,
        secret: Option<Given<'v, TextOrList>>,
        network: Option<Given<'v, Stringable>>,
        extra_tag: Option<Given<'v, References>>,
        cache_from: Option<Given<'v, TextOrList>>,
        pull: Option<Given<'v, Flag>>,
        platform: Option<Given<'v, Stringable>>,
        extra_hosts: Option<Given<'v, TextOrList>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let options = Options {
            reference: r#ref.take("ref", eval)?,
            steps: live_update.take_or_default("live_update", eval)?.attach(eval),
            match_in_env_vars: match_in_env_vars.take_or_default("match_in_env_vars", eval)?,
            entrypoint: entrypoint.take_or_default("entrypoint", eval)?,
            container_args: container_args.take_given("container_args", eval)?,
        };
        if cache.is_some() {
            obsolete_cache(eval);
        }
        let folder = context.take("context", eval)?;
        let recipe = RecipeArguments { dockerfile, dockerfile_contents };
        let details =
            Details { build_args, target, ssh, secret, network, extra_tag, cache_from, pull, platform, extra_hosts };
        declare(options, &folder, recipe, Ignoring { ignore, only }, details, eval)?;
        Ok(NoneType)
    }
}

fn obsolete_cache(eval: &Evaluator<'_, '_, '_>) {
    let help = "use `live_update`, or `RUN --mount=type=cache` in the Dockerfile".to_owned();
    let message = "`cache` has no effect on a build";
    context(eval).warn(site(eval).as_ref(), "orchfile::deprecated", message, Some(help));
}
