//! The log pane: where in the log the user is, and what lines that needs.

mod answers;
mod search;

pub use search::Search;
use search::Way;

use super::{
    command::Command,
    log_query::{Count, LogQuery, LogsWanted, Span},
    log_window::{LogLine, LogWindow},
    text,
};
use crate::{logs::level, model::Level};

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
    /// How many lines there are, where only some are shown, once that is known.
    pub filtered: Option<Count>,
    /// What could not be had, in the user's words.
    pub trouble: Option<String>,
    /// A word to the user that is not said yet.
    pub told: Option<&'static str>,
    tickets: Tickets,
}

/// Questions that are open.
#[derive(Debug, Clone, Copy, Default)]
struct Tickets {
    last: u64,
    follow: u64,
    page: Option<(u64, Side)>,
    count: u64,
    filtered: u64,
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
    Find(Way),
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
        commands.extend(self.count_filtered());
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

    /// Moves the screen by its height, and the cursor with it.
    pub fn page_by(&mut self, lines: isize) -> Vec<Command> {
        self.top = self.top.saturating_add_signed(lines);
        self.move_by(lines)
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
        let first = self.window.get(0).map(|line| line.at_us);
        let last = self.window.len().checked_sub(1).and_then(|last| self.window.get(last)).map(|line| line.at_us);
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

    /// Moves what is on the screen so that the cursor is, and as little as that needs; below the last line nothing is left empty.
    pub fn settle(&mut self, room: Room, prefix: usize) {
        let last = self.window.len().saturating_sub(1);
        self.cursor = self.cursor.min(last);
        let first = self.top_above(self.cursor, room, prefix);
        if self.follows || self.top < first {
            self.top = first;
        }
        self.top = self.top.min(self.cursor);
        if self.window.at_end && self.top + room.height > last {
            self.top = self.top.min(self.top_above(last, room, prefix));
        }
    }

    /// The first line on a screen whose last one is `line`.
    fn top_above(&self, line: usize, room: Room, prefix: usize) -> usize {
        let mut rows = 0;
        let mut first = line;
        for place in (0..=line).rev() {
            rows += self.rows_of(place, room, prefix);
            if rows > room.height.max(1) {
                break;
            }
            first = place;
        }
        first
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

/// How important a line is: as orch says, else as the program seems to.
#[must_use]
pub fn level_of(line: &LogLine) -> Level {
    line.level.unwrap_or_else(|| level::spoken(line.visible().as_bytes()).unwrap_or(Level::Info))
}
