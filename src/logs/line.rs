//! Lines as readers get them.

use super::LogName;
use crate::model::{Attempt, Level};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// The standard output of a command or server.
    Out,
    /// Its standard error.
    Err,
    /// orch itself.
    Orch,
}

/// A line, or a piece of one.
///
/// Nearly all lines come whole. One comes in pieces when it stood unfinished for a moment (a prompt) or is very long: a piece
/// that does not end the line is followed, later, by one of the same log, attempt and stream that does not begin one. Pieces
/// that are read together are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose log it is in.
    pub log: LogName,
    /// When its first byte came.
    pub at: SystemTime,
    /// The run or instance that said it.
    pub attempt: Option<Attempt>,
    /// Where it came from.
    pub stream: Stream,
    /// How important it is; only lines of orch's own have a level.
    pub level: Option<Level>,
    /// The bytes as they were written, without the newline: any encoding, colours and carriage returns included.
    pub text: Vec<u8>,
    /// Whether a line begins here.
    pub begins: bool,
    /// Whether the line ends here.
    pub ends: bool,
}

impl Line {
    /// What a terminal would show of it in the end; see [`visible`].
    #[must_use]
    pub fn visible(&self) -> &[u8] {
        visible(&self.text)
    }
}

/// The last state of a line that a carriage return rewrites, as progress bars do: what follows the last return that
/// something follows.
#[must_use]
pub fn visible(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|&byte| byte != b'\r').map_or(0, |last| last + 1);
    let text = &text[..end];
    memchr::memrchr(b'\r', text).map_or(text, |at| &text[at + 1..])
}

/// Where `text` can be cut at or before `at` without parting the bytes of one character.
pub(super) fn character_boundary(text: &[u8], at: usize) -> usize {
    let is_inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let earliest = at.saturating_sub(3).max(1);
    (earliest..=at).rev().find(|&at| !is_inside(at)).unwrap_or(at)
}

/// How many bytes at the end of `text` are the beginning of a character whose rest is still to come.
pub(super) fn unfinished_character(text: &[u8]) -> usize {
    let Some(start) = text.iter().rposition(|byte| byte & 0xC0 != 0x80) else { return 0 };
    let wanted = match text[start] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return 0,
    };
    let there = text.len() - start;
    if there < wanted { there } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_state_of_a_progress_bar_is_visible() {
        assert_eq!(visible(b"10%\r20%\r30%"), b"30%");
        assert_eq!(visible(b"10%\r20%\r"), b"20%");
        assert_eq!(visible(b"line\r"), b"line");
        assert_eq!(visible(b"plain"), b"plain");
        assert_eq!(visible(b"\r\r"), b"");
    }

    #[test]
    fn characters_are_not_parted() {
        let text = "aé€😀".as_bytes();
        assert_eq!(character_boundary(text, 2), 1);
        assert_eq!(character_boundary(text, 9), 6);
        assert_eq!(character_boundary(text, 10), 10);
        assert_eq!(character_boundary(&[0x80; 10], 5), 5);
        assert_eq!(unfinished_character(&text[..2]), 1);
        assert_eq!(unfinished_character(&text[..9]), 3);
        assert_eq!(unfinished_character(text), 0);
        assert_eq!(unfinished_character(&[0x80; 10]), 0);
        assert_eq!(unfinished_character(b"\xFF"), 0);
    }
}
