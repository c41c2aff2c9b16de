//! Old images of a project go, and nothing else does.

use super::{Engine, Workshop, block_on};
use bollard::{
    models::ContainerCreateBody,
    query_parameters::{CreateContainerOptionsBuilder, TagImageOptionsBuilder},
};
use orch::{
    host::docker::build::prune::prune,
    model::{Built, DockerPrune},
    store::MadeImage,
};
use std::time::{Duration, SystemTime};

#[test]
fn old_images_go_but_those_in_use() {
    let Some(engine) = Engine::shared() else { return };
    let mut shop = Workshop::new(&engine);
    let images: Vec<Built> = (0..5)
        .map(|number| {
            let recipe = shop.docker_build(&format!("FROM BASE\nENV NUMBER={number} OF=ID"));
            shop.built(recipe)
        })
        .collect();
    let body = ContainerCreateBody { image: Some(images[1].reference.clone()), ..Default::default() };
    let options = CreateContainerOptionsBuilder::default().name(&engine.name("user")).build();
    block_on(engine.docker().create_container(Some(options), body)).unwrap();
    let mine = TagImageOptionsBuilder::default().repo(&engine.name("app")).tag("mine").build();
    block_on(engine.docker().tag_image(&images[0].reference, Some(mine))).unwrap();
    let made = (1..).zip(&images).map(|(made_at_secs, built)| MadeImage {
        id: built.id.clone().unwrap(),
        reference: built.reference.clone(),
        made_at_secs,
    });
    let settings = DockerPrune { keep_recent: 1, ..DockerPrune::default() };
    let keep = vec![images[2].id.clone().unwrap()];
    let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
    let gone = block_on(prune(&shop.tools.connection, made.collect(), &settings, keep, now)).unwrap();
    assert_eq!(gone, [3, 0].map(|number: usize| images[number].id.clone().unwrap()));
    let is_there = |reference: &str| block_on(engine.docker().inspect_image(reference)).is_ok();
    assert!(is_there(&format!("{}:mine", engine.name("app"))), "the user's own name stays");
    let left: Vec<_> = (0..5).filter(|number: &usize| is_there(&images[*number].reference)).collect();
    assert_eq!(left, [1, 2, 4]);
}
