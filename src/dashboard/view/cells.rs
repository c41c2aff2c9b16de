//! Small pieces that all views draw with.

use crate::dashboard::{
    look::{Look, Tone},
    state::Dashboard,
    text::{self, Glyph},
};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    widgets::{Block, Clear, Widget},
};

/// Text of one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dashboard) struct Piece {
    pub(in crate::dashboard) text: String,
    pub(in crate::dashboard) style: Style,
}

/// A piece in the look of `tone`.
pub(in crate::dashboard) fn piece(look: Look, tone: Tone, text: impl Into<String>) -> Piece {
    Piece { text: text.into(), style: look.style(tone) }
}

/// Writes `text` from `x` on, at most up to the end of `area`; gives where it ended.
pub(in crate::dashboard) fn put(buffer: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    if x >= area.right() || y >= area.bottom() || area.is_empty() {
        return x;
    }
    let room = usize::from(area.right() - x);
    // A control character in a name or a message is no command to the terminal.
    let safe: String;
    let text = if text.chars().any(char::is_control) {
        safe = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        &safe
    } else {
        text
    };
    buffer.set_stringn(x, y, text, room, style).0
}

/// Writes pieces one after the other.
pub(in crate::dashboard) fn put_pieces(buffer: &mut Buffer, area: Rect, x: u16, y: u16, pieces: &[Piece]) -> u16 {
    pieces.iter().fold(x, |x, piece| put(buffer, area, x, y, &piece.text, piece.style))
}

/// Writes pieces so that they end at the right edge of `area`; gives where they begin. Left out where they do not fit behind
/// `from`.
pub(in crate::dashboard) fn put_right(buffer: &mut Buffer, area: Rect, from: u16, y: u16, pieces: &[Piece]) -> u16 {
    let width: usize = pieces.iter().map(|piece| text::columns(&piece.text)).sum();
    let Some(x) = area.right().checked_sub(u16::try_from(width).unwrap_or(u16::MAX)).filter(|x| *x >= from) else {
        return area.right();
    };
    put_pieces(buffer, area, x, y, pieces);
    x
}

/// Terminals do not agree on how wide characters are together that these join or change: each is drawn on its own.
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const EMOJI_PRESENTATION: char = '\u{fe0f}';

/// Writes glyphs from `x` on, `skip` columns left out.
pub(in crate::dashboard) fn put_glyphs(buffer: &mut Buffer, area: Rect, x: u16, y: u16, glyphs: &[Glyph], skip: usize) {
    let (mut column, mut place) = (0, usize::from(x));
    let mut last = None;
    for glyph in glyphs {
        let width = usize::from(glyph.width);
        if matches!(glyph.c, ZERO_WIDTH_JOINER | EMOJI_PRESENTATION) {
            continue;
        }
        if width == 0 {
            // It belongs to the character before it.
            if let Some(cell) = last.and_then(|at| buffer.cell_mut(at)) {
                let symbol = format!("{}{}", cell.symbol(), glyph.c);
                cell.set_symbol(&symbol);
            }
            continue;
        }
        column += width;
        if column <= skip {
            continue;
        }
        if place + width > usize::from(area.right()) {
            return;
        }
        let at = (u16::try_from(place).unwrap_or(u16::MAX), y);
        if let Some(cell) = buffer.cell_mut(at) {
            cell.set_char(glyph.c).set_style(glyph.style);
        }
        for beside in 1..width {
            if let Some(cell) = buffer.cell_mut((u16::try_from(place + beside).unwrap_or(u16::MAX), y)) {
                cell.reset();
                cell.set_style(glyph.style);
            }
        }
        last = Some(at);
        place += width;
    }
}

/// Replaces what the terminal would not understand: names and logs may hold anything.
pub(in crate::dashboard) fn only_ascii(buffer: &mut Buffer) {
    for cell in buffer.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
        cell.set_char('?');
    }
}

/// A line across.
pub(in crate::dashboard) fn rule(look: Look, buffer: &mut Buffer, area: Rect, from: u16, y: u16) {
    let width = usize::from(area.right().saturating_sub(from));
    put(buffer, area, from, y, &look.signs().rule.repeat(width), look.style(Tone::Dim));
}

/// The line between list and pane.
pub(in crate::dashboard) fn wall(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    for y in area.top()..area.bottom() {
        put(buffer, area, area.x, y, look.signs().wall, look.style(Tone::Dim));
    }
}

/// An empty box above the rest, with a title; gives what is inside.
pub(in crate::dashboard) fn window(look: Look, buffer: &mut Buffer, area: Rect, title: &str) -> Rect {
    if area.width < 4 || area.height < 3 {
        Clear.render(area, buffer);
        return area;
    }
    Clear.render(area, buffer);
    let block = Block::bordered().border_set(look.border()).border_style(look.style(Tone::Dim));
    let inner = block.inner(area);
    block.render(area, buffer);
    put(
        buffer,
        Rect { width: area.width - 2, ..area },
        area.x + 2,
        area.y,
        &format!(" {title} "),
        look.style(Tone::Strong),
    );
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// A box of that size in the middle of `screen`, or as much of it as there is.
pub(in crate::dashboard) fn centred(screen: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height }
}

/// A scroll bar at the right edge, where there is something to scroll.
pub(in crate::dashboard) fn scroll_bar(look: Look, buffer: &mut Buffer, area: Rect, first: usize, all: usize) {
    let height = usize::from(area.height);
    if all <= height || height < 2 || area.width < 10 {
        return;
    }
    let thumb = (height * height / all).clamp(1, height - 1);
    let top = (first * (height - thumb)).div_ceil(all - height).min(height - thumb);
    for row in 0..height {
        let is_thumb = (top..top + thumb).contains(&row);
        let y = area.y + u16::try_from(row).unwrap_or(0);
        let sign = if is_thumb { look.signs().thumb } else { " " };
        put(buffer, area, area.right() - 1, y, sign, look.style(Tone::Dim));
    }
}
