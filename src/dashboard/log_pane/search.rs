//! The search in the log.

use super::{LogPane, Side};
use crate::{
    dashboard::{
        command::Command,
        log_query::{Count, LogsWanted, Span},
        log_window::LogLine,
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
    pub count: Option<Count>,
}

/// Where a match is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the line that is pointed at to older ones; where none is like that, to newer ones.
    First,
    /// Before the line that is pointed at.
    Back,
    /// Behind it.
    On,
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
        commands.extend(self.find_from(Way::First));
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

    /// Asks how many lines there are, where only some are shown.
    pub(super) fn count_filtered(&mut self) -> Option<Command> {
        let wanted = self.query.is_filtered().then(|| self.wanted(Span::Count))?;
        self.tickets.filtered = self.tickets.last;
        Some(wanted)
    }

    /// Goes to the next line that holds what is searched for, towards older lines where `back` is set.
    pub fn find(&mut self, back: bool) -> Vec<Command> {
        self.find_from(if back { Way::Back } else { Way::On })
    }

    pub(super) fn find_from(&mut self, way: Way) -> Vec<Command> {
        let needle = self.needle();
        if needle.is_empty() {
            return Vec::new();
        }
        let is_match =
            |place: &usize| self.window.get(*place).is_some_and(|line| needle.is_in(line.plain().as_bytes()));
        let found = match way {
            Way::First => (0..(self.cursor + 1).min(self.window.len())).rev().find(is_match),
            Way::Back => (0..self.cursor).rev().find(is_match),
            Way::On => (self.cursor + 1..self.window.len()).find(is_match),
        };
        if let Some(found) = found {
            self.cursor = found;
            self.follows &= found + 1 == self.window.len();
            return self.fetch();
        }
        self.find_outside(way)
    }

    /// Looks for a match that is not in the window.
    fn find_outside(&mut self, way: Way) -> Vec<Command> {
        let (edge, is_done) = match way {
            Way::First | Way::Back => (self.window.iter().next(), self.window.at_start),
            Way::On => (self.window.iter().next_back(), self.window.at_end),
        };
        let Some(at) = edge.map(|line| line.at_us).filter(|_| !is_done) else { return self.found_none(way) };
        if self.tickets.page.is_some() {
            return Vec::new();
        }
        let span = match way {
            Way::First | Way::Back => Span::Until(at.saturating_sub(1), 1),
            Way::On => Span::Since(at + 1, 1),
        };
        let mut query = self.query.clone();
        query.text = joined(&query.text, &self.search.as_ref().map_or(String::new(), |search| search.text.clone()));
        self.tickets.last += 1;
        self.tickets.page = Some((self.tickets.last, Side::Find(way)));
        vec![Command::Logs(LogsWanted { ticket: self.tickets.last, query, span })]
    }

    /// There is no match that way. Who has just begun to search is shown a later one.
    pub(super) fn found_none(&mut self, way: Way) -> Vec<Command> {
        self.told = Some(match way {
            Way::First => return self.find_from(Way::On),
            Way::Back => "no line before this one holds it",
            Way::On => "no later line holds it",
        });
        Vec::new()
    }

    pub(super) fn count_new(&mut self, entries: &[Entry]) {
        if let Some(count) = &mut self.filtered {
            count.lines += newer(entries, count.until_us).count() as u64;
        }
        let Some(search) = &mut self.search else { return };
        if let Some(count) = &mut search.count {
            let needle = Needle::new(&search.text);
            let is_match = |entry: &&Entry| needle.is_in(text::plain(&entry.text).as_bytes());
            count.lines += newer(entries, count.until_us).filter(is_match).count() as u64;
        }
    }

    /// The count with what was said since and came before it.
    pub(super) fn brought_up_to_date(&self, count: Count, needle: &Needle) -> Count {
        let is_match = |line: &&LogLine| needle.is_empty() || needle.is_in(line.plain().as_bytes());
        let since = self.window.iter().filter(|line| self.window.at_end && line.at_us > count.until_us);
        let since = since.filter(is_match).count();
        Count { lines: count.lines + since as u64, ..count }
    }
}

/// Lines that began after that.
fn newer(entries: &[Entry], until_us: u64) -> impl Iterator<Item = &Entry> {
    entries.iter().filter(move |entry| entry.at_us() > until_us && !entry.continues)
}

/// Two texts that a line must both hold, as one query.
fn joined(filter: &str, search: &str) -> String {
    match (filter.is_empty(), search.is_empty()) {
        (true, _) => search.to_owned(),
        (_, true) => filter.to_owned(),
        _ => format!("{filter}\n{search}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboard::{
        log_query::{LogQuery, LogsAnswer, LogsCame},
        log_window::tests::entry,
    };

    /// What the pane counts when these come in answer to its questions: lines that are followed (`None`), or the count.
    fn counted(answers: &[Option<Vec<Entry>>]) -> (u64, u64) {
        let mut pane = LogPane::new(false, false);
        pane.search("pass");
        let asked = pane.show(LogQuery { text: "p".to_owned(), ..LogQuery::default() });
        let tickets: Vec<u64> = asked
            .iter()
            .map(|command| match command {
                Command::Logs(wanted) => wanted.ticket,
                other => unreachable!("{other:?}"),
            })
            .collect();
        for answer in answers {
            let so_far = LogsCame::Count(Count { lines: 2, until_us: 2_000 });
            let (to, what) = match answer {
                Some(lines) => (&tickets[..1], LogsCame::More(lines.clone())),
                None => (&tickets[1..], so_far),
            };
            for ticket in to {
                pane.on_answer(LogsAnswer { ticket: *ticket, what: what.clone() });
            }
        }
        let of_search = pane.search.and_then(|search| search.count).map(|count| count.lines);
        (of_search.unwrap(), pane.filtered.unwrap().lines)
    }

    #[test]
    fn a_line_counts_once_whichever_answer_comes_first() {
        let [old, new] = [vec![entry(1, "pass"), entry(2, "pass")], vec![entry(3, "pass")]];
        let all = [old.clone(), new.clone()].concat();
        assert_eq!(counted(&[None, Some(old), Some(new)]), (3, 3));
        assert_eq!(counted(&[Some(all.clone()), None]), (3, 3));
        assert_eq!(counted(&[None, Some(all)]), (3, 3));
    }
}
