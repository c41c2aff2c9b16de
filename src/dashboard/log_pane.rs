//! The log pane: where in the log the user is, what is searched for, and what lines that needs.

use super::{
    command::Command,
    log_query::{LogQuery, LogsAnswer, LogsCame, LogsWanted, Span},
    log_window::{LogLine, LogWindow},
    text,
};
use crate::{
    logs::{Entry, Needle, level},
    model::Level,
};

/// The state of the pane.
#[derive(Debug, Clone, Default)]
pub struct LogPane {
    /// Which lines are shown.
    pub query: LogQuery,
    /// Those of them that are in memory.
    pub window: LogWindow,
    /// The first line on the screen.
    pub top: usize,
    /// The line that is pointed at.
    pub cursor: usize,
    /// The last line stays on the screen as lines come.
    pub follows: bool,
    /// Long lines are broken.
    pub wraps: bool,
    /// Lines show when they were said.
    pub times: bool,
    /// The first column, where lines are not broken.
    pub column: usize,
    /// What is searched for.
    pub search: Option<Search>,
    /// What could not be had, in the user's words.
    pub trouble: Option<String>,
    tickets: Tickets,
}

/// Questions that are open.
#[derive(Debug, Clone, Copy, Default)]
struct Tickets {
    last: u64,
    follow: u64,
    page: Option<(u64, Side)>,
    count: u64,
    /// How many of the next followed lines are in the window already.
    known: usize,
}

/// Where a page goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
    /// In place of all; the cursor goes to its first line.
    First,
    /// In place of all, up to a line that was found; the cursor goes there.
    Found(u64),
    /// A line that was searched for before the window, or after it.
    Find,
}

/// What is searched for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// The text; without upper case in it, in any case.
    pub text: String,
    /// How many lines of the whole log hold it, once that is known.
    pub count: Option<u64>,
}

/// What of the screen the pane has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// Columns for text.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl LogPane {
    /// How near the cursor comes to an end of the window before more lines are fetched.
    const MARGIN: usize = 500;

    /// A pane that shows nothing yet.
    #[must_use]
    pub fn new(wraps: bool, times: bool) -> Self {
        Self { wraps, times, ..Self::default() }
    }

    /// Shows the lines of another query, from the end.
    pub fn show(&mut self, query: LogQuery) -> Vec<Command> {
        let search = self.search.take().map(|search| Search { count: None, ..search });
        *self = Self {
            query,
            search,
            follows: true,
            wraps: self.wraps,
            times: self.times,
            tickets: Tickets { last: self.tickets.last, ..Tickets::default() },
            ..Self::default()
        };
        let mut commands = self.follow();
        commands.extend(self.count());
        commands
    }

    /// Goes to the last line and stays there.
    pub fn follow(&mut self) -> Vec<Command> {
        (self.follows, self.column) = (true, 0);
        if self.window.at_end {
            return Vec::new();
        }
        self.window = LogWindow::between(false, true);
        (self.top, self.cursor) = (0, 0);
        let wanted = self.wanted(Span::Follow(LogWindow::PAGE));
        self.tickets = Tickets { follow: self.tickets.last, page: None, known: 0, ..self.tickets };
        vec![wanted]
    }

    /// Goes to the first line that is kept.
    pub fn go_to_start(&mut self) -> Vec<Command> {
        self.follows = false;
        if self.window.at_start {
            self.cursor = 0;
            return Vec::new();
        }
        vec![self.page(Side::First, Span::First(LogWindow::PAGE))]
    }

    /// Moves the cursor.
    pub fn move_by(&mut self, lines: isize) -> Vec<Command> {
        let last = self.window.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(lines).min(last);
        let is_last = self.cursor == last && self.window.at_end;
        self.follows = if lines < 0 { false } else { self.follows || is_last };
        self.fetch()
    }

    /// Points at a line.
    pub fn point_at(&mut self, line: usize) {
        if line < self.window.len() {
            self.cursor = line;
            self.follows &= line + 1 == self.window.len();
        }
    }

    /// Fetches lines where the cursor comes near an end of the window.
    fn fetch(&mut self) -> Vec<Command> {
        if self.tickets.page.is_some() {
            return Vec::new();
        }
        let first = self.window.get(0).map(|line| line.at_ms);
        let last = self.window.len().checked_sub(1).and_then(|last| self.window.get(last)).map(|line| line.at_ms);
        match (first, last) {
            (Some(first), _) if self.cursor < Self::MARGIN && !self.window.at_start => {
                vec![self.page(Side::Before, Span::Until(first, LogWindow::PAGE))]
            }
            (_, Some(last)) if self.cursor + Self::MARGIN > self.window.len() && !self.window.at_end => {
                vec![self.page(Side::After, Span::Since(last, LogWindow::PAGE))]
            }
            _ => Vec::new(),
        }
    }

    fn wanted(&mut self, span: Span) -> Command {
        self.tickets.last += 1;
        Command::Logs(LogsWanted { ticket: self.tickets.last, query: self.query.clone(), span })
    }

    fn page(&mut self, side: Side, span: Span) -> Command {
        let wanted = self.wanted(span);
        self.tickets.page = Some((self.tickets.last, side));
        wanted
    }

    /// Takes what came of a question; what nobody waits for any more is dropped.
    pub fn on_answer(&mut self, answer: LogsAnswer) -> Vec<Command> {
        let LogsAnswer { ticket, what } = answer;
        match what {
            LogsCame::More(entries) if ticket == self.tickets.follow => return self.on_more(entries),
            LogsCame::Skipped(entries) if ticket == self.tickets.follow => return self.on_skipped(entries),
            LogsCame::Count(count) if ticket == self.tickets.count => {
                if let Some(search) = &mut self.search {
                    search.count = Some(count);
                }
            }
            LogsCame::Page(entries) => {
                if let Some((_, side)) = self.tickets.page.take_if(|(open, _)| *open == ticket) {
                    return self.on_page(side, entries);
                }
            }
            LogsCame::Failed(why) => {
                self.tickets.page.take_if(|(open, _)| *open == ticket);
                self.trouble = Some(why);
            }
            LogsCame::More(_) | LogsCame::Skipped(_) | LogsCame::Count(_) => {}
        }
        Vec::new()
    }

    fn on_skipped(&mut self, entries: Vec<Entry>) -> Vec<Command> {
        if !self.follows {
            return self.stop_following();
        }
        self.window = LogWindow::between(false, true);
        self.tickets.known = 0;
        (self.top, self.cursor) = (0, 0);
        self.on_more(entries)
    }

    /// Whoever reads in older lines keeps them; what is said meanwhile is fetched when the end is wanted again.
    fn stop_following(&mut self) -> Vec<Command> {
        self.window.at_end = false;
        self.tickets.follow = 0;
        vec![Command::StopLogs]
    }

    fn on_more(&mut self, mut entries: Vec<Entry>) -> Vec<Command> {
        if !self.window.at_end {
            return Vec::new();
        }
        let known = self.tickets.known.min(entries.len());
        self.tickets.known -= known;
        entries.drain(..known);
        self.trouble = None;
        self.count_new(&entries);
        if !self.follows && self.window.is_full_with(entries.len()) && self.cursor < LogWindow::LINES / 2 {
            return self.stop_following();
        }
        let dropped = self.window.append(entries);
        self.top = self.top.saturating_sub(dropped);
        self.cursor = self.cursor.saturating_sub(dropped);
        if self.follows {
            self.cursor = self.window.len().saturating_sub(1);
        }
        Vec::new()
    }

    fn count_new(&mut self, entries: &[Entry]) {
        let Some(search) = &mut self.search else { return };
        if let Some(count) = &mut search.count {
            let needle = Needle::new(&search.text);
            *count += entries.iter().filter(|entry| needle.is_in(text::plain(&entry.text).as_bytes())).count() as u64;
        }
    }

    fn on_page(&mut self, side: Side, entries: Vec<Entry>) -> Vec<Command> {
        let is_whole = entries.len() >= LogWindow::PAGE;
        match side {
            Side::Before => {
                let had = self.window.get(0).map(|line| line.at_ms);
                let added = self.window.prepend(entries);
                self.window.at_start = !is_whole || had == self.window.get(0).map(|line| line.at_ms);
                (self.top, self.cursor) = (self.top + added, self.cursor + added);
            }
            Side::After => {
                let last = self.window.iter().next_back().map_or(0, |line| line.at_ms);
                let known = self.window.iter().rev().take_while(|line| line.at_ms == last).count();
                let dropped = self.window.append(entries.into_iter().skip(known).collect());
                self.top = self.top.saturating_sub(dropped);
                self.cursor = self.cursor.saturating_sub(dropped);
                if !is_whole {
                    return self.follow_from_here();
                }
            }
            Side::First => {
                self.window = LogWindow::between(true, false);
                self.window.append(entries);
                (self.top, self.cursor) = (0, 0);
                return if is_whole { self.stop_following() } else { self.follow_from_here() };
            }
            Side::Find => {
                if let Some(found) = entries.first() {
                    let at = found.at_ms;
                    return vec![self.page(Side::Found(at), Span::Until(at, LogWindow::PAGE))];
                }
            }
            Side::Found(at) => {
                self.window = LogWindow::between(!is_whole, false);
                self.window.append(entries);
                let needle = self.needle();
                let found =
                    self.window.iter().rposition(|line| line.at_ms <= at && needle.is_in(line.plain().as_bytes()));
                self.cursor = found.unwrap_or(0);
                // Some of what came before is seen with it.
                self.top = self.cursor.saturating_sub(5);
                let mut commands = self.stop_following();
                commands.extend(self.fetch());
                return commands;
            }
        }
        Vec::new()
    }

    /// The window reached the last line: what is said from now on is followed again, without moving.
    fn follow_from_here(&mut self) -> Vec<Command> {
        let last = self.window.iter().next_back().map_or(0, |line| line.at_ms);
        let known = self.window.iter().rev().take_while(|line| line.at_ms == last).count();
        self.window.at_end = true;
        // The last lines once more, so that none is missed between the two questions.
        let wanted = self.wanted(Span::FollowSince(last));
        (self.tickets.follow, self.tickets.known) = (self.tickets.last, known);
        vec![wanted]
    }

    fn needle(&self) -> Needle {
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

    fn count(&mut self) -> Option<Command> {
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

    /// Moves what is on the screen so that the cursor is, and as little as that needs.
    pub fn settle(&mut self, room: Room, prefix: usize) {
        let height = room.height.max(1);
        self.cursor = self.cursor.min(self.window.len().saturating_sub(1));
        let mut rows = 0;
        let mut first = self.cursor;
        for place in (0..=self.cursor).rev() {
            rows += self.rows_of(place, room, prefix);
            if rows > height {
                break;
            }
            first = place;
        }
        if self.follows || self.top < first {
            self.top = first;
        }
        self.top = self.top.min(self.cursor);
    }

    fn rows_of(&self, place: usize, room: Room, prefix: usize) -> usize {
        let Some(line) = self.window.get(place).filter(|_| self.wraps) else { return 1 };
        let width = room.width.saturating_sub(prefix).max(1);
        let text = line.visible();
        // One byte is at most one column, but for tabs.
        if text.len() <= width && !text.contains('\t') {
            return 1;
        }
        let glyphs = text::glyphs(text, ratatui::style::Style::new(), false, width * room.height.max(1));
        text::wrapped(&glyphs, width).len().min(room.height.max(1))
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

/// How important a line is: as orch says, else as the program seems to.
#[must_use]
pub fn level_of(line: &LogLine) -> Level {
    line.level.unwrap_or_else(|| level::spoken(line.visible().as_bytes()).unwrap_or(Level::Info))
}
