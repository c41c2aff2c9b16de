//! What stands around one place of a text, read from its tokens alone: also of a text that somebody is still typing.

use super::{
    dialect::lexer::{Kind, Token, tokens},
    outline::content,
};
use std::ops::Range;

/// What stands around a place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The word that the place is in or at the end of; empty where there is none.
    pub word: Range<usize>,
    /// What stands before the word and a dot: `os.path` of `os.path.jo`.
    pub holder: Option<String>,
    /// The content of the string literal that the place is in.
    pub literal: Option<Range<usize>>,
    /// The innermost call whose brackets are around the place.
    pub call: Option<Call>,
    /// Whether the place is in a comment.
    pub is_comment: bool,
}

/// A call that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Call {
    /// What is called, such as `os.path.join`.
    pub callee: String,
    /// How many commas of the call are before the place.
    pub index: usize,
    /// The parameter that the argument at the place is given to by name.
    pub keyword: Option<String>,
    /// All parameters that the call gives by name.
    pub given: Vec<(String, Range<usize>)>,
    /// The string literals that are its arguments by place, as they are written.
    pub literals: Vec<String>,
}

/// What stands around `offset`.
#[must_use]
pub fn place(text: &str, offset: usize) -> Place {
    let tokens = code(text);
    let at = tokens.iter().position(|token| token.range.start < offset && offset <= token.range.end);
    let inside = at.and_then(|at| tokens.get(at)).map(|token| (token.kind, token.range.clone()));
    let mut found = Place { word: offset..offset, ..Place::default() };
    match inside {
        Some((Kind::Comment, _)) => found.is_comment = true,
        Some((Kind::Text, range)) if offset < range.end || !is_closed(&text[range.clone()]) => {
            let inner = content(&text[range.clone()]);
            let begin = range.start + text[range].find(inner).unwrap_or(0);
            found.literal = Some(begin..begin + inner.len());
        }
        Some((Kind::Word, range)) => found.word = range,
        _ => {
            // The beginning of a word counts, too.
            let next = tokens.iter().find(|token| token.range.start == offset && token.kind == Kind::Word);
            if let Some(next) = next {
                found.word = next.range.clone();
            }
        }
    }
    found.holder = holder(text, &tokens, found.word.start);
    found.call = innermost(text, &tokens, offset);
    found
}

/// All calls of a text, the brackets of which are closed or not.
#[must_use]
pub fn calls(text: &str) -> Vec<(Call, Range<usize>)> {
    let tokens = code(text);
    let is_call = |at: &usize| tokens[*at].kind == Kind::Open && &text[tokens[*at].range.clone()] == "(";
    let opens = (0..tokens.len()).filter(is_call);
    opens.filter_map(|at| call(text, &tokens, at, usize::MAX).map(|call| (call, tokens[at].range.clone()))).collect()
}

/// The tokens without blanks; newlines stay, since a line that begins with a word at the margin ends what is open.
fn code(text: &str) -> Vec<Token> {
    let mut kept = tokens(text);
    kept.retain(|token| {
        !matches!(token.kind, Kind::Space | Kind::Continuation) && (token.kind != Kind::Lead || token.range.is_empty())
    });
    kept
}

fn is_closed(literal: &str) -> bool {
    let quoted = literal.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    quoted.len() > 1 && quoted.chars().next() == quoted.chars().next_back()
}

/// The names and dots before the word that begins at `start`.
fn holder(text: &str, tokens: &[Token], start: usize) -> Option<String> {
    let mut at = tokens.iter().rposition(|token| token.range.end <= start && !token.range.is_empty())?;
    let mut names = Vec::new();
    while &text[tokens[at].range.clone()] == "." {
        let before = tokens.get(at.checked_sub(1)?)?;
        match before.kind {
            Kind::Word => names.insert(0, &text[before.range.clone()]),
            // A value that has no name.
            _ => return Some(String::new()),
        }
        match at.checked_sub(2) {
            Some(next) => at = next,
            None => break,
        }
    }
    (!names.is_empty()).then(|| names.join("."))
}

/// The innermost bracket that is open at `offset`, if it is that of a call.
fn innermost(text: &str, tokens: &[Token], offset: usize) -> Option<Call> {
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate().take_while(|(_, token)| token.range.end <= offset) {
        match token.kind {
            Kind::Open => open.push(at),
            Kind::Close => drop(open.pop()),
            Kind::Lead if ends_all(tokens, at) => open.clear(),
            _ => {}
        }
    }
    open.into_iter().rev().find_map(|at| call(text, tokens, at, offset))
}

/// Whether a line begins at the margin with a word.
fn ends_all(tokens: &[Token], lead: usize) -> bool {
    tokens.get(lead + 1).is_some_and(|next| next.kind == Kind::Word && next.range.start == tokens[lead].range.end)
}

/// The call whose bracket is at `open`, as it is up to its end; index and keyword are those at `offset`.
fn call(text: &str, tokens: &[Token], open: usize, offset: usize) -> Option<Call> {
    let piece = |token: &Token| &text[token.range.clone()];
    let name =
        tokens.get(open.checked_sub(1)?).filter(|token| token.kind == Kind::Word && piece(&tokens[open]) == "(")?;
    let holder = holder(text, tokens, name.range.start);
    if open > 1 && piece(&tokens[open - 2]) == "def" {
        return None;
    }
    let callee = holder.map_or(piece(name).to_owned(), |holder| format!("{holder}.{}", piece(name)));
    let mut found = Call { callee, ..Call::default() };
    let (mut depth, mut is_first) = (0_usize, true);
    for (at, token) in tokens.iter().enumerate().skip(open + 1) {
        let is_before = token.range.start < offset;
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth == 0 => break,
            Kind::Close => depth -= 1,
            Kind::Lead if ends_all(tokens, at) => break,
            Kind::Sign if depth == 0 && piece(token) == "," => {
                is_first = true;
                if is_before {
                    found.index += 1;
                    found.keyword = None;
                }
                continue;
            }
            Kind::Word if depth == 0 && is_first && is_assigned(text, tokens, at) => {
                found.given.push((piece(token).to_owned(), token.range.clone()));
                if is_before {
                    found.keyword = Some(piece(token).to_owned());
                }
            }
            Kind::Text if depth == 0 && is_first => found.literals.push(content(piece(token)).to_owned()),
            Kind::Newline | Kind::Lead | Kind::Comment => continue,
            _ => {}
        }
        is_first = false;
    }
    Some(found)
}

fn is_assigned(text: &str, tokens: &[Token], at: usize) -> bool {
    let sign = |at: usize| tokens.get(at).map(|token| &text[token.range.clone()]);
    sign(at + 1) == Some("=") && sign(at + 2) != Some("=")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of the bar in a text.
    fn at_bar(text: &str) -> (String, Place) {
        let offset = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let found = place(&text, offset);
        (text, found)
    }

    #[test]
    fn a_word_behind_a_dot() {
        let (text, found) = at_bar("x = os.path.jo|in(1)");
        assert_eq!((&text[found.word], found.holder.as_deref()), ("join", Some("os.path")));
        assert_eq!(at_bar("f().|").1.holder.as_deref(), Some(""));
        assert_eq!(at_bar("a = b|").1.holder, None);
    }

    #[test]
    fn an_open_call_knows_its_argument() {
        let (_, found) = at_bar("local_resource(\"a\", [1, 2], deps=[\"x\"], env={|\n\nother(1)\n");
        let call = found.call.unwrap();
        assert_eq!((call.callee.as_str(), call.index, call.keyword.as_deref()), ("local_resource", 3, Some("env")));
        assert_eq!(call.literals, ["a"]);
        let given: Vec<_> = call.given.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(given, ["deps", "env"]);
    }

    #[test]
    fn a_literal_may_be_open() {
        let (text, found) = at_bar("load(\"@std|");
        assert_eq!(&text[found.literal.unwrap()], "@std");
        assert_eq!(found.call.unwrap().callee, "load");
        assert!(at_bar("a = 1 # he|re").1.is_comment);
        assert_eq!(at_bar("x = \"done\"|").1.literal, None);
    }

    #[test]
    fn a_definition_is_no_call() {
        assert_eq!(at_bar("def f(a, |b):").1.call, None);
    }
}
