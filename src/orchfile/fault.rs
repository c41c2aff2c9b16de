//! What a builtin says is wrong, on its way through the interpreter to a diagnostic.

use crate::diag::{Diagnostic, Label};
use std::{error, fmt};

/// Something wrong with the user's text, found by a builtin. Make one, give it a remedy, and return it with `?` or `.into()`
/// from a function that gives `anyhow::Result` or `starlark::Result`; its place is that of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(Box<Kind>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Found by a builtin.
    Found(Finding),
    /// Already diagnosed, in a file that was loaded.
    Diagnosed(Vec<Diagnostic>),
    /// The file ended itself, by `exit()`: nothing is wrong.
    Exit,
}

/// What a builtin found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// As in [`Diagnostic::code`].
    pub code: &'static str,
    /// As in [`Diagnostic::message`].
    pub message: String,
    /// As in [`Diagnostic::help`].
    pub help: Option<String>,
    /// What is said at the caret.
    pub label: String,
    /// Where in the call the caret stands.
    pub at: At,
    /// Other places that have to do with it.
    pub further: Vec<Label>,
}

/// Which part of a call a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum At {
    /// All of it.
    #[default]
    Call,
    /// The first string literal with this content.
    Literal(String),
    /// The name of this keyword argument.
    Keyword(String),
    /// The value of this parameter, when it is given by its name; else all of the call.
    Argument(String),
    /// This name, after a dot.
    Attribute(String),
}

impl Fault {
    /// Something wrong, known by `code` (such as `orchfile::invalid_value`).
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let (help, label, at, further) = (None, String::new(), At::Call, Vec::new());
        Self(Box::new(Kind::Found(Finding { code, message: message.into(), help, label, at, further })))
    }

    /// An argument that cannot be taken: the most frequent fault.
    #[must_use]
    pub fn value(message: impl Into<String>) -> Self {
        Self::new("orchfile::invalid_value", message)
    }

    /// The end of the evaluation that `exit()` asks for; all that was declared so far holds.
    #[must_use]
    pub fn exit() -> Self {
        Self(Box::new(Kind::Exit))
    }

    /// What went wrong in a file that was loaded.
    #[must_use]
    pub(super) fn diagnosed(diagnostics: Vec<Diagnostic>) -> Self {
        Self(Box::new(Kind::Diagnosed(diagnostics)))
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.change(|finding| finding.help = Some(help.into()));
        self
    }

    /// Says what to do, when there is something to say.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Says something at the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.change(|finding| finding.label = label.into());
        self
    }

    /// Narrows the caret to the string literal with this content.
    #[must_use]
    pub fn at_literal(mut self, content: impl Into<String>) -> Self {
        self.change(|finding| finding.at = At::Literal(content.into()));
        self
    }

    /// Narrows the caret to the name of a keyword argument.
    #[must_use]
    pub fn at_keyword(mut self, name: impl Into<String>) -> Self {
        self.change(|finding| finding.at = At::Keyword(name.into()));
        self
    }

    /// Narrows the caret to the value of a parameter.
    #[must_use]
    pub fn at_argument(mut self, name: impl Into<String>) -> Self {
        self.change(|finding| finding.at = At::Argument(name.into()));
        self
    }

    /// Shows another place that has to do with it.
    #[must_use]
    pub fn further(mut self, place: Option<Label>) -> Self {
        self.change(|finding| finding.further.extend(place));
        self
    }

    /// Narrows the caret to a name after a dot.
    #[must_use]
    pub fn at_attribute(mut self, name: impl Into<String>) -> Self {
        self.change(|finding| finding.at = At::Attribute(name.into()));
        self
    }

    /// Whether it is no fault but the end by `exit()`.
    #[must_use]
    pub fn is_exit(&self) -> bool {
        *self.0 == Kind::Exit
    }

    /// What a builtin found, unless it is of another kind.
    #[must_use]
    pub fn finding(&self) -> Option<&Finding> {
        match &*self.0 {
            Kind::Found(finding) => Some(finding),
            Kind::Diagnosed(_) | Kind::Exit => None,
        }
    }

    /// What it found; what is not a finding is an error without a place.
    pub(super) fn into_finding(self) -> Finding {
        match *self.0 {
            Kind::Found(finding) => finding,
            other => {
                let message = Self(Box::new(other)).to_string();
                let (code, help, label, at, further) = ("orchfile::value", None, String::new(), At::Call, Vec::new());
                Finding { code, message, help, label, at, further }
            }
        }
    }

    /// The diagnostics of a loaded file.
    pub(super) fn diagnostics(&self) -> Option<&[Diagnostic]> {
        match &*self.0 {
            Kind::Diagnosed(diagnostics) => Some(diagnostics),
            Kind::Found(_) | Kind::Exit => None,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Finding)) {
        if let Kind::Found(finding) = &mut *self.0 {
            change(finding);
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Found(finding) => f.write_str(&finding.message),
            Kind::Diagnosed(diagnostics) => {
                diagnostics.first().map_or(Ok(()), |diagnostic| f.write_str(&diagnostic.message))
            }
            Kind::Exit => f.write_str("the file ended itself"),
        }
    }
}

impl error::Error for Fault {}

impl From<Fault> for starlark::Error {
    fn from(fault: Fault) -> Self {
        starlark::Error::new_native(fault)
    }
}
