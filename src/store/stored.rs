//! Reading what the last session left, when none runs.

use super::{records, schema, words};
use crate::model::{Failure, ResourceName, Success};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A store that is only read.
pub struct StoreReader {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl StoreReader {
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Failure> {
        if !path.exists() {
            return Ok(None);
        }
        let opened = open_read_only(path).and_then(|connection| Ok((schema::unusable(&connection)?, connection)));
        let (unusable, connection) = opened.map_err(|error| in_words(path, &error))?;
        match unusable {
            Some(schema::Unusable::Newer) => Err(Failure {
                message: format!("the store `{}` was written by a newer orch", path.display()),
                help: Some("use that orch".into()),
            }),
            Some(_) => Err(damaged(path)),
            None => Ok(Some(Self { path: path.to_owned(), connection: Mutex::new(connection) })),
        }
    }

    /// The recorded successes.
    pub fn successes(&self) -> Result<BTreeMap<ResourceName, Success>, Failure> {
        self.ask(records::successes)
    }

    /// The runs of a resource that were recorded, newest first.
    pub fn runs(&self, name: &ResourceName) -> Result<Vec<String>, Failure> {
        self.ask(|connection| records::runs(connection, name))
    }

    /// The last rows shown.
    pub fn rows(&self) -> Result<BTreeMap<ResourceName, String>, Failure> {
        self.ask(records::rows)
    }

    /// What was recorded of the last session.
    pub fn session(&self) -> Result<Option<String>, Failure> {
        self.ask(records::session)
    }

    fn ask<T>(&self, question: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        question(&connection).map_err(|error| in_words(&self.path, &error))
    }
}

/// Opens a store to read it, also where its folder cannot be written and nobody else has it open.
pub(super) fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let open = |options: &str| {
        let connection = Connection::open_with_flags(format!("file:{}{options}", escaped(path)), flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        // The file is only looked at when something is read of it.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    open("").or_else(|error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => open("?immutable=1"),
        _ => Err(error),
    })
}

/// A path as the URIs of SQLite have it.
fn escaped(path: &Path) -> String {
    use std::{fmt::Write as _, os::unix::ffi::OsStrExt as _};
    let mut escaped = String::new();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => escaped.push(char::from(*byte)),
            _ => write!(escaped, "%{byte:02x}").unwrap_or_default(),
        }
    }
    escaped
}

fn in_words(path: &Path, error: &rusqlite::Error) -> Failure {
    if schema::is_damage(error) { damaged(path) } else { words::failure(path, error) }
}

fn damaged(path: &Path) -> Failure {
    Failure {
        message: format!("the store `{}` is damaged", path.display()),
        help: Some("run `orch up`: it sets the file aside and begins a new one".into()),
    }
}
