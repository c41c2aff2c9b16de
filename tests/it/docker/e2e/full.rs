//! No room is left on the engine's disk.

use super::{containers, plant};
use crate::docker::{Container, Disk, Engine, SecondEngine};

#[test]
fn a_full_disk_is_said_and_the_build_succeeds_when_there_is_room_again() {
    let Some(shared) = Engine::shared() else { return };
    let Some(engine) = SecondEngine::start(&shared, Disk::Mib(96)) else { return };
    let sandbox = engine.sandbox(&containers(&engine, &["web"], ""));
    plant(&sandbox, &["web"]);
    let dockerfile =
        format!("FROM {}\nRUN head -c 8000000 /dev/urandom >/srv/big\nCOPY page /srv/page\n", Engine::base());
    sandbox.write("web/Dockerfile", &dockerfile);
    let filler = engine.fill_disk(2_000);
    let mut session = sandbox.start(&["up", "--stream"]);
    // The program in the build says no more than that it could not write.
    session.wait_until("the word that the disk is full", |line| line.contains("the disk of the Docker Engine is full"));
    std::fs::remove_file(filler).unwrap();
    sandbox.write("web/page", "second\n");
    engine.until_container("web", "runs", &mut session, Container::is_running);
    session.interrupt().expect_code(0);
}
