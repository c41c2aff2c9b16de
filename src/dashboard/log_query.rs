//! Which lines of logs the dashboard wants, and how they come.

use crate::{
    logs::{Entry, StreamName},
    model::{Attempt, Level, ResourceName},
};

/// Which lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// Of that resource; `None` is all, the session's own among them.
    pub name: Option<ResourceName>,
    /// At least this important.
    pub level: Option<Level>,
    /// From there alone.
    pub stream: Option<StreamName>,
    /// That hold this text; without upper case in it, in any case. Several lines of text must all be held.
    pub text: String,
}

impl LogQuery {
    /// Whether only some of the lines are wanted.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        self.level.is_some() || self.stream.is_some() || !self.text.is_empty()
    }
}

/// A question for lines; the answer has its ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogsWanted {
    /// Counts up; answers to an older question of the same kind are of no use any more.
    pub ticket: u64,
    /// Which lines.
    pub query: LogQuery,
    /// Which of them.
    pub span: Span,
}

/// Which of the lines of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The last so many, and then each that is said. Ends what was followed before.
    Follow(usize),
    /// Those that were said then (microseconds since 1970) or later, and then each that is said. Ends what was followed before.
    FollowSince(u64),
    /// The last so many that were said until then (microseconds since 1970).
    Until(u64, usize),
    /// The first so many that were said then or later.
    Since(u64, usize),
    /// The first so many.
    First(usize),
    /// The last so many of one run or instance, whatever else the query says.
    LastOf(Attempt, usize),
    /// Only how many there are.
    Count,
}

/// What comes of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogsAnswer {
    /// The question's.
    pub ticket: u64,
    /// What came.
    pub what: LogsCame,
}

/// How many lines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// So many.
    pub lines: u64,
    /// Of those that were said until then (microseconds since 1970): lines that are followed come by another way, and are
    /// counted one by one when they are newer.
    pub until_us: u64,
}

/// Lines, or what was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogsCame {
    /// More lines of what is followed.
    More(Vec<Entry>),
    /// Lines came faster than they could be shown: these are the last ones, and those between are left out here.
    Skipped(Vec<Entry>),
    /// All lines of a span that is not followed.
    Page(Vec<Entry>),
    /// How many lines there are.
    Count(Count),
    /// It could not be had.
    Failed(String),
}
