//! Errors of the Orchfile, with their excerpt, until they are mended.

use super::cells::put;
use crate::dashboard::{look::Tone, state::Dashboard, text::fitted};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the banner.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let look = dashboard.setting.look;
    let count = dashboard.snapshot.orchfile.errors.len();
    let lives_on = dashboard.snapshot.mode.is_some();
    let plural = if count == 1 { "an error".to_owned() } else { format!("{count} errors") };
    let so = if lives_on { "; what runs goes on as it was" } else { "" };
    let head = format!("{} the Orchfile has {plural}{so}", look.signs().bad);
    let room = usize::from(area.width).saturating_sub(2);
    put(buffer, area, area.x + 1, area.y, &fitted(&head, room, look.signs().cut), look.style(Tone::Bad));
    let rows = usize::from(area.height).saturating_sub(1);
    let drawn = &dashboard.drawn_errors;
    let is_cut = drawn.len() > rows;
    for (row, text) in drawn.iter().take(rows).enumerate() {
        let y = area.y + 1 + u16::try_from(row).unwrap_or(0);
        put(buffer, area, area.x, y, look.signs().wall, look.style(Tone::Bad));
        let is_last = is_cut && row + 1 == rows;
        let more;
        let text = if is_last {
            more = format!("  {} more lines: press !", drawn.len() - rows + 1);
            &more
        } else {
            text
        };
        put(
            buffer,
            area,
            area.x + 1,
            y,
            &signed(dashboard, text),
            look.style(if is_last { Tone::Dim } else { Tone::Plain }),
        );
    }
}

/// The drawing in signs that the terminal has.
pub(super) fn signed(dashboard: &Dashboard, text: &str) -> String {
    if dashboard.setting.look.unicode {
        return text.to_owned();
    }
    let ascii = |c| match c {
        '─' | '━' => '-',
        '│' | '┃' | '·' => '|',
        '╭' | '╰' | '├' | '┬' | '┴' | '╮' | '╯' | '┤' => '+',
        '×' => 'x',
        '→' | '▶' => '>',
        '…' => '~',
        c if c.is_ascii() => c,
        _ => '?',
    };
    text.chars().map(ascii).collect()
}
