//! The log. Only lines on the screen are looked at, however many there are.

use super::cells::{put, put_glyphs, scroll_bar};
use crate::{
    dashboard::{
        log_pane::{Room, level_of},
        log_window::LogLine,
        look::{Look, Tone},
        state::{Dashboard, Focus, Link},
        text::{self, Glyph, padded},
    },
    logs::{Needle, StreamName},
    model::Level,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Draws the lines.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let look = dashboard.setting.look;
    if dashboard.logs.window.is_empty() {
        return nothing(dashboard, area, buffer);
    }
    let room = dashboard.log_room();
    let prefix = prefix_width(dashboard, room);
    let mut y = area.y;
    for (place, line) in dashboard.logs.window.iter().enumerate().skip(dashboard.logs.top) {
        if y >= area.bottom() {
            break;
        }
        let is_pointed_at = place == dashboard.logs.cursor && dashboard.focus == Focus::Pane;
        let drawn = glyphs(dashboard, line, place == dashboard.logs.cursor, room, prefix);
        let rows = rows(dashboard, &drawn, room, prefix);
        let first = y;
        for row in rows {
            if y >= area.bottom() {
                break;
            }
            if is_pointed_at {
                put(buffer, area, area.x, y, look.signs().pointer, look.style(Tone::Accent));
            }
            let x = area.x + 1 + u16::try_from(prefix).unwrap_or(u16::MAX);
            let text = Rect { width: area.width.saturating_sub(1), ..area };
            put_glyphs(buffer, text, x, y, row, if dashboard.logs.wraps { 0 } else { dashboard.logs.column });
            y += 1;
        }
        before(dashboard, line, room, Rect { y: first, height: 1, ..area }, buffer);
    }
    scroll_bar(look, buffer, area, dashboard.logs.top, dashboard.logs.window.len());
}

/// Columns before the text, at most as many as leave room for some.
fn prefix_width(dashboard: &Dashboard, room: Room) -> usize {
    dashboard.log_prefix(room).min(room.width.saturating_sub(1))
}

/// Which line is drawn in that row of the pane.
pub(in crate::dashboard) fn line_at(dashboard: &Dashboard, area: Rect, row: usize) -> Option<usize> {
    let room = dashboard.log_room();
    let prefix = prefix_width(dashboard, room);
    let mut below = 0;
    for (place, line) in dashboard.logs.window.iter().enumerate().skip(dashboard.logs.top) {
        let drawn = glyphs(dashboard, line, false, room, prefix);
        below += rows(dashboard, &drawn, room, prefix).len();
        if row < below {
            return Some(place);
        }
        if below >= usize::from(area.height) {
            break;
        }
    }
    None
}

fn rows<'a>(dashboard: &Dashboard, glyphs: &'a [Glyph], room: Room, prefix: usize) -> Vec<&'a [Glyph]> {
    if dashboard.logs.wraps {
        return text::wrapped(glyphs, room.width.saturating_sub(prefix).max(1));
    }
    vec![glyphs]
}

/// The text of a line with its colours and matches, as much as can be seen of it.
fn glyphs(dashboard: &Dashboard, line: &LogLine, is_cursor: bool, room: Room, prefix: usize) -> Vec<Glyph> {
    let look = dashboard.setting.look;
    let width = room.width.saturating_sub(prefix).max(1);
    let seen = if dashboard.logs.wraps { width * room.height.max(1) } else { dashboard.logs.column + width };
    let own = line.stream == StreamName::Orch;
    let visible = line.visible();
    let marked;
    let text = if own && line.resource.is_some() && look.unicode {
        marked = format!("▸ {visible}");
        &marked
    } else {
        visible
    };
    let mut glyphs = text::glyphs(text, base_style(look, line), look.colour, seen);
    if let Some(search) = &dashboard.logs.search {
        mark(&mut glyphs, &Needle::new(&search.text), look, is_cursor);
    }
    if !dashboard.logs.query.text.is_empty() {
        mark(&mut glyphs, &Needle::new(&dashboard.logs.query.text), look, false);
    }
    glyphs
}

fn base_style(look: Look, line: &LogLine) -> Style {
    match (line.stream, level_of(line)) {
        (StreamName::Orch, Level::Info) => look.style(Tone::Dim),
        (_, Level::Error) if look.colour => Style::new().fg(ratatui::style::Color::Red),
        (_, Level::Warning) => look.style(Tone::Doubt),
        _ => Style::new(),
    }
}

fn mark(glyphs: &mut [Glyph], needle: &Needle, look: Look, is_cursor: bool) {
    let shown: String = glyphs.iter().map(|glyph| glyph.c).collect();
    let style = look.style(if is_cursor { Tone::FoundHere } else { Tone::Found });
    for (start, length) in needle.places(&shown) {
        glyphs.iter_mut().skip(start).take(length).for_each(|glyph| glyph.style = style);
    }
}

/// When it was said, and by whom.
fn before(dashboard: &Dashboard, line: &LogLine, room: Room, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let mut x = area.x + 1;
    let most =
        Rect { width: u16::try_from(prefix_width(dashboard, room) + 1).unwrap_or(area.width).min(area.width), ..area };
    if dashboard.logs.times {
        let time = time_of_day(line.at_us / 1000, dashboard.setting.utc_offset_secs);
        x = put(buffer, most, x, area.y, &format!("{time} "), look.style(Tone::Dim));
    }
    if dashboard.logs.query.name.is_none() {
        let name = match (&line.resource, line.stream) {
            (Some(name), _) => name.as_str(),
            (None, StreamName::Orch) => "orch",
            (None, _) => "Orchfile",
        };
        let width = dashboard.log_name_width(room);
        let style = if line.resource.is_some() { look.name_style(name) } else { look.style(Tone::Dim) };
        x = put(buffer, most, x, area.y, &padded(name, width, look.signs().cut), style);
        put(buffer, most, x, area.y, &format!(" {} ", look.signs().wall), look.style(Tone::Dim));
    }
}

/// `14:03:59.250`.
fn time_of_day(at_ms: u64, utc_offset_secs: i64) -> String {
    let of_day = (i64::try_from(at_ms).unwrap_or(0) + utc_offset_secs * 1000).rem_euclid(86_400_000);
    let (seconds, millis) = (of_day / 1000, of_day % 1000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn nothing(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let query = &dashboard.logs.query;
    let text = match (&dashboard.logs.trouble, &dashboard.link) {
        (Some(trouble), _) => trouble.as_str(),
        (None, Link::Connecting) => "",
        (None, _) if query.is_filtered() && dashboard.logs.filtered.is_none_or(|count| count.lines > 0) => {
            "looking for such lines"
        }
        (None, _) if query.is_filtered() => "no line is like that",
        (None, _) => "nothing was said yet",
    };
    put(buffer, area, area.x + 1, area.y, text, look.style(Tone::Dim));
}
