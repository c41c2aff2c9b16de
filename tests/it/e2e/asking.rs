//! What scripts ask of a running session, and what they make it do.

use crate::sandbox::{Sandbox, wait_for_death, wait_for_text};
use serde_json::Value;

const SHOP: &str = r#"
config.define_bool("fast")
config.define_string_list("names", args=True)
given = config.parse()
config.set_enabled_resources(given.get("names", []))
fast = given.get("fast", False)
local_resource("gen", cmd="echo %s > out" % ("fast" if fast else "slow"), deps=["in"], outputs=["out"], labels=["build"])
local_resource("db", serve_cmd="echo $$ > db.pid; echo db up; exec sleep 1000")
local_resource("api", cmd="cat out", deps=["out"], resource_deps=["db"], links=[link("http://localhost:1", "home")])
local_resource("bad", cmd="echo it went wrong; exit 3", auto_init=False, env={"COLOUR": "red"}, dir="sub")
"#;

fn shop() -> Sandbox {
    let sandbox = Sandbox::new(SHOP);
    sandbox.write("in", "1");
    sandbox.write("sub/here", "");
    sandbox
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_resource_is_described_with_all_that_is_known_of_it() {
    let sandbox = shop();
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ ▸ succeeded");
    sandbox.orch(&["trigger", "bad"]).expect_code(0);
    up.wait_for("bad │ ▸ failed");
    let text = sandbox.orch(&["describe", "api"]).expect_code(0).stdout;
    for part in ["Orchfile:9", "http://localhost:1 (home)", "cat out", "db (ready)", "gen (file out)", "first run"] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let text = sandbox.orch(&["describe", "bad"]).expect_code(0).stdout;
    for part in ["exit code 3", "│ it went wrong", "in sub", "not started with the session"] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    let gen_ = json(&sandbox.orch(&["describe", "gen", "-o", "json"]).expect_code(0).stdout);
    assert_eq!((&gen_["needed_by"][0]["to"], &gen_["needed_by"][0]["output"]), (&"resource/api".into(), &"out".into()));
    assert!(gen_["runs"][0]["started_at"].as_str().unwrap().ends_with('Z'), "{gen_}");
    let field = |field: &str| sandbox.orch(&["get", "bad", field]).expect_code(0).stdout;
    assert_eq!((field("update").as_str(), field("last_lines.0").as_str()), ("error\n", "it went wrong\n"));
    let wrong = sandbox.orch(&["get", "bad", "runs.0.colour"]).expect_code(2);
    assert!(wrong.stderr.contains("there is no field `colour`") && wrong.stderr.contains("`cause`"), "{}", wrong.all());
    up.interrupt().expect_code(0);
    let near = sandbox.orch(&["get", "bad", "updat"]).expect_code(2);
    assert!(near.stderr.contains("did you mean `update`?"), "{}", near.all());
    let edges = sandbox.orch(&["describe", "api"]).expect_code(0);
    assert!(edges.stdout.contains("gen (file out)"), "the edges are gone with the session: {}", edges.all());
    let after = sandbox.orch(&["describe", "bad"]).expect_code(0);
    assert!(after.stdout.contains("│ it went wrong") && after.stderr.contains("no session runs"), "{}", after.all());
}

#[test]
fn resources_are_enabled_and_disabled_with_what_they_need() {
    let sandbox = shop();
    let mut up = sandbox.start(&["up", "gen"]);
    up.wait_for("gen │ ▸ succeeded");
    let on = sandbox.orch(&["enable", "api"]).expect_code(0);
    assert!(on.stderr.contains("enabled db and api"), "{}", on.all());
    up.wait_for("db │ db up");
    up.wait_for("api │ ▸ succeeded");
    let pid: u32 = wait_for_text(&sandbox.path("db.pid"), "\n").trim().parse().unwrap();
    let off = sandbox.orch(&["disable", "db", "-o", "json"]).expect_code(0);
    let names: Vec<_> =
        json(&off.stdout)["resources"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["db", "api"]);
    wait_for_death(pid);
    let only = sandbox.orch(&["enable", "--only", "-l", "build"]).expect_code(0);
    assert!(!only.stderr.contains("disabled gen"), "{}", only.all());
    assert_eq!(sandbox.orch(&["get", "gen", "enabled"]).stdout, "true\n");
    sandbox.orch(&["enable", "--all", "--no-deps"]).expect_code(0);
    up.wait_for("db │ db up");
    let none = sandbox.orch(&["trigger", "-l", "nothing"]).expect_code(1);
    assert!(none.stderr.contains("no resource has such a label"), "{}", none.all());
    up.interrupt().expect_code(0);
}

#[test]
fn only_what_is_named_and_what_it_needs_stays_enabled() {
    let sandbox = shop();
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ ▸ succeeded");
    let pid: u32 = wait_for_text(&sandbox.path("db.pid"), "\n").trim().parse().unwrap();
    let is_enabled = |name: &&str| sandbox.orch(&["get", name, "enabled"]).expect_code(0).stdout == "true\n";
    let enabled = || ["gen", "db", "api", "bad"].into_iter().filter(is_enabled).collect::<Vec<_>>();
    assert_eq!(enabled(), ["gen", "db", "api", "bad"]);
    let one = sandbox.orch(&["enable", "--only", "gen"]).expect_code(0);
    assert!(one.stderr.contains("disabled db, api and bad"), "{}", one.all());
    assert_eq!(enabled(), ["gen"]);
    wait_for_death(pid);
    let other = sandbox.orch(&["enable", "--only", "api"]).expect_code(0);
    assert!(other.stderr.contains("enabled db and api") && !other.stderr.contains("disabled"), "{}", other.all());
    assert_eq!(enabled(), ["gen", "db", "api"]);
    up.wait_for("db │ db up");
    let alone = sandbox.orch(&["enable", "--only", "--no-deps", "api"]).expect_code(0);
    assert!(alone.stderr.contains("disabled gen and db"), "{}", alone.all());
    assert_eq!(enabled(), ["api"]);
    let unknown = sandbox.orch(&["enable", "--only", "nobody"]);
    assert!(unknown.code != Some(0) && unknown.stderr.contains("nobody"), "{}", unknown.all());
    assert_eq!(enabled(), ["api"]);
    up.interrupt().expect_code(0);
}

#[test]
fn the_running_session_gets_other_arguments() {
    let sandbox = shop();
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ slow");
    assert_eq!(sandbox.orch(&["args"]).expect_code(0).stdout, "\n");
    sandbox.orch(&["args", "--", "--fast"]).expect_code(0);
    up.wait_for("api │ fast");
    assert_eq!(json(&sandbox.orch(&["args", "-o", "json"]).stdout)["args"], serde_json::json!(["--fast"]));
    let wrong = sandbox.orch(&["args", "--", "--slow"]).expect_code(2);
    assert!(wrong.stderr.contains("slow"), "{}", wrong.all());
    sandbox.orch(&["args", "--clear"]).expect_code(0);
    up.wait_for("api │ slow");
    up.interrupt().expect_code(0);
}

#[test]
fn the_graph_is_drawn_in_all_its_forms_also_without_a_session() {
    let sandbox = shop();
    let text = sandbox.orch(&["graph"]).expect_code(0).stdout;
    assert!(text.contains("api  ← gen (out), db (ready)"), "{text}");
    let dot = sandbox.orch(&["graph", "-o", "dot"]).expect_code(0).stdout;
    assert!(dot.starts_with("digraph orch {") && dot.contains("n1 -> n2 [label=\"ready\", style=dashed];"), "{dot}");
    let mermaid = sandbox.orch(&["graph", "-o", "mermaid", "api"]).expect_code(0).stdout;
    assert!(mermaid.contains("n0 -->|\"out\"| n2") && !mermaid.contains("bad"), "{mermaid}");
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ ▸ succeeded");
    let graph = json(&sandbox.orch(&["graph", "-o", "json", "gen"]).expect_code(0).stdout);
    let names: Vec<_> =
        graph["nodes"].as_array().unwrap().iter().map(|node| (&node["name"], &node["update"])).collect();
    assert_eq!(names, [(&"gen".into(), &"ok".into()), (&"api".into(), &"ok".into())]);
    assert_eq!(graph["edges"][0]["kind"], "files");
    let unknown = sandbox.orch(&["graph", "apj"]).expect_code(2);
    assert!(unknown.stderr.contains("did you mean `api`?"), "{}", unknown.all());
    up.interrupt().expect_code(0);
}

#[test]
fn events_tell_what_happens_until_the_session_ends() {
    let sandbox = shop();
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ ▸ succeeded");
    let mut events = sandbox.start(&["events", "-o", "jsonl"]);
    let mut lines = sandbox.start(&["events", "gen"]);
    assert_eq!(json(&events.wait_for("listening"))["event"], "listening");
    sandbox.orch(&["trigger", "db"]).expect_code(0);
    sandbox.orch(&["wait"]).expect_code(0);
    sandbox.write("in", "2");
    let started =
        json(&events.wait_until("the start of gen", |line| line.contains("run_started") && line.contains("gen")));
    assert_eq!((&started["cause"], &started["resource"]), (&"1 file changed: in".into(), &"gen".into()));
    let ended = json(&events.wait_until("the end of gen", |line| line.contains("run_ended") && line.contains("gen")));
    assert_eq!((&ended["run"], &ended["succeeded"]), (&started["run"], &true.into()));
    lines.wait_for("succeeded in");
    up.interrupt().expect_code(0);
    assert!(events.finish().expect_code(0).stdout.contains(r#""event":"ending""#));
    assert!(!lines.finish().expect_code(0).stdout.contains("db"));
}

#[test]
fn exec_runs_in_the_folder_and_with_the_environment_of_a_local_resource() {
    let sandbox = shop();
    sandbox.orch(&["ci", "gen"]).expect_code(0);
    let done = sandbox.orch(&["exec", "bad", "--", "sh", "-c", "pwd; echo $COLOUR; exit 7"]).expect_code(7);
    assert_eq!(done.stdout, format!("{}\nred\n", sandbox.path("sub").display()));
    let unknown = sandbox.orch(&["exec", "bad", "--", "no-such-program"]).expect_code(1);
    assert!(unknown.stderr.contains("cannot run `no-such-program`"), "{}", unknown.all());
}

#[test]
fn the_doctor_says_what_is_there_and_how_to_get_what_is_not() {
    let sandbox = Sandbox::empty().env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let done = sandbox.orch(&["doctor", "-o", "json"]).expect_code(0);
    let answer = json(&done.stdout);
    let check =
        |name: &str| answer["checks"].as_array().unwrap().iter().find(|one| one["check"] == name).unwrap().clone();
    assert_eq!(check("sh")["ok"], true);
    assert_eq!(
        (&check("docker")["ok"], &check("docker")["needed_for"]),
        (&false.into(), &"images and containers".into())
    );
    assert!(check("docker")["help"].is_string() && check("kubeconfig")["ok"] == false, "{answer}");
    let table = sandbox.orch(&["doctor"]).expect_code(0).stdout;
    assert!(table.contains("missing  docker") && table.contains("help: "), "{table}");
    // Without a folder for its socket, orch cannot work at all.
    let folder = sandbox.path("runtime");
    std::fs::create_dir_all(folder.join("orch")).unwrap();
    let sandbox = sandbox.env("XDG_RUNTIME_DIR", folder.to_str().unwrap());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(folder.join("orch"), mode).unwrap();
    if folder.as_os_str().len() < 80 {
        let open = sandbox.orch(&["doctor"]).expect_code(125);
        assert!(open.stdout.contains("others can enter it"), "{}", open.all());
    }
}

#[test]
fn the_doctor_looks_at_what_the_orchfile_needs() {
    let sandbox = Sandbox::new("docker_container('db', 'busybox')\nlocal_resource('a', cmd='true')\n");
    let sandbox = sandbox.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    let done = sandbox.orch(&["doctor"]).expect_code(125);
    assert!(
        done.stdout.contains("wrong    docker") && done.stdout.contains("needed by this Orchfile"),
        "{}",
        done.all()
    );
    assert!(done.stdout.contains("missing  kubeconfig"), "{}", done.all());
    sandbox.write("Orchfile", "local_resource('a', cmd='true')\n");
    let done = sandbox.orch(&["doctor"]).expect_code(0);
    assert!(done.stdout.contains("missing  docker"), "{}", done.all());
    sandbox.write("Orchfile", "local_resource(\n");
    let broken = sandbox.orch(&["doctor"]).expect_code(125);
    assert!(broken.stdout.contains("wrong    Orchfile") && broken.stderr.contains("Orchfile:"), "{}", broken.all());
}

#[test]
fn names_that_nobody_has_are_refused_at_once() {
    let sandbox = shop();
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ ▸ succeeded");
    for verb in ["status", "describe", "why", "logs", "events", "wait", "trigger", "stop", "graph", "exec"] {
        let refused = sandbox.orch(&[verb, "ap"]).expect_code(2);
        assert!(refused.stderr.contains("`ap`") && refused.stderr.contains("`api`"), "{verb}: {}", refused.all());
    }
    up.interrupt().expect_code(0);
}

#[test]
fn the_same_documents_come_as_yaml() {
    let sandbox = shop();
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ ▸ succeeded");
    for verb in [&["status"][..], &["describe", "api"], &["get", "api", "runs"], &["graph"], &["why", "api"], &["ls"]] {
        let said = |form: &str| sandbox.orch(&[verb, &["-o", form]].concat()).expect_code(0).stdout;
        let yaml: Value = serde_saphyr::from_str(&said("yaml")).unwrap();
        // Ages differ.
        let (one, other) = (keys_of(&yaml), keys_of(&json(&said("json"))));
        assert_eq!(one, other, "{verb:?}");
    }
    let lines = sandbox.orch(&["logs", "gen", "-o", "yaml"]).expect_code(0).stdout;
    assert!(lines.starts_with("---\n") && lines.contains("\nresource: gen\n"), "{lines}");
    up.interrupt().expect_code(0);
}

/// The shape of a document: its fields, and how many items lists have.
fn keys_of(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut all: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}{{{}}}", keys_of(value))).collect();
            all.sort();
            all.concat()
        }
        Value::Array(items) => items.iter().map(|item| format!("[{}]", keys_of(item))).collect(),
        _ => String::new(),
    }
}

#[test]
fn pages_of_the_manual_are_written_for_every_verb() {
    let sandbox = Sandbox::empty();
    let page = sandbox.orch(&["man"]).expect_code(0).stdout;
    assert!(page.contains(".TH orch 1") && page.contains("orch\\-trigger"), "{page}");
    sandbox.orch(&["man", "--dir", "man"]).expect_code(0);
    assert!(sandbox.read("man/orch-wait.1").contains("124"), "no page of `wait`");
}

#[test]
fn names_of_resources_are_completed_from_the_session_and_after_it() {
    let sandbox = shop();
    let asked = |words: &[&str]| {
        let sandbox = shop_words(&sandbox, words);
        sandbox.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(asked(&["trigger", ""]).iter().all(|word| word.starts_with('-')), "nothing has run");
    sandbox.orch(&["ci", "gen"]).expect_code(0);
    assert_eq!(asked(&["trigger", "g"]), ["gen"]);
    let all = asked(&["describe", ""]);
    assert!(["gen", "db", "api", "bad"].iter().all(|name| all.contains(&(*name).to_owned())), "{all:?}");
    assert!(asked(&["tri"]).contains(&"trigger".to_owned()));
    sandbox.write("other/Orchfile", "local_resource('elsewhere', cmd='true')");
    sandbox.orch(&["ci", "-f", "other/Orchfile"]).expect_code(0);
    assert_eq!(asked(&["why", "-f", "other/Orchfile", "e"]), ["elsewhere"]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = sandbox.orch(&["completion", shell]).expect_code(0).stdout;
        assert!(script.contains("ORCH_COMPLETE"), "{shell}: {script}");
    }
}

/// What the script of bash asks when tab is pressed behind these words.
fn shop_words(sandbox: &Sandbox, words: &[&str]) -> String {
    let mut command = sandbox.command(&[&["--", "orch"], words].concat());
    let index = words.len().to_string();
    command.envs([("ORCH_COMPLETE", "bash"), ("_CLAP_COMPLETE_INDEX", &index), ("_CLAP_IFS", "\n")]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

#[test]
fn who_does_not_read_and_who_goes_away_hurts_no_session() {
    let sandbox = shop();
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api │ ▸ succeeded");
    // These never read what they are told, and one of them is stopped in the middle.
    let stopped = sandbox.start(&["events", "-o", "jsonl"]);
    stopped.signal(libc::SIGSTOP);
    let deaf: Vec<_> = ["/v1/events", "/v1/logs?follow=true", "/v1/snapshot", "/v1/wait?for=ready&names=bad"]
        .iter()
        .map(|path| deaf(&sandbox, path))
        .collect();
    let piped = sandbox.start_by("\"$0\" \"$@\" | head -n 1", &["logs", "-f"]);
    for round in 0..20 {
        sandbox.write("in", &format!("round {round}"));
        sandbox.orch(&["trigger", "gen"]).expect_code(0);
        up.wait_for("gen │ ▸ succeeded");
    }
    up.signal(libc::SIGSTOP);
    up.signal(libc::SIGCONT);
    sandbox.orch(&["wait", "gen", "api", "--timeout", "50s"]).expect_code(0);
    piped.finish().expect_code(0);
    stopped.signal(libc::SIGCONT);
    up.interrupt().expect_code(0);
    drop(deaf);
}

/// A client that asks and never reads.
fn deaf(sandbox: &Sandbox, path: &str) -> std::os::unix::net::UnixStream {
    use std::io::Write;
    let card = json(&sandbox.read(".orch/session.json"));
    let mut stream = std::os::unix::net::UnixStream::connect(card["socket"].as_str().unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: orch\r\n\r\n").unwrap();
    stream
}

#[test]
fn logs_tell_the_lines_that_are_wanted() {
    let sandbox = Sandbox::new(
        r#"local_resource("a", cmd="echo fine; echo 'ERROR: broken'; echo Other >&2; printf '\\033[2Jcleared\\n'")"#,
    );
    let logs = |options: &[&str]| {
        let said = sandbox.orch(&[&["logs", "a"], options].concat()).expect_code(0).stdout;
        said.lines().map(|line| format!("{}\n", line.trim_start())).collect::<String>()
    };
    let told = |what: &str| {
        assert_eq!(logs(&["--level", "error"]), "a │ ERROR: broken\n", "{what}");
        assert_eq!(logs(&["--source", "stderr"]), "a │ Other\n", "{what}");
        assert_eq!(logs(&["--filter", "other", "--tail", "5"]), "a │ Other\n", "{what}");
        assert_eq!(logs(&["--filter", "cleared"]), "a │ cleared\n", "{what}");
        assert_eq!(logs(&["--source", "stdout", "--tail", "2"]), "a │ ERROR: broken\na │ cleared\n", "{what}");
    };
    let mut up = sandbox.start(&["up"]);
    up.wait_for("a │ ▸ succeeded");
    told("by the session");
    up.interrupt().expect_code(0);
    told("from the disk");
}
