//! Why a key cannot do now what it is for, in the user's words: no key does nothing in silence.

use super::{
    command::Ask,
    keymap::{self, Action},
};
use crate::{
    model::ResourceName,
    snapshot::{Hold, Row, RowKind, RuntimeStatus},
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Why nothing would come of asking the session for that.
#[must_use]
pub fn ask(ask: Ask, row: &Row) -> Option<String> {
    let name = &row.name;
    match ask {
        Ask::Enable { .. } | Ask::Disable { .. } => None,
        Ask::Trigger | Ask::Restart | Ask::Stop | Ask::Start if !row.spec.enabled => Some(disabled(name)),
        Ask::Trigger | Ask::Restart => None,
        Ask::Stop if is_stopped(row) && !lives(row) => {
            Some(format!("{name} is stopped already: {} starts it", keymap::key_of(Action::Start)))
        }
        Ask::Stop => None,
        Ask::Start if is_stopped(row) => None,
        Ask::Start if lives(row) => Some(format!("{name} runs already")),
        Ask::Start if row.runs.is_empty() || !row.dirty && row.runtime != RuntimeStatus::NotApplicable => None,
        Ask::Start => Some(format!("{name} was not stopped: {} runs it again", keymap::key_of(Action::Trigger))),
    }
}

/// Why no shell can be opened in what it has running.
#[must_use]
pub fn exec(row: &Row) -> Option<String> {
    let missing = match (row.kind, &row.instance) {
        (RowKind::Local, _) => None,
        (RowKind::Container, Some(instance)) if !instance.containers.is_empty() => None,
        (RowKind::Kubernetes, Some(instance)) if !instance.pods.is_empty() => None,
        (RowKind::Container, _) => Some("container"),
        (RowKind::Kubernetes, _) => Some("pod"),
    };
    missing.map(|what| format!("{} has no {what} that runs", row.name))
}

fn disabled(name: &ResourceName) -> String {
    format!("{name} is disabled: {} enables it", keymap::key_of(Action::Enable))
}

fn is_stopped(row: &Row) -> bool {
    row.hold == Some(Hold::Stopped)
}

fn lives(row: &Row) -> bool {
    row.current_run.is_some() || row.instance.as_ref().is_some_and(|instance| instance.exit.is_none())
}

/// What is said of a key that means nothing; `None` for what is no key of its own.
#[must_use]
pub fn unknown(key: KeyEvent) -> Option<String> {
    let chord = match (key.modifiers.contains(KeyModifiers::CONTROL), key.modifiers.contains(KeyModifiers::ALT)) {
        (true, _) => "ctrl-",
        (false, true) => "alt-",
        (false, false) => "",
    };
    let name = match key.code {
        KeyCode::F(number) => format!("F{number}"),
        KeyCode::Backspace => "backspace".to_owned(),
        KeyCode::Delete => "delete".to_owned(),
        KeyCode::Insert => "insert".to_owned(),
        _ => keymap::name_of_code(key.code)?,
    };
    Some(format!("{chord}{name} does nothing here: {} shows the keys", keymap::key_of(Action::Help)))
}
