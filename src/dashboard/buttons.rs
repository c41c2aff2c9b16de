//! Buttons: which there are for what is chosen, how each fares, and what a press asks of the session.

use super::{
    command::Command,
    form::{Form, Step},
    keymap::{self, Action},
    list::coarse,
    look::Tone,
    state::{Dashboard, Overlay},
};
use crate::{
    model::{Button, ButtonAction, Time},
    snapshot::{ButtonRow, words},
};
use crossterm::event::{KeyCode, KeyEvent};
use std::sync::Arc;

impl Dashboard {
    /// The buttons of the chosen resource, then those of the session; where all are chosen, the session's, then all others.
    #[must_use]
    pub fn buttons(&self) -> Vec<&ButtonRow> {
        let all = self.snapshot.buttons.iter();
        let (own, others): (Vec<_>, Vec<_>) = all.partition(|row| row.button.resource == self.selected);
        let is_offered = |row: &&ButtonRow| self.selected.is_none() || row.button.resource.is_none();
        own.into_iter().chain(others.into_iter().filter(is_offered)).collect()
    }

    /// The buttons to choose from; there is none to press where none is declared.
    pub(super) fn offer_buttons(&mut self) -> Vec<Command> {
        if !self.buttons().is_empty() {
            return self.open(Overlay::Buttons(0));
        }
        let text = match &self.selected {
            Some(name) => format!("{name} has no button, and neither has the session"),
            None => "the Orchfile declares no button".to_owned(),
        };
        self.say_and(Tone::Doubt, text)
    }

    pub(super) fn on_buttons_key(&mut self, key: KeyEvent, chosen: usize) -> Vec<Command> {
        let buttons: Vec<Arc<Button>> = self.buttons().into_iter().map(|row| Arc::clone(&row.button)).collect();
        let last = buttons.len().saturating_sub(1);
        let place = match (key.code, keymap::action_of(key)) {
            (_, Some(Action::Up)) => return self.open(Overlay::Buttons(chosen.min(last).saturating_sub(1))),
            (KeyCode::Tab, _) | (_, Some(Action::Down)) => {
                return self.open(Overlay::Buttons((chosen + 1).min(last)));
            }
            (KeyCode::Enter, _) => chosen.min(last),
            (KeyCode::Char(digit @ '1'..='9'), _) => digit as usize - '1' as usize,
            _ => return Vec::new(),
        };
        match buttons.get(place) {
            Some(button) => self.begin_press(button),
            None => self.say_and(Tone::Doubt, format!("there is no button {}", place + 1)),
        }
    }

    /// Presses a button, or asks first what it wants to be asked.
    pub(super) fn begin_press(&mut self, button: &Arc<Button>) -> Vec<Command> {
        if button.disabled {
            let text = format!("the button `{}` is disabled", button.text);
            return self.say_and(Tone::Doubt, text);
        }
        let form = Form::of(button);
        if form.asks() { self.open(Overlay::Form(form)) } else { self.press(form) }
    }

    pub(super) fn on_form_key(&mut self, key: KeyEvent, mut form: Form) -> Vec<Command> {
        match form.on_key(key) {
            Step::Stay => self.open(Overlay::Form(form)),
            Step::GiveUp => Vec::new(),
            Step::Press => self.press(form),
        }
    }

    fn press(&mut self, form: Form) -> Vec<Command> {
        if let Some(why) = self.no_session() {
            return self.say_and(Tone::Doubt, why);
        }
        let text = format!("pressed {}{}", form.button.text, self.where_it_speaks(&form.button));
        self.say(Tone::Good, text);
        let command = Command::Press { button: form.button.name.clone(), inputs: form.inputs() };
        self.pressed = Some(form);
        vec![command]
    }

    /// Where its output is read, unless that is the log of the chosen resource.
    fn where_it_speaks(&self, button: &Button) -> &'static str {
        let log = button.actions.iter().find_map(|action| match action {
            ButtonAction::Run { log, .. } => Some(log),
            ButtonAction::Trigger(_) => None,
        });
        let elsewhere = log.is_some_and(|log| self.selected.as_ref().is_some_and(|chosen| chosen != log));
        if elsewhere { "; what it says is in the log of all resources" } else { "" }
    }

    /// The session did not take the press: what was typed is not lost.
    pub(super) fn on_refusal(&mut self, why: String) -> Vec<Command> {
        let form = self.pressed.take().filter(|form| !form.fields.is_empty() && self.overlay.is_none());
        match form {
            Some(form) => {
                self.message = None;
                self.open(Overlay::Form(Form { trouble: Some(why), sure: false, ..form }))
            }
            None => self.say_and(Tone::Bad, why),
        }
    }
}

/// How a button fares: whether its command runs, and how it went last.
#[must_use]
pub fn button_words(row: &ButtonRow, now: Time) -> (String, Tone) {
    if row.button.disabled {
        return ("disabled".to_owned(), Tone::Dim);
    }
    if let Some(run) = &row.current_run {
        return (format!("runs {}", coarse(now.since(run.started_at))), Tone::Busy);
    }
    let Some((run, exit)) = row.last_run.as_ref().and_then(|run| Some((run, run.exit.as_ref()?))) else {
        return (String::new(), Tone::Dim);
    };
    let ago = run.ended_at.map(|at| format!(", {} ago", coarse(now.since(at)))).unwrap_or_default();
    let took = words::duration(run.ended_at.unwrap_or(now).since(run.started_at));
    if exit.is_success() {
        (format!("ok {took}{ago}"), Tone::Good)
    } else {
        (format!("{}{ago}", words::exit(exit)), Tone::Bad)
    }
}
