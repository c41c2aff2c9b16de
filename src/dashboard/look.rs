//! How the dashboard looks: the terminal's own palette, few colours, and signs that also exist without Unicode. For a light
//! background colours are darker ones that no palette decides: usual palettes are made for a dark one.

use ratatui::{
    style::{Color, Modifier, Style},
    symbols::border,
};

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether colours are welcome; without them weight and reversal say the same.
    pub colour: bool,
    /// Whether more than ASCII is.
    pub unicode: bool,
    /// Whether the background is light.
    pub light: bool,
}

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Text.
    Plain,
    /// Less important than the rest.
    Dim,
    /// Text that stands out.
    Strong,
    /// It is well.
    Good,
    /// It is being made so.
    Busy,
    /// It went wrong.
    Bad,
    /// It may be wrong.
    Doubt,
    /// What the user points at.
    Accent,
    /// What a change has reached.
    Lit,
    /// What was searched for.
    Found,
    /// What was searched for, where the cursor is.
    FoundHere,
}

/// Signs of the dashboard.
#[derive(Debug, Clone, Copy)]
pub struct Signs {
    /// It is well.
    pub good: &'static str,
    /// It is being made so.
    pub busy: &'static str,
    /// It waits.
    pub waits: &'static str,
    /// It went wrong.
    pub bad: &'static str,
    /// Nothing goes on.
    pub idle: &'static str,
    /// No part of the session.
    pub off: &'static str,
    /// Before what the user points at.
    pub pointer: &'static str,
    /// What is cut off ends so.
    pub cut: &'static str,
    /// Between parts of a line.
    pub dot: &'static str,
    /// From one thing to another.
    pub arrow: &'static str,
    /// A line from left to right.
    pub rule: &'static str,
    /// Between two panes.
    pub wall: &'static str,
    /// A warning.
    pub doubt: &'static str,
    /// A piece of a bar.
    pub bar: &'static str,
    /// Where a bar could be.
    pub faint: &'static str,
    /// The thumb of a scroll bar.
    pub thumb: &'static str,
}

const UNICODE: Signs = Signs {
    good: "●",
    busy: "◐",
    waits: "◌",
    bad: "✖",
    idle: "○",
    off: "–",
    pointer: "▌",
    cut: "…",
    dot: "·",
    arrow: "→",
    rule: "─",
    wall: "│",
    doubt: "▲",
    bar: "━",
    faint: "·",
    thumb: "┃",
};

const ASCII: Signs = Signs {
    good: "+",
    busy: "*",
    waits: ":",
    bad: "x",
    idle: "o",
    off: "-",
    pointer: ">",
    cut: "~",
    dot: "-",
    arrow: "->",
    rule: "-",
    wall: "|",
    doubt: "!",
    bar: "=",
    faint: ".",
    thumb: "#",
};

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Look {
    /// The signs of this terminal.
    #[must_use]
    pub fn signs(self) -> &'static Signs {
        if self.unicode { &UNICODE } else { &ASCII }
    }

    /// The border of what lies above the rest.
    #[must_use]
    pub fn border(self) -> border::Set<'static> {
        if self.unicode { border::ROUNDED } else { ASCII_BORDER }
    }

    /// How text of that meaning looks.
    #[must_use]
    pub fn style(self, tone: Tone) -> Style {
        let plain = Style::new();
        let colours = if self.light { &LIGHT } else { &DARK };
        let coloured = |colour| if self.colour { plain.fg(colour) } else { plain };
        match tone {
            Tone::Plain => plain,
            Tone::Dim => plain.add_modifier(Modifier::DIM),
            Tone::Strong => plain.add_modifier(Modifier::BOLD),
            Tone::Good => coloured(colours.good),
            Tone::Busy => coloured(colours.doubt),
            Tone::Bad => coloured(colours.bad).add_modifier(Modifier::BOLD),
            Tone::Doubt => coloured(colours.doubt),
            Tone::Accent => coloured(colours.accent).add_modifier(Modifier::BOLD),
            Tone::Lit if self.colour => plain.fg(Color::Black).bg(Color::Yellow).add_modifier(Modifier::BOLD),
            Tone::Lit => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Tone::Found if self.colour => plain.fg(Color::Black).bg(Color::Yellow),
            Tone::Found => plain.add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
            Tone::FoundHere if self.colour => plain.fg(Color::Black).bg(Color::Magenta),
            Tone::FoundHere => plain.add_modifier(Modifier::REVERSED),
        }
    }

    /// A name in one of six colours of its own, so that lines of several resources can be told apart.
    #[must_use]
    pub fn name_style(self, name: &str) -> Style {
        if !self.colour {
            return Style::new();
        }
        let names = if self.light { LIGHT.names } else { DARK.names };
        let number = name.bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        Style::new().fg(names[usize::from(number) % names.len()])
    }
}

/// The colours of text on the terminal's own background.
struct Colours {
    good: Color,
    doubt: Color,
    bad: Color,
    accent: Color,
    names: [Color; 6],
}

/// Of the terminal's palette.
const DARK: Colours = Colours {
    good: Color::Green,
    doubt: Color::Yellow,
    bad: Color::Red,
    accent: Color::Cyan,
    names: [Color::Cyan, Color::Magenta, Color::LightBlue, Color::Green, Color::Yellow, Color::LightMagenta],
};

/// Of the 256 that are the same everywhere.
const LIGHT: Colours = Colours {
    good: Color::Indexed(28),
    doubt: Color::Indexed(94),
    bad: Color::Indexed(124),
    accent: Color::Indexed(24),
    names: [
        Color::Indexed(30),
        Color::Indexed(127),
        Color::Indexed(26),
        Color::Indexed(28),
        Color::Indexed(94),
        Color::Indexed(92),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    const TONES: [Tone; 11] = [
        Tone::Plain,
        Tone::Dim,
        Tone::Strong,
        Tone::Good,
        Tone::Busy,
        Tone::Bad,
        Tone::Doubt,
        Tone::Accent,
        Tone::Lit,
        Tone::Found,
        Tone::FoundHere,
    ];

    /// Red, green and blue as xterm has them, whose first sixteen are the least readable of the usual palettes.
    fn rgb(colour: Color) -> [u8; 3] {
        match colour {
            Color::Black => [0, 0, 0],
            Color::Red => [205, 0, 0],
            Color::Green => [0, 205, 0],
            Color::Yellow => [205, 205, 0],
            Color::Magenta => [205, 0, 205],
            Color::Cyan => [0, 205, 205],
            Color::LightBlue => [92, 92, 255],
            Color::LightMagenta => [255, 0, 255],
            Color::Indexed(number @ 16..=231) => {
                let part = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
                let number = number - 16;
                [part(number / 36), part(number / 6 % 6), part(number % 6)]
            }
            other => panic!("{other:?} is not known to be readable"),
        }
    }

    /// As the Web Content Accessibility Guidelines have it: from 1 to 21, and from 3 on large text can be read.
    fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
        let luminance = |rgb: [u8; 3]| {
            let part = |part: u8| {
                let part = f64::from(part) / 255.0;
                if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(rgb[0]) + 0.7152 * part(rgb[1]) + 0.0722 * part(rgb[2])
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_pair_of_colours_can_be_read() {
        for (light, background, least) in [(false, [0, 0, 0], 3.0), (true, [255, 255, 255], 4.0)] {
            let look = Look { colour: true, unicode: true, light };
            let names: Vec<String> = (0..50).map(|number| format!("name{number}")).collect();
            let names = names.iter().map(|name| look.name_style(name));
            for style in TONES.iter().map(|tone| look.style(*tone)).chain(names) {
                let Some(fg) = style.fg else {
                    assert_eq!(style.bg, None, "the terminal's own text on a colour");
                    continue;
                };
                assert!(!style.add_modifier.contains(Modifier::REVERSED), "{style:?} depends on the background");
                let found = contrast(rgb(fg), style.bg.map_or(background, rgb));
                assert!(found >= least, "{style:?} on {background:?}: {found:.1}");
            }
        }
    }

    #[test]
    fn without_colour_nothing_has_one() {
        let look = Look { colour: false, unicode: true, light: true };
        for style in TONES.iter().map(|tone| look.style(*tone)).chain([look.name_style("a")]) {
            assert_eq!((style.fg, style.bg), (None, None));
        }
    }
}
