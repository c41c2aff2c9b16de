//! Buttons that are pressed by `orch click`.

use crate::sandbox::{DEADLINE, Sandbox, wait_for_text};
use std::time::Instant;

const BUTTONS: &str = r#"
load("ext://uibutton", "bool_input", "choice_input", "cmd_button", "location", "text_input")

local_resource("web", serve_cmd="echo web up; exec sleep 1000")
cmd_button("seed", resource="web", argv=["sh", "-c", "echo seeded $COUNT $FORCE $KIND | tee -a seeds"], inputs=[
    text_input("COUNT", default="10"),
    bool_input("FORCE", true_string="-f", false_string="-n"),
    choice_input("KIND", choices=["a", "b"]),
])
cmd_button("slow", argv=["sh", "-c", "echo $$ begins; exec sleep 1000"], location=location.NAV)
cmd_button("sure", argv=["sh", "-c", "echo done >> sure"], location=location.NAV, requires_confirmation=True)
cmd_button("bad", argv=["sh", "-c", "exit 3"], location=location.NAV)
"#;

#[test]
fn a_button_runs_its_command_with_what_was_chosen() {
    let sandbox = Sandbox::new(BUTTONS);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("web │ web up");
    let list = sandbox.orch(&["click"]).expect_code(0).stdout;
    assert!(list.contains("seed  web: seed (COUNT=10, FORCE=false, KIND=a|b)\n"), "{list}");
    sandbox.orch(&["click", "seed"]).expect_code(0);
    up.wait_for("web │ seeded 10 -n a");
    // A press ends what the one before began.
    wait_for_text(&sandbox.path("seeds"), "seeded 10 -n a\n");
    sandbox.orch(&["click", "seed", "--input", "COUNT=3", "-i", "FORCE=true", "-i", "KIND=b"]).expect_code(0);
    up.wait_for("web │ seeded 3 -f b");
    wait_for_text(&sandbox.path("seeds"), "seeded 10 -n a\nseeded 3 -f b\n");
    let describe = || sandbox.orch(&["describe"]).expect_code(0).stdout;
    let deadline = Instant::now() + DEADLINE;
    while !describe().contains("seed: seed, COUNT, FORCE, KIND, last ") {
        assert!(Instant::now() < deadline, "{}", describe());
    }
    let described = describe();
    assert!(described.contains("\nthe session\n") && described.contains("asks whether you are sure"), "{described}");
    let refused = sandbox.orch(&["click", "seed", "-i", "COUMT=3"]).expect_code(1).stderr;
    assert!(refused.contains("has no input `COUMT`") && refused.contains("did you mean `COUNT`?"), "{refused}");
    let refused = sandbox.orch(&["click", "sed"]).expect_code(1).stderr;
    assert!(refused.contains("there is no button `sed`") && refused.contains("did you mean `seed`?"), "{refused}");
    up.interrupt().expect_code(0);
}

#[test]
fn a_second_press_begins_anew_and_the_session_ends_what_goes_on() {
    let sandbox = Sandbox::new(BUTTONS);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("web │ web up");
    sandbox.orch(&["click", "slow"]).expect_code(0);
    up.wait_for(" begins");
    sandbox.orch(&["click", "slow"]).expect_code(0);
    up.wait_for("was stopped");
    up.wait_for(" begins");
    sandbox.orch(&["click", "bad"]).expect_code(0);
    up.wait_for("the button `bad` failed: exit code 3");
    let unsure = sandbox.orch(&["click", "sure"]).expect_code(1).stderr;
    assert!(unsure.contains("--yes"), "{unsure}");
    sandbox.orch(&["click", "--yes", "sure"]).expect_code(0);
    wait_for_text(&sandbox.path("sure"), "done\n");
    let list = sandbox.orch(&["click"]).expect_code(0).stdout;
    assert!(list.contains("slow  session: slow, runs\n") && list.contains("bad   session: bad, failed\n"), "{list}");
    up.interrupt().expect_code(0);
}
