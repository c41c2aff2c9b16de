//! The real program in a pseudo-terminal, with a real session.

use super::pty::Pty;
use crate::sandbox::{Sandbox, is_alive, wait_for_death};
use nix::sys::signal::Signal;
use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

const SHOP: &str = r#"
local_resource("gen", cmd="cat in.txt > out.txt", deps=["in.txt"], outputs=["out.txt"])
local_resource("build", cmd="cat src.txt; grep -q good src.txt || { echo 'src.txt:1: error: no good'; exit 3; }", deps=["src.txt"])
local_resource("server", serve_cmd="echo listening; for i in 1 2 3 4 5; do echo request $i of 5; done; exec sleep 1000",
               ready_log_line="listening", resource_deps=["build"])
"#;

fn shop() -> Sandbox {
    let sandbox = Sandbox::new(SHOP);
    sandbox.write("in.txt", "one\n");
    sandbox.write("src.txt", "good\n");
    sandbox
}

/// The pid of the session that works in the sandbox.
fn session_pid(sandbox: &Sandbox) -> u32 {
    let card: serde_json::Value = serde_json::from_str(&sandbox.read(".orch/session.json")).unwrap();
    card["pid"].as_u64().unwrap().try_into().unwrap()
}

/// Ends the session of the sandbox, whatever became of the test.
struct Down<'a>(&'a Sandbox);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        self.0.orch(&["down"]);
    }
}

#[test]
fn a_day_with_the_dashboard() {
    let sandbox = shop();
    let _down = Down(&sandbox);
    let mut terminal = Pty::start(&sandbox, &["up"], 110, 30);
    terminal.wait_for("3 well");
    let screen = terminal.wait_for("request 5 of 5");
    assert!(screen.contains("orch  project"), "{screen}");

    // Choose by typing a part of the name.
    terminal.press("fserv\r");
    terminal.wait_until("the server's log alone", |screen| !screen.contains("gen ") && screen.contains(" server "));
    terminal.press("/request\r");
    terminal.wait_for("/request 5");
    terminal.press("\x1b");
    terminal.wait_without("/request 5");
    terminal.press("\x07\x07");
    terminal.wait_for("gen");

    // A run at the user's word.
    terminal.press("fbuild\r");
    terminal.press("t2");
    terminal.wait_for("triggered");
    terminal.wait_until("a second run", |screen| {
        screen.split_once("Runs").is_some_and(|(_, runs)| runs.matches("ok ").count() == 2)
    });
    terminal.press("1");

    // Break it, look at it, mend it.
    sandbox.write("src.txt", "bad\n");
    terminal.wait_for("1 failing");
    terminal.press("2");
    terminal.wait_for("Last error");
    terminal.wait_for("src.txt:1: error: no good");
    sandbox.write("src.txt", "good again\n");
    terminal.wait_for("3 well");

    // The same with the Orchfile.
    sandbox.write("Orchfile", "local_resource('x', cmd='true', resource_deps=['nobody'])\n");
    terminal.wait_for("the Orchfile has an error");
    terminal.wait_for("nobody");
    sandbox.write("Orchfile", SHOP);
    terminal.wait_without("the Orchfile has an error");

    // Leave it running.
    let session = session_pid(&sandbox);
    terminal.press("q");
    terminal.wait_for("do not ask again");
    terminal.press("d");
    let (status, written) = terminal.finish();
    assert_eq!(status.code(), Some(0));
    assert!(written.contains("the session goes on in the background"), "{written}");
    assert!(is_alive(session));

    // Two come back, and one of them ends it for both.
    let mut first = Pty::start(&sandbox, &["attach"], 80, 24);
    let second = Pty::start(&sandbox, &["attach"], 60, 20);
    first.wait_for("3 well");
    second.wait_for("3 well");
    first.press(":stop the session\r");
    for terminal in [first, second] {
        let (status, written) = terminal.finish();
        assert_eq!(status.code(), Some(0));
        assert!(written.contains("the session has ended"), "{written}");
        assert!(written.contains("\x1b[?1049l"), "the terminal was not given back");
    }
    wait_for_death(session);
}

#[test]
fn a_button_asks_for_its_inputs_and_is_pressed() {
    let sandbox = Sandbox::new(
        r#"
load("ext://uibutton", "bool_input", "choice_input", "cmd_button", "text_input")
local_resource("web", serve_cmd="echo web up; exec sleep 1000")
cmd_button("seed", resource="web", text="Seed", argv=["sh", "-c", "echo seeded $COUNT $FORCE $KIND"], inputs=[
    text_input("COUNT", default="10"), bool_input("FORCE", true_string="-f", false_string="-n"),
    choice_input("KIND", choices=["small", "large"]),
])
cmd_button("drop", resource="web", text="Drop", argv=["sh", "-c", "echo dropped; exit 3"], requires_confirmation=True)
"#,
    );
    let _down = Down(&sandbox);
    let mut terminal = Pty::start(&sandbox, &["up"], 100, 30);
    terminal.wait_for("1 well");
    terminal.wait_for("web up");
    terminal.press("fweb\rp1");
    terminal.wait_for("enter presses it");
    terminal.press("\x7f5\t \t\x1b[C");
    terminal.wait_until("what was chosen", |screen| ["15", "[x]", "large"].iter().all(|what| screen.contains(what)));
    terminal.press("\r");
    terminal.wait_for("seeded 15 -f large");
    terminal.press(":drop\r");
    terminal.wait_for("are you sure?");
    terminal.press("y");
    terminal.wait_for("dropped");
    terminal.press("2");
    terminal.wait_for("exit code 3");
    terminal.press("qs");
    terminal.finish();
}

#[test]
fn quitting_with_stop_ends_the_session_and_is_remembered() {
    let sandbox = shop();
    let _down = Down(&sandbox);
    for keys in ["qas", "q"] {
        let mut terminal = Pty::start(&sandbox, &["up"], 80, 24);
        terminal.wait_for("3 well");
        let session = session_pid(&sandbox);
        terminal.press(keys);
        let (status, written) = terminal.finish();
        assert_eq!(status.code(), Some(0), "{written}");
        assert!(written.contains("orch: stopped after"), "{written}");
        wait_for_death(session);
    }
}

#[test]
fn a_terminal_that_goes_away_hurts_no_session() {
    let sandbox = shop();
    let _down = Down(&sandbox);
    let mut terminal = Pty::start(&sandbox, &["up"], 80, 24);
    terminal.wait_for("3 well");
    let (session, dashboard) = (session_pid(&sandbox), terminal.pid());
    terminal.close();
    terminal.finish();
    assert!(!is_alive(dashboard));
    assert!(is_alive(session));

    // Killed without a word, too.
    let terminal = Pty::start(&sandbox, &["attach"], 80, 24);
    terminal.wait_for("3 well");
    terminal.signal(Signal::SIGKILL);
    terminal.finish();
    let terminal = Pty::start(&sandbox, &["attach"], 1, 1);
    terminal.wait_until_taken(true);
    terminal.signal(Signal::SIGTERM);
    let (status, written) = terminal.finish();
    assert_eq!(status.code(), Some(143));
    assert!(written.contains("\x1b[?1049l") && written.contains("\x1b[?25h"), "{written:?}");
    assert!(is_alive(session));
}

#[test]
fn term_ends_the_session_of_up_and_gives_the_terminal_back() {
    let sandbox = shop();
    let _down = Down(&sandbox);
    let terminal = Pty::start(&sandbox, &["up"], 80, 24);
    terminal.wait_for("3 well");
    let session = session_pid(&sandbox);
    assert!(terminal.is_taken());
    terminal.signal(Signal::SIGTERM);
    let (status, written) = terminal.finish();
    assert_eq!(status.code(), Some(143));
    assert!(written.contains("\x1b[?1049l") && written.contains("stopped after"), "{written}");
    wait_for_death(session);
}

#[test]
fn a_stopped_dashboard_goes_on_where_it_was() {
    let sandbox = shop();
    let _down = Down(&sandbox);
    let mut terminal = Pty::start(&sandbox, &["up"], 80, 24);
    terminal.wait_for("3 well");
    terminal.signal(Signal::SIGSTOP);
    sandbox.write("src.txt", "bad\n");
    terminal.signal(Signal::SIGCONT);
    terminal.wait_for("1 failing");
    terminal.resize(100, 30);
    terminal.wait_until("the new width", |screen| screen.lines().any(|line| line.trim_end().chars().count() > 82));
    // There is no shell here that could bring it back.
    terminal.press("\x1a");
    terminal.wait_for("no shell is there that could bring it back");
    assert!(terminal.is_taken());
}

#[test]
fn suspending_gives_the_terminal_to_the_shell_that_started_it() {
    let sandbox = shop();
    let _down = Down(&sandbox);
    let mut shell = sandbox.program("sh");
    // What runs orch stops with it, as a `make` would.
    shell.args(["-c", "set -m; sh -c 'orch up; true'; echo it ended with $?; read line; fg"]);
    shell.env("TERM", "xterm-256color").env_remove("COLUMNS");
    let mut terminal = Pty::run(shell, 80, 24);
    terminal.wait_for("3 well");
    terminal.press("\x1a");
    terminal.wait_until_taken(false);
    terminal.wait_for(&format!("it ended with {}", 128 + Signal::SIGSTOP as i32));
    sandbox.write("src.txt", "bad\n");
    terminal.press("\r");
    terminal.wait_until_taken(true);
    terminal.wait_for("1 failing");
    terminal.press("qs");
    terminal.finish();
}

#[test]
fn a_shell_has_the_terminal_to_itself_until_it_ends() {
    let sandbox = shop().env("SHELL", "sh").env("PS1", "type: ");
    let _down = Down(&sandbox);
    let mut terminal = Pty::start(&sandbox, &["up"], 80, 24);
    terminal.wait_for("3 well");
    terminal.press("fserver\r");
    terminal.wait_for("─ server ");
    for round in 1..4 {
        terminal.press("x");
        terminal.wait_until_taken(false);
        terminal.wait_for("type: ");
        // What is interrupted is the shell's.
        terminal.signal(Signal::SIGINT);
        terminal.press(&format!("echo round $(({round}+40)); stty -echo\r"));
        terminal.wait_for(&format!("round {}", round + 40));
        terminal.press("(exit 130)\r");
        terminal.press("exit\r");
        terminal.wait_until_taken(true);
        // Typed before anything is drawn.
        terminal.press("2");
        terminal.wait_for("Declared");
        terminal.press("1");
        terminal.wait_without("Declared");
    }
    terminal.press("qs");
    let (status, written) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{written}");
    assert!(!written.contains("press Enter to go back"), "{written}");
}

/// A server that ends only when it is killed.
const STUBBORN: &str = r#"
local_resource("server", serve_cmd="trap '' TERM INT HUP; echo $$ > server.pid; echo listening; while :; do sleep 1000; done",
               ready_log_line="listening")
"#;

#[test]
fn a_second_signal_ends_all_at_once_and_the_terminal_is_given_back() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 0)] {
        let sandbox = Sandbox::new(STUBBORN);
        let _down = Down(&sandbox);
        let terminal = Pty::start(&sandbox, &["up"], 80, 24);
        terminal.wait_for("1 well");
        let (session, server) = (session_pid(&sandbox), sandbox.read("server.pid").trim().parse().unwrap());
        terminal.signal(signal);
        terminal.wait_until_taken(false);
        terminal.wait_for("stopping server");
        assert!(is_alive(server) && is_alive(session), "{signal}");
        let asked = Instant::now();
        terminal.signal(signal);
        terminal.wait_for("killing server at once");
        let (status, written) = terminal.finish();
        assert!(asked.elapsed() < Duration::from_secs(8), "it waited for the server: {signal}");
        assert_eq!(status.code(), Some(code), "{signal}: {written}");
        assert!(written.contains("\x1b[?1049l") && written.contains("\x1b[?25h"), "{signal}: {written:?}");
        wait_for_death(session);
        wait_for_death(server);
    }
}

#[test]
fn two_hang_ups_end_the_dashboard_alone() {
    let sandbox = shop();
    let _down = Down(&sandbox);
    let terminal = Pty::start(&sandbox, &["up"], 80, 24);
    terminal.wait_for("3 well");
    let session = session_pid(&sandbox);
    terminal.signal(Signal::SIGHUP);
    terminal.signal(Signal::SIGHUP);
    let (status, written) = terminal.finish();
    assert_eq!(status.code(), Some(0), "{written}");
    assert!(written.contains("\x1b[?1049l") && written.contains("\x1b[?25h"), "{written:?}");
    assert!(is_alive(session));
}

#[test]
fn a_client_that_stops_reading_holds_up_nobody() {
    let sandbox = Sandbox::new(
        "local_resource('noise', serve_cmd='i=0; while [ $i -lt 200000 ]; do echo line $i of much noise; i=$((i+1)); done; exec sleep 1000')\n\
         local_resource('touch', cmd='cat in.txt', deps=['in.txt'])",
    );
    sandbox.write("in.txt", "one\n");
    let _down = Down(&sandbox);
    sandbox.orch(&["up", "-d"]).expect_code(0);
    let card: serde_json::Value = serde_json::from_str(&sandbox.read(".orch/session.json")).unwrap();
    let mut deaf = Vec::new();
    for path in ["/v1/snapshots", "/v1/logs?follow=true"] {
        let mut stream = UnixStream::connect(card["socket"].as_str().unwrap()).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: orch\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 16]).unwrap();
        deaf.push(stream);
    }
    let mut terminal = Pty::start(&sandbox, &["attach"], 100, 24);
    terminal.wait_for("2 well");
    terminal.wait_for("line 199999 of much noise");
    sandbox.write("in.txt", "two\n");
    terminal.press("ftouch\r2");
    terminal.wait_for("1 file changed: in.txt");
    // From the first line to the last and back.
    terminal.press("\x071");
    terminal.press("fnoise\r");
    terminal.wait_for("line 199999 of much noise");
    terminal.press("\tg");
    terminal.wait_for("line 0 of much noise");
    terminal.press("/line 123456 of\r");
    terminal.wait_for("/line 123456 of 1");
    terminal.press("N");
    terminal.wait_for("line 123457 of much noise");
    terminal.press("G");
    terminal.wait_for("line 199999 of much noise");
}

#[test]
fn without_a_terminal_lines_are_printed_and_attach_says_what_to_do() {
    let sandbox = shop();
    let mut session = sandbox.start(&["up"]);
    session.wait_for("listening");
    let refused = sandbox.orch(&["attach"]).expect_code(2);
    assert!(refused.stderr.contains("the dashboard needs a terminal"), "{}", refused.stderr);
    session.interrupt().expect_code(0);
    let none = sandbox.orch(&["attach"]).expect_code(125);
    assert!(none.stderr.contains("no session runs for this project"), "{}", none.stderr);
}

#[test]
fn what_keeps_a_session_from_starting_is_said_after_the_dashboard_did_not_open() {
    let sandbox = shop();
    let mut session = sandbox.start(&["up"]);
    session.wait_for("listening");
    let (status, written) = Pty::start(&sandbox, &["up"], 80, 24).finish();
    assert_eq!(status.code(), Some(125));
    assert!(written.contains("runs this project already"), "{written}");
}
