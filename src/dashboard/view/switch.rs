//! The question about those that are enabled or disabled with a resource.

use super::cells::{Piece, centred, piece, put_pieces, window};
use crate::{
    dashboard::{look::Tone, state::Dashboard, switch::Switch, text::broken},
    model::ResourceName,
};
use ratatui::{buffer::Buffer, layout::Rect};

const WIDTH: u16 = 62;
/// Lines of names at most.
const NAMES: usize = 8;

/// Where the question is.
pub(in crate::dashboard) fn area(switch: &Switch, screen: Rect) -> Rect {
    let height = u16::try_from(names(switch, screen).len() + 7).unwrap_or(u16::MAX);
    centred(screen, WIDTH, height)
}

/// Those that go along, in lines.
fn names(switch: &Switch, screen: Rect) -> Vec<String> {
    let names: Vec<&str> = switch.others.iter().map(ResourceName::as_str).collect();
    let mut rows = broken(&names.join(", "), usize::from(WIDTH.min(screen.width)).saturating_sub(6).max(1));
    if rows.len() > NAMES {
        rows.truncate(NAMES - 1);
        rows.push(format!("{} in all", names.len()));
    }
    rows
}

/// Draws the question.
pub(in crate::dashboard) fn draw(dashboard: &Dashboard, switch: &Switch, screen: Rect, buffer: &mut Buffer) {
    let look = dashboard.setting.look;
    let name = &switch.name;
    let (title, why) = if switch.enable {
        (format!("Enable {name}"), "with what it needs, and what was disabled with it:")
    } else {
        (format!("Disable {name}"), "with what cannot be without it:")
    };
    let key =
        |key: &str, text: String| vec![piece(look, Tone::Accent, format!("{key:7}")), piece(look, Tone::Dim, text)];
    let mut lines: Vec<Vec<Piece>> = vec![vec![piece(look, Tone::Plain, why)]];
    let names = names(switch, screen);
    lines.extend(names.into_iter().map(|row| vec![piece(look, Tone::Strong, format!("  {row}"))]));
    lines.push(Vec::new());
    lines.push(key("enter", "all of them".to_owned()));
    lines.push(key("a", format!("{name} alone")));
    lines.push(key("esc", "goes back".to_owned()));
    let inner = window(look, buffer, area(switch, screen), &title);
    for (y, line) in (inner.top()..inner.bottom()).zip(&lines) {
        put_pieces(buffer, inner, inner.x, y, line);
    }
}
