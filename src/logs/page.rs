//! Stretches of a log anywhere in it, and how many lines of it are wanted: what a reader needs who does not read all.

use super::{From, Line, LogFilter, LogReader, clock};
use crate::model::ResourceName;
use std::time::{Duration, SystemTime};

/// Which of the wanted lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The last so many that were said until that moment.
    Until(SystemTime, usize),
    /// The first so many that were said at that moment or later.
    Since(SystemTime, usize),
    /// The first so many.
    First(usize),
}

impl LogReader {
    /// Wanted lines of these resources, or of all logs, in the order of time.
    #[must_use]
    pub fn page(&self, names: Option<&[ResourceName]>, filter: &LogFilter, span: Span) -> Vec<Line> {
        match span {
            Span::Until(until, count) => self.last_wanted(names, filter, until, count),
            Span::Since(since, count) => self.first_wanted(names, filter, From::Since(since), count),
            Span::First(count) => self.first_wanted(names, filter, From::Start, count),
        }
    }

    /// How many lines are wanted, of those that were said until then.
    #[must_use]
    pub fn count(&self, names: Option<&[ResourceName]>, filter: &LogFilter, until: Option<SystemTime>) -> u64 {
        let lines = self.read(names, From::Start).flat_map(|batch| batch.lines);
        let is_wanted = |line: &Line| line.begins && until.is_none_or(|until| line.at <= until) && filter.keeps(line);
        lines.filter(is_wanted).count() as u64
    }

    /// How many of the last lines hold the last `count` wanted ones.
    #[must_use]
    pub fn reach(&self, names: Option<&[ResourceName]>, filter: &LogFilter, count: usize) -> usize {
        let (mut all, mut missing) = (0, count);
        for stretch in self.stretches(names, clock::time(u64::MAX / 2)) {
            for (place, _) in stretch.iter().enumerate().rev().filter(|(_, line)| filter.keeps(line)) {
                missing = missing.saturating_sub(1);
                if missing == 0 {
                    return all + stretch.len() - place;
                }
            }
            all += stretch.len();
        }
        all
    }

    fn first_wanted(&self, names: Option<&[ResourceName]>, filter: &LogFilter, from: From, count: usize) -> Vec<Line> {
        let lines = self.read(names, from).flat_map(|batch| batch.lines);
        lines.filter(|line| filter.keeps(line)).take(count).collect()
    }

    fn last_wanted(
        &self,
        names: Option<&[ResourceName]>,
        filter: &LogFilter,
        until: SystemTime,
        count: usize,
    ) -> Vec<Line> {
        let mut found: Vec<Line> = Vec::new();
        for stretch in self.stretches(names, until) {
            found.extend(stretch.into_iter().rev().filter(|line| filter.keeps(line)));
            if found.len() >= count {
                break;
            }
        }
        found.truncate(count);
        found.reverse();
        found
    }

    fn stretches<'a>(&'a self, names: Option<&'a [ResourceName]>, until: SystemTime) -> Stretches<'a> {
        Stretches { reader: self, names, until, size: Stretches::FIRST, ended: false }
    }
}

/// Stretches of lines from some moment towards older ones, each in the order of time.
struct Stretches<'a> {
    reader: &'a LogReader,
    names: Option<&'a [ResourceName]>,
    until: SystemTime,
    size: usize,
    ended: bool,
}

impl Stretches<'_> {
    /// How many lines the first one has; each further one has twice as many.
    const FIRST: usize = 8 << 10;
    const LONGEST: usize = 128 << 10;
}

impl Iterator for Stretches<'_> {
    type Item = Vec<Line>;

    fn next(&mut self) -> Option<Vec<Line>> {
        if self.ended {
            return None;
        }
        let batches = self.reader.read(self.names, From::LastUntil(self.size, self.until));
        let mut lines: Vec<Line> = batches.flat_map(|batch| batch.lines).collect();
        self.ended = lines.iter().filter(|line| line.begins).count() < self.size;
        if let Some(first) = lines.first().map(|line| line.at).filter(|_| !self.ended) {
            // Of the first moment there may be more lines: the next stretch has all of them. One moment of that many lines
            // is cut.
            let is_one_moment = lines.last().is_some_and(|last| last.at == first);
            if !is_one_moment {
                lines.retain(|line| line.at > first);
            }
            self.until = if is_one_moment { first - Duration::from_micros(1) } else { first };
        }
        self.size = (self.size * 2).min(Self::LONGEST);
        Some(lines)
    }
}
