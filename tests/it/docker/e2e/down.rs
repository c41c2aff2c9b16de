//! `orch down` takes what the project made and nothing else, also where the Orchfile is of no help.

use super::{containers, plant};
use crate::{
    docker::{Engine, block_on},
    sandbox::Sandbox,
};
use bollard::models::VolumeCreateRequest;

/// Containers, a network and a volume of a project, beside those of a neighbour and what somebody made by hand.
struct Street {
    ours: Sandbox,
    theirs: Sandbox,
    /// What is not ours.
    others: Vec<String>,
}

fn street(engine: &Engine) -> Street {
    let text = format!(
        "{}docker_container('db', {:?}, command=['sleep', '1000000'], init=True, volumes='data:/data', networks='back')\n",
        containers(engine, &["web"], ""),
        Engine::base()
    );
    let [ours, theirs] = [(); 2].map(|()| {
        let sandbox = engine.sandbox(&text);
        plant(&sandbox, &["web"]);
        sandbox
    });
    engine.run("by-hand", &["sleep", "1000000"]);
    let volume = VolumeCreateRequest { name: Some(engine.name("data")), ..Default::default() };
    block_on(engine.docker().create_volume(volume)).unwrap();
    theirs.orch(&["ci"]).expect_code(0);
    let others = without_images(engine);
    assert_eq!(others.len(), 7, "{others:?}");
    ours.orch(&["ci"]).expect_code(0);
    assert_eq!(without_images(engine).len(), 12, "{:?}", engine.belongings());
    Street { ours, theirs, others }
}

/// All but images, which stay for the next time.
fn without_images(engine: &Engine) -> Vec<String> {
    engine.belongings().into_iter().filter(|it| !it.starts_with("image")).collect()
}

/// What is there beside that of the others.
fn ours(engine: &Engine, street: &Street) -> Vec<String> {
    let all = without_images(engine);
    assert!(street.others.iter().all(|it| all.contains(it)), "{all:?} of {:?}", street.others);
    all.into_iter().filter(|it| !street.others.contains(it)).collect()
}

#[test]
fn a_broken_orchfile_does_not_keep_what_was_made() {
    let Some(engine) = Engine::shared() else { return };
    let street = street(&engine);
    street.ours.write("Orchfile", "docker_container(\n");
    let finished = street.ours.orch(&["down"]);
    assert_eq!(finished.code, Some(2), "{}", finished.all());
    assert!(finished.all().contains("containers are removed by their labels"), "{}", finished.all());
    let left = ours(&engine, &street);
    assert!(left.len() == 1 && left[0].starts_with("volume "), "{left:?}\n{}", finished.all());
    let finished = street.ours.orch(&["down", "--volumes"]);
    assert!(ours(&engine, &street).is_empty(), "{:?}\n{}", ours(&engine, &street), finished.all());
    let running = engine.containers().iter().filter(|it| it.is_running()).count();
    assert_eq!(running, 3, "{}", engine.said());
    street.theirs.orch(&["down", "--volumes"]).expect_code(0);
    let mine = [format!("container {}", engine.name("by-hand")), format!("volume {}", engine.name("data"))];
    assert_eq!(without_images(&engine), mine);
}

#[test]
fn an_orchfile_that_is_gone_or_has_no_container_any_more_leaves_none() {
    let Some(engine) = Engine::shared() else { return };
    let street = street(&engine);
    street.ours.write("Orchfile", "local_resource('greet', cmd='true')\n");
    street.ours.orch(&["down"]).expect_code(0);
    let left = ours(&engine, &street);
    assert!(left.len() == 1 && left[0].starts_with("volume "), "{left:?}");

    street.theirs.orch(&["ci"]).expect_code(0);
    std::fs::remove_file(street.theirs.path("Orchfile")).unwrap();
    let finished = street.theirs.orch(&["down", "--volumes"]).expect_code(0);
    let left: Vec<_> = without_images(&engine).into_iter().filter(|it| it.starts_with("container")).collect();
    assert_eq!(left, [format!("container {}", engine.name("by-hand"))], "{}", finished.all());
}

#[test]
fn a_file_that_is_named_and_gone_leaves_none() {
    let Some(engine) = Engine::shared() else { return };
    let street = street(&engine);
    let text = street.ours.read("Orchfile");
    std::fs::rename(street.ours.path("Orchfile"), street.ours.path("dev.orch")).unwrap();
    let named = street.ours.path("dev.orch").display().to_string();
    street.ours.orch(&["ci", "--file", &named]).expect_code(0);
    std::fs::remove_file(street.ours.path("dev.orch")).unwrap();
    // Beside an Orchfile it may be misspelt.
    street.ours.write("Orchfile", &text);
    let finished = street.theirs.orch(&["down", "--volumes", "--file", &named]);
    assert_eq!(finished.code, Some(2), "{}", finished.all());
    assert_eq!(ours(&engine, &street).len(), 5, "{}", finished.all());
    std::fs::remove_file(street.ours.path("Orchfile")).unwrap();
    let finished = street.theirs.orch(&["down", "--volumes", "--file", &named]).expect_code(0);
    assert!(ours(&engine, &street).is_empty(), "{:?}\n{}", ours(&engine, &street), finished.all());
    street.theirs.orch(&["down", "--volumes"]).expect_code(0);
}

#[test]
fn one_name_is_taken_down_alone() {
    let Some(engine) = Engine::shared() else { return };
    let street = street(&engine);
    street.ours.orch(&["down", "web"]).expect_code(0);
    let left = ours(&engine, &street);
    assert_eq!(left.iter().filter(|it| it.starts_with("container") && it.ends_with("-db")).count(), 1, "{left:?}");
    assert_eq!(left.iter().filter(|it| it.starts_with("container")).count(), 1, "{left:?}");
    street.ours.orch(&["down", "--volumes"]).expect_code(0);
    assert!(ours(&engine, &street).is_empty(), "{:?}", ours(&engine, &street));
}

#[test]
fn the_volumes_that_go_are_named() {
    let Some(engine) = Engine::shared() else { return };
    let street = street(&engine);
    let volume =
        ours(&engine, &street).into_iter().find_map(|it| it.strip_prefix("volume ").map(str::to_owned)).unwrap();
    let finished = street.ours.orch(&["down", "--volumes"]).expect_code(0);
    assert!(finished.all().contains(&format!("removed the volume `{volume}`")), "{}", finished.all());
    street.theirs.write("Orchfile", "docker_container(\n");
    let finished = street.theirs.orch(&["down", "--volumes"]);
    assert!(finished.all().contains("removed the volume `"), "{}", finished.all());
}
