//! What happens on the wire to an engine, where no engine can be made to do it.

use super::{Engine, Workshop};
use orch::host::docker::build::BuildFailure;
use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    thread,
};
use tempfile::TempDir;

/// What is done to a request.
#[derive(Clone, Copy)]
enum Meddling {
    /// The engine knows no such path.
    Unknown(&'static str),
    /// The answer is cut where these words come.
    CutAt(&'static [u8]),
}

/// A socket that leads to the engine. It lives as long as the test's process.
struct Wire {
    folder: TempDir,
}

impl Wire {
    fn to(engine: &Engine, meddling: Meddling) -> Self {
        let wire = Self { folder: TempDir::new().unwrap() };
        let listener = UnixListener::bind(wire.socket()).unwrap();
        let engine = engine.address().strip_prefix("unix://").unwrap().to_owned();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let engine = UnixStream::connect(&engine).unwrap();
                thread::spawn(move || carry(client, engine, meddling).unwrap_or_default());
            }
        });
        wire
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

fn carry(mut client: UnixStream, mut engine: UnixStream, meddling: Meddling) -> io::Result<()> {
    let mut begin = [0; 1 << 14];
    let length = client.read(&mut begin)?;
    let line = String::from_utf8_lossy(&begin[..length]);
    if let Meddling::Unknown(path) = meddling
        && line.split(['\r', '?', ' ']).nth(1).is_some_and(|asked| asked.ends_with(path))
    {
        return client
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 28\r\n\r\n{\"message\":\"page not found\"}");
    }
    engine.write_all(&begin[..length])?;
    let (mut from_client, mut to_engine) = (client.try_clone()?, engine.try_clone()?);
    thread::spawn(move || {
        io::copy(&mut from_client, &mut to_engine).ok();
        to_engine.shutdown(Shutdown::Write).ok();
    });
    loop {
        let length = engine.read(&mut begin)?;
        let part = &begin[..length];
        let is_cut =
            matches!(meddling, Meddling::CutAt(words) if part.windows(words.len()).any(|window| window == words));
        if length == 0 || is_cut {
            engine.shutdown(Shutdown::Both)?;
            return client.shutdown(Shutdown::Both);
        }
        client.write_all(part)?;
    }
}

#[test]
fn an_engine_without_buildkit_builds_all_the_same() {
    let Some(engine) = Engine::shared() else { return };
    let wire = Wire::to(&engine, Meddling::Unknown("/session"));
    let mut shop = Workshop::through(&engine, &wire.socket());
    shop.write("a", "1");
    let recipe = shop.docker_build("FROM BASE\nCOPY a /\nCMD [\"x\"]");
    let built = shop.built(recipe);
    assert!(shop.said().contains("[3/3] CMD"), "only the classic builder says this: {}", shop.said());
    assert_eq!(shop.shell(&built, "cat /a"), "1");
}

#[test]
fn a_connection_that_is_cut_is_no_success_and_no_fault() {
    let Some(engine) = Engine::shared() else { return };
    // Where the answer tells the image's id, in the words of each builder.
    for (builder, words) in [("1", &b"moby.image.id"[..]), ("0", b"{\"aux\":{\"ID\"")] {
        let wire = Wire::to(&engine, Meddling::CutAt(words));
        let mut shop = Workshop::through(&engine, &wire.socket());
        shop.environment.insert("DOCKER_BUILDKIT".to_owned(), Some(builder.to_owned()));
        let recipe = shop.docker_build("FROM BASE\nLABEL A=ID");
        let failure = shop.fails(recipe);
        assert!(matches!(failure, BuildFailure::Lost(_)), "builder {builder}: {failure:?}");
    }
}
