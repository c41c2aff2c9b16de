//! What the dashboard does about what happens.

use super::{
    cannot,
    command::{Command, Leave},
    keymap,
    list::{self, Item},
    log_pane::Room,
    log_query::{LogQuery, LogsAnswer, LogsCame, LogsWanted, Span},
    look::Tone,
    state::{Dashboard, Link, Overlay, PaneView},
};
use crate::snapshot::Snapshot;
use crossterm::event::{KeyEvent, KeyEventKind, MouseEvent};
use ratatui::layout::Rect;
use std::{sync::Arc, time::Duration};

/// The ticket of the question for lines of what failed; the log pane's count up from 1.
const FAILED: u64 = 0;
/// How many of these lines are shown.
const LAST_LINES: usize = 200;

/// Something that happened to the dashboard.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size.
    Resize(u16, u16),
    /// The session is like this now.
    Snapshot(Arc<Snapshot>),
    /// Lines came.
    Logs(LogsAnswer),
    /// The session can be reached, or cannot.
    Link(Link),
    /// What was asked for was done, or why not.
    Told(Result<String, String>),
    /// No browser could show that page.
    NoBrowser(String),
    /// The session did not take a press, and why.
    Refused(String),
    /// Nothing but time passed.
    Tick,
}

impl Dashboard {
    /// Takes what happened at `now`, the time since the dashboard was opened, and gives what is to be done about it.
    pub fn update(&mut self, now: Duration, input: Input) -> Vec<Command> {
        self.now = now;
        self.message.take_if(|message| message.until <= now);
        let commands = match input {
            Input::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            Input::Key(key) => self.on_key(key),
            Input::Mouse(mouse) => self.on_mouse(mouse),
            Input::Paste(text) => self.on_paste(&text),
            Input::Resize(width, height) => {
                self.screen = Rect { x: 0, y: 0, width, height };
                self.draw_errors();
                Vec::new()
            }
            Input::Snapshot(snapshot) => self.on_snapshot(snapshot),
            Input::Logs(LogsAnswer { ticket: FAILED, what: LogsCame::Page(entries) }) => {
                if let Some((_, lines)) = &mut self.failed_lines {
                    *lines = entries;
                }
                Vec::new()
            }
            Input::Logs(answer) => self.logs.on_answer(answer),
            Input::Link(link) => self.on_link(link),
            Input::Told(Ok(text)) => self.say_and(Tone::Good, text),
            Input::Told(Err(text)) => self.say_and(Tone::Bad, text),
            Input::NoBrowser(url) => {
                self.say(Tone::Good, format!("no browser here; copied {url}"));
                vec![Command::Copy(url)]
            }
            Input::Refused(why) => self.on_refusal(why),
            Input::Tick => Vec::new(),
        };
        if let Some(told) = self.logs.told.take() {
            self.say(Tone::Dim, told);
        }
        let commands = commands.into_iter().chain(self.want_failed_lines()).collect();
        self.settle();
        commands
    }

    /// Asks for the last lines of what failed, once, when all of a resource is shown.
    fn want_failed_lines(&mut self) -> Option<Command> {
        let row = self.selected_row().filter(|_| self.view == PaneView::Detail);
        let failed = row.and_then(|row| list::failed_attempt(row));
        if self.failed_lines.as_ref().map(|(attempt, _)| *attempt) == failed {
            return None;
        }
        self.failed_lines = failed.map(|attempt| (attempt, Vec::new()));
        let span = Span::LastOf(failed?, LAST_LINES);
        Some(Command::Logs(LogsWanted { ticket: FAILED, query: LogQuery::default(), span }))
    }

    /// Moves what is shown so that what is chosen is on the screen.
    fn settle(&mut self) {
        let areas = self.areas();
        let height = usize::from(areas.list.height).saturating_sub(1).max(1);
        if let Some(place) = self.selected_place() {
            // A label belongs to what comes after it.
            let first = place.saturating_sub(usize::from(place > 0 && matches!(self.items[place - 1], Item::Label(_))));
            self.list_top = self.list_top.min(first).max((place + 1).saturating_sub(height));
        }
        self.list_top = self.list_top.min(self.items.len().saturating_sub(height));
        let room = self.log_room();
        let prefix = self.log_prefix(room);
        self.logs.settle(room, prefix);
    }

    /// How many columns stand before the text of a line of the log.
    #[must_use]
    pub fn log_prefix(&self, room: Room) -> usize {
        let name = if self.logs.query.name.is_none() { self.log_name_width(room) + 3 } else { 0 };
        let time = if self.logs.times { "00:00:00.000 ".len() } else { 0 };
        name + time
    }

    /// How many columns names have before lines of all logs.
    #[must_use]
    pub fn log_name_width(&self, room: Room) -> usize {
        const MOST: usize = 20;
        let names = self.snapshot.rows.iter().map(|row| row.name.as_str().chars().count());
        names.max().unwrap_or(0).max("Orchfile".len()).min(MOST).min(room.width / 4)
    }

    fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) -> Vec<Command> {
        let errors_changed = self.snapshot.orchfile.errors != snapshot.orchfile.errors;
        self.snapshot = snapshot;
        self.snapshot_at = self.now;
        self.link = Link::Live;
        if errors_changed {
            self.draw_errors();
        }
        self.list_anew();
        let is_gone = self.selected.as_ref().is_some_and(|name| self.snapshot.rows.named(name).is_none());
        if is_gone { self.select(None) } else { self.choose_shown() }
    }

    pub(super) fn list_anew(&mut self) {
        self.items = list::items(&self.snapshot, &self.filter, !self.preferences.ungrouped);
    }

    fn on_link(&mut self, link: Link) -> Vec<Command> {
        self.link = link;
        if self.link == Link::Ended { vec![Command::Leave(Leave::Ended)] } else { Vec::new() }
    }

    pub(super) fn say_and(&mut self, tone: Tone, text: impl Into<String>) -> Vec<Command> {
        self.say(tone, text);
        Vec::new()
    }

    fn on_key(&mut self, key: KeyEvent) -> Vec<Command> {
        // What was said by the way is over with the next key; the rest stays its time.
        self.message.take_if(|message| message.tone == Tone::Dim);
        if self.overlay.is_some() {
            return self.on_overlay_key(key);
        }
        match keymap::action_of(key) {
            Some(action) => self.act(action),
            None => cannot::unknown(key).map(|text| self.say_and(Tone::Dim, text)).unwrap_or_default(),
        }
    }

    fn on_paste(&mut self, text: &str) -> Vec<Command> {
        let line = text.lines().next().unwrap_or_default().to_owned();
        match &mut self.overlay {
            Some(Overlay::Prompt(_, text) | Overlay::Palette { text, .. }) => text.push_str(&line),
            Some(Overlay::Form(form)) => form.paste(&line),
            _ => {}
        }
        self.on_prompt_changed()
    }
}
