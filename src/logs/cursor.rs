//! A place in a log, and reading on from it.

use super::{
    LogName, clock,
    line::{Line, Stream},
    record::Record,
    segment::{self, SegmentPath},
};
use crate::model::Attempt;
use std::{collections::VecDeque, path::Path};

/// The place of the next line to read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    /// Of the segment.
    pub number: u64,
    /// In the segment.
    pub record: u32,
    /// Of its text in the segment.
    pub offset: u64,
    /// How many lines began before it; `None` where nobody wants to know what is missing before it.
    pub line: Option<u64>,
}

/// What of a log is on disk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub oldest: u64,
    pub newest: u64,
    /// How many records of the newest segment are on disk at least.
    pub flushed: u32,
    /// How many bytes of text these have.
    pub flushed_bytes: u64,
}

impl Bounds {
    /// Those of a log that somebody else may be writing.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let numbers = segment::numbers(folder);
        Some(Self { oldest: *numbers.first()?, newest: *numbers.last()?, flushed: u32::MAX, flushed_bytes: 0 })
    }
}

impl Cursor {
    /// The oldest line that is kept; what was dropped before it is told.
    pub(super) fn start() -> Self {
        Self { line: Some(0), ..Self::default() }
    }

    /// Reads lines from disk; `false` if all within the bounds has been read.
    pub(super) fn read(
        &mut self,
        log: &LogName,
        folder: &Path,
        bounds: Bounds,
        budget: usize,
        window: &mut Window,
    ) -> bool {
        loop {
            if self.number < bounds.oldest {
                self.go_to(bounds.oldest);
            }
            let limit = if self.number == bounds.newest { bounds.flushed } else { u32::MAX };
            if self.record < limit && self.read_segment(log, folder, limit, budget, window) {
                return true;
            }
            if self.number >= bounds.newest {
                if limit != u32::MAX && self.record < limit {
                    (self.record, self.offset) = (limit, bounds.flushed_bytes);
                }
                return false;
            }
            self.go_to(self.number + 1);
        }
    }

    /// A segment is entered before which that many lines began: tells how many of them were never read.
    pub(super) fn enter(&mut self, first_line: u64, window: &mut Window) {
        if self.record == 0 {
            window.dropped += self.line.map_or(0, |line| first_line.saturating_sub(line));
            self.line = Some(first_line);
        }
    }

    /// Goes on behind these records.
    pub(super) fn advance(&mut self, records: &[Record]) {
        self.record += u32::try_from(records.len()).unwrap_or(u32::MAX);
        self.offset = records.last().map_or(self.offset, Record::end);
        let begun = records.iter().filter(|record| record.begins).count() as u64;
        self.line = self.line.map(|line| line + begun);
    }

    fn go_to(&mut self, number: u64) {
        (self.number, self.record, self.offset) = (number, 0, 0);
    }

    fn read_segment(&mut self, log: &LogName, folder: &Path, limit: u32, budget: usize, window: &mut Window) -> bool {
        // A segment that was dropped meanwhile, or whose index is not valid, counts as missing.
        let path = SegmentPath::new(folder, self.number);
        let Ok(chunk) = segment::read(&path, (self.record, self.offset), limit, budget) else { return false };
        self.enter(chunk.first_line, window);
        window.add(log, &chunk.records, &chunk.data);
        self.advance(&chunk.records);
        !chunk.records.is_empty()
    }
}

/// Lines of one log that were read and not yet given out.
#[derive(Default)]
pub(super) struct Window {
    pub lines: VecDeque<Line>,
    /// How many lines before them were dropped.
    pub dropped: u64,
    /// Lines that have not ended: of whom, and where they are.
    open: Vec<(Option<Attempt>, Stream, usize)>,
}

impl Window {
    /// Adds the lines of these records, whose texts begin at the start of `data`. Pieces of a line are joined, also when
    /// lines of the other stream lie between them.
    pub(super) fn add(&mut self, log: &LogName, records: &[Record], data: &[u8]) {
        let Some(start) = records.first().map(|record| record.offset) else { return };
        for record in records {
            let from = (record.offset - start) as usize;
            let Some(text) = data.get(from..from + record.length as usize) else { return };
            let (attempt, stream) = (record.mark.attempt, record.mark.stream);
            let begun = self.open.iter().position(|(of, from, _)| (*of, *from) == (attempt, stream));
            let place = begun.map(|begun| self.open.swap_remove(begun).2);
            let joined = place.filter(|_| !record.begins).and_then(|place| Some((place, self.lines.get_mut(place)?)));
            let place = if let Some((place, line)) = joined {
                line.text.extend_from_slice(text);
                line.ends = record.ends;
                place
            } else {
                self.lines.push_back(line_of(log, record, text));
                self.lines.len() - 1
            };
            if !record.ends {
                self.open.push((attempt, stream, place));
            }
        }
    }
}

fn line_of(log: &LogName, record: &Record, text: &[u8]) -> Line {
    Line {
        log: log.clone(),
        at: clock::time(record.mark.at),
        attempt: record.mark.attempt,
        stream: record.mark.stream,
        level: record.mark.level,
        text: text.to_vec(),
        begins: record.begins,
        ends: record.ends,
    }
}
