//! The verbs, with a session and without one.

use crate::sandbox::{Sandbox, wait_for_death, wait_for_text};

const TWO: &str = r#"
local_resource("a", cmd="echo run >> runs", trigger_mode=TRIGGER_MODE_MANUAL)
local_resource("b", serve_cmd="echo $$ >> pids; echo b up; exec sleep 1000")
"#;

#[test]
fn trigger_stop_start_and_restart_do_what_they_say() {
    let sandbox = Sandbox::new(TWO);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("b │ b up");
    wait_for_text(&sandbox.path("runs"), "run\n");
    let said = sandbox.orch(&["trigger", "a"]).expect_code(0);
    assert_eq!((said.stdout.as_str(), said.stderr.as_str()), ("", "a: triggered\n"));
    wait_for_text(&sandbox.path("runs"), "run\nrun\n");
    let pid = |place: usize| -> u32 { sandbox.read("pids").lines().nth(place).unwrap().parse().unwrap() };
    assert_eq!(sandbox.orch(&["restart", "b", "--quiet"]).expect_code(0).all().trim(), "");
    up.wait_for("b │ b up");
    wait_for_death(pid(0));
    let said = sandbox.orch(&["stop", "b"]).expect_code(0).stderr;
    assert!(["b: stops\n", "b: stopped\n"].contains(&said.as_str()), "{said}");
    wait_for_death(pid(1));
    up.wait_for("b │ ▸ stopped: asked for");
    assert!(sandbox.orch(&["why", "b"]).stdout.contains("stopped"));
    assert_eq!(sandbox.orch(&["start", "b"]).expect_code(0).stderr, "b: started\n");
    up.wait_for("b │ b up");
    assert_eq!(sandbox.orch(&["start", "b"]).expect_code(0).stderr, "b: runs already\n");
    let why = sandbox.orch(&["why", "b"]).expect_code(0).stdout;
    assert!(why.contains("(start asked for)"), "{why}");
    let unknown = sandbox.orch(&["trigger", "aa"]).expect_code(2);
    assert!(unknown.stderr.contains("there is no resource `aa`"), "{}", unknown.all());
    up.interrupt().expect_code(0);
}

#[test]
fn what_was_asked_for_shows_at_once() {
    let sandbox = Sandbox::new(TWO);
    let mut up = sandbox.start(&["up"]);
    for _ in 0..10 {
        up.wait_for("b │ b up");
        // What it says may be shown before orch has heard that it lives.
        sandbox.orch(&["wait", "b", "--timeout", "50s"]).expect_code(0);
        let status = sandbox.orch(&["status", "b"]);
        assert!(status.stdout.contains("ready"), "{}\n{}", status.all(), up.said());
        sandbox.orch(&["stop", "b"]).expect_code(0);
        assert!(sandbox.orch(&["why", "b"]).stdout.contains("stopped"));
        sandbox.orch(&["start", "b"]).expect_code(0);
    }
    up.interrupt().expect_code(0);
}

#[test]
fn logs_are_read_with_a_session_and_after_it() {
    let sandbox = Sandbox::new(r#"local_resource("a", cmd="for i in 1 2 3; do echo line $i; done")"#);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("succeeded");
    let with = sandbox.orch(&["logs", "a"]).expect_code(0).stdout;
    assert!(with.contains("a │ line 1\n") && with.contains("a │ line 3\n"), "{with}");
    up.interrupt().expect_code(0);
    let without = sandbox.orch(&["logs", "a"]).expect_code(0).stdout;
    assert!(without.starts_with(&with), "{without}\n---\n{with}");
    let tail = sandbox.orch(&["logs", "a", "--tail", "1"]).expect_code(0).stdout;
    assert_eq!(tail.lines().count(), 1, "{tail}");
    let json = sandbox.orch(&["logs", "a", "-o", "jsonl"]).expect_code(0).stdout;
    let first: serde_json::Value =
        serde_json::from_str(json.lines().find(|line| line.contains("line 1")).unwrap()).unwrap();
    assert_eq!(
        (&first["resource"], &first["stream"], &first["text"]),
        (&"a".into(), &"stdout".into(), &"line 1".into())
    );
}

#[test]
fn sessions_are_parted_in_the_logs() {
    let sandbox = Sandbox::new(r#"local_resource("a", cmd="echo line")"#);
    (0..3).for_each(|_| drop(sandbox.orch(&["ci"]).expect_code(0)));
    let logs = sandbox.orch(&["logs", "a"]).expect_code(0).stdout;
    let marks: Vec<&str> = logs.lines().filter(|line| line.starts_with("── session of 2")).collect();
    assert!(marks.len() == 2 && marks.iter().all(|mark| mark.ends_with("(orch ci) ──")), "{logs}");
    let first = logs.lines().next().unwrap();
    assert!(first.contains("a │"), "{logs}");
    let json = sandbox.orch(&["logs", "a", "-o", "jsonl"]).expect_code(0).stdout;
    assert!(json.lines().all(|line| line.starts_with('{')), "{json}");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("succeeded");
    let mut follow = sandbox.start(&["logs", "-f"]);
    follow.wait_for("(orch up) ──");
    up.interrupt().expect_code(0);
    follow.finish().expect_code(0);
}

#[test]
fn logs_can_be_followed_until_the_session_ends() {
    let sandbox = Sandbox::new(r#"local_resource("a", cmd="cat in.txt", deps=["in.txt"])"#);
    sandbox.write("in.txt", "one\n");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("succeeded");
    let mut logs = sandbox.start(&["logs", "-f", "a"]);
    logs.wait_for("a │ one");
    sandbox.write("in.txt", "two\n");
    logs.wait_for("a │ two");
    up.interrupt().expect_code(0);
    logs.finish().expect_code(0);
}

#[test]
fn status_and_why_answer_after_the_session() {
    let sandbox = Sandbox::new(r#"local_resource("a", cmd="exit 3")"#);
    sandbox.orch(&["ci"]).expect_code(1);
    let status = sandbox.orch(&["status"]).expect_code(0);
    assert!(status.stdout.contains("exit code 3") && status.stderr.contains("no session runs"), "{}", status.all());
    let why = sandbox.orch(&["why", "a"]).expect_code(0).stdout;
    assert!(why.contains("exit code 3"), "{why}");
    let never = Sandbox::new("").orch(&["status"]).expect_code(125);
    assert!(never.stderr.contains("no session runs for this project, and none has run"), "{}", never.all());
}

#[test]
fn ci_answers_in_json_and_junit() {
    let orchfile = r#"
local_resource("good", cmd="echo fine")
local_resource("bad", cmd="echo <it> went & wrong; exit 3", resource_deps=["good"])
local_resource("after", cmd="true", resource_deps=["bad"])
"#;
    let sandbox = Sandbox::new(orchfile);
    let done = sandbox.orch(&["ci", "-o", "json", "--junit", "junit.xml"]).expect_code(1);
    let answer: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(answer["verdict"], "failed");
    assert_eq!(answer["troubles"][0]["resource"], "bad");
    let xml = sandbox.read("junit.xml");
    assert!(xml.contains("tests=\"3\"") && xml.contains("<testcase name=\"bad\""), "{xml}");
    assert!(xml.contains("command failed: exit code 3"), "{xml}");
    assert!(!xml.contains("<it>"), "{xml}");
}

#[test]
fn ci_that_keeps_going_tells_all_failures_and_what_was_skipped() {
    let orchfile = r#"
local_resource("bad", cmd="echo first >&2; exit 3")
local_resource("after", cmd="true", resource_deps=["bad"])
local_resource("later", cmd="true", resource_deps=["after"])
local_resource("slow", cmd="while [ ! -e .orch/logs/bad ]; do sleep 0.05; done; sleep 0.2; exit 4")
local_resource("good", cmd="echo fine", resource_deps=["dir"])
local_resource("dir", cmd="sleep 0.3")
"#;
    let sandbox = Sandbox::new(orchfile).env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "/dev/null");
    let done = sandbox.orch(&["ci", "-k", "-o", "json", "--junit", "junit.xml"]).expect_code(1);
    let answer: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let troubles: Vec<_> = answer["troubles"].as_array().unwrap().iter().collect();
    let told: Vec<_> = troubles.iter().map(|one| (one["resource"].as_str().unwrap(), &one["skipped"])).collect();
    let (yes, no) = (true.into(), false.into());
    assert_eq!(told, [("bad", &no), ("after", &yes), ("later", &yes), ("slow", &no)]);
    assert_eq!(troubles[1]["message"], "skipped: waits for bad to be ready (failed)");
    let xml = sandbox.read("junit.xml");
    assert!(xml.contains("tests=\"6\" failures=\"2\" errors=\"0\" skipped=\"2\""), "{xml}");
    assert!(xml.contains("<skipped message=\"waits for bad to be ready (failed)\"/>"), "{xml}");
    let count = |kind: &str| done.stderr.matches(kind).count();
    assert_eq!((count("::error "), count("::notice ")), (2, 2), "{}", done.all());
    assert!(done.stderr.contains("good │ fine"), "{}", done.all());
}

#[test]
fn names_select_resources_with_what_they_need() {
    let orchfile = r#"
local_resource("db", cmd="echo db")
local_resource("api", cmd="echo api", resource_deps=["db"])
local_resource("web", cmd="echo web", resource_deps=["api"])
"#;
    let done = Sandbox::new(orchfile).orch(&["ci", "api"]).expect_code(0);
    assert!(done.stdout.contains("db │ db") && done.stdout.contains("api │ api"), "{}", done.all());
    assert!(!done.stdout.contains("web │ web"), "{}", done.all());
}

#[test]
fn a_mistyped_name_ends_up_and_spoils_nothing_for_who_asks_next() {
    let sandbox = Sandbox::new("local_resource('api', cmd='echo done')\nlocal_resource('web', cmd='true')\n");
    sandbox.orch(&["ci"]).expect_code(0);
    for verb in ["up", "ci"] {
        let ended = sandbox.orch(&[verb, "apii"]).expect_code(2);
        assert!(
            ended.all().contains("there is no resource `apii`") && ended.all().contains("did you mean `api`"),
            "{}",
            ended.all()
        );
    }
    let why = sandbox.orch(&["why", "api"]).expect_code(0);
    assert!(why.stdout.contains("first run"), "{}", why.all());
    let graph = sandbox.orch(&["graph"]).expect_code(0);
    assert!(graph.stdout.contains("api") && graph.stdout.contains("web"), "{}", graph.all());
}

#[test]
fn nothing_is_asked_of_what_is_disabled() {
    let sandbox = Sandbox::new(
        "local_resource('api', cmd='true')\nlocal_resource('web', cmd='true', trigger_mode=TRIGGER_MODE_MANUAL)\n",
    );
    let mut up = sandbox.start(&["up", "api"]);
    up.wait_for("api │ ▸ succeeded");
    for verb in ["trigger", "restart", "stop", "start"] {
        let refused = sandbox.orch(&[verb, "web"]).expect_code(1);
        assert!(
            refused.stderr.contains("`web` is disabled") && refused.stderr.contains("orch enable web"),
            "{}",
            refused.all()
        );
    }
    sandbox.orch(&["trigger", "--all"]).expect_code(0);
    up.interrupt().expect_code(0);
}
