//! Reading a log page by page, towards older lines and towards newer ones.

use super::{RUN, open, resource, texts};
use orch::logs::{Line, LogFilter, LogStore, Span, Stream};
use std::time::{Duration, SystemTime};

const LINES: usize = 20_000;
const PAGE: usize = 1_000;

fn page(store: &LogStore, span: Span) -> Vec<Line> {
    store.reader().page(None, &LogFilter::default(), span)
}

#[test]
fn lines_that_were_read_at_once_are_paged_each_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writer = store.writer(&resource("api"), RUN);
    let written: Vec<String> = (0..LINES).map(|place| place.to_string()).collect();
    writer.write(Stream::Out, format!("{}\n", written.join("\n")).as_bytes());
    drop(writer);
    store.flush();

    let mut older: Vec<Line> = Vec::new();
    let mut until = SystemTime::now() + Duration::from_mins(1);
    while older.len() < LINES {
        let more = page(&store, Span::Until(until, PAGE));
        let Some(first) = more.first() else { break };
        until = first.at - Duration::from_micros(1);
        older.splice(0..0, more);
    }
    assert_eq!(texts(&older), written);

    let mut newer = page(&store, Span::First(PAGE));
    while newer.len() < LINES {
        let since = newer.last().unwrap().at + Duration::from_micros(1);
        let more = page(&store, Span::Since(since, PAGE));
        assert!(!more.is_empty());
        newer.extend(more);
    }
    assert_eq!(texts(&newer), written);
}
