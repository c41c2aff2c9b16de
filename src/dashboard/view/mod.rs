//! Drawing: pure functions from the dashboard to cells. What is drawn is decided elsewhere; here is only where and how.

pub(super) mod banner;
pub(super) mod bars;
pub(super) mod buttons;
pub(super) mod cells;
pub(super) mod detail;
pub(super) mod graph;
pub(super) mod hit;
pub(super) mod list;
pub(super) mod logs;
pub(super) mod page;
pub(super) mod palette;
pub(super) mod quit;
pub(super) mod switch;
pub(super) mod timeline;
pub(super) mod title;

use super::state::{Dashboard, Overlay, PaneView};
use ratatui::{Frame, buffer::Buffer, layout::Rect};

impl Dashboard {
    /// Draws all of it.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        self.render(area, frame.buffer_mut());
        if let Some(cursor) = bars::prompt_cursor(self) {
            frame.set_cursor_position(cursor);
        }
    }

    /// Draws all of it into cells.
    pub fn render(&self, screen: Rect, buffer: &mut Buffer) {
        if screen != self.screen || screen.is_empty() {
            // The terminal has another size than it told last; the next event tells it.
            return;
        }
        let areas = self.areas();
        bars::header(self, areas.header, buffer);
        banner::draw(self, areas.banner, buffer);
        list::draw(self, areas.list, buffer);
        cells::wall(self, areas.wall, buffer);
        title::draw(self, areas.title, buffer);
        self.draw_pane(areas.pane, buffer);
        bars::footer(self, areas.footer, buffer);
        self.draw_overlay(screen, buffer);
        if !self.setting.look.unicode {
            cells::only_ascii(buffer);
        }
    }

    fn draw_pane(&self, area: Rect, buffer: &mut Buffer) {
        match self.view {
            PaneView::Logs => logs::draw(self, area, buffer),
            PaneView::Detail => detail::draw(self, area, buffer),
            PaneView::Graph => graph::draw(self, area, buffer),
            PaneView::Timeline => timeline::draw(self, area, buffer),
        }
    }

    fn draw_overlay(&self, screen: Rect, buffer: &mut Buffer) {
        match &self.overlay {
            Some(Overlay::Help(scroll)) => page::help(self, *scroll, screen, buffer),
            Some(Overlay::Errors(scroll)) => page::errors(self, *scroll, screen, buffer),
            Some(Overlay::Palette { text, chosen }) => palette::draw(self, text, *chosen, screen, buffer),
            Some(Overlay::Buttons(chosen)) => buttons::choose(self, *chosen, screen, buffer),
            Some(Overlay::Form(form)) => buttons::form(self, form, screen, buffer),
            Some(Overlay::Links(chosen)) => palette::links(self, *chosen, screen, buffer),
            Some(Overlay::Quit { choice, unasked }) => quit::draw(self, *choice, *unasked, screen, buffer),
            Some(Overlay::Switch(switch)) => switch::draw(self, switch, screen, buffer),
            Some(Overlay::Prompt(..)) | None => {}
        }
    }

    /// How far the pane can be scrolled.
    pub(super) fn longest_scroll(&self) -> usize {
        let pane = self.areas().pane;
        let lines = match self.view {
            PaneView::Logs => 0,
            PaneView::Detail => detail::lines(self, usize::from(pane.width).saturating_sub(3)).len(),
            PaneView::Graph => graph::height(self),
            PaneView::Timeline => timeline::height(self),
        };
        lines.saturating_sub(usize::from(pane.height))
    }

    /// How far the pane can be scrolled sideways.
    pub(super) fn most_sideways(&self) -> usize {
        match self.view {
            PaneView::Logs | PaneView::Detail => 0,
            PaneView::Graph => {
                graph::width(self).saturating_sub(usize::from(self.areas().pane.width).saturating_sub(2))
            }
            PaneView::Timeline => timeline::most_sideways(self),
        }
    }

    /// How far a page above the rest can be scrolled.
    pub(super) fn longest_page(&self, page: &Overlay) -> usize {
        page::lines(self, page).len().saturating_sub(usize::from(page::inner(self.screen).height))
    }
}
