//! The mouse: wheel and clicks, by the same layout that is drawn.

use super::{
    command::Command,
    keymap::Action,
    state::{Dashboard, Focus, Overlay, PaneView},
    view::{self, hit::Hit},
};
use crossterm::event::{KeyCode, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// Lines a step of the wheel.
const WHEEL: isize = 3;

impl Dashboard {
    pub(super) fn on_mouse(&mut self, mouse: MouseEvent) -> Vec<Command> {
        let areas = self.areas();
        let at = Position { x: mouse.column, y: mouse.row };
        if let Some(overlay) = self.overlay.clone() {
            return self.on_overlay_mouse(mouse.kind, at, overlay);
        }
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(-WHEEL, areas.list.contains(at)),
            MouseEventKind::ScrollDown => self.wheel(WHEEL, areas.list.contains(at)),
            MouseEventKind::Down(MouseButton::Left) if areas.list.contains(at) => {
                self.focus = Focus::List;
                let row = usize::from(at.y - areas.list.y);
                // The first line holds the names of the columns.
                row.checked_sub(1).map(|row| self.select_place(self.list_top + row)).unwrap_or_default()
            }
            MouseEventKind::Down(MouseButton::Left) if areas.title.contains(at) => {
                let action = view::title::action_at(self, usize::from(at.x - areas.title.x));
                action.map(|action| self.act(action)).unwrap_or_default()
            }
            MouseEventKind::Down(MouseButton::Left) if areas.pane.contains(at) => {
                self.focus = Focus::Pane;
                self.point_at(areas.pane, at)
            }
            MouseEventKind::Down(MouseButton::Left) if areas.banner.contains(at) => self.act(Action::ShowErrors),
            MouseEventKind::Down(MouseButton::Left) if areas.footer.contains(at) => {
                let action = view::bars::action_at(self, areas.footer, at.x);
                action.map(|action| self.act(action)).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn wheel(&mut self, by: isize, in_list: bool) -> Vec<Command> {
        if in_list {
            let height = usize::from(self.areas().list.height).saturating_sub(1);
            let most = self.items.len().saturating_sub(height);
            let place = self.list_top.saturating_add_signed(by).min(most);
            // What is chosen goes with the screen.
            let chosen = self.selected_place().unwrap_or(0).clamp(place, (place + height).saturating_sub(1));
            self.list_top = place;
            return self.select_place(chosen);
        }
        self.scroll_pane(by)
    }

    fn point_at(&mut self, pane: Rect, at: Position) -> Vec<Command> {
        let (column, row) = (usize::from(at.x - pane.x), usize::from(at.y - pane.y));
        let found = match self.view {
            PaneView::Logs => {
                let line = view::logs::line_at(self, pane, row);
                line.into_iter().for_each(|line| self.logs.point_at(line));
                None
            }
            PaneView::Detail => None,
            PaneView::Graph => view::graph::resource_at(self, column, row),
            PaneView::Timeline => view::timeline::resource_at(self, row),
        };
        let scroll = self.scroll;
        let commands = found.map(|name| self.select(Some(name))).unwrap_or_default();
        // What was clicked stays under the mouse.
        self.scroll = scroll;
        commands
    }

    fn on_overlay_mouse(&mut self, kind: MouseEventKind, at: Position, overlay: Overlay) -> Vec<Command> {
        let (key, times) = match kind {
            MouseEventKind::ScrollUp => (KeyCode::Up, WHEEL),
            MouseEventKind::ScrollDown => (KeyCode::Down, WHEEL),
            MouseEventKind::Down(MouseButton::Left) => return self.on_overlay_click(at, overlay),
            _ => return Vec::new(),
        };
        match overlay {
            Overlay::Help(_) | Overlay::Errors(_) => (0..times).flat_map(|_| self.on_overlay_key(key.into())).collect(),
            Overlay::Palette { .. } | Overlay::Buttons(_) | Overlay::Links(_) => self.on_overlay_key(key.into()),
            Overlay::Form(_) | Overlay::Quit { .. } | Overlay::Switch(_) | Overlay::Prompt(..) => Vec::new(),
        }
    }

    fn on_overlay_click(&mut self, at: Position, overlay: Overlay) -> Vec<Command> {
        match view::hit::at(self, &overlay, at) {
            Hit::Outside => self.overlay = None,
            Hit::Text => {}
            Hit::Key(key) => return self.on_overlay_key(key.into()),
            Hit::Choice(chosen) => {
                self.overlay = Some(match overlay {
                    Overlay::Palette { text, .. } => Overlay::Palette { text, chosen },
                    Overlay::Buttons(_) => Overlay::Buttons(chosen),
                    Overlay::Links(_) => Overlay::Links(chosen),
                    other => other,
                });
                return self.on_overlay_key(KeyCode::Enter.into());
            }
        }
        Vec::new()
    }
}
