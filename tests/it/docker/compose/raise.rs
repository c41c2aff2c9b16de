//! Raising services: what is touched, what is not, and what is said when it cannot be.

use super::{Stage, block_on, engine_with_compose};
use futures_util::future::join_all;
use std::{collections::BTreeSet, net::TcpListener};

const SHOP: &str = "
services:
  db: {image: BASE, command: [sleep, '1000'], stop_grace_period: 0s, volumes: ['data:/data'], labels: {test: ID}}
  web: {image: BASE, command: [sleep, '1000'], stop_grace_period: 0s, depends_on: [db], labels: {test: ID}}
volumes: {data: {labels: {test: ID}}}
";

#[test]
fn a_service_is_made_with_marks_and_then_left_alone() {
    let Some(engine) = engine_with_compose() else { return };
    let stage = Stage::new(&engine, SHOP);
    let said = stage.raise("db").well();
    assert!(said.contains("Volume") && said.contains("Created"), "what the tool says is in the log: {said}");
    assert!(!said.contains("Container"), "but for what orch says itself: {said}");
    let db = stage.container("db");
    let order = stage.order("db");
    assert!(db.is_running(), "{db}");
    assert_eq!(db.labels["orch.project"], stage.marks.project.as_str());
    assert_eq!(db.labels["orch.root"], stage.marks.root.to_string());
    assert_eq!(db.labels["orch.resource"], "db");
    assert_eq!(db.labels["orch.fingerprint"], order.fingerprint.to_string());
    assert_eq!(stage.raise("db").well(), "", "nothing is run for what is there");
    assert_eq!(stage.container("db").identity(), db.identity());
}

#[test]
fn another_definition_replaces_that_service_alone() {
    let Some(engine) = engine_with_compose() else { return };
    let mut stage = Stage::new(&engine, SHOP);
    stage.raise("db").well();
    stage.raise("web").well();
    let (db, web) = (stage.container("db"), stage.container("web"));
    stage.edit("depends_on: [db]", "depends_on: [db], environment: {A: '1'}");
    stage.raise("web").well();
    assert_ne!(stage.container("web").id, web.id);
    assert_eq!(stage.container("web").inspected.config.unwrap().env.unwrap()[0], "A=1");
    assert_eq!(stage.container("db").identity(), db.identity());
    stage.raise("db").well();
    assert_eq!(stage.container("db").identity(), db.identity(), "what the others are says nothing of it");
}

#[test]
fn one_that_only_does_not_run_is_started() {
    let Some(engine) = engine_with_compose() else { return };
    let stage = Stage::new(&engine, SHOP);
    stage.raise("web").well();
    let web = stage.container("web");
    engine.kill(&web);
    let said = stage.raise("web").well();
    assert_eq!(said, format!("starting the container `{}`\n", web.name));
    let again = stage.container("web");
    assert!(again.is_running() && again.id == web.id && again.started_at != web.started_at, "{again}");
    block_on(engine.docker().pause_container(&web.id)).unwrap();
    stage.raise("web").well();
    assert!(stage.container("web").is_running());
}

#[test]
fn a_replacement_that_is_asked_for_is_another_container() {
    let Some(engine) = engine_with_compose() else { return };
    let stage = Stage::new(&engine, SHOP);
    stage.raise("web").well();
    let web = stage.container("web");
    let mut order = stage.order("web");
    order.replace = true;
    stage.raise_as("web", &order).well();
    assert_ne!(stage.container("web").id, web.id);
}

#[test]
fn a_removed_one_is_made_again() {
    let Some(engine) = engine_with_compose() else { return };
    let stage = Stage::new(&engine, SHOP);
    stage.raise("web").well();
    engine.remove(&stage.container("web"));
    stage.raise("web").well();
    assert!(stage.container("web").is_running());
}

#[test]
fn services_of_a_new_project_are_raised_side_by_side() {
    let Some(engine) = engine_with_compose() else { return };
    let names: Vec<_> = (0..4).map(|number| format!("s{number}")).collect();
    let service = |name: &String| {
        format!("  {name}: {{image: BASE, command: [sleep, '1000'], volumes: ['data:/data'], labels: {{test: ID}}}}\n")
    };
    let file: String = names.iter().map(service).collect();
    let stage = Stage::new(&engine, &format!("services:\n{file}volumes: {{data: {{labels: {{test: ID}}}}}}\n"));
    let orders: Vec<_> = names.iter().map(|name| (name, stage.order(name))).collect();
    let raised = block_on(join_all(orders.iter().map(|(name, order)| stage.raising(name, order))));
    raised.into_iter().for_each(|raised| drop(raised.well()));
    let networks: BTreeSet<_> = names
        .iter()
        .map(|name| {
            let settings = stage.container(name).inspected.network_settings.unwrap();
            settings.networks.unwrap().into_values().next().unwrap().network_id
        })
        .collect();
    assert_eq!(networks.len(), 1, "they share one network");
}

#[test]
fn several_containers_of_one_service() {
    let Some(engine) = engine_with_compose() else { return };
    let file = "services:\n  web: {image: BASE, command: [sleep, '1000'], stop_grace_period: 0s, scale: 2, labels: {test: ID}}\n";
    let mut stage = Stage::new(&engine, file);
    stage.raise("web").well();
    let two = engine.containers();
    assert_eq!(two.iter().filter(|it| it.is_running()).count(), 2);
    engine.kill(&two[1]);
    stage.raise("web").well();
    let again = engine.containers();
    assert_eq!(again[0].identity(), two[0].identity());
    assert!(again[1].is_running() && again[1].id == two[1].id);
    stage.edit("scale: 2", "scale: 1");
    stage.raise("web").well();
    assert_eq!(engine.containers().len(), 1);
}

#[test]
fn a_taken_port_is_refused_with_its_holder() {
    let Some(engine) = engine_with_compose() else { return };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let file = format!(
        "services:\n  web: {{image: BASE, command: [sleep, '1000'], ports: ['127.0.0.1:{port}:80'], labels: {{test: ID}}}}\n"
    );
    let stage = Stage::new(&engine, &file);
    for attempt in ["by the tool", "by a start"] {
        let raised = stage.raise("web");
        assert_eq!(raised.port(), Some(port), "{attempt}");
        let refused = raised.refused();
        let own = format!("port {port} is already taken by `");
        assert!(refused.starts_with(&own) && refused.contains(&std::process::id().to_string()), "{attempt}: {refused}");
    }
    drop(taken);
    stage.raise("web").well();
    assert!(stage.container("web").is_running());
    let file = file.replace("web:", "other:");
    let sandbox = engine.sandbox(&format!("docker_compose('compose.yaml', project_name='{}')", engine.name("other")));
    let refused = Stage::in_sandbox(&engine, sandbox, &file).raise("other").refused();
    let holder = stage.container("web").name;
    assert!(refused.starts_with(&format!("port {port} is already taken by the container `{holder}`")), "{refused}");
}

#[test]
fn a_new_port_that_is_taken_leaves_the_old_container_running() {
    let Some(engine) = engine_with_compose() else { return };
    let [free, taken] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [before, after] = [&free, &taken].map(|listener| listener.local_addr().unwrap().port());
    drop(free);
    let file = format!(
        "services:\n  web: {{image: BASE, command: [sleep, '1000'], ports: ['{before}:80'], labels: {{test: ID}}, \
         stop_grace_period: 0s}}\n"
    );
    let mut stage = Stage::new(&engine, &file);
    stage.raise("web").well();
    let web = stage.container("web");
    stage.edit(&format!("'{before}:80'"), &format!("'{before}:80', '{after}:81'"));
    let refused = stage.raise("web").refused();
    let expected = [format!("port {after} is already taken"), "goes on running".into(), "`orch trigger web`".into()];
    assert!(expected.iter().all(|text| refused.contains(text)), "{refused}");
    let now = stage.container("web");
    assert_eq!((now.identity(), now.is_running()), (web.identity(), true), "{now}");
    drop(taken);
    stage.raise("web").well();
    assert_ne!(stage.container("web").id, web.id);
}

#[test]
fn an_image_that_is_nowhere() {
    let Some(engine) = engine_with_compose() else { return };
    let file = "services:\n  web: {image: '127.0.0.1:1/nowhere:ID', labels: {test: ID}}\n";
    let refused = Stage::new(&engine, file).raise("web").refused();
    assert!(refused.starts_with("docker compose could not start the service `web`: "), "{refused}");
    let file = "services:\n  web: {image: 'nowhere:ID', pull_policy: never, labels: {test: ID}}\n";
    let refused = Stage::new(&engine, file).raise("web").refused();
    assert!(refused.contains("nowhere") && refused.contains("check the name of the image"), "{refused}");
}

#[test]
fn wait_is_for_health() {
    let Some(engine) = engine_with_compose() else { return };
    let call = format!("docker_compose('compose.yaml', project_name='{}', wait=True)", engine.name("shop"));
    let file = "
services:
  well: {image: BASE, command: [sleep, '1000'], healthcheck: {test: [CMD, 'true'], interval: 100ms}, labels: {test: ID}}
  ill: {image: BASE, command: [sleep, '1000'], healthcheck: {test: [CMD, 'false'], interval: 100ms, retries: 1}, labels: {test: ID}}
";
    let stage = Stage::in_sandbox(&engine, engine.sandbox(&call), file);
    stage.raise("well").well();
    assert_eq!(stage.container("well").health, "healthy");
    let refused = stage.raise("ill").refused();
    assert!(refused.contains("is unhealthy") && refused.contains("health check"), "{refused}");
}
