//! Keys while something lies above the rest: a question, a line of text, the palette, a page of text.

use super::{
    command::Command,
    keymap::{self, Action},
    log_query::LogQuery,
    look::Tone,
    preferences::Quit,
    state::{Dashboard, Focus, Overlay, Prompt},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does to a line of text.
pub(super) enum Edit {
    Changed,
    Accepted,
    GivenUp,
    Nothing,
}

impl Dashboard {
    pub(super) fn on_overlay_key(&mut self, key: KeyEvent) -> Vec<Command> {
        let Some(overlay) = self.overlay.take() else { return Vec::new() };
        match overlay {
            Overlay::Help(scroll) => self.on_page_key(key, scroll, Overlay::Help),
            Overlay::Errors(scroll) => self.on_page_key(key, scroll, Overlay::Errors),
            Overlay::Palette { text, chosen } => self.on_palette_key(key, text, chosen),
            Overlay::Buttons(chosen) => self.on_buttons_key(key, chosen),
            Overlay::Form(form) => self.on_form_key(key, form),
            Overlay::Links(chosen) => self.on_links_key(key, chosen),
            Overlay::Quit { choice, unasked } => self.on_quit_key(key, choice, unasked),
            Overlay::Switch(switch) => self.on_switch_key(key, switch),
            Overlay::Prompt(prompt, text) => self.on_prompt_key(key, prompt, text),
        }
    }

    fn on_page_key(&mut self, key: KeyEvent, scroll: usize, page: impl Fn(usize) -> Overlay) -> Vec<Command> {
        let height = usize::from(self.screen.height);
        let next = match keymap::action_of(key) {
            Some(Action::Up) => scroll.saturating_sub(1),
            Some(Action::Down) => scroll + 1,
            Some(Action::PageUp | Action::PaneUp) => scroll.saturating_sub(height / 2),
            Some(Action::PageDown | Action::PaneDown) => scroll + height / 2,
            Some(Action::Top) => 0,
            Some(Action::Bottom) => usize::MAX,
            // Everything else closes it; Ctrl-C means what it means anywhere.
            Some(Action::Quit) if key.modifiers.contains(KeyModifiers::CONTROL) => return self.act(Action::Quit),
            _ => return Vec::new(),
        };
        self.overlay = Some(page(next.min(self.longest_page(&page(0)))));
        Vec::new()
    }

    fn on_links_key(&mut self, key: KeyEvent, chosen: usize) -> Vec<Command> {
        let links = self.selected_row().map(|row| row.links.clone()).unwrap_or_default();
        let chosen = match (key.code, keymap::action_of(key)) {
            (_, Some(Action::Up)) => chosen.saturating_sub(1),
            (_, Some(Action::Down)) => (chosen + 1).min(links.len().saturating_sub(1)),
            (KeyCode::Enter, _) => {
                return links.get(chosen).map(|link| self.open_page(link.url.clone())).unwrap_or_default();
            }
            (KeyCode::Char(digit @ '1'..='9'), _) => {
                let place = digit as usize - '1' as usize;
                return match links.get(place) {
                    Some(link) => self.open_page(link.url.clone()),
                    None => self.say_and(Tone::Doubt, format!("there is no endpoint {digit}")),
                };
            }
            _ => return Vec::new(),
        };
        self.open(Overlay::Links(chosen))
    }

    fn on_quit_key(&mut self, key: KeyEvent, choice: Quit, unasked: bool) -> Vec<Command> {
        let other = if choice == Quit::Stop { Quit::Detach } else { Quit::Stop };
        let chosen = match key.code {
            KeyCode::Left | KeyCode::Right | KeyCode::Up | KeyCode::Down | KeyCode::Tab | KeyCode::Char('j' | 'k') => {
                return self.open(Overlay::Quit { choice: other, unasked });
            }
            KeyCode::Char('a' | ' ') => return self.open(Overlay::Quit { choice, unasked: !unasked }),
            KeyCode::Char('s') => Quit::Stop,
            KeyCode::Char('d') => Quit::Detach,
            KeyCode::Enter => choice,
            // Who presses it twice wants all to end, as in any program.
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return self.leave(Quit::Stop),
            _ => return Vec::new(),
        };
        (self.preferences.quit, self.preferences.quit_unasked) = (chosen, unasked);
        let mut commands = self.remember();
        commands.extend(self.leave(chosen));
        commands
    }

    fn on_prompt_key(&mut self, key: KeyEvent, prompt: Prompt, mut text: String) -> Vec<Command> {
        match edit(key, &mut text) {
            Edit::GivenUp if prompt == Prompt::FilterList => self.filter_list(String::new()),
            Edit::GivenUp => Vec::new(),
            Edit::Accepted => self.accept(prompt, &text),
            Edit::Changed | Edit::Nothing => {
                self.overlay = Some(Overlay::Prompt(prompt, text));
                self.on_prompt_changed()
            }
        }
    }

    /// What shows while it is typed.
    pub(super) fn on_prompt_changed(&mut self) -> Vec<Command> {
        match &self.overlay {
            Some(Overlay::Prompt(Prompt::FilterList, text)) if *text != self.filter => {
                let text = text.clone();
                self.filter_list(text)
            }
            _ => Vec::new(),
        }
    }

    fn filter_list(&mut self, text: String) -> Vec<Command> {
        self.filter = text;
        self.list_anew();
        self.choose_shown()
    }

    /// What is chosen stays on a list that is filtered, or the first that is left is.
    pub(super) fn choose_shown(&mut self) -> Vec<Command> {
        let first = self.items.iter().position(|item| item.row().is_some());
        match (self.selected_place(), first) {
            (None, Some(first)) if !self.filter.is_empty() => self.select_place(first),
            _ => Vec::new(),
        }
    }

    fn accept(&mut self, prompt: Prompt, text: &str) -> Vec<Command> {
        match prompt {
            Prompt::FilterList => {
                self.focus = Focus::List;
                Vec::new()
            }
            Prompt::Search => {
                self.focus = Focus::Pane;
                self.logs.search(text)
            }
            Prompt::FilterLines => self.logs.show(LogQuery { text: text.to_owned(), ..self.logs.query.clone() }),
        }
    }
}

pub(super) fn edit(key: KeyEvent, text: &mut String) -> Edit {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => return Edit::GivenUp,
        KeyCode::Char('c' | 'g') if is_control => return Edit::GivenUp,
        KeyCode::Enter => return Edit::Accepted,
        KeyCode::Char('u') if is_control => text.clear(),
        KeyCode::Char('w') if is_control => {
            let kept = text.trim_end().rfind(' ').map_or(0, |at| at + 1);
            text.truncate(kept);
        }
        KeyCode::Backspace => drop(text.pop()),
        KeyCode::Char(c) if !is_control && !key.modifiers.contains(KeyModifiers::ALT) => text.push(c),
        _ => return Edit::Nothing,
    }
    Edit::Changed
}
