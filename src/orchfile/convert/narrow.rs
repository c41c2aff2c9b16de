//! From the whole call that the interpreter points at to the part of it that is meant.

use crate::orchfile::{
    dialect::lexer::{Kind, Token, tokens},
    fault::At,
    text::Site,
};
use std::ops::Range;

/// The part of `site` that a message is about; all of it when the part is not found. A part of several lines is cut to what
/// names it. `parameters` gives the names of the parameters of the call in their order.
pub(super) fn narrow(site: &Site, at: &At, parameters: impl FnOnce() -> Vec<String>) -> Site {
    let text = site.text();
    let tokens = tokens(text);
    let found = match at {
        At::Call => None,
        At::Literal(content) => literal(text, &tokens, content),
        At::Keyword(name) => keyword(text, &tokens, name).map(|at| tokens[at].range.clone()),
        At::Argument(name) => argument(text, &tokens, name, parameters),
        At::Attribute(name) => attribute(text, &tokens, name),
    };
    let range = found.unwrap_or_else(|| head(text, &tokens));
    let begin = site.range.start;
    Site { source: site.source.clone(), range: begin + range.start..begin + range.end }
}

/// The string literal with this content.
fn literal(text: &str, tokens: &[Token], content: &str) -> Option<Range<usize>> {
    let is_it = |token: &&Token| token.kind == Kind::Text && content_of(&text[token.range.clone()]) == content;
    tokens.iter().find(is_it).map(|token| token.range.clone())
}

fn content_of(literal: &str) -> &str {
    let quoted = literal.trim_start_matches(['r', 'b', 'f']);
    let quoted = quoted.trim_start_matches(['"', '\'']);
    quoted.trim_end_matches(['"', '\''])
}

/// The place of the name in `name=value`, in the outermost brackets.
fn keyword(text: &str, tokens: &[Token], name: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => open += 1,
            Kind::Close => open = open.saturating_sub(1),
            Kind::Word
                if open <= 1 && &text[token.range.clone()] == name && is_assigned(text, &tokens[place + 1..]) =>
            {
                return Some(place);
            }
            _ => {}
        }
    }
    None
}

fn is_assigned(text: &str, rest: &[Token]) -> bool {
    let mut rest = rest.iter().filter(|token| !is_blank(token));
    let is_sign = |token: Option<&Token>| token.is_some_and(|token| &text[token.range.clone()] == "=");
    is_sign(rest.next()) && !is_sign(rest.next())
}

fn is_blank(token: &Token) -> bool {
    matches!(token.kind, Kind::Space | Kind::Lead | Kind::Newline | Kind::Comment | Kind::Continuation)
}

/// The value of a parameter, given by its name or by its place.
fn argument(
    text: &str,
    tokens: &[Token],
    name: &str,
    parameters: impl FnOnce() -> Vec<String>,
) -> Option<Range<usize>> {
    if let Some(place) = keyword(text, tokens, name) {
        let sign = (place + 1..tokens.len()).find(|at| &text[tokens[*at].range.clone()] == "=")?;
        return value_from(text, tokens, sign + 1);
    }
    let wanted = parameters().iter().position(|parameter| parameter == name)?;
    let mut from = tokens.iter().position(|token| token.kind == Kind::Open)? + 1;
    for _ in 0..wanted {
        from = end_of_value(text, tokens, from).filter(|end| tokens[*end].kind != Kind::Close)? + 1;
    }
    let given_by_name = tokens[from..]
        .iter()
        .position(|token| !is_blank(token))
        .is_some_and(|first| tokens[from + first].kind == Kind::Word && is_assigned(text, &tokens[from + first + 1..]));
    if given_by_name { None } else { value_from(text, tokens, from) }
}

/// The value that begins at this place, without blanks around it.
fn value_from(text: &str, tokens: &[Token], from: usize) -> Option<Range<usize>> {
    let end = end_of_value(text, tokens, from)?;
    let value = &tokens[from..end];
    let first = value.iter().find(|token| !is_blank(token))?;
    let last = value.iter().rfind(|token| !is_blank(token))?;
    Some(first.range.start..last.range.end)
}

/// The place of the comma or bracket that ends the value which begins at `from`.
fn end_of_value(text: &str, tokens: &[Token], from: usize) -> Option<usize> {
    let mut open = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            Kind::Open => open += 1,
            Kind::Close if open == 0 => return Some(place),
            Kind::Close => open -= 1,
            Kind::Sign if open == 0 && &text[token.range.clone()] == "," => return Some(place),
            _ => {}
        }
    }
    None
}

/// The name after a dot; the last of several, since calls are read from the inside out.
fn attribute(text: &str, tokens: &[Token], name: &str) -> Option<Range<usize>> {
    let is_it = |pair: &[Token]| &text[pair[0].range.clone()] == "." && &text[pair[1].range.clone()] == name;
    tokens.windows(2).rev().find(|pair| is_it(pair)).map(|pair| pair[1].range.clone())
}

/// What stands for the whole: of a call over several lines the name of what is called, of a statement its first line.
fn head(text: &str, tokens: &[Token]) -> Range<usize> {
    let end = if text.trim().is_empty() { text.len() } else { text.trim_end().len() };
    let whole = 0..end;
    if !text.trim_end().contains('\n') {
        return whole;
    }
    let statement = |word: &str| matches!(word, "for" | "if" | "while" | "def" | "elif");
    let is_statement =
        tokens.iter().find(|token| !is_blank(token)).is_some_and(|first| statement(&text[first.range.clone()]));
    let open = tokens.iter().find(|token| token.kind == Kind::Open).map(|token| token.range.start);
    match open {
        Some(open) if open > 0 && !is_statement && !text[..open].contains('\n') => 0..open,
        _ => {
            let start = text.len() - text.trim_start().len();
            start..start + text[start..].lines().next().map_or(0, |line| line.trim_end().len())
        }
    }
}
