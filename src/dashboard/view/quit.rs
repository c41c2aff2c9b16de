//! The question what quitting does.

use super::cells::{centred, piece, put_pieces, window};
use crate::dashboard::{look::Tone, preferences::Quit, state::Dashboard};
use ratatui::{buffer::Buffer, layout::Rect};

/// Where the question is.
pub(in crate::dashboard) fn area(screen: Rect) -> Rect {
    centred(screen, 62, 8)
}

/// What is a key on each line of it.
pub(in crate::dashboard) const KEYS: [Option<char>; 4] = [Some('s'), Some('d'), None, Some('a')];

/// Draws the question.
pub(in crate::dashboard) fn draw(
    dashboard: &Dashboard,
    choice: Quit,
    unasked: bool,
    screen: Rect,
    buffer: &mut Buffer,
) {
    let look = dashboard.setting.look;
    let inner = window(look, buffer, area(screen), "Quit");
    let option = |quit: Quit, key: &str, word: &str, text: &str| {
        let is_chosen = quit == choice;
        let sign = if is_chosen { look.signs().pointer } else { " " };
        vec![
            piece(look, Tone::Accent, format!("{sign} ")),
            piece(look, Tone::Accent, format!("{key}  ")),
            piece(look, if is_chosen { Tone::Strong } else { Tone::Plain }, format!("{word:8}")),
            piece(look, Tone::Dim, text),
        ]
    };
    let mark = if unasked { "[x]" } else { "[ ]" };
    let lines = [
        option(Quit::Stop, "s", "stop", "end local processes; containers stay"),
        option(Quit::Detach, "d", "detach", "it goes on; `orch attach` comes back"),
        Vec::new(),
        vec![piece(look, Tone::Plain, format!("  {mark} ")), piece(look, Tone::Dim, "a  do not ask again")],
        Vec::new(),
        vec![piece(look, Tone::Dim, "  enter does it, esc goes back")],
    ];
    for (y, line) in (inner.top()..inner.bottom()).zip(&lines) {
        put_pieces(buffer, inner, inner.x, y, line);
    }
}
