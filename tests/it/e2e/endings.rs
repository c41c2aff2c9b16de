//! How things end: nothing is left behind.

use crate::sandbox::{DEADLINE, Sandbox, is_alive, wait_for_death, wait_for_text};
use std::time::Instant;

/// A server with a plain child, one in a session of its own, and one that a parent left behind; each writes its pid.
const TREE: &str = r#"
local_resource("tree", serve_cmd="""
    sh -c 'echo $$ >> pids; exec sleep 1000' &
    setsid sh -c 'echo $$ >> pids; exec sleep 1000' &
    (setsid sh -c 'echo $$ >> pids; exec sleep 1000' &)
    echo $$ >> pids
    until [ $(wc -l < pids) = 4 ]; do sleep 0.01; done
    echo all alive
    trap '' TERM
    while :; do sleep 1000; done
""")
update_settings(max_parallel_updates=2)
"#;

fn pids(sandbox: &Sandbox) -> Vec<u32> {
    sandbox.read("pids").lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn nothing_of_a_tree_is_left_after_sigkill_of_orch() {
    let sandbox = Sandbox::new(TREE);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("all alive");
    let orch = up.pid();
    up.signal(libc::SIGKILL);
    wait_for_death(orch);
    let pids = pids(&sandbox);
    assert_eq!(pids.len(), 4);
    // The main process ignores TERM: what it gets is the grace of an Orchfile, then KILL.
    pids.into_iter().for_each(wait_for_death);
}

#[test]
fn a_second_interrupt_does_not_wait_for_who_ignores_the_first() {
    let sandbox = Sandbox::new(TREE);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("all alive");
    up.signal(libc::SIGINT);
    let pids = pids(&sandbox);
    // The first three end at the first TERM.
    pids[..3].iter().filter(|pid| **pid != pids[3]).take(1).for_each(|pid| wait_for_death(*pid));
    let ended = up.interrupt().expect_code(0);
    pids.into_iter().for_each(wait_for_death);
    drop(ended);
}

/// Two servers that do not care.
const DEAF: &str = r#"
local_resource("deaf", serve_cmd="trap '' TERM INT; echo $$ > pid; echo alive; while :; do sleep 1000; done")
local_resource("mute", serve_cmd="trap '' TERM INT; echo alive; while :; do sleep 1000; done", resource_deps=["deaf"])
"#;

/// Waits until the session has begun to end.
fn until_ending(sandbox: &Sandbox) {
    let deadline = Instant::now() + DEADLINE;
    while !sandbox.orch(&["status", "-o", "json"]).stdout.contains("the session is ending") {
        assert!(Instant::now() < deadline, "the session never began to end");
    }
}

#[test]
fn what_does_not_end_is_killed_when_asked_twice_and_that_is_said() {
    let sandbox = Sandbox::new(DEAF);
    let mut up = sandbox.start(&["up", "--stream"]);
    up.wait_for("mute │ alive");
    sandbox.orch(&["wait"]).expect_code(0);
    up.signal(libc::SIGTERM);
    up.wait_for("stopping deaf and mute");
    up.signal(libc::SIGTERM);
    up.wait_for("killing deaf and mute at once");
    up.finish().expect_code(143);

    // In the background, by a second `orch down`.
    sandbox.orch(&["up", "-d"]).expect_code(0);
    sandbox.orch(&["wait"]).expect_code(0);
    let pid: u32 = sandbox.read("pid").trim().parse().unwrap();
    let down = sandbox.start(&["down"]);
    until_ending(&sandbox);
    let again = sandbox.orch(&["down"]).expect_code(0);
    assert!(again.stderr.contains("killing deaf and mute at once"), "{}", again.stderr);
    wait_for_death(pid);
    down.finish().expect_code(0);

    // By Ctrl-C of the `down` that waits.
    sandbox.orch(&["up", "-d"]).expect_code(0);
    sandbox.orch(&["wait"]).expect_code(0);
    let pid: u32 = sandbox.read("pid").trim().parse().unwrap();
    let down = sandbox.start(&["down"]);
    until_ending(&sandbox);
    let down = down.interrupt();
    assert!(down.stderr.contains("killing deaf and mute at once"), "{}", down.stderr);
    wait_for_death(pid);
}

#[test]
fn a_resource_that_is_stopped_twice_is_killed() {
    let sandbox = Sandbox::new(DEAF);
    let mut up = sandbox.start(&["up", "--stream"]);
    up.wait_for("mute │ alive");
    let pid: u32 = sandbox.read("pid").trim().parse().unwrap();
    sandbox.orch(&["stop", "deaf"]).expect_code(0);
    assert!(is_alive(pid));
    sandbox.orch(&["stop", "deaf"]).expect_code(0);
    up.wait_for("killed: asked once more");
    wait_for_death(pid);
    up.signal(libc::SIGTERM);
    up.signal(libc::SIGTERM);
    up.finish().expect_code(143);
}

#[test]
fn what_a_command_left_running_ends_with_its_resource() {
    let sandbox = Sandbox::new(
        r#"local_resource("daemon", cmd="setsid sh -c 'echo $$ > pid; echo from below; exec sleep 1000' & until [ -s pid ]; do sleep 0.01; done")"#,
    );
    let mut up = sandbox.start(&["up"]);
    up.wait_for("succeeded");
    let pid: u32 = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    assert!(is_alive(pid));
    sandbox.orch(&["stop", "daemon"]).expect_code(0);
    wait_for_death(pid);
    up.interrupt().expect_code(0);
}

#[test]
fn dependants_end_before_what_they_depend_on() {
    let server = |name: &str, deps: &str| {
        format!(
            "local_resource('{name}', serve_cmd=\"trap 'echo {name} >> ended; exit 0' TERM; echo {name} up; while :; do sleep 0.01; done\", resource_deps=[{deps}])\n"
        )
    };
    let orchfile = server("db", "") + &server("api", "'db'") + &server("web", "'api'");
    let sandbox = Sandbox::new(&orchfile);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("web │ web up");
    up.interrupt().expect_code(0);
    assert_eq!(sandbox.read("ended"), "web\napi\ndb\n");
}

#[test]
fn down_ends_the_session_and_tears_down_dependants_first() {
    let orchfile = r#"
local_resource("db", cmd="echo up", teardown_cmd="echo db >> torn")
local_resource("api", cmd="echo up", teardown_cmd="echo api >> torn", resource_deps=["db"])
"#;
    let sandbox = Sandbox::new(orchfile);
    let mut up = sandbox.start(&["up"]);
    up.wait_until("api", |line| line.contains("api │") && line.contains("succeeded"));
    sandbox.orch(&["down"]).expect_code(0);
    up.finish().expect_code(0);
    assert_eq!(sandbox.read("torn"), "api\ndb\n");
    // Without a session the file is evaluated for it.
    sandbox.orch(&["down"]).expect_code(0);
    assert_eq!(sandbox.read("torn"), "api\ndb\napi\ndb\n");
}

#[test]
fn down_of_some_resources_leaves_the_others() {
    let orchfile = r#"
local_resource("db", serve_cmd="echo up; exec sleep 1000", teardown_cmd="echo db >> torn")
local_resource("api", serve_cmd="echo up; exec sleep 1000", teardown_cmd="echo api >> torn", resource_deps=["db"])
local_resource("web", serve_cmd="echo up; exec sleep 1000", teardown_cmd="echo web >> torn")
"#;
    let sandbox = Sandbox::new(orchfile);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ up");
    sandbox.orch(&["down", "db", "api"]).expect_code(0);
    up.wait_until("the end of db's teardown", |line| line.contains("db │") && line.contains("succeeded"));
    assert_eq!(sandbox.read("torn"), "api\ndb\n");
    let status = sandbox.orch(&["status", "web"]).stdout;
    assert!(status.contains("ready"), "{status}");
    sandbox.orch(&["start", "db"]).expect_code(0);
    up.wait_for("db │ up");
    up.interrupt().expect_code(0);
    sandbox.orch(&["down", "web"]).expect_code(0);
    assert_eq!(sandbox.read("torn"), "api\ndb\nweb\n");
}

#[test]
fn sigterm_ends_ci_with_its_own_code() {
    let sandbox = Sandbox::new(r#"local_resource("long", cmd="echo begun; exec sleep 1000")"#);
    for (signal, code) in [(libc::SIGTERM, 143), (libc::SIGINT, 130)] {
        let mut ci = sandbox.start(&["ci"]);
        ci.wait_for("begun");
        ci.signal(signal);
        ci.finish().expect_code(code);
    }
}

#[test]
fn ci_gives_up_in_time() {
    let sandbox = Sandbox::new(r#"local_resource("long", cmd="exec sleep 1000")"#);
    let done = sandbox.orch(&["ci", "--timeout", "300ms"]).expect_code(124);
    assert!(done.stderr.contains("timed out"), "{}", done.all());
}
