//! Choosing from a list above the rest: the command palette, and endpoints.

use super::cells::{centred, piece, put, put_pieces, put_right, window};
use crate::dashboard::{look::Tone, state::Dashboard, text::fitted};
use ratatui::{buffer::Buffer, layout::Rect};

/// Where the palette is.
pub(in crate::dashboard) fn area(screen: Rect) -> Rect {
    centred(screen, 72, 18)
}

/// Where the choice of an endpoint is.
pub(in crate::dashboard) fn links_area(dashboard: &Dashboard, screen: Rect) -> Rect {
    let links = dashboard.selected_row().map_or(0, |row| row.links.len());
    centred(screen, 72, u16::try_from(links + 2).unwrap_or(u16::MAX))
}

/// The palette: what is typed, and what matches.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, typed: &str, chosen: usize, screen: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let offers = dashboard.offers(typed);
    let inner = window(look, buffer, area(screen), "All commands");
    let x = put(buffer, inner, inner.x, inner.y, "> ", look.style(Tone::Accent));
    let x = put(buffer, inner, x, inner.y, typed, look.style(Tone::Plain));
    put(buffer, inner, x, inner.y, if look.unicode { "▏" } else { "_" }, look.style(Tone::Accent));
    let rows = Rect { y: inner.y + 2, height: inner.height.saturating_sub(2), ..inner };
    let first = first_shown(chosen, rows);
    for (y, (place, offer)) in (rows.top()..rows.bottom()).zip(offers.iter().enumerate().skip(first)) {
        let is_chosen = place == chosen;
        let sign = if is_chosen { look.signs().pointer } else { " " };
        let tone = if is_chosen { Tone::Strong } else { Tone::Plain };
        let key = offer.key().map(|key| vec![piece(look, Tone::Dim, key)]).unwrap_or_default();
        let end = put_right(buffer, rows, rows.x, y, &key);
        let text = fitted(&offer.text(), usize::from(end.saturating_sub(rows.x + 4)), look.signs().cut);
        put_pieces(buffer, rows, rows.x, y, &[piece(look, Tone::Accent, format!("{sign} ")), piece(look, tone, text)]);
    }
    if offers.is_empty() {
        put(buffer, rows, rows.x + 2, rows.y, "there is no such command", look.style(Tone::Dim));
    }
}

/// The first offer on a screen that shows the chosen one.
pub(in crate::dashboard) fn first_shown(chosen: usize, rows: Rect) -> usize {
    (chosen + 1).saturating_sub(usize::from(rows.height).max(1))
}

/// Which endpoint is opened.
pub(in crate::dashboard) fn links(dashboard: &Dashboard, chosen: usize, screen: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let links = dashboard.selected_row().map(|row| row.links.clone()).unwrap_or_default();
    let inner = window(look, buffer, links_area(dashboard, screen), "Endpoints");
    for (y, (place, link)) in (inner.top()..inner.bottom()).zip(links.iter().enumerate()) {
        let is_chosen = place == chosen;
        let sign = if is_chosen { look.signs().pointer } else { " " };
        let tone = if is_chosen { Tone::Strong } else { Tone::Plain };
        let name = if link.name.is_empty() { String::new() } else { format!("  {}", link.name) };
        let pieces = [
            piece(look, Tone::Accent, format!("{sign} ")),
            piece(look, Tone::Dim, format!("{}  ", place + 1)),
            piece(look, tone, link.url.clone()),
            piece(look, Tone::Dim, name),
        ];
        put_pieces(buffer, inner, inner.x, y, &pieces);
    }
}
