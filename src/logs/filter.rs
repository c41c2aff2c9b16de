//! Which lines of a log are wanted: as important, from there, with that text.

use super::{Line, Stream, escapes::without_escapes, level};
use crate::model::Level;

/// What is wanted of lines; the default is all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// At least this important, as orch says or the line itself seems to.
    pub level: Option<Level>,
    /// From there alone.
    pub stream: Option<Stream>,
    /// With this in it.
    pub text: Needle,
}

impl LogFilter {
    /// Whether all lines are wanted.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the line is wanted.
    #[must_use]
    pub fn keeps(&self, line: &Line) -> bool {
        self.stream.is_none_or(|stream| stream == line.stream)
            && self.level.is_none_or(|least| level_of(line) >= least)
            && (self.text.is_empty() || self.text.is_in(&without_escapes(line.visible())))
    }
}

fn level_of(line: &Line) -> Level {
    line.level.or_else(|| level::spoken(line.visible())).unwrap_or(Level::Info)
}

/// A text to look for. Without upper case in it, it is found in any case; several lines must all be found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Needle {
    parts: Vec<(String, bool)>,
}

impl Needle {
    /// Looks for `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let part = |part: &str| (part.to_owned(), part.chars().any(char::is_uppercase));
        Self { parts: text.split('\n').filter(|part| !part.is_empty()).map(part).collect() }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether all of it is in `line`.
    #[must_use]
    pub fn is_in(&self, line: &[u8]) -> bool {
        self.parts.iter().all(|(part, exact)| find(line, part, *exact, 0).is_some())
    }

    /// Where it is in `line`, as characters: start and length.
    #[must_use]
    pub fn places(&self, line: &str) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        for (part, exact) in &self.parts {
            let mut from = 0;
            while let Some(at) = find(line.as_bytes(), part, *exact, from) {
                places.push((line[..at].chars().count(), part.chars().count()));
                from = at + part.len().max(1);
            }
        }
        places
    }
}

/// Where `part` begins in `line` at or after the byte `from`. In any case means any ASCII case.
fn find(line: &[u8], part: &str, exact: bool, from: usize) -> Option<usize> {
    let hay = line.get(from..)?;
    if exact {
        return memchr::memmem::find(hay, part.as_bytes()).map(|at| at + from);
    }
    let needle = part.as_bytes();
    let first = *needle.first()?;
    let starts = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), hay);
    let is_here = |at: &usize| hay.get(*at..*at + needle.len()).is_some_and(|hay| hay.eq_ignore_ascii_case(needle));
    starts.into_iter().find(is_here).map(|at| at + from)
}
