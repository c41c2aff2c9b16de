//! The real program on a real engine, as a user has it.

mod acceptance;
mod adopted;
mod away;
mod bad_input;
mod by_hand;
mod compose;
mod connection;
mod down;
mod exec;
mod full;
mod shop;
mod tour;

use super::{Container, Engine};
use crate::sandbox::{Sandbox, Session};
use serde_json::Value;
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    time::Duration,
};

/// What `orch status` says of a project.
fn status(sandbox: &Sandbox) -> Value {
    serde_json::from_str(&sandbox.orch(&["status", "-o", "json"]).stdout).unwrap_or_default()
}

/// Waits until the session runs and has nothing left to do. What an earlier one left says nothing of it.
#[track_caller]
fn until_at_rest(engine: &Engine, sandbox: &Sandbox, session: &mut Session) {
    engine.until("rest", session, |_| {
        let status = status(sandbox);
        (status["live"] == true && status["at_rest"] == true).then_some(())
    });
}

/// The body of a page that a container publishes; None while nobody answers well.
fn page(container: &Container, port: u16, path: &str) -> Option<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", *container.ports.get(&port)?)).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    connection.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.contains(" 200 ").then(|| body.to_owned())
}

/// An Orchfile with one image and one container of it for each name; `with` is in every `docker_build`. Their files are `NAME/page`,
/// copied to `/srv/page`.
fn containers(engine: &Engine, names: &[&str], with: &str) -> String {
    names.iter().fold(String::new(), |mut text, name| {
        let image = engine.name(name);
        writeln!(text, "docker_build({image:?}, {name:?}, {with})").unwrap();
        writeln!(text, "docker_container({name:?}, {image:?}, command=[\"sleep\", \"1000000\"], init=True)").unwrap();
        text
    })
}

/// Writes the files of [`containers`].
fn plant(sandbox: &Sandbox, names: &[&str]) {
    for name in names {
        sandbox.write(&format!("{name}/Dockerfile"), &format!("FROM {}\nCOPY page /srv/page\n", Engine::base()));
        sandbox.write(&format!("{name}/page"), "first\n");
    }
}

/// Replaces a text that stands in a file of the project.
#[track_caller]
fn edit(sandbox: &Sandbox, file: &str, from: &str, to: &str) {
    let text = sandbox.read(file);
    assert!(text.contains(from), "`{from}` is not in {file}:\n{text}");
    std::fs::write(sandbox.path(file), text.replace(from, to)).unwrap();
}

/// Copies a folder, with what is executable in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let made = ["build", ".orch"].iter().any(|made| entry.file_name() == *made);
        if source.is_dir() && !made {
            copy_folder(&source, &target);
        } else if source.is_file() {
            std::fs::copy(&source, &target).unwrap();
        }
    }
}
