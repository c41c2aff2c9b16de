//! Containers of images that the engine has not.

use super::{assert_says, ci};
use crate::{
    docker::{Engine, Registry, block_on},
    sandbox::Sandbox,
};
use base64::{Engine as _, engine::general_purpose};
use bollard::query_parameters::RemoveImageOptions;

fn project(engine: &Engine, image: &str) -> Sandbox {
    engine.sandbox(&format!("docker_container('web', {image:?}, command=['sleep', '1000000'], init=True)\n"))
}

/// An image that only the registry has.
fn only_in(registry: &Registry, engine: &Engine, tag: &str) -> String {
    let image = format!("{}/{}:{tag}", registry.address(), engine.name("web"));
    registry.fill(engine, &image);
    block_on(engine.docker().remove_image(&image, None::<RemoveImageOptions>, None)).unwrap();
    image
}

#[test]
fn what_is_missing_is_pulled_once() {
    let Some(engine) = Engine::shared() else { return };
    let Some(registry) = Registry::open() else { return };
    let image = only_in(&registry, &engine, "latest");
    let sandbox = project(&engine, image.strip_suffix(":latest").unwrap());
    let said = ci(&engine, &sandbox).expect_code(0).all();
    assert!(said.contains("pulling ") && said.contains("pulled "), "{said}");
    let before = engine.container("web").unwrap();
    drop(registry);
    let said = ci(&engine, &sandbox).expect_code(0).all();
    assert!(!said.contains("pulling "), "{said}");
    assert_eq!(engine.container("web").unwrap().identity(), before.identity());
}

#[test]
fn what_cannot_be_pulled_is_named_with_what_to_do() {
    let Some(engine) = Engine::shared() else { return };
    let Some(registry) = Registry::open() else { return };
    let there = only_in(&registry, &engine, "one");
    let other_tag = there.replace(":one", ":two");
    assert_says(&ci(&engine, &project(&engine, &other_tag)), &[&other_tag, "check its name and its tag"]);
    let nowhere = format!("127.0.0.1:1/{}:one", engine.name("web"));
    let finished = ci(&engine, &project(&engine, &nowhere));
    assert_says(&finished, &[&nowhere, "connection refused", "look whether its registry can be reached"]);
}

#[test]
fn a_registry_that_asks_who_pulls_gets_the_login() {
    let Some(engine) = Engine::shared() else { return };
    let Some(registry) = Registry::locked() else { return };
    let image = only_in(&registry, &engine, "one");
    let sandbox = project(&engine, &image);
    assert_says(&ci(&engine, &sandbox), &[&image, "docker login"]);
    let auth = general_purpose::STANDARD.encode(format!("{}:{}", Registry::USER, Registry::PASSWORD));
    let config = format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, registry.address());
    std::fs::write(sandbox.home().join(".docker/config.json"), config).unwrap();
    let said = ci(&engine, &sandbox).expect_code(0).all();
    assert!(!said.contains(Registry::PASSWORD) && !said.contains(&auth), "{said}");
}
