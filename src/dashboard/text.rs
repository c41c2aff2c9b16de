//! What programs print, as cells of a screen: escape sequences become styles, tabs become spaces, and nothing else gets through.

use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthChar;

/// A character with its style; a width of 0 belongs to the one before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// The character.
    pub c: char,
    /// Columns.
    pub width: u8,
    /// Its style.
    pub style: Style,
}

const TAB: usize = 8;

/// The first `columns` columns of `text`. Colours count only where `colour` is set; `base` is the style without any.
#[must_use]
pub fn glyphs(text: &str, base: Style, colour: bool, columns: usize) -> Vec<Glyph> {
    let mut glyphs = Vec::with_capacity(text.len().min(columns));
    let (mut style, mut column) = (base, 0);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if column >= columns {
            break;
        }
        match c {
            '\u{1b}' => skip_escape(&mut rest, |parameters| style = with_sgr(style, base, colour, parameters)),
            '\t' => {
                let stop = (column / TAB + 1) * TAB;
                glyphs.extend((column..stop).map(|_| Glyph { c: ' ', width: 1, style }));
                column = stop;
            }
            c => {
                // Control characters have no width, and no place on a screen.
                let Some(width) = c.width() else { continue };
                if width == 0 && glyphs.is_empty() {
                    continue;
                }
                glyphs.push(Glyph { c, width: u8::try_from(width).unwrap_or(1), style });
                column += width;
            }
        }
    }
    glyphs
}

/// The text without escape sequences and control characters, tabs as they are.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest, |_| {}),
            '\t' => plain.push(c),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

/// How many columns the text takes.
#[must_use]
pub fn columns(text: &str) -> usize {
    if !text.bytes().any(|byte| byte == 0x1b || byte == b'\t' || byte >= 0x80) {
        return text.len();
    }
    glyphs(text, Style::new(), false, usize::MAX).iter().map(|glyph| usize::from(glyph.width)).sum()
}

/// Reads an escape sequence behind its `ESC`; `sgr` takes the parameters of one that sets a style.
fn skip_escape(rest: &mut std::str::Chars<'_>, sgr: impl FnOnce(&str)) {
    match rest.next() {
        Some('[') => {
            let parameters = rest.as_str();
            let length = parameters.find(|c: char| ('\u{40}'..='\u{7e}').contains(&c));
            let Some(length) = length else {
                *rest = "".chars();
                return;
            };
            let ends_with = parameters.as_bytes().get(length);
            *rest = parameters[length + 1..].chars();
            if ends_with == Some(&b'm') {
                sgr(&parameters[..length]);
            }
        }
        Some(']') => {
            let title = rest.as_str();
            let bell = title.find('\u{7}').map(|at| at + 1);
            let string_end = title.find("\u{1b}\\").map(|at| at + 2);
            let end = bell.into_iter().chain(string_end).min().unwrap_or(title.len());
            *rest = title[end..].chars();
        }
        Some('\u{20}'..='\u{2f}') => drop(rest.next()),
        _ => {}
    }
}

fn with_sgr(style: Style, base: Style, colour: bool, parameters: &str) -> Style {
    let mut numbers = parameters.split([';', ':']).map(|number| number.parse::<u8>().unwrap_or(0));
    let mut style = style;
    while let Some(number) = numbers.next() {
        style = match number {
            0 => base,
            1 => style.add_modifier(Modifier::BOLD),
            2 => style.add_modifier(Modifier::DIM),
            3 => style.add_modifier(Modifier::ITALIC),
            4 => style.add_modifier(Modifier::UNDERLINED),
            7 => style.add_modifier(Modifier::REVERSED),
            9 => style.add_modifier(Modifier::CROSSED_OUT),
            22 => style.remove_modifier(Modifier::BOLD | Modifier::DIM),
            23 => style.remove_modifier(Modifier::ITALIC),
            24 => style.remove_modifier(Modifier::UNDERLINED),
            27 => style.remove_modifier(Modifier::REVERSED),
            29 => style.remove_modifier(Modifier::CROSSED_OUT),
            30..=37 | 90..=97 if colour => style.fg(palette(number)),
            40..=47 | 100..=107 if colour => style.bg(palette(number - 10)),
            39 => Style { fg: base.fg, ..style },
            49 => Style { bg: base.bg, ..style },
            38 | 48 => match extended(&mut numbers) {
                Some(found) if colour && number == 38 => style.fg(found),
                Some(found) if colour => style.bg(found),
                _ => style,
            },
            _ => style,
        };
    }
    style
}

fn extended(numbers: &mut impl Iterator<Item = u8>) -> Option<Color> {
    match numbers.next()? {
        5 => Some(Color::Indexed(numbers.next()?)),
        2 => Some(Color::Rgb(numbers.next()?, numbers.next()?, numbers.next()?)),
        _ => None,
    }
}

fn palette(number: u8) -> Color {
    const DARK: [Color; 8] =
        [Color::Black, Color::Red, Color::Green, Color::Yellow, Color::Blue, Color::Magenta, Color::Cyan, Color::Gray];
    const LIGHT: [Color; 8] = [
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    let place = usize::from(number % 10) % 8;
    if number >= 90 { LIGHT[place] } else { DARK[place] }
}

/// Rows of at most `width` columns, each at least one character long.
#[must_use]
pub fn wrapped(glyphs: &[Glyph], width: usize) -> Vec<&[Glyph]> {
    let mut rows = Vec::new();
    let (mut start, mut column) = (0, 0);
    for (place, glyph) in glyphs.iter().enumerate() {
        if column + usize::from(glyph.width) > width && place > start {
            rows.push(&glyphs[start..place]);
            (start, column) = (place, 0);
        }
        column += usize::from(glyph.width);
    }
    rows.push(&glyphs[start..]);
    rows
}

/// `text` in at most `width` columns; what is cut off is told by `cut`.
#[must_use]
pub fn fitted(text: &str, width: usize, cut: &str) -> String {
    let whole: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
    if whole <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(cut.chars().count());
    let mut fitted = String::new();
    let mut column = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if column + wide > room {
            break;
        }
        fitted.push(c);
        column += wide;
    }
    if width > 0 {
        fitted.push_str(cut);
    }
    fitted
}

/// `text` in exactly `width` columns.
#[must_use]
pub fn padded(text: &str, width: usize, cut: &str) -> String {
    let mut text = fitted(text, width, cut);
    let there: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
    text.extend(std::iter::repeat_n(' ', width.saturating_sub(there)));
    text
}

/// Text in rows of at most `width` columns, broken between words where that can be.
#[must_use]
pub fn broken(text: &str, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    for line in text.lines() {
        let mut row = String::new();
        for word in line.split_inclusive(' ') {
            if !row.is_empty() && columns(&row) + columns(word.trim_end()) > width {
                rows.push(std::mem::take(&mut row).trim_end().to_owned());
            }
            let mut rest = word;
            while columns(rest) > width && row.is_empty() {
                let cut = fitted(rest, width, "");
                if cut.is_empty() {
                    break;
                }
                rest = &rest[cut.len()..];
                rows.push(cut);
            }
            row.push_str(rest);
        }
        rows.push(row.trim_end().to_owned());
    }
    if rows.is_empty() {
        rows.push(String::new());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        glyphs(text, Style::new(), true, usize::MAX).iter().map(|glyph| glyph.c).collect()
    }

    #[test]
    fn only_text_and_styles_get_through() {
        assert_eq!(shown("a\u{1b}[2Kb\u{1b}]0;title\u{7}c\u{1b}]8;;x\u{1b}\\d\u{8}e\u{1b}(Bf"), "abcdef");
        assert_eq!(shown("a\tb"), "a       b");
        assert_eq!(shown("\u{1b}[31"), "");
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\tx\r"), "red\tx");
    }

    #[test]
    fn colours_are_kept_or_dropped() {
        let red = |colour| glyphs("\u{1b}[1;38;5;9mx\u{1b}[my", Style::new(), colour, 10);
        assert_eq!(red(true)[0].style, Style::new().add_modifier(Modifier::BOLD).fg(Color::Indexed(9)));
        assert_eq!(red(false)[0].style, Style::new().add_modifier(Modifier::BOLD));
        assert_eq!(red(true)[1].style, Style::new());
    }

    #[test]
    fn rows_break_at_the_width_and_never_within_a_wide_character() {
        let line = glyphs("ab漢字c", Style::new(), true, usize::MAX);
        let rows = wrapped(&line, 3);
        let texts: Vec<String> = rows.iter().map(|row| row.iter().map(|glyph| glyph.c).collect()).collect();
        assert_eq!(texts, ["ab", "漢", "字c"]);
        assert_eq!(wrapped(&[], 3).len(), 1);
        assert_eq!(wrapped(&line, 1).len(), 5);
    }

    #[test]
    fn what_is_cut_off_is_told() {
        assert_eq!(fitted("resource", 5, "…"), "reso…");
        assert_eq!(fitted("漢字漢", 4, "…"), "漢…");
        assert_eq!(fitted("abc", 0, "…"), "");
        assert_eq!(padded("ab", 4, "…"), "ab  ");
    }

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(broken("one two three", 8), ["one two", "three"]);
        assert_eq!(broken("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(broken("a\n\nb", 8), ["a", "", "b"]);
        assert_eq!(broken("", 8), [""]);
    }
}
