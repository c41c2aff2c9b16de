//! What a kill, a lost power or a disk leaves of a log is mended: the rest is read and written on.

use super::*;
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt as _,
    path::PathBuf,
};

/// Writes three lines and one more session after `damage` was done; gives what is then read.
fn lines_after(damage: impl Fn(&PathBuf, &PathBuf)) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.writer(&resource("api"), RUN).write(Stream::Out, b"one\ntwo\nthree\n");
    drop(store);
    let folder = dir.path().join("logs/api");
    damage(&folder.join("00000001.idx"), &folder.join("00000001.log"));
    let before = texts(&on_disk(dir.path()).lines);

    let store = open(&dir);
    store.writer(&resource("api"), RUN).write(Stream::Out, b"next\n");
    let after = texts(&all(&store).lines);
    drop(store);
    assert_eq!(texts(&on_disk(dir.path()).lines), after);
    assert_eq!([before, vec!["next".into()]].concat(), after, "a reader without a session sees the same");
    after
}

fn cut(path: &PathBuf, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

fn append(path: &PathBuf, bytes: &[u8]) {
    use std::io::Write as _;
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

#[test]
fn torn_ends_cost_only_the_lines_in_them() {
    assert_eq!(lines_after(|_, _| {}), ["one", "two", "three", "next"]);
    assert_eq!(lines_after(|index, _| cut(index, 5)), ["one", "two", "next"]);
    assert_eq!(lines_after(|_, data| cut(data, 2)), ["one", "two", "next"]);
    assert_eq!(lines_after(|_, data| cut(data, 14)), ["next"]);
    assert_eq!(lines_after(|index, _| append(index, &[0; 60])), ["one", "two", "three", "next"]);
    assert_eq!(lines_after(|index, _| append(index, &[0xFF; 48])), ["one", "two", "three", "next"]);
    assert_eq!(lines_after(|_, data| append(data, b"no record speaks of this")), ["one", "two", "three", "next"]);
}

#[test]
fn garbled_segments_are_passed_over() {
    let garble = |path: &PathBuf, at| OpenOptions::new().write(true).open(path).unwrap().write_all_at(&[0xAB; 24], at);
    assert_eq!(lines_after(|index, _| garble(index, 0).unwrap()), ["next"]);
    assert_eq!(lines_after(|index, _| garble(index, 48).unwrap()), ["one", "next"]);
    assert_eq!(lines_after(|index, _| cut(index, 80)), ["next"]);
    assert_eq!(lines_after(|index, _| fs::remove_file(index).unwrap()), ["next"]);
    assert_eq!(lines_after(|_, data| fs::remove_file(data).unwrap()), ["next"]);
    assert_eq!(lines_after(|index, _| fs::remove_dir_all(index.parent().unwrap()).unwrap()), ["next"]);
}

#[test]
fn a_garbled_segment_among_others_costs_only_its_own_lines() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 1 << 10, ..Limits::default() };
    let store = open_with(&dir, limits);
    let writer = store.writer(&resource("api"), RUN);
    (0..1000).for_each(|number| writer.write(Stream::Out, format!("{number}\n").as_bytes()));
    drop((writer, store));
    fs::write(dir.path().join("logs/api/00000003.idx"), "garbled").unwrap();
    let left = on_disk(dir.path());
    assert_eq!(left.dropped.len(), 1);
    assert_eq!(left.lines.len() as u64 + left.dropped[0].1, 1000);
    assert_eq!(texts(&left.lines).last().map(String::as_str), Some("999"));
}

#[test]
fn lines_on_disk_survive_the_death_of_orch() {
    let dir = tempfile::tempdir().unwrap();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "logs::repair::die_while_writing", "--ignored"])
        .env("ORCH_TEST_DIR", dir.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success());
    let store = open(&dir);
    store.writer(&resource("api"), RUN).write(Stream::Out, b"next\n");
    let lines = texts(&all(&store).lines);
    assert!(lines.len() > 1000, "{}", lines.len());
    let expected = (0..lines.len() - 1).map(|number| number.to_string()).chain(["next".to_owned()]);
    assert_eq!(lines, expected.collect::<Vec<_>>());
}

#[test]
#[ignore = "is run by another test, in a process of its own"]
fn die_while_writing() {
    let dir = PathBuf::from(std::env::var_os("ORCH_TEST_DIR").unwrap());
    let store = LogStore::open(&dir.join("logs"), Limits::default()).unwrap();
    let writer = store.writer(&resource("api"), RUN);
    (0..100_000).for_each(|number| writer.write(Stream::Out, format!("{number}\n").as_bytes()));
    std::process::abort();
}
