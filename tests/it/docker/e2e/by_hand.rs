//! What somebody changes of a container by hand is noticed and put back, and the log says so.

use super::{containers, plant, until_at_rest};
use crate::{
    docker::{Container, Engine, block_on},
    sandbox::{Sandbox, Session},
};
use bollard::{
    models::{ContainerUpdateBody, NetworkDisconnectRequest},
    query_parameters::RenameContainerOptionsBuilder,
};

/// The networks that a container is in.
fn networks(container: &Container) -> Vec<String> {
    let networks = container.inspected.network_settings.clone().and_then(|settings| settings.networks);
    networks.unwrap_or_default().into_keys().collect()
}

fn disconnect(engine: &Engine, container: &Container) {
    for network in networks(container) {
        let request = NetworkDisconnectRequest { container: container.id.clone(), force: Some(true) };
        block_on(engine.docker().disconnect_network(&network, request)).unwrap();
    }
}

/// Waits until the log says that `web` was changed in that way, and another container is in the place of it.
#[track_caller]
fn until_put_back(engine: &Engine, sandbox: &Sandbox, session: &mut Session, how: &str, before: &Container) {
    session.wait_until(how, |line| line.contains("web │") && line.contains("repair") && line.contains(how));
    let after = engine.until_container("web", "is back", session, |it| it.id != before.id && it.is_running());
    assert_eq!((&after.name, networks(&after)), (&before.name, networks(before)), "{}", session.said());
    until_at_rest(engine, sandbox, session);
    let now = engine.container("web").unwrap();
    assert_eq!(now.identity(), after.identity(), "it was put back more than once:\n{}", session.said());
}

#[test]
fn a_name_a_limit_and_a_network_are_put_back() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["web"], ""));
    plant(&sandbox, &["web"]);
    let mut session = sandbox.start(&["up", "--stream"]);
    engine.until_container("web", "runs", &mut session, Container::is_running);
    until_at_rest(&engine, &sandbox, &mut session);

    let web = engine.container("web").unwrap();
    disconnect(&engine, &web);
    until_put_back(&engine, &sandbox, &mut session, "it is not in the network", &web);

    let web = engine.container("web").unwrap();
    let other = engine.name("other");
    let options = RenameContainerOptionsBuilder::default().name(&other).build();
    block_on(engine.docker().rename_container(&web.id, options)).unwrap();
    until_put_back(&engine, &sandbox, &mut session, &format!("it is called `{other}` now"), &web);

    let web = engine.container("web").unwrap();
    let limit = Some(200 << 20);
    let update = ContainerUpdateBody { memory: limit, memory_swap: limit, ..Default::default() };
    block_on(engine.docker().update_container(&web.id, update)).unwrap();
    until_put_back(&engine, &sandbox, &mut session, "its memory limit was changed", &web);
    session.interrupt().expect_code(0);
}

#[test]
fn a_network_of_a_compose_service_is_put_back_also_by_the_next_session() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox("docker_compose('compose.yaml')\n");
    let text = format!(
        "name: {}\nservices:\n  web: {{ image: {}, command: [sleep, '1000000'], init: true }}\n",
        engine.name("project"),
        Engine::base()
    );
    sandbox.write("compose.yaml", &text);
    let mut session = sandbox.start(&["up", "--stream"]);
    engine.until_container("web", "runs", &mut session, Container::is_running);
    until_at_rest(&engine, &sandbox, &mut session);
    let web = engine.container("web").unwrap();
    disconnect(&engine, &web);
    until_put_back(&engine, &sandbox, &mut session, "it is not in the network", &web);
    session.interrupt().expect_code(0);

    let web = engine.container("web").unwrap();
    disconnect(&engine, &web);
    let finished = sandbox.orch(&["ci"]).expect_code(0);
    let after = engine.container("web").unwrap();
    assert!(after.id != web.id && networks(&after) == networks(&web), "{}", finished.all());
}
