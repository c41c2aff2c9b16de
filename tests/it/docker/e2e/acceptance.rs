//! Tiltfiles as larger projects have them: `examples/tilt-letters` (many files, local servers), `examples/tilt-polls` (a compose
//! file, a server beside it, buttons) and `examples/tilt-providers` (several controllers on Kubernetes), brought up, edited,
//! triggered and taken down.

use super::{copy_folder, edit, until_at_rest};
use crate::{
    docker::Engine,
    kube::Room,
    sandbox::{Sandbox, Session},
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    time::Duration,
};

/// A copy of an example with ports of its own: their variables are `names`.
fn example(engine: &Engine, name: &str, names: &[&str]) -> (Sandbox, Vec<u16>) {
    let mut sandbox = engine.sandbox("");
    std::fs::remove_file(sandbox.path("Orchfile")).unwrap();
    copy_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name), &sandbox.root());
    // All are held until the last is chosen.
    let held: Vec<_> = names.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<u16> = held.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
    for (name, port) in names.iter().zip(&ports) {
        sandbox = sandbox.env(name, &port.to_string());
    }
    (sandbox, ports)
}

/// The answer of a server on this machine; None while there is none.
fn ask(port: u16, method: &str, path: &str, body: &str) -> Option<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    connection.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 20").then(|| body.to_owned())
}

#[track_caller]
fn until_answer(engine: &Engine, session: &mut Session, port: u16, path: &str, text: &str) {
    engine.until(&format!("`{text}` at {path}"), session, |_| {
        ask(port, "GET", path, "").filter(|answer| answer.contains(text))
    });
}

#[test]
fn many_files_come_up_and_follow_an_edit() {
    let Some(engine) = Engine::shared() else { return };
    let names = ["LETTERS_STORE_PORT", "LETTERS_API_PORT", "LETTERS_WEB_PORT"];
    let (sandbox, ports) = example(&engine, "tilt-letters", &names);
    let sandbox = sandbox.env("LETTERS_BASE", &Engine::base()).env("LETTERS_PROJECT", &engine.name("letters"));
    let (api, web) = (ports[1], ports[2]);

    let ci = sandbox.orch(&["ci"]).expect_code(0).all();
    assert!(ci.contains("letter: it came, with its stamp"), "{ci}");
    assert!(ci.contains("▸ succeeded") && !ci.contains("store:empty │"), "{ci}");

    // A price: generated, compiled, tested, and the servers that read it start again.
    let mut session = sandbox.start(&["up", "--stream"]);
    until_answer(&engine, &mut session, web, "/", "Letters of today");
    until_at_rest(&engine, &sandbox, &mut session);
    edit(&sandbox, "schema/countries.txt", "br 15", "br 99");
    session.wait_until("the new price", |line| line.contains("wrote packages/postage/countries.py"));
    session.wait_until("the restart", |line| line.contains("api │ api: open"));
    until_answer(&engine, &mut session, api, "/healthz", "br");
    ask(api, "POST", "/letters", r#"{"country": "br", "text": "oi"}"#).unwrap();
    until_answer(&engine, &mut session, api, "/letters", "BR-099");

    // By hand.
    until_at_rest(&engine, &sandbox, &mut session);
    sandbox.orch(&["trigger", "letter:sent"]).expect_code(0);
    session.wait_until("the letter", |line| line.contains("letter: it came, with its stamp"));
    session.interrupt().expect_code(0);

    let quick = sandbox.orch(&["eval", "-o", "name", "--", "--quick"]).expect_code(0).stdout;
    assert_eq!(
        quick,
        "store\nstore:empty\ntools\ncountries:generate\npostage:compile\npostage:test\napi\nstamper\nweb\n"
    );
    let wrong = sandbox.orch(&["eval", "--", "--label", "fast"]).expect_code(2).all();
    assert!(wrong.contains("no such label: fast"), "{wrong}");
    sandbox.orch(&["down"]).expect_code(0);
    assert!(engine.containers().is_empty(), "{:?}", engine.belongings());
}

#[test]
fn a_compose_file_with_a_page_beside_it_comes_up() {
    let Some(engine) = Engine::shared() else { return };
    let (sandbox, ports) = example(&engine, "tilt-polls", &["POLLS_TALLY_PORT", "POLLS_PAGE_PORT"]);
    let sandbox = sandbox.env("POLLS_BASE", &Engine::base());
    for file in ["Tiltfile", "compose.yaml"] {
        edit(&sandbox, file, "polls-", &engine.name("polls-"));
    }
    let (tally, page) = (ports[0], ports[1]);
    let mut session = sandbox.start(&["up", "--stream"]);
    until_answer(&engine, &mut session, page, "/", "<li>coffee: 0</li>");
    ask(tally, "POST", "/cgi-bin/tally?vote", "tea\n").unwrap();
    until_answer(&engine, &mut session, page, "/", "<li>tea: 1</li>");
    until_at_rest(&engine, &sandbox, &mut session);

    // A choice, by way of the command; a script, by live update.
    let before = engine.container("tally").unwrap();
    sandbox.write("choices/water", "A cold drink\n");
    until_answer(&engine, &mut session, page, "/", "<li>water: 0</li>");
    edit(&sandbox, "tally/cgi-bin/tally", r#""%s": %d"#, r#""a %s": %d"#);
    until_answer(&engine, &mut session, page, "/", "<li>a tea: 1</li>");
    until_at_rest(&engine, &sandbox, &mut session);
    assert_eq!(engine.container("tally").unwrap().identity(), before.identity(), "{}", session.said());

    sandbox.orch(&["trigger", "start-over"]).expect_code(0);
    until_answer(&engine, &mut session, page, "/", "<li>a tea: 0</li>");
    session.interrupt().expect_code(0);
    sandbox.orch(&["down", "--volumes"]).expect_code(0);
    assert!(engine.containers().is_empty(), "{:?}", engine.belongings());
}

#[test]
fn a_core_and_its_providers_come_up_on_a_cluster() {
    let (Some(room), Some(engine)) = (Room::new(), Engine::shared()) else { return };
    let (sandbox, ports) = example(&engine, "tilt-providers", &["PROVIDERS_PORT"]);
    let sandbox = sandbox
        .env("PROVIDERS_BASE", &Engine::base())
        .env("KUBECONFIG", room.kubeconfig().to_str().unwrap())
        .env("ORCH_NAMESPACE", room.namespace());
    for (file, image) in [
        ("Tiltfile", "providers-core"),
        ("providers/clock/provider.yaml", "providers-clock"),
        ("providers/dice/provider.yaml", "providers-dice"),
    ] {
        edit(&sandbox, file, image, &engine.name(image));
    }
    let list = "/cgi-bin/providers";

    let ci = sandbox.orch(&["ci"]).expect_code(0).all();
    assert!(ci.contains("dice v2 6") && ci.contains("all providers are up"), "{ci}");

    // A manager is built here, copied into its pod, and started again there.
    let mut session = sandbox.start(&["up", "--stream"]);
    until_answer(&engine, &mut session, ports[0], list, "dice v2 6");
    until_at_rest(&engine, &sandbox, &mut session);
    let pod = room.kubectl(&["get", "pods", "-l", "app=dice-manager", "-o", "name"]);
    edit(&sandbox, "providers/dice/manager.sh", "wc -w </sides", "echo many");
    until_answer(&engine, &mut session, ports[0], list, "dice v2 many");
    assert_eq!(room.kubectl(&["get", "pods", "-l", "app=dice-manager", "-o", "name"]), pod, "{}", session.said());

    // The settings take a provider away, and give another arguments.
    sandbox.write("tilt-settings.yaml", "enable_providers: [clock]\nextra_args: {clock: [--loud]}\n");
    engine.until("the end of `dice`", &mut session, |_| {
        room.field("deployment/dice-manager", ".metadata.name").is_empty().then_some(())
    });
    engine.until("the argument of `clock`", &mut session, |_| {
        let args = room.field("deployment/clock-manager", ".spec.template.spec.containers[0].args");
        args.contains("--loud").then_some(())
    });
    until_at_rest(&engine, &sandbox, &mut session);
    session.interrupt().expect_code(0);
    sandbox.orch(&["down"]).expect_code(0);
    assert_eq!(room.field("deployment/core-manager", ".metadata.name"), "");
}
