//! Buttons to choose from, and the form before a press.

use super::cells::{Piece, centred, piece, put_pieces, window};
use crate::{
    dashboard::{
        buttons::button_words,
        form::{Field, Form, Value},
        look::Tone,
        state::Dashboard,
        text::{broken, columns, fitted, padded},
    },
    snapshot::ButtonRow,
};
use ratatui::{buffer::Buffer, layout::Rect};

const WIDTH: u16 = 72;

/// Where the choice of a button is.
pub(in crate::dashboard) fn area(dashboard: &Dashboard, screen: Rect) -> Rect {
    let height = u16::try_from(dashboard.buttons().len() + 4).unwrap_or(u16::MAX);
    centred(screen, WIDTH, height.min(20))
}

/// Which button is pressed.
pub(in crate::dashboard) fn choose(dashboard: &Dashboard, chosen: usize, screen: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let buttons = dashboard.buttons();
    let chosen = chosen.min(buttons.len().saturating_sub(1));
    let inner = window(look, buffer, area(dashboard, screen), "Buttons");
    let rows = Rect { height: inner.height.saturating_sub(2), ..inner };
    let first = (chosen + 1).saturating_sub(usize::from(rows.height).max(1));
    for (y, (place, row)) in (rows.top()..rows.bottom()).zip(buttons.iter().enumerate().skip(first)) {
        put_pieces(buffer, rows, rows.x, y, &line(dashboard, row, place, place == chosen, usize::from(rows.width)));
    }
    let hint = vec![piece(look, Tone::Dim, "  enter presses it, esc goes back")];
    put_pieces(buffer, inner, inner.x, inner.bottom().saturating_sub(1), &hint);
}

fn line(dashboard: &Dashboard, row: &ButtonRow, place: usize, is_chosen: bool, width: usize) -> Vec<Piece> {
    let look = dashboard.setting.look;
    let (state, state_tone) = button_words(row, dashboard.session_time());
    let state = fitted(&state, width / 2, look.signs().cut);
    let room = width.saturating_sub(5 + columns(&state) + 2);
    let whose = row.button.resource.as_ref().map_or_else(|| "the session".to_owned(), ToString::to_string);
    let text = fitted(&row.button.text, room, look.signs().cut);
    let whose = fitted(&format!("  {whose}"), room.saturating_sub(columns(&text)), look.signs().cut);
    let fill = " ".repeat(room.saturating_sub(columns(&text) + columns(&whose)) + 2);
    let tone = match (row.button.disabled, is_chosen) {
        (true, _) => Tone::Dim,
        (false, true) => Tone::Strong,
        (false, false) => Tone::Plain,
    };
    let number = if place < 9 { (place + 1).to_string() } else { " ".to_owned() };
    vec![
        piece(look, Tone::Accent, format!("{} ", if is_chosen { look.signs().pointer } else { " " })),
        piece(look, Tone::Dim, format!("{number}  ")),
        piece(look, tone, text),
        piece(look, Tone::Dim, whose + &fill),
        piece(look, state_tone, state),
    ]
}

/// What is asked before a press.
pub(in crate::dashboard) fn form(dashboard: &Dashboard, form: &Form, screen: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let below = below(dashboard, form, usize::from(WIDTH.min(screen.width)).saturating_sub(6));
    let height = u16::try_from(form.fields.len() + below.len() + 2).unwrap_or(u16::MAX);
    let inner = window(look, buffer, centred(screen, WIDTH, height), &form.button.text);
    let rows = usize::from(inner.height).saturating_sub(below.len());
    let first = (form.chosen + 1).saturating_sub(rows.max(1));
    let labels = form.fields.iter().map(|field| columns(&field.label)).max().unwrap_or(0).min(24);
    let fields = form.fields.iter().enumerate().skip(first).take(rows);
    let lines = fields.map(|(place, field)| {
        let has_keys = place == form.chosen && !form.sure;
        let mut line = vec![
            piece(look, Tone::Accent, format!("{} ", if has_keys { look.signs().pointer } else { " " })),
            piece(
                look,
                if has_keys { Tone::Strong } else { Tone::Plain },
                padded(&field.label, labels, look.signs().cut),
            ),
            piece(look, Tone::Plain, "  "),
        ];
        line.extend(value(dashboard, field, has_keys, usize::from(inner.width).saturating_sub(labels + 5)));
        line
    });
    for (y, line) in (inner.top()..inner.bottom()).zip(lines.chain(below)) {
        put_pieces(buffer, inner, inner.x, y, &line);
    }
}

/// What is chosen in a field, and how another choice is made.
fn value(dashboard: &Dashboard, field: &Field, has_keys: bool, width: usize) -> Vec<Piece> {
    let look = dashboard.setting.look;
    let caret = if look.unicode { "▏" } else { "_" };
    match &field.value {
        Value::Text { text, placeholder } => {
            // The end is what is being typed.
            let excess = columns(text).saturating_sub(width);
            let start = text.char_indices().nth(excess).map_or(text.len(), |(at, _)| at);
            let mut pieces = vec![piece(look, Tone::Plain, if excess == 0 { text.as_str() } else { &text[start..] })];
            if has_keys {
                pieces.push(piece(look, Tone::Accent, caret));
            }
            if text.is_empty() {
                pieces.push(piece(look, Tone::Dim, placeholder.clone()));
            }
            pieces
        }
        Value::Bool(on) => {
            let mark = if *on { "[x]" } else { "[ ]" };
            let hint = if has_keys { "  space changes it" } else { "" };
            vec![piece(look, Tone::Plain, mark), piece(look, Tone::Dim, hint)]
        }
        Value::Choice { choices, chosen } => {
            let arrows = if look.unicode { ("‹ ", " ›") } else { ("< ", " >") };
            let all = fitted(&format!("  of {}", choices.join(", ")), width / 2, look.signs().cut);
            vec![
                piece(look, if has_keys { Tone::Accent } else { Tone::Dim }, arrows.0),
                piece(look, Tone::Plain, choices.get(*chosen).cloned().unwrap_or_default()),
                piece(look, if has_keys { Tone::Accent } else { Tone::Dim }, arrows.1),
                piece(look, Tone::Dim, if has_keys { all } else { String::new() }),
            ]
        }
    }
}

/// What stands below the fields: what is wrong, the question whether to do it, and the keys.
fn below(dashboard: &Dashboard, form: &Form, width: usize) -> Vec<Vec<Piece>> {
    let look = dashboard.setting.look;
    let mut lines = if form.fields.is_empty() { Vec::new() } else { vec![Vec::new()] };
    if let Some(trouble) = &form.trouble {
        let rows = broken(trouble, width.max(10));
        lines.extend(rows.into_iter().map(|row| vec![piece(look, Tone::Bad, format!("  {row}"))]));
        lines.push(Vec::new());
    }
    if form.sure {
        lines.push(vec![piece(look, Tone::Busy, "  are you sure?")]);
        lines.push(Vec::new());
    }
    let keys = match (form.sure, form.fields.len()) {
        (true, _) => "  enter or y does it, esc goes back",
        (false, 1) => "  enter presses it, esc goes back",
        (false, _) => "  enter presses it, tab goes on, esc goes back",
    };
    lines.push(vec![piece(look, Tone::Dim, keys)]);
    lines
}
