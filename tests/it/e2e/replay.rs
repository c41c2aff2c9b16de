//! A recorded session can be played again: the same events at the same times give the same rows.

use crate::sandbox::Sandbox;
use orch::{
    engine::{Engine, EngineConfig, Event},
    model::{InstanceId, RunId, Time},
    snapshot::{Goal, Snapshot},
};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Recorded {
    at: Time,
    event: Event,
}

#[test]
fn a_recorded_session_is_played_again() {
    let orchfile = r#"
local_resource("gen", cmd="cp in.txt out.txt", deps=["in.txt"], outputs=["out.txt"])
local_resource("api", serve_cmd="echo up; exec sleep 1000", deps=["out.txt"], readiness_probe=probe(exec=exec_action(["true"])))
local_resource("bad", cmd="exit 3", resource_deps=["api"])
"#;
    let sandbox = Sandbox::new(orchfile).env("ORCH_RECORD", "recording.jsonl");
    sandbox.write("in.txt", "one");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("exit code 3");
    sandbox.write("in.txt", "two");
    up.wait_for("api │ up");
    up.interrupt().expect_code(0);
    let shown = sandbox.orch(&["status", "-o", "json"]).stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let played = play(&sandbox.read("recording.jsonl"));
    for (row, shown) in played.rows.iter().zip(shown["resources"].as_array().unwrap()) {
        let row = serde_json::to_value(&**row).unwrap();
        for field in ["name", "update", "runtime", "dirty"] {
            assert_eq!(row[field], shown[field], "{field} of {}", shown["name"]);
        }
        assert_eq!(row["runs"][0]["run"], shown["last_run"]["run"]);
    }
    assert_eq!(played.rows.len(), 3);
    assert!(played.verdict.is_some());
}

fn play(recording: &str) -> Snapshot {
    let mut engine = Engine::new(EngineConfig {
        images: std::collections::BTreeMap::new(),
        overlays: std::collections::BTreeMap::new(),
        volumes: false,
        namespaces: false,
        goal: Goal::Up,
        cores: std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap()),
        first_run: RunId(1),
        first_instance: InstanceId(1),
        remembered: BTreeMap::new(),
        ci_timeout: None,
    });
    for line in recording.lines() {
        let Recorded { at, event } = serde_json::from_str(line).unwrap();
        engine.handle(at, event);
    }
    Snapshot::clone(&engine.snapshot())
}
