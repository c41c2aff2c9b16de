//! What went wrong, as users read it.

use crate::model::Failure;
use std::{io, path::Path};

/// The store's file or folder did not do what it should.
pub(super) fn failure(path: &Path, error: &rusqlite::Error) -> Failure {
    Failure {
        message: format!("the store `{}` cannot be used: {error}", path.display()),
        help: Some("see that its folder can be written and that the disk has room".into()),
    }
}

/// Something of the operating system's.
pub(super) fn io(what: &str, error: &io::Error) -> Failure {
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    let mut letters = reason.chars();
    let reason: String = letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
    Failure { message: format!("{what}: {reason}"), help: Some("see that the folder can be written".into()) }
}
