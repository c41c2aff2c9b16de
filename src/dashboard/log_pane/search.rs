//! The search in the log.

use super::{LogPane, Side};
use crate::{
    dashboard::{
        command::Command,
        log_query::{LogsWanted, Span},
        text,
    },
    logs::{Entry, Needle},
};

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// The text; without upper case in it, in any case.
    pub text: String,
    /// How many lines of the whole log hold it, once that is known.
    pub count: Option<u64>,
}

impl LogPane {
    pub(super) fn needle(&self) -> Needle {
        Needle::new(self.search.as_ref().map_or("", |search| &search.text))
    }

    /// Searches; an empty text ends the search.
    pub fn search(&mut self, text: &str) -> Vec<Command> {
        if text.is_empty() {
            self.search = None;
            return Vec::new();
        }
        self.search = Some(Search { text: text.to_owned(), count: None });
        let mut commands: Vec<Command> = self.count().into_iter().collect();
        let before = self.cursor;
        let found = self.find(true, true);
        let is_here = self.window.get(self.cursor).is_some_and(|line| self.needle().is_in(line.plain().as_bytes()));
        if found.is_empty() && self.cursor == before && !is_here {
            commands.extend(self.find(false, false));
        }
        commands.extend(found);
        commands
    }

    pub(super) fn count(&mut self) -> Option<Command> {
        let search = self.search.as_ref()?;
        let mut query = self.query.clone();
        // Both the filter and the search are to be met: the shell counts lines of the filter that hold the second text.
        query.text = joined(&query.text, &search.text);
        self.tickets.last += 1;
        self.tickets.count = self.tickets.last;
        Some(Command::Logs(LogsWanted { ticket: self.tickets.last, query, span: Span::Count }))
    }

    /// Goes to the next line that holds what is searched for, towards older lines where `back` is set; `here` counts the line
    /// that the cursor is on.
    pub fn find(&mut self, back: bool, here: bool) -> Vec<Command> {
        let needle = self.needle();
        if needle.is_empty() {
            return Vec::new();
        }
        let is_match =
            |place: &usize| self.window.get(*place).is_some_and(|line| needle.is_in(line.plain().as_bytes()));
        let found = if back {
            (0..self.cursor + usize::from(here)).rev().find(is_match)
        } else {
            (self.cursor + usize::from(!here)..self.window.len()).find(is_match)
        };
        if let Some(found) = found {
            self.cursor = found;
            self.follows &= found + 1 == self.window.len();
            return self.fetch();
        }
        self.find_outside(back)
    }

    /// Looks for a match that is not in the window.
    fn find_outside(&mut self, back: bool) -> Vec<Command> {
        let edge = if back { self.window.iter().next() } else { self.window.iter().next_back() };
        let is_done = if back { self.window.at_start } else { self.window.at_end };
        let Some(at) = edge.map(|line| line.at_ms).filter(|_| !is_done && self.tickets.page.is_none()) else {
            return Vec::new();
        };
        let span = if back { Span::Until(at.saturating_sub(1), 1) } else { Span::Since(at + 1, 1) };
        let mut query = self.query.clone();
        query.text = joined(&query.text, &self.search.as_ref().map_or(String::new(), |search| search.text.clone()));
        self.tickets.last += 1;
        self.tickets.page = Some((self.tickets.last, Side::Find));
        vec![Command::Logs(LogsWanted { ticket: self.tickets.last, query, span })]
    }

    pub(super) fn count_new(&mut self, entries: &[Entry]) {
        let Some(search) = &mut self.search else { return };
        if let Some(count) = &mut search.count {
            let needle = Needle::new(&search.text);
            *count += entries.iter().filter(|entry| needle.is_in(text::plain(&entry.text).as_bytes())).count() as u64;
        }
    }
}

/// Two texts that a line must both hold, as one query.
fn joined(filter: &str, search: &str) -> String {
    match (filter.is_empty(), search.is_empty()) {
        (true, _) => search.to_owned(),
        (_, true) => filter.to_owned(),
        _ => format!("{filter}\n{search}"),
    }
}
