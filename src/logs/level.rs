//! How important a line of a program is, as far as its words tell. Programs have no common way to say it; nearly all say one
//! of a few words near the beginning of the line.

use super::escapes::without_escapes;
use crate::model::Level;

/// How much of a line is looked at.
const HEAD: usize = 160;

/// The level that the line names, such as `ERROR`, `[warn]`, `level=error`, `error:`; `None` where it names none.
#[must_use]
pub fn spoken(line: &[u8]) -> Option<Level> {
    let head = &line[..line.len().min(HEAD)];
    // Nearly all lines name none: that is told without a copy.
    if !head.iter().any(|byte| matches!(byte, b'e' | b'E' | b'f' | b'F' | b'w' | b'W' | b'p' | b'P' | b'c' | b'C')) {
        return None;
    }
    let plain = without_escapes(head);
    let (mut end, mut is_first) = (0, true);
    for word in plain.split(|byte| !byte.is_ascii_alphanumeric()) {
        let start = end;
        end = start + word.len();
        if level_named(word).is_some_and(|_| is_said_as_level(&plain, start, end, is_first))
            || is_failure(word, &plain[end..])
        {
            return Some(level_named(word).unwrap_or(Level::Error));
        }
        // Dates and numbers may stand before.
        is_first &= word.is_empty() || word.iter().any(u8::is_ascii_digit);
        end += 1;
    }
    None
}

fn level_named(word: &[u8]) -> Option<Level> {
    let is_one_of = |names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    if is_one_of(&["error", "err", "fatal", "panic", "critical", "crit", "emerg"]) {
        Some(Level::Error)
    } else if is_one_of(&["warning", "warn"]) {
        Some(Level::Warning)
    } else if is_one_of(&["info", "debug", "trace", "notice"]) {
        Some(Level::Info)
    } else {
        None
    }
}

/// `TypeError: …`, `java.io.IOException: …`, `thread 'main' panicked at …`.
fn is_failure(word: &[u8], after: &[u8]) -> bool {
    let is_thrown = word.ends_with(b"Error") || word.ends_with(b"Exception");
    word == b"panicked" || is_thrown && after.first() == Some(&b':')
}

/// A level stands first, or in capitals, or between brackets, or after `level=`, or before a colon. A word like `error` in
/// the middle of a sentence is none.
fn is_said_as_level(line: &[u8], start: usize, end: usize, is_first: bool) -> bool {
    let (before, after) = (line[..start].last(), line.get(end));
    let is_field = || {
        let head = line[..start].to_ascii_lowercase();
        [&b"level"[..], b"lvl", b"severity"].iter().any(|name| memchr::memmem::find(&head, name).is_some())
    };
    is_first
        || line[start..end].iter().all(u8::is_ascii_uppercase)
        || matches!((before, after), (Some(b'[' | b'<' | b'('), Some(b']' | b'>' | b')')))
        || after == Some(&b':')
        || matches!(before, Some(b'=' | b'"')) && is_field()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_heard() {
        let heard = |line: &str| spoken(line.as_bytes());
        for line in [
            "ERROR could not connect",
            "2024-01-01T10:00:00Z ERROR main: x",
            "[error] x",
            "time=\"x\" level=error msg=\"y\"",
            "{\"level\":\"error\",\"msg\":\"y\"}",
            "error: expected `;`",
            "\u{1b}[31merror\u{1b}[0m[E0308]: mismatched types",
            "thread 'main' panicked: at x",
            "src/main.c:3:5: error: expected",
            "panic: runtime error",
            "2024-01-01 10:00:00 error something",
            "TypeError: x is not a function",
        ] {
            assert_eq!(heard(line), Some(Level::Error), "{line}");
        }
        assert_eq!(heard("[2024] WARN x"), Some(Level::Warning));
        assert_eq!(heard("warning: unused variable"), Some(Level::Warning));
        assert_eq!(heard("INFO no error here"), Some(Level::Info));
        for line in ["0 errors", "compiled without error", "listening on 8080", "", "the error rate is 0"] {
            assert_eq!(heard(line), None, "{line}");
        }
    }
}
