//! Writing to standard output and standard error. A reader that went away is no error.

use super::args::Output;
use crate::orchfile::yaml_of;
use std::io::{self, Write};

/// Writes data. Whoever reads it may have gone (`orch logs | head`): then there is nothing left to do, and it is no error.
pub(super) fn to_stdout(text: &str) {
    bytes_to_stdout(text.as_bytes());
}

/// Writes data; `false` when nobody reads any more.
pub(super) fn bytes_to_stdout(bytes: &[u8]) -> bool {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).is_ok()
}

/// Writes talk.
pub(super) fn to_stderr(text: &str) {
    bytes_to_stderr(text.as_bytes());
}

/// Writes talk, whatever its bytes.
pub(super) fn bytes_to_stderr(bytes: &[u8]) {
    let mut err = io::stderr().lock();
    err.write_all(bytes).and_then(|()| err.flush()).ok();
}

/// Writes a JSON document with its end.
pub(super) fn json(value: &serde_json::Value) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    to_stdout(&(text + "\n"));
}

/// Writes a JSON document on one line.
pub(super) fn json_line(value: &serde_json::Value) {
    to_stdout(&format!("{value}\n"));
}

/// Writes a document, in the form that was asked for.
pub(super) fn document(output: Output, value: &serde_json::Value) {
    match output {
        Output::Yaml => to_stdout(&yaml_of(value)),
        Output::Jsonl => json_line(value),
        Output::Table | Output::Name | Output::Json => json(value),
    }
}

/// Writes one of several documents that follow each other; `false` when nobody reads any more.
pub(super) fn stream(output: Output, value: &serde_json::Value) -> bool {
    let text = if output == Output::Yaml { format!("---\n{}", yaml_of(value)) } else { format!("{value}\n") };
    bytes_to_stdout(text.as_bytes())
}
