//! Images that the compose tool makes.

use super::{Engine, Stage, block_on, engine_with_compose};
use crate::process::Screen;
use orch::{
    engine::BuildOrder,
    host::docker::{
        build::{BuildFailure, Log, Tools, Turns},
        credentials::Credentials,
    },
    model::{Build, Built, ComposeBuild, FilePath, FileSet, Image, ImageKey},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

fn build(stage: &Stage<'_>, bases: BTreeMap<ImageKey, Built>) -> (Result<Built, BuildFailure>, String) {
    let service = ComposeBuild {
        project: stage.engine.name("shop"),
        service: "web".to_owned(),
        context: FilePath::new(stage.sandbox.root()),
    };
    let image = Image {
        key: ImageKey("web".into()),
        exact: false,
        declared_at: None,
        build: Build::Compose(service.clone()),
        inputs: Arc::new(FileSet::of(Vec::new())),
        bases: Vec::new(),
        repository: stage.engine.name("web"),
        tag_prefix: String::new(),
        push: false,
        live_update: None,
        match_in_env_vars: false,
        entrypoint: None,
        container_args: None,
    };
    let order = BuildOrder {
        image: Arc::new(image),
        bases,
        environment: super::environment(&stage.sandbox, stage.engine),
        compose: Some(stage.project.compose[0].clone()),
        grace: Duration::from_secs(1),
    };
    let screen = Screen::new();
    let tools = Tools {
        connection: stage.connection.clone(),
        credentials: Credentials::new(None, stage.processes.clone()),
        processes: stage.processes.clone(),
        compose: stage.compose.clone(),
        turns: Turns::default(),
        dir: FilePath::new("/"),
        defaults: &[],
    };
    let result = block_on(orch::host::docker::build::build(&tools, &order, &Log::new(screen.clone())));
    (result, screen.text())
}

fn file(dockerfile: &str) -> String {
    format!(
        "services:\n  web:\n    image: ID-web:mine\n    build:\n      context: .\n      labels: {{test: ID}}\n      dockerfile_inline: |\n        {dockerfile}\n"
    )
}

#[test]
fn an_image_is_made_and_has_the_name_of_the_file() {
    let Some(engine) = engine_with_compose() else { return };
    let stage = Stage::new(&engine, &file("FROM BASE\n        LABEL a=b"));
    let (made, said) = build(&stage, BTreeMap::new());
    let made = made.unwrap_or_else(|failure| panic!("{failure:?}\n{said}"));
    let image = block_on(engine.docker().inspect_image(&format!("{}-web:mine", engine.id()))).unwrap();
    let id = made.id.unwrap();
    assert_eq!(image.id.unwrap(), id.to_string());
    assert_eq!(made.reference, format!("{}:{}", engine.name("web"), id.tag()));
    assert!(block_on(engine.docker().inspect_image(&made.reference)).is_ok());
    assert!(said.contains("FROM"), "its steps are in the log: {said}");
}

#[test]
fn it_starts_from_an_image_that_orch_made() {
    let Some(engine) = engine_with_compose() else { return };
    let stage = Stage::new(&engine, &file("FROM ID-base\n        LABEL a=b"));
    let bases = BTreeMap::from([(
        ImageKey(format!("{}-base", engine.id()).into()),
        Built { id: None, reference: Engine::base() },
    )]);
    let (made, said) = build(&stage, bases);
    made.unwrap_or_else(|failure| panic!("{failure:?}\n{said}"));
}

#[test]
fn a_step_that_fails_is_told() {
    let Some(engine) = engine_with_compose() else { return };
    let stage = Stage::new(&engine, &file("FROM BASE\n        RUN echo oh no; exit 3"));
    let (made, said) = build(&stage, BTreeMap::new());
    let BuildFailure::Recipe(failure) = made.unwrap_err() else { panic!("{said}") };
    assert!(failure.message.contains("could not build the image of the service `web`"), "{}", failure.message);
    assert!(failure.message.contains("exit code: 3"), "{}", failure.message);
    assert!(said.contains("oh no"), "{said}");
}
