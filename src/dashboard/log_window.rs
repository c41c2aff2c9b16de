//! A window on the lines of a log: a bounded stretch of them in memory, which pages extend at either end. The lines
//! themselves are on disk; what falls out of the window can be had again.

use super::text;
use crate::{
    logs::{Entry, StreamName, line::visible},
    model::{InstanceId, Level, ResourceName, RunId},
};
use std::collections::VecDeque;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Microseconds since 1970.
    pub at_us: u64,
    /// Whose; `None` is the session's own.
    pub resource: Option<ResourceName>,
    /// Where it came from.
    pub stream: StreamName,
    /// How important it is, where somebody says so.
    pub level: Option<Level>,
    /// As it was said: colours are in it.
    pub text: String,
    run: Option<RunId>,
    instance: Option<InstanceId>,
    unfinished: bool,
}

impl LogLine {
    fn new(entry: Entry) -> Self {
        let at_us = entry.at_us();
        let Entry { resource, run, instance, stream, level, text, unfinished, .. } = entry;
        Self { at_us, resource, stream, level, text, run, instance, unfinished }
    }

    fn goes_on_in(&self, entry: &Entry) -> bool {
        self.unfinished
            && self.stream == entry.stream
            && self.resource == entry.resource
            && (self.run, self.instance) == (entry.run, entry.instance)
    }

    /// The last state of a line that carriage returns rewrite.
    #[must_use]
    pub fn visible(&self) -> &str {
        // A carriage return is one byte, so that both sides of it are text.
        std::str::from_utf8(visible(self.text.as_bytes())).unwrap_or(&self.text)
    }

    /// What is searched and copied: no colours.
    #[must_use]
    pub fn plain(&self) -> String {
        text::plain(self.visible())
    }
}

/// The lines in memory.
#[derive(Debug, Clone, Default)]
pub struct LogWindow {
    lines: VecDeque<LogLine>,
    bytes: usize,
    /// No line comes before the first.
    pub at_start: bool,
    /// No line comes after the last, but those that are still to be said.
    pub at_end: bool,
}

impl LogWindow {
    /// How many lines are in memory at most.
    pub const LINES: usize = 20_000;
    /// How many bytes they have together at most, unless one alone has more.
    pub const BYTES: usize = 16 << 20;
    /// How many lines a page has.
    pub const PAGE: usize = 4_000;
    /// How far back the rest of an unfinished line looks for its beginning.
    const REACH: usize = 256;

    /// An empty one, and whether it is at the first line and at the last.
    #[must_use]
    pub fn between(at_start: bool, at_end: bool) -> Self {
        Self { at_start, at_end, ..Self::default() }
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line at that place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&LogLine> {
        self.lines.get(place)
    }

    /// The lines, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &LogLine> + ExactSizeIterator {
        self.lines.iter()
    }

    /// Adds lines at the end; gives how many fell out at the beginning.
    pub fn append(&mut self, entries: Vec<Entry>) -> usize {
        for entry in entries {
            self.push(entry);
        }
        let mut dropped = 0;
        while self.is_too_full()
            && let Some(line) = self.lines.pop_front()
        {
            self.bytes -= line.text.len();
            dropped += 1;
        }
        self.at_start &= dropped == 0;
        dropped
    }

    /// Whether that many more lines would drive others out.
    #[must_use]
    pub fn is_full_with(&self, more: usize) -> bool {
        self.lines.len() + more > Self::LINES || self.bytes > Self::BYTES
    }

    /// Puts an older page before the lines; gives how many lines more there are before what was the first. Where that is too
    /// much, lines fall out at the end, which is then no end any more.
    pub fn prepend(&mut self, page: Vec<Entry>) -> usize {
        // A page holds all of the moment that it ends in: what is here of it is here twice.
        let overlap =
            page.last().map_or(0, |last| self.lines.iter().take_while(|line| line.at_us <= last.at_us()).count());
        for line in self.lines.drain(..overlap) {
            self.bytes -= line.text.len();
        }
        let rest = std::mem::take(self);
        for entry in page {
            self.push(entry);
        }
        let added = self.lines.len();
        (self.at_start, self.at_end) = (rest.at_start, rest.at_end);
        self.bytes += rest.bytes;
        self.lines.extend(rest.lines);
        while self.is_too_full()
            && let Some(line) = self.lines.pop_back()
        {
            self.bytes -= line.text.len();
            self.at_end = false;
        }
        added.saturating_sub(overlap)
    }

    fn is_too_full(&self) -> bool {
        self.lines.len() > Self::LINES || (self.bytes > Self::BYTES && self.lines.len() > 1)
    }

    fn push(&mut self, entry: Entry) {
        if entry.continues {
            let mut latest = self.lines.iter_mut().rev().take(Self::REACH);
            if let Some(begun) = latest.find(|line| line.goes_on_in(&entry)) {
                self.bytes += entry.text.len();
                begun.text.push_str(&entry.text);
                begun.unfinished = entry.unfinished;
                return;
            }
        }
        let line = LogLine::new(entry);
        self.bytes += line.text.len();
        self.lines.push_back(line);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A line of the session's own.
    pub(in crate::dashboard) fn entry(at_ms: u64, text: &str) -> Entry {
        Entry {
            at_ms,
            us: 0,
            resource: None,
            run: None,
            instance: None,
            stream: StreamName::Stdout,
            level: None,
            text: text.to_owned(),
            continues: false,
            unfinished: false,
        }
    }

    fn texts(window: &LogWindow) -> Vec<&str> {
        window.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn pieces_of_a_line_are_joined() {
        let mut window = LogWindow::default();
        window.append(vec![Entry { unfinished: true, ..entry(1, "pass") }, entry(1, "other")]);
        window.append(vec![Entry { continues: true, ..entry(2, "word: ") }]);
        assert_eq!(texts(&window), ["password: ", "other"]);
    }

    #[test]
    fn an_older_page_takes_the_place_of_what_is_here_of_its_last_moment() {
        let mut window = LogWindow::default();
        window.append(vec![entry(5, "c"), entry(6, "d")]);
        assert_eq!(window.prepend(vec![entry(4, "a"), entry(5, "b"), entry(5, "c")]), 2);
        assert_eq!(texts(&window), ["a", "b", "c", "d"]);
    }

    #[test]
    fn what_is_too_much_falls_out_at_the_other_end() {
        let mut window = LogWindow { at_end: true, at_start: true, ..LogWindow::default() };
        let lines = |from: u64, to: u64| (from..to).map(|at| entry(at, "x")).collect::<Vec<_>>();
        assert_eq!(window.append(lines(1000, 1000 + LogWindow::LINES as u64 + 5)), 5);
        assert!(!window.at_start && window.at_end);
        assert_eq!(window.prepend(lines(990, 1005)), 15);
        assert_eq!(window.len(), LogWindow::LINES);
        assert_eq!(window.get(0).unwrap().at_us, 990_000);
        assert!(!window.at_end);
    }
}
