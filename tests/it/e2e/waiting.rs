//! `orch wait`: what it says while it waits, and when it gives up.

use crate::sandbox::Sandbox;

const STUCK: &str = r#"
local_resource("bad", cmd="exit 3")
local_resource("after", cmd="true", resource_deps=["bad"])
local_resource("hand", cmd="true", auto_init=False)
local_resource("api", serve_cmd="exec sleep 1000")
local_resource("needs_api", cmd="true", resource_deps=["api"])
"#;

#[test]
fn what_nobody_does_anything_about_is_given_up_with_the_reason() {
    let sandbox = Sandbox::new(STUCK);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("bad │ ▸ failed");
    let refused = |name: &str, why: &str| {
        let waited = sandbox.orch(&["wait", name, "--timeout", "50s"]).expect_code(1);
        assert!(waited.stderr.contains(why) && waited.stderr.contains("not without"), "{}", waited.all());
    };
    refused("bad", "bad: failed: exit code 3");
    refused("after", "after: waits for bad to be ready (failed)");
    refused("hand", "hand: waits for a trigger");
    sandbox.orch(&["stop", "api"]).expect_code(0);
    refused("api", "api: is stopped; `orch start` starts it");
    sandbox.orch(&["disable", "api"]).expect_code(0);
    refused("needs_api", "needs_api: is disabled");
    let json = sandbox.orch(&["wait", "bad", "-o", "json", "--for=uptodate"]).expect_code(1);
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(rows["resources"][0]["update"], "error");
    up.interrupt().expect_code(0);
}

#[test]
fn what_is_waited_for_is_said_and_a_mended_file_ends_it() {
    let sandbox = Sandbox::new(
        r#"
local_resource("broken", cmd="test -s fixed", deps=["fixed"])
local_resource("slow", cmd="while [ ! -e go ]; do sleep 0.05; done")
"#,
    );
    sandbox.write("fixed", "");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("broken │ ▸ failed");
    let mut waits = sandbox.start(&["wait", "slow"]);
    waits.wait_for("waits until ready: slow runs");
    let mut patient = sandbox.start(&["wait", "broken", "--keep-waiting"]);
    patient.wait_for("waits until ready: broken failed: exit code 1");
    let quiet = sandbox.start(&["wait", "-q"]);
    sandbox.write("fixed", "yes");
    patient.finish().expect_code(0);
    sandbox.write("go", "");
    waits.finish().expect_code(0);
    let quiet = quiet.finish().expect_code(0);
    assert_eq!(quiet.all().trim(), "", "it talks");
    up.interrupt().expect_code(0);
}

#[test]
fn an_orchfile_that_never_was_well_ends_the_wait() {
    let sandbox = Sandbox::new("local_resource(\n");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("orchfile::syntax");
    let waited = sandbox.orch(&["wait", "--timeout", "50s"]).expect_code(2);
    assert!(waited.stderr.contains("orchfile::syntax"), "{}", waited.all());
    up.interrupt();
}
