//! What a process reads and writes.

use super::{LONG, command, processes, sh, soon};
use orch::{
    host::process::{Capture, Kind, OutputSink, ReadyLine, Spawn, Stream, Tee},
    model::Exit,
};
use std::sync::Arc;

#[tokio::test]
async fn all_output_is_there_before_the_end() {
    let processes = processes();
    for round in 0..10 {
        let capture = Arc::new(Capture::default());
        let script = "head -c 3000000 /dev/zero; head -c 200000 /dev/zero >&2; printf end";
        let running = processes.spawn(Spawn::new(&sh(script), Kind::Command, LONG), capture.clone());
        soon("end", running.ended()).await;
        let out = capture.take(Stream::Out);
        assert_eq!((out.len(), capture.take(Stream::Err).len()), (3_000_003, 200_000), "round {round}");
        assert!(out.ends_with(b"end"));
    }
}

#[tokio::test]
async fn output_is_there_before_the_end_also_where_leftovers_write_for_ever() {
    let (processes, capture) = (processes(), Arc::new(Capture::default()));
    let script = "yes & head -c 70000 /dev/zero >&2; exit 0";
    let running = processes.spawn(Spawn::new(&sh(script), Kind::Command, LONG), capture.clone());
    assert!(soon("end", running.ended()).await.leftovers);
    assert_eq!(capture.take(Stream::Err).len(), 70_000);
    running.stop(LONG);
    soon("leftovers", running.leftovers_ended()).await;
}

#[tokio::test]
async fn any_bytes_pass() {
    let (processes, capture) = (processes(), Arc::new(Capture::default()));
    let running = processes.spawn(Spawn::new(&sh(r"printf '\377\000\200a'"), Kind::Command, LONG), capture.clone());
    soon("end", running.ended()).await;
    assert_eq!(capture.take(Stream::Out), b"\xff\x00\x80a");
}

#[tokio::test]
async fn standard_input_is_empty_or_what_was_given() {
    let processes = processes();
    let capture = Arc::new(Capture::default());
    let running =
        processes.spawn(Spawn::new(&sh("cat; readlink /proc/self/fd/0"), Kind::Command, LONG), capture.clone());
    soon("end", running.ended()).await;
    assert_eq!(capture.take(Stream::Out), b"/dev/null\n");

    let spec = command(&["wc", "-c"]);
    let spawn = Spawn { input: Some(vec![b'x'; 1_000_000]), ..Spawn::new(&spec, Kind::Command, LONG) };
    soon("end", processes.spawn(spawn, capture.clone()).ended()).await;
    assert_eq!(capture.take(Stream::Out), b"1000000\n");

    let spec = command(&["true"]);
    let spawn = Spawn { input: Some(vec![b'x'; 1_000_000]), ..Spawn::new(&spec, Kind::Command, LONG) };
    assert_eq!(soon("end", processes.spawn(spawn, capture).ended()).await.exit, Exit::Code(0));
}

#[tokio::test]
async fn a_ready_line_is_seen_while_all_goes_on() {
    let (processes, capture) = (processes(), Arc::new(Capture::default()));
    let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let pattern = regex::Regex::new("^listening on [0-9]+$").unwrap();
    let copy = Arc::new(Capture::default());
    let sink = ReadyLine::new(pattern, Arc::new(Tee(copy.clone(), capture.clone())), move || sender.send(()).unwrap());
    let script = r"printf 'listening'; printf ' on 80\n'; echo listening on 81; yes | head -1000; exec sleep 1000";
    let running = processes.spawn(Spawn::new(&sh(script), Kind::Server, LONG), Arc::new(sink));
    assert_eq!(soon("ready", seen.recv()).await, Some(()));
    running.stop(LONG);
    soon("end", running.ended()).await;
    assert_eq!(soon("once", seen.recv()).await, None);
    let out = capture.take(Stream::Out);
    assert!(out.starts_with(b"listening on 80\nlistening on 81\n"));
    assert!(copy.take(Stream::Out) == out);
}

#[tokio::test]
async fn a_sink_is_closed_before_the_end_is_told() {
    struct Closed(std::sync::Mutex<Vec<&'static str>>);
    impl OutputSink for Closed {
        fn write(&self, _: Stream, _: &[u8]) {
            self.0.lock().unwrap().push("write");
        }
        fn close(&self) {
            self.0.lock().unwrap().push("close");
        }
    }
    let processes = processes();
    for (argv, expected) in [(["echo"], &["write", "close"][..]), (["no-such-program"], &["close"])] {
        let closed = Arc::new(Closed(<_>::default()));
        let running = processes.spawn(Spawn::new(&command(&argv), Kind::Command, LONG), closed.clone());
        soon("end", running.ended()).await;
        assert_eq!(*closed.0.lock().unwrap(), expected);
    }
}

#[tokio::test]
async fn a_million_lines_flow() {
    let (processes, capture) = (processes(), Arc::new(Capture::default()));
    let spec = command(&["seq", "1000000"]);
    let running = processes.spawn(Spawn::new(&spec, Kind::Command, LONG), capture.clone());
    soon("end", running.ended()).await;
    let out = capture.take(Stream::Out);
    assert_eq!(out.len(), 6_888_896);
    assert!(out.ends_with(b"\n1000000\n"));
}
