//! What comes of questions for lines.

use super::{LogPane, Side};
use crate::{
    dashboard::{
        command::Command,
        log_query::{LogsAnswer, LogsCame, Span},
        log_window::LogWindow,
    },
    logs::{Entry, Needle},
};

impl LogPane {
    /// Takes what came of a question; what nobody waits for any more is dropped.
    pub fn on_answer(&mut self, answer: LogsAnswer) -> Vec<Command> {
        let LogsAnswer { ticket, what } = answer;
        match what {
            LogsCame::More(entries) if ticket == self.tickets.follow => return self.on_more(entries),
            LogsCame::Skipped(entries) if ticket == self.tickets.follow => return self.on_skipped(entries),
            LogsCame::Count(count) if ticket == self.tickets.count => {
                let count = self.brought_up_to_date(count, &self.needle());
                if let Some(search) = &mut self.search {
                    search.count = Some(count);
                }
            }
            LogsCame::Count(count) if ticket == self.tickets.filtered => {
                self.filtered = Some(self.brought_up_to_date(count, &Needle::new("")));
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

    fn on_page(&mut self, side: Side, entries: Vec<Entry>) -> Vec<Command> {
        let is_whole = entries.len() >= LogWindow::PAGE;
        match side {
            Side::Before => {
                let had = self.window.get(0).map(|line| line.at_us);
                let added = self.window.prepend(entries);
                self.window.at_start = !is_whole || had == self.window.get(0).map(|line| line.at_us);
                (self.top, self.cursor) = (self.top + added, self.cursor + added);
            }
            Side::After => {
                let last = self.window.iter().next_back().map_or(0, |line| line.at_us);
                let known = self.window.iter().rev().take_while(|line| line.at_us == last).count();
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
            Side::Find(way) => {
                let Some(found) = entries.first() else { return self.found_none(way) };
                let at = found.at_us();
                return vec![self.page(Side::Found(at), Span::Until(at, LogWindow::PAGE))];
            }
            Side::Found(at) => {
                self.window = LogWindow::between(!is_whole, false);
                self.window.append(entries);
                let needle = self.needle();
                let found =
                    self.window.iter().rposition(|line| line.at_us <= at && needle.is_in(line.plain().as_bytes()));
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
        let last = self.window.iter().next_back().map_or(0, |line| line.at_us);
        let known = self.window.iter().rev().take_while(|line| line.at_us == last).count();
        self.window.at_end = true;
        // The last lines once more, so that none is missed between the two questions.
        let wanted = self.wanted(Span::FollowSince(last));
        (self.tickets.follow, self.tickets.known) = (self.tickets.last, known);
        vec![wanted]
    }
}
