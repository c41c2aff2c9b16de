//! Commands of the user's in the pods of resources.

use super::until_at_rest;
use crate::{
    dashboard::pty::{Pty, try_shell},
    kube::Room,
    sandbox::{Sandbox, Session},
};

const APP: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: front, image: BASE, imagePullPolicy: Never, command: [sh, -c, \"trap 'exit 0' TERM; while :; do sleep 1; done\"]}
  - {name: beside, image: BASE, imagePullPolicy: Never, command: [sleep, \"1000000\"]}
---
apiVersion: v1
kind: Pod
metadata: {name: named, annotations: {kubectl.kubernetes.io/default-container: second}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: first, image: BASE, imagePullPolicy: Never, command: [sleep, \"1000000\"]}
  - {name: second, image: BASE, imagePullPolicy: Never, command: [sleep, \"1000000\"]}
---
apiVersion: v1
kind: Pod
metadata: {name: stuck}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: c, image: \"nowhere.invalid/none:1\", imagePullPolicy: Never}]
";

/// Where it runs, and the session that runs it.
fn up(room: &Room) -> (Sandbox, Session) {
    let sandbox = Sandbox::new("k8s_yaml('app.yaml')\n").env("KUBECONFIG", room.kubeconfig().to_str().unwrap());
    sandbox.write("app.yaml", &APP.replace("BASE", &format!("\"{}\"", Room::image())));
    let mut session = sandbox.start(&["up", "--stream", "--namespace", room.namespace()]);
    session.wait_for("web │");
    sandbox.orch(&["wait", "web", "named", "--timeout", "50s"]).expect_code(0);
    until_at_rest(&sandbox, &mut session);
    (sandbox, session)
}

#[test]
fn a_command_runs_in_the_pod_with_pipes_or_the_terminal() {
    let Some(room) = Room::new() else { return };
    let (sandbox, session) = up(&room);
    let script = "hostname; echo oops >&2; exit 4";
    let done = sandbox.orch(&["exec", "named", "--", "sh", "-c", script]).expect_code(4);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("named\n", "oops\n"));
    let piped = sandbox.start_by("printf 'a\\nb' | \"$0\" \"$@\"", &["exec", "named", "--", "cat"]).finish();
    assert_eq!(piped.expect_code(0).stdout, "a\nb");
    let unread = sandbox.start_by("\"$0\" \"$@\" | head -1", &["exec", "named", "--", "yes"]).finish();
    assert_eq!(unread.expect_code(0).stdout, "y\n");

    // Which container: the first, and that is said; the one that is asked for.
    let is_front = ["sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '"];
    let first = sandbox.orch(&[&["exec", "web", "--"], &is_front[..]].concat()).expect_code(0);
    assert!(first.stdout.contains("trap"), "{}", first.stdout);
    assert_eq!(first.stderr, "orch: in the container `front`; `-c` takes `beside`\n");
    let other = sandbox.orch(&[&["exec", "web", "-c", "beside", "--"], &is_front[..]].concat()).expect_code(0);
    assert_eq!((other.stdout.as_str(), other.stderr.as_str()), ("sleep 1000000 ", ""));

    // Without a command it is a shell, on a terminal that may change its size.
    try_shell(Pty::start(&sandbox, &["exec", "named"], 90, 20));
    assert_eq!(session.interrupt().code, Some(0));
}

#[test]
fn the_doctor_asks_the_cluster_what_is_allowed() {
    let Some(room) = Room::new() else { return };
    let viewer = std::env::var("ORCH_TEST_KUBECONFIG_VIEWER").unwrap_or_default();
    let sandbox = Sandbox::new("k8s_yaml('app.yaml')\n");
    sandbox.write("app.yaml", &APP.replace("BASE", &format!("\"{}\"", Room::image())));
    let sandbox =
        sandbox.env("ORCH_NAMESPACE", room.namespace()).env("KUBECONFIG", room.kubeconfig().to_str().unwrap());
    let well = sandbox.orch(&["doctor"]).expect_code(0).stdout;
    assert!(well.contains("ok       cluster rights"), "{well}");
    let sandbox = sandbox.env("KUBECONFIG", &viewer);
    let wrong = sandbox.orch(&["doctor"]);
    assert!(viewer.is_empty() || wrong.stdout.contains("you may not `patch` `deployments.apps`"), "{}", wrong.all());
    let nobody = room.kubeconfig_with(|value| value["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1".into());
    let sandbox = sandbox.env("KUBECONFIG", nobody.to_str().unwrap());
    let lost = sandbox.orch(&["doctor"]).expect_code(125).stdout;
    assert!(lost.contains("wrong    cluster") && lost.contains("nobody listens at `https://127.0.0.1:1`"), "{lost}");
}

#[test]
fn what_keeps_a_command_from_running_is_said() {
    let Some(room) = Room::new() else { return };
    let (sandbox, session) = up(&room);
    let refused = |args: &[&str], code: i32, text: &str| {
        let done = sandbox.orch(args).expect_code(code);
        assert!(done.stderr.contains(text), "{args:?}: {}", done.stderr);
    };
    refused(&["exec", "web", "-c", "besides", "--", "true"], 125, "did you mean `beside`?");
    refused(&["exec", "named", "--", "no-such-program"], 125, "no-such-program");
    refused(&["exec", "stuck", "--", "true"], 1, "`stuck` has no running pod; the pod `stuck`: ");
    // The session still thinks that it is there.
    session.interrupt();
    room.kubectl(&["delete", "pod", "named", "--now"]);
    refused(&["exec", "named", "--", "true"], 125, "the pod `named` is gone");
    // The one that is left serves without a session, too.
    sandbox.orch(&["exec", "web", "--", "true"]).expect_code(0);
}
