//! The form before a press: what the user may choose, and whether to do it.

use super::overlay::{Edit, edit};
use crate::model::{Button, ButtonInput, InputKind};
use crossterm::event::{KeyCode, KeyEvent};
use std::{collections::BTreeMap, sync::Arc};

/// What is asked before a button is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// The button.
    pub button: Arc<Button>,
    /// What can be chosen; inputs that nobody chooses are not here.
    pub fields: Vec<Field>,
    /// The field that has the keys.
    pub chosen: usize,
    /// All is chosen, and the user is asked once more.
    pub sure: bool,
    /// What was wrong with what was chosen.
    pub trouble: Option<String>,
}

/// Something to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The variable.
    pub name: String,
    /// What people see.
    pub label: String,
    /// What is chosen.
    pub value: Value,
}

/// What is chosen in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Any text.
    Text {
        /// What is typed.
        text: String,
        /// What an empty field shows.
        placeholder: String,
    },
    /// Yes or no.
    Bool(bool),
    /// One of these.
    Choice {
        /// All of them.
        choices: Vec<String>,
        /// Which one.
        chosen: usize,
    },
}

/// What comes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The form is still open.
    Stay,
    /// It is closed, and nothing is done.
    GiveUp,
    /// The button is pressed.
    Press,
}

impl Form {
    /// The form of a button, filled in with what the button says.
    #[must_use]
    pub fn of(button: &Arc<Button>) -> Self {
        let fields: Vec<Field> = button.inputs.iter().filter_map(Field::of).collect();
        let sure = button.confirm && fields.is_empty();
        Self { button: Arc::clone(button), fields, chosen: 0, sure, trouble: None }
    }

    /// Whether there is anything to ask.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.sure || !self.fields.is_empty()
    }

    /// What was chosen, by variable.
    #[must_use]
    pub fn inputs(&self) -> BTreeMap<String, String> {
        self.fields.iter().map(|field| (field.name.clone(), field.value.text())).collect()
    }

    /// Takes a key.
    pub fn on_key(&mut self, key: KeyEvent) -> Step {
        if self.sure {
            return self.on_answer(key);
        }
        let last = self.fields.len().saturating_sub(1);
        match key.code {
            KeyCode::Up | KeyCode::BackTab => self.chosen = self.chosen.checked_sub(1).unwrap_or(last),
            KeyCode::Down | KeyCode::Tab => self.chosen = if self.chosen >= last { 0 } else { self.chosen + 1 },
            KeyCode::Enter => return self.accept(),
            _ => {
                let Some(field) = self.fields.get_mut(self.chosen) else { return Step::GiveUp };
                return field.on_key(key);
            }
        }
        Step::Stay
    }

    /// Puts pasted text where typed text goes.
    pub fn paste(&mut self, line: &str) {
        if let Some(Field { value: Value::Text { text, .. }, .. }) = self.fields.get_mut(self.chosen) {
            text.push_str(line);
        }
    }

    fn accept(&mut self) -> Step {
        self.trouble = self.button.environment(&self.inputs()).err().map(|invalid| invalid.to_string());
        match &self.trouble {
            Some(_) => Step::Stay,
            None if self.button.confirm => {
                self.sure = true;
                Step::Stay
            }
            None => Step::Press,
        }
    }

    /// The answer to the question whether to do it.
    fn on_answer(&mut self, key: KeyEvent) -> Step {
        match key.code {
            KeyCode::Enter | KeyCode::Char('y') => Step::Press,
            _ if self.fields.is_empty() => Step::GiveUp,
            _ => {
                self.sure = false;
                Step::Stay
            }
        }
    }
}

impl Field {
    fn of(input: &ButtonInput) -> Option<Self> {
        let value = match &input.kind {
            InputKind::Text { default, placeholder } => {
                Value::Text { text: default.clone(), placeholder: placeholder.clone() }
            }
            InputKind::Bool { default, .. } => Value::Bool(*default),
            InputKind::Choice { choices } => Value::Choice { choices: choices.clone(), chosen: 0 },
            InputKind::Hidden { .. } => return None,
        };
        let label = if input.label.is_empty() { &input.name } else { &input.label };
        Some(Self { name: input.name.clone(), label: label.clone(), value })
    }

    fn on_key(&mut self, key: KeyEvent) -> Step {
        let is_given_up = key.code == KeyCode::Esc || matches!(edit(key, &mut String::new()), Edit::GivenUp);
        if is_given_up {
            return Step::GiveUp;
        }
        match &mut self.value {
            Value::Text { text, .. } => drop(edit(key, text)),
            Value::Bool(on) => match key.code {
                KeyCode::Char(' ' | 'x') | KeyCode::Left | KeyCode::Right => *on ^= true,
                KeyCode::Char('y') => *on = true,
                KeyCode::Char('n') => *on = false,
                _ => {}
            },
            Value::Choice { choices, chosen } => match key.code {
                KeyCode::Left => *chosen = chosen.checked_sub(1).unwrap_or(choices.len().saturating_sub(1)),
                KeyCode::Right | KeyCode::Char(' ') => *chosen = (*chosen + 1) % choices.len().max(1),
                _ => {}
            },
        }
        Step::Stay
    }
}

impl Value {
    /// As the session takes it.
    fn text(&self) -> String {
        match self {
            Self::Text { text, .. } => text.clone(),
            Self::Bool(on) => on.to_string(),
            Self::Choice { choices, chosen } => choices.get(*chosen).cloned().unwrap_or_default(),
        }
    }
}
