//! Servers: readiness, restarts, and what depends on them.

use crate::sandbox::{Sandbox, wait_for_death, wait_for_text};
use std::{fs, net::TcpListener};

#[test]
fn a_dependant_waits_until_the_probe_passes() {
    let orchfile = r#"
local_resource("db", serve_cmd="echo up; exec sleep 1000", readiness_probe=probe(exec=exec_action(["test", "-e", "ready"]), period_secs=1))
local_resource("api", cmd="test -e ready && echo after", resource_deps=["db"])
"#;
    let sandbox = Sandbox::new(orchfile);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("db │ up");
    let why = sandbox.orch(&["why", "api"]).expect_code(0).stdout;
    assert!(why.contains("api waits for db to be ready"), "{why}");
    sandbox.write("ready", "");
    up.wait_for("api │ after");
    up.interrupt().expect_code(0);
}

#[test]
fn a_line_of_the_log_can_tell_that_a_server_is_ready() {
    let orchfile = r#"
local_resource("db", serve_cmd="echo starting; echo listening on 5432; exec sleep 1000", ready_log_line="listening on [0-9]+")
local_resource("api", cmd="echo after", resource_deps=["db"])
"#;
    let done = Sandbox::new(orchfile).orch(&["ci"]).expect_code(0);
    assert!(done.stdout.contains("api │ after"), "{}", done.all());
}

#[test]
fn a_server_starts_anew_after_each_run_of_its_command() {
    let orchfile = r#"
local_resource("api", cmd="cp in.txt built.txt", deps=["in.txt"], serve_cmd="echo serving $(cat built.txt); echo $$ > pid; exec sleep 1000")
"#;
    let sandbox = Sandbox::new(orchfile);
    sandbox.write("in.txt", "one");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ serving one");
    let first: u32 = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    sandbox.write("in.txt", "two");
    up.wait_for("api │ serving two");
    wait_for_death(first);
    up.interrupt().expect_code(0);
}

#[test]
fn a_server_that_crashes_is_started_again_in_an_orchfile_and_stays_dead_in_a_tiltfile() {
    let text = r#"local_resource("api", serve_cmd="echo run >> runs; echo alive; exec sh -c 'read x < fifo; exit 3'")"#;
    for (file, comes_back) in [("Orchfile", true), ("Tiltfile", false)] {
        let sandbox = Sandbox::empty();
        sandbox.write(file, text);
        nix::unistd::mkfifo(&sandbox.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut up = sandbox.start(&["up"]);
        up.wait_for("api │ alive");
        fs::write(sandbox.path("fifo"), "\n").unwrap();
        up.wait_for("exit code 3");
        if comes_back {
            up.wait_for("api │ alive");
        }
        let status = sandbox.orch(&["status"]).stdout;
        assert_eq!(status.contains("error"), !comes_back, "{status}");
        up.interrupt().expect_code(0);
        assert_eq!(sandbox.read("runs").lines().count(), if comes_back { 2 } else { 1 });
    }
}

#[test]
fn a_port_that_is_taken_is_told_before_the_server_starts() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = format!(
        r#"local_resource("api", serve_cmd="echo started; exec sleep 1000", readiness_probe=probe(tcp_socket=tcp_socket_action({port})))"#
    );
    let sandbox = Sandbox::new(&text);
    let done = sandbox.orch(&["ci"]).expect_code(1);
    assert!(!done.stdout.contains("api │ started\n"), "{}", done.all());
    let pid = std::process::id().to_string();
    assert!(done.all().contains(&format!("port {port}")) && done.all().contains(&pid), "{}", done.all());
    let sandbox = Sandbox::empty();
    sandbox.write("Tiltfile", &text);
    let mut up = sandbox.start(&["up"]);
    up.wait_for(&format!("port {port}"));
    up.interrupt().expect_code(0);
}

#[test]
fn ci_fails_when_a_server_ends_unasked() {
    let done = Sandbox::new(r#"local_resource("api", serve_cmd="sleep 0.1; exit 7")"#).orch(&["ci"]).expect_code(1);
    assert!(done.stderr.contains("api: server ended: exit code 7"), "{}", done.all());
    let fine = r#"local_resource("api", serve_cmd="exit 0", restart="never")"#;
    Sandbox::new(fine).orch(&["ci"]).expect_code(0);
}

#[test]
fn a_server_that_never_becomes_ready_ends_ci_in_time() {
    let orchfile = r#"
ci_settings(readiness_timeout="1s")
local_resource("api", serve_cmd="exec sleep 1000", readiness_probe=probe(exec=exec_action(["sh", "-c", "echo not yet; exit 4"]), period_secs=1))
"#;
    let done = Sandbox::new(orchfile).orch(&["ci"]);
    assert!(matches!(done.code, Some(1)), "{}", done.all());
    assert!(done.stderr.contains("api: server did not become ready: exit code 4"), "{}", done.all());
}

#[test]
fn children_print_in_colour_when_orch_does() {
    let orchfile = r#"local_resource("c", cmd="echo force=$CLICOLOR_FORCE$FORCE_COLOR")"#;
    let plain = Sandbox::new(orchfile).orch(&["ci"]).expect_code(0);
    assert!(plain.stdout.contains("c │ force=\n"), "{}", plain.all());
    let coloured = Sandbox::new(orchfile).env("CLICOLOR_FORCE", "1").orch(&["ci"]).expect_code(0);
    assert!(coloured.stdout.contains("force=11"), "{}", coloured.all());
    assert!(coloured.stdout.contains('\u{1b}'));
}
