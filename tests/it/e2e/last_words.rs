//! What is said at the end of a session, and what does not hold it up.

use crate::sandbox::{DEADLINE, Sandbox, is_alive, wait_for_death, wait_for_text};
use orch::{host::claim, model::FilePath};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::Child,
    thread,
    time::{Duration, Instant},
};

const SERVERS: &str = "
local_resource('api', serve_cmd='echo up; exec sleep 1000', ready_log_line='up')
local_resource('web', serve_cmd='echo up; exec sleep 1000', ready_log_line='up', resource_deps=['api'])
local_resource('last', cmd='true', resource_deps=['web'])
";

#[test]
fn an_interrupt_says_what_it_stops_and_when_all_is_over() {
    let sandbox = Sandbox::new(SERVERS);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("last │ ▸ succeeded");
    // What is said comes from what readers see, which may lag behind the log for a moment.
    while !sandbox.orch(&["status"]).stdout.contains("last  ok") {}
    let ended = up.interrupt().expect_code(0);
    assert!(ended.stdout.contains("\nstopping api and web; press Ctrl-C again to end at once\n"), "{}", ended.all());
    assert!(ended.stderr.contains("orch: stopped after "), "{}", ended.all());
}

#[test]
fn an_interrupted_ci_says_so() {
    let sandbox = Sandbox::new("local_resource('long', cmd='echo begun; sleep 1000')");
    let mut ci = sandbox.start(&["ci"]);
    ci.wait_for("begun");
    let ended = ci.interrupt().expect_code(130);
    assert!(ended.stdout.contains("stopping long; press"), "{}", ended.all());
    assert!(ended.stderr.contains("orch: interrupted after "), "{}", ended.all());
}

#[test]
fn up_ends_when_nobody_reads_what_it_prints_any_more() {
    let sandbox =
        Sandbox::new("local_resource('talker', serve_cmd='echo $$ > pid; while :; do echo on; sleep 0.05; done')");
    let mut up = sandbox.command(&["up"]).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(up.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("talker"), "{first}");
    let talker = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    wait_for_end(&mut up);
    wait_for_death(talker);
    assert_eq!(up.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    up.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.starts_with("orch: stopped after "), "{said}");
}

#[test]
fn a_terminal_that_takes_nothing_does_not_outlast_an_interrupt() {
    let sandbox =
        Sandbox::new("local_resource('loud', serve_cmd='yes | head -c 1000000; echo $$ > pid; exec sleep 1000')");
    let mut up = sandbox.command(&["up"]).spawn().unwrap();
    let loud = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(up.id().cast_signed()), nix::sys::signal::SIGINT).unwrap();
    wait_for_end(&mut up);
    wait_for_death(loud);
    assert_eq!(up.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    up.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.starts_with("orch: not all lines were shown; `orch logs` shows them\norch: stopped"), "{said}");
}

#[test]
fn a_hang_up_ends_a_session_unless_it_was_started_to_ignore_it() {
    let sandbox = Sandbox::new(SERVERS);
    // The tests may run under `nohup`.
    let mut up = sandbox.start_by("exec env --default-signal=HUP \"$0\" \"$@\"", &["up"]);
    up.wait_for("last │ ▸ succeeded");
    up.signal(libc::SIGHUP);
    up.finish().expect_code(143);

    let mut up = sandbox.start_by("trap '' HUP; exec \"$0\" \"$@\"", &["up"]);
    up.wait_for("last │ ▸ succeeded");
    up.signal(libc::SIGHUP);
    assert!(sandbox.orch(&["status"]).expect_code(0).stdout.contains("web"));
    sandbox.orch(&["trigger", "last"]).expect_code(0);
    up.wait_for("last │ ▸ succeeded");
    up.interrupt().expect_code(0);
}

/// Waits until the program has ended.
#[track_caller]
fn wait_for_end(child: &mut Child) {
    let deadline = Instant::now() + DEADLINE;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it did not end");
        }
        thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn what_a_killed_session_had_running_is_not_told_as_alive() {
    let sandbox = Sandbox::new("local_resource('api', serve_cmd='echo $$ > pid; echo up; exec sleep 1000')");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ up");
    let pid = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    let is_kept = || sandbox.orch(&["status"]).stdout.contains("ready");
    let deadline = Instant::now() + DEADLINE;
    while !is_kept() {
        assert!(Instant::now() < deadline, "the server never became ready");
    }
    up.signal(libc::SIGKILL);
    // Its lock goes with the last of its threads.
    up.finish();
    wait_for_death(pid);
    claim::wait_for_end(&FilePath::new(sandbox.root()));
    let left = sandbox.orch(&["status"]);
    assert!(!left.stdout.contains("ready") && !left.stdout.contains("pid"), "{}", left.all());
}

#[test]
fn a_session_is_found_and_ended_after_its_orchfile_is_gone() {
    let sandbox = Sandbox::new(SERVERS);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("last │ ▸ succeeded");
    fs::remove_file(sandbox.path("Orchfile")).unwrap();
    assert!(sandbox.orch(&["status"]).expect_code(0).stdout.contains("web"));
    assert!(is_alive(up.pid()));
    sandbox.orch(&["down"]).expect_code(0);
    up.finish().expect_code(0);
    let without = sandbox.orch(&["down"]).expect_code(2);
    assert!(without.stderr.contains("there is no Orchfile"), "{}", without.all());
}

#[test]
fn a_runtime_folder_with_a_long_path_is_not_used() {
    let sandbox = Sandbox::new(SERVERS);
    let long = sandbox.root().join("long-name/".repeat(12));
    fs::create_dir_all(&long).unwrap();
    let sandbox = sandbox.env("XDG_RUNTIME_DIR", long.to_str().unwrap());
    let mut up = sandbox.start(&["up"]);
    up.wait_for("last │ ▸ succeeded");
    assert!(sandbox.orch(&["status"]).expect_code(0).stdout.contains("web"));
    assert!(sandbox.read(".orch/session.json").contains("\"/tmp/orch-"));
    up.interrupt().expect_code(0);
}
