//! Refuses texts that would overflow the interpreter's stack: brackets, operators, `elif`s and blocks within each other.

use super::{
    Refused,
    lexer::{Kind, Token},
};
use std::ops::Range;

/// How deep an expression may nest: brackets and operators together.
const EXPRESSION_MAX: usize = 1_000;
/// How many `elif`s may follow one `if`.
const ELIF_MAX: usize = 1_000;
/// How deep blocks may nest.
const BLOCKS_MAX: usize = 100;

/// Finds the first place that nests too deeply.
pub(super) fn check(text: &str, tokens: &[Token]) -> Result<(), Refused> {
    let mut nesting = Nesting::default();
    for (place, token) in tokens.iter().enumerate() {
        let word = &text[token.range.clone()];
        match token.kind {
            Kind::Open => nesting.open(),
            Kind::Close => nesting.close(),
            Kind::Sign if matches!(word, "," | ";") => nesting.separate(),
            Kind::Sign => nesting.operate(),
            Kind::Word if matches!(word, "and" | "or" | "not" | "if" | "in" | "lambda") => nesting.operate(),
            Kind::Newline if nesting.open.is_empty() => nesting.separate(),
            Kind::Lead if nesting.open.is_empty() => {
                if let Some(first) = first_word(text, &tokens[place + 1..]) {
                    nesting.begin_line(token.range.len(), first);
                }
            }
            _ => {}
        }
        nesting.refuse(&token.range)?;
    }
    Ok(())
}

/// The first piece of a line that is not blank.
fn first_word<'a>(text: &'a str, rest: &[Token]) -> Option<&'a str> {
    let first = rest.first().filter(|token| !matches!(token.kind, Kind::Newline | Kind::Comment))?;
    Some(&text[first.range.clone()])
}

#[derive(Default)]
struct Nesting {
    /// The operators so far in each open bracket.
    open: Vec<usize>,
    /// All of `open` and `here`.
    total: usize,
    /// The operators so far outside of all brackets, or in the innermost.
    here: usize,
    /// The widths of the blocks that are open, with the `elif`s so far.
    blocks: Vec<(usize, usize)>,
}

impl Nesting {
    fn open(&mut self) {
        self.operate();
        self.open.push(self.here);
        self.here = 0;
    }

    fn close(&mut self) {
        self.total -= self.here;
        self.here = self.open.pop().unwrap_or(0);
        if self.open.is_empty() {
            self.total = self.here;
        }
    }

    fn operate(&mut self) {
        self.here += 1;
        self.total += 1;
    }

    fn separate(&mut self) {
        self.total -= self.here;
        self.here = 0;
    }

    fn begin_line(&mut self, width: usize, first: &str) {
        while self.blocks.last().is_some_and(|(open, _)| *open > width) {
            self.blocks.pop();
        }
        match self.blocks.last_mut() {
            Some((open, elifs)) if *open == width => *elifs = if first == "elif" { *elifs + 1 } else { 0 },
            _ => self.blocks.push((width, 0)),
        }
    }

    fn refuse(&self, range: &Range<usize>) -> Result<(), Refused> {
        let elifs = self.blocks.last().map_or(0, |(_, elifs)| *elifs);
        let (message, help) = if self.total > EXPRESSION_MAX {
            ("this expression is nested too deeply", "build the value in several steps, with names for its parts")
        } else if elifs > ELIF_MAX {
            ("this `if` has too many `elif`s", "look the value up in a dict")
        } else if self.blocks.len() > BLOCKS_MAX {
            ("these blocks are nested too deeply", "move the inner blocks into functions")
        } else {
            return Ok(());
        };
        Err(Refused { message: message.to_owned(), help: help.to_owned(), range: range.clone() })
    }
}
