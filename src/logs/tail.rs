//! The end of one stream of one attempt: where bytes become lines.

use super::{
    line::{Stream, character_boundary, unfinished_character},
    record::Mark,
    redact::{Filter, Redactor},
};
use crate::model::{Attempt, Level};

/// Takes a line, or a piece of one: its text, whether it begins a line and whether it ends it.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Mark, &[u8], bool, bool);

/// What of a stream is not a line yet.
pub(super) struct Tail {
    pub writer: u64,
    pub stream: Stream,
    attempt: Option<Attempt>,
    level: Option<Level>,
    filter: Filter,
    text: Vec<u8>,
    /// When the first byte of `text` came.
    since: u64,
    /// Whether pieces of the line are in the log already.
    begun: bool,
}

impl Tail {
    /// Longer lines are written in pieces.
    const LONGEST: usize = 64 << 10;
    /// After this long (microseconds), a line that is not finished is shown as far as it is.
    const MOMENT: u64 = 100_000;

    pub(super) fn new(writer: u64, attempt: Option<Attempt>, stream: Stream, level: Option<Level>) -> Self {
        let (filter, text) = (Filter::default(), Vec::new());
        Self { writer, stream, attempt, level, filter, text, since: 0, begun: false }
    }

    /// Takes bytes as they came.
    pub(super) fn write(&mut self, now: u64, bytes: &[u8], redactor: Option<&Redactor>, longest: usize, sink: Sink) {
        let mut filter = std::mem::take(&mut self.filter);
        self.add(now, &filter.pass(redactor, bytes), longest.min(Self::LONGEST), sink);
        self.filter = filter;
    }

    /// The stream ended: gives out all that is left, as a line.
    pub(super) fn close(mut self, now: u64, redactor: Option<&Redactor>, longest: usize, sink: Sink) {
        let rest = self.filter.finish(redactor);
        self.add(now, &rest, longest.min(Self::LONGEST), sink);
        if self.begun || !self.text.is_empty() {
            self.end_line(now, &[], longest.min(Self::LONGEST), sink);
        }
    }

    /// Whether there is something that is to be shown after a moment.
    pub(super) fn is_unfinished(&self) -> bool {
        !self.text.is_empty()
    }

    /// Gives out the beginning of a line that has stood unfinished for a moment.
    pub(super) fn show_unfinished(&mut self, now: u64, sink: Sink) {
        if self.text.is_empty() || (now >= self.since && now - self.since < Self::MOMENT) {
            return;
        }
        let whole = self.text.len() - unfinished_character(&self.text);
        let shown = if whole == 0 { self.text.len() } else { whole };
        sink(self.mark(self.since), &self.text[..shown], !self.begun, false);
        self.begun = true;
        self.text.drain(..shown);
        self.since = now;
        self.text.shrink_to(256);
    }

    fn add(&mut self, now: u64, mut bytes: &[u8], longest: usize, sink: Sink) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.end_line(now, &bytes[..end], longest, sink);
            bytes = &bytes[end + 1..];
        }
        self.keep(now, bytes, longest, sink);
    }

    fn end_line(&mut self, now: u64, rest: &[u8], longest: usize, sink: Sink) {
        if self.text.is_empty() {
            self.pieces(now, rest, true, longest, sink);
            return;
        }
        let mut text = std::mem::take(&mut self.text);
        text.extend_from_slice(rest);
        self.pieces(self.since, &text, true, longest, sink);
        text.clear();
        text.shrink_to(4096);
        self.text = text;
    }

    fn keep(&mut self, now: u64, bytes: &[u8], longest: usize, sink: Sink) {
        if self.text.is_empty() {
            self.since = now;
        }
        self.text.extend_from_slice(bytes);
        if self.text.len() > longest {
            let text = std::mem::take(&mut self.text);
            let kept = self.pieces(self.since, &text, false, longest, sink);
            self.text = text[text.len() - kept..].to_vec();
            self.since = now;
        }
    }

    /// Gives out a text in pieces. The last one ends the line, or is left over: gives its length then.
    fn pieces(&mut self, at: u64, mut text: &[u8], ends: bool, longest: usize, sink: Sink) -> usize {
        while text.len() > longest {
            let (piece, rest) = text.split_at(character_boundary(text, longest));
            sink(self.mark(at), piece, !self.begun, false);
            self.begun = true;
            text = rest;
        }
        if ends {
            sink(self.mark(at), text, !self.begun, true);
            self.begun = false;
        }
        text.len()
    }

    fn mark(&self, at: u64) -> Mark {
        Mark { at, attempt: self.attempt, stream: self.stream, level: self.level }
    }
}
