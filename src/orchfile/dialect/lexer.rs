//! Cuts a text into the few kinds of pieces that the rewriting needs. It accepts every text: what is no Starlark is left to
//! the interpreter's parser to refuse.

use std::ops::Range;

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::orchfile) enum Kind {
    /// Blanks and tabs at the beginning of a line; may be empty.
    Lead,
    /// Blanks and tabs elsewhere.
    Space,
    /// A newline.
    Newline,
    /// A backslash with the newline after it.
    Continuation,
    /// From `#` to the end of the line.
    Comment,
    /// A string literal of any form, with its prefix. One that is not closed ends with its line, or with the text.
    Text,
    /// A name, keyword or number.
    Word,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// Any other character.
    Sign,
}

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::orchfile) struct Token {
    pub kind: Kind,
    pub range: Range<usize>,
}

/// All pieces of `text`, without gaps.
pub(in crate::orchfile) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let mut is_line_start = true;
    while is_line_start || lexer.at < text.len() {
        let begin = lexer.at;
        let kind = if is_line_start { lexer.lead() } else { lexer.next() };
        is_line_start = matches!(kind, Kind::Newline | Kind::Continuation);
        tokens.push(Token { kind, range: begin..lexer.at });
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<u8> {
        self.byte(0)
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn skip_while(&mut self, is_in: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is_in) {
            self.at += 1;
        }
    }

    fn lead(&mut self) -> Kind {
        self.skip_while(is_blank);
        Kind::Lead
    }

    fn next(&mut self) -> Kind {
        let Some(first) = self.peek() else { return Kind::Newline };
        match first {
            b'\n' => self.one(Kind::Newline),
            b'\\' if self.byte(1) == Some(b'\n') => {
                self.at += 2;
                Kind::Continuation
            }
            b'#' => {
                self.skip_while(|byte| byte != b'\n');
                Kind::Comment
            }
            b'(' | b'[' | b'{' => self.one(Kind::Open),
            b')' | b']' | b'}' => self.one(Kind::Close),
            b'"' | b'\'' => self.string(false),
            _ if is_blank(first) => {
                self.skip_while(is_blank);
                Kind::Space
            }
            _ if is_word(first) => self.word(),
            _ => self.one(Kind::Sign),
        }
    }

    fn one(&mut self, kind: Kind) -> Kind {
        self.at += 1;
        kind
    }

    /// A word, or the prefix of a string with the string.
    fn word(&mut self) -> Kind {
        let begin = self.at;
        self.skip_while(is_word);
        let is_quoted = matches!(self.peek(), Some(b'"' | b'\''));
        match &self.text[begin..self.at] {
            "r" | "b" | "rb" | "br" if is_quoted => self.string(false),
            "f" | "fr" | "rf" if is_quoted => self.string(true),
            _ => Kind::Word,
        }
    }

    /// A string whose first quote is next.
    fn string(&mut self, is_formatted: bool) -> Kind {
        let Some(quote) = self.peek() else { return Kind::Text };
        let is_triple = self.byte(1) == Some(quote) && self.byte(2) == Some(quote);
        self.at += if is_triple { 3 } else { 1 };
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.at = (self.at + 2).min(self.text.len()),
                b'\n' if !is_triple => return Kind::Text,
                b'{' if is_formatted && self.byte(1) == Some(b'{') => self.at += 2,
                b'{' if is_formatted => self.replacement(),
                _ if byte == quote && !is_triple => return self.one(Kind::Text),
                _ if byte == quote && self.byte(1) == Some(quote) && self.byte(2) == Some(quote) => {
                    self.at += 3;
                    return Kind::Text;
                }
                _ => self.at += 1,
            }
        }
        Kind::Text
    }

    /// `{expression}` in a formatted string, which may hold strings with the same quotes.
    fn replacement(&mut self) {
        let mut open = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'{' | b'(' | b'[' => open += 1,
                b'}' | b')' | b']' => open = open.saturating_sub(1),
                b'\n' => return,
                b'"' | b'\'' => {
                    // A string in it that is formatted itself may nest on; the depth check refuses what nests too deeply.
                    self.string(false);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return;
            }
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0c)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
