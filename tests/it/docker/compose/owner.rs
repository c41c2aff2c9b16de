//! Two checkouts that want one compose project.

use super::{Stage, engine_with_compose};

const WEB: &str =
    "services:\n  web: {image: BASE, command: [sleep, '1000'], stop_grace_period: 0s, labels: {test: ID}}\n";

fn by_hand(stage: &Stage<'_>, arguments: &[&str]) {
    let mut command = std::process::Command::new("docker");
    command.args(["compose", "-p", &stage.engine.name("shop")]).args(arguments).current_dir(stage.sandbox.root());
    for (name, value) in super::environment(&stage.sandbox, stage.engine) {
        command.env(name, value.unwrap());
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_was_started_by_hand_is_taken_over() {
    let Some(engine) = engine_with_compose() else { return };
    let stage = Stage::new(&engine, WEB);
    by_hand(&stage, &["up", "-d"]);
    let said = stage.raise("web").well();
    let name = stage.container("web").name;
    let line = format!("the container `{name}` was made by `docker compose`: it is taken over\n");
    assert!(said.starts_with(&line), "{said}");
    assert_eq!(stage.container("web").labels["orch.project"], stage.marks.project.as_str());
    assert_eq!(stage.raise("web").well(), "");
}

#[test]
fn another_checkout_that_runs_it_is_not_disturbed() {
    let Some(engine) = engine_with_compose() else { return };
    let (ours, theirs) = (Stage::new(&engine, WEB), Stage::new(&engine, WEB));
    by_hand(&theirs, &["up", "-d"]);
    let web = ours.container("web");
    let refused = ours.raise("web").refused();
    let who = format!("belongs to another checkout, `{}`", theirs.marks.root);
    assert!(refused.contains(&who) && refused.contains("project_name="), "{refused}");
    assert_eq!(ours.container("web").identity(), web.identity());
    by_hand(&theirs, &["stop"]);
    let said = ours.raise("web").well();
    assert!(said.contains(&format!("was made by the compose project in `{}`", theirs.marks.root)), "{said}");
}

#[test]
fn another_orch_that_lives_is_not_disturbed() {
    let Some(engine) = engine_with_compose() else { return };
    let (ours, theirs) = (Stage::new(&engine, WEB), Stage::new(&engine, WEB));
    theirs.raise("web").well();
    theirs.sandbox.write("Orchfile", "local_resource('idle', serve_cmd='exec sleep 1000')");
    let mut session = theirs.sandbox.start(&["up"]);
    session.wait_for("started");
    let refused = ours.raise("web").refused();
    let who = format!("belongs to the orch in `{}` (pid {})", theirs.marks.root, session.pid());
    assert!(refused.contains(&who) && refused.contains("orch down -f"), "{refused}");
    session.interrupt();
    let said = ours.raise("web").well();
    assert!(said.contains("which has no session now: it is taken over"), "{said}");
    assert_eq!(ours.container("web").labels["orch.root"], ours.marks.root.to_string());
}
