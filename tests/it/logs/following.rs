//! Following: who reads gets all lines in order, at any pace, from any place.

use super::*;
use std::time::SystemTime;

#[tokio::test]
async fn two_followers_get_the_same_lines_at_their_own_pace() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let (mut fast, mut slow) = (store.follow(None, From::Now), store.follow(None, From::Now));
    let writers = ["a", "b", "c"].map(|name| store.writer(&resource(name), RUN));
    let mut seen = Vec::new();
    for number in 0..300 {
        writers[number % 3].write(Stream::Out, format!("{number}\n").as_bytes());
        seen.extend(next_lines(&mut fast, 1).await);
    }
    assert_eq!(texts(&seen), (0..300).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(drain(&mut slow).lines, seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_waits_and_misses_nothing_of_many_threads() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut follower = store.follow(None, From::Now);
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let writer = store.writer(&resource(&format!("r{thread}")), RUN);
            std::thread::spawn(move || {
                (0..5000).for_each(|number| writer.write(Stream::Out, format!("{number}\n").as_bytes()));
            })
        })
        .collect();
    let lines = next_lines(&mut follower, 20_000).await;
    for thread in threads {
        thread.join().unwrap();
    }
    for thread in 0..4 {
        let own = lines.iter().filter(|line| line.log == resource(&format!("r{thread}"))).cloned().collect::<Vec<_>>();
        assert_eq!(texts(&own), (0..5000).map(|number| number.to_string()).collect::<Vec<_>>());
    }
    store.close();
    assert_eq!(follower.next().await, None);
}

#[test]
fn lines_of_several_logs_come_in_the_order_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 2 << 10, ..Limits::default() };
    let store = open_with(&dir, limits);
    let writers = ["a", "b", "c"].map(|name| store.writer(&resource(name), RUN));
    for number in 0..3000 {
        writers[number * number % 3].write(Stream::Out, format!("{number}\n").as_bytes());
    }
    let lines = all(&store).lines;
    assert_eq!(lines.len(), 3000);
    assert!(lines.is_sorted_by_key(|line| line.at));
    drop((writers, store));
    assert_eq!(on_disk(dir.path()).lines, lines);
}

#[test]
fn reading_begins_where_it_was_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 1 << 10, ..Limits::default() };
    let store = open_with(&dir, limits);
    let early = store.writer(&resource("early"), RUN);
    (0..200).for_each(|number| early.write(Stream::Out, format!("early {number}\n").as_bytes()));
    let before = SystemTime::now();
    let late = store.writer(&resource("late"), RUN);
    (0..3).for_each(|number| late.write(Stream::Out, format!("late {number}\n").as_bytes()));
    let mut now = store.follow(None, From::Now);

    let read = |from| texts(&drain(&mut store.follow(None, from)).lines);
    assert_eq!(read(From::Last(5)), ["early 198", "early 199", "late 0", "late 1", "late 2"]);
    assert_eq!(read(From::Last(0)), [""; 0]);
    assert_eq!(read(From::Last(1000)).len(), 203);
    let since = read(From::Since(before));
    assert_eq!(since[since.len() - 3..], ["late 0", "late 1", "late 2"]);
    // A coarse clock gives many lines one time, and each a moment of its own a little later.
    assert!(since.len() < 100, "{since:?}");
    assert_eq!(read(From::Since(before - Duration::from_hours(1))).len(), 203);
    assert_eq!(drain(&mut now), Batch::default());
    late.write(Stream::Out, b"now\n");
    assert_eq!(texts(&drain(&mut now).lines), ["now"]);

    let one = vec![ResourceName::parse("late").unwrap()];
    assert_eq!(texts(&drain(&mut store.follow(Some(one.clone()), From::Start)).lines).len(), 4);
    let reader = store.reader();
    assert_eq!(texts(&reader.read(Some(&one), From::Last(2)).next().unwrap().lines), ["late 2", "now"]);
    assert_eq!(reader.read(None, From::Last(2)).next().unwrap().lines.len(), 2);
}

#[test]
fn what_earlier_sessions_said_is_not_new() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.writer(&resource("api"), RUN).write(Stream::Out, b"old\n");
    drop(store);
    let store = open(&dir);
    let mut follower = store.follow(None, From::Now);
    store.writer(&resource("api"), RUN).write(Stream::Out, b"new\n");
    assert_eq!(texts(&drain(&mut follower).lines), ["new"]);
    assert_eq!(texts(&all(&store).lines), ["old", "new"]);
}

#[test]
fn a_reader_needs_no_session_and_does_not_mind_one() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { segment: 1 << 10, ..Limits::default() };
    let store = open_with(&dir, limits);
    let writer = store.writer(&resource("api"), RUN);
    writer.write(Stream::Out, b"0\n");
    store.flush();
    let mut lines = LogReader::open(&dir.path().join("logs")).unwrap().read(None, From::Start);
    let mut seen = Vec::new();
    for number in 1..500 {
        writer.write(Stream::Out, format!("{number}\n").as_bytes());
        if number % 7 == 0 {
            store.flush();
            while let Some(batch) = lines.next_batch() {
                assert_eq!(batch.dropped, []);
                seen.extend(texts(&batch.lines));
            }
            assert_eq!(seen.len(), number + 1);
        }
    }
    assert_eq!(seen, (0..seen.len()).map(|number| number.to_string()).collect::<Vec<_>>());
}
