//! Bounds: the oldest lines go, and readers are told how many.

use super::*;

const SMALL: Limits = Limits { segment: 4 << 10, resource: 64 << 10, project: 1 << 30 };

fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| if entry.path().is_dir() { size(&entry.path()) } else { entry.metadata().unwrap().len() }).sum()
}

fn write_lines(store: &LogStore, name: &str, numbers: std::ops::Range<u32>) {
    let writer = store.writer(&resource(name), RUN);
    numbers.for_each(|number| writer.write(Stream::Out, format!("line {number}\n").as_bytes()));
}

fn dropped(batch: &Batch) -> u64 {
    batch.dropped.iter().map(|(_, count)| count).sum()
}

#[test]
fn the_oldest_lines_of_a_resource_are_dropped_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with(&dir, SMALL);
    write_lines(&store, "api", 0..10_000);
    store.flush();
    let kept = all(&store);
    assert_eq!(kept.lines.len() as u64 + dropped(&kept), 10_000);
    assert_eq!(kept.dropped.first().map(|(name, _)| name), Some(&resource("api")));
    assert_eq!(texts(&kept.lines[kept.lines.len() - 1..]), ["line 9999"]);
    assert_eq!(kept.lines[0].text, format!("line {}", dropped(&kept)).as_bytes());
    assert!(kept.lines.len() > 1000, "a bound is no excuse to drop more: {}", kept.lines.len());
    let size = size(dir.path());
    assert!(size <= SMALL.resource, "{size}");
    drop(store);
    assert!(on_disk(dir.path()) == kept);

    let store = open_with(&dir, SMALL);
    write_lines(&store, "api", 10_000..11_000);
    let kept = all(&store);
    assert_eq!(kept.lines.len() as u64 + dropped(&kept), 11_000, "sessions count on");
}

#[test]
fn the_oldest_lines_of_a_project_are_dropped_wherever_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { project: 80 << 10, ..SMALL };
    let store = open_with(&dir, limits);
    write_lines(&store, "a", 0..1000);
    write_lines(&store, "b", 0..1000);
    drop(store);
    let store = open_with(&dir, limits);
    write_lines(&store, "c", 0..1000);
    write_lines(&store, "d", 0..1000);
    write_lines(&store, "e", 0..10);
    store.flush();
    wait_until(|| size(dir.path()) <= limits.project);
    let kept = all(&store);
    assert_eq!(kept.lines.len() as u64 + dropped(&kept), 4010);
    let dropped_of =
        |name: &str| kept.dropped.iter().find(|(log, _)| *log == resource(name)).map_or(0, |(_, count)| *count);
    assert!(dropped_of("a") > dropped_of("b") && dropped_of("b") > 0, "the oldest go first");
    assert_eq!((dropped_of("c"), dropped_of("d"), dropped_of("e")), (0, 0, 0), "the newest stay");
}

/// Waits, as long as a test may, for what a thread does in the background.
fn wait_until(is_so: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "in time");
        std::thread::yield_now();
    }
}

#[test]
fn a_slow_follower_is_told_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with(&dir, SMALL);
    let mut follower = store.follow(None, From::Now);
    write_lines(&store, "api", 0..10);
    assert_eq!(drain(&mut follower).lines.len(), 10);
    write_lines(&store, "api", 10..20_000);
    let rest = drain(&mut follower);
    assert!(dropped(&rest) > 10_000);
    assert_eq!(rest.lines.len() as u64 + dropped(&rest), 19_990);
}

#[test]
fn a_line_longer_than_a_segment_is_kept_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with(&dir, SMALL);
    let writer = store.writer(&resource("api"), RUN);
    let long = "0123456789".repeat(3000);
    writer.write(Stream::Out, format!("{long}\nshort\n").as_bytes());
    let lines = all(&store).lines;
    let joined: Vec<u8> = lines[..lines.len() - 1].iter().flat_map(|line| line.text.clone()).collect();
    assert_eq!(joined, long.as_bytes());
    assert_eq!(texts(&lines[lines.len() - 1..]), ["short"]);
    let endless = vec![b'x'; 1 << 20];
    writer.write(Stream::Out, &endless);
    store.flush();
    assert!(size(dir.path()) <= SMALL.resource);
}

#[tokio::test]
async fn lines_that_cannot_be_written_are_kept_in_memory_within_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    // A file where the folder should be: nobody, not even root, can write there.
    std::fs::write(dir.path().join("logs/api"), "in the way").unwrap();
    let mut follower = store.follow(None, From::Now);
    write_lines(&store, "api", 0..100);
    let lines = next_lines(&mut follower, 101).await;
    let said: Vec<&Line> = lines.iter().filter(|line| line.log == LogName::Session).collect();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].level, Some(Level::Warning));
    assert_eq!(Some(String::from_utf8(said[0].text.clone()).unwrap()), store.trouble());
    assert!(store.trouble().unwrap().starts_with("logs cannot be written to `"));

    write_lines(&store, "api", 100..100_000);
    let rest = drain(&mut follower);
    assert_eq!(rest.lines.len() as u64 + dropped(&rest), 99_900);
    assert!(rest.lines.iter().map(|line| line.text.len()).sum::<usize>() < 256 << 10);
    assert!(rest.lines.iter().all(|line| line.log == resource("api")), "said once");

    std::fs::remove_file(dir.path().join("logs/api")).unwrap();
    write_lines(&store, "api", 100_000..100_010);
    drop(store);
    let kept = on_disk(dir.path());
    assert_eq!(texts(&kept.lines).last().map(String::as_str), Some("line 100009"));
}
