//! Looks for the line that tells that a server is ready.

use super::{OutputSink, Stream};
use crate::logs::escapes::without_escapes;
use regex::Regex;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Of a longer line, this many bytes at its beginning are looked at.
const LINE_MAX: usize = 64 * 1024;

/// A sink that passes everything on, and says once when a line matches.
///
/// Only whole lines count, without colours and other escape sequences, and without their end. After the match it costs nothing.
pub struct ReadyLine {
    inner: Arc<dyn OutputSink>,
    pattern: Regex,
    seen: AtomicBool,
    search: Mutex<Search>,
}

struct Search {
    unfinished: [Vec<u8>; 2],
    on_match: Option<Box<dyn FnOnce() + Send>>,
}

impl ReadyLine {
    /// Looks for a match of `pattern` in what goes to `inner`, and then calls `on_match`, after the line was passed on.
    pub fn new(pattern: Regex, inner: Arc<dyn OutputSink>, on_match: impl FnOnce() + Send + 'static) -> Self {
        let search = Search { unfinished: <_>::default(), on_match: Some(Box::new(on_match)) };
        Self { inner, pattern, seen: AtomicBool::new(false), search: Mutex::new(search) }
    }

    fn look(&self, stream: Stream, bytes: &[u8]) {
        let mut search = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        if !search.finds(&self.pattern, stream, bytes) {
            return;
        }
        self.seen.store(true, Ordering::Relaxed);
        search.unfinished = <_>::default();
        let on_match = search.on_match.take();
        drop(search);
        if let Some(on_match) = on_match {
            on_match();
        }
    }
}

impl OutputSink for ReadyLine {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        self.inner.write(stream, bytes);
        if !self.seen.load(Ordering::Relaxed) {
            self.look(stream, bytes);
        }
    }

    fn close(&self) {
        self.inner.close();
    }
}

impl Search {
    fn finds(&mut self, pattern: &Regex, stream: Stream, bytes: &[u8]) -> bool {
        let unfinished = &mut self.unfinished[stream as usize];
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                None => keep(unfinished, piece),
                Some(line) if unfinished.is_empty() => {
                    if line_matches(pattern, line) {
                        return true;
                    }
                }
                Some(end) => {
                    keep(unfinished, end);
                    let line = std::mem::take(unfinished);
                    if line_matches(pattern, &line) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

fn keep(unfinished: &mut Vec<u8>, piece: &[u8]) {
    let room = LINE_MAX.saturating_sub(unfinished.len());
    unfinished.extend_from_slice(&piece[..piece.len().min(room)]);
}

fn line_matches(pattern: &Regex, line: &[u8]) -> bool {
    let line = &line[..line.len().min(LINE_MAX)];
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.contains(&0x1b) {
        pattern.is_match(&String::from_utf8_lossy(&without_escapes(line)))
    } else {
        pattern.is_match(&String::from_utf8_lossy(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::process::Capture;
    use std::sync::atomic::AtomicUsize;

    fn matches_of(pattern: &str, writes: &[(Stream, &[u8])]) -> usize {
        let count = Arc::new(AtomicUsize::new(0));
        let capture = Arc::new(Capture::default());
        let counted = count.clone();
        let line = ReadyLine::new(Regex::new(pattern).unwrap(), capture.clone(), move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        for (stream, bytes) in writes {
            line.write(*stream, bytes);
        }
        let passed: usize = [Stream::Out, Stream::Err].map(|stream| capture.take(stream).len()).iter().sum();
        assert_eq!(passed, writes.iter().map(|(_, bytes)| bytes.len()).sum::<usize>());
        count.load(Ordering::Relaxed)
    }

    #[test]
    fn a_line_counts_once_and_only_when_it_is_whole() {
        use Stream::{Err, Out};
        assert_eq!(matches_of("listening", &[(Out, b"listening")]), 0);
        assert_eq!(matches_of("listening", &[(Out, b"a\nlisten"), (Err, b"x\n"), (Out, b"ing on 1\nb")]), 1);
        assert_eq!(matches_of("listening", &[(Out, b"listening\nlistening\n"), (Err, b"listening\n")]), 1);
        assert_eq!(matches_of("listening", &[(Out, b"listen"), (Err, b"ing\n")]), 0);
    }

    #[test]
    fn colours_ends_and_invalid_bytes_are_in_nobodys_way() {
        use Stream::Out;
        assert_eq!(
            matches_of("^ready on 80$", &[(Out, b"\x1b[1;32mready\x1b[0m on \x1b]8;;x\x1b\\80\x1b]8;;\x07\r\n")]),
            1
        );
        assert_eq!(matches_of("^.ready$", &[(Out, b"\xffready\n")]), 1);
        let long = [vec![b'x'; 3 * LINE_MAX], b"ready\nready\n".to_vec()].concat();
        assert_eq!(matches_of("xready", &[(Out, &long)]), 0);
        assert_eq!(matches_of("^ready", &[(Out, &long)]), 1);
    }
}
