//! What is in the tables. A record that cannot be read is as good as none.

use super::RUNS_KEPT;
use crate::model::{Digest, FilePath, KnownFile, ResourceName, RunId, Success};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::{collections::BTreeMap, ffi::OsStr, os::unix::ffi::OsStrExt as _};

pub(super) fn ids(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    let next = |kind: &str| -> rusqlite::Result<u64> {
        let found = connection
            .query_row("SELECT next FROM ids WHERE kind = ?", [kind], |row| row.get::<_, i64>(0))
            .optional()?;
        Ok(found.and_then(|next| u64::try_from(next).ok()).unwrap_or(1))
    };
    Ok((next("run")?, next("instance")?))
}

pub(super) fn save_ids(connection: &Connection, run: u64, instance: u64) -> rusqlite::Result<()> {
    let mut save = connection.prepare_cached("INSERT OR REPLACE INTO ids (kind, next) VALUES (?, ?)")?;
    save.execute(params!["run", run.cast_signed()])?;
    save.execute(params!["instance", instance.cast_signed()])?;
    Ok(())
}

pub(super) fn successes(connection: &Connection) -> rusqlite::Result<BTreeMap<ResourceName, Success>> {
    let texts = named_texts(connection, "SELECT resource, record FROM successes")?;
    Ok(texts.into_iter().filter_map(|(name, text)| Some((name, serde_json::from_str(&text).ok()?))).collect())
}

pub(super) fn remember(connection: &Connection, name: &ResourceName, success: &Success) -> rusqlite::Result<()> {
    let record = serde_json::to_string(success).unwrap_or_default();
    connection
        .prepare_cached("INSERT OR REPLACE INTO successes (resource, record) VALUES (?, ?)")?
        .execute(params![name.as_str(), record])?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, name: &ResourceName) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM successes WHERE resource = ?")?.execute([name.as_str()])?;
    Ok(())
}

pub(super) fn record_run(connection: &Connection, name: &ResourceName, run: RunId, json: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO runs (resource, run, record) VALUES (?, ?, ?)")?
        .execute(params![name.as_str(), run.0.cast_signed(), json])?;
    connection
        .prepare_cached(
            "DELETE FROM runs WHERE resource = ?1 AND run <=
             (SELECT run FROM runs WHERE resource = ?1 ORDER BY run DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![name.as_str(), RUNS_KEPT])?;
    Ok(())
}

pub(super) fn runs(connection: &Connection, name: &ResourceName) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("SELECT record FROM runs WHERE resource = ? ORDER BY run DESC")?
        .query_map([name.as_str()], |row| row.get(0))?
        .collect()
}

pub(super) fn save_rows(
    connection: &Connection,
    rows: &[(ResourceName, String)],
    removed: &[ResourceName],
) -> rusqlite::Result<()> {
    let mut remove = connection.prepare_cached("DELETE FROM rows WHERE resource = ?")?;
    removed.iter().try_for_each(|name| remove.execute([name.as_str()]).map(|_| ()))?;
    let mut save = connection.prepare_cached("INSERT OR REPLACE INTO rows (resource, record) VALUES (?, ?)")?;
    rows.iter().try_for_each(|(name, json)| save.execute(params![name.as_str(), json]).map(|_| ()))
}

pub(super) fn rows(connection: &Connection) -> rusqlite::Result<BTreeMap<ResourceName, String>> {
    Ok(named_texts(connection, "SELECT resource, record FROM rows")?.into_iter().collect())
}

pub(super) fn save_session(connection: &Connection, json: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT OR REPLACE INTO session (id, record) VALUES (1, ?)")?.execute([json])?;
    Ok(())
}

pub(super) fn session(connection: &Connection) -> rusqlite::Result<Option<String>> {
    connection.query_row("SELECT record FROM session", [], |row| row.get(0)).optional()
}

pub(super) fn save_known(connection: &Connection, known: &[KnownFile]) -> rusqlite::Result<()> {
    let mut save = connection.prepare_cached(
        "INSERT OR REPLACE INTO known_files (path, mtime_ns, ctime_ns, size, inode, digest) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    known.iter().try_for_each(|file| {
        let (size, inode) = (file.size.cast_signed(), file.inode.cast_signed());
        let values = params![file.path.as_bytes(), file.mtime_ns, file.ctime_ns, size, inode, file.digest.0];
        save.execute(values).map(|_| ())
    })
}

pub(super) fn forget_known(connection: &Connection, removed: &[FilePath]) -> rusqlite::Result<()> {
    let mut remove = connection.prepare_cached("DELETE FROM known_files WHERE path = ?")?;
    removed.iter().try_for_each(|path| remove.execute([path.as_bytes()]).map(|_| ()))
}

/// Gives each known file to `take` until that gives `false`.
pub(super) fn each_known(connection: &Connection, mut take: impl FnMut(KnownFile) -> bool) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT path, mtime_ns, ctime_ns, size, inode, digest FROM known_files")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        if !take(known(row)?) {
            break;
        }
    }
    Ok(())
}

fn known(row: &Row<'_>) -> rusqlite::Result<KnownFile> {
    let path = row.get_ref(0)?.as_blob()?;
    Ok(KnownFile {
        path: FilePath::new(OsStr::from_bytes(path)),
        mtime_ns: row.get(1)?,
        ctime_ns: row.get(2)?,
        size: row.get::<_, i64>(3)?.cast_unsigned(),
        inode: row.get::<_, i64>(4)?.cast_unsigned(),
        digest: Digest(row.get(5)?),
    })
}

fn named_texts(connection: &Connection, query: &str) -> rusqlite::Result<Vec<(ResourceName, String)>> {
    let mut select = connection.prepare_cached(query)?;
    let texts = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let named = texts.filter_map(|text| match text {
        Ok((name, text)) => Some(Ok((ResourceName::parse(&name).ok()?, text))),
        Err(error) => Some(Err(error)),
    });
    named.collect()
}
