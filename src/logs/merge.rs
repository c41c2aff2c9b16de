//! Several logs as one stream of lines, in the order of time.

use super::{
    Line, LogName, clock,
    cursor::{Bounds, Cursor, Window},
    log::Log,
    segment::{self, SegmentPath},
};
use crate::model::Attempt;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// From where on to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The oldest line that is kept, also of earlier sessions.
    Start,
    /// What is said from now on.
    Now,
    /// What was said at that moment or later.
    Since(SystemTime),
    /// The last lines, that many of all logs together.
    Last(usize),
    /// The last lines that were said until that moment, that many of all logs together, and nothing after them.
    LastUntil(usize, SystemTime),
}

/// Lines that were read together, in the order of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The lines.
    pub lines: Vec<Line>,
    /// Logs of which lines before these were dropped unread, and how many.
    pub dropped: Vec<(LogName, u64)>,
}

/// Where lines of one log are had from.
pub(super) enum Source {
    /// From a session's own log, memory included.
    Live(Arc<Log>),
    /// From disk alone.
    Disk(LogName, PathBuf),
}

impl Source {
    pub(super) fn name(&self) -> &LogName {
        match self {
            Self::Live(log) => &log.name,
            Self::Disk(name, _) => name,
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Live(log) => &log.folder,
            Self::Disk(_, folder) => folder,
        }
    }

    fn bounds(&self) -> Option<Bounds> {
        match self {
            Self::Live(log) => Some(log.bounds()),
            Self::Disk(_, folder) => Bounds::of(folder),
        }
    }

    fn end(&self) -> Cursor {
        match self {
            Self::Live(log) => log.end(),
            Self::Disk(_, folder) => end_on_disk(folder),
        }
    }

    /// A count that grows with each line.
    fn written(&self) -> u64 {
        match self {
            Self::Live(log) => log.written(),
            Self::Disk(..) => 0,
        }
    }

    fn read(&self, cursor: &mut Cursor, budget: usize, window: &mut Window) {
        match self {
            Self::Live(log) => log.read(cursor, budget, window),
            Self::Disk(name, folder) => {
                if let Some(bounds) = Bounds::of(folder) {
                    cursor.read(name, folder, bounds, budget, window);
                }
            }
        }
    }
}

/// One log that is read.
struct Entry {
    source: Source,
    cursor: Cursor,
    lines: VecDeque<Line>,
    /// What `written` was when all had been read.
    read_up_to: Option<u64>,
}

/// Reads several logs.
#[derive(Default)]
pub(super) struct Merge {
    entries: Vec<Entry>,
    /// When the next line of each entry that has lines in memory came.
    heads: BinaryHeap<Reverse<(SystemTime, usize)>>,
    names: BTreeSet<LogName>,
    since: Option<SystemTime>,
    until: Option<SystemTime>,
}

impl Merge {
    const LINES: usize = 4096;
    const BYTES: usize = 256 << 10;
    /// What all logs together may hold in memory while they are read.
    const WINDOWS: usize = 4 << 20;

    /// Reads these logs from there on.
    pub(super) fn new(sources: Vec<Source>, from: From) -> Self {
        let mut merge = Self::default();
        let cursors = match from {
            From::Start => sources.iter().map(|_| Cursor::start()).collect(),
            From::Now => sources.iter().map(Source::end).collect(),
            From::Since(time) => {
                merge.since = Some(time);
                sources.iter().map(|source| since(source, clock::micros(time))).collect()
            }
            From::Last(count) => last(&sources, count, u64::MAX),
            From::LastUntil(count, time) => {
                merge.until = Some(time);
                last(&sources, count, clock::micros(time))
            }
        };
        sources.into_iter().zip(cursors).for_each(|(source, cursor)| merge.add(source, cursor));
        merge
    }

    /// Reads one more log.
    pub(super) fn add(&mut self, source: Source, cursor: Cursor) {
        self.names.insert(source.name().clone());
        self.entries.push(Entry { source, cursor, lines: VecDeque::new(), read_up_to: None });
    }

    pub(super) fn holds(&self, name: &LogName) -> bool {
        self.names.contains(name)
    }

    /// The next lines; `None` when there are none now.
    pub(super) fn next_batch(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        for place in 0..self.entries.len() {
            self.refill(place, &mut batch);
        }
        let mut bytes = 0;
        while bytes < Self::BYTES && batch.lines.len() < Self::LINES {
            let Some(Reverse((_, place))) = self.heads.pop() else { break };
            let Some(line) = self.entries.get_mut(place).and_then(|entry| entry.lines.pop_front()) else { continue };
            bytes += line.text.len();
            batch.lines.push(line);
            match self.entries[place].lines.front() {
                Some(next) => self.heads.push(Reverse((next.at, place))),
                None => self.refill(place, &mut batch),
            }
        }
        (!batch.lines.is_empty() || !batch.dropped.is_empty()).then_some(batch)
    }

    /// Lets logs on disk be looked at again that had nothing more.
    pub(super) fn look_again(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.read_up_to = None);
    }

    /// Reads on in a log of which nothing is in memory, if it may have something.
    fn refill(&mut self, place: usize, batch: &mut Batch) {
        let budget = (Self::WINDOWS / self.entries.len().max(1)).clamp(4 << 10, Self::BYTES);
        let (since, until) = (self.since, self.until);
        let Some(entry) = self.entries.get_mut(place).filter(|entry| entry.lines.is_empty()) else { return };
        loop {
            let written = entry.source.written();
            if entry.read_up_to == Some(written) {
                return;
            }
            let mut window = Window::default();
            entry.source.read(&mut entry.cursor, budget, &mut window);
            if window.dropped > 0 {
                batch.dropped.push((entry.source.name().clone(), window.dropped));
            }
            if window.lines.is_empty() {
                entry.read_up_to = Some(written);
                return;
            }
            let is_past = until.is_some_and(|until| window.lines.iter().all(|line| line.at > until));
            window.lines.retain(|line| since.is_none_or(|since| line.at >= since));
            window.lines.retain(|line| until.is_none_or(|until| line.at <= until));
            if is_past {
                entry.read_up_to = Some(written);
                return;
            }
            entry.lines = window.lines;
            if let Some(first) = entry.lines.front() {
                self.heads.push(Reverse((first.at, place)));
                return;
            }
        }
    }
}

/// The last lines of one log that came until then (microseconds), newest first: when they came and where they are.
pub(super) fn last_lines(
    folder: &Path,
    bounds: Bounds,
    count: usize,
    until: u64,
    of: Option<Attempt>,
) -> Vec<(u64, Cursor)> {
    let mut found = Vec::new();
    for number in (bounds.oldest..=bounds.newest).rev() {
        if until != u64::MAX
            && segment::first_time(&SegmentPath::new(folder, number)).is_some_and(|first| first > until)
        {
            continue;
        }
        let Ok(content) = segment::content(&SegmentPath::new(folder, number)) else { continue };
        let is_wanted = |attempt| of.is_none() || of == attempt;
        let records = content.records.iter().enumerate().rev();
        let wanted =
            records.filter(|(_, record)| record.begins && record.mark.at <= until && is_wanted(record.mark.attempt));
        let places = wanted.map(|(place, record)| {
            let (place, offset) = (u32::try_from(place).unwrap_or(u32::MAX), u64::from(record.offset));
            (record.mark.at, Cursor { number, record: place, offset, line: None })
        });
        found.extend(places.take(count - found.len()));
        if found.len() == count {
            break;
        }
    }
    found
}

/// Where the last `count` lines of all these logs together begin in each.
fn last(sources: &[Source], count: usize, until: u64) -> Vec<Cursor> {
    let mut found: Vec<(u64, usize, Cursor)> = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        let Some(bounds) = source.bounds() else { continue };
        found.extend(
            last_lines(source.folder(), bounds, count, until, None).into_iter().map(|(at, cursor)| (at, place, cursor)),
        );
        if found.len() > 2 * count + 1024 {
            keep_newest(&mut found, count);
        }
    }
    keep_newest(&mut found, count);
    let mut cursors: Vec<Cursor> = sources.iter().map(Source::end).collect();
    for (_, place, cursor) in found {
        if (cursor.number, cursor.record) < (cursors[place].number, cursors[place].record) {
            cursors[place] = cursor;
        }
    }
    cursors
}

fn keep_newest(found: &mut Vec<(u64, usize, Cursor)>, count: usize) {
    found.sort_by_key(|(at, place, cursor)| Reverse((*at, *place, cursor.number, cursor.record)));
    found.truncate(count);
}

/// A place before the first line that came at `time` or later.
fn since(source: &Source, time: u64) -> Cursor {
    let Some(bounds) = source.bounds() else { return Cursor::start() };
    let began_before = |number: &u64| {
        segment::first_time(&SegmentPath::new(source.folder(), *number)).is_some_and(|first| first < time)
    };
    let segment = (bounds.oldest..=bounds.newest).rev().find(began_before);
    segment.map_or(Cursor::start(), |number| Cursor { number, record: 0, offset: 0, line: None })
}

fn end_on_disk(folder: &Path) -> Cursor {
    let Some(bounds) = Bounds::of(folder) else { return Cursor::start() };
    let content = segment::content(&SegmentPath::new(folder, bounds.newest));
    let mut end = Cursor { number: bounds.newest, ..Cursor::default() };
    end.advance(&content.map_or(Vec::new(), |content| content.records));
    end
}
