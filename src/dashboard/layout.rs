//! Where things are on the screen: one pure function, for drawing and for the mouse.

use ratatui::layout::Rect;

/// The parts of the screen. What has no room is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Areas {
    /// Which project, and how it fares.
    pub header: Rect,
    /// Errors of the Orchfile.
    pub banner: Rect,
    /// The resources.
    pub list: Rect,
    /// Between list and pane, where they stand side by side.
    pub wall: Rect,
    /// What the pane shows, and of whom.
    pub title: Rect,
    /// The log, or what else the pane shows.
    pub pane: Rect,
    /// What can be done now.
    pub footer: Rect,
}

/// What the layout depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// Lines of the banner; 0 is none.
    pub banner: u16,
    /// Lines of the list.
    pub list: u16,
    /// The pane alone.
    pub zoomed: bool,
    /// Which one is shown where there is room for one.
    pub pane_has_focus: bool,
}

/// From this width on, list and pane stand side by side.
const SIDE_BY_SIDE: u16 = 130;
/// Below this height of the body, there is room for one of them.
const BOTH: u16 = 8;

/// Divides the screen.
#[must_use]
pub fn areas(screen: Rect, wishes: Wishes) -> Areas {
    let mut areas = Areas::default();
    let mut body = screen;
    if body.height >= 6 {
        areas.header = take_top(&mut body, 1);
    }
    if body.height >= 4 {
        areas.footer = take_bottom(&mut body, 1);
    }
    if wishes.banner > 0 && body.height >= 6 {
        let height = wishes.banner.min(body.height / 2);
        areas.banner = take_top(&mut body, height);
    }
    let has_room_for_one = body.height < BOTH && body.width < SIDE_BY_SIDE;
    if wishes.zoomed || has_room_for_one && wishes.pane_has_focus {
        areas.pane = body;
    } else if has_room_for_one {
        areas.list = body;
        return areas;
    } else if body.width >= SIDE_BY_SIDE {
        // The list has what it needs for its columns, the log the rest.
        let width = (body.width / 2).clamp(68, 104);
        areas.list = take_left(&mut body, width);
        areas.wall = take_left(&mut body, 1);
        areas.pane = body;
    } else {
        let height = wishes.list.clamp(3, (body.height / 2).max(3));
        areas.list = take_top(&mut body, height);
        areas.pane = body;
    }
    if areas.pane.height >= 3 {
        areas.title = take_top(&mut areas.pane, 1);
    }
    areas
}

fn take_top(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    let taken = Rect { height, ..*rest };
    (rest.y, rest.height) = (rest.y + height, rest.height - height);
    taken
}

fn take_bottom(rest: &mut Rect, height: u16) -> Rect {
    let height = height.min(rest.height);
    rest.height -= height;
    Rect { y: rest.y + rest.height, height, ..*rest }
}

fn take_left(rest: &mut Rect, width: u16) -> Rect {
    let width = width.min(rest.width);
    let taken = Rect { width, ..*rest };
    (rest.x, rest.width) = (rest.x + width, rest.width - width);
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_divided_without_overlap() {
        for width in [0, 1, 2, 40, 80, 119, 120, 400] {
            for height in 0..60 {
                for (zoomed, pane_has_focus) in [(false, false), (true, true), (false, true)] {
                    let screen = Rect { x: 0, y: 0, width, height };
                    let areas = areas(screen, Wishes { banner: 9, list: 30, zoomed, pane_has_focus });
                    let all =
                        [areas.header, areas.banner, areas.list, areas.wall, areas.title, areas.pane, areas.footer];
                    let covered: u32 = all.iter().map(|area| area.area()).sum();
                    assert_eq!(covered, screen.area(), "{width}x{height}");
                    assert!(all.iter().all(|area| area.is_empty() || screen.intersection(*area) == *area));
                    let overlap = |a: &Rect, b: &Rect| !a.intersection(*b).is_empty();
                    for (place, area) in all.iter().enumerate() {
                        assert!(all[place + 1..].iter().all(|other| !overlap(area, other)), "{width}x{height}");
                    }
                }
            }
        }
    }
}
