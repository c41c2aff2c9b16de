//! How the dashboard looks: the terminal's own palette, few colours, and signs that also exist without Unicode.

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
}

/// What a piece of text means. Colours are those of the terminal's palette, so that they fit light and dark.
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
        let coloured = |colour| if self.colour { plain.fg(colour) } else { plain };
        match tone {
            Tone::Plain => plain,
            Tone::Dim => plain.add_modifier(Modifier::DIM),
            Tone::Strong => plain.add_modifier(Modifier::BOLD),
            Tone::Good => coloured(Color::Green),
            Tone::Busy => coloured(Color::Yellow),
            Tone::Bad => coloured(Color::Red).add_modifier(Modifier::BOLD),
            Tone::Doubt => coloured(Color::Yellow),
            Tone::Accent => coloured(Color::Cyan).add_modifier(Modifier::BOLD),
            Tone::Lit => coloured(Color::Yellow).add_modifier(Modifier::BOLD | Modifier::REVERSED),
            Tone::Found if self.colour => plain.fg(Color::Black).bg(Color::Yellow),
            Tone::Found => plain.add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
            Tone::FoundHere if self.colour => plain.fg(Color::Black).bg(Color::Magenta),
            Tone::FoundHere => plain.add_modifier(Modifier::REVERSED),
        }
    }

    /// A name in one of six colours of its own, so that lines of several resources can be told apart.
    #[must_use]
    pub fn name_style(self, name: &str) -> Style {
        const COLOURS: [Color; 6] =
            [Color::Cyan, Color::Magenta, Color::Blue, Color::Green, Color::Yellow, Color::LightCyan];
        if !self.colour {
            return Style::new();
        }
        let number = name.bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        Style::new().fg(COLOURS[usize::from(number) % COLOURS.len()])
    }
}
