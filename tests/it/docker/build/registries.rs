//! Pushing to a registry, and pulling from one that asks who it is.

use super::{Engine, Workshop, image};
use crate::docker::Registry;
use base64::{Engine as _, engine::general_purpose};
use orch::{
    engine::BuildOrder,
    host::docker::build::BuildFailure,
    model::{Build, Built, ImageKey},
};
use std::{fs, os::unix::fs::PermissionsExt as _, sync::Arc};

/// An order to build this Dockerfile for a registry.
fn order_for(shop: &Workshop<'_>, registry: &Registry, dockerfile: &str) -> BuildOrder {
    let recipe = shop.docker_build(dockerfile);
    let mut order = shop.order(Build::Docker(Box::new(recipe.clone())));
    let repository = format!("{}/{}", registry.address(), shop.engine.name("app"));
    let mut declared = image(&repository, Build::Docker(Box::new(recipe)));
    declared.push = true;
    order.image = Arc::new(declared);
    order
}

fn log_in(shop: &Workshop<'_>, registry: &Registry) {
    let auth = general_purpose::STANDARD.encode(format!("{}:{}", Registry::USER, Registry::PASSWORD));
    write_config(shop, &format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, registry.address()));
}

fn write_config(shop: &Workshop<'_>, text: &str) {
    shop.write("../config/config.json", text);
}

fn tags(shop: &Workshop<'_>, registry: &Registry) -> Vec<String> {
    registry.tags(&shop.engine.name("app"))
}

#[test]
fn an_image_is_pushed_unless_its_registry_has_it() {
    let Some(engine) = Engine::shared() else { return };
    let Some(registry) = Registry::open() else { return };
    let mut shop = Workshop::new(&engine);
    let order = order_for(&shop, &registry, "FROM BASE\nRUN echo pushed >/x");
    let built = shop.run(&order).unwrap();
    assert_eq!(tags(&shop, &registry), [built.reference.rsplit_once(':').unwrap().1]);
    assert!(
        shop.said().contains(&format!("pushing {}\n", built.reference)) && shop.said().contains(": pushed\n"),
        "{}",
        shop.said()
    );
    assert_eq!(shop.run(&order).unwrap(), built);
    assert!(shop.said().ends_with(&format!("{} is in its registry already\n", built.reference)), "{}", shop.said());
}

#[test]
fn a_registry_that_asks_gets_the_login_of_docker_s_configuration() {
    let Some(engine) = Engine::shared() else { return };
    let Some(registry) = Registry::locked() else { return };
    let mut shop = Workshop::new(&engine);
    let order = order_for(&shop, &registry, "FROM BASE\nRUN echo locked >/x");
    let failure = shop.run(&order).unwrap_err();
    let (message, help) = (&failure.failure().message, failure.failure().help.as_deref());
    assert!(matches!(failure, BuildFailure::Engine(_)) && message.contains("cannot be pushed: "), "{failure:?}");
    assert!(
        help.is_some_and(|help| help.starts_with(&format!("`docker login {}`", registry.address()))),
        "{failure:?}"
    );
    log_in(&shop, &registry);
    let built = shop.run(&order).unwrap();
    assert_eq!(tags(&shop, &registry).len(), 1);
    // An image from there can be built upon, by either builder.
    for builder in ["1", "0"] {
        remove(&engine, &built);
        shop.environment.insert("DOCKER_BUILDKIT".to_owned(), Some(builder.to_owned()));
        let upon =
            order_for(&shop, &registry, &format!("FROM {}\nENV BUILDER={builder}\nRUN cat /x >/y", built.reference));
        let upon = shop.run(&upon).unwrap_or_else(|failure| panic!("builder {builder}: {failure:?}\n{}", shop.said()));
        assert_eq!(shop.shell(&upon, "cat /y"), "locked\n");
        assert!(!shop.said().contains(Registry::PASSWORD));
    }
}

fn remove(engine: &Engine, built: &Built) {
    let options = bollard::query_parameters::RemoveImageOptionsBuilder::default().force(true).build();
    super::block_on(engine.docker().remove_image(&built.reference, Some(options), None)).ok();
}

#[test]
fn a_credential_helper_is_asked() {
    let Some(engine) = Engine::shared() else { return };
    let Some(registry) = Registry::locked() else { return };
    let mut shop = Workshop::new(&engine);
    let answer = format!(r#"{{"ServerURL":"x","Username":"{}","Secret":"{}"}}"#, Registry::USER, Registry::PASSWORD);
    let helper = shop.write(
        "../bin/docker-credential-test",
        &format!("#!/bin/sh\nread server; [ \"$1 $server\" = \"get {}\" ] && echo '{answer}'", registry.address()),
    );
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    write_config(&shop, r#"{"credsStore": "test"}"#);
    let order = order_for(&shop, &registry, "FROM BASE\nRUN echo helped >/x");
    assert!(shop.run(&order).is_err());
    let complaint = "`docker-credential-test` does not tell who you are at";
    assert!(shop.said().contains(complaint), "{}", shop.said());
    let path = format!("{}:{}", helper.parent().unwrap().display(), std::env::var("PATH").unwrap());
    shop.environment.insert("PATH".to_owned(), Some(path));
    let order = BuildOrder { environment: shop.environment.clone(), ..order };
    shop.run(&order).unwrap_or_else(|failure| panic!("{failure:?}\n{}", shop.said()));
    assert!(!shop.said().contains(complaint) && !shop.said().contains(Registry::PASSWORD), "{}", shop.said());
    assert_eq!(tags(&shop, &registry).len(), 1);
}

#[test]
fn a_registry_that_is_away_is_named() {
    let Some(engine) = Engine::shared() else { return };
    let Some(registry) = Registry::open() else { return };
    let mut shop = Workshop::new(&engine);
    let order = order_for(&shop, &registry, "FROM BASE\nRUN echo away >/x");
    let address = registry.address().to_owned();
    drop(registry);
    let failure = shop.run(&order).unwrap_err();
    assert_eq!(failure.failure().help, Some(format!("look whether the registry `{address}` is up")), "{failure:?}");
}

#[test]
fn images_are_pulled_anew_but_those_of_the_session() {
    let Some(engine) = Engine::shared() else { return };
    let Some(registry) = Registry::open() else { return };
    for builder in ["1", "0"] {
        let mut shop = Workshop::with_builder(&engine, builder);
        let order = order_for(&shop, &registry, &format!("FROM BASE\nRUN echo {builder} >/x"));
        let there = shop.run(&order).unwrap();
        let own = engine.name("own");
        let recipe = shop.docker_build("FROM BASE\nRUN echo own >/y");
        let made = shop.built(recipe);
        for (text, bases) in [
            (format!("FROM {}", there.reference), vec![]),
            (format!("FROM {own}\nCOPY --from={} /x /x", there.reference), vec![(ImageKey(own.as_str().into()), made)]),
        ] {
            remove(&engine, &there);
            let mut recipe = shop.docker_build(&text);
            recipe.pull = true;
            let mut order = shop.order(Build::Docker(Box::new(recipe)));
            order.bases.extend(bases);
            let upon =
                shop.run(&order).unwrap_or_else(|failure| panic!("builder {builder}: {failure:?}\n{}", shop.said()));
            assert_eq!(shop.shell(&upon, "cat /x"), format!("{builder}\n"));
        }
    }
}
