//! The mouse: wheel and clicks, by the same layout that is drawn.

use super::{
    command::Command,
    state::{Dashboard, Focus, PaneView},
    view,
};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// Lines a step of the wheel.
const WHEEL: isize = 3;

impl Dashboard {
    pub(super) fn on_mouse(&mut self, mouse: MouseEvent) -> Vec<Command> {
        let areas = self.areas();
        let at = Position { x: mouse.column, y: mouse.row };
        if self.overlay.is_some() {
            return Vec::new();
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
                self.point_at(areas.pane, at);
                Vec::new()
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

    fn point_at(&mut self, pane: Rect, at: Position) {
        if self.view == PaneView::Logs
            && let Some(line) = view::logs::line_at(self, pane, usize::from(at.y - pane.y))
        {
            self.logs.point_at(line);
        }
    }
}
