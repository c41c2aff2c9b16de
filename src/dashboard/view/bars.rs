//! The first and the last line: how the project fares, and what can be done now.

use super::cells::{Piece, piece, put, put_pieces, put_right};
use crate::dashboard::{
    keymap::{self, Action},
    list::{self, Item, Need},
    look::Tone,
    state::{Dashboard, Focus, Link, Overlay, PaneView, Prompt},
    text,
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};
use std::ops::Range;

/// The first line.
pub(in crate::dashboard) fn header(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let look = dashboard.setting.look;
    let x = put_pieces(
        buffer,
        area,
        area.x + 1,
        area.y,
        &[piece(look, Tone::Accent, "orch"), piece(look, Tone::Strong, format!("  {}", dashboard.setting.title))],
    );
    let right = Rect { width: area.width.saturating_sub(1), ..area };
    let end = put_right(buffer, right, x + 2, area.y, &session(dashboard));
    let counts = counts(dashboard);
    let middle = Rect { width: end.saturating_sub(area.x + 2), ..area };
    put_pieces(buffer, middle, x + 3, area.y, &counts);
}

/// `✖ 1 failing  ◐ 2 in progress  ● 5 well`.
fn counts(dashboard: &Dashboard) -> Vec<Piece> {
    let look = dashboard.setting.look;
    let signs = look.signs();
    let rows = dashboard.snapshot.rows.iter();
    let mut counts = [0usize; 6];
    rows.for_each(|row| counts[list::need(row) as usize] += 1);
    let said = [
        (Need::Bad, signs.bad, Tone::Bad, "failing"),
        (Need::Busy, signs.busy, Tone::Busy, "in progress"),
        (Need::Waits, signs.waits, Tone::Busy, "waiting"),
        (Need::Good, signs.good, Tone::Good, "well"),
        (Need::Idle, signs.idle, Tone::Dim, "idle"),
        (Need::Off, signs.off, Tone::Dim, "disabled"),
    ];
    let mut pieces = Vec::new();
    for (need, sign, tone, word) in said {
        let count = counts[need as usize];
        if count > 0 {
            pieces.push(piece(look, tone, sign));
            pieces.push(piece(
                look,
                if tone == Tone::Dim { Tone::Dim } else { Tone::Plain },
                format!(" {count} {word}   "),
            ));
        }
    }
    let warnings = dashboard.snapshot.orchfile.warnings.len();
    if warnings > 0 {
        let plural = if warnings == 1 { "" } else { "s" };
        pieces.push(piece(look, Tone::Doubt, signs.doubt));
        pieces.push(piece(look, Tone::Plain, format!(" {warnings} warning{plural}")));
    }
    pieces
}

/// How the session fares as a whole.
fn session(dashboard: &Dashboard) -> Vec<Piece> {
    let look = dashboard.setting.look;
    let snapshot = &dashboard.snapshot;
    let since = list::coarse(dashboard.session_time().0);
    let (tone, text) = match &dashboard.link {
        Link::Connecting => (Tone::Busy, "connecting".to_owned()),
        Link::Lost(_) => (Tone::Bad, "no answer".to_owned()),
        Link::Ended => (Tone::Dim, "ended".to_owned()),
        Link::Live if dashboard.stopping || snapshot.shutting_down => (Tone::Busy, "stopping".to_owned()),
        Link::Live if snapshot.orchfile.loading => (Tone::Busy, "reading the Orchfile".to_owned()),
        Link::Live if snapshot.at_rest => (Tone::Dim, format!("at rest {} up {since}", look.signs().dot)),
        Link::Live => (Tone::Dim, format!("up {since}")),
    };
    vec![piece(look, tone, text)]
}

/// The last line.
pub(in crate::dashboard) fn footer(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let look = dashboard.setting.look;
    if let Some(Overlay::Prompt(prompt, text)) = &dashboard.overlay {
        let x = put(buffer, area, area.x + 1, area.y, prompt_label(*prompt), look.style(Tone::Accent));
        put(buffer, area, x, area.y, prompt_tail(text, area, x), look.style(Tone::Plain));
        return;
    }
    if let Link::Lost(why) = &dashboard.link {
        put(
            buffer,
            area,
            area.x + 1,
            area.y,
            &format!("{}: {why}", "the session does not answer"),
            look.style(Tone::Bad),
        );
        return;
    }
    if let Some(message) = &dashboard.message {
        put(buffer, area, area.x + 1, area.y, &message.text, look.style(message.tone));
        return;
    }
    for (columns, action, word) in placed_hints(dashboard, area) {
        let key = keymap::key_of(action);
        let pieces = [piece(look, Tone::Strong, key), piece(look, Tone::Dim, format!(" {word}"))];
        put_pieces(buffer, area, columns.start, area.y, &pieces);
    }
}

/// What a click in that column of the last line does.
pub(in crate::dashboard) fn action_at(dashboard: &Dashboard, area: Rect, column: u16) -> Option<Action> {
    if dashboard.message.is_some() || matches!(dashboard.link, Link::Lost(_)) {
        return None;
    }
    let found = placed_hints(dashboard, area).into_iter().find(|(columns, _, _)| columns.contains(&column));
    found.map(|(_, action, _)| action)
}

/// The hints that have room, and their columns.
fn placed_hints(dashboard: &Dashboard, area: Rect) -> Vec<(Range<u16>, Action, &'static str)> {
    let mut x = area.x + 1;
    let mut placed = Vec::new();
    for (action, word) in hints(dashboard) {
        let width = u16::try_from(text::columns(keymap::key_of(action)) + 1 + word.len()).unwrap_or(u16::MAX);
        if x.saturating_add(width).saturating_add(2) > area.right() {
            break;
        }
        placed.push((x..x + width, action, word));
        x += width + 2;
    }
    placed
}

fn prompt_label(prompt: Prompt) -> &'static str {
    match prompt {
        Prompt::Search => "search: ",
        Prompt::FilterLines => "only lines with: ",
        Prompt::FilterList => "only names with: ",
    }
}

/// The end of what is typed, as far as there is room.
fn prompt_tail(typed: &str, area: Rect, x: u16) -> &str {
    let room = usize::from(area.right().saturating_sub(x)).saturating_sub(1);
    let excess = text::columns(typed).saturating_sub(room);
    let start = typed.char_indices().nth(excess).map_or(typed.len(), |(at, _)| at);
    if excess == 0 { typed } else { &typed[start..] }
}

/// Where the cursor stands while a line of text is typed.
pub(in crate::dashboard) fn prompt_cursor(dashboard: &Dashboard) -> Option<Position> {
    let Some(Overlay::Prompt(prompt, typed)) = &dashboard.overlay else { return None };
    let area = dashboard.areas().footer;
    let x = area.x + 1 + u16::try_from(prompt_label(*prompt).len()).ok()?;
    let x = x + u16::try_from(text::columns(prompt_tail(typed, area, x))).ok()?;
    (x < area.right() && area.height > 0).then_some(Position { x, y: area.y })
}

/// What can be done now, most useful first.
fn hints(dashboard: &Dashboard) -> Vec<(Action, &'static str)> {
    let has_errors = !dashboard.snapshot.orchfile.errors.is_empty() || !dashboard.snapshot.orchfile.warnings.is_empty();
    let mut hints: Vec<(Action, &'static str)> = vec![(Action::Help, "help")];
    if has_errors {
        hints.push((Action::ShowErrors, "errors"));
    }
    let is_resource = dashboard.selected.is_some();
    if is_resource && (dashboard.focus == Focus::List || dashboard.view != PaneView::Logs) {
        hints.extend([(Action::Trigger, "trigger"), (Action::Restart, "restart"), (Action::Stop, "stop")]);
        let has_link = dashboard.selected_row().is_some_and(|row| !row.links.is_empty());
        if has_link {
            hints.push((Action::Open, "open"));
        }
    }
    if dashboard.focus == Focus::List && !dashboard.buttons().is_empty() {
        hints.push((Action::Buttons, "buttons"));
    }
    if dashboard.logs.search.is_some() {
        hints.extend([(Action::PreviousMatch, "before"), (Action::NextMatch, "next")]);
    }
    if dashboard.view == PaneView::Logs {
        hints.extend([(Action::Search, "search"), (Action::Level, "level")]);
    }
    if dashboard.focus == Focus::Pane && dashboard.view == PaneView::Logs {
        let follow = if dashboard.logs.follows { "pause" } else { "follow" };
        hints.extend([(Action::Follow, follow), (Action::Wrap, "wrap"), (Action::Copy, "copy")]);
    }
    let has_many = dashboard.items.iter().filter(|item| matches!(item, Item::Row(_))).count() > 8;
    if has_many && dashboard.focus == Focus::List {
        hints.push((Action::FilterList, "filter"));
    }
    let zoom = if dashboard.zoomed { "list" } else { "zoom" };
    hints.extend([(Action::Zoom, zoom), (Action::Palette, "all commands"), (Action::Quit, "quit")]);
    hints
}
