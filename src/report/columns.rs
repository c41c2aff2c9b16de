//! How wide text is on a terminal.

use unicode_width::UnicodeWidthStr;

/// Columns that a text takes: wide characters two, combining ones none.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The text with spaces behind it, at least so many columns wide.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_counted() {
        assert_eq!(padded("名前", 6), "名前  ");
        assert_eq!(padded("e\u{301}", 2), "e\u{301} ");
        assert_eq!(padded("longer", 3), "longer");
    }
}
