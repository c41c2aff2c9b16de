//! The text of a file as the user wrote it, and places in it.

use crate::{
    diag::Label,
    model::{FilePath, Location},
};
use std::{ops::Range, sync::Arc};

/// How many lines are shown before and after a place.
const SURROUNDINGS: usize = 1;
/// A longer line is not shown in full.
const LINE_MAX: usize = 240;

/// A file that is or was evaluated.
#[derive(Debug)]
pub struct SourceText {
    /// Where it is; `None` for a file of the standard library.
    pub path: Option<FilePath>,
    /// What messages call it.
    pub name: String,
    /// As the user wrote it.
    text: String,
    /// Where each line begins.
    lines: Vec<usize>,
    /// From the text that was parsed to the user's.
    map: OffsetMap,
}

/// From offsets in a changed text to those in its original.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OffsetMap {
    /// Where in the changed text a piece begins, where in the original, and whether the piece was copied (else all of it
    /// stands for that one place). Sorted.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    changed: usize,
    original: usize,
    copied: bool,
}

impl OffsetMap {
    /// Says that from `changed` on, the text is a copy of the original from `original` on.
    pub fn copied(&mut self, changed: usize, original: usize) {
        let goes_on = |last: &Piece| last.copied && last.changed.abs_diff(changed) == last.original.abs_diff(original);
        if !self.pieces.last().is_some_and(goes_on) {
            self.push(Piece { changed, original, copied: true });
        }
    }

    /// Says that from `changed` on, the text was inserted and stands for the place `original`.
    pub fn inserted(&mut self, changed: usize, original: usize) {
        self.push(Piece { changed, original, copied: false });
    }

    fn push(&mut self, piece: Piece) {
        if self.pieces.last().is_some_and(|last| last.changed == piece.changed) {
            self.pieces.pop();
        }
        self.pieces.push(piece);
    }

    /// The offset in the original text.
    #[must_use]
    pub fn original(&self, changed: usize) -> usize {
        let after = self.pieces.partition_point(|piece| piece.changed <= changed);
        match after.checked_sub(1).and_then(|at| self.pieces.get(at)) {
            None => changed,
            Some(piece) if piece.copied => piece.original + (changed - piece.changed),
            Some(piece) => piece.original,
        }
    }
}

impl SourceText {
    /// The file `name` with what the user wrote; `map` leads from the parsed text to it.
    #[must_use]
    pub fn new(path: Option<FilePath>, name: String, text: String, map: OffsetMap) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Self { path, name, text, lines, map }
    }

    /// The text as the user wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The range in the user's text for one in the parsed text; within the text, at the borders of characters.
    #[must_use]
    pub fn original(&self, parsed: Range<usize>) -> Range<usize> {
        let begin = self.clamp(self.map.original(parsed.start));
        // The end stands after the last byte of the place, which may be of another piece than what follows.
        let last = parsed.end.max(parsed.start + 1) - 1;
        let end = if parsed.end > parsed.start { self.map.original(last) + 1 } else { begin };
        begin..self.clamp_up(end.max(begin))
    }

    fn clamp(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    fn clamp_up(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset += 1;
        }
        offset
    }

    /// Line and column of an offset.
    #[must_use]
    pub fn location(&self, offset: usize) -> Location {
        let offset = self.clamp(offset);
        let line = self.line_of(offset);
        let column = self.text[self.lines[line]..offset].chars().count() + 1;
        Location { file: self.name.clone(), line: number(line + 1), column: number(column) }
    }

    /// What a line holds, without the blanks around it; lines count from 1.
    #[must_use]
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let text = self.text[begin..].lines().next().unwrap_or_default();
        let blanks = text.len() - text.trim_start().len();
        begin + blanks..begin + text.trim_end().len().max(blanks)
    }

    /// The place from 0 of the line that holds an offset.
    fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The place `range` with the lines around it.
    #[must_use]
    pub fn label(&self, range: Range<usize>, text: impl Into<String>) -> Label {
        let (begin, end) = (self.clamp(range.start), self.clamp_up(range.end.max(range.start)));
        let location = self.location(begin);
        let first = self.line_of(begin).saturating_sub(SURROUNDINGS);
        let last = (self.line_of(end.max(begin + 1) - 1) + SURROUNDINGS).min(self.line_of(begin) + 8);
        let from = self.lines[first];
        let to = self.lines.get(last + 1).copied().unwrap_or(self.text.len());
        let text = text.into();
        if self.text[from..to].lines().any(|line| line.len() > LINE_MAX) {
            return self.cut_label(location, begin..end, text);
        }
        let mut excerpt = self.text[from..to].to_owned();
        if !excerpt.ends_with('\n') {
            excerpt.push('\n');
        }
        let length = end.min(to) - begin;
        Label { location, text, excerpt, excerpt_line: number(first + 1), span: (begin - from, length) }
    }

    /// A place in or beside a line that is too long to be shown: only its surroundings.
    fn cut_label(&self, location: Location, range: Range<usize>, text: String) -> Label {
        let line = self.line_of(range.start);
        let line_end = self.lines.get(line + 1).map_or(self.text.len(), |next| next - 1);
        let from = self.clamp(range.start.saturating_sub(LINE_MAX / 5).max(self.lines[line]));
        let to = self.clamp_up((range.start + LINE_MAX / 3).min(line_end)).max(range.start);
        let excerpt = format!("{}\n", &self.text[from..to]);
        let length = range.end.min(to) - range.start;
        Label { location, text, excerpt, excerpt_line: number(line + 1), span: (range.start - from, length) }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A place in one of the user's files.
#[derive(Debug, Clone)]
pub struct Site {
    /// The file.
    pub source: Arc<SourceText>,
    /// Bytes of the user's text.
    pub range: Range<usize>,
}

impl Site {
    /// Where it begins.
    #[must_use]
    pub fn location(&self) -> Location {
        self.source.location(self.range.start)
    }

    /// The place with the lines around it.
    #[must_use]
    pub fn label(&self, text: impl Into<String>) -> Label {
        self.source.label(self.range.clone(), text)
    }

    /// The line on which it begins.
    #[must_use]
    pub fn line(&self) -> &str {
        let from = self.source.lines[self.source.line_of(self.range.start)];
        self.source.text[from..].lines().next().unwrap_or_default()
    }

    /// The text of the place.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text[self.range.clone()]
    }
}
