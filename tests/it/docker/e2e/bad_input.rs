//! Images and containers that cannot be: what happened, where, and what to do; and the rest goes on.

use super::{containers, plant};
use crate::{
    docker::{Container, Engine},
    sandbox::{Finished, Sandbox},
};
use std::net::TcpListener;

/// `orch ci` on one image with that Dockerfile and one container of it.
#[track_caller]
fn ci_with(engine: &Engine, dockerfile: &str) -> Finished {
    let sandbox = engine.sandbox(&containers(engine, &["web"], ""));
    plant(&sandbox, &["web"]);
    sandbox.write("web/Dockerfile", &dockerfile.replace("BASE", &Engine::base()));
    sandbox.orch(&["ci"])
}

#[track_caller]
fn assert_says(finished: &Finished, code: i32, texts: &[&str]) {
    let said = finished.all();
    assert_eq!(finished.code, Some(code), "{said}");
    for text in texts {
        assert!(said.contains(text), "no `{text}` in:\n{said}");
    }
}

#[test]
fn a_dockerfile_that_does_not_parse_names_the_line() {
    let Some(engine) = Engine::shared() else { return };
    let finished = ci_with(&engine, "FROM BASE\nCOPY page /srv/page\nRUM render\n");
    assert_says(&finished, 1, &["RUM", "Dockerfile:3"]);
    assert!(engine.containers().is_empty(), "{}", engine.said());
}

#[test]
fn a_failing_run_shows_its_output_and_its_line() {
    let Some(engine) = Engine::shared() else { return };
    let finished = ci_with(&engine, "FROM BASE\n\nRUN echo before; echo no such flag >&2; exit 42\n");
    assert_says(&finished, 1, &["before", "no such flag", "42", "Dockerfile:3"]);
}

#[test]
fn a_file_that_a_copy_misses_is_named() {
    let Some(engine) = Engine::shared() else { return };
    let finished = ci_with(&engine, "FROM BASE\nCOPY pages /srv/pages\n");
    assert_says(&finished, 1, &["/pages", "Dockerfile:2"]);
}

#[test]
fn a_base_image_that_is_nowhere_is_named() {
    let Some(engine) = Engine::shared() else { return };
    let finished = ci_with(&engine, "FROM 127.0.0.1:1/no-such-image:1\n");
    assert_says(&finished, 1, &["127.0.0.1:1/no-such-image:1"]);
}

#[test]
fn a_context_that_does_not_exist_is_named() {
    let Some(engine) = Engine::shared() else { return };
    let image = engine.name("web");
    let sandbox = engine.sandbox(&format!(
        "docker_build({image:?}, 'nowhere', dockerfile_contents='FROM {}\\nCOPY . /srv\\n')\n\
         docker_container('web', {image:?}, command=['sleep', '1000000'])\n",
        Engine::base()
    ));
    assert_says(&sandbox.orch(&["ci"]), 1, &["nowhere"]);
}

#[test]
fn a_port_that_is_taken_is_named_and_used_once_it_is_free() {
    let Some(engine) = Engine::shared() else { return };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let sandbox = engine.sandbox(&format!(
        "docker_container('web', {:?}, command=['sleep', '1000000'], ports=['{port}:80'], init=True)\n",
        Engine::base()
    ));
    assert_says(&sandbox.orch(&["ci", "--timeout", "40s"]), 1, &["web", &port.to_string()]);
    let mut session = sandbox.start(&["up", "--stream"]);
    session.wait_until("the pause", |line| line.contains("web │") && line.contains("once more in"));
    assert!(engine.container("web").is_none_or(|web| !web.is_running()));
    drop(taken);
    engine.until_container("web", "runs", &mut session, Container::is_running);
}

#[test]
fn an_image_that_nobody_uses_is_a_warning_and_not_built() {
    let Some(engine) = Engine::shared() else { return };
    let image = engine.name("idle");
    let sandbox = engine.sandbox(&format!("docker_build({image:?}, 'idle')\nlocal_resource('greet', cmd='true')\n"));
    plant(&sandbox, &["idle"]);
    assert_says(&sandbox.orch(&["ci"]), 0, &[&image, "warning"]);
    assert!(engine.belongings().is_empty(), "{:?}", engine.belongings());
}

#[test]
fn a_container_that_exits_at_once_is_a_failure_with_its_code_and_words() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&format!(
        "docker_container('web', {:?}, command=['sh', '-c', 'echo no settings; exit 7'])\n",
        Engine::base()
    ));
    assert_says(&sandbox.orch(&["ci"]), 1, &["no settings", "7", "web"]);
}

#[test]
fn a_program_that_is_not_in_the_image_is_named() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&format!("docker_container('web', {:?}, command=['serve-it'])\n", Engine::base()));
    assert_says(&sandbox.orch(&["ci"]), 1, &["serve-it", "web"]);
}

#[test]
fn a_health_check_that_never_passes_fails_ci_with_what_it_said() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&format!(
        "docker_container('web', {:?}, command=['sleep', '1000000'], init=True,\n    health_cmd='echo not yet; false', \
         health_interval='100ms', health_retries=2)\nci_settings(readiness_timeout='5s')\n",
        Engine::base()
    ));
    assert_says(&sandbox.orch(&["ci"]), 1, &["web", "not yet"]);
}

#[test]
fn one_that_fails_leaves_the_others_alone() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["api", "web"], ""));
    plant(&sandbox, &["api", "web"]);
    sandbox.write("web/Dockerfile", "RUM\n");
    let mut session = sandbox.start(&["up", "--stream"]);
    let api = engine.until_container("api", "runs", &mut session, super::Container::is_running);
    session.wait_until("the error", |line| line.contains("RUM"));
    sandbox.write("web/Dockerfile", &format!("FROM {}\nCOPY page /srv/page\n", Engine::base()));
    engine.until_container("web", "runs", &mut session, super::Container::is_running);
    assert_eq!(engine.container("api").unwrap().identity(), api.identity());
    session.interrupt().expect_code(0);
}

fn compose(engine: &Engine, yaml: &str) -> Sandbox {
    let sandbox = engine.sandbox("docker_compose('compose.yaml')\n");
    sandbox.write("compose.yaml", yaml);
    sandbox
}

#[test]
fn a_compose_file_with_an_error_says_what_compose_says() {
    let Some(engine) = Engine::shared() else { return };
    let unknown = compose(&engine, "services:\n  web:\n    image: x\n    colour: red\n").orch(&["ci"]);
    assert_says(&unknown, 2, &["colour", "compose.yaml"]);
    let broken = compose(&engine, "services: [\n").orch(&["ci"]);
    assert_says(&broken, 2, &["compose.yaml", "yaml"]);
    let circle = "services:\n  a: { image: x, depends_on: [b] }\n  b: { image: x, depends_on: [a] }\n";
    assert_says(&compose(&engine, circle).orch(&["ci"]), 2, &["cycle"]);
    assert_says(&engine.sandbox("docker_compose('compose.yaml')\n").orch(&["ci"]), 2, &["compose.yaml"]);
}
