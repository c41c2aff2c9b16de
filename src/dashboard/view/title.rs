//! The line above the pane: which views there are, of whom, and how the log is shown.

use super::cells::{Piece, piece, put_pieces, put_right, rule};
use crate::{
    dashboard::{
        keymap::Action,
        look::Tone,
        state::{Dashboard, Focus, PaneView},
        text,
    },
    logs::StreamName,
    model::Level,
    snapshot::words,
};
use ratatui::{buffer::Buffer, layout::Rect};

const TABS: [(PaneView, &str, Action); 4] = [
    (PaneView::Logs, "1 Log", Action::ShowLogs),
    (PaneView::Detail, "2 Detail", Action::ShowDetail),
    (PaneView::Graph, "3 Graph", Action::ShowGraph),
    (PaneView::Timeline, "4 Timeline", Action::ShowTimeline),
];

/// Draws the line.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let look = dashboard.setting.look;
    rule(look, buffer, area, area.x, area.y);
    let is_narrow = area.width < 60;
    let mut x = area.x + 1;
    for (view, name, _) in tabs(dashboard, is_narrow) {
        let is_open = dashboard.view == view;
        let tone = match (is_open, dashboard.focus) {
            (true, Focus::Pane) => Tone::Accent,
            (true, Focus::List) => Tone::Strong,
            (false, _) => Tone::Dim,
        };
        x = put_pieces(buffer, area, x, area.y, &[piece(look, tone, format!(" {name} "))]);
    }
    let who = dashboard.selected.as_ref().map_or("all resources", |name| name.as_str());
    let whole = dashboard.view == PaneView::Timeline;
    let who = if whole { Vec::new() } else { vec![piece(look, Tone::Plain, format!(" {who} "))] };
    let state = [who, state(dashboard)].concat();
    let right = Rect { width: area.width.saturating_sub(1), ..area };
    if put_right(buffer, right, x + 1, area.y, &state) == right.right() {
        // Where there is no room for both, how it is shown matters more.
        put_right(buffer, right, x + 1, area.y, &self::state(dashboard));
    }
}

/// Where there is little room, only the open one has its name.
fn tabs(dashboard: &Dashboard, is_narrow: bool) -> impl Iterator<Item = (PaneView, &'static str, Action)> {
    let open = dashboard.view;
    let name = move |view, name: &'static str| if is_narrow && view != open { &name[..1] } else { name };
    TABS.into_iter().map(move |(view, text, action)| (view, name(view, text), action))
}

/// What a click in that column does.
pub(in crate::dashboard) fn action_at(dashboard: &Dashboard, column: usize) -> Option<Action> {
    let mut end = 1;
    tabs(dashboard, dashboard.areas().title.width < 60).find_map(|(_, name, action)| {
        end += name.len() + 2;
        (column < end).then_some(action)
    })
}

/// How the log is shown, where that is not as usual.
fn state(dashboard: &Dashboard) -> Vec<Piece> {
    if dashboard.view != PaneView::Logs {
        return Vec::new();
    }
    let look = dashboard.setting.look;
    let logs = &dashboard.logs;
    let mut said: Vec<(Tone, String)> = Vec::new();
    if let Some(search) = &logs.search {
        let count = search.count.map_or_else(|| format!(" {}", look.signs().cut), |count| format!(" {}", count.lines));
        said.push((Tone::Accent, format!("/{}{count}", text::fitted(&search.text, 18, look.signs().cut))));
    }
    if !logs.query.text.is_empty() {
        said.push((Tone::Busy, format!("&{}", logs.query.text)));
    }
    match logs.query.level {
        Some(Level::Error) => said.push((Tone::Busy, "errors".to_owned())),
        Some(Level::Warning) => said.push((Tone::Busy, "warnings".to_owned())),
        Some(Level::Info) | None => {}
    }
    match logs.query.stream {
        Some(StreamName::Stdout) => said.push((Tone::Busy, "stdout".to_owned())),
        Some(StreamName::Stderr) => said.push((Tone::Busy, "stderr".to_owned())),
        Some(StreamName::Orch) => said.push((Tone::Busy, "orch".to_owned())),
        None => {}
    }
    if let Some(count) = logs.filtered.filter(|_| logs.query.is_filtered()) {
        said.push((Tone::Dim, words::count_of(count.lines, "line")));
    }
    said.push(if logs.follows { (Tone::Dim, "following".to_owned()) } else { (Tone::Busy, "paused".to_owned()) });
    said.iter()
        .map(|(tone, text)| piece(look, *tone, format!(" {} ", text::fitted(text, 24, look.signs().cut))))
        .collect()
}
