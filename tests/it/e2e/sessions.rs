//! Sessions in the background, several side by side, and who finds them.

use crate::sandbox::{DEADLINE, Sandbox, is_alive, wait_for_death, wait_for_text};
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Instant,
};

const SERVER: &str = r#"local_resource("api", serve_cmd="echo $$ > pid; echo api is up; exec sleep 1000")"#;

/// Ends the session of a folder when the test is done with it, however that ends.
struct Ends(PathBuf);

impl Ends {
    fn card(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.0.join(".orch/session.json")).ok()?).ok()
    }

    fn pid(&self) -> u32 {
        self.card().unwrap()["pid"].as_u64().unwrap().try_into().unwrap()
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(pid) = self.card().and_then(|card| card["pid"].as_i64()) {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).ok();
        }
    }
}

/// The sessions of `orch ls` below the sandbox's folder: other users of this machine's account may have some too.
fn listed(sandbox: &Sandbox) -> Vec<Value> {
    let json = sandbox.orch(&["ls", "-o", "json"]).expect_code(0).stdout;
    let all: Value = serde_json::from_str(&json).unwrap();
    let root = sandbox.root();
    let ours = |session: &&Value| session["root"].as_str().unwrap().starts_with(root.to_str().unwrap());
    all["sessions"].as_array().unwrap().iter().filter(ours).cloned().collect()
}

/// Waits until so many sessions are listed: threads of one that was killed may outlive its pid for a moment.
#[track_caller]
fn wait_for_count(sandbox: &Sandbox, count: usize) {
    let deadline = Instant::now() + DEADLINE;
    while listed(sandbox).len() != count {
        assert!(Instant::now() < deadline, "{:?}", listed(sandbox));
    }
}

#[test]
fn a_session_in_the_background_is_there_when_up_returns_and_ends_with_down() {
    let sandbox = Sandbox::new(SERVER);
    let ends = Ends(sandbox.root());
    let up = sandbox.orch(&["up", "-d"]).expect_code(0);
    assert!(up.stdout.is_empty() && up.stderr.contains("runs in the background"), "{}", up.all());
    sandbox.orch(&["wait", "api", "--timeout", "50s"]).expect_code(0);
    let server: u32 = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    let logs = sandbox.orch(&["logs", "api"]).expect_code(0).stdout;
    assert!(logs.contains("api is up"), "{logs}");
    let again = sandbox.orch(&["up", "-d"]).expect_code(125);
    assert!(again.stderr.contains("runs this project already"), "{}", again.all());
    assert!(again.stderr.contains("orch attach") && again.stderr.contains("orch down"), "{}", again.all());
    let pid = ends.pid();
    assert_eq!(listed(&sandbox).len(), 1);
    sandbox.orch(&["down"]).expect_code(0);
    wait_for_death(server);
    wait_for_death(pid);
    assert_eq!(listed(&sandbox).len(), 0);
}

#[test]
fn a_session_whose_folder_was_moved_is_found_and_ended() {
    let sandbox = Sandbox::new(SERVER);
    let (old, new) = (sandbox.root(), sandbox.root().with_file_name("moved"));
    let _ends = Ends(new.clone());
    sandbox.orch(&["up", "-d"]).expect_code(0);
    sandbox.orch(&["wait", "api", "--timeout", "50s"]).expect_code(0);
    let server: u32 = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    fs::rename(&old, &new).unwrap();
    // What the sandbox starts has to begin somewhere.
    fs::create_dir(&old).unwrap();
    let orch = |args: &[&str]| {
        let mut command = sandbox.command(args);
        command.current_dir(&new);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let found = listed(&sandbox);
    assert_eq!((found.len(), &found[0]["moved_to"]), (1, &new.to_str().unwrap().into()));
    let (_, table, _) = orch(&["ls"]);
    assert!(table.contains("its folder is now") && table.contains("`orch down` there"), "{table}");
    let deadline = Instant::now() + DEADLINE;
    while !orch(&["logs"]).1.contains("was moved to") {
        assert!(Instant::now() < deadline, "it says nothing: {:?}", orch(&["logs"]));
    }
    let (code, _, said) = orch(&["down"]);
    assert_eq!(code, Some(0), "{said}");
    wait_for_death(server);
    assert!(!new.join(".orch/session.json").exists(), "its card is left");
    assert!(!old.join(".orch").exists(), "something was made where it was");
    assert_eq!(listed(&sandbox).len(), 0);
}

#[test]
fn a_session_whose_folder_was_moved_makes_way_for_another_project() {
    let sandbox = Sandbox::new(SERVER);
    let (old, new) = (sandbox.root(), sandbox.root().with_file_name("moved"));
    let ends = (Ends(new.clone()), Ends(old.clone()));
    sandbox.orch(&["up", "-d"]).expect_code(0);
    sandbox.orch(&["wait", "api", "--timeout", "50s"]).expect_code(0);
    let server: u32 = wait_for_text(&sandbox.path("pid"), "\n").trim().parse().unwrap();
    fs::rename(&old, &new).unwrap();
    fs::create_dir(&old).unwrap();
    fs::write(old.join("Orchfile"), SERVER.replace("api", "web")).unwrap();
    sandbox.orch(&["up", "-d"]).expect_code(0);
    wait_for_death(server);
    wait_for_count(&sandbox, 1);
    assert!(!new.join(".orch/session.json").exists(), "its card is left");
    assert_eq!(sandbox.orch(&["status", "-o", "name"]).expect_code(0).stdout, "web\n");
    sandbox.orch(&["down"]).expect_code(0);
    drop(ends);
}

#[test]
fn an_orchfile_with_an_error_leaves_no_session_in_the_background() {
    let sandbox = Sandbox::new("local_resource(\"a\", cmd=\"true\", resource_deps=[\"b\"])\n");
    let _ends = Ends(sandbox.root());
    let up = sandbox.orch(&["up", "-d"]).expect_code(2);
    assert!(up.stderr.contains("depends on `b`") || up.stderr.contains("`b`"), "{}", up.all());
    assert!(!sandbox.path(".orch/session.json").exists(), "a session is left");
    sandbox.write("Orchfile", SERVER);
    sandbox.orch(&["up", "--detach"]).expect_code(0);
    sandbox.orch(&["down"]).expect_code(0);
}

#[test]
fn sessions_live_side_by_side_and_each_verb_finds_its_own() {
    let sandbox = Sandbox::new(SERVER);
    sandbox.write("other/Orchfile", &SERVER.replace("api", "web"));
    let (_ours, other) = (Ends(sandbox.root()), Ends(sandbox.path("other")));
    sandbox.orch(&["up", "-d"]).expect_code(0);
    sandbox.orch(&["up", "-d", "-f", "other/Orchfile"]).expect_code(0);
    for (file, name) in [("Orchfile", "api"), ("other/Orchfile", "web")] {
        sandbox.orch(&["wait", "-f", file, "--timeout", "50s"]).expect_code(0);
        assert_eq!(sandbox.orch(&["status", "-f", file, "-o", "name"]).stdout, format!("{name}\n"));
    }
    let found = listed(&sandbox);
    assert_eq!(found.len(), 2);
    assert_eq!((&found[0]["resources"]["ready"], &found[1]["state"]), (&1.into(), &"1 of 1 ready".into()));
    assert!(found[1]["since"].as_str().unwrap().ends_with('Z'));
    let table = sandbox.orch(&["ls"]).expect_code(0).stdout;
    assert!(table.contains("1 of 1 ready") && table.contains("PROJECT"), "{table}");
    // One that was killed is not listed, keeps nobody out, and leaves nothing in the way.
    let pid = other.pid();
    drop(other);
    wait_for_count(&sandbox, 1);
    let other = Ends(sandbox.path("other"));
    sandbox.orch(&["up", "-d", "-f", "other/Orchfile"]).expect_code(0);
    assert_eq!(listed(&sandbox).len(), 2);
    assert_ne!(other.pid(), pid);
    sandbox.orch(&["down", "-f", "other/Orchfile"]).expect_code(0);
    sandbox.orch(&["down"]).expect_code(0);
}

#[test]
fn a_session_in_the_background_outlives_the_terminal_it_was_started_from() {
    let sandbox = Sandbox::new(SERVER);
    let ends = Ends(sandbox.root());
    // The shell leads the process group that a terminal would send its signals to.
    let shell = sandbox.start_by(r#"setsid sh -c '"$0" up -d; kill -HUP 0; kill -INT 0' "$0""#, &["up", "-d"]);
    shell.finish();
    let pid = ends.pid();
    sandbox.orch(&["wait", "api", "--timeout", "50s"]).expect_code(0);
    assert!(is_alive(pid));
    sandbox.orch(&["down"]).expect_code(0);
}

#[test]
fn a_session_that_is_stopped_for_a_while_is_listed_and_goes_on() {
    let sandbox = Sandbox::new(SERVER);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api is up");
    up.signal(libc::SIGSTOP);
    let found = listed(&sandbox);
    assert_eq!((found.len(), &found[0]["answers"]), (1, &false.into()), "{found:?}");
    up.signal(libc::SIGCONT);
    sandbox.orch(&["wait", "api", "--timeout", "50s"]).expect_code(0);
    assert_eq!(listed(&sandbox)[0]["answers"], true);
    up.interrupt().expect_code(0);
}

/// A request that the connection ends with; `header` is a whole line, or nothing.
fn get(path: &str, header: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: orch\r\n{header}connection: close\r\n\r\n")
}

/// What the session answers to one request, headers included.
fn say(socket: &str, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn each_side_says_clearly_when_the_other_speaks_another_protocol() {
    let sandbox = Sandbox::new(SERVER);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api is up");
    let file = sandbox.path(".orch/session.json");
    let card: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let socket = card["socket"].as_str().unwrap();
    let get = |path: &str, header: &str| say(socket, &get(path, header));
    let other = get("/v1/snapshot", "orch-protocol: 7\r\n");
    assert!(other.starts_with("HTTP/1.1 400") && other.contains("speaks protocol 1, not 7"), "{other}");
    let plain = get("/v1/session", "");
    assert!(plain.starts_with("HTTP/1.1 200") && plain.contains("orch-protocol: 1"), "{plain}");
    let unknown = get("/v1/dreams", "orch-protocol: 1\r\n");
    assert!(unknown.starts_with("HTTP/1.1 404") && unknown.contains("has no `/v1/dreams`"), "{unknown}");
    let body = r#"{"teleport":["api"]}"#;
    let request = format!(
        "POST /v1/requests HTTP/1.1\r\nhost: orch\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let refused = say(socket, &request);
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("does not understand"), "{refused}");
    // A session of an older orch says so in its card.
    let mut older = card.clone();
    older["protocol"] = 0.into();
    older["version"] = "0.0.1".into();
    fs::write(&file, older.to_string()).unwrap();
    let status = sandbox.orch(&["status"]).expect_code(125);
    assert!(status.stderr.contains("started by orch 0.0.1 and speaks protocol 0"), "{}", status.all());
    assert!(status.stderr.contains(&format!("kill {}", card["pid"])), "{}", status.all());
    up.interrupt().expect_code(0);
}

#[test]
fn wait_says_what_is_missing_and_refuses_what_is_not_there() {
    let sandbox = Sandbox::new(
        r#"
local_resource("good", cmd="true")
local_resource("bad", cmd="exit 3")
local_resource("slow", cmd="while ! test -e go; do sleep 0.01; done")
"#,
    );
    let mut up = sandbox.start(&["up"]);
    up.wait_for("bad │ ▸ failed");
    sandbox.orch(&["wait", "--for=uptodate", "good"]).expect_code(0);
    let late = sandbox.orch(&["wait", "good", "bad", "--timeout", "50ms"]).expect_code(124);
    assert!(late.stderr.contains("not ready in time") && late.stderr.contains("exit code 3"), "{}", late.all());
    assert!(!late.stderr.contains("good"), "{}", late.all());
    let unknown = sandbox.orch(&["wait", "goof"]).expect_code(2);
    assert!(unknown.stderr.contains("did you mean `good`?"), "{}", unknown.all());
    let waiting = sandbox.start(&["wait", "--for", "condition=Ready", "slow", "-o", "json"]);
    sandbox.write("go", "");
    let done = waiting.finish().expect_code(0);
    let answer: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&answer["resources"][0]["name"], &answer["resources"][0]["update"]), (&"slow".into(), &"ok".into()));
    let ended = sandbox.start(&["wait", "bad"]);
    up.interrupt().expect_code(0);
    let ended = ended.finish();
    assert!(ended.code != Some(0) && ended.stderr.contains("session"), "{}", ended.all());
}

#[test]
fn a_session_of_a_file_elsewhere_is_named_as_it_was() {
    let sandbox = Sandbox::empty();
    sandbox.write("the app/Orchfile", SERVER);
    let _ends = Ends(sandbox.path("the app"));
    let file = "the app/Orchfile";
    let up = sandbox.orch(&["up", "-d", "-f", file]).expect_code(0).stderr;
    assert!(up.contains("`orch logs --follow -f 'the app/Orchfile'` follows it"), "{up}");
    let lost = sandbox.orch(&["status"]).expect_code(2).stderr;
    assert!(lost.contains("what runs here is named by `-f 'the app/Orchfile'`"), "{lost}");
    sandbox.orch(&["wait", "-f", file]).expect_code(0);
    sandbox.orch(&["down", "-f", file]).expect_code(0);
    let nothing = sandbox.orch(&["status"]).expect_code(2).stderr;
    assert!(nothing.contains("`orch init`"), "{nothing}");
}

#[test]
fn refusals_have_one_form() {
    let sandbox = Sandbox::new(SERVER);
    let mut up = sandbox.start(&["up"]);
    up.wait_for("api is up");
    let card: Value = serde_json::from_str(&sandbox.read(".orch/session.json")).unwrap();
    for (path, said) in [
        ("/v1/logs?tail=abc", "tail"),
        ("/v1/wait?for=bla", "bla"),
        ("/v1/requests", "405 Method Not Allowed"),
        ("/v1/nothing", "has no `/v1/nothing`"),
    ] {
        let answer = say(card["socket"].as_str().unwrap(), &get(path, ""));
        let refusal: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        assert!(refusal["error"].as_str().unwrap().contains(said) && refusal["help"].is_string(), "{path}: {answer}");
    }
    up.interrupt().expect_code(0);
}
