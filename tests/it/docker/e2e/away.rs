//! The engine goes away and comes back, or was never there.

use super::{containers, plant, until_at_rest};
use crate::docker::{Disk, Engine, SecondEngine};

const NAMES: [&str; 2] = ["api", "web"];

#[test]
fn an_engine_that_dies_and_comes_back_finds_all_as_it_was() {
    let Some(shared) = Engine::shared() else { return };
    for end in [SecondEngine::kill, SecondEngine::stop] {
        let Some(mut engine) = SecondEngine::start(&shared, Disk::Any) else { return };
        let sandbox = engine.sandbox(&containers(&engine, &NAMES, ""));
        plant(&sandbox, &NAMES);
        let mut session = sandbox.start(&["up", "--stream"]);
        until_at_rest(&engine, &sandbox, &mut session);
        let before = NAMES.map(|name| engine.container(name).unwrap().identity());
        end(&mut engine);
        session.wait_until("the word that the engine is gone", |line| line.contains("Docker"));
        engine.start_again();
        until_at_rest(&engine, &sandbox, &mut session);
        assert_eq!(NAMES.map(|name| engine.container(name).unwrap().identity()), before, "{}", session.said());
        // It goes on working.
        sandbox.write("web/page", "second\n");
        engine.until_container("web", "is replaced", &mut session, |it| {
            engine.file_in(it, "/srv/page").as_deref() == Some("second\n")
        });
        session.interrupt().expect_code(0);
    }
}

#[test]
fn what_was_saved_while_the_engine_was_away_is_made_when_it_is_back() {
    let Some(shared) = Engine::shared() else { return };
    let Some(mut engine) = SecondEngine::start(&shared, Disk::Any) else { return };
    let sandbox = engine.sandbox(&containers(&engine, &NAMES, ""));
    plant(&sandbox, &NAMES);
    let mut session = sandbox.start(&["up", "--stream"]);
    until_at_rest(&engine, &sandbox, &mut session);
    let api = engine.container("api").unwrap();
    engine.kill();
    session.wait_until("the word that the engine is gone", |line| line.contains("Docker"));
    sandbox.write("web/page", "second\n");
    engine.start_again();
    engine.until_container("web", "is replaced", &mut session, |it| {
        engine.file_in(it, "/srv/page").as_deref() == Some("second\n")
    });
    until_at_rest(&engine, &sandbox, &mut session);
    assert_eq!(engine.container("api").unwrap().identity(), api.identity(), "{}", session.said());
}

#[test]
fn an_engine_that_dies_in_a_build_gets_it_again() {
    let Some(shared) = Engine::shared() else { return };
    for end in [SecondEngine::kill, SecondEngine::stop] {
        let Some(mut engine) = SecondEngine::start(&shared, Disk::Any) else { return };
        let sandbox = engine.sandbox(&containers(&engine, &["web"], ""));
        plant(&sandbox, &["web"]);
        // Waits for the test the first time only: the file comes with the next save.
        let slow = "RUN echo builds; [ -e /srv/quick ] || sleep 1000";
        sandbox.write("web/Dockerfile", &format!("FROM {}\nCOPY . /srv\n{slow}\n", Engine::base()));
        let mut session = sandbox.start(&["up", "--stream"]);
        session.wait_until("the build", |line| line.contains("builds") && !line.contains("RUN"));
        end(&mut engine);
        session.wait_until("the word that the engine is gone", |line| line.contains("cannot be reached"));
        sandbox.write("web/quick", "");
        engine.start_again();
        engine.until_container("web", "runs", &mut session, super::Container::is_running);
        let said = session.said();
        let is_blamed = said.contains("not built") || said.contains("could not be built") || said.contains("failed");
        assert!(!is_blamed && said.contains("cut short"), "{said}");
        session.interrupt().expect_code(0);
    }
}

#[test]
fn ci_ends_when_the_engine_dies_in_a_build() {
    let Some(shared) = Engine::shared() else { return };
    let Some(mut engine) = SecondEngine::start(&shared, Disk::Any) else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["web"], ""));
    plant(&sandbox, &["web"]);
    sandbox.write("web/Dockerfile", &format!("FROM {}\nRUN echo builds; sleep 1000\n", Engine::base()));
    let mut session = sandbox.start(&["ci"]);
    session.wait_until("the build", |line| line.contains("builds") && !line.contains("RUN"));
    engine.kill();
    let finished = session.finish();
    assert!(matches!(finished.code, Some(1 | 125)), "{finished:?}");
    assert!(finished.all().contains("Docker"), "{}", finished.all());
}

#[test]
fn no_engine_at_all_is_said_clearly() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["web"], "")).env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    plant(&sandbox, &["web"]);
    let finished = sandbox.orch(&["ci"]).expect_code(125);
    let said = finished.all();
    assert!(said.contains("/nowhere/docker.sock") && said.contains("DOCKER_HOST"), "{said}");
}

#[test]
fn a_project_without_containers_needs_no_engine() {
    let sandbox = crate::sandbox::Sandbox::new("local_resource('greet', cmd='echo hello')")
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let finished = sandbox.orch(&["ci"]).expect_code(0);
    assert!(!finished.all().contains("Docker"), "{}", finished.all());
}
