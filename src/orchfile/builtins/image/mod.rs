//! The family of images: what builds them, how running containers follow, where they are pushed.

mod custom;
mod docker;
pub(super) mod ignore;
pub(super) mod reference;
mod registry;
pub(super) mod service;
pub(super) mod step;
pub(in crate::orchfile) mod synced;

use crate::model::{Build, FileSet, Image, ImageRef};
use crate::orchfile::{
    Fault,
    context::{context, site},
    draft::{DraftImage, DraftStep},
    text::Site,
};
use starlark::{environment::GlobalsBuilder, eval::Evaluator};
use std::sync::Arc;

/// Adds the family.
pub(super) fn register(globals: &mut GlobalsBuilder) {
    custom::register(globals);
    docker::register(globals);
    registry::register(globals);
    step::register(globals);
}

/// What both kinds of image have.
struct Options {
    reference: ImageRef,
    steps: step::Steps,
    match_in_env_vars: bool,
    entrypoint: Option<Vec<String>>,
    container_args: Option<Vec<String>>,
}

/// What an image is made of.
struct Parts {
    build: Build,
    inputs: FileSet,
    /// Images that its build names.
    named: Vec<ImageRef>,
    /// Images that it must have.
    required: Vec<ImageRef>,
    /// What said what is ignored.
    ignore_files: ignore::Looked,
}

/// Whether no image of that name is declared yet.
fn check_new(reference: &ImageRef, argument: &str, eval: &Evaluator<'_, '_, '_>) -> Result<(), Fault> {
    let draft = context(eval).draft.borrow();
    let first = draft.images.iter().find(|image| !image.implicit && image.reference == *reference);
    let Some(first) = first else { return Ok(()) };
    let place = first.site.as_ref().map(Site::location);
    let place = place.map(|at| format!(", at {}:{}:{}", at.file, at.line, at.column)).unwrap_or_default();
    let message = format!("the image `{}` is already declared{place}", reference.key());
    Err(Fault::new("orchfile::duplicate_image", message)
        .help("give one of them another name, or each a tag of its own")
        .at_argument(argument))
}

/// Adds an image to the draft.
fn declare(options: Options, parts: Parts, eval: &Evaluator<'_, '_, '_>) -> Result<(), Fault> {
    let Options { reference, steps, match_in_env_vars, entrypoint, container_args } = options;
    check_new(&reference, "ref", eval)?;
    let draft = &mut context(eval).draft.borrow_mut();
    let key = reference.key();
    let image = Image {
        exact: reference.is_exact(),
        declared_at: site(eval).as_ref().map(Site::location),
        build: parts.build,
        inputs: Arc::new(parts.inputs),
        bases: Vec::new(),
        repository: String::new(),
        tag_prefix: String::new(),
        push: false,
        live_update: steps.live_update(&key),
        match_in_env_vars,
        entrypoint,
        container_args,
        key,
    };
    let paths: Vec<DraftStep> = steps.paths();
    draft.images.push(DraftImage {
        reference,
        site: site(eval),
        image,
        named: parts.named,
        required: parts.required,
        steps: paths,
        ignore_files: parts.ignore_files,
        implicit: false,
        container: None,
    });
    Ok(())
}
