//! Values of secrets reach no log, no store, no socket and no screen.

use crate::sandbox::Sandbox;
use std::{fs, path::Path};

const VALUE: &str = "hunter2-correct-horse";

#[test]
fn a_secret_is_shown_nowhere() {
    let orchfile = r#"
token = secret("TOKEN")
print("the token is " + token)
local("echo local says " + token)
local_resource("a", cmd="printf 'begin hunter2-'; printf 'correct-horse end\n'; echo $T", env={"T": token})
local_resource("b", cmd=["sh", "-c", "echo argument " + token + " >&2; exit 1"])
"#;
    let sandbox = Sandbox::new(orchfile).env("TOKEN", VALUE).env("ORCH_RECORD", "recording.jsonl");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("the token is [redacted TOKEN]");
    up.wait_until("b's failure", |line| line.contains("b │") && line.contains("exit code 1"));
    let shown: Vec<String> = [&["status", "-o", "json"][..], &["logs"], &["why", "b"], &["logs", "-o", "jsonl"]]
        .map(|args| sandbox.orch(args).all())
        .into();
    let ended = up.interrupt().expect_code(0);
    assert!(ended.stdout.contains("a │ begin [redacted TOKEN] end"), "{}", ended.all());
    for text in shown.iter().chain([&ended.all(), &sandbox.read("recording.jsonl")]) {
        assert!(!text.contains(VALUE), "{text}");
    }
    assert!(!sandbox.read("recording.jsonl").is_empty());
    assert_nowhere_below(&sandbox.path(".orch"));
}

fn assert_nowhere_below(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_nowhere_below(&path);
        } else if let Ok(bytes) = fs::read(&path) {
            let found = bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes());
            assert!(!found, "the secret is in `{}`", path.display());
        }
    }
}
