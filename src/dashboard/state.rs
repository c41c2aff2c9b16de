//! All that the dashboard knows: what it was told, and where the user is in it.

use super::{
    command::Command,
    form::Form,
    layout::{Areas, Wishes, areas},
    list::{self, Item},
    log_pane::{LogPane, Room},
    log_query::LogQuery,
    look::{Look, Tone},
    preferences::{Background, Preferences, Quit},
    switch::Switch,
};
use crate::{
    diag,
    logs::Entry,
    model::{Attempt, FilePath, ResourceName, Time},
    snapshot::{Hold, Row, Snapshot, UpdateStatus},
};
use ratatui::layout::Rect;
use std::{sync::Arc, time::Duration};

/// What does not change while a dashboard is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// What the terminal can show.
    pub look: Look,
    /// The project, as the header names it.
    pub title: String,
    /// Whose session it is.
    pub whose: Whose,
    /// What is added to UTC for the times of log lines, in seconds.
    pub utc_offset_secs: i64,
}

/// Whose session the dashboard shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// It came with the dashboard: `orch up`.
    Own,
    /// It was there before: `orch attach`.
    Attached,
}

/// How the session can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// Nothing has come yet.
    #[default]
    Connecting,
    /// It answers.
    Live,
    /// It does not, and why.
    Lost(String),
    /// It has ended.
    Ended,
}

/// Which of the two has the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// The resources.
    #[default]
    List,
    /// What is shown of them.
    Pane,
}

/// What the pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PaneView {
    /// The log of the chosen resource, or of all.
    #[default]
    Logs,
    /// All of it.
    Detail,
    /// Who waits for whom.
    Graph,
    /// Recent runs along time.
    Timeline,
}

/// What lies above the rest and has the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// The keys; lines scrolled.
    Help(usize),
    /// Errors of the Orchfile in full; lines scrolled.
    Errors(usize),
    /// All that can be done.
    Palette {
        /// What is typed.
        text: String,
        /// Which of the matches.
        chosen: usize,
    },
    /// One of the buttons.
    Buttons(usize),
    /// What a button asks before it is pressed.
    Form(Form),
    /// One of several endpoints.
    Links(usize),
    /// What quitting does.
    Quit {
        /// What is chosen.
        choice: Quit,
        /// Do so from now on.
        unasked: bool,
    },
    /// Who is enabled or disabled along with a resource.
    Switch(Switch),
    /// A line of text for something.
    Prompt(Prompt, String),
}

/// What a line of text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// The search in the log.
    Search,
    /// The filter of the log.
    FilterLines,
    /// The filter of the list.
    FilterList,
}

/// A word to the user, for a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is said.
    pub text: String,
    /// How.
    pub tone: Tone,
    /// Until when, on the dashboard's clock.
    pub until: Duration,
}

/// The dashboard: takes what happens, gives what is to be done, and can be drawn at any time.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// What does not change.
    pub setting: Setting,
    pub(super) preferences: Preferences,
    /// The time since it was opened.
    pub(super) now: Duration,
    pub(super) screen: Rect,
    pub(super) snapshot: Arc<Snapshot>,
    /// When the snapshot came.
    pub(super) snapshot_at: Duration,
    pub(super) link: Link,
    pub(super) items: Vec<Item>,
    /// `None` is all resources.
    pub(super) selected: Option<ResourceName>,
    pub(super) list_top: usize,
    pub(super) filter: String,
    pub(super) focus: Focus,
    pub(super) view: PaneView,
    pub(super) zoomed: bool,
    pub(super) logs: LogPane,
    /// Lines, or columns, scrolled in views other than the log.
    pub(super) scroll: (usize, usize),
    pub(super) overlay: Option<Overlay>,
    pub(super) message: Option<Message>,
    pub(super) mouse: bool,
    /// The user asked for the end of the session.
    pub(super) stopping: bool,
    /// What was pressed last, as it was filled in.
    pub(super) pressed: Option<Form>,
    /// The last lines of the run or instance of the chosen resource that failed.
    pub(super) failed_lines: Option<(Attempt, Vec<Entry>)>,
    /// How errors of the Orchfile are drawn at the width of the screen.
    pub(super) drawn_errors: Vec<String>,
}

impl Dashboard {
    /// How long a message stays.
    pub(super) const MESSAGE: Duration = Duration::from_secs(4);

    /// A dashboard that knows nothing yet, and what it wants first.
    #[must_use]
    pub fn new(setting: Setting, preferences: Preferences, width: u16, height: u16) -> (Self, Vec<Command>) {
        let logs = LogPane::new(!preferences.unwrapped, preferences.times);
        let mut setting = setting;
        if let Some(background) = preferences.background {
            setting.look.light = background == Background::Light;
        }
        let mut dashboard = Self {
            setting,
            preferences,
            now: Duration::ZERO,
            screen: Rect { x: 0, y: 0, width, height },
            snapshot: Arc::default(),
            snapshot_at: Duration::ZERO,
            link: Link::default(),
            items: vec![Item::All],
            selected: None,
            list_top: 0,
            filter: String::new(),
            focus: Focus::default(),
            view: PaneView::default(),
            zoomed: false,
            logs,
            scroll: (0, 0),
            overlay: None,
            message: None,
            mouse: true,
            stopping: false,
            pressed: None,
            failed_lines: None,
            drawn_errors: Vec::new(),
        };
        let commands = dashboard.logs.show(LogQuery::default());
        (dashboard, commands)
    }

    /// Whether that is the size that it was told.
    #[must_use]
    pub fn has_size(&self, width: u16, height: u16) -> bool {
        (self.screen.width, self.screen.height) == (width, height)
    }

    /// What is shown.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }

    /// The time of the session.
    #[must_use]
    pub fn session_time(&self) -> Time {
        self.snapshot.at + self.now.saturating_sub(self.snapshot_at)
    }

    /// The folder that paths are shown relative to.
    #[must_use]
    pub fn root(&self) -> FilePath {
        self.snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"))
    }

    /// The chosen resource.
    #[must_use]
    pub fn selected_row(&self) -> Option<&Arc<Row>> {
        self.snapshot.rows.named(self.selected.as_ref()?)
    }

    /// Where the chosen line of the list is.
    #[must_use]
    pub fn selected_place(&self) -> Option<usize> {
        match &self.selected {
            None => self.items.iter().position(|item| *item == Item::All),
            Some(name) => list::place_of(&self.items, name),
        }
    }

    /// Where things are now.
    #[must_use]
    pub fn areas(&self) -> Areas {
        let wishes = Wishes {
            banner: self.banner_height(),
            list: u16::try_from(self.items.len() + 1).unwrap_or(u16::MAX),
            zoomed: self.zoomed,
            pane_has_focus: self.focus == Focus::Pane,
        };
        areas(self.screen, wishes)
    }

    fn banner_height(&self) -> u16 {
        const MOST: usize = 12;
        if self.snapshot.orchfile.errors.is_empty() {
            return 0;
        }
        u16::try_from(self.drawn_errors.len().min(MOST) + 1).unwrap_or(u16::MAX)
    }

    /// What of the screen the log's text has.
    #[must_use]
    pub fn log_room(&self) -> Room {
        let pane = self.areas().pane;
        // A column for the pointer, one for the scroll bar.
        Room { width: usize::from(pane.width).saturating_sub(2), height: usize::from(pane.height) }
    }

    /// Draws the errors anew, where they or the width changed.
    pub(super) fn draw_errors(&mut self) {
        let errors = &self.snapshot.orchfile.errors;
        let width = usize::from(self.screen.width).saturating_sub(3);
        let text = if errors.is_empty() { String::new() } else { diag::render(errors, false, width) };
        self.drawn_errors = text.lines().map(str::to_owned).collect();
    }

    /// Says something for a moment.
    pub(super) fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), tone, until: self.now + Self::MESSAGE });
    }

    /// In how long something on the screen changes, though nothing happens.
    #[must_use]
    pub fn next_change(&self) -> Option<Duration> {
        const SLOW: Duration = Duration::from_secs(30);
        let message = self.message.as_ref().map(|message| message.until.saturating_sub(self.now));
        if self.link != Link::Live {
            return message;
        }
        let now = self.session_time();
        let rows = self.items.iter().filter_map(Item::row);
        let ages = rows.flat_map(|row| {
            let counts_down = matches!(row.hold, Some(Hold::Backoff { .. }));
            let doing = counts_down || row.update == UpdateStatus::InProgress;
            let second = doing.then_some(Duration::from_secs(1));
            let age = list::since(row).map(|since| list::until_next(now.since(since)).min(SLOW));
            second.into_iter().chain(age)
        });
        let timeline = (self.view == PaneView::Timeline).then_some(Duration::from_secs(1));
        ages.chain(message).chain(timeline).min()
    }

    /// Why the session cannot be asked for anything.
    pub(super) fn no_session(&self) -> Option<&'static str> {
        if self.stopping || self.snapshot.shutting_down {
            return Some("the session is ending");
        }
        (self.link != Link::Live).then_some("the session does not answer now")
    }
}
