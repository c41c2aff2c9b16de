//! Templates in the language of `kubectl -o jsonpath=…`: text, and paths, texts and ranges in braces.

use crate::orchfile::find_by_json_path;
use serde_json::Value;

/// A template that was read.
#[derive(Debug, PartialEq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, PartialEq)]
enum Piece {
    /// As it stands.
    Text(String),
    /// What a path finds, with blanks between.
    Path(String),
    /// Its pieces once for each thing that the path finds.
    Range(String, Vec<Piece>),
}

impl Template {
    /// Reads a template; without braces it is one path.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_matches('\'');
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        if !text.contains('{') {
            return Ok(Self(vec![Piece::Path(text.to_owned())]));
        }
        // One for each range that is open, with its path; the outermost has none.
        let mut open: Vec<(String, Vec<Piece>)> = vec![(String::new(), Vec::new())];
        let mut rest = text;
        while let Some((before, inner)) = rest.split_once('{') {
            let end = end_of(inner).ok_or("a brace is not closed")?;
            let (action, after) = (inner[..end].trim(), &inner[end + 1..]);
            let pieces = &mut open.last_mut().ok_or("there is an `end` too many")?.1;
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            if let Some(path) = action.strip_prefix("range ") {
                open.push((path.trim().to_owned(), Vec::new()));
            } else if action == "end" {
                let (path, inside) = open.pop().filter(|_| !open.is_empty()).ok_or("there is an `end` too many")?;
                open.last_mut().ok_or("there is an `end` too many")?.1.push(Piece::Range(path, inside));
            } else if action.starts_with(['"', '\'']) {
                pieces.push(Piece::Text(unquoted(action)));
            } else {
                pieces.push(Piece::Path(action.to_owned()));
            }
            rest = after;
        }
        let (_, mut pieces) = open.pop().filter(|_| open.is_empty()).ok_or("a `range` has no `end`")?;
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// What it says of a document.
    ///
    /// # Errors
    /// A path is none, or leads to an element that is not there.
    pub(super) fn fill(&self, document: &Value) -> Result<String, String> {
        fill(&self.0, document)
    }
}

/// Where the brace closes that is open at the start; not within quotes.
fn end_of(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '}') => return Some(at),
            (None, _) => {}
        }
    }
    None
}

fn unquoted(text: &str) -> String {
    let text = text.trim_matches(['"', '\'']);
    text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\"", "\"")
}

fn fill(pieces: &[Piece], value: &Value) -> Result<String, String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Path(path) => {
                let found = find(path, value)?;
                let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let shown: Vec<_> = found.iter().filter(|value| !value.is_null()).map(shown).collect();
                text.push_str(&shown.join(" "));
            }
            Piece::Range(path, inside) => {
                // A list that is named without `[*]` is walked over, too.
                let found = find(path, value)?;
                let items = found.into_iter().flat_map(|value| match value {
                    Value::Array(items) if !path.ends_with(']') => items,
                    other => vec![other],
                });
                for item in items {
                    text.push_str(&fill(inside, &item)?);
                }
            }
        }
    }
    Ok(text)
}

/// As `kubectl` has it: a field that is not there is nothing, an element that is not there is an error.
fn find(path: &str, value: &Value) -> Result<Vec<Value>, String> {
    if matches!(path, "" | "@" | "." | "$") {
        return Ok(vec![value.clone()]);
    }
    let path = path.strip_prefix('@').or_else(|| path.strip_prefix('$')).unwrap_or(path);
    let found = find_by_json_path(value, &format!("{{{path}}}"))?;
    let is_element = path.split('[').skip(1).any(|part| part.starts_with(|letter: char| letter.is_ascii_digit()));
    if found.is_empty() && is_element && !path.contains("..") && !path.contains('*') && !path.contains(':') {
        return Err(format!("there is nothing at `{path}`"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(template: &str) -> Result<String, String> {
        let pods = json!([{ "name": "a", "ready": true }, { "name": "b", "ready": false }]);
        let document = json!({ "items": pods, "none": [] });
        Template::parse(template)?.fill(&document)
    }

    #[test]
    fn paths_texts_and_ranges() {
        assert_eq!(filled("{.items[0].name}").as_deref(), Ok("a"));
        assert_eq!(filled("'{.items[*].name}'").as_deref(), Ok("a b"));
        assert_eq!(filled(".items[1].ready").as_deref(), Ok("false"));
        assert_eq!(filled("{.items[?(@.name==\"b\")].ready}!").as_deref(), Ok("false!"));
        let range = r#"{range .items[*]}{.name}{"\t"}{@.ready}{"\n"}{end}"#;
        assert_eq!(filled(range).as_deref(), Ok("a\ttrue\nb\tfalse\n"));
        assert_eq!(filled("{range .items}{.name},{end}").as_deref(), Ok("a,b,"));
    }

    #[test]
    fn what_is_not_there() {
        assert_eq!(filled("{.other}").as_deref(), Ok(""));
        assert_eq!(filled("{.none[0].name}"), Err("there is nothing at `.none[0].name`".to_owned()));
        assert!(filled("").is_err() && filled("{.items").is_err() && filled("{end}").is_err());
        assert!(filled("{range .items[*]}{.name}").is_err());
    }
}
