//! The graph: layers from left to right, lines between them. What a save made dirty lights up as it travels.

use super::{
    cells::{put, put_glyphs},
    list::sign,
};
use crate::{
    dashboard::{
        graph::{Layers, Stop},
        list::{self, Need},
        look::{Look, Tone},
        state::Dashboard,
        text::{self, fitted, glyphs},
    },
    model::{NodeKey, ResourceName},
    snapshot::UpdateStatus,
};
use ratatui::{buffer::Buffer, layout::Rect};
use std::{collections::BTreeSet, ops::Range};

/// The longest name that is shown whole.
const NAME_MAX: usize = 24;
/// Channels between two layers.
const CHANNELS_MAX: usize = 10;

/// Draws the view.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let picture = picture(dashboard);
    if picture.rows.is_empty() {
        put(buffer, area, area.x + 1, area.y, "nothing is declared yet", look.style(Tone::Dim));
        return;
    }
    let (down, right) = dashboard.scroll;
    let inside = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    for (y, row) in (area.top()..area.bottom()).zip(picture.rows.iter().skip(down)) {
        put_glyphs(buffer, inside, inside.x, y, row, right);
    }
    super::cells::scroll_bar(look, buffer, area, down, picture.rows.len());
}

/// How many rows the picture has.
pub(in crate::dashboard) fn height(dashboard: &Dashboard) -> usize {
    let layers = Layers::of(&dashboard.snapshot.graph);
    layers.layers.iter().map(Vec::len).max().unwrap_or(0)
}

struct Picture {
    rows: Vec<Vec<text::Glyph>>,
    /// For each row the columns of its nodes.
    nodes: Vec<Vec<(Range<usize>, usize)>>,
}

/// A node as it is drawn.
struct Drawn {
    sign: &'static str,
    name: String,
    tone: Tone,
    /// It was made dirty, or is being made right.
    is_lit: bool,
}

fn picture(dashboard: &Dashboard) -> Picture {
    let layers = Layers::of(&dashboard.snapshot.graph);
    let look = dashboard.setting.look;
    let height = layers.layers.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows: Vec<Vec<text::Glyph>> = vec![Vec::new(); height];
    let mut places: Vec<Vec<(Range<usize>, usize)>> = vec![Vec::new(); height];
    let near = neighbours(dashboard);
    for (place, stops) in layers.layers.iter().enumerate() {
        let nodes: Vec<Option<Drawn>> = stops
            .iter()
            .map(|stop| match stop {
                Stop::Node(node) => Some(drawn(dashboard, *node)),
                Stop::Pass(..) => None,
            })
            .collect();
        let width = nodes.iter().flatten().map(|node| node.name.chars().count() + 3).max().unwrap_or(1);
        let lines = &layers.lines[place];
        let lit: BTreeSet<usize> = lit_rows(stops, &nodes, dashboard);
        let leads_on: BTreeSet<usize> = lines.iter().map(|(from, _)| *from).collect();
        let is_last = place + 1 == layers.layers.len();
        let nodes_behind = node_rows(&layers, place + 1);
        let gutter = Gutter::new(lines, height, &lit, &nodes_behind);
        for (row, cells) in rows.iter_mut().enumerate() {
            let start = match nodes.get(row) {
                Some(Some(node)) => node_glyphs(dashboard, node, &stops[row], &near),
                Some(None) => line_glyphs(look, width, lit.contains(&row)),
                None => Vec::new(),
            };
            let fill = if leads_on.contains(&row) && !is_last { look_line(look) } else { ' ' };
            let tone = if lit.contains(&row) { Tone::Busy } else { Tone::Dim };
            let there = columns(&start);
            if let Some(Stop::Node(node)) = stops.get(row) {
                let from = columns(cells);
                places[row].push((from..from + there, *node));
            }
            cells.extend(start);
            let mut rest = String::new();
            if there < width {
                rest.push(' ');
                rest.extend(std::iter::repeat_n(fill, (width - there).saturating_sub(1)));
            }
            cells.extend(glyphs(&rest, look.style(tone), look.colour, usize::MAX));
            if !is_last {
                cells.extend(gutter.row(look, row));
            }
        }
    }
    Picture { rows, nodes: places }
}

fn columns(glyphs: &[text::Glyph]) -> usize {
    glyphs.iter().map(|glyph| usize::from(glyph.width)).sum()
}

/// How many columns the picture has.
pub(in crate::dashboard) fn width(dashboard: &Dashboard) -> usize {
    picture(dashboard).rows.iter().map(|row| columns(row)).max().unwrap_or(0)
}

/// The resource that is drawn there, in columns and rows of the pane.
pub(in crate::dashboard) fn resource_at(dashboard: &Dashboard, column: usize, row: usize) -> Option<ResourceName> {
    let (down, right) = dashboard.scroll;
    let column = (column + right).checked_sub(1)?;
    let picture = picture(dashboard);
    let (_, node) = picture.nodes.get(row + down)?.iter().find(|(columns, _)| columns.contains(&column))?;
    match dashboard.snapshot.graph.nodes.get(*node)? {
        NodeKey::Resource(name) => Some(name.clone()),
        NodeKey::Image(_) => None,
    }
}

/// Rows of a layer in which a node stands; through the others, lines pass.
fn node_rows(layers: &Layers, layer: usize) -> BTreeSet<usize> {
    let stops = layers.layers.get(layer).map_or(&[][..], Vec::as_slice);
    let is_node = |stop: &Stop| matches!(stop, Stop::Node(_));
    stops.iter().enumerate().filter(|(_, stop)| is_node(stop)).map(|(row, _)| row).collect()
}

fn look_line(look: Look) -> char {
    if look.unicode { '─' } else { '-' }
}

fn line_glyphs(look: Look, width: usize, is_lit: bool) -> Vec<text::Glyph> {
    let line: String = std::iter::repeat_n(look_line(look), width).collect();
    glyphs(&line, look.style(if is_lit { Tone::Busy } else { Tone::Dim }), look.colour, usize::MAX)
}

/// The chosen node and those next to it.
fn neighbours(dashboard: &Dashboard) -> (Option<usize>, BTreeSet<usize>) {
    let graph = &dashboard.snapshot.graph;
    let Some(chosen) = dashboard.selected.as_ref().and_then(|name| graph.resource(name)) else {
        return (None, BTreeSet::new());
    };
    let before = graph.needs(chosen).iter().map(|edge| edge.from);
    (Some(chosen), before.chain(graph.needed_by(chosen).map(|edge| edge.to)).collect())
}

fn node_glyphs(
    dashboard: &Dashboard,
    node: &Drawn,
    stop: &Stop,
    (chosen, near): &(Option<usize>, BTreeSet<usize>),
) -> Vec<text::Glyph> {
    let look = dashboard.setting.look;
    let place = if let Stop::Node(place) = stop { Some(*place) } else { None };
    let tone = match () {
        () if place.is_some() && place == *chosen => Tone::Accent,
        () if node.is_lit => Tone::Lit,
        () if place.is_some_and(|place| near.contains(&place)) => Tone::Strong,
        () if chosen.is_some() && !near.is_empty() => Tone::Plain,
        () => Tone::Plain,
    };
    let mut cells = glyphs(&format!("{} ", node.sign), look.style(node.tone), look.colour, usize::MAX);
    cells.extend(glyphs(&node.name, look.style(tone), look.colour, usize::MAX));
    cells
}

fn drawn(dashboard: &Dashboard, node: usize) -> Drawn {
    let signs = dashboard.setting.look.signs();
    match dashboard.snapshot.graph.nodes.get(node) {
        Some(NodeKey::Resource(name)) => {
            let row = dashboard.snapshot.rows.named(name);
            let (sign, tone) = row.map_or((signs.idle, Tone::Dim), |row| sign(dashboard, row));
            let is_lit = row.is_some_and(|row| {
                matches!(list::need(row), Need::Busy | Need::Waits) || row.dirty && row.update == UpdateStatus::Pending
            });
            Drawn { sign, name: fitted(name.as_str(), NAME_MAX, signs.cut), tone, is_lit }
        }
        Some(NodeKey::Image(key)) => image(dashboard, key),
        None => Drawn { sign: signs.idle, name: String::new(), tone: Tone::Dim, is_lit: false },
    }
}

fn image(dashboard: &Dashboard, key: &crate::model::ImageKey) -> Drawn {
    let signs = dashboard.setting.look.signs();
    let rows = &dashboard.snapshot.rows;
    let image = rows.iter().find_map(|row| row.images.iter().find(|image| image.image == *key));
    let (sign, tone) = match image.map(|image| image.update) {
        Some(UpdateStatus::Ok) => (signs.good, Tone::Good),
        Some(UpdateStatus::Error) => (signs.bad, Tone::Bad),
        Some(UpdateStatus::InProgress) => (signs.busy, Tone::Busy),
        Some(UpdateStatus::Pending) => (signs.waits, Tone::Busy),
        Some(UpdateStatus::None | UpdateStatus::NotApplicable) | None => (signs.idle, Tone::Dim),
    };
    let name = fitted(&format!("[{key}]"), NAME_MAX, signs.cut);
    Drawn { sign, name, tone, is_lit: tone == Tone::Busy }
}

/// Rows from which light goes on to the right: of what is dirty or at work.
fn lit_rows(stops: &[Stop], nodes: &[Option<Drawn>], dashboard: &Dashboard) -> BTreeSet<usize> {
    let is_lit = |(row, stop): (usize, &Stop)| match stop {
        Stop::Node(_) => nodes[row].as_ref().is_some_and(|node| node.is_lit).then_some(row),
        Stop::Pass(from, _) => drawn(dashboard, *from).is_lit.then_some(row),
    };
    stops.iter().enumerate().filter_map(is_lit).collect()
}

/// What runs between two layers: for each cell, the sides that a line leaves by.
struct Gutter {
    width: usize,
    cells: Vec<u8>,
    lit: Vec<bool>,
    arrows: BTreeSet<usize>,
    nodes: BTreeSet<usize>,
}

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// Which sources turn first, from left to right. A line that ends in the row of another source turns behind that one's, else
/// both would run in one row, and look like one line. Else those that are higher turn later, so that lines cross seldom.
fn turning_order(sources: &[usize], lines: &[(usize, usize)]) -> Vec<usize> {
    let mut left = sources.to_vec();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ends_before = |source: usize| {
            let mut ends = lines.iter().filter(|(from, to)| *from == source && to != from);
            ends.any(|(_, to)| left.contains(to))
        };
        let free = left.iter().rposition(|source| !ends_before(*source));
        order.push(left.remove(free.unwrap_or(left.len() - 1)));
    }
    order
}

impl Gutter {
    fn new(lines: &[(usize, usize)], height: usize, lit_rows: &BTreeSet<usize>, nodes: &BTreeSet<usize>) -> Self {
        let mut sources: Vec<usize> = lines.iter().filter(|(from, to)| from != to).map(|(from, _)| *from).collect();
        sources.dedup();
        let sources = turning_order(&sources, lines);
        let channels = sources.len().min(CHANNELS_MAX);
        let width = channels * 2 + 3;
        let mut gutter = Self {
            width,
            cells: vec![0; width * height],
            lit: vec![false; width * height],
            arrows: BTreeSet::new(),
            nodes: nodes.clone(),
        };
        for &(from, to) in lines {
            let place = sources.iter().position(|source| *source == from).unwrap_or(0);
            let channel = if channels == 0 { 1 } else { place % channels * 2 + 1 };
            gutter.line(from, to, channel, lit_rows.contains(&from));
        }
        gutter.arrows = lines.iter().map(|(_, to)| *to).filter(|to| nodes.contains(to)).collect();
        gutter
    }

    fn line(&mut self, from: usize, to: usize, channel: usize, is_lit: bool) {
        for column in 0..channel {
            self.add(from, column, LEFT | RIGHT, is_lit);
        }
        let end = if self.nodes.contains(&to) { self.width - 1 } else { self.width };
        for column in channel + 1..end {
            self.add(to, column, LEFT | RIGHT, is_lit);
        }
        if from == to {
            self.add(from, channel, LEFT | RIGHT, is_lit);
            return;
        }
        let (first, last) = (from.min(to), from.max(to));
        self.add(from, channel, LEFT | if to > from { DOWN } else { UP }, is_lit);
        self.add(to, channel, RIGHT | if to > from { UP } else { DOWN }, is_lit);
        for row in first + 1..last {
            self.add(row, channel, UP | DOWN, is_lit);
        }
    }

    fn add(&mut self, row: usize, column: usize, sides: u8, is_lit: bool) {
        let at = row * self.width + column;
        if let (Some(cell), Some(lit)) = (self.cells.get_mut(at), self.lit.get_mut(at)) {
            *cell |= sides;
            *lit |= is_lit;
        }
    }

    fn row(&self, look: Look, row: usize) -> Vec<text::Glyph> {
        let mut cells = Vec::with_capacity(self.width);
        for column in 0..self.width {
            let at = row * self.width + column;
            let sides = self.cells[at];
            let is_tip = column + 2 == self.width && self.arrows.contains(&row);
            let c = if is_tip { if look.unicode { '▸' } else { '>' } } else { line_char(sides, look.unicode) };
            let tone = if self.lit[at] { Tone::Busy } else { Tone::Dim };
            cells.push(text::Glyph { c, width: 1, style: look.style(tone) });
        }
        cells
    }
}

fn line_char(sides: u8, unicode: bool) -> char {
    if !unicode {
        return match sides {
            0 => ' ',
            _ if sides & (UP | DOWN) == 0 => '-',
            _ if sides & (LEFT | RIGHT) == 0 => '|',
            _ => '+',
        };
    }
    match sides {
        0 => ' ',
        _ if sides & (UP | DOWN) == 0 => '─',
        _ if sides & (LEFT | RIGHT) == 0 => '│',
        _ => match (sides & UP > 0, sides & DOWN > 0, sides & LEFT > 0, sides & RIGHT > 0) {
            (false, true, false, true) => '╭',
            (false, true, true, false) => '╮',
            (true, false, false, true) => '╰',
            (true, false, true, false) => '╯',
            (true, true, false, true) => '├',
            (true, true, true, false) => '┤',
            (false, true, ..) => '┬',
            (true, false, ..) => '┴',
            _ => '┼',
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lines_run_in_one_row() {
        assert_eq!(turning_order(&[0, 1], &[(0, 1), (1, 2)]), [1, 0]);
        assert_eq!(turning_order(&[1, 2], &[(1, 0), (2, 1)]), [1, 2]);
        // Each ends where the other begins: nothing can be done.
        assert_eq!(turning_order(&[0, 1], &[(0, 1), (1, 0)]), [1, 0]);
    }
}
