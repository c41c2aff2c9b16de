//! How text looks: whether in colour, and how wide.

use std::fmt::Display;

/// What the output can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether escape sequences for colours are welcome.
    pub colour: bool,
    /// Columns.
    pub width: usize,
}

/// A colour of the terminal's own palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// It went wrong.
    Red,
    /// It is well.
    Green,
    /// It waits, or may be wrong.
    Yellow,
    /// Less important than the rest.
    Dim,
    /// One of six that tell names from each other.
    Name(u8),
}

impl Look {
    /// `text` in that colour, where colours are welcome.
    pub fn paint(self, colour: Colour, text: impl Display) -> String {
        if !self.colour {
            return text.to_string();
        }
        let code = match colour {
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Dim => 2,
            Colour::Name(number) => [36, 35, 34, 32, 33, 96][usize::from(number) % 6],
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A resource's name in its own colour.
    pub fn paint_name(self, name: &str, text: impl Display) -> String {
        let number = name.bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        self.paint(Colour::Name(number), text)
    }
}
