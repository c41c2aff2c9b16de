//! Real processes: whole trees end, exits and output are true, failures speak.

use orch::{
    engine::CommandSpec,
    host::process::{Capture, Ended, Kind, Processes, Spawn, Stream},
    model::{Exit, FilePath},
};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

const GRACE: Duration = Duration::from_secs(30);

fn processes() -> Processes {
    Processes::start_through(Path::new(env!("CARGO_BIN_EXE_orch"))).unwrap()
}

fn sh(script: &str) -> CommandSpec {
    command(&["sh", "-c", script])
}

fn command(argv: &[&str]) -> CommandSpec {
    let argv = argv.iter().map(|argument| (*argument).to_owned()).collect();
    CommandSpec { argv, dir: FilePath::new("/"), env: BTreeMap::new() }
}

#[tokio::test]
async fn a_command_runs() {
    let processes = processes();
    let capture = Arc::new(Capture::default());
    let running =
        processes.spawn(Spawn::new(&sh("echo $$; echo no >&2; exit 3"), Kind::Command, GRACE), capture.clone());
    let pid = running.started().await.unwrap();
    assert_eq!(running.ended().await, Ended { exit: Exit::Code(3), leftovers: false });
    assert_eq!(capture.take(Stream::Out), format!("{pid}\n").into_bytes());
    assert_eq!(capture.take(Stream::Err), b"no\n");
}
