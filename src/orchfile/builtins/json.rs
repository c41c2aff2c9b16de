//! JSON as Tilt reads and writes it.

use super::tree::{Tree, float_text};
use serde::de::IgnoredAny;
use serde_json::Value as Json;
use std::fmt::Write as _;

/// Reads one JSON value.
///
/// # Errors
/// Says what is wrong, with line and column.
pub(crate) fn parse(text: &str) -> Result<Tree, String> {
    let value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    tree(value)
}

/// The line (from 1) at which a text stops being JSON.
pub(crate) fn invalid_line(text: &str) -> Option<usize> {
    serde_json::from_str::<IgnoredAny>(text).err().map(|error| error.line())
}

fn tree(value: Json) -> Result<Tree, String> {
    Ok(match value {
        Json::Null => Tree::Null,
        Json::Bool(bool) => Tree::Bool(bool),
        Json::Number(number) => number_tree(&number.to_string())?,
        Json::String(text) => Tree::Text(text),
        Json::Array(items) => Tree::List(items.into_iter().map(tree).collect::<Result<_, _>>()?),
        Json::Object(entries) => {
            let entry = |(key, value)| tree(value).map(|value| (key, value));
            Tree::Map(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
    })
}

/// Only a number with a `.` is a float, as in Tilt.
fn number_tree(text: &str) -> Result<Tree, String> {
    if text.contains('.') {
        let float = text.parse().ok().filter(|float: &f64| float.is_finite());
        return float.map(Tree::Float).ok_or_else(|| format!("`{text}` is too big for a float"));
    }
    text.parse().map(Tree::Int).map_err(|_| format!("`{text}` is no integer of 64 bits; write a float with a `.`"))
}

/// Writes a document: indented by two spaces, keys sorted, a newline at the end.
pub(crate) fn print(tree: &Tree) -> String {
    let mut out = String::new();
    write_tree(&mut out, tree, 0);
    out.push('\n');
    out
}

fn write_tree(out: &mut String, tree: &Tree, depth: usize) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Tree::Int(int) => out.push_str(&int.to_string()),
        Tree::Float(float) => out.push_str(&float_text(*float)),
        Tree::Text(text) => write_text(out, text),
        Tree::List(items) => write_parts(out, ['[', ']'], depth, items, |out, item| write_tree(out, item, depth + 1)),
        Tree::Map(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            write_parts(out, ['{', '}'], depth, &sorted, |out, (key, value)| {
                write_text(out, key);
                out.push_str(": ");
                write_tree(out, value, depth + 1);
            });
        }
    }
}

fn write_parts<T>(
    out: &mut String,
    [open, close]: [char; 2],
    depth: usize,
    parts: &[T],
    write: impl Fn(&mut String, &T),
) {
    out.push(open);
    for (index, part) in parts.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(&"  ".repeat(depth + 1));
        write(out, part);
    }
    if !parts.is_empty() {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    }
    out.push(close);
}

/// As Go does, what HTML or old JavaScript would take for markup is escaped.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..'\u{20}' => {
                write!(out, "\\u{:04x}", u32::from(c)).unwrap_or_default();
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_integers_unless_they_have_a_point() {
        assert_eq!(parse("[1, 1.0, -3]"), Ok(Tree::List(vec![Tree::Int(1), Tree::Float(1.0), Tree::Int(-3)])));
        assert!(parse("1e3").is_err());
        assert!(parse("9223372036854775808").is_err());
    }

    #[test]
    fn documents_are_written_sorted_and_escaped() {
        let tree = parse(r#"{"b": [1, 2.5, {}], "a": "<é>\n"}"#).unwrap();
        assert_eq!(print(&tree), "{\n  \"a\": \"\\u003cé\\u003e\\n\",\n  \"b\": [\n    1,\n    2.5,\n    {}\n  ]\n}\n");
    }
}
