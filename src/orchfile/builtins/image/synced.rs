//! Images that nobody builds, and into whose containers files are copied: those of `k8s_custom_deploy`, and a `custom_build` whose
//! command is `:`.

use super::{ignore::Ignores, step::Steps};
use crate::{
    model::{Build, Command, CustomBuild, CustomOutput, FilePath, FileSet, IgnoreRule, Image, ImageRef},
    orchfile::{
        Fault,
        context::{context, site},
        draft::DraftImage,
        text::Site,
    },
};
use starlark::eval::Evaluator;
use std::{collections::BTreeMap, sync::Arc};

/// The command that builds nothing.
const NOTHING: &str = ":";

/// Whether an image is only there for its live update.
pub(crate) fn is_synced(image: &Image) -> bool {
    let builds_nothing = |build: &CustomBuild| build.command.argv.last().is_some_and(|last| last.trim() == NOTHING);
    matches!(&image.build, Build::Custom(build) if builds_nothing(build)) && image.live_update.is_some()
}

/// What below some folders never counts: what git and orch keep, and the files that are evaluated.
pub(crate) fn ignored(roots: &[FilePath], eval: &Evaluator<'_, '_, '_>) -> Vec<Arc<IgnoreRule>> {
    let mut ignores = Ignores::default();
    ignores.always(roots, context(eval));
    ignores.rules
}

/// Adds such an image to the draft. `container` is the name of the containers, where their image does not tell them.
pub(crate) fn declare(
    reference: ImageRef,
    container: Option<String>,
    steps: Steps,
    inputs: &FileSet,
    eval: &Evaluator<'_, '_, '_>,
) -> Result<(), Fault> {
    super::check_new(&reference, "image_selector", eval)?;
    let key = reference.key();
    let command = Command {
        argv: ["sh", "-c", NOTHING].map(str::to_owned).to_vec(),
        dir: context(eval).dir(),
        env: BTreeMap::new(),
    };
    let build = CustomBuild {
        command,
        deps: inputs.roots.clone(),
        ignore: Vec::new(),
        output: CustomOutput::Elsewhere { tag: None },
        disable_push: true,
        image_deps: Vec::new(),
    };
    let site = site(eval);
    let image = Image {
        exact: reference.is_exact(),
        declared_at: site.as_ref().map(Site::location),
        build: Build::Custom(Box::new(build)),
        inputs: Arc::new(inputs.clone()),
        bases: Vec::new(),
        repository: String::new(),
        tag_prefix: String::new(),
        push: false,
        live_update: steps.live_update(&key),
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
        key,
    };
    context(eval).draft.borrow_mut().images.push(DraftImage {
        reference,
        site,
        image,
        named: Vec::new(),
        required: Vec::new(),
        steps: steps.paths(),
        ignore_files: Vec::new(),
        implicit: false,
        container,
    });
    Ok(())
}
