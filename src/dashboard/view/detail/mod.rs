//! All of one resource: how it fares and why, its runs, what it is made of, what it waits for, and its last error in full.

mod declared;
mod fares;
mod parts;
mod runs;

use super::cells::{Piece, piece, put_pieces, scroll_bar};
use crate::{
    dashboard::{
        list::coarse,
        look::Tone,
        state::Dashboard,
        text::{broken, columns, padded},
    },
    model::{FilePath, Time},
    snapshot::{Row, words},
};
use ratatui::{buffer::Buffer, layout::Rect};

type Lines = Vec<Vec<Piece>>;

/// Columns of the names of facts.
const NAME: usize = 11;

/// Draws the view.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let lines = lines(dashboard, usize::from(area.width).saturating_sub(3));
    for (y, line) in (area.top()..area.bottom()).zip(lines.iter().skip(dashboard.scroll.0)) {
        put_pieces(buffer, Rect { width: area.width.saturating_sub(1), ..area }, area.x + 1, y, line);
    }
    scroll_bar(look, buffer, area, dashboard.scroll.0, lines.len());
}

/// The text of the view.
pub(in crate::dashboard) fn lines(dashboard: &Dashboard, width: usize) -> Lines {
    match dashboard.selected_row() {
        Some(row) => Detail { dashboard, row, root: dashboard.root(), now: dashboard.session_time(), width }.lines(),
        None => overview(dashboard),
    }
}

/// What is told where no resource is chosen: the session.
fn overview(dashboard: &Dashboard) -> Lines {
    let look = dashboard.setting.look;
    let snapshot = &dashboard.snapshot;
    let fact =
        |name: &str, text: String| vec![piece(look, Tone::Dim, padded(name, NAME, "")), piece(look, Tone::Plain, text)];
    let root = snapshot.root.as_ref().map(FilePath::to_string).unwrap_or_default();
    let mut lines = vec![
        fact("project", root),
        fact("up since", words::duration(dashboard.session_time().0)),
        fact("resources", snapshot.rows.len().to_string()),
        fact("Orchfile", format!("loaded {}", words::count_of(snapshot.orchfile.loads, "time"))),
    ];
    if !snapshot.args.is_empty() {
        lines.push(fact("arguments", snapshot.args.join(" ")));
    }
    let buttons = parts::buttons(dashboard);
    if !buttons.is_empty() {
        lines.extend([Vec::new(), vec![piece(look, Tone::Strong, "Buttons")]]);
        lines.extend(buttons);
    }
    lines.push(Vec::new());
    lines.push(vec![piece(look, Tone::Dim, "choose a resource to see all of it")]);
    lines
}

struct Detail<'a> {
    dashboard: &'a Dashboard,
    row: &'a Row,
    root: FilePath,
    now: Time,
    width: usize,
}

impl Detail<'_> {
    fn lines(&self) -> Lines {
        let mut lines = self.head();
        let sections = [
            ("Last error", self.error()),
            ("Runs", self.runs(&self.row.runs, self.row.current_run.as_ref())),
            ("Buttons", parts::buttons(self.dashboard)),
            ("Pods", self.pods()),
            ("Forwards", self.forwards()),
            ("Containers", self.containers()),
            ("Images", self.images()),
            ("Waits for", self.needs()),
            ("Waited for by", self.needed_by()),
            ("Declared", self.declared()),
            ("Reads", self.reads()),
            ("Writes", self.paths(&self.row.spec.outputs)),
        ];
        for (title, section) in sections {
            if !section.is_empty() {
                lines.push(Vec::new());
                lines.push(vec![self.piece(Tone::Strong, title)]);
                lines.extend(section);
            }
        }
        lines
    }

    fn piece(&self, tone: Tone, text: impl Into<String>) -> Piece {
        piece(self.dashboard.setting.look, tone, text)
    }

    fn fact(&self, name: &str, tone: Tone, text: &str) -> Lines {
        self.fact_within(NAME, self.width, name, tone, text)
    }

    /// With names of `names` columns, or of more where this one needs them.
    fn fact_within(&self, names: usize, width: usize, name: &str, tone: Tone, text: &str) -> Lines {
        let names = names.max(columns(name) + 1);
        let width = width.saturating_sub(names).max(10);
        let rows = broken(text, width);
        let name = |place: usize| if place == 0 { padded(name, names, "") } else { " ".repeat(names) };
        rows.into_iter()
            .enumerate()
            .map(|(place, text)| vec![self.piece(Tone::Dim, name(place)), self.piece(tone, text)])
            .collect()
    }

    fn line(&self, tone: Tone, text: impl Into<String>) -> Vec<Piece> {
        vec![self.piece(Tone::Plain, "  "), self.piece(tone, text)]
    }

    fn age(&self, since: Time) -> String {
        format!("{} ago", coarse(self.now.since(since)))
    }
}
