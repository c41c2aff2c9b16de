//! Compose projects: what is theirs, and whose they are.

use super::until_at_rest;
use crate::docker::{Container, Engine};
use std::time::{Duration, Instant};

fn project(engine: &Engine) -> String {
    let base = Engine::base();
    format!(
        "name: {}\nservices:\n  db: {{ image: {base}, command: [sleep, '1000000'], init: true, volumes: ['data:/data'] }}\n  \
         web: {{ image: {base}, command: [sleep, '1000000'], init: true, depends_on: [db] }}\nvolumes:\n  data:\n",
        engine.name("project")
    )
}

#[test]
fn down_takes_what_the_project_made_and_nothing_else() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox("docker_compose('compose.yaml')\n");
    sandbox.write("compose.yaml", &project(&engine));
    engine.run("neighbour", &["sleep", "1000000"]);
    sandbox.orch(&["ci"]).expect_code(0);
    assert_eq!(engine.containers().len(), 3, "{}", engine.said());
    sandbox.orch(&["down"]).expect_code(0);
    let left = engine.belongings();
    assert_eq!(left.iter().filter(|it| it.starts_with("container")).count(), 1, "{left:?}");
    assert!(left.iter().any(|it| it.starts_with("volume")), "{left:?}");
    sandbox.orch(&["down", "--volumes"]).expect_code(0);
    let left = engine.belongings();
    assert_eq!(left, [format!("container {}", engine.name("neighbour"))]);
}

#[test]
fn what_leaves_the_file_leaves_the_engine() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox("docker_compose('compose.yaml')\n");
    sandbox.write("compose.yaml", &project(&engine));
    let mut session = sandbox.start(&["up", "--stream"]);
    engine.until_container("web", "runs", &mut session, Container::is_running);
    until_at_rest(&engine, &sandbox, &mut session);
    let db = engine.container("db").unwrap();
    let without_web: Vec<_> =
        project(&engine).lines().filter(|line| !line.contains("web:")).map(str::to_owned).collect();
    sandbox.write("compose.yaml", &without_web.join("\n"));
    engine.until("the end of `web`", &mut session, |engine| engine.container("web").is_none().then_some(()));
    assert_eq!(engine.container("db").unwrap().identity(), db.identity(), "{}", session.said());
    session.interrupt().expect_code(0);
}

#[test]
fn a_project_that_another_checkout_runs_is_refused() {
    let Some(engine) = Engine::shared() else { return };
    let [one, two] = [(), ()].map(|()| {
        let sandbox =
            engine.sandbox(&format!("docker_compose('compose.yaml', project_name={:?})\n", engine.name("shared")));
        sandbox.write("compose.yaml", &project(&engine));
        sandbox
    });
    let mut session = one.start(&["up", "--stream"]);
    engine.until_container("web", "runs", &mut session, Container::is_running);
    until_at_rest(&engine, &one, &mut session);
    let before: Vec<_> = engine.containers().iter().map(Container::identity).collect();
    let refused = two.orch(&["ci"]);
    assert_ne!(refused.code, Some(0), "{}", refused.all());
    assert!(refused.all().contains(one.root().to_str().unwrap()), "whose it is:\n{}", refused.all());
    assert_eq!(engine.containers().iter().map(Container::identity).collect::<Vec<_>>(), before, "{}", refused.all());
    session.interrupt().expect_code(0);
}

#[test]
fn down_leaves_what_another_checkout_has_and_says_whose_it_is() {
    let Some(engine) = Engine::shared() else { return };
    let name = engine.name("shared");
    let [one, two] = [(), ()].map(|()| {
        let sandbox = engine.sandbox(&format!("docker_compose('compose.yaml', project_name={name:?})\n"));
        sandbox.write("compose.yaml", &project(&engine));
        sandbox
    });
    one.orch(&["ci"]).expect_code(0);
    let before = engine.belongings();
    let finished = two.orch(&["down", "--volumes"]).expect_code(0);
    let whose = format!("the compose project `{name}` belongs to the orch project in `{}`", one.root().display());
    assert!(finished.all().contains(&whose), "{}", finished.all());
    assert!(!finished.all().contains("remov"), "nothing is removed:\n{}", finished.all());
    assert_eq!(engine.belongings(), before);
    let finished = one.orch(&["down", "--volumes"]).expect_code(0);
    assert_eq!(finished.all().matches("container removed").count(), 2, "{}", finished.all());
    let again = one.orch(&["down"]).expect_code(0);
    assert!(!again.all().contains("remov"), "nothing is there:\n{}", again.all());
}

#[test]
fn one_interrupt_ends_a_session_with_a_job_that_is_done_between_two_that_run() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox("docker_compose('compose.yaml')\n");
    let (base, sleep) = (Engine::base(), "[sleep, '1000000'], init: true");
    let text = format!(
        "name: {}\nservices:\n  db: {{ image: {base}, command: {sleep} }}\n  \
         setup: {{ image: {base}, command: ['true'], depends_on: [db] }}\n  \
         api: {{ image: {base}, command: {sleep}, depends_on: {{ setup: {{ condition: service_completed_successfully }} }} }}\n",
        engine.name("project")
    );
    sandbox.write("compose.yaml", &text);
    let mut session = sandbox.start(&["up", "--stream"]);
    engine.until_container("api", "runs", &mut session, Container::is_running);
    until_at_rest(&engine, &sandbox, &mut session);
    assert_eq!(engine.container("setup").unwrap().exit_code, Some(0), "{}", session.said());
    let before: Vec<_> = engine.containers().iter().map(Container::identity).collect();
    let asked = Instant::now();
    let finished = session.interrupt().expect_code(0);
    assert!(asked.elapsed() < Duration::from_secs(8), "it took {:?}:\n{}", asked.elapsed(), finished.all());
    assert_eq!(engine.containers().iter().map(Container::identity).collect::<Vec<_>>(), before, "{}", finished.all());
}
