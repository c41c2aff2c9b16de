//! `k8s_custom_deploy`: a command that applies what it likes.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

use super::super::{
    image::{reference::ReferenceSeq, step::Steps, synced},
    unpack::{CommandLine, Given, Maybe, Name, Optional, PathOrList, PathText, Stringable, Text, TextDict},
};
use crate::{
    model::{Command, CustomDeploy, FileSet, ImageKey, ImageRef, KubeSpec, PodReadiness, ResourceName},
    orchfile::{
        Fault,
        context::{context, resolve_path, site},
        draft::DraftCustom,
    },
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Value, none::NoneType},
};
use std::sync::Arc;

type Arg<'v, K> = Option<Given<'v, K>>;

/// What the name of an image begins with that stands for the containers of a deployment.
const STAND_IN: &str = "k8s_custom_deploy";

/// The arguments of one of the two commands.
struct Running<'v> {
    command: Given<'v, CommandLine>,
    dir: Arg<'v, Maybe<PathText>>,
    env: Arg<'v, TextDict>,
}

impl<'v> Running<'v> {
    fn take(self, names: [&str; 3], eval: &Evaluator<'v, '_, '_>) -> Result<Command, Fault> {
        let [name, dir_name, env_name] = names;
        let empty = || Fault::value(format!("`{name}` is empty")).at_argument(name);
        let argv = self.command.take(name, eval)?.ok_or_else(empty)?;
        let dir = self.dir.take_or_default(dir_name, eval)?.filter(|dir| !dir.is_empty());
        let dir = dir.map_or_else(|| context(eval).dir(), |dir| resolve_path(eval, &dir));
        Ok(Command { argv, dir, env: self.env.take_or_default(env_name, eval)? })
    }
}

/// The arguments about a live update.
struct Updating<'v> {
    live_update: Arg<'v, Steps>,
    image_selector: Arg<'v, Stringable>,
    container_selector: Arg<'v, Text>,
}

impl<'v> Updating<'v> {
    /// The image that stands for the containers in which files are changed.
    fn declare(
        self,
        name: &ResourceName,
        inputs: &FileSet,
        eval: &Evaluator<'v, '_, '_>,
    ) -> Result<Option<ImageKey>, Fault> {
        let steps = self.live_update.take_or_default("live_update", eval)?.attach(eval);
        let image = self.image_selector.take_or_default("image_selector", eval)?;
        let container = self.container_selector.take_or_default("container_selector", eval)?;
        if steps.is_empty() {
            return Ok(None);
        }
        let (text, container) = match (image.is_empty(), container.is_empty()) {
            (true, true) => {
                let message = "the `live_update` does not say in which containers";
                return Err(Fault::value(message)
                    .help("name their image with `image_selector`, or themselves with `container_selector`")
                    .at_keyword("live_update"));
            }
            (false, false) => {
                let message = "`image_selector` and `container_selector` both say which containers are meant";
                return Err(Fault::value(message).help("give one of them").at_keyword("container_selector"));
            }
            (false, true) => (image, None),
            (true, false) => (format!("{STAND_IN}:{name}"), Some(container)),
        };
        let reference = ImageRef::parse(&text).map_err(|invalid| {
            Fault::value(format!("`{text}` cannot be the name of an image: {invalid}")).at_argument("image_selector")
        })?;
        let key = reference.key();
        synced::declare(reference, container, steps, inputs, eval)?;
        Ok(Some(key))
    }
}

fn spec(custom: CustomDeploy, synced: Option<ImageKey>) -> KubeSpec {
    KubeSpec {
        objects: Vec::new(),
        inputs: vec![custom.inputs.clone()],
        custom: Some(Box::new(custom)),
        images: Vec::new(),
        synced: synced.into_iter().collect(),
        image_locators: Vec::new(),
        live_updates: Vec::new(),
        pod_readiness: PodReadiness::Wait,
        extra_pod_selectors: Vec::new(),
        discovery: None,
        port_forwards: Vec::new(),
        before_others: false,
        timeout: None,
    }
}

/// Adds the builtin.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// A resource of objects that a command of the user's applies: `helm install`, an operator's own tool. The command prints
    /// the YAML of what it applied. `k8s_resource` says more about it.
    ///
    /// # Arguments
    /// * `name`: the resource's name
    /// * `apply_cmd`: applies, and prints YAML on its standard output
    /// * `delete_cmd`: removes it again
    /// * `deps`: files and folders; a change below them applies it anew
    /// * `image_selector`: the image of the containers in which `live_update` changes files
    /// * `live_update`: how running containers follow changes
    /// * `apply_dir`: the folder in which `apply_cmd` runs
    /// * `apply_env`: what `apply_cmd` finds in its environment
    /// * `apply_cmd_bat`: for Windows; ignored
    /// * `delete_dir`: the folder in which `delete_cmd` runs
    /// * `delete_env`: what `delete_cmd` finds in its environment
    /// * `delete_cmd_bat`: for Windows; ignored
    /// * `container_selector`: the name of the containers in which `live_update` changes files
    /// * `image_deps`: images of the project that `apply_cmd` uses; it finds them in `TILT_IMAGE_0` and so on
    fn k8s_custom_deploy<'v>(
        name: Given<'v, Name>,
        apply_cmd: Given<'v, CommandLine>,
        delete_cmd: Given<'v, CommandLine>,
        deps: Given<'v, PathOrList>,
        image_selector: Option<Given<'v, Stringable>>,
        live_update: Option<Given<'v, Steps>>,
        apply_dir: Option<Given<'v, Maybe<PathText>>>,
        apply_env: Option<Given<'v, TextDict>>,
        apply_cmd_bat: Option<Value<'v>>,
        delete_dir: Option<Given<'v, Maybe<PathText>>>,
        delete_env: Option<Given<'v, TextDict>>,
        delete_cmd_bat: Option<Value<'v>>,
        container_selector: Option<Given<'v, Text>>,
        image_deps: Option<Given<'v, Maybe<ReferenceSeq>>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = (apply_cmd_bat, delete_cmd_bat);
        let name = name.take("name", eval)?;
        let apply = Running { command: apply_cmd, dir: apply_dir, env: apply_env };
        let apply = apply.take(["apply_cmd", "apply_dir", "apply_env"], eval)?;
        let delete = Running { command: delete_cmd, dir: delete_dir, env: delete_env };
        let delete = delete.take(["delete_cmd", "delete_dir", "delete_env"], eval)?;
        let roots: Vec<_> = deps.take("deps", eval)?.iter().map(|path| resolve_path(eval, path)).collect();
        let inputs = FileSet { ignore: synced::ignored(&roots, eval), roots };
        let image_deps = image_deps.take_or_default("image_deps", eval)?.unwrap_or_default();
        let taken = context(eval).draft.borrow().kube.customs.iter().any(|known| known.name == name);
        if taken {
            let message = format!("there is a `k8s_custom_deploy` of the name `{name}` already");
            let fault = Fault::new("orchfile::duplicate_name", message).help("give one of them another name");
            return Err(fault.at_argument("name").into());
        }
        let updating = Updating { live_update, image_selector, container_selector };
        let synced = updating.declare(&name, &inputs, eval)?;
        let image_deps = image_deps.iter().map(ImageRef::key).collect();
        let custom = CustomDeploy { apply, delete, inputs: Arc::new(inputs), image_deps };
        let custom = DraftCustom { name, site: site(eval), spec: spec(custom, synced) };
        context(eval).draft.borrow_mut().kube.customs.push(custom);
        Ok(NoneType)
    }
}
