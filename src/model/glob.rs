//! One pattern of `.dockerignore`, with the meaning that moby's pattern matcher gives it. Knows texts alone: what a pattern
//! is relative to is its rule's concern.

/// A pattern that was understood. Most are plain or have `**` at one end alone, and need no more than a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Glob {
    /// This text.
    Exact(Box<str>),
    /// All that starts with this: the pattern ended in `**`.
    Prefix(Box<str>),
    /// All that ends in this: the pattern started with `**`.
    Suffix(Box<str>),
    /// What these match one after the other, beginning with the plain text `head` and ending with `tail`.
    Tokens { head: Box<str>, tail: Box<str>, tokens: Box<[Token]> },
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `?`: any character but `/`.
    One,
    /// `*`: any number of characters but `/`.
    Name,
    /// `**` with what follows it: nothing, or anything up to and with a `/`.
    Folders,
    /// `**` at the end.
    Rest,
    /// `[a-z]`, and `[^a-z]` if negated.
    Class {
        negated: bool,
        ranges: Box<[(char, char)]>,
    },
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

impl Glob {
    /// Reads a cleaned pattern; `None` if it is malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            tokens.push(match char {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    chars.next_if_eq(&'/');
                    if chars.peek().is_some() { Token::Folders } else { Token::Rest }
                }
                '*' => Token::Name,
                '?' => Token::One,
                '\\' => Token::Char(chars.next()?),
                '[' => class(&mut chars)?,
                char => Token::Char(char),
            });
        }
        Some(Self::of_tokens(text, tokens))
    }

    /// The simplest form of a pattern. An escape makes it no plain text, so that texts can be compared as they are.
    fn of_tokens(text: &str, tokens: Vec<Token>) -> Self {
        let is_char = |token: &Token| matches!(token, Token::Char(_));
        let is_plain = |tokens: &[Token]| tokens.iter().all(is_char) && !text.contains('\\');
        match tokens.as_slice() {
            all if is_plain(all) => Self::Exact(text.into()),
            [before @ .., Token::Rest] if is_plain(before) => Self::Prefix(text.trim_end_matches('*').into()),
            [Token::Folders, after @ ..] if is_plain(after) => Self::Suffix(text.trim_start_matches('*').into()),
            _ => {
                let plain = |token: &Token| match token {
                    Token::Char(char) => Some(*char),
                    _ => None,
                };
                let head = tokens.iter().map_while(plain).collect::<String>();
                let backwards: Vec<char> = tokens.iter().rev().map_while(plain).collect();
                let tail = backwards.into_iter().rev().collect::<String>();
                Self::Tokens { head: head.into(), tail: tail.into(), tokens: tokens.into() }
            }
        }
    }

    /// Whether it matches `path` or a folder above it.
    pub(super) fn matches_at_or_above(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => {
                path.strip_prefix(&**text).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Prefix(text) => path.starts_with(&**text),
            Self::Suffix(text) => {
                // `**/foo` matches `foo` too.
                let at_the_start =
                    |text: &str| path.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                ends_at_or_above(path, text) || text.strip_prefix('/').is_some_and(at_the_start)
            }
            Self::Tokens { head, tail, tokens } => {
                path.starts_with(&**head) && ends_at_or_above(path, tail) && run(tokens, path)
            }
        }
    }

    /// Whether it may match something below the folder `dir`, which it does not match.
    pub(super) fn may_match_below(&self, dir: &str) -> bool {
        let is_below = |text: &str| text.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
        let meets = |head: &str| is_below(head) || dir.starts_with(head) || head.strip_suffix('/') == Some(dir);
        match self {
            Self::Exact(text) => is_below(text),
            Self::Prefix(head) | Self::Tokens { head, .. } => meets(head),
            Self::Suffix(_) => true,
        }
    }
}

/// Whether `path` or a folder above it ends in `tail`.
fn ends_at_or_above(path: &str, tail: &str) -> bool {
    path.ends_with(tail) || path.bytes().enumerate().any(|(end, byte)| byte == b'/' && path[..end].ends_with(tail))
}

/// What follows a `[`, up to and with its `]`.
fn class(chars: &mut Chars<'_>) -> Option<Token> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
        let low = class_char(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { class_char(chars)? } else { low };
        if low > high {
            return None;
        }
        ranges.push((low, high));
    }
    Some(Token::Class { negated, ranges: ranges.into() })
}

fn class_char(chars: &mut Chars<'_>) -> Option<char> {
    match chars.next()? {
        '\\' => chars.next(),
        '-' | ']' => None,
        char => Some(char),
    }
}

/// Follows all ways through the tokens at once, so that the time is bounded whatever the pattern.
fn run(tokens: &[Token], path: &str) -> bool {
    let mut states = States::none(tokens);
    let mut next = States::none(tokens);
    states.reach(0);
    for char in path.chars() {
        if char == '/' && states.is_end() {
            return true;
        }
        next.at.fill(false);
        for (index, token) in tokens.iter().enumerate().filter(|(index, _)| states.at[*index]) {
            next.follow(index, token, char);
        }
        std::mem::swap(&mut states, &mut next);
    }
    states.is_end()
}

/// How many of the tokens may have matched what was read.
struct States<'a> {
    tokens: &'a [Token],
    at: Vec<bool>,
}

impl<'a> States<'a> {
    fn none(tokens: &'a [Token]) -> Self {
        Self { tokens, at: vec![false; tokens.len() + 1] }
    }

    fn is_end(&self) -> bool {
        self.at.last() == Some(&true)
    }

    /// All before `index` have matched, and those that match nothing too.
    fn reach(&mut self, index: usize) {
        for index in index..=self.tokens.len() {
            self.at[index] = true;
            if !matches!(self.tokens.get(index), Some(Token::Name | Token::Folders | Token::Rest)) {
                return;
            }
        }
    }

    /// The token at `index` reads `char`.
    fn follow(&mut self, index: usize, token: &Token, char: char) {
        match token {
            Token::Char(own) if *own == char => self.reach(index + 1),
            Token::One if char != '/' => self.reach(index + 1),
            Token::Class { negated, ranges } => {
                if ranges.iter().any(|(low, high)| (low..=high).contains(&&char)) != *negated {
                    self.reach(index + 1);
                }
            }
            Token::Name if char != '/' => self.reach(index),
            Token::Rest => self.reach(index),
            Token::Folders => {
                // Having begun, it cannot end before a `/`.
                self.at[index] = true;
                if char == '/' {
                    self.reach(index + 1);
                }
            }
            Token::Char(_) | Token::One | Token::Name => {}
        }
    }
}
