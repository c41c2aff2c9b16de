//! `docker_container` on a real engine: what each of its arguments does there, and whose containers are never touched.

mod bounds;
mod life;
mod networks;
mod places;
mod process;
mod pulled;

use super::{Container, Engine};
use crate::sandbox::{Finished, Sandbox};

/// A line that declares a container that sleeps, with these arguments.
fn sleeping(name: &str, arguments: &str) -> String {
    let base = Engine::base();
    format!("docker_container({name:?}, {base:?}, command=['sleep', '1000000'], init=True, {arguments})\n")
}

/// Brings up a container `web` that sleeps, with these arguments, in a project that is called like the test.
#[track_caller]
fn web(engine: &Engine, arguments: &str) -> (Sandbox, Container) {
    let sandbox = engine.sandbox(&sleeping("web", arguments));
    let finished = ci(engine, &sandbox).expect_code(0);
    let web = engine.container("web").unwrap_or_else(|| panic!("no `web`:\n{}", finished.all()));
    (sandbox, web)
}

/// `orch ci`, in a project that is called like the test.
fn ci(engine: &Engine, sandbox: &Sandbox) -> Finished {
    sandbox.orch(&["ci", "--project", engine.id()])
}

/// What a shell in the container says to this, without its last line break; it must succeed.
#[track_caller]
fn sh(engine: &Engine, container: &Container, script: &str) -> String {
    let (code, said) = engine.exec(container, &["sh", "-c", script]);
    assert_eq!(code, 0, "`{script}` said: {said}");
    said.trim_end().to_owned()
}

#[track_caller]
fn assert_says(finished: &Finished, texts: &[&str]) {
    let said = finished.all();
    assert_eq!(finished.code, Some(1), "{said}");
    for text in texts {
        assert!(said.contains(text), "no `{text}` in:\n{said}");
    }
}
