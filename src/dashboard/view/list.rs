//! The list of resources, in columns that come and go with the width.

use super::cells::put;
use crate::{
    dashboard::{
        list::{self, Item, Need},
        look::Tone,
        note::note,
        state::{Dashboard, Focus},
        text::{self, fitted, padded},
    },
    snapshot::{Row, RuntimeStatus, UpdateStatus},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Columns of text: 0 is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    name: usize,
    update: usize,
    runtime: usize,
    age: usize,
    note: usize,
}

/// Pointer, sign, a space after each.
const MARGIN: usize = 4;
const GAP: usize = 2;
/// `in progress 12s`, where there is plenty of room.
const UPDATE: usize = 15;
const UPDATE_NARROW: usize = 11;
const ROOMY: usize = 100;
const RUNTIME: usize = 7;
const AGE: usize = 3;
const NOTE_MIN: usize = 12;

/// What the resources have to say. A column that none of them has anything in leaves its room to the others; what changes as
/// they run does not count, so that columns stay where they are.
struct Needs {
    widest_name: usize,
    has_runs: bool,
    has_servers: bool,
}

impl Needs {
    fn of(dashboard: &Dashboard) -> Self {
        let mut needs = Self { widest_name: 0, has_runs: false, has_servers: false };
        for row in dashboard.snapshot.rows.iter() {
            needs.widest_name = needs.widest_name.max(row.name.as_str().chars().count());
            needs.has_runs |= row.update != UpdateStatus::NotApplicable;
            needs.has_servers |= row.runtime != RuntimeStatus::NotApplicable;
        }
        needs
    }
}

impl Columns {
    fn of(width: usize, needs: &Needs) -> Self {
        let mut columns = Self { name: 0, update: 0, runtime: 0, age: 0, note: 0 };
        let rest = width.saturating_sub(MARGIN);
        columns.name = needs.widest_name.clamp(8, 28).min(rest.max(1)).min((rest / 3).max(12)).min(rest);
        let mut left = rest - columns.name;
        let mut take = |wanted: usize| {
            let fits = wanted > 0 && left >= wanted + GAP;
            if fits {
                left -= wanted + GAP;
            }
            if fits { wanted } else { 0 }
        };
        let update = if width >= ROOMY { UPDATE } else { UPDATE_NARROW };
        columns.update = take(if needs.has_runs { update } else { 0 });
        columns.runtime = take(if needs.has_servers { RUNTIME } else { 0 });
        columns.age = take(AGE);
        columns.note = if left >= NOTE_MIN + GAP { left - GAP } else { 0 };
        if columns.note == 0 {
            // Names have what nobody else can use.
            columns.name += left.min(needs.widest_name.saturating_sub(columns.name));
        }
        columns
    }
}

/// Draws the list.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    // The right edge belongs to the scroll bar.
    let columns = Columns::of(usize::from(area.width).saturating_sub(1), &Needs::of(dashboard));
    let has_head = area.height > 1;
    if has_head {
        head(dashboard, columns, Rect { height: 1, ..area }, buffer);
    }
    let below = u16::from(has_head);
    let rows = Rect { y: area.y + below, height: area.height - below, ..area };
    let shown = dashboard.items.iter().enumerate().skip(dashboard.list_top).take(usize::from(rows.height));
    for (y, (place, item)) in (rows.y..).zip(shown) {
        let line = Rect { y, height: 1, ..rows };
        match item {
            Item::All => all(dashboard, columns, line, buffer),
            Item::Label(label) => group(dashboard, label, line, buffer),
            Item::Row(row) => {
                resource(dashboard, row, columns, dashboard.selected_place() == Some(place), line, buffer);
            }
        }
    }
    if dashboard.items.iter().all(|item| item.row().is_none()) {
        nothing(dashboard, rows, buffer);
    }
    super::cells::scroll_bar(dashboard.setting.look, buffer, rows, dashboard.list_top, dashboard.items.len());
}

fn head(dashboard: &Dashboard, columns: Columns, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let style = look.style(Tone::Dim);
    let title = if dashboard.filter.is_empty() { "RESOURCE".to_owned() } else { format!("/{}", dashboard.filter) };
    let x = area.x + 4;
    put(buffer, area, x, area.y, &fitted(&title, columns.name.max(8), look.signs().cut), style);
    let mut x = x + width(columns.name + GAP);
    for (columns, title, is_right) in
        [(columns.update, "UPDATE", false), (columns.runtime, "RUNTIME", false), (columns.age, "AGE", true)]
    {
        if columns > 0 {
            let text = if is_right { format!("{title:>columns$}") } else { title.to_owned() };
            put(buffer, area, x, area.y, &text, style);
            x += width(columns + GAP);
        }
    }
}

fn width(columns: usize) -> u16 {
    u16::try_from(columns).unwrap_or(u16::MAX)
}

fn pointer(dashboard: &Dashboard, is_chosen: bool, line: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let tone = if dashboard.focus == Focus::List && dashboard.overlay.is_none() { Tone::Accent } else { Tone::Dim };
    if is_chosen {
        put(buffer, line, line.x, line.y, look.signs().pointer, look.style(tone));
    }
}

fn all(dashboard: &Dashboard, columns: Columns, line: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let is_chosen = dashboard.selected.is_none();
    pointer(dashboard, is_chosen, line, buffer);
    let tone = if is_chosen { Tone::Strong } else { Tone::Plain };
    let name = fitted("all resources", columns.name.max(13), look.signs().cut);
    put(buffer, line, line.x + 4, line.y, &name, look.style(tone));
}

fn group(dashboard: &Dashboard, label: &str, line: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let label = if label.is_empty() { "without a label" } else { label };
    let room = usize::from(line.width).saturating_sub(3);
    put(buffer, line, line.x + 2, line.y, &fitted(label, room, look.signs().cut), look.style(Tone::Dim));
}

/// The sign of a resource, and what it means.
pub(in crate::dashboard) fn sign(dashboard: &Dashboard, row: &Row) -> (&'static str, Tone) {
    let signs = dashboard.setting.look.signs();
    match list::need(row) {
        Need::Bad => (signs.bad, Tone::Bad),
        Need::Busy => (signs.busy, Tone::Busy),
        Need::Waits => (signs.waits, Tone::Busy),
        Need::Good => (signs.good, Tone::Good),
        Need::Idle => (signs.idle, Tone::Dim),
        Need::Off => (signs.off, Tone::Dim),
    }
}

fn resource(dashboard: &Dashboard, row: &Row, columns: Columns, is_chosen: bool, line: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let now = dashboard.session_time();
    let cut = look.signs().cut;
    pointer(dashboard, is_chosen, line, buffer);
    let (sign, tone) = sign(dashboard, row);
    put(buffer, line, line.x + 2, line.y, sign, look.style(tone));
    let is_off = matches!(list::need(row), Need::Idle | Need::Off);
    let name_tone = match (is_chosen, is_off) {
        (true, _) => Tone::Strong,
        (false, true) => Tone::Dim,
        (false, false) => Tone::Plain,
    };
    let (mut update, update_tone) = list::update_words(row, now);
    if text::columns(&update) > columns.update {
        update = update.replace("in progress", "runs");
    }
    let (runtime, runtime_tone) = list::runtime_words(row);
    let age = list::since(row).map(|since| list::coarse(now.since(since))).unwrap_or_default();
    let (said, note_tone) = note(row, &dashboard.root(), now, columns.note);
    let mut x = line.x + 4;
    for (columns, text, tone) in [
        (columns.name, row.name.as_str(), name_tone),
        (columns.update, update.as_str(), update_tone),
        (columns.runtime, runtime, runtime_tone),
        (columns.age, &format!("{age:>AGE$}"), Tone::Dim),
        (columns.note, &said, note_tone),
    ] {
        if columns > 0 {
            put(buffer, line, x, line.y, &padded(text, columns, cut), look.style(tone));
            x += width(columns + GAP);
        }
    }
}

fn nothing(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    let text = match (&dashboard.snapshot.mode, dashboard.snapshot.orchfile.errors.is_empty()) {
        (None, true) => "reading the Orchfile",
        (None, false) => "waiting for the mended Orchfile",
        (Some(_), _) if dashboard.snapshot.rows.is_empty() => "the Orchfile declares no resource",
        (Some(_), _) => "no name or label is like that",
    };
    let line = Rect { y: area.y + 1, height: area.height.saturating_sub(1).min(1), ..area };
    put(buffer, line, line.x + 4, line.y, text, dashboard.setting.look.style(Tone::Dim));
}
