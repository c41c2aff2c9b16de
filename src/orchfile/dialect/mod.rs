//! What Tilt's dialect has and the interpreter has not: a pass over the text before it is parsed.

mod depth;
mod forever;
pub(super) mod lexer;
mod rewrite;

pub(super) use forever::register;

use super::text::{OffsetMap, SourceText};
use crate::diag::{Diagnostic, Severity};
use starlark::syntax::{Dialect, DialectTypes};
use std::ops::Range;

/// What the interpreter is asked to read.
pub const DIALECT: Dialect = Dialect {
    enable_top_level_stmt: true,
    enable_f_strings: true,
    enable_keyword_only_arguments: true,
    enable_positional_only_arguments: true,
    enable_types: DialectTypes::Enable,
    enable_load_reexport: false,
    ..Dialect::Standard
};

/// A text that the interpreter reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widened {
    /// The text.
    pub text: String,
    /// The way back to the user's.
    pub map: OffsetMap,
}

/// Why a text is not even parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Where, in bytes of the text.
    pub range: Range<usize>,
}

impl Refused {
    /// The diagnostic, drawn from the text it is about.
    #[must_use]
    pub fn diagnostic(&self, source: &SourceText) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code: "orchfile::syntax".to_owned(),
            message: self.message.clone(),
            labels: vec![source.label(self.range.clone(), "")],
            help: Some(self.help.clone()),
            frames: Vec::new(),
        }
    }
}

/// The text that the interpreter reads for what the user wrote: tabs are expanded, `while` is a `for` over something
/// endless.
///
/// # Errors
/// When the text would overflow the interpreter's stack, or a `while` is not well formed.
pub fn widen(text: &str) -> Result<Widened, Refused> {
    let tokens = lexer::tokens(text);
    depth::check(text, &tokens)?;
    rewrite::rewrite(text, &tokens)
}
