//! Writing YAML in the style of `go-yaml` 2, which is what Tilt's users know from `encode_yaml`: keys sorted, lists not
//! indented, texts quoted only where they must be.

use super::{
    tree::{Tree, float_text},
    yaml::resolve,
};
use std::fmt::Write as _;

/// Writes one document; a newline ends it.
pub(crate) fn print(tree: &Tree) -> String {
    let mut out = String::new();
    match tree {
        Tree::Map(entries) if !entries.is_empty() => write_map(&mut out, entries, 0, false),
        Tree::List(items) if !items.is_empty() => write_list(&mut out, items, 0, false),
        scalar => {
            write_scalar(&mut out, scalar, 0);
            out.push('\n');
        }
    }
    out
}

/// Writes documents one after the other.
pub(crate) fn print_stream(trees: &[Tree]) -> String {
    trees.iter().map(print).collect::<Vec<_>>().join("---\n")
}

fn indent(out: &mut String, depth: usize) {
    out.push_str(&"  ".repeat(depth));
}

/// `inline`: the first line is already indented, by the `- ` of a list.
fn write_map(out: &mut String, entries: &[(String, Tree)], depth: usize, inline: bool) {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 || !inline {
            indent(out, depth);
        }
        write_key(out, key);
        out.push(':');
        match value {
            Tree::Map(entries) if !entries.is_empty() => {
                out.push('\n');
                write_map(out, entries, depth + 1, false);
            }
            Tree::List(items) if !items.is_empty() => {
                out.push('\n');
                write_list(out, items, depth, false);
            }
            scalar => {
                out.push(' ');
                write_scalar(out, scalar, depth);
                out.push('\n');
            }
        }
    }
}

fn write_list(out: &mut String, items: &[Tree], depth: usize, inline: bool) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || !inline {
            indent(out, depth);
        }
        out.push_str("- ");
        match item {
            Tree::Map(entries) if !entries.is_empty() => write_map(out, entries, depth + 1, true),
            Tree::List(items) if !items.is_empty() => write_list(out, items, depth + 1, true),
            scalar => {
                write_scalar(out, scalar, depth);
                out.push('\n');
            }
        }
    }
}

fn write_scalar(out: &mut String, tree: &Tree, depth: usize) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        Tree::Int(int) => out.push_str(&int.to_string()),
        Tree::Float(float) => out.push_str(&float_text(*float)),
        Tree::Text(text) if text.contains('\n') && literal_serves(text) => write_literal(out, text, depth),
        Tree::Text(text) => write_key(out, text),
        Tree::List(_) => out.push_str("[]"),
        Tree::Map(_) => out.push_str("{}"),
    }
}

/// A literal block keeps texts of visible characters, when no line starts with white space that could pass for indentation.
fn literal_serves(text: &str) -> bool {
    let is_visible = |c: char| c == '\n' || c == '\t' || !c.is_control() && c != '\u{feff}';
    !text.starts_with([' ', '\n', '\t'])
        && !text.lines().any(|line| line.ends_with(' '))
        && text.chars().all(is_visible)
}

fn write_literal(out: &mut String, text: &str, depth: usize) {
    let (body, chomping) = match text.strip_suffix('\n') {
        None => (text, "-"),
        Some(body) if body.ends_with('\n') => (body, "+"),
        Some(body) => (body, ""),
    };
    write!(out, "|{chomping}").unwrap_or_default();
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            indent(out, depth + 1);
            out.push_str(line);
        }
    }
}

/// A text on one line: plain, else in double quotes if it would mean something else, else in single ones.
fn write_key(out: &mut String, text: &str) {
    let is_odd = |c: char| c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}');
    if text.chars().any(is_odd) || resolve(text).is_some() || text == "<<" || is_base_60(text) {
        write_escaped(out, text);
    } else if plain_serves(text) {
        out.push_str(text);
    } else {
        write!(out, "'{}'", text.replace('\'', "''")).unwrap_or_default();
    }
}

/// YAML 1.1 readers take `1:30` for a number.
fn is_base_60(text: &str) -> bool {
    text.contains(':') && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b':' | b'.' | b'_' | b'+' | b'-'))
}

fn plain_serves(text: &str) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    let second_is_space = text.chars().nth(1).is_none_or(char::is_whitespace);
    let indicator = match first {
        '-' | '?' | ':' => second_is_space,
        first => "#,[]{}&*!|>'\"%@`=".contains(first),
    };
    let is_marker = text.starts_with("---") || text.starts_with("...");
    !(indicator
        || is_marker
        || text.starts_with(' ')
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #"))
}

fn write_escaped(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() && u32::from(c) < 256 => write!(out, "\\x{:02X}", u32::from(c)).unwrap_or_default(),
            '\u{feff}' | '\u{2028}' | '\u{2029}' => write!(out, "\\u{:04X}", u32::from(c)).unwrap_or_default(),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse_stream;
    use super::*;

    #[test]
    fn a_manifest_keeps_its_familiar_form() {
        let text = "a:\n- b: \"on\"\n  c:\n  - - 1\n    - 2\nd: {}\ne: 'x: y'\nf: |\n  one\n  two\ng: |-\n  p\n\n  q\nh: null\n";
        let trees = parse_stream(text).unwrap();
        assert_eq!(print(&trees[0]), text);
    }

    #[test]
    fn awkward_texts_are_read_back_as_they_were() {
        let texts = [
            "",
            " ",
            "a ",
            " a",
            "- a",
            "-",
            "-a",
            "?",
            ": ",
            "a:",
            "a: b",
            "a #b",
            "#a",
            "yes",
            "017",
            "1:30",
            "~",
            "null",
            "<<",
            "'",
            "\"",
            "a'b",
            "\n",
            "a\n",
            "a\n\n",
            "\na",
            " a\nb",
            "a \nb",
            "a\n b",
            "a\tb",
            "\t",
            "\u{1}",
            "\u{85}",
            "\u{feff}",
            "---",
            "--- a",
            "...",
            "[",
            "{a",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "=",
            ",",
            "é",
            "😀",
            "a\r\nb",
            "1e3",
            ".5",
            "0x1f",
            "[]",
            "x: |",
            "---\nx",
            "2024-01-02",
            "a, b",
            "\\n",
            "a\u{2028}b",
        ];
        for text in texts {
            for tree in [
                Tree::Map(vec![("k".into(), Tree::Text(text.into()))]),
                Tree::List(vec![Tree::List(vec![Tree::Text(text.into())])]),
                Tree::Map(vec![(text.into(), Tree::Map(vec![("k".into(), Tree::Text(text.into()))]))]),
            ] {
                let printed = print(&tree);
                assert_eq!(parse_stream(&printed), Ok(vec![tree]), "{printed}");
            }
        }
    }

    /// A generator of numbers that are the same each time.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % sides
        }

        fn text(&mut self) -> String {
            const PARTS: [&str; 24] = [
                "a", "b", " ", " ", "\n", "\n", ":", "#", "-", "'", "\"", "\\", "{", "]", ",", "&", "*", "!", "|", "1",
                "0x", ".", "é", "\t",
            ];
            (0..self.roll(7)).map(|_| PARTS[self.roll(PARTS.len())]).collect()
        }

        fn tree(&mut self, depth: usize) -> Tree {
            match self.roll(if depth < 4 { 8 } else { 6 }) {
                0 => Tree::Null,
                1 => Tree::Bool(self.roll(2) == 0),
                2 => Tree::Int(i64::try_from(self.roll(2000)).unwrap() - 1000),
                3 => Tree::Float(f64::from(u32::try_from(self.roll(1000)).unwrap()) + 0.25),
                4 | 5 => Tree::Text(self.text()),
                6 => Tree::List((0..self.roll(4)).map(|_| self.tree(depth + 1)).collect()),
                _ => {
                    let keys: std::collections::BTreeSet<_> = (0..self.roll(4)).map(|_| self.text()).collect();
                    Tree::Map(keys.into_iter().map(|key| (key, self.tree(depth + 1))).collect())
                }
            }
        }
    }

    #[test]
    fn any_document_is_read_back_as_it_was() {
        let mut dice = Dice(7);
        for _ in 0..5000 {
            let tree = dice.tree(0);
            let printed = print(&tree);
            let expected = if tree == Tree::Null { Vec::new() } else { vec![tree.clone()] };
            assert_eq!(parse_stream(&printed), Ok(expected), "{printed}");
            assert_eq!(super::super::json::parse(&super::super::json::print(&tree)), Ok(tree));
        }
    }
}
