//! That the fixtures keep their promises: what tests on an engine rest on.

use super::{Disk, Engine, Registry, SecondEngine, block_on, until};
use bollard::{
    auth::DockerCredentials,
    models::VolumeCreateRequest,
    query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder},
};
use futures_util::StreamExt as _;

fn found(engine: &Engine, name: &str, is_so: impl Fn(&super::Container) -> bool) -> super::Container {
    let name = engine.name(name);
    until(&format!("container {name}"), || engine.said(), || engine.container(&name).filter(&is_so))
}

#[test]
fn what_a_test_leaves_is_removed_also_after_a_panic() {
    let Some(engine) = Engine::shared() else { return };
    let looker = Engine::shared().unwrap();
    let id = engine.id().to_owned();
    let failing = std::thread::spawn(move || {
        engine.run("server", &["sleep", "1000"]);
        let volume = VolumeCreateRequest { name: Some(engine.name("data")), ..Default::default() };
        block_on(engine.docker().create_volume(volume)).unwrap();
        let tag = TagImageOptionsBuilder::default().repo(&engine.name("image")).tag("one").build();
        block_on(engine.docker().tag_image(&Engine::base(), Some(tag))).unwrap();
        assert_eq!(engine.belongings().len(), 3, "{:?}", engine.belongings());
        panic!("as a failing test does");
    });
    assert!(failing.join().is_err());
    let left = super::belongings::all(looker.docker(), |text| text.contains(&id));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_container_is_seen_as_it_is() {
    let Some(engine) = Engine::shared() else { return };
    let neighbour = Engine::shared().unwrap();
    neighbour.run("server", &["sleep", "1000"]);
    engine.run("server", &["sh", "-c", "echo hello >/srv/page; echo up; exec sleep 1000"]);
    let container = found(&engine, "server", |it| engine.logs(it).contains("up"));
    assert!(container.is_running() && container.health.is_empty(), "{container}");
    assert_eq!(engine.containers().len(), 1, "the neighbour's is not ours");
    assert_eq!(engine.file_in(&container, "/srv/page").as_deref(), Some("hello\n"));
    assert_eq!(engine.file_in(&container, "/srv/other"), None);
    assert_eq!(engine.exec(&container, &["sh", "-c", "echo said >&2; exit 3"]), (3, "said\n".to_owned()));
    engine.kill(&container);
    let killed = found(&engine, "server", |it| !it.is_running());
    assert_eq!((killed.state.as_str(), killed.exit_code), ("exited", Some(137)));
    assert_eq!(killed.identity(), container.identity());
    engine.remove(&killed);
    assert!(engine.belongings().is_empty(), "{:?}", engine.belongings());
}

#[test]
fn a_registry_takes_images_and_a_locked_one_asks_who_pushes() {
    let Some(engine) = Engine::shared() else { return };
    let (Some(open), Some(locked)) = (Registry::open(), Registry::locked()) else { return };
    let user = DockerCredentials {
        username: Some(Registry::USER.to_owned()),
        password: Some(Registry::PASSWORD.to_owned()),
        ..Default::default()
    };
    assert!(push(&engine, &open, None), "{}", open.log());
    assert_eq!(open.tags(&engine.name("image")), ["one"]);
    assert!(!push(&engine, &locked, None), "{}", locked.log());
    assert!(push(&engine, &locked, Some(user)), "{}", locked.log());
    assert_eq!(locked.tags(&engine.name("image")), ["one"]);
}

fn push(engine: &Engine, registry: &Registry, user: Option<DockerCredentials>) -> bool {
    let image = format!("{}/{}", registry.address(), engine.name("image"));
    block_on(async {
        let tag = TagImageOptionsBuilder::default().repo(&image).tag("one").build();
        engine.docker().tag_image(&Engine::base(), Some(tag)).await.unwrap();
        let options = PushImageOptionsBuilder::default().tag("one").build();
        let answers = engine.docker().push_image(&image, Some(options), user);
        answers.all(async |answer| answer.is_ok_and(|it| it.error_detail.is_none())).await
    })
}

#[test]
fn a_second_engine_dies_and_its_containers_do_not() {
    let Some(shared) = Engine::shared() else { return };
    let Some(mut second) = SecondEngine::start(&shared, Disk::Any) else { return };
    second.run("server", &["sleep", "1000"]);
    let before = found(&second, "server", super::Container::is_running);
    for end in [SecondEngine::kill, SecondEngine::stop] {
        end(&mut second);
        assert!(block_on(second.docker().ping()).is_err(), "it still answers");
        second.start_again();
        let after = found(&second, "server", super::Container::is_running);
        assert_eq!(after.identity(), before.identity(), "{}", second.log());
    }
    assert!(shared.belongings().is_empty(), "{:?}", shared.belongings());
}

#[test]
fn a_second_engine_can_be_full() {
    let Some(shared) = Engine::shared() else { return };
    let Some(second) = SecondEngine::start(&shared, Disk::Mib(64)) else { return };
    second.run("server", &["sleep", "1000"]);
    let container = found(&second, "server", super::Container::is_running);
    let write = ["sh", "-c", "head -c 100000 /dev/zero >/big"];
    let filler = second.fill_disk(0);
    let (code, said) = second.exec(&container, &write);
    assert!(code != 0 && said.contains("head: "), "{code} {said}");
    std::fs::remove_file(filler).unwrap();
    assert_eq!(second.exec(&container, &write), (0, String::new()));
}

#[test]
fn the_client_of_a_sandbox_has_its_plugins() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox("");
    for plugin in ["compose", "buildx"] {
        let mut docker = std::process::Command::new("docker");
        docker.args([plugin, "version"]).env("HOME", sandbox.home()).env_remove("DOCKER_CONFIG");
        let answer = docker.output().unwrap();
        assert!(answer.status.success(), "docker {plugin}: {answer:?}");
    }
    assert!(sandbox.root().ends_with(engine.id()));
}
