//! The program `tilt` that commands of a Tiltfile find.

use crate::sandbox::{Sandbox, wait_for_text};

const TILTFILE: &str = r#"
local_resource("gen", "echo run >> runs", trigger_mode=TRIGGER_MODE_MANUAL, labels=["one"])
local_resource("ask", """
tilt get uiresource gen -o jsonpath={.status.updateStatus} > update
tilt get session -o jsonpath='{.items[0].spec.exitCondition}' > condition
cd /; tilt wait --for=condition=Ready --timeout=50s uiresource/gen && tilt trigger gen && tilt get uiresources
""", resource_deps=["gen"])
print("version", str(local("tilt version", quiet=True)).split(",")[0])
"#;

#[test]
fn it_answers_from_the_session_of_the_command() {
    let sandbox = Sandbox::empty();
    sandbox.write("Tiltfile", TILTFILE);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("version v0.37.6");
    up.wait_for("uiresource.tilt.dev/gen condition met");
    up.wait_for("uiresource.tilt.dev/ask");
    wait_for_text(&sandbox.path("runs"), "run\nrun\n");
    assert_eq!((sandbox.read("update").as_str(), sandbox.read("condition").as_str()), ("ok", "manual"));
    up.interrupt().expect_code(0);
}

#[test]
fn what_it_does_not_know_it_says() {
    let sandbox = Sandbox::empty();
    sandbox.write("Tiltfile", "local_resource('a', 'tilt apply -f x')");
    let ended = sandbox.orch(&["ci"]).expect_code(1);
    assert!(ended.all().contains("`tilt apply -f x` has no meaning here"), "{}", ended.all());
}

#[test]
fn an_orchfile_has_none() {
    let sandbox = Sandbox::new(r#"print("which", str(local("echo $ORCH_TILT_FILE", quiet=True)) == "\n")"#);
    assert!(sandbox.orch(&["ci"]).expect_code(0).all().contains("which True"));
}
