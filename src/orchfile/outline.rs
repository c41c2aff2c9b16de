//! What a text defines, read from its tokens alone: also of a text that somebody is still typing and that no parser accepts.
//!
//! Functions with their parameters and docstrings, names that are given a value, and what is loaded. Scopes finer than a
//! function are not told apart.

use super::dialect::lexer::{Kind, Token, tokens};
use std::ops::Range;

/// What a text defines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    /// The docstring of the text itself.
    pub docs: Option<String>,
    /// Functions, in the order of the text, those within others too.
    pub functions: Vec<Function>,
    /// Names that an assignment or a loop gives a value.
    pub names: Vec<Name>,
    /// `load` statements.
    pub loads: Vec<Load>,
}

/// A `def`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub at: Range<usize>,
    /// From `def` to the end of the body.
    pub body: Range<usize>,
    /// What it takes, in order.
    pub parameters: Vec<Parameter>,
    /// Its docstring, without the indentation.
    pub docs: Option<String>,
    /// Whether the file's own level defines it.
    pub is_outer: bool,
}

/// A parameter of a `def`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name, with the stars before it.
    pub name: String,
    /// The default, as it is written.
    pub default: Option<String>,
    /// Where the name stands.
    pub at: Range<usize>,
}

/// A name that is given a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub at: Range<usize>,
    /// Whether the file's own level gives it, at the left margin or in a block of it.
    pub is_outer: bool,
    /// What it is given, as it is written; empty for a loop's.
    pub value: String,
}

/// A `load`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The path.
    pub path: String,
    /// Where the path stands, without its quotes.
    pub at: Range<usize>,
    /// What is loaded: the name here, the name there, where it stands.
    pub names: Vec<(String, String, Range<usize>)>,
}

impl Outline {
    /// The function around an offset, the innermost one.
    #[must_use]
    pub fn function_at(&self, offset: usize) -> Option<&Function> {
        self.functions.iter().rev().find(|function| function.body.contains(&offset))
    }

    /// The function of this name, the last that is defined.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().rev().find(|function| function.name == name)
    }
}

impl Function {
    /// How it is called: `name(a, b = 1)`.
    #[must_use]
    pub fn signature(&self) -> String {
        let parameters: Vec<_> = self.parameters.iter().map(Parameter::text).collect();
        format!("{}({})", self.name, parameters.join(", "))
    }
}

impl Parameter {
    /// As a signature shows it.
    #[must_use]
    pub fn text(&self) -> String {
        match &self.default {
            Some(default) => format!("{} = {default}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Reads what `text` defines.
#[must_use]
pub fn outline(text: &str) -> Outline {
    let tokens = tokens(text);
    let lines = logical_lines(&tokens);
    let mut found = Outline { docs: lines.first().and_then(|line| line.docstring(text)), ..Outline::default() };
    for (place, line) in lines.iter().enumerate() {
        let is_outer = !found.functions.iter().any(|function| function.body.contains(&line.start(text)));
        match line.word(text, 0) {
            Some("def") => {
                let rest = &lines[place + 1..];
                let end =
                    rest.iter().find(|next| next.indent <= line.indent).map_or(text.len(), |next| next.start(text));
                let docs = rest.first().filter(|next| next.indent > line.indent).and_then(|next| next.docstring(text));
                found.functions.extend(line.function(text, end, docs, is_outer));
            }
            Some("load") => found.loads.extend(line.load(text)),
            Some("for") => {
                let names = line.code.iter().skip(1).take_while(|token| text.get(token.range.clone()) != Some("in"));
                found.names.extend(names.filter(|token| token.kind == Kind::Word).map(|token| Name {
                    name: piece(text, token).to_owned(),
                    at: token.range.clone(),
                    is_outer,
                    value: String::new(),
                }));
            }
            Some(_) => found.names.extend(line.assigned(text, is_outer)),
            None => {}
        }
    }
    found
}

fn piece<'t>(text: &'t str, token: &Token) -> &'t str {
    text.get(token.range.clone()).unwrap_or_default()
}

/// A statement, or the head of one: what stands up to the end of its last line.
struct Line<'a> {
    indent: usize,
    /// Its tokens, without blanks and comments.
    code: Vec<&'a Token>,
}

/// A bracket that nobody closed yet ends before the next line that begins at the left margin with a word.
fn logical_lines<'a>(tokens: &'a [Token]) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    let mut line = Line { indent: 0, code: Vec::new() };
    let (mut open, mut lead) = (0_usize, 0);
    for (place, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Lead => {
                lead = token.range.len();
                let goes_on = tokens.get(place + 1).is_none_or(|next| next.kind != Kind::Word);
                if open == 0 || (lead == 0 && !goes_on) {
                    open = 0;
                    lines.push(std::mem::replace(&mut line, Line { indent: lead, code: Vec::new() }));
                }
            }
            Kind::Open => open += 1,
            Kind::Close => open = open.saturating_sub(1),
            Kind::Space | Kind::Newline | Kind::Continuation | Kind::Comment => continue,
            Kind::Text | Kind::Word | Kind::Sign => {}
        }
        if token.kind != Kind::Lead {
            if line.code.is_empty() {
                line.indent = lead;
            }
            line.code.push(token);
        }
    }
    lines.push(line);
    lines.retain(|line| !line.code.is_empty());
    lines
}

impl Line<'_> {
    fn start(&self, text: &str) -> usize {
        self.code.first().map_or(text.len(), |token| token.range.start)
    }

    fn word<'t>(&self, text: &'t str, place: usize) -> Option<&'t str> {
        self.code.get(place).filter(|token| token.kind == Kind::Word).map(|token| piece(text, token))
    }

    fn docstring(&self, text: &str) -> Option<String> {
        let first = self.code.first().filter(|token| token.kind == Kind::Text && self.code.len() == 1)?;
        Some(clean(content(piece(text, first))))
    }

    fn function(&self, text: &str, end: usize, docs: Option<String>, is_outer: bool) -> Option<Function> {
        let name = self.code.get(1).filter(|token| token.kind == Kind::Word)?;
        let begin = self.start(text);
        let parameters = parameters(text, self.code.get(3..).unwrap_or_default());
        let (at, body) = (name.range.clone(), begin..end.max(begin));
        Some(Function { name: piece(text, name).to_owned(), at, body, parameters, docs, is_outer })
    }

    fn load(&self, text: &str) -> Option<Load> {
        let mut texts = self.code.iter().enumerate().filter(|(_, token)| token.kind == Kind::Text);
        let (_, path) = texts.next()?;
        let pair = |(place, token): (usize, &&Token)| {
            let there = content(piece(text, token)).to_owned();
            let is_renamed = place > 1 && self.code.get(place - 1).is_some_and(|sign| piece(text, sign) == "=");
            let here = if is_renamed { self.code.get(place - 2) } else { None };
            let here = here.map_or(there.clone(), |here| piece(text, here).to_owned());
            (here, there, token.range.clone())
        };
        let names = texts.map(pair).collect();
        let within = within_quotes(text, path);
        Some(Load { path: content(piece(text, path)).to_owned(), at: within, names })
    }

    /// The names before a lone `=`.
    fn assigned(&self, text: &str, is_outer: bool) -> Vec<Name> {
        let is = |token: Option<&&Token>, signs: &str| token.is_some_and(|token| signs.contains(piece(text, token)));
        let mut targets = Vec::new();
        for (place, token) in self.code.iter().enumerate() {
            match (token.kind, piece(text, token)) {
                (Kind::Word, _) => targets.push(*token),
                (Kind::Sign, ",") => {}
                (Kind::Sign, "=") if !is(self.code.get(place + 1), "=") => {
                    let value = self.code.get(place + 1).map_or(token.range.end, |next| next.range.start);
                    let end = self.code.last().map_or(value, |last| last.range.end);
                    let value = text.get(value..end).unwrap_or_default();
                    let name = |target: &Token| Name {
                        name: piece(text, target).to_owned(),
                        at: target.range.clone(),
                        is_outer,
                        value: value.to_owned(),
                    };
                    return targets.into_iter().map(name).collect();
                }
                _ => return Vec::new(),
            }
        }
        Vec::new()
    }
}

/// The parameters from the first token after the opening bracket on.
fn parameters(text: &str, tokens: &[&Token]) -> Vec<Parameter> {
    let mut found: Vec<Parameter> = Vec::new();
    let (mut open, mut stars, mut is_first) = (0_usize, String::new(), true);
    let mut default_from = None;
    for token in tokens {
        let word = piece(text, token);
        let ends = open == 0 && (token.kind == Kind::Close || word == ",");
        if let Some(from) = default_from
            && ends
            && let Some(last) = found.last_mut()
        {
            last.default = text.get(from..token.range.start).map(|default| default.trim().to_owned());
            default_from = None;
        }
        match token.kind {
            Kind::Open => open += 1,
            Kind::Close if open == 0 => break,
            Kind::Close => open -= 1,
            Kind::Sign if open == 0 && word == "," => (is_first, stars) = (true, String::new()),
            Kind::Sign if open == 0 && word == "*" && is_first => stars.push('*'),
            Kind::Sign if open == 0 && word == "=" && default_from.is_none() => default_from = Some(token.range.end),
            Kind::Word if open == 0 && is_first => {
                let name = format!("{}{word}", std::mem::take(&mut stars));
                found.push(Parameter { name, default: None, at: token.range.clone() });
                is_first = false;
            }
            _ => {}
        }
    }
    found
}

/// Where the content of a string literal stands.
fn within_quotes(text: &str, token: &Token) -> Range<usize> {
    let whole = piece(text, token);
    let inner = content(whole);
    let begin = token.range.start + (inner.as_ptr() as usize - whole.as_ptr() as usize);
    begin..begin + inner.len()
}

/// The content of a string literal, without its prefix and its quotes; escapes stay as they are.
pub(super) fn content(literal: &str) -> &str {
    let quoted = literal.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    for quote in ["\"\"\"", "'''", "\"", "'"] {
        if let Some(inner) = quoted.strip_prefix(quote) {
            return inner.strip_suffix(quote).unwrap_or(inner);
        }
    }
    quoted
}

/// A docstring without what its place in the text adds: the indentation that all lines but the first share.
fn clean(docs: &str) -> String {
    let (first, rest) = docs.split_once('\n').unwrap_or((docs, ""));
    let indent = |line: &str| line.len() - line.trim_start().len();
    let shared = rest.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let rest = rest.lines().map(|line| line.get(shared..).unwrap_or_default().trim_end());
    let lines: Vec<_> = std::iter::once(first.trim()).chain(rest).collect();
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#""""About it."""
load("@std//tools.star", "which", p = "port")
a, b = 1, 2
if a == b:
    c = [
        3,
    ]

def one(x, y = {"k": [1, 2]}, *rest, **more):
    """Does one thing.

    It is
      deep.
    """
    inner = x
    def two():
        pass
    for z in y:
        pass

d = one(1)
"#;

    #[test]
    fn functions_have_parameters_docs_and_bodies() {
        let found = outline(TEXT);
        assert_eq!(found.docs.as_deref(), Some("About it."));
        let one = found.function("one").unwrap();
        assert_eq!(one.signature(), r#"one(x, y = {"k": [1, 2]}, *rest, **more)"#);
        assert_eq!(one.docs.as_deref(), Some("Does one thing.\n\nIt is\n  deep."));
        assert!(TEXT[one.body.clone()].trim_end().ends_with("pass"));
        assert!(!found.function("two").unwrap().is_outer);
    }

    #[test]
    fn names_know_who_gives_them() {
        let found = outline(TEXT);
        let names: Vec<_> = found.names.iter().map(|name| (name.name.as_str(), name.is_outer)).collect();
        let expected = [("a", true), ("b", true), ("c", true), ("inner", false), ("z", false), ("d", true)];
        assert_eq!(names, expected);
    }

    #[test]
    fn loads_know_both_names() {
        let loads = outline(TEXT).loads;
        assert_eq!(loads[0].path, "@std//tools.star");
        assert_eq!(&TEXT[loads[0].at.clone()], "@std//tools.star");
        let names: Vec<_> = loads[0].names.iter().map(|(here, there, _)| (here.as_str(), there.as_str())).collect();
        assert_eq!(names, [("which", "which"), ("p", "port")]);
    }

    #[test]
    fn an_open_bracket_does_not_swallow_what_follows() {
        let found = outline("x = one(1,\n\ndef two():\n    pass\n");
        assert_eq!(found.functions.len(), 1);
    }
}
