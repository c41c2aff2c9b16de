//! Bad input gets a clear answer and harms nothing that runs.

use crate::sandbox::{Sandbox, is_alive, wait_for_death, wait_for_text};
use orch::{host::claim, model::FilePath};
use std::{fs, os::unix::fs::PermissionsExt};

const SERVER: &str = "local_resource('api', serve_cmd='echo $$ > pid; echo up; exec sleep 1000')\n";

#[test]
fn a_bad_edit_leaves_everything_running_until_it_is_mended() {
    let sandbox = Sandbox::new(SERVER);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ up");
    let pid: u32 = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    for (bad, message) in [
        ("local_resource('api', serve_cmd='x'\n", "Orchfile:"),
        ("local_resorce('api')\n", "did you mean `local_resource`?"),
        ("local_resource('api', serve_cmd='true', resource_deps=['dbb'])\n", "dbb"),
        ("while True:\n    pass\n", "Orchfile"),
    ] {
        sandbox.write("Orchfile", bad);
        up.wait_for(message);
        assert!(is_alive(pid), "`{bad}` ended the server");
        let status = sandbox.orch(&["status"]).expect_code(0);
        assert!(status.stdout.contains("api") && status.stdout.contains("ready"), "{}", status.all());
    }
    sandbox.write("Orchfile", &format!("{SERVER}local_resource('new', cmd='echo mended')\n"));
    up.wait_for("the Orchfile is well again");
    up.wait_for("new │ mended");
    assert!(is_alive(pid), "an equal definition was started again");
    up.interrupt().expect_code(0);
    wait_for_death(pid);
}

#[test]
fn up_waits_for_a_first_orchfile_to_be_mended_and_ci_does_not() {
    let sandbox = Sandbox::new("local_resource(\n");
    sandbox.orch(&["ci"]).expect_code(2);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("Orchfile:");
    sandbox.write("Orchfile", SERVER);
    up.wait_for("api │ up");
    up.interrupt().expect_code(0);
}

#[test]
fn a_removed_resource_ends_and_a_new_one_starts() {
    let sandbox = Sandbox::new(SERVER);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ up");
    let pid: u32 = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    sandbox.write("Orchfile", "local_resource('other', cmd='echo instead')\n");
    up.wait_for("api │ ▸ stopped: no longer in the Orchfile");
    up.wait_for("other │ instead");
    wait_for_death(pid);
    up.interrupt().expect_code(0);
}

#[test]
fn a_second_session_in_a_project_is_refused() {
    let sandbox = Sandbox::new(SERVER);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ up");
    for verb in ["up", "ci"] {
        let second = sandbox.orch(&[verb]).expect_code(125);
        assert!(second.stderr.contains(&format!("(pid {})", up.pid())), "{}", second.all());
    }
    assert!(sandbox.orch(&["status"]).expect_code(0).stdout.contains("ready"));
    up.interrupt().expect_code(0);
}

#[test]
fn what_a_killed_session_left_is_in_nobodys_way() {
    let sandbox = Sandbox::new(SERVER);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ up");
    let socket = socket_of(&sandbox);
    up.signal(libc::SIGKILL);
    // Its lock goes with the last of its threads.
    assert_eq!(up.finish().code, None);
    assert!(fs::symlink_metadata(&socket).is_ok(), "the socket of the killed session is still there");
    // A dead process may have threads that still hold its lock.
    claim::wait_for_end(&FilePath::new(sandbox.root()));
    let none = sandbox.orch(&["trigger", "api"]).expect_code(125);
    assert!(none.stderr.contains("no session runs"), "{}", none.all());
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ up");
    assert!(sandbox.orch(&["status"]).expect_code(0).stdout.contains("api"));
    up.interrupt().expect_code(0);
    assert!(fs::symlink_metadata(&socket).is_err(), "a session removes its socket");
}

fn socket_of(sandbox: &Sandbox) -> String {
    let card: serde_json::Value = serde_json::from_str(&sandbox.read(".orch/session.json")).unwrap();
    card["socket"].as_str().unwrap().to_owned()
}

#[test]
fn the_socket_is_the_users_own() {
    let sandbox = Sandbox::new(SERVER);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ up");
    let socket = socket_of(&sandbox);
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.rsplit_once('/').unwrap().0), 0o700);
    up.interrupt().expect_code(0);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_nothing_starts() {
    let sandbox = Sandbox::new("local_resource('a', cmd='echo ran >> /dev/stderr')\n");
    // Root may write everywhere: a file in the place of the folder stands in for the missing permission.
    sandbox.write(".orch", "in the way");
    let done = sandbox.orch(&["up"]).expect_code(125);
    assert!(done.stderr.contains("cannot keep the project's state in"), "{}", done.all());
    assert!(!done.all().contains("ran"), "{}", done.all());
}

#[test]
fn an_orchfile_that_is_no_text_is_refused() {
    let sandbox = Sandbox::empty();
    fs::create_dir(sandbox.path("Orchfile")).unwrap();
    for args in [&["ci", "-f", "Orchfile"][..], &["eval", "-f", "Orchfile"], &["ci"]] {
        let done = sandbox.orch(args).expect_code(2);
        assert!(done.stderr.contains("orch"), "{}", done.all());
    }
    let sandbox = Sandbox::empty();
    fs::write(sandbox.path("Orchfile"), [0x7f, b'E', b'L', b'F', 0, 0xff, 0xfe]).unwrap();
    sandbox.orch(&["ci"]).expect_code(2);
    fs::write(sandbox.path("Orchfile"), "#".repeat(50 << 20)).unwrap();
    let done = sandbox.orch(&["ci"]).expect_code(2);
    assert!(
        done.all().contains("too big") || done.all().contains("MiB") || done.all().contains("MB"),
        "{}",
        done.all()
    );
}
