//! Commands of the user's in the containers of resources.

use super::{containers, plant};
use crate::{
    dashboard::pty::{Pty, try_shell},
    docker::Engine,
};

#[test]
fn a_command_runs_in_the_container_and_its_exit_code_is_that_of_orch() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["web"], ""));
    plant(&sandbox, &["web"]);
    sandbox.orch(&["ci"]).expect_code(0);
    let done = sandbox.orch(&["exec", "web", "--", "sh", "-c", "cat /srv/page; echo oops >&2; exit 4"]).expect_code(4);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("first\n", "oops\n"));
    let piped = sandbox.start_by("echo typed | \"$0\" \"$@\"", &["exec", "web", "--", "cat"]).finish().expect_code(0);
    assert_eq!(piped.stdout, "typed\n");
    let unread = sandbox.start_by("\"$0\" \"$@\" | head -1", &["exec", "web", "--", "yes"]).finish().expect_code(0);
    assert_eq!(unread.stdout, "y\n");
    let wrong = sandbox.orch(&["exec", "web", "-c", "other", "--", "true"]).expect_code(1);
    assert!(wrong.stderr.contains("`web` has no container `other`"), "{}", wrong.stderr);

    // Without a command it is a shell, on a terminal that may change its size.
    try_shell(Pty::start(&sandbox, &["exec", "web"], 90, 20));

    engine.kill(&engine.container("web").unwrap());
    let dead = sandbox.orch(&["exec", "web", "--", "true"]);
    assert!(dead.code != Some(0) && !dead.stderr.is_empty(), "{}", dead.all());
}

#[test]
fn the_dashboard_opens_a_shell_in_a_container_and_comes_back() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["web"], ""));
    plant(&sandbox, &["web"]);
    let mut terminal = Pty::start(&sandbox, &["up"], 100, 30);
    terminal.wait_for("1 well");
    terminal.press("fweb\r");
    terminal.wait_for("─ web ");
    terminal.press("x");
    terminal.wait_until_taken(false);
    // Typed before there is a shell.
    terminal.press("cat /srv/page\n");
    terminal.wait_for("first");
    terminal.press("exit 3\n");
    terminal.wait_until_taken(true);
    // Typed before anything is drawn.
    terminal.press("2");
    terminal.wait_for("Declared");
    terminal.press("qs");
    let (status, written) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{written}");
}
