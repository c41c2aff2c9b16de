//! Every way to an engine, and what is said where it leads nowhere.

use super::{containers, plant};
use crate::{
    docker::{Engine, Relay, relay::Papers, until},
    sandbox::{Finished, Sandbox},
};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    thread,
};

/// A project with an image and a container: what it takes goes over all sorts of requests.
fn project(engine: &Engine) -> Sandbox {
    let sandbox = engine.sandbox(&containers(engine, &["web"], ""));
    plant(&sandbox, &["web"]);
    sandbox
}

#[track_caller]
fn assert_comes_up(engine: &Engine, sandbox: &Sandbox) {
    let finished = sandbox.orch(&["ci"]).expect_code(0);
    let web = engine.container("web").unwrap_or_else(|| panic!("{}", finished.all()));
    assert_eq!(engine.file_in(&web, "/srv/page").as_deref(), Some("first\n"));
    sandbox.orch(&["down"]).expect_code(0);
    assert!(engine.containers().is_empty(), "{}", engine.said());
}

/// That the environment is unusable is said so.
#[track_caller]
fn assert_unusable(finished: &Finished, texts: &[&str]) {
    let said = finished.all();
    assert_eq!(finished.code, Some(125), "{said}");
    for text in texts {
        assert!(said.contains(text), "no `{text}` in:\n{said}");
    }
}

#[test]
fn an_engine_is_used_over_tcp() {
    let Some(engine) = Engine::shared() else { return };
    let relay = Relay::to(&engine);
    assert_comes_up(&engine, &project(&engine).env("DOCKER_HOST", &relay.address()));
}

#[test]
fn an_engine_is_used_over_tls_by_whom_it_knows() {
    let Some(engine) = Engine::shared() else { return };
    let papers = Papers::of("localhost");
    let relay = Relay::encrypted(&engine, &papers);
    let address = relay.address().replace("127.0.0.1", "localhost");
    let sandbox = project(&engine);
    let folder = papers.write(&sandbox, "papers");
    let sandbox = sandbox
        .env("DOCKER_HOST", &address)
        .env("DOCKER_TLS_VERIFY", "1")
        .env("DOCKER_CERT_PATH", folder.to_str().unwrap());
    assert_comes_up(&engine, &sandbox);

    // Another authority vouches for nobody here.
    Papers::of("localhost").write(&sandbox, "papers");
    assert_unusable(&sandbox.orch(&["ci"]), &[&address, "no encrypted connection", "ca.pem"]);
    // An engine of another name is another engine.
    papers.write(&sandbox, "papers");
    let elsewhere = sandbox.env("DOCKER_HOST", &relay.address());
    assert_unusable(&elsewhere.orch(&["ci"]), &[&relay.address(), "no encrypted connection"]);
}

#[test]
fn an_engine_that_is_not_verified_still_wants_to_know_who_comes() {
    let Some(engine) = Engine::shared() else { return };
    let papers = Papers::of("elsewhere");
    let relay = Relay::encrypted(&engine, &papers);
    let sandbox = project(&engine);
    let folder = papers.write(&sandbox, "papers");
    let sandbox = sandbox
        .env("DOCKER_HOST", &relay.address())
        .env("DOCKER_TLS", "1")
        .env("DOCKER_CERT_PATH", folder.to_str().unwrap());
    assert_comes_up(&engine, &sandbox);
    fs::remove_file(folder.join("key.pem")).unwrap();
    assert_unusable(&sandbox.orch(&["ci"]), &[&relay.address(), "key.pem"]);
}

/// Writes a docker context for that address.
fn write_context(sandbox: &Sandbox, name: &str, address: &str) {
    let folder: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = sandbox.home().join(".docker/contexts/meta").join(folder);
    fs::create_dir_all(&folder).unwrap();
    let meta = serde_json::json!({"Name": name, "Endpoints": {"docker": {"Host": address, "SkipTLSVerify": false}}});
    fs::write(folder.join("meta.json"), meta.to_string()).unwrap();
}

#[test]
fn a_context_says_where_the_engine_is() {
    let Some(engine) = Engine::shared() else { return };
    let relay = Relay::to(&engine);
    // Docker takes an empty variable for none.
    let sandbox = project(&engine).env("DOCKER_HOST", "");
    write_context(&sandbox, "lighthouse", &relay.address());
    fs::write(sandbox.home().join(".docker/config.json"), r#"{"currentContext": "lighthouse"}"#).unwrap();
    assert_comes_up(&engine, &sandbox);
    // That it was this way is seen when it is gone.
    let address = relay.address();
    drop(relay);
    assert_unusable(&sandbox.orch(&["ci"]), &[&address, "nobody listens"]);
    let sandbox = sandbox.env("DOCKER_CONTEXT", "nowhere");
    assert_unusable(&sandbox.orch(&["ci"]), &["there is no docker context `nowhere`", "docker context ls"]);
}

/// A program `ssh` that notes what it was asked for, and then does `script`.
fn with_ssh(sandbox: Sandbox, script: &str) -> Sandbox {
    let folder = sandbox.home().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let notes = sandbox.home().join("asked");
    let text = format!("#!/bin/sh\necho \"$@\" >>{}\n{script}\n", notes.display());
    fs::write(folder.join("ssh"), text).unwrap();
    fs::set_permissions(folder.join("ssh"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    sandbox.env("PATH", &path)
}

#[test]
fn an_engine_is_used_over_ssh() {
    let Some(engine) = Engine::shared() else { return };
    let script = format!("while [ \"$1\" != docker ]; do shift; done\nDOCKER_HOST={} exec \"$@\"", engine.address());
    let sandbox = with_ssh(project(&engine), &script).env("DOCKER_HOST", "ssh://me@lighthouse:2222");
    assert_comes_up(&engine, &sandbox);
    let asked = fs::read_to_string(sandbox.home().join("asked")).unwrap();
    let all = asked.lines().all(|line| {
        line.contains("BatchMode=yes") && line.ends_with("-l me -p 2222 -- lighthouse docker system dial-stdio")
    });
    assert!(all, "{asked}");
}

#[test]
fn what_ssh_says_against_it_is_told() {
    let Some(engine) = Engine::shared() else { return };
    let refuse = "echo 'me@lighthouse: Permission denied (publickey).' >&2; exit 255";
    let sandbox = with_ssh(project(&engine), refuse).env("DOCKER_HOST", "ssh://me@lighthouse");
    let help = "`ssh me@lighthouse docker version` must work";
    assert_unusable(&sandbox.orch(&["ci"]), &["ssh://me@lighthouse", "Permission denied (publickey)", help]);
}

/// What answers every request on a port with this.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    // It ends with the tests.
    thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            // The head comes whole.
            let mut request = [0; 4096];
            if stream.read(&mut request).is_err() {
                continue;
            }
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", answer.len());
            stream.write_all(format!("{head}{answer}").as_bytes()).ok();
        }
    });
    address
}

#[test]
fn what_is_too_old_or_no_engine_at_all_is_said() {
    let Some(engine) = Engine::shared() else { return };
    let old = answering(r#"{"Version": "18.03.1-ce", "ApiVersion": "1.37", "MinAPIVersion": "1.12"}"#);
    let finished = project(&engine).env("DOCKER_HOST", &old).orch(&["ci"]);
    assert_unusable(&finished, &[&old, "is too old: version 18.03.1-ce with API 1.37", "19.03"]);
    for other in ["<html>Welcome</html>", "{}"] {
        let address = answering(other);
        let finished = project(&engine).env("DOCKER_HOST", &address).orch(&["ci"]);
        assert_unusable(&finished, &[&format!("what answers at `{address}` is no Docker Engine")]);
    }
    let nonsense = project(&engine).env("DOCKER_HOST", "npipe://x").orch(&["ci"]);
    assert_unusable(&nonsense, &["`npipe://x` in DOCKER_HOST", "write `unix:///PATH`"]);
}

#[test]
fn a_socket_that_one_may_not_use_is_said() {
    let Some(engine) = Engine::shared() else { return };
    let sandbox = project(&engine);
    let socket = sandbox.path("engine.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o000)).unwrap();
    let sandbox = sandbox.env("DOCKER_HOST", &format!("unix://{}", socket.display()));
    // Who is root may all, but for what was taken away.
    let script = if nix::unistd::geteuid().is_root() {
        "exec setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-dac_override,-dac_read_search \"$0\" \"$@\""
    } else {
        "exec \"$0\" \"$@\""
    };
    let finished = sandbox.start_by(script, &["ci"]).finish();
    assert_unusable(&finished, &["you may not use the Docker Engine at", "usermod -aG docker"]);
}

#[test]
fn a_connection_that_is_cut_loses_and_doubles_no_line() {
    let Some(engine) = Engine::shared() else { return };
    let relay = Relay::to(&engine);
    let script = "i=0; while :; do i=$((i+1)); echo line $i; usleep 20000; done";
    let text = format!("docker_container('web', {:?}, command=['sh', '-c', {script:?}], init=True)\n", Engine::base());
    let sandbox = engine.sandbox(&text).env("DOCKER_HOST", &relay.address());
    let mut session = sandbox.start(&["up", "--stream"]);
    let mut next = 1;
    for round in 1..=3 {
        for _ in 0..40 {
            let line = session.wait_until("the next line", |line| line.contains("web │ line "));
            assert!(line.ends_with(&format!("web │ line {next}\n")), "{line} and not {next}\n{}", session.said());
            next += 1;
        }
        if round < 3 {
            relay.cut();
        }
    }
    let web = engine.container("web").unwrap();
    assert!(web.is_running() && engine.containers().len() == 1, "{}", session.said());
    session.interrupt().expect_code(0);
}

#[test]
fn a_build_whose_connection_is_cut_is_made_in_the_end() {
    let Some(engine) = Engine::shared() else { return };
    let relay = Relay::to(&engine);
    let sandbox = project(&engine).env("DOCKER_HOST", &relay.address());
    // With a name of the test's own, since the engine remembers what it built.
    let slow = format!("RUN echo builds; sleep 3; echo {} >/srv/built", engine.id());
    sandbox.write("web/Dockerfile", &format!("FROM {}\nCOPY page /srv/page\n{slow}\n", Engine::base()));
    let mut session = sandbox.start(&["up", "--stream"]);
    session.wait_until("the build", |line| line.contains("builds") && !line.contains("RUN"));
    relay.cut();
    engine.until_container("web", "runs", &mut session, super::Container::is_running);
    let said = session.said();
    assert!(!said.contains("panicked"), "{said}");
    until("the file", || said.clone(), || engine.file_in(&engine.container("web")?, "/srv/built"));
    session.interrupt().expect_code(0);
}

#[test]
fn an_engine_whose_clock_is_behind_shows_what_is_printed_from_now_on() {
    let Some(engine) = Engine::shared() else { return };
    let wait = |file: &str| format!("while [ ! -e /tmp/{file} ]; do usleep 20000; done");
    let script = format!("echo early; {}; echo late; {}; echo last; exec sleep 1000000", wait("go"), wait("on"));
    let text = format!("docker_container('web', {:?}, command=['sh', '-c', {script:?}], init=True)\n", Engine::base());
    let sandbox = engine.sandbox(&text);
    sandbox.orch(&["ci"]).expect_code(0);
    let web = engine.container("web").unwrap();

    // What was printed before this session is of no interest to it.
    let mut session = sandbox.start(&["up", "--stream"]);
    super::until_at_rest(&engine, &sandbox, &mut session);
    assert_eq!(engine.exec(&web, &["touch", "/tmp/go"]).0, 0);
    session.wait_for("late");
    let said = session.interrupt().all();
    assert!(!said.contains("early"), "{said}");

    // By that clock all of it was printed after this session began, but it was read already.
    let relay = Relay::at_another_time(&engine, "Thu, 01 Jan 2026 00:00:00 GMT");
    let sandbox = sandbox.env("DOCKER_HOST", &relay.address());
    let mut session = sandbox.start(&["up", "--stream"]);
    super::until_at_rest(&engine, &sandbox, &mut session);
    assert_eq!(engine.exec(&web, &["touch", "/tmp/on"]).0, 0);
    session.wait_for("last");
    let said = session.interrupt().expect_code(0).all();
    assert!(!said.contains("early") && !said.contains("late"), "{said}");
    assert_eq!(engine.container("web").unwrap().identity(), web.identity());
}
