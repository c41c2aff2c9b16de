//! A text that an editor has open, and its places as the protocol counts them: lines from 0, and UTF-16 units within a line.

use crate::{diag::Label, model::FilePath};
use serde_json::{Value, json};
use std::ops::Range;

/// An open text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Document {
    /// The text as the editor has it.
    pub(super) text: String,
}

impl Document {
    /// The offset of a position; positions beyond a line or the text are at its end.
    pub(super) fn offset(&self, position: &Value) -> usize {
        let number = |key: &str| usize::try_from(position[key].as_u64().unwrap_or(0)).unwrap_or(usize::MAX);
        let start = self.line_start(number("line"));
        let line = self.text[start..].split('\n').next().unwrap_or_default();
        let mut units = number("character");
        for (at, char) in line.char_indices() {
            if units < char.len_utf16() {
                return start + at;
            }
            units -= char.len_utf16();
        }
        start + line.len()
    }

    fn line_start(&self, line: usize) -> usize {
        self.text.split_inclusive('\n').take(line).map(str::len).sum()
    }

    /// The position of an offset.
    pub(super) fn position(&self, offset: usize) -> Value {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count();
        let rest = before.rsplit('\n').next().unwrap_or_default();
        json!({"line": line, "character": rest.encode_utf16().count()})
    }

    /// The range of offsets.
    pub(super) fn range(&self, range: &Range<usize>) -> Value {
        json!({"start": self.position(range.start), "end": self.position(range.end)})
    }

    /// Where a label points, with lines and columns counted from 1 and in characters.
    pub(super) fn range_of(&self, label: &Label) -> Value {
        let line = usize::try_from(label.location.line).unwrap_or(1).saturating_sub(1);
        let column = usize::try_from(label.location.column).unwrap_or(1).saturating_sub(1);
        let start = self.line_start(line);
        let rest = self.text.get(start..).unwrap_or_default();
        let begin = start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at);
        let mut end = (begin + label.span.1).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        self.range(&(begin..end))
    }
}

/// The file that a `file:` address names.
pub(super) fn file_of(uri: &str) -> Option<FilePath> {
    let path = uri.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| char::from(byte?).to_digit(16);
        bytes.push(match byte {
            b'%' => u8::try_from(hex(rest.next())? * 16 + hex(rest.next())?).ok()?,
            byte => byte,
        });
    }
    let path = String::from_utf8(bytes).ok()?;
    path.starts_with('/').then(|| FilePath::new(path))
}

/// The address of a file.
pub(super) fn uri_of(file: &FilePath) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let path: String = file
        .to_string()
        .bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("file://{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_utf_16() {
        let document = Document { text: "a = 1\nb = \"𝄞ü\" + c\n".to_owned() };
        let offset = document.text.find('c').unwrap();
        assert_eq!(document.position(offset), json!({"line": 1, "character": 12}));
        assert_eq!(document.offset(&json!({"line": 1, "character": 12})), offset);
        assert_eq!(document.offset(&json!({"line": 0, "character": 99})), 5);
        assert_eq!(document.offset(&json!({"line": 9, "character": 0})), document.text.len());
    }

    #[test]
    fn addresses_are_escaped() {
        let file = FilePath::new("/home/a b/ü/Orchfile");
        assert_eq!(uri_of(&file), "file:///home/a%20b/%C3%BC/Orchfile");
        assert_eq!(file_of(&uri_of(&file)), Some(file));
        assert_eq!(file_of("untitled:1"), None);
    }
}
