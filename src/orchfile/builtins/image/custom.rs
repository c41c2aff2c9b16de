#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! `custom_build`: an image that a command of the user's makes.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

use super::{
    Options, Parts,
    ignore::{self, Ignores},
    reference::{Reference, ReferenceSeq},
    step::Steps,
};
use crate::{
    model::{Build, Command, CustomBuild, CustomOutput, FilePath, FileSet, IgnoreRule, ImageRef},
    orchfile::{
        Fault,
        builtins::unpack::{
            CommandLine, Flag, Given, Maybe, Optional, PathOrList, PathText, Stringable, TextDict, TextOrList, TextSeq,
        },
        context::{context, resolve_path},
    },
};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, starlark_value},
};
use std::{fmt, sync::Arc};

type Arg<'v, K> = Option<Given<'v, K>>;

/// What `custom_build` gives: nothing can be done with it.
#[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
pub(super) struct CustomBuildValue(String);

starlark_simple_value!(CustomBuildValue);

impl fmt::Display for CustomBuildValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "custom_build({:?})", self.0)
    }
}

#[expect(clippy::elidable_lifetime_names, reason = "the macro wants the name")]
#[starlark_value(type = "custom_build")]
impl<'v> StarlarkValue<'v> for CustomBuildValue {}

/// The arguments that say where the image is after the command.
struct Output<'v> {
    tag: Arg<'v, Stringable>,
    skips_local_docker: Arg<'v, Flag>,
    outputs_image_ref_to: Arg<'v, Stringable>,
}

impl<'v> Output<'v> {
    fn take(self, reference: &ImageRef, eval: &Evaluator<'v, '_, '_>) -> Result<CustomOutput, Fault> {
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        let tag = given(self.tag.take_or_default("tag", eval)?);
        let path = given(self.outputs_image_ref_to.take_or_default("outputs_image_ref_to", eval)?);
        let elsewhere = self.skips_local_docker.take_or_default("skips_local_docker", eval)?;
        if let Some(tag) = &tag {
            ImageRef::parse(&format!("{}:{tag}", reference.name()))
                .map_err(|invalid| Fault::value(format!("`{tag}` cannot be a tag: {invalid}")).at_argument("tag"))?;
        }
        match path {
            Some(_) if tag.is_some() => {
                let message = "`tag` and `outputs_image_ref_to` both say what the image's name will be";
                Err(Fault::value(message).help("give one of them").at_keyword("outputs_image_ref_to"))
            }
            Some(path) => Ok(CustomOutput::Reference { file: resolve_path(eval, &path), elsewhere }),
            None if elsewhere => Ok(CustomOutput::Elsewhere { tag }),
            None => Ok(CustomOutput::Local { tag }),
        }
    }
}

/// The arguments about what runs.
struct Running<'v> {
    command: Given<'v, CommandLine>,
    env: Arg<'v, TextDict>,
    dir: Arg<'v, Maybe<PathText>>,
}

impl<'v> Running<'v> {
    fn take(self, eval: &Evaluator<'v, '_, '_>) -> Result<Command, Fault> {
        let empty = || Fault::value("the command is empty").at_argument("command");
        let argv = self.command.take("command", eval)?.ok_or_else(empty)?;
        let dir = self.dir.take_or_default("dir", eval)?.filter(|dir| !dir.is_empty());
        let dir = dir.map_or_else(|| context(eval).dir(), |dir| resolve_path(eval, &dir));
        Ok(Command { argv, dir, env: self.env.take_or_default("env", eval)? })
    }
}

/// What is ignored below each folder of `deps`.
fn ignores<'v>(deps: &[FilePath], ignore: Arg<'v, TextOrList>, eval: &Evaluator<'v, '_, '_>) -> Result<Ignores, Fault> {
    let patterns = ignore.take_or_default("ignore", eval)?;
    ignore::check_patterns(&patterns, "ignore")?;
    let mut ignores = Ignores::default();
    let context = context(eval);
    for folder in deps.iter().filter(|path| ignore::is_folder(path, context)) {
        ignores.patterns(folder, &patterns);
        ignores.file(folder, None, context);
    }
    let folders: Vec<_> = deps.iter().filter(|path| !ignore::is_file(path, context)).cloned().collect();
    ignores.always(&folders, context);
    Ok(ignores)
}

/// The arguments about files.
struct Files<'v> {
    deps: Given<'v, PathOrList>,
    ignore: Arg<'v, TextOrList>,
    image_deps: Arg<'v, Maybe<ReferenceSeq>>,
}

fn declare<'v>(
    options: Options,
    command: Command,
    files: Files<'v>,
    output: CustomOutput,
    disable_push: bool,
    eval: &Evaluator<'v, '_, '_>,
) -> Result<(), Fault> {
    let deps: Vec<_> = files.deps.take("deps", eval)?.iter().map(|path| resolve_path(eval, path)).collect();
    let Ignores { mut rules, looked } = ignores(&deps, files.ignore, eval)?;
    let required = files.image_deps.take_or_default("image_deps", eval)?.unwrap_or_default();
    if let CustomOutput::Reference { file, elsewhere: _ } = &output {
        rules.push(Arc::new(IgnoreRule::new(file.clone(), Vec::new())));
    }
    let inputs = FileSet { roots: deps.clone(), ignore: rules.clone() };
    let (ignore, image_deps) = (rules, Vec::new());
    let build = CustomBuild { command, deps, ignore, output, disable_push, image_deps };
    let build = Build::Custom(Box::new(build));
    super::declare(options, Parts { build, inputs, named: Vec::new(), required, ignore_files: looked }, eval)
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// An image that a command makes: with another tool than Docker, or elsewhere. The command finds in its environment what
    /// the image is to be called: `EXPECTED_REF`, `EXPECTED_IMAGE`, `EXPECTED_TAG`, and with a registry `REGISTRY_HOST` and
    /// `EXPECTED_REGISTRY`.
    ///
    /// # Arguments
    /// * `ref`: the image's name; with a tag, it stands for just that tag, else for any
    /// * `command`: a string for the shell, or a list of program and arguments
    /// * `deps`: files and folders; a change below them makes the image anew
    /// * `tag`: the tag that the command gives the image, instead of one that orch chooses
    /// * `disable_push`: whether the command pushes the image itself
    /// * `skips_local_docker`: whether the image is not in the local engine after the command
    /// * `live_update`: how a running container follows changes: `sync`, `run` and their like, in order
    /// * `match_in_env_vars`: for Kubernetes: whether the image's name is replaced in environment variables too
    /// * `ignore`: patterns as in `.dockerignore`, relative to each folder of `deps`; what they match is no input
    /// * `entrypoint`: for Kubernetes: replaces the `command` of containers
    /// * `container_args`: for Kubernetes: replaces the `args` of containers
    /// * `command_bat_val`: for Windows; ignored
    /// * `outputs_image_ref_to`: a file into which the command writes the reference of the image that it made
    /// * `command_bat`: for Windows; ignored
    /// * `image_deps`: images of the project that the command uses; it finds them in `TILT_IMAGE_0` and so on
    /// * `env`: what else the command finds in its environment
    /// * `dir`: the folder in which the command runs
    fn custom_build<'v>(
        r#ref: Given<'v, Reference>,
        command: Given<'v, CommandLine>,
        deps: Given<'v, PathOrList>,
        tag: Option<Given<'v, Stringable>>,
        disable_push: Option<Given<'v, Flag>>,
        skips_local_docker: Option<Given<'v, Flag>>,
        live_update: Option<Given<'v, Steps>>,
        match_in_env_vars: Option<Given<'v, Flag>>,
        ignore: Option<Given<'v, TextOrList>>,
        entrypoint: Option<Given<'v, CommandLine>>,
        container_args: Option<Given<'v, TextSeq>>,
        command_bat_val: Option<Value<'v>>,
        outputs_image_ref_to: Option<Given<'v, Stringable>>,
        command_bat: Option<Value<'v>>,
        image_deps: Option<Given<'v, Maybe<ReferenceSeq>>>,
        env: Option<Given<'v, TextDict>>,
        dir: Option<Given<'v, Maybe<PathText>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<CustomBuildValue> {
        let _ = (command_bat_val, command_bat);
        let reference = r#ref.take("ref", eval)?;
        let options = Options {
            reference: reference.clone(),
            steps: live_update.take_or_default("live_update", eval)?.attach(eval),
            match_in_env_vars: match_in_env_vars.take_or_default("match_in_env_vars", eval)?,
            entrypoint: entrypoint.take_or_default("entrypoint", eval)?,
            container_args: container_args.take_given("container_args", eval)?,
        };
        let command = Running { command, env, dir }.take(eval)?;
        let output = Output { tag, skips_local_docker, outputs_image_ref_to }.take(&reference, eval)?;
        let disable_push = disable_push.take_or_default("disable_push", eval)?;
        declare(options, command, Files { deps, ignore, image_deps }, output, disable_push, eval)?;
        Ok(CustomBuildValue(reference.to_string()))
    }
}
