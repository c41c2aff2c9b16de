//! Values of secrets are never on disk, however they come.

use super::*;
use orch::model::Secret;

fn secret(name: &str, value: &str) -> Secret {
    Secret { name: name.into(), value: value.into() }
}

/// All bytes of all logs.
fn bytes_on_disk(dir: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(dir.join("logs/api")).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|file| std::fs::read(file).unwrap()).collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_value_is_hidden_wherever_chunks_and_lines_end() {
    let key = "-----BEGIN KEY-----\nAAAA\nBBBB\n-----END KEY-----\n";
    for size in [1, 2, 3, 5, 8, 13, 64, 1000] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir);
        store.redact(&secret("TOKEN", "hunter2"));
        store.redact(&secret("KEY", key));
        store.redact(&secret("SHORT", "ab"));
        let writer = store.writer(&resource("api"), RUN);
        let text = format!(
            "ab hunter2hunter2\n> {key}hunter\n\"{}\"\nhunter2",
            key.replace('\n', "\\n").trim_end_matches("\\n")
        );
        text.as_bytes().chunks(size).for_each(|chunk| writer.write(Stream::Out, chunk));
        store.say(&resource("api"), RUN, Level::Info, "the token is hunter2");
        writer.close();
        let expected = [
            "ab [redacted TOKEN][redacted TOKEN]",
            "> [redacted KEY]",
            "hunter",
            "\"[redacted KEY]\"",
            "the token is [redacted TOKEN]",
            "[redacted TOKEN]",
        ];
        let mut lines = texts(&all(&store).lines);
        lines.sort();
        let mut expected = expected.map(str::to_owned);
        expected.sort();
        assert_eq!(lines, expected, "chunks of {size}");
        drop((writer, store));
        let bytes = bytes_on_disk(dir.path());
        assert!(!holds(&bytes, "hunter2") && !holds(&bytes, "BBBB"));
    }
}

#[test]
fn streams_and_writers_do_not_complete_each_others_values() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.redact(&secret("TOKEN", "hunter2"));
    let writers = [1, 2].map(|run| store.writer(&resource("api"), Some(Attempt::Run(RunId(run)))));
    writers[0].write(Stream::Out, b"hunt");
    writers[0].write(Stream::Err, b"er2 err\n");
    writers[1].write(Stream::Out, b"er2 other\n");
    writers[0].write(Stream::Out, b"er2 out\n");
    let mut lines = texts(&all(&store).lines);
    lines.sort();
    assert_eq!(lines, ["[redacted TOKEN] out", "er2 err", "er2 other"]);
}

#[tokio::test]
async fn an_unfinished_line_does_not_show_the_beginning_of_a_value() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let writer = store.writer(&resource("api"), RUN);
    let mut follower = store.follow(None, From::Now);
    writer.write(Stream::Out, b"before\n");
    assert_eq!(texts(&next_lines(&mut follower, 1).await), ["before"]);
    store.redact(&secret("TOKEN", "hunter2"));
    writer.write(Stream::Out, b"token: hunte");
    assert_eq!(texts(&next_lines(&mut follower, 1).await), ["token: "]);
    writer.write(Stream::Out, b"r2\n");
    assert_eq!(texts(&next_lines(&mut follower, 1).await), ["[redacted TOKEN]"]);
    assert_eq!(store.redactor().unwrap().redact_text("is hunter2"), "is [redacted TOKEN]");
}
