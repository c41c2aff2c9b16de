//! The command palette: what it offers for what is typed.

use super::{
    command::Command,
    keymap::{Action, BINDINGS, Binding},
    overlay::{Edit, edit},
    state::{Dashboard, Overlay},
};
use crate::model::Button;
use crossterm::event::{KeyCode, KeyEvent};
use std::sync::Arc;

/// Something that the palette offers.
#[derive(Debug, Clone)]
pub enum Offer {
    /// What a key does too.
    Action(&'static Binding),
    /// A press of a button.
    Button(Arc<Button>),
}

impl Offer {
    /// What it does, in words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Action(binding) => binding.text.to_owned(),
            Self::Button(button) => match &button.resource {
                Some(resource) => format!("press {} of {resource}", button.text),
                None => format!("press {}", button.text),
            },
        }
    }

    /// The key that does the same.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::Action(binding) => binding.keys.first().copied(),
            Self::Button(_) => None,
        }
    }

    /// What typed words are looked for in.
    fn haystack(&self) -> String {
        match self {
            Self::Action(binding) => format!("{} {}", binding.topic.title(), binding.text).to_lowercase(),
            Self::Button(button) => format!("button {} {}", self.text(), button.name).to_lowercase(),
        }
    }

    fn action(&self) -> Option<Action> {
        match self {
            Self::Action(binding) => Some(binding.action),
            Self::Button(_) => None,
        }
    }
}

impl Dashboard {
    /// What the palette offers for what is typed, best first.
    #[must_use]
    pub fn offers(&self, typed: &str) -> Vec<Offer> {
        let words: Vec<String> = typed.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let actions = BINDINGS.iter().filter(|binding| binding.in_palette).map(Offer::Action);
        let buttons = self.snapshot.buttons.iter().map(|row| Offer::Button(Arc::clone(&row.button)));
        let holds = |offer: &Offer| {
            let haystack = offer.haystack();
            words.iter().all(|word| haystack.contains(word.as_str()))
        };
        let mut offers: Vec<Offer> = actions.chain(buttons).filter(holds).collect();
        let first = words.first().cloned().unwrap_or_default();
        offers.sort_by_key(|offer| !offer.text().to_lowercase().starts_with(&first));
        offers
    }

    pub(super) fn on_palette_key(&mut self, key: KeyEvent, mut text: String, chosen: usize) -> Vec<Command> {
        let offers = self.offers(&text);
        let last = offers.len().saturating_sub(1);
        let chosen = match key.code {
            KeyCode::Up => chosen.saturating_sub(1),
            KeyCode::Down | KeyCode::Tab => (chosen + 1).min(last),
            _ => match edit(key, &mut text) {
                Edit::GivenUp => return Vec::new(),
                Edit::Accepted if !offers.is_empty() => {
                    return offers.get(chosen).map(|offer| self.take_up(offer)).unwrap_or_default();
                }
                Edit::Changed => 0,
                Edit::Nothing | Edit::Accepted => chosen,
            },
        };
        self.open(Overlay::Palette { text, chosen })
    }

    fn take_up(&mut self, offer: &Offer) -> Vec<Command> {
        match offer {
            Offer::Action(_) => offer.action().map(|action| self.act(action)).unwrap_or_default(),
            Offer::Button(button) => self.begin_press(button),
        }
    }
}
