//! Recent runs along time: one line a resource, a bar a run.

use super::cells::{Piece, piece, put, put_pieces, put_right};
use crate::{
    dashboard::{
        look::Tone,
        state::{Dashboard, Focus},
        text::padded,
    },
    model::{Exit, ResourceName, Time},
    snapshot::{Row, RunRow, UpdateStatus, words},
};
use ratatui::{buffer::Buffer, layout::Rect};
use std::{sync::Arc, time::Duration};

/// How long the shown time may be.
const SPANS: [u64; 9] = [10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 48 * 3600];
const NAME_MAX: usize = 20;
/// How far a key goes sideways.
const STEP: usize = 8;
/// Columns behind the bars: how long the last run took.
const TOOK: usize = 9;

/// Draws the view.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let rows = rows(dashboard);
    if !rows.is_empty() && area.width < 24 {
        put(buffer, area, area.x + 1, area.y, "no room for it here", look.style(Tone::Dim));
        return;
    }
    if rows.is_empty() {
        put(buffer, area, area.x + 1, area.y, "nothing has run yet", look.style(Tone::Dim));
        return;
    }
    let names = rows.iter().map(|row| row.name.as_str().chars().count()).max().unwrap_or(0).min(NAME_MAX);
    let width = usize::from(area.width).saturating_sub(names + TOOK + 5);
    let scale = Scale::of(dashboard, &rows, width);
    let lines = Rect { height: area.height.saturating_sub(1), ..area };
    for (y, row) in (lines.top()..lines.bottom()).zip(rows.iter().skip(dashboard.scroll.0)) {
        let is_chosen = dashboard.selected.as_ref() == Some(&row.name);
        let tone = if is_chosen { Tone::Strong } else { Tone::Plain };
        if is_chosen {
            let tone = if dashboard.focus == Focus::Pane { Tone::Accent } else { Tone::Dim };
            put(buffer, area, area.x, y, look.signs().pointer, look.style(tone));
        }
        let name = piece(look, tone, format!("{}  ", padded(row.name.as_str(), names, look.signs().cut)));
        let x = put_pieces(buffer, area, area.x + 1, y, &[name]);
        bars(dashboard, row, &scale, Rect { x, y, width: u16::try_from(width).unwrap_or(0), height: 1 }, buffer);
        let took = runs(row).last().map(|run| took(dashboard, run));
        put_right(
            buffer,
            Rect { width: area.width.saturating_sub(1), ..area },
            x,
            y,
            &took.into_iter().collect::<Vec<_>>(),
        );
    }
    let x = area.x + 1 + u16::try_from(names + 2).unwrap_or(0);
    axis(
        dashboard,
        &scale,
        Rect { x, y: area.bottom() - 1, width: u16::try_from(width).unwrap_or(0), height: 1 },
        buffer,
    );
}

/// Resources that ran, those that ran last first.
fn rows(dashboard: &Dashboard) -> Vec<Arc<Row>> {
    let mut rows: Vec<Arc<Row>> =
        dashboard.snapshot.rows.iter().filter(|row| runs(row).next().is_some()).cloned().collect();
    let last = |row: &Arc<Row>| runs(row).map(|run| run.started_at).max();
    rows.sort_by_key(|row| std::cmp::Reverse(last(row)));
    rows
}

/// How far it can be scrolled sideways: until the longest time is shown.
pub(in crate::dashboard) fn most_sideways(dashboard: &Dashboard) -> usize {
    (SPANS.len() - 1).saturating_sub(least_span(dashboard, &rows(dashboard))) * STEP
}

/// The resource whose runs are in that row of the pane.
pub(in crate::dashboard) fn resource_at(dashboard: &Dashboard, row: usize) -> Option<ResourceName> {
    rows(dashboard).get(row + dashboard.scroll.0).map(|row| row.name.clone())
}

/// How many lines there are.
pub(in crate::dashboard) fn height(dashboard: &Dashboard) -> usize {
    rows(dashboard).len() + 1
}

/// All runs of a resource, builds of its images among them, oldest first.
fn runs(row: &Row) -> impl Iterator<Item = &RunRow> {
    let builds = row.images.iter().flat_map(|image| image.runs.iter().rev().chain(&image.current_run));
    // The start of a server alone takes no time.
    let has_runs = row.update != UpdateStatus::NotApplicable;
    let own = row.runs.iter().rev().chain(&row.current_run).filter(move |_| has_runs);
    let mut runs: Vec<&RunRow> = builds.chain(own).collect();
    runs.sort_by_key(|run| run.started_at);
    runs.into_iter()
}

/// What happened in the last of all runs is to be seen, and as much before it as fits.
fn least_span(dashboard: &Dashboard, rows: &[Arc<Row>]) -> usize {
    let now = dashboard.session_time();
    let starts = rows.iter().flat_map(|row| runs(row)).map(|run| now.since(run.started_at).as_secs());
    let mut starts: Vec<u64> = starts.collect();
    starts.sort_unstable();
    let wanted = starts.get(starts.len().saturating_sub(1).min(24)).copied().unwrap_or(0);
    SPANS.iter().position(|span| *span > wanted).unwrap_or(SPANS.len() - 1)
}

/// Which time is shown, in how many columns.
struct Scale {
    from: Time,
    to: Time,
    columns: usize,
}

impl Scale {
    fn of(dashboard: &Dashboard, rows: &[Arc<Row>], columns: usize) -> Self {
        let now = dashboard.session_time();
        let shift = dashboard.scroll.1 / STEP;
        let seconds = SPANS[(least_span(dashboard, rows) + shift).min(SPANS.len() - 1)];
        let from = Time(now.0.saturating_sub(Duration::from_secs(seconds)));
        Self { from, to: from + Duration::from_secs(seconds), columns }
    }

    fn column(&self, time: Time) -> usize {
        let whole = self.to.since(self.from).as_nanos().max(1);
        let at = time.since(self.from).as_nanos().min(whole);
        usize::try_from(at * (self.columns.max(1) as u128 - 1) / whole).unwrap_or(0)
    }
}

fn tone_of(run: &RunRow) -> Tone {
    match &run.exit {
        None => Tone::Busy,
        Some(exit) if exit.is_success() => Tone::Good,
        Some(Exit::Stopped) => Tone::Dim,
        Some(_) => Tone::Bad,
    }
}

fn bars(dashboard: &Dashboard, row: &Row, scale: &Scale, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let now = dashboard.session_time();
    put(buffer, area, area.x, area.y, &look.signs().faint.repeat(usize::from(area.width)), look.style(Tone::Dim));
    for run in runs(row) {
        let end = run.ended_at.unwrap_or(now);
        if end < scale.from {
            continue;
        }
        let (start, end) = (scale.column(run.started_at), scale.column(end));
        let bar = look.signs().bar.repeat(end - start + 1);
        put(buffer, area, area.x + u16::try_from(start).unwrap_or(0), area.y, &bar, look.style(tone_of(run)));
    }
}

fn took(dashboard: &Dashboard, run: &RunRow) -> Piece {
    let took = words::duration(run.ended_at.unwrap_or(dashboard.session_time()).since(run.started_at));
    piece(dashboard.setting.look, tone_of(run), took)
}

fn axis(dashboard: &Dashboard, scale: &Scale, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let span = scale.to.since(scale.from);
    let start = format!("{} ago", whole(span));
    put(buffer, area, area.x, area.y, &start, look.style(Tone::Dim));
    let middle = format!("{} ago", whole(span / 2));
    if usize::from(area.width) > 3 * start.len() + 8 {
        put(buffer, area, area.x + area.width / 2, area.y, &middle, look.style(Tone::Dim));
    }
    put_right(buffer, area, area.x, area.y, &[piece(look, Tone::Dim, "now")]);
}

fn whole(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds @ 60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        seconds => format!("{}h", seconds / 3600),
    }
}
