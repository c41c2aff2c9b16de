//! What runs already is left alone, and what was changed meanwhile is mended.

use super::{containers, plant, until_at_rest};
use crate::docker::{Container, Engine};

const NAMES: [&str; 3] = ["api", "web", "worker"];

fn identities(engine: &Engine) -> Vec<(String, String)> {
    engine.containers().iter().map(Container::identity).collect()
}

#[test]
fn a_second_up_touches_nothing() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &NAMES, ""));
    plant(&sandbox, &NAMES);
    sandbox.orch(&["ci"]).expect_code(0);
    let (before, images) = (identities(&engine), engine.belongings());
    assert_eq!(before.len(), NAMES.len(), "{}", engine.said());
    let mut session = sandbox.start(&["up", "--stream"]);
    until_at_rest(&engine, &sandbox, &mut session);
    let finished = session.interrupt().expect_code(0);
    assert_eq!(identities(&engine), before, "{}", finished.all());
    assert_eq!(engine.belongings(), images);
}

#[test]
fn what_changed_while_nobody_looked_is_mended_and_the_rest_left() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &NAMES, ""));
    plant(&sandbox, &NAMES);
    sandbox.orch(&["ci"]).expect_code(0);
    let [api, web, worker] = NAMES.map(|name| engine.container(name).unwrap());
    engine.kill(&web);
    sandbox.write("worker/page", "second\n");
    let finished = sandbox.orch(&["ci"]).expect_code(0);
    let [api_after, web_after, worker_after] = NAMES.map(|name| engine.container(name).unwrap());
    assert_eq!(api_after.identity(), api.identity(), "{}", finished.all());
    assert!(web_after.is_running() && web_after.started_at != web.started_at, "{}", finished.all());
    assert_ne!(worker_after.id, worker.id);
    assert_eq!(engine.file_in(&worker_after, "/srv/page").as_deref(), Some("second\n"));
}

#[test]
fn a_file_synced_in_the_last_session_is_no_change_in_the_next() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["web"], "live_update=[sync('web/page', '/srv/page')]"));
    plant(&sandbox, &["web"]);
    let mut session = sandbox.start(&["up", "--stream"]);
    until_at_rest(&engine, &sandbox, &mut session);
    let before = engine.container("web").unwrap();
    sandbox.write("web/page", "second\n");
    engine.until_container("web", "has the file", &mut session, |it| {
        engine.file_in(it, "/srv/page").as_deref() == Some("second\n")
    });
    until_at_rest(&engine, &sandbox, &mut session);
    session.interrupt().expect_code(0);
    sandbox.write("web/page", "third\n");
    let mut session = sandbox.start(&["up", "--stream"]);
    engine.until_container("web", "has the file saved meanwhile", &mut session, |it| {
        engine.file_in(it, "/srv/page").as_deref() == Some("third\n")
    });
    until_at_rest(&engine, &sandbox, &mut session);
    let after = engine.container("web").unwrap();
    assert_eq!(after.identity(), before.identity(), "{}", session.said());
}

#[test]
fn another_checkout_has_containers_of_its_own() {
    let Some(engine) = Engine::shared() else { return };
    let other = Engine::shared().unwrap();
    let [one, two] = [&engine, &other].map(|engine| {
        let sandbox = engine.sandbox(&containers(engine, &["web"], ""));
        plant(&sandbox, &["web"]);
        sandbox
    });
    one.orch(&["ci"]).expect_code(0);
    two.orch(&["ci"]).expect_code(0);
    assert_ne!(engine.container("web").unwrap().name, other.container("web").unwrap().name);
    one.orch(&["down"]).expect_code(0);
    assert!(engine.containers().is_empty(), "{}", engine.said());
    assert!(other.container("web").unwrap().is_running(), "{}", other.said());
}

#[test]
fn what_is_printed_between_two_sessions_is_in_the_log() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["web"], ""));
    plant(&sandbox, &["web"]);
    let prints = |script: &str| {
        let web = engine.container("web").unwrap();
        let (code, said) = engine.exec(&web, &["sh", "-c", &format!("({script}) >/proc/1/fd/1")]);
        assert_eq!(code, 0, "{said}");
    };
    let lines = || sandbox.orch(&["logs", "web"]).expect_code(0).stdout;
    let mut session = sandbox.start(&["up", "--stream"]);
    until_at_rest(&engine, &sandbox, &mut session);
    prints("echo in the first");
    session.wait_for("in the first");
    session.interrupt().expect_code(0);
    prints("echo between; sleep 1");
    let mut session = sandbox.start(&["up", "--stream"]);
    session.wait_for("between");
    prints("echo in the second");
    session.wait_for("in the second");
    session.interrupt().expect_code(0);
    let said = lines();
    assert!(said.contains("printed this while no session ran:\n"), "{said}");
    for text in ["in the first", "between", "in the second"] {
        assert_eq!(said.matches(&format!("{text}\n")).count(), 1, "{text} in:\n{said}");
    }
    prints("i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo much $i; done; sleep 1");
    let mut session = sandbox.start(&["up", "--stream"]);
    session.wait_for("much 600");
    session.interrupt().expect_code(0);
    let said = lines();
    assert!(said.contains("the end of it (`docker logs` has all)"), "{said}");
    assert!(!said.contains("much 100\n") && said.contains("much 101\n"), "{said}");
}
