//! Reading YAML as Tilt does: YAML 1.1 words and numbers (`yes`, `017`, `1_000`), non-string keys as text, the last of two
//! equal keys wins, integral floats become integers. The rules of the scalars are those of `go-yaml` 2.

use super::tree::Tree;
use granit_parser::{Event, Parser, ScalarStyle, Tag};
use std::{borrow::Cow, collections::BTreeMap};

/// How deep a document may be nested.
const DEPTH_MAX: usize = 1_000;
/// How many values the aliases of one stream may stand for together.
const ALIASED_MAX: usize = 1_000_000;

/// Reads all documents of a stream; empty and null documents are left out.
///
/// # Errors
/// Says what is wrong, and in which line.
pub(crate) fn parse_stream(text: &str) -> Result<Vec<Tree>, String> {
    let documents = parse_documents(text).map_err(|invalid| format!("line {}: {}", invalid.line, invalid.reason))?;
    Ok(documents.into_iter().map(|document| document.tree).collect())
}

/// A document of a stream.
#[derive(Debug)]
pub(crate) struct Document {
    /// What it says.
    pub(crate) tree: Tree,
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    /// Which document of the stream it is, from 0, empty ones counted.
    pub(crate) place: usize,
}

/// Why a text is no YAML.
#[derive(Debug)]
pub(crate) struct Invalid {
    /// Counts from 1.
    pub(crate) line: usize,
    /// What is wrong there.
    pub(crate) reason: String,
}

/// As [`parse_stream`], with where each document begins.
///
/// # Errors
/// Says what is wrong, and in which line.
pub(crate) fn parse_documents(text: &str) -> Result<Vec<Document>, Invalid> {
    check_separators(text)?;
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: BTreeMap::new(), aliased: 0, line: 1 };
    let mut documents = Vec::new();
    let mut place = 0;
    while let Some(event) = reader.next()? {
        if matches!(event, Event::DocumentStart(..)) {
            reader.anchors.clear();
            if let Some(first) = reader.next()? {
                let line = reader.line;
                documents.push(Document { tree: reader.node(first, 0)?, line, place });
            }
            place += 1;
        }
    }
    documents.retain(|document| document.tree != Tree::Null);
    Ok(documents)
}

/// Kubernetes' reader, and with it Tilt, refuses a document that starts on the line of its separator.
fn check_separators(text: &str) -> Result<(), Invalid> {
    for (number, line) in text.lines().enumerate() {
        let rest = line.strip_prefix("---").map_or("", str::trim);
        if !rest.is_empty() && !rest.starts_with('#') {
            let reason = format!("`---` must stand alone on its line, and `{rest}` follows it");
            return Err(Invalid { line: number + 1, reason });
        }
    }
    Ok(())
}

struct Reader<'t> {
    events: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: BTreeMap<usize, Tree>,
    aliased: usize,
    line: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<Event<'t>>, Invalid> {
        for event in self.events.by_ref() {
            let (event, span) =
                event.map_err(|error| Invalid { line: error.marker().line(), reason: error.kind().to_string() })?;
            self.line = span.start.line();
            if !matches!(event, Event::Comment(..)) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn fault<T>(&self, message: &str) -> Result<T, Invalid> {
        Err(Invalid { line: self.line, reason: message.to_owned() })
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Result<Tree, Invalid> {
        if depth > DEPTH_MAX {
            return self.fault("nested too deeply");
        }
        let (tree, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (self.scalar(text, style, tag.as_deref())?, anchor),
            Event::SequenceStart(_, anchor, _) => (self.sequence(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.mapping(depth)?, anchor),
            Event::Alias(anchor) => return self.alias(anchor),
            _ => (Tree::Null, 0),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, tree.clone());
        }
        Ok(tree)
    }

    fn alias(&mut self, anchor: usize) -> Result<Tree, Invalid> {
        let Some(tree) = self.anchors.get(&anchor) else { return self.fault("an alias holds itself") };
        self.aliased += tree.size();
        if self.aliased > ALIASED_MAX { self.fault("its aliases stand for too much") } else { Ok(tree.clone()) }
    }

    fn sequence(&mut self, depth: usize) -> Result<Tree, Invalid> {
        let mut items = Vec::new();
        while let Some(event) = self.next()? {
            if event == Event::SequenceEnd {
                break;
            }
            items.push(self.node(event, depth + 1)?);
        }
        Ok(Tree::List(items))
    }

    fn mapping(&mut self, depth: usize) -> Result<Tree, Invalid> {
        let mut entries = Entries::default();
        let mut merged = Vec::new();
        while let Some(event) = self.next()? {
            if event == Event::MappingEnd {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, depth + 1)?;
            let Some(event) = self.next()? else { break };
            let value = self.node(event, depth + 1)?;
            if is_merge {
                self.merge(value, &mut merged)?;
            } else {
                let key = self.key(key)?;
                entries.set(key, value);
            }
        }
        for (key, value) in merged {
            entries.add(key, value);
        }
        Ok(Tree::Map(entries.list))
    }

    fn merge(&self, value: Tree, merged: &mut Vec<(String, Tree)>) -> Result<(), Invalid> {
        match value {
            Tree::Map(entries) => merged.extend(entries),
            Tree::List(maps) => return maps.into_iter().try_for_each(|map| self.merge(map, merged)),
            _ => return self.fault("`<<` takes a mapping, or a list of them"),
        }
        Ok(())
    }

    fn key(&self, key: Tree) -> Result<String, Invalid> {
        match key {
            Tree::Text(text) => Ok(text),
            Tree::Int(int) => Ok(int.to_string()),
            Tree::Float(float) => Ok(float.to_string()),
            Tree::Bool(bool) => Ok(bool.to_string()),
            Tree::Null => self.fault("null cannot be a key"),
            Tree::List(_) | Tree::Map(_) => self.fault("a key must be a plain value"),
        }
    }

    fn scalar(&self, text: Cow<'t, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Tree, Invalid> {
        let core = tag.and_then(Tag::core_suffix);
        let is_plain = match core {
            Some("str") => false,
            Some("int" | "float" | "bool" | "null") => true,
            _ => style == ScalarStyle::Plain,
        };
        if !is_plain {
            return Ok(Tree::Text(text.into_owned()));
        }
        match resolve(&text) {
            Some(Tree::Float(float)) if !float.is_finite() => {
                self.fault(&format!("`{text}` has no place in a document"))
            }
            Some(tree) => Ok(tree),
            None => Ok(Tree::Text(text.into_owned())),
        }
    }
}

/// Entries of a mapping, each key once.
#[derive(Default)]
struct Entries {
    list: Vec<(String, Tree)>,
    places: BTreeMap<String, usize>,
}

impl Entries {
    /// The last value of a key wins, at the place of the first.
    fn set(&mut self, key: String, value: Tree) {
        match self.places.get(&key) {
            Some(place) => self.list[*place].1 = value,
            None => self.add(key, value),
        }
    }

    /// Adds what is not there yet.
    fn add(&mut self, key: String, value: Tree) {
        if !self.places.contains_key(&key) {
            self.places.insert(key.clone(), self.list.len());
            self.list.push((key, value));
        }
    }
}

/// What a plain scalar means; `None` is the text itself. Infinities and `.nan` come as such.
pub(crate) fn resolve(text: &str) -> Option<Tree> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Tree::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Tree::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Tree::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Tree::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Tree::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Tree::Float(f64::NEG_INFINITY),
        _ => return resolve_number(text),
    })
}

fn resolve_number(text: &str) -> Option<Tree> {
    let first = text.chars().next()?;
    if !matches!(first, '0'..='9' | '+' | '-' | '.') {
        return None;
    }
    let plain = text.replace('_', "");
    resolve_int(&plain).or_else(|| resolve_float(&plain))
}

fn resolve_int(plain: &str) -> Option<Tree> {
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, &plain[1..]),
        b'+' => (false, &plain[1..]),
        _ => (false, plain),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    let int = i128::from(size) * if negative { -1 } else { 1 };
    #[expect(clippy::cast_precision_loss, reason = "what does not fit an integer becomes a float")]
    Some(i64::try_from(int).map_or(Tree::Float(int as f64), Tree::Int))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn resolve_float(plain: &str) -> Option<Tree> {
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    if !unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    let float: f64 = plain.parse().ok()?;
    float.is_finite().then(|| Tree::of_float(float))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    fn one(text: &str) -> Tree {
        let mut documents = parse_stream(text).unwrap();
        documents.pop().unwrap_or(Tree::Null)
    }

    #[test]
    fn scalars_mean_what_yaml_1_1_says() {
        for (text, meaning) in [
            ("017", Tree::Int(15)),
            ("0o17", Tree::Int(15)),
            ("08", Tree::Int(8)),
            ("1_000", Tree::Int(1000)),
            ("0b11", Tree::Int(3)),
            ("-0x10", Tree::Int(-16)),
            ("1.", Tree::Int(1)),
            ("1e3", Tree::Int(1000)),
            (".5", Tree::Float(0.5)),
            ("18446744073709551615", Tree::Float(18_446_744_073_709_551_615.0)),
            ("y", Tree::Bool(true)),
            ("12:30", Tree::Text("12:30".into())),
            ("1.2.3", Tree::Text("1.2.3".into())),
            ("-", Tree::List(vec![Tree::Null])),
            ("'017'", Tree::Text("017".into())),
            ("!!str 017", Tree::Text("017".into())),
            ("0x", Tree::Text("0x".into())),
            ("+-1", Tree::Text("+-1".into())),
        ] {
            assert_eq!(one(text), meaning, "{text}");
        }
        assert!(parse_stream(".inf").is_err());
    }

    #[test]
    fn merged_keys_yield_to_written_ones() {
        let map = one("b: &b {x: 1, y2: 2}\nd: {x: 3, <<: *b}");
        let Tree::Map(entries) = map else { panic!("{map:?}") };
        assert_eq!(entries[1].1, Tree::Map(vec![("x".into(), Tree::Int(3)), ("y2".into(), Tree::Int(2))]));
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
        }
        assert!(parse_stream(&text).unwrap_err().contains("too much"));
    }

    #[test]
    fn a_deep_document_is_refused() {
        assert!(parse_stream(&"[".repeat(100_000)).is_err());
    }
}
