//! What keys, the palette and the mouse ask for, done.

use super::{
    cannot,
    command::{Ask, Command, Leave},
    keymap::Action,
    list::Item,
    log_query::LogQuery,
    look::Tone,
    preferences::{Background, Quit},
    state::{Dashboard, Focus, Link, Overlay, PaneView, Prompt, Whose},
};
use crate::{
    logs::StreamName,
    model::{Level, ResourceName},
};

impl Dashboard {
    /// Does what a key, the palette or the mouse asks for.
    pub(super) fn act(&mut self, action: Action) -> Vec<Command> {
        match action {
            Action::Up => self.step(-1),
            Action::Down => self.step(1),
            Action::PageUp => self.page(-1),
            Action::PageDown => self.page(1),
            Action::PaneUp => self.scroll_pane(-self.half_pane()),
            Action::PaneDown => self.scroll_pane(self.half_pane()),
            Action::Top => self.go_to_top(),
            Action::Bottom => self.go_to_bottom(),
            Action::Left => self.sideways(-1),
            Action::Right => self.sideways(1),
            Action::Focus => self.switch_focus(),
            Action::Zoom => self.zoom(),
            Action::Back => self.back(),
            Action::ShowLogs => self.show(PaneView::Logs),
            Action::ShowDetail => self.show(PaneView::Detail),
            Action::ShowGraph => self.show(PaneView::Graph),
            Action::ShowTimeline => self.show(PaneView::Timeline),
            Action::ShowErrors => self.open(Overlay::Errors(0)),
            Action::FilterList => self.open(Overlay::Prompt(Prompt::FilterList, self.filter.clone())),
            Action::Search => self.prompt_for_log(Prompt::Search, String::new()),
            Action::FilterLines => self.prompt_for_log(Prompt::FilterLines, self.logs.query.text.clone()),
            Action::NextMatch => self.find(false),
            Action::PreviousMatch => self.find(true),
            Action::Level => self.next_level(),
            Action::Source => self.next_source(),
            Action::Follow => self.toggle_follow(),
            Action::Group => self.toggle_groups(),
            Action::Wrap => self.toggle_wrap(),
            Action::Times => self.toggle_times(),
            Action::Copy => self.copy(),
            Action::Trigger => self.ask(Ask::Trigger, "triggered"),
            Action::Restart => self.ask(Ask::Restart, "restarted"),
            Action::Stop => self.ask(Ask::Stop, "stopped"),
            Action::Start => self.ask(Ask::Start, "started"),
            Action::Enable => self.switch(),
            Action::Buttons => self.offer_buttons(),
            Action::Open => self.open_link(),
            Action::Exec => self.exec(),
            Action::Palette => self.open(Overlay::Palette { text: String::new(), chosen: 0 }),
            Action::Help => self.open(Overlay::Help(0)),
            Action::Mouse => self.toggle_mouse(),
            Action::Background => self.toggle_background(),
            Action::AskAgain => {
                self.preferences.quit_unasked = false;
                self.say(Tone::Good, "quitting asks again");
                self.remember()
            }
            Action::Quit => self.quit(),
            Action::QuitStop => self.leave(Quit::Stop),
            Action::QuitDetach => self.leave(Quit::Detach),
            Action::Suspend => vec![Command::Suspend],
            Action::Redraw => vec![Command::Redraw],
        }
    }

    pub(super) fn open(&mut self, overlay: Overlay) -> Vec<Command> {
        self.overlay = Some(overlay);
        Vec::new()
    }

    fn prompt_for_log(&mut self, prompt: Prompt, text: String) -> Vec<Command> {
        self.view = PaneView::Logs;
        self.open(Overlay::Prompt(prompt, text))
    }

    pub(super) fn remember(&self) -> Vec<Command> {
        vec![Command::Remember(self.preferences)]
    }

    /// Chooses a resource, or all; the log follows.
    pub(super) fn select(&mut self, name: Option<ResourceName>) -> Vec<Command> {
        if self.selected == name {
            return Vec::new();
        }
        self.selected.clone_from(&name);
        self.scroll = (0, 0);
        self.logs.show(LogQuery { name, ..self.logs.query.clone() })
    }

    pub(super) fn select_place(&mut self, place: usize) -> Vec<Command> {
        match self.items.get(place) {
            Some(Item::All) => self.select(None),
            Some(Item::Row(row)) => {
                let name = row.name.clone();
                self.select(Some(name))
            }
            Some(Item::Label(_)) | None => Vec::new(),
        }
    }

    fn step(&mut self, by: isize) -> Vec<Command> {
        match self.focus {
            Focus::List => self.step_in_list(by),
            Focus::Pane => self.scroll_pane(by),
        }
    }

    fn page(&mut self, screens: isize) -> Vec<Command> {
        let areas = self.areas();
        let height = match self.focus {
            Focus::List => areas.list.height,
            Focus::Pane => areas.pane.height,
        };
        let by = screens * isize::try_from(height).unwrap_or(1).saturating_sub(1).max(1);
        if self.focus == Focus::Pane && self.view == PaneView::Logs {
            return self.logs.page_by(by);
        }
        self.step(by)
    }

    fn step_in_list(&mut self, by: isize) -> Vec<Command> {
        let is_choice = |place: &usize| !matches!(self.items[*place], Item::Label(_));
        let choices: Vec<usize> = (0..self.items.len()).filter(is_choice).collect();
        let now = self.selected_place().and_then(|place| choices.iter().position(|choice| *choice == place));
        let next = now.map_or(0, |now| now.saturating_add_signed(by)).min(choices.len().saturating_sub(1));
        choices.get(next).map(|place| self.select_place(*place)).unwrap_or_default()
    }

    fn half_pane(&self) -> isize {
        isize::try_from(self.areas().pane.height / 2).unwrap_or(1).max(1)
    }

    pub(super) fn scroll_pane(&mut self, by: isize) -> Vec<Command> {
        if self.view == PaneView::Logs {
            return if by.unsigned_abs() > 1 { self.logs.page_by(by) } else { self.logs.move_by(by) };
        }
        self.scroll.0 = self.scroll.0.saturating_add_signed(by).min(self.longest_scroll());
        Vec::new()
    }

    fn go_to_top(&mut self) -> Vec<Command> {
        match (self.focus, self.view) {
            (Focus::List, _) => self.step_in_list(isize::MIN),
            (Focus::Pane, PaneView::Logs) => self.logs.go_to_start(),
            (Focus::Pane, _) => self.scroll_pane(isize::MIN),
        }
    }

    fn go_to_bottom(&mut self) -> Vec<Command> {
        match (self.focus, self.view) {
            (Focus::List, _) => self.step_in_list(isize::MAX),
            (Focus::Pane, PaneView::Logs) => self.logs.follow(),
            (Focus::Pane, _) => self.scroll_pane(isize::MAX),
        }
    }

    fn sideways(&mut self, by: isize) -> Vec<Command> {
        const STEP: isize = 8;
        match self.view {
            PaneView::Logs if self.logs.wraps => {
                return self.say_and(Tone::Dim, "no line is cut off: w breaks them, or does not");
            }
            PaneView::Logs => self.logs.column = self.logs.column.saturating_add_signed(by * STEP),
            PaneView::Detail => return self.say_and(Tone::Dim, "nothing is beside it: up and down show the rest"),
            PaneView::Graph | PaneView::Timeline => {
                let column = self
                    .scroll
                    .1
                    .saturating_add_signed(by * STEP)
                    .min(self.most_sideways().next_multiple_of(STEP.unsigned_abs()));
                if column == self.scroll.1 {
                    return self.say_and(Tone::Dim, "there is no more on that side");
                }
                self.scroll.1 = column;
            }
        }
        Vec::new()
    }

    fn toggle_background(&mut self) -> Vec<Command> {
        self.setting.look.light ^= true;
        let (background, word) =
            if self.setting.look.light { (Background::Light, "light") } else { (Background::Dark, "dark") };
        self.preferences.background = Some(background);
        self.say(Tone::Good, format!("colours for a {word} background"));
        self.remember()
    }

    fn toggle_groups(&mut self) -> Vec<Command> {
        if self.snapshot.rows.iter().all(|row| row.labels.is_empty()) {
            return self.say_and(Tone::Dim, "no resource has a label to group by");
        }
        self.preferences.ungrouped ^= true;
        self.list_anew();
        self.say(Tone::Dim, if self.preferences.ungrouped { "not grouped" } else { "grouped by label" });
        self.remember()
    }

    fn toggle_wrap(&mut self) -> Vec<Command> {
        self.view = PaneView::Logs;
        self.logs.wraps ^= true;
        self.logs.column = 0;
        self.preferences.unwrapped = !self.logs.wraps;
        let text =
            if self.logs.wraps { "long lines are broken" } else { "long lines are cut off: right shows the rest" };
        self.say(Tone::Dim, text);
        self.remember()
    }

    fn toggle_times(&mut self) -> Vec<Command> {
        self.view = PaneView::Logs;
        self.logs.times ^= true;
        self.preferences.times = self.logs.times;
        self.remember()
    }

    fn switch_focus(&mut self) -> Vec<Command> {
        self.focus = if self.focus == Focus::List || self.zoomed { Focus::Pane } else { Focus::List };
        Vec::new()
    }

    fn zoom(&mut self) -> Vec<Command> {
        self.zoomed ^= true;
        self.focus = if self.zoomed { Focus::Pane } else { Focus::List };
        Vec::new()
    }

    fn back(&mut self) -> Vec<Command> {
        if self.zoomed {
            return self.zoom();
        }
        if self.logs.search.is_some() {
            return self.logs.search("");
        }
        if self.focus == Focus::Pane {
            self.focus = Focus::List;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.list_anew();
        } else if !self.logs.query.text.is_empty() {
            return self.logs.show(LogQuery { text: String::new(), ..self.logs.query.clone() });
        } else {
            self.say(Tone::Dim, "there is nothing to go back from: q quits");
        }
        Vec::new()
    }

    fn show(&mut self, view: PaneView) -> Vec<Command> {
        (self.view, self.scroll) = (view, (0, 0));
        Vec::new()
    }

    fn find(&mut self, back: bool) -> Vec<Command> {
        if self.logs.search.is_none() {
            return self.say_and(Tone::Dim, "nothing is searched for: / searches");
        }
        self.view = PaneView::Logs;
        self.logs.find(back)
    }

    fn next_level(&mut self) -> Vec<Command> {
        let level = match self.logs.query.level {
            None | Some(Level::Info) => Some(Level::Warning),
            Some(Level::Warning) => Some(Level::Error),
            Some(Level::Error) => None,
        };
        self.view = PaneView::Logs;
        self.logs.show(LogQuery { level, ..self.logs.query.clone() })
    }

    fn next_source(&mut self) -> Vec<Command> {
        let stream = match self.logs.query.stream {
            None => Some(StreamName::Stdout),
            Some(StreamName::Stdout) => Some(StreamName::Stderr),
            Some(StreamName::Stderr) => Some(StreamName::Orch),
            Some(StreamName::Orch) => None,
        };
        self.view = PaneView::Logs;
        self.logs.show(LogQuery { stream, ..self.logs.query.clone() })
    }

    fn toggle_follow(&mut self) -> Vec<Command> {
        self.view = PaneView::Logs;
        if self.logs.follows {
            self.logs.follows = false;
            return Vec::new();
        }
        self.logs.follow()
    }

    fn copy(&mut self) -> Vec<Command> {
        let Some(line) = self.logs.window.get(self.logs.cursor).filter(|_| self.view == PaneView::Logs) else {
            let is_log = self.view == PaneView::Logs;
            let text = if is_log { "there is no line to copy" } else { "only lines of the log are copied: 1 shows it" };
            return self.say_and(Tone::Dim, text);
        };
        let text = line.plain();
        self.say(Tone::Good, "copied the line");
        vec![Command::Copy(text)]
    }

    fn ask(&mut self, ask: Ask, done: &str) -> Vec<Command> {
        let Some(row) = self.selected_row().cloned() else {
            return self.say_and(Tone::Doubt, "choose a resource first");
        };
        let cannot = self.no_session().map(str::to_owned).or_else(|| cannot::ask(ask, &row));
        if let Some(why) = cannot {
            return self.say_and(Tone::Doubt, why);
        }
        let name = row.name.clone();
        self.say(Tone::Good, format!("{done} {name}"));
        vec![Command::Ask(ask, vec![name])]
    }

    fn open_link(&mut self) -> Vec<Command> {
        let Some(row) = self.selected_row().cloned() else {
            return self.say_and(Tone::Doubt, "choose a resource first");
        };
        match row.links.as_slice() {
            [] => self.say_and(Tone::Doubt, format!("{} has no endpoint", row.name)),
            [link] => self.open_page(link.url.clone()),
            _ => self.open(Overlay::Links(0)),
        }
    }

    pub(super) fn open_page(&mut self, url: String) -> Vec<Command> {
        self.say(Tone::Dim, format!("opening {url}"));
        vec![Command::Open(url)]
    }

    fn exec(&mut self) -> Vec<Command> {
        let Some(row) = self.selected_row() else {
            return self.say_and(Tone::Doubt, "choose a resource first");
        };
        if let Some(why) = cannot::exec(row) {
            return self.say_and(Tone::Doubt, why);
        }
        vec![Command::Exec(row.name.clone())]
    }

    fn toggle_mouse(&mut self) -> Vec<Command> {
        self.mouse ^= true;
        self.say(Tone::Good, if self.mouse { "the mouse is the dashboard's" } else { "the mouse is the terminal's" });
        vec![Command::Mouse(self.mouse)]
    }

    fn quit(&mut self) -> Vec<Command> {
        if self.stopping {
            // As a second Ctrl-C: at once.
            self.say(Tone::Doubt, "ending at once");
            return vec![Command::ShutDown];
        }
        // Nobody is there who could be asked to end.
        let is_gone = matches!(self.link, Link::Lost(_) | Link::Ended);
        match self.setting.whose {
            Whose::Attached => vec![Command::Leave(Leave::Detach)],
            Whose::Own if is_gone => vec![Command::Leave(Leave::Detach)],
            Whose::Own if self.preferences.quit_unasked => self.leave(self.preferences.quit),
            Whose::Own => self.open(Overlay::Quit { choice: self.preferences.quit, unasked: false }),
        }
    }

    /// Leaves, with or without the session; one that is to end is shown until it has.
    pub(super) fn leave(&mut self, quit: Quit) -> Vec<Command> {
        match quit {
            Quit::Detach => vec![Command::Leave(Leave::Detach)],
            Quit::Stop => {
                self.stopping = true;
                vec![Command::ShutDown]
            }
        }
    }
}
