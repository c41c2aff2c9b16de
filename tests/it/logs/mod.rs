//! Logs: what is written is read, whatever it holds and whatever happened in between.

mod bounds;
mod following;
mod paging;
mod repair;
mod secrets;

use orch::{
    logs::{Batch, Follower, From, Limits, Line, LogName, LogReader, LogStore, Stream},
    model::{Attempt, InstanceId, Level, ResourceName, RunId},
};
use std::{path::Path, time::Duration};
use tempfile::TempDir;

fn resource(name: &str) -> LogName {
    LogName::Resource(ResourceName::parse(name).unwrap())
}

fn open(dir: &TempDir) -> LogStore {
    open_with(dir, Limits::default())
}

fn open_with(dir: &TempDir, limits: Limits) -> LogStore {
    LogStore::open(&dir.path().join("logs"), limits).unwrap()
}

const RUN: Option<Attempt> = Some(Attempt::Run(RunId(3)));

fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| String::from_utf8_lossy(&line.text).into_owned()).collect()
}

fn all(store: &LogStore) -> Batch {
    drain(&mut store.follow(None, From::Start))
}

fn drain(follower: &mut Follower) -> Batch {
    let mut all = Batch::default();
    while let Some(batch) = follower.try_next() {
        all.lines.extend(batch.lines);
        all.dropped.extend(batch.dropped);
    }
    all
}

fn on_disk(dir: &Path) -> Batch {
    let mut all = Batch::default();
    for batch in LogReader::open(&dir.join("logs")).unwrap().read(None, From::Start) {
        all.lines.extend(batch.lines);
        all.dropped.extend(batch.dropped);
    }
    all
}

/// Waits for the follower to have `count` lines more.
async fn next_lines(follower: &mut Follower, count: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let gather = async {
        while lines.len() < count {
            lines.extend(follower.next().await.expect("the store is open").lines);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gather).await.expect("lines in time");
    lines
}

#[test]
fn lines_come_back_with_all_that_is_known_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writer = store.writer(&resource("api"), RUN);
    writer.write(Stream::Out, b"one\ntw");
    writer.write(Stream::Err, b"oops\n");
    writer.write(Stream::Out, b"o\n\n");
    store.say(&LogName::Session, None, Level::Warning, "take care");
    let lines = all(&store).lines;
    assert_eq!(texts(&lines), ["one", "oops", "two", "", "take care"]);
    assert!(lines.iter().all(|line| line.begins && line.ends));
    assert!(lines[..4].iter().all(|line| line.attempt == RUN && line.level.is_none() && line.log == resource("api")));
    assert_eq!((lines[1].stream, lines[2].stream), (Stream::Err, Stream::Out));
    assert_eq!((lines[4].stream, lines[4].level), (Stream::Orch, Some(Level::Warning)));
    assert_eq!(lines[4].log, LogName::Session);
    drop((writer, store));
    assert_eq!(on_disk(dir.path()).lines, lines);
}

#[test]
fn bytes_of_any_kind_survive() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writer = store.writer(&resource("api"), RUN);
    let long = "é€😀".repeat(400_000);
    let odd: Vec<u8> = (0..=255).filter(|byte| *byte != b'\n').collect();
    writer.write(Stream::Out, &odd);
    writer.write(Stream::Out, b"\n\x1b[31mred\x1b[0m\n 10%\r 20%\r\n");
    writer.write(Stream::Out, long.as_bytes());
    writer.write(Stream::Out, b"\n");
    let lines = all(&store).lines;
    assert_eq!(lines[0].text, odd);
    assert_eq!(lines[1].text, b"\x1b[31mred\x1b[0m");
    assert_eq!((&lines[2].text[..], lines[2].visible()), (&b" 10%\r 20%\r"[..], &b" 20%"[..]));
    let (pieces, last) = (&lines[3..lines.len() - 1], &lines[lines.len() - 1]);
    assert!(pieces.iter().all(|piece| !piece.ends && String::from_utf8(piece.text.clone()).is_ok()));
    assert!(lines[3].begins && last.ends && !last.begins);
    assert_eq!(lines[3..].iter().flat_map(|line| line.text.clone()).collect::<Vec<u8>>(), long.as_bytes());
}

#[tokio::test]
async fn an_unfinished_line_is_shown_after_a_moment_and_is_one_line_later() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writer = store.writer(&resource("api"), Some(Attempt::Instance(InstanceId(1))));
    let mut follower = store.follow(None, From::Now);
    writer.write(Stream::Out, b"Name? ");
    let shown = next_lines(&mut follower, 1).await;
    assert_eq!((&shown[0].text[..], shown[0].begins, shown[0].ends), (&b"Name? "[..], true, false));
    writer.write(Stream::Err, b"warning\n");
    writer.write(Stream::Out, b"Bob\nbye");
    let rest = next_lines(&mut follower, 2).await;
    assert_eq!(texts(&rest), ["warning", "Bob"]);
    assert_eq!((rest[1].begins, rest[1].ends), (false, true));
    writer.close();
    let last = next_lines(&mut follower, 1).await;
    assert_eq!((&last[0].text[..], last[0].begins, last[0].ends), (&b"bye"[..], true, true));
    assert_eq!(texts(&all(&store).lines), ["Name? Bob", "warning", "bye"]);
    store.close();
    assert_eq!(follower.next().await, None);
}

#[test]
fn a_million_lines_are_all_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writer = store.writer(&resource("api"), RUN);
    let (mut chunk, mut written) = (Vec::new(), 0);
    for number in 0..1_000_000 {
        chunk.extend_from_slice(format!("line {number}\n").as_bytes());
        if chunk.len() >= 65_000 {
            // Chunks end anywhere, as those of a pipe do.
            written += chunk.len() - 7;
            writer.write(Stream::Out, &chunk[..chunk.len() - 7]);
            chunk.drain(..chunk.len() - 7);
        }
    }
    writer.write(Stream::Out, &chunk);
    assert!(written > 10_000_000);
    let mut follower = store.follow(None, From::Start);
    let mut number = 0;
    while let Some(batch) = follower.try_next() {
        assert_eq!(batch.dropped, []);
        assert!(batch.lines.len() < 10_000, "a batch is bounded");
        for line in batch.lines {
            assert_eq!(line.text, format!("line {number}").as_bytes());
            number += 1;
        }
    }
    assert_eq!(number, 1_000_000);
}

#[test]
fn a_thousand_writers_need_few_open_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let names: Vec<LogName> = (0..1000).map(|number| resource(&format!("resource {number}"))).collect();
    let writers: Vec<_> = names.iter().map(|name| store.writer(name, RUN)).collect();
    for round in 0..3 {
        for writer in &writers {
            writer.write(Stream::Out, format!("round {round}\n").as_bytes());
        }
        store.flush();
    }
    let open = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
    assert!(open.filter(|path| path.starts_with(dir.path())).count() <= 128);
    let lines = all(&store).lines;
    assert_eq!(lines.len(), 3000);
    for name in &names {
        let own: Vec<String> = texts(&lines.iter().filter(|line| line.log == *name).cloned().collect::<Vec<_>>());
        assert_eq!(own, ["round 0", "round 1", "round 2"]);
    }
    assert_eq!(LogReader::open(&dir.path().join("logs")).unwrap().names().len(), 1000);
}

#[test]
fn every_name_has_a_log_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let long = "Ö ".repeat(250);
    let names = ["api", "API", "Api", "orch", "%session", "...", "a\nb", "\u{1b}[31m", &long, &(long.clone() + "x")];
    let names: Vec<LogName> = names.iter().filter(|name| !name.contains('%')).map(|name| resource(name)).collect();
    for name in &names {
        store.writer(name, None).write(Stream::Out, format!("{name:?}").as_bytes());
    }
    store.say(&LogName::Session, None, Level::Info, "session");
    drop(store);
    let lines = on_disk(dir.path()).lines;
    assert_eq!(lines.len(), names.len() + 1);
    for line in lines.iter().filter(|line| line.log != LogName::Session) {
        assert_eq!(line.text, format!("{:?}", line.log).as_bytes());
    }
}

#[test]
fn the_end_of_an_attempt_can_be_had_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (first, second) = (Attempt::Run(RunId(1)), Attempt::Run(RunId(2)));
    let writers = [first, second].map(|attempt| store.writer(&resource("api"), Some(attempt)));
    for number in 0..10 {
        for writer in &writers {
            writer.write(Stream::Out, format!("line {number}\n").as_bytes());
        }
    }
    let lines = store.reader().last_of(&resource("api"), first, 2);
    assert_eq!(texts(&lines), ["line 8", "line 9"]);
    assert!(lines.iter().all(|line| line.attempt == Some(first)));
    assert_eq!(store.reader().last_of(&resource("web"), first, 2), []);
}

#[test]
fn without_a_folder_there_are_no_logs() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(on_disk(dir.path()), Batch::default());
    assert_eq!(LogReader::open(&dir.path().join("logs")).unwrap().names(), []);
}
