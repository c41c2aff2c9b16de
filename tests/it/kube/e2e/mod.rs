//! The real program on a real cluster, as a user has it.

mod bad_input;
mod custom;
mod down;
mod exec;
mod guestbook;
mod images;
mod scripts;
mod session;

use crate::sandbox::{Sandbox, Session};
use serde_json::Value;
use std::net::TcpListener;

/// What `orch status` says of a project.
fn status(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.orch(&["status", "-o", "json"]).stdout).unwrap_or_default()
}

/// Waits until something is so; when it does not come, tells what the session said.
#[track_caller]
fn until<T>(what: &str, sandbox: &Sandbox, session: &mut Session, check: impl FnMut() -> Option<T>) -> T {
    crate::docker::until(what, || format!("{}\n{:#}", session.said(), status(sandbox)), check)
}

/// Waits until the session runs and has nothing left to do.
#[track_caller]
fn until_at_rest(sandbox: &Sandbox, session: &mut Session) {
    until("rest", sandbox, session, || {
        let status = status(sandbox);
        (status["live"] == true && status["at_rest"] == true).then_some(())
    });
}

/// Replaces a text that stands in a file of the project.
#[track_caller]
fn edit(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = sandbox.read(file);
    assert!(text.contains(from), "`{from}` is not in {file}:\n{text}");
    std::fs::write(sandbox.path(file), text.replace(from, to)).unwrap();
}

/// A port that nobody has at the moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
