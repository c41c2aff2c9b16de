//! Who reaches whom, and by which name.

use super::{ci, sleeping};
use crate::docker::{Container, Engine, block_on};
use bollard::models::NetworkCreateRequest;

fn reaches(engine: &Engine, from: &Container, name: &str) -> bool {
    engine.exec(from, &["ping", "-c", "1", "-W", "5", name]).0 == 0
}

fn networks_of(container: &Container) -> Vec<String> {
    let networks = container.inspected.network_settings.as_ref().unwrap().networks.clone().unwrap();
    let mut names: Vec<_> = networks.into_keys().collect();
    names.sort();
    names
}

#[test]
fn the_containers_of_a_project_know_each_other_by_name() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&format!("{}{}", sleeping("api", ""), sleeping("web", "")));
    ci(&engine, &sandbox).expect_code(0);
    let [api, web] = ["api", "web"].map(|name| engine.container(name).unwrap());
    assert_eq!(networks_of(&web), [format!("{}_default", engine.id())]);
    assert!(reaches(&engine, &web, "api") && reaches(&engine, &api, "web"), "{}", engine.said());
    sandbox.orch(&["down", "--project", engine.id()]).expect_code(0);
    assert!(engine.belongings().is_empty(), "{:?}", engine.belongings());
}

#[test]
fn networks_part_and_join_and_give_further_names() {
    let Some(engine) = Engine::shared() else { return };
    let shared = engine.name("shared");
    let request = NetworkCreateRequest { name: shared.clone(), ..Default::default() };
    block_on(engine.docker().create_network(request)).unwrap();
    let text = format!(
        "{}{}{}{}",
        sleeping("db", "networks='back'"),
        sleeping("api", &format!("networks={{'back': ['orders', 'stock'], 'front': 'www', {shared:?}: []}}")),
        sleeping("web", "networks=['front']"),
        sleeping("alone", "networks='none'"),
    );
    let sandbox = engine.sandbox(&text);
    ci(&engine, &sandbox).expect_code(0);
    let [db, api, web, alone] = ["db", "api", "web", "alone"].map(|name| engine.container(name).unwrap());
    let own = |name: &str| format!("{}_{name}", engine.id());
    assert_eq!(networks_of(&api), [shared.clone(), own("back"), own("front")]);
    assert_eq!(networks_of(&alone), ["none"]);
    for name in ["api", "orders", "stock"] {
        assert!(reaches(&engine, &db, name), "`db` does not reach `{name}`");
    }
    for name in ["api", "www"] {
        assert!(reaches(&engine, &web, name), "`web` does not reach `{name}`");
    }
    assert!(!reaches(&engine, &web, "db") && !reaches(&engine, &web, "orders") && !reaches(&engine, &db, "www"));
    // What was there before stays.
    sandbox.orch(&["down", "--project", engine.id()]).expect_code(0);
    assert_eq!(engine.belongings(), [format!("network {shared}")]);
}

#[test]
fn a_network_goes_with_the_last_container_in_it() {
    let Some(engine) = Engine::shared() else { return };
    let shared = engine.name("shared");
    let request = NetworkCreateRequest { name: shared.clone(), ..Default::default() };
    block_on(engine.docker().create_network(request)).unwrap();
    let stays = sleeping("db", "networks=['back']");
    let goes = sleeping("web", &format!("networks=['back', 'front', {shared:?}]"));
    let sandbox = engine.sandbox(&format!("{stays}{goes}"));
    ci(&engine, &sandbox).expect_code(0);
    sandbox.write("Orchfile", &stays);
    let finished = ci(&engine, &sandbox).expect_code(0);
    let networks = || engine.belongings().into_iter().filter(|it| it.starts_with("network")).collect::<Vec<_>>();
    let left = [format!("network {shared}"), format!("network {}_back", engine.id())];
    assert_eq!(networks(), left, "{}", finished.all());
}
