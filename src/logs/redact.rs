//! Keeps the values of secrets out of all that is shown: each is replaced by `[redacted NAME]`.
//!
//! Values shorter than three bytes are not replaced: they would be found in everything. Besides the value itself, its form
//! inside a JSON string and (from eight bytes on) its base64 form are replaced. A value that a program prints in pieces,
//! with something in between, or in another encoding is not found.

use crate::model::Secret;
use aho_corasick::{AhoCorasick, MatchKind};
use std::borrow::Cow;

/// Finds values of secrets.
#[derive(Debug)]
pub struct Redactor {
    automaton: AhoCorasick,
    patterns: Vec<Vec<u8>>,
    /// What stands for each pattern.
    marks: Vec<String>,
    longest: usize,
}

/// Where something is hidden.
struct Span {
    start: usize,
    end: usize,
    /// What is shown for it; `None` if that was shown already.
    mark: Option<usize>,
}

impl Redactor {
    const SHORTEST: usize = 3;
    const SHORTEST_ENCODED: usize = 8;

    /// A redactor of these secrets; `None` if none of them can be redacted.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Option<Self> {
        let (mut patterns, mut marks) = (Vec::new(), Vec::new());
        for secret in secrets {
            for pattern in forms(&secret.value) {
                patterns.push(pattern);
                marks.push(format!("[redacted {}]", secret.name));
            }
        }
        let longest = patterns.iter().map(Vec::len).max()?;
        let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns).ok()?;
        Some(Self { automaton, patterns, marks, longest })
    }

    /// `bytes` without any secret.
    #[must_use]
    pub fn redact<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let spans = self.spans(bytes, 0);
        if spans.is_empty() { Cow::Borrowed(bytes) } else { Cow::Owned(self.replace(bytes, &spans, bytes.len()).0) }
    }

    /// `text` without any secret.
    #[must_use]
    pub fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.redact(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// What to hide, in order. Values that overlap are hidden as one. The first `covered` bytes were shown as hidden before.
    fn spans(&self, text: &[u8], covered: usize) -> Vec<Span> {
        let mut found: Vec<(usize, usize, usize)> = self
            .automaton
            .find_overlapping_iter(text)
            .map(|found| (found.start(), found.end(), found.pattern().as_usize()))
            .collect();
        found.sort_unstable_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
        let mut spans: Vec<Span> = Vec::new();
        if covered > 0 {
            spans.push(Span { start: 0, end: covered, mark: None });
        }
        for (start, end, pattern) in found {
            match spans.last_mut() {
                Some(span) if start < span.end => span.end = span.end.max(end),
                _ => spans.push(Span { start, end, mark: Some(pattern) }),
            }
        }
        spans
    }

    /// The text up to `hold` with the spans replaced, and how many bytes after `hold` are hidden by what was shown.
    fn replace(&self, text: &[u8], spans: &[Span], hold: usize) -> (Vec<u8>, usize) {
        let mut out = Vec::with_capacity(hold);
        let mut at = 0;
        for span in spans.iter().filter(|span| span.start < hold || span.mark.is_none()) {
            out.extend_from_slice(&text[at..span.start]);
            if let Some(mark) = span.mark {
                out.extend_from_slice(self.marks[mark].as_bytes());
            }
            at = span.end;
        }
        out.extend_from_slice(text.get(at..hold).unwrap_or_default());
        (out, at.saturating_sub(hold))
    }

    /// Where the end of `text` begins that may be the beginning of a value.
    fn hold(&self, text: &[u8]) -> usize {
        let may_begin = |at: &usize| {
            let rest = &text[*at..];
            self.patterns.iter().any(|pattern| pattern.len() > rest.len() && pattern.starts_with(rest))
        };
        let first = text.len().saturating_sub(self.longest - 1);
        (first..text.len()).find(may_begin).unwrap_or(text.len())
    }
}

/// A redactor's place in a stream that comes in pieces: holds back what may be the beginning of a value.
#[derive(Debug, Default)]
pub(super) struct Filter {
    held: Vec<u8>,
    /// How many of the held bytes belong to a value that was shown as hidden.
    covered: usize,
}

impl Filter {
    /// What can be shown now that `bytes` came.
    pub(super) fn pass<'a>(&mut self, redactor: Option<&Redactor>, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let text = self.joined(bytes);
        let Some(redactor) = redactor else { return text };
        let hold = redactor.hold(&text);
        self.step(redactor, text, hold)
    }

    /// The rest, at the end of the stream.
    pub(super) fn finish(&mut self, redactor: Option<&Redactor>) -> Vec<u8> {
        let text = self.joined(&[]);
        let Some(redactor) = redactor else { return text.into_owned() };
        let hold = text.len();
        self.step(redactor, text, hold).into_owned()
    }

    fn step<'a>(&mut self, redactor: &Redactor, text: Cow<'a, [u8]>, hold: usize) -> Cow<'a, [u8]> {
        let spans = redactor.spans(&text, std::mem::take(&mut self.covered));
        if spans.is_empty() && hold == text.len() {
            return text;
        }
        let (out, covered) = redactor.replace(&text, &spans, hold);
        self.covered = covered;
        self.held = text[hold..].to_vec();
        Cow::Owned(out)
    }

    fn joined<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.held.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(bytes);
        Cow::Owned(text)
    }
}

/// The forms in which a value is looked for.
fn forms(value: &str) -> Vec<Vec<u8>> {
    // Programs that print a value read from a file often leave out its last newline.
    let bare = value.trim_matches(['\r', '\n']);
    if bare.len() < Redactor::SHORTEST {
        return Vec::new();
    }
    let mut forms = vec![bare.as_bytes().to_vec()];
    let json = serde_json::Value::from(bare).to_string();
    let json = &json.as_bytes()[1..json.len() - 1];
    if json != bare.as_bytes() {
        forms.push(json.to_vec());
    }
    if bare.len() >= Redactor::SHORTEST_ENCODED {
        forms.push(base64(bare.as_bytes()));
        if bare.len() != value.len() {
            forms.push(base64(value.as_bytes()));
        }
    }
    forms
}

/// The base64 form without padding.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |chunk: &[u8]| {
        let word = [16, 8, 0].iter().zip(chunk).fold(0_u32, |word, (shift, byte)| word | u32::from(*byte) << shift);
        let digit = move |shift: u32| DIGITS[(word >> shift & 63) as usize];
        [18, 12, 6, 0].into_iter().take(chunk.len() + 1).map(digit).collect::<Vec<u8>>()
    };
    bytes.chunks(3).flat_map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[(&str, &str)]) -> Redactor {
        let secrets: Vec<Secret> =
            values.iter().map(|(name, value)| Secret { name: (*name).into(), value: (*value).into() }).collect();
        Redactor::new(&secrets).unwrap()
    }

    /// What comes out when `text` comes in pieces of `size` bytes.
    fn pass_in_pieces(redactor: &Redactor, text: &str, size: usize) -> String {
        let mut filter = Filter::default();
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            out.extend_from_slice(&filter.pass(Some(redactor), piece));
        }
        out.extend_from_slice(&filter.finish(Some(redactor)));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_found_across_any_border() {
        let redactor = secrets(&[("KEY", "hunter2"), ("PEM", "-----BEGIN\nabc\n-----END\n"), ("A", "aaa")]);
        let text = "x hunter2 y\n-----BEGIN\nabc\n-----END\nz aaaaaaa hunter hunter2";
        let expected = "x [redacted KEY] y\n[redacted PEM]\nz [redacted A] hunter [redacted KEY]";
        assert_eq!(redactor.redact_text(text), expected);
        for size in 1..text.len() {
            assert_eq!(pass_in_pieces(&redactor, text, size), expected, "pieces of {size}");
        }
    }

    #[test]
    fn the_longer_of_two_values_is_hidden_whole() {
        let redactor = secrets(&[("SHORT", "abc"), ("LONG", "abcdef"), ("LAP", "efgh")]);
        for size in 1..10 {
            assert_eq!(
                pass_in_pieces(&redactor, "abcdefgh", size).replace("SHORT", "LONG"),
                "[redacted LONG]",
                "{size}"
            );
            assert_eq!(pass_in_pieces(&redactor, "abcxdef", size), "[redacted SHORT]xdef");
        }
    }

    #[test]
    fn nothing_is_held_that_no_value_begins_with() {
        let redactor = secrets(&[("KEY", "hunter2")]);
        let mut filter = Filter::default();
        assert_eq!(&*filter.pass(Some(&redactor), b"Password: "), b"Password: ");
        assert_eq!(&*filter.pass(Some(&redactor), b"go h"), b"go ");
        assert_eq!(&*filter.pass(Some(&redactor), b"ome\n"), b"home\n");
    }

    #[test]
    fn encoded_values_are_found_and_short_ones_are_left_alone() {
        let redactor = secrets(&[("Q", "say \"hi\" now"), ("TINY", "ab"), ("EMPTY", "")]);
        assert_eq!(redactor.redact_text(r#"{"q":"say \"hi\" now"}"#), r#"{"q":"[redacted Q]"}"#);
        assert_eq!(redactor.redact_text("c2F5ICJoaSIgbm93"), "[redacted Q]");
        assert_eq!(redactor.redact_text("ab"), "ab");
        assert!(Redactor::new(&[Secret { name: "TINY".into(), value: "ab".into() }]).is_none());
    }
}
