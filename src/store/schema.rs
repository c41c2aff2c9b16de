//! The file of the store: made, brought up to date, or set aside.

use super::{docker, records, words};
use crate::model::{Failure, ImageKey, ImageRecord, Overlay, ResourceName, Success};
use rusqlite::{Connection, ErrorCode, TransactionBehavior, config::DbConfig};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// What brings the file from each version to the next. The file's version is its `user_version`.
const MIGRATIONS: [&str; 3] = [
    "
    CREATE TABLE ids (kind TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE successes (resource TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE known_files (
        path BLOB PRIMARY KEY, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        size INTEGER NOT NULL, inode INTEGER NOT NULL, digest BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE runs (
        resource TEXT NOT NULL, run INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (resource, run)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE rows (resource TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE session (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL) STRICT;
",
    "
    CREATE TABLE images (image TEXT PRIMARY KEY, record TEXT NOT NULL, files BLOB NOT NULL) STRICT;
    CREATE TABLE made_images (id TEXT PRIMARY KEY, reference TEXT NOT NULL, made_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE overlays (resource TEXT PRIMARY KEY, containers TEXT NOT NULL, files BLOB NOT NULL) STRICT;
",
    "
    CREATE TABLE read_logs (container TEXT PRIMARY KEY, mark TEXT NOT NULL) STRICT, WITHOUT ROWID;
",
];
const VERSION: i64 = 3;

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// Why a file is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It is no store, or not whole.
    Damaged,
    /// A newer orch wrote it.
    Newer,
    /// It holds tables and no version.
    Old,
}

impl Unusable {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Damaged => ("corrupt", "is damaged"),
            Self::Newer => ("newer", "was written by a newer orch"),
            Self::Old => ("old", "is of a kind that this orch does not read"),
        }
    }
}

/// What was read when the file was opened.
pub(super) struct Begun {
    pub next_run: u64,
    pub next_instance: u64,
    pub successes: BTreeMap<ResourceName, Success>,
    pub images: BTreeMap<ImageKey, Arc<ImageRecord>>,
    pub overlays: BTreeMap<ResourceName, Arc<Overlay>>,
}

/// Why a file could not be opened.
enum Trouble {
    Unusable(Unusable),
    World(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) { Self::Unusable(Unusable::Damaged) } else { Self::World(error) }
    }
}

/// Where the store in a folder is.
pub(super) fn store_path(dir: &Path) -> PathBuf {
    dir.join("store.sqlite")
}

/// Makes the folder, and keeps git from looking into it. Gives the path of the store.
pub(super) fn prepare_folder(dir: &Path) -> Result<PathBuf, Failure> {
    let what = format!("the folder `{}` cannot be written", dir.display());
    fs::create_dir_all(dir).map_err(|error| words::io(&what, &error))?;
    match fs::File::create_new(dir.join(".gitignore")).and_then(|mut file| file.write_all(b"*\n")) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(words::io(&what, &error)),
        _ => Ok(store_path(dir)),
    }
}

/// Opens the file, made if it is not there. One that cannot be used is set aside, with a note.
pub(super) fn open(path: &Path, notes: &mut Vec<String>) -> Result<(Connection, Begun), Failure> {
    try_open(path).or_else(|trouble| match trouble {
        Trouble::Unusable(why) => {
            set_aside(path, why, notes)?;
            try_open(path).map_err(|trouble| trouble_in_words(path, trouble))
        }
        Trouble::World(error) => Err(words::failure(path, &error)),
    })
}

fn trouble_in_words(path: &Path, trouble: Trouble) -> Failure {
    match trouble {
        Trouble::World(error) => words::failure(path, &error),
        Trouble::Unusable(_) => words::failure(path, &rusqlite::Error::InvalidQuery),
    }
}

fn try_open(path: &Path) -> Result<(Connection, Begun), Trouble> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    if let Some(why) = unusable(&connection)? {
        return Err(Trouble::Unusable(why));
    }
    if version_of(&connection)? == 0 {
        // Nothing is lost if the power fails while the file is made.
        connection.pragma_update(None, "synchronous", "OFF")?;
    }
    connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0))?;
    let begun = begin(&mut connection)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // Copying the journal into the file waits for the disk; the end of a session does not. The next session goes on with it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok((connection, begun))
}

/// Why this file is not to be used; `None` if it is one of ours, or empty.
pub(super) fn unusable(connection: &Connection) -> rusqlite::Result<Option<Unusable>> {
    let version = version_of(connection)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match version {
        0 if tables > 0 => Some(Unusable::Old),
        0..=VERSION => None,
        _ if version > VERSION => Some(Unusable::Newer),
        _ => Some(Unusable::Damaged),
    })
}

/// Brings the tables up to date and reads what every session needs at once. A file that is up to date is not written: the
/// first write waits for the disk, which need not be while a session starts.
fn begin(connection: &mut Connection) -> rusqlite::Result<Begun> {
    if version_of(connection)? < VERSION {
        migrate(connection)?;
    }
    let (next_run, next_instance) = records::ids(connection)?;
    Ok(Begun {
        next_run,
        next_instance,
        successes: records::successes(connection)?,
        images: docker::images(connection)?,
        overlays: docker::overlays(connection)?,
    })
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = version_of(&transaction)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether this error says that the file is no good, not that the world is in the way.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    /// Fewer bytes than the file should have.
    const SHORT_READ: i32 = 522;
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            let is_damage = matches!(code.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase);
            let is_missing = message.as_ref().is_some_and(|message| message.starts_with("no such"));
            is_damage || is_missing || code.extended_code == SHORT_READ
        }
        rusqlite::Error::SqlInputError { .. }
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..) => true,
        _ => false,
    }
}

/// Renames the file and what belongs to it, so that a new one can be begun.
pub(super) fn set_aside(path: &Path, why: Unusable, notes: &mut Vec<String>) -> Result<(), Failure> {
    let (suffix, reason) = why.words();
    let aside = free_name(path, suffix);
    let what = format!("the store `{}` {reason} and cannot be set aside", path.display());
    fs::rename(path, &aside).map_err(|error| words::io(&what, &error))?;
    for part in ["-wal", "-shm"] {
        match fs::rename(with_suffix(path, part), with_suffix(&aside, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(words::io(&what, &error)),
            _ => {}
        }
    }
    notes.push(format!(
        "the store `{}` {reason}; it was set aside as `{}`, and everything counts as changed once",
        path.display(),
        aside.file_name().unwrap_or_default().display()
    ));
    Ok(())
}

fn free_name(path: &Path, suffix: &str) -> PathBuf {
    let plain = with_suffix(path, &format!(".{suffix}"));
    let numbered = (1..).map(|number: u32| with_suffix(path, &format!(".{suffix}-{number}")));
    let mut names = (suffix != "corrupt").then_some(plain.clone()).into_iter().chain(numbered);
    names.find(|name| fs::symlink_metadata(name).is_err()).unwrap_or(plain)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
