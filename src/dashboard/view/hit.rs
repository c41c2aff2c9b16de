//! What lies under a click on something that is above the rest.

use super::{buttons, page, palette, quit, switch};
use crate::dashboard::state::{Dashboard, Overlay};
use crossterm::event::KeyCode;
use ratatui::layout::{Position, Rect};

/// What lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dashboard) enum Hit {
    /// Nothing of it.
    Outside,
    /// One of several to choose from.
    Choice(usize),
    /// What a key does too.
    Key(KeyCode),
    /// Text.
    Text,
}

/// What of `overlay` lies at that place.
pub(in crate::dashboard) fn at(dashboard: &Dashboard, overlay: &Overlay, at: Position) -> Hit {
    let screen = dashboard.screen;
    let area = match overlay {
        Overlay::Help(_) | Overlay::Errors(_) => page::outer(screen),
        Overlay::Palette { .. } => palette::area(screen),
        Overlay::Buttons(_) => buttons::area(dashboard, screen),
        Overlay::Links(_) => palette::links_area(dashboard, screen),
        Overlay::Quit { .. } => quit::area(screen),
        Overlay::Switch(switch) => switch::area(switch, screen),
        // What was typed is not lost by a click beside it.
        Overlay::Form(_) | Overlay::Prompt(..) => return Hit::Text,
    };
    if !area.contains(at) {
        return Hit::Outside;
    }
    let below = usize::from(area.bottom() - at.y);
    let Some(row) = usize::from(at.y - area.y).checked_sub(1).filter(|_| below > 1) else { return Hit::Text };
    match overlay {
        Overlay::Palette { text, chosen } => {
            let count = dashboard.offers(text).len();
            choice(row, 2, count, *chosen, Rect { height: area.height.saturating_sub(4), ..area })
        }
        Overlay::Buttons(chosen) => {
            let count = dashboard.buttons().len();
            choice(row, 0, count, *chosen, Rect { height: area.height.saturating_sub(4), ..area })
        }
        Overlay::Links(_) => Hit::Choice(row),
        Overlay::Quit { .. } => {
            quit::KEYS.get(row).copied().flatten().map_or(Hit::Text, |key| Hit::Key(KeyCode::Char(key)))
        }
        // Its last lines are its keys; the border is below them.
        Overlay::Switch(_) => match below {
            4 => Hit::Key(KeyCode::Enter),
            3 => Hit::Key(KeyCode::Char('a')),
            2 => Hit::Key(KeyCode::Esc),
            _ => Hit::Text,
        },
        Overlay::Help(_) | Overlay::Errors(_) | Overlay::Form(_) | Overlay::Prompt(..) => Hit::Text,
    }
}

/// Which of `count` is in a row of a list that begins `above` rows below the border and shows the chosen one.
fn choice(row: usize, above: usize, count: usize, chosen: usize, rows: Rect) -> Hit {
    let place = row.checked_sub(above).map(|row| row + palette::first_shown(chosen, rows));
    let is_shown = row < above + usize::from(rows.height);
    place.filter(|place| is_shown && *place < count).map_or(Hit::Text, Hit::Choice)
}
