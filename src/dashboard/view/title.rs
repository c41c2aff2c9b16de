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
    let mut x = area.x + 1;
    for (view, name, _) in tabs(dashboard, area.width) {
        let is_open = dashboard.view == view;
        let tone = match (is_open, dashboard.focus) {
            (true, Focus::Pane) => Tone::Accent,
            (true, Focus::List) => Tone::Strong,
            (false, _) => Tone::Dim,
        };
        x = put_pieces(buffer, area, x, area.y, &[piece(look, tone, format!(" {name} "))]);
    }
    let said = said(dashboard);
    let right = Rect { width: area.width.saturating_sub(1), ..area };
    for needed in Needed::ALL {
        let pieces: Vec<Piece> =
            said.iter().filter(|(how, _)| *how <= needed).map(|(_, piece)| piece.clone()).collect();
        if put_right(buffer, right, x + 1, area.y, &pieces) < right.right() {
            return;
        }
    }
}

/// How much something on the line is needed: what needs it least goes first where there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needed {
    /// Without it one would misread what is shown.
    Always,
    Much,
    Little,
    /// It is on the screen elsewhere.
    Least,
}

impl Needed {
    const ALL: [Self; 4] = [Self::Least, Self::Little, Self::Much, Self::Always];
}

/// Where there is little room, only the open one has its name.
fn tabs(dashboard: &Dashboard, width: u16) -> impl Iterator<Item = (PaneView, &'static str, Action)> {
    let needed: usize = said(dashboard)
        .iter()
        .filter(|(needed, _)| *needed == Needed::Always)
        .map(|(_, piece)| text::columns(&piece.text))
        .sum();
    let names: usize = TABS.iter().map(|(_, name, _)| name.len() + 2).sum();
    let is_narrow = width < 60 || usize::from(width) < names + needed + 3;
    let open = dashboard.view;
    let name = move |view, name: &'static str| if is_narrow && view != open { &name[..1] } else { name };
    TABS.into_iter().map(move |(view, text, action)| (view, name(view, text), action))
}

/// What a click in that column does.
pub(in crate::dashboard) fn action_at(dashboard: &Dashboard, column: usize) -> Option<Action> {
    let mut end = 1;
    tabs(dashboard, dashboard.areas().title.width).find_map(|(_, name, action)| {
        end += name.len() + 2;
        (column < end).then_some(action)
    })
}

/// Of whom the view is, and how the log is shown.
fn said(dashboard: &Dashboard) -> Vec<(Needed, Piece)> {
    let look = dashboard.setting.look;
    let mut said = Vec::new();
    if dashboard.view != PaneView::Timeline {
        let who = dashboard.selected.as_ref().map_or("all resources", |name| name.as_str());
        said.push((Needed::Least, piece(look, Tone::Plain, format!(" {who} "))));
    }
    if dashboard.view == PaneView::Logs {
        let fitted = |text: &str| format!(" {} ", text::fitted(text, 24, look.signs().cut));
        let how = state(dashboard).into_iter();
        said.extend(how.map(|(needed, tone, text)| (needed, piece(look, tone, fitted(&text)))));
    }
    said
}

fn state(dashboard: &Dashboard) -> Vec<(Needed, Tone, String)> {
    let look = dashboard.setting.look;
    let logs = &dashboard.logs;
    let mut said = Vec::new();
    if let Some(search) = &logs.search {
        let count = search.count.map_or_else(|| format!(" {}", look.signs().cut), |count| format!(" {}", count.lines));
        said.push((
            Needed::Always,
            Tone::Accent,
            format!("/{}{count}", text::fitted(&search.text, 18, look.signs().cut)),
        ));
    }
    if !logs.query.text.is_empty() {
        said.push((Needed::Always, Tone::Busy, format!("&{}", logs.query.text)));
    }
    match logs.query.level {
        Some(Level::Error) => said.push((Needed::Always, Tone::Busy, "errors".to_owned())),
        Some(Level::Warning) => said.push((Needed::Always, Tone::Busy, "warnings".to_owned())),
        Some(Level::Info) | None => {}
    }
    match logs.query.stream {
        Some(StreamName::Stdout) => said.push((Needed::Always, Tone::Busy, "stdout".to_owned())),
        Some(StreamName::Stderr) => said.push((Needed::Always, Tone::Busy, "stderr".to_owned())),
        Some(StreamName::Orch) => said.push((Needed::Always, Tone::Busy, "orch".to_owned())),
        None => {}
    }
    if let Some(count) = logs.filtered.filter(|_| logs.query.is_filtered()) {
        said.push((Needed::Much, Tone::Dim, words::count_of(count.lines, "line")));
    }
    said.push(if logs.follows {
        (Needed::Little, Tone::Dim, "following".to_owned())
    } else {
        (Needed::Always, Tone::Busy, "paused".to_owned())
    });
    said
}
