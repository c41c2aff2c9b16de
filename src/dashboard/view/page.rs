//! Pages of text above the rest: the keys, and errors in full.

use super::{
    banner,
    cells::{Piece, centred, piece, put_pieces, scroll_bar, window},
};
use crate::{
    dashboard::{
        keymap::{BINDINGS, Topic},
        look::Tone,
        state::{Dashboard, Overlay},
        text::padded,
    },
    diag,
};
use ratatui::{buffer::Buffer, layout::Rect};

/// The keys.
pub(in crate::dashboard) fn help(dashboard: &Dashboard, scroll: usize, screen: Rect, buffer: &mut Buffer) {
    draw(dashboard, "Keys", &Overlay::Help(scroll), scroll, screen, buffer);
}

/// Errors and warnings of the Orchfile.
pub(in crate::dashboard) fn errors(dashboard: &Dashboard, scroll: usize, screen: Rect, buffer: &mut Buffer) {
    draw(dashboard, "The Orchfile", &Overlay::Errors(scroll), scroll, screen, buffer);
}

/// The place of a page.
pub(in crate::dashboard) fn outer(screen: Rect) -> Rect {
    centred(screen, 100, screen.height.saturating_sub(if screen.height > 20 { 4 } else { 0 }))
}

/// What of the screen the text of a page has.
pub(in crate::dashboard) fn inner(screen: Rect) -> Rect {
    let outer = outer(screen);
    Rect { width: outer.width.saturating_sub(4), height: outer.height.saturating_sub(2), ..outer }
}

fn draw(dashboard: &Dashboard, title: &str, page: &Overlay, scroll: usize, screen: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let inner = window(look, buffer, outer(screen), title);
    let lines = lines(dashboard, page);
    for (y, line) in (inner.top()..inner.bottom()).zip(lines.iter().skip(scroll)) {
        put_pieces(buffer, inner, inner.x, y, line);
    }
    scroll_bar(look, buffer, inner, scroll, lines.len());
}

/// The text of a page.
pub(in crate::dashboard) fn lines(dashboard: &Dashboard, page: &Overlay) -> Vec<Vec<Piece>> {
    match page {
        Overlay::Help(_) => help_lines(dashboard),
        Overlay::Errors(_) => error_lines(dashboard),
        Overlay::Buttons(_)
        | Overlay::Form(_)
        | Overlay::Palette { .. }
        | Overlay::Links(_)
        | Overlay::Quit { .. }
        | Overlay::Switch(_)
        | Overlay::Prompt(..) => Vec::new(),
    }
}

fn help_lines(dashboard: &Dashboard) -> Vec<Vec<Piece>> {
    const KEYS: usize = 14;
    let look = dashboard.setting.look;
    let mut lines = Vec::new();
    for topic in Topic::ALL {
        lines.push(vec![piece(look, Tone::Strong, topic.title())]);
        let bindings = BINDINGS.iter().filter(|binding| binding.topic == topic && !binding.keys.is_empty());
        lines.extend(bindings.map(|binding| {
            let keys = padded(&binding.keys.join("  "), KEYS, "");
            vec![piece(look, Tone::Accent, format!("  {keys}")), piece(look, Tone::Plain, binding.text)]
        }));
        lines.push(Vec::new());
    }
    lines.push(vec![piece(look, Tone::Strong, "Signs")]);
    let signs = look.signs();
    for (sign, tone, text) in [
        (signs.bad, Tone::Bad, "it went wrong"),
        (signs.busy, Tone::Busy, "it is being made right"),
        (signs.waits, Tone::Busy, "it waits; its line says for what"),
        (signs.good, Tone::Good, "it is well"),
        (signs.idle, Tone::Dim, "nobody asked for it, or somebody stopped it"),
        (signs.off, Tone::Dim, "it is no part of this session"),
    ] {
        lines.push(vec![piece(look, tone, format!("  {sign}  ")), piece(look, Tone::Plain, text)]);
    }
    lines
}

fn error_lines(dashboard: &Dashboard) -> Vec<Vec<Piece>> {
    let look = dashboard.setting.look;
    let orchfile = &dashboard.snapshot.orchfile;
    let width = usize::from(inner(dashboard.screen).width);
    let mut lines = Vec::new();
    for (title, tone, diagnostics) in
        [("Errors", Tone::Bad, &orchfile.errors), ("Warnings", Tone::Doubt, &orchfile.warnings)]
    {
        if diagnostics.is_empty() {
            continue;
        }
        lines.push(vec![piece(look, tone, title)]);
        let drawn = diag::render(diagnostics, false, width);
        lines.extend(drawn.lines().map(|line| vec![piece(look, Tone::Plain, banner::signed(dashboard, line))]));
        lines.push(Vec::new());
    }
    if lines.is_empty() {
        lines.push(vec![piece(look, Tone::Dim, "nothing is wrong with it")]);
    }
    lines
}
