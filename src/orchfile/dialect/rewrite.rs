//! Expands tabs and turns `while` into what the interpreter has.

use super::{
    Refused, Widened,
    lexer::{Kind, Token},
};
use crate::orchfile::text::OffsetMap;

/// How far a tab reaches.
const TAB: usize = 8;

/// Writes the text anew from its pieces.
pub(super) fn rewrite(text: &str, tokens: &[Token]) -> Result<Widened, Refused> {
    let mut output = Output { text, changed: String::with_capacity(text.len() + 64), map: OffsetMap::default() };
    let mut place = 0;
    let mut open = 0_usize;
    let mut is_statement_start = true;
    while let Some(token) = tokens.get(place) {
        if is_statement_start && token.kind == Kind::Word && &text[token.range.clone()] == "while" {
            place = output.loop_statement(tokens, place)?;
            is_statement_start = true;
            continue;
        }
        match token.kind {
            Kind::Open => open += 1,
            Kind::Close => open = open.saturating_sub(1),
            _ => {}
        }
        is_statement_start = match token.kind {
            Kind::Lead => is_statement_start,
            Kind::Newline => open == 0,
            _ => false,
        };
        output.copy(token);
        place += 1;
    }
    Ok(Widened { text: output.changed, map: output.map })
}

struct Output<'a> {
    text: &'a str,
    changed: String,
    map: OffsetMap,
}

impl Output<'_> {
    /// Copies a piece, without tabs.
    fn copy(&mut self, token: &Token) {
        let piece = &self.text[token.range.clone()];
        match token.kind {
            Kind::Lead if piece.contains('\t') => self.copy_lead(token),
            Kind::Space if piece.contains('\t') => self.copied(&piece.replace('\t', " "), token.range.start),
            _ => self.copied(piece, token.range.start),
        }
    }

    fn copied(&mut self, piece: &str, from: usize) {
        self.map.copied(self.changed.len(), from);
        self.changed.push_str(piece);
    }

    fn inserted(&mut self, piece: &str, at: usize) {
        self.map.inserted(self.changed.len(), at);
        self.changed.push_str(piece);
    }

    fn copy_lead(&mut self, token: &Token) {
        let mut column = 0;
        for (at, byte) in self.text[token.range.clone()].bytes().enumerate() {
            let width = if byte == b'\t' { TAB - column % TAB } else { 1 };
            self.inserted(&" ".repeat(width), token.range.start + at);
            column += width;
        }
    }

    /// Writes the head of the `while` at `place` and gives the place that follows it.
    fn loop_statement(&mut self, tokens: &[Token], place: usize) -> Result<usize, Refused> {
        let keyword = &tokens[place];
        let Some(colon) = colon_after(self.text, tokens, place + 1) else {
            return Err(Refused {
                message: "this `while` has no `:` after its condition".to_owned(),
                help: "write `while condition:`".to_owned(),
                range: keyword.range.clone(),
            });
        };
        let condition = keyword.range.end..tokens[colon].range.start;
        if self.text[condition.clone()].trim().is_empty() {
            let message = "this `while` has no condition".to_owned();
            return Err(Refused { message, help: "write `while condition:`".to_owned(), range: keyword.range.clone() });
        }
        let outer = tokens[..place].iter().rev().find(|token| token.kind == Kind::Lead);
        let outer = outer.map_or(0, |lead| width(&self.text[lead.range.clone()]));
        let body = body_after(self.text, tokens, colon + 1);
        let indent = match body {
            Body::Block(width) => width,
            Body::SameLine(_) => outer + 4,
        };
        let indent = " ".repeat(indent);
        self.inserted("for __orch_w in __orch_forever():", keyword.range.start);
        if matches!(body, Body::Block(width) if width <= outer) {
            // There is no body: the parser says so.
            return Ok(colon + 1);
        }
        self.inserted(&format!("\n{indent}if "), keyword.range.start);
        let blanks = self.text[condition.clone()].len() - self.text[condition.clone()].trim_start().len();
        self.inserted("not (", condition.start + blanks);
        tokens[place + 1..colon].iter().for_each(|token| self.copy(token));
        self.inserted("): break", condition.end);
        match body {
            Body::Block(_) => Ok(colon + 1),
            Body::SameLine(first) => {
                self.inserted(&format!("\n{indent}"), tokens[first].range.start);
                Ok(first)
            }
        }
    }
}

/// Where the body of a loop stands.
enum Body {
    /// On lines of its own, with this indentation.
    Block(usize),
    /// After the colon, from this piece on.
    SameLine(usize),
}

/// The place of the colon that ends the condition which begins at `from`.
fn colon_after(text: &str, tokens: &[Token], from: usize) -> Option<usize> {
    let (mut open, mut lambdas) = (0_usize, 0_usize);
    for (place, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            Kind::Open => open += 1,
            Kind::Close => open = open.checked_sub(1)?,
            Kind::Newline if open == 0 => return None,
            Kind::Word if open == 0 && &text[token.range.clone()] == "lambda" => lambdas += 1,
            Kind::Sign if open == 0 && &text[token.range.clone()] == ":" => match lambdas.checked_sub(1) {
                Some(left) => lambdas = left,
                None => return Some(place),
            },
            _ => {}
        }
    }
    None
}

fn body_after(text: &str, tokens: &[Token], from: usize) -> Body {
    let mut lead = None;
    for (place, token) in tokens.iter().enumerate().skip(from) {
        match token.kind {
            Kind::Lead => lead = Some(width(&text[token.range.clone()])),
            Kind::Space | Kind::Newline | Kind::Comment | Kind::Continuation => {}
            _ => return lead.map_or(Body::SameLine(place), Body::Block),
        }
    }
    Body::Block(0)
}

/// The columns that blanks and tabs take.
fn width(lead: &str) -> usize {
    lead.bytes().fold(0, |column, byte| if byte == b'\t' { column + TAB - column % TAB } else { column + 1 })
}
