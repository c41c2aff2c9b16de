//! What is in the tables about images and containers. A record that cannot be read is as good as none.

use super::packed::{pack, unpack};
use crate::model::{Built, ContainerId, Digest, FilePath, ImageId, ImageKey, ImageRecord, Overlay, ResourceName};
use rusqlite::{Connection, params, types::ValueRef};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// An image that this project made, whether it is still in use or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeImage {
    /// Its id.
    pub id: ImageId,
    /// What it was called when it was made last.
    pub reference: String,
    /// When it was made last: seconds since 1970.
    pub made_at_secs: i64,
}

/// How far the output of a container was read: of each of its streams the moment of the last piece, in nanoseconds since 1970, and how
/// many pieces had that very moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark(pub [(i64, u32); 2]);

/// An [`ImageRecord`] without its files.
#[derive(Serialize, Deserialize)]
struct Made {
    fingerprint: Digest,
    built: Built,
}

/// Records an image. What is recorded already is not written again: its files may be many.
pub(super) fn remember_image(
    connection: &Connection,
    image: &ImageKey,
    record: &ImageRecord,
    now_secs: i64,
) -> rusqlite::Result<()> {
    let made = Made { fingerprint: record.fingerprint, built: record.built.clone() };
    let made = serde_json::to_string(&made).unwrap_or_default();
    let files = pack(record.files.iter().map(|(path, digest)| (path, Some(*digest))));
    connection
        .prepare_cached(
            "INSERT INTO images (image, record, files) VALUES (?, ?, ?) ON CONFLICT DO UPDATE
             SET record = excluded.record, files = excluded.files
             WHERE record IS NOT excluded.record OR files IS NOT excluded.files",
        )?
        .execute(params![image.as_str(), made, files])?;
    let Some(id) = &record.built.id else { return Ok(()) };
    connection
        .prepare_cached("INSERT OR REPLACE INTO made_images (id, reference, made_at) VALUES (?, ?, ?)")?
        .execute(params![&*id.0, record.built.reference, now_secs])?;
    Ok(())
}

pub(super) fn images(connection: &Connection) -> rusqlite::Result<BTreeMap<ImageKey, Arc<ImageRecord>>> {
    let mut select = connection.prepare("SELECT image, record, files FROM images")?;
    let mut rows = select.query([])?;
    let mut images = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let image = ImageKey(row.get::<_, String>(0)?.into());
        if let Some(record) = record(row.get_ref(1)?, row.get_ref(2)?) {
            images.insert(image, Arc::new(record));
        }
    }
    Ok(images)
}

fn record(made: ValueRef<'_>, files: ValueRef<'_>) -> Option<ImageRecord> {
    let Made { fingerprint, built } = serde_json::from_str(made.as_str().ok()?).ok()?;
    let files: Option<Vec<_>> =
        unpack(files.as_blob().ok()?)?.into_iter().map(|(path, digest)| Some((path, digest?))).collect();
    Some(ImageRecord { fingerprint, built, files: Arc::new(files?) })
}

pub(super) fn made_images(connection: &Connection) -> rusqlite::Result<Vec<MadeImage>> {
    let mut select =
        connection.prepare_cached("SELECT id, reference, made_at FROM made_images ORDER BY made_at, id")?;
    let made = select.query_map([], |row| {
        Ok(MadeImage {
            id: ImageId(row.get::<_, String>(0)?.into()),
            reference: row.get(1)?,
            made_at_secs: row.get(2)?,
        })
    })?;
    made.collect()
}

/// Forgets images that are gone, and what they were made of.
pub(super) fn forget_images(connection: &Connection, gone: &[ImageId]) -> rusqlite::Result<()> {
    let mut made = connection.prepare_cached("DELETE FROM made_images WHERE id = ?")?;
    let mut records = connection.prepare_cached("DELETE FROM images WHERE record ->> '$.built.id' = ?")?;
    gone.iter().try_for_each(|id| {
        made.execute([&*id.0])?;
        records.execute([&*id.0]).map(|_| ())
    })
}

/// Records an overlay; one of no container is forgotten.
pub(super) fn remember_overlay(
    connection: &Connection,
    resource: &ResourceName,
    overlay: &Overlay,
) -> rusqlite::Result<()> {
    if overlay.containers.is_empty() {
        connection.prepare_cached("DELETE FROM overlays WHERE resource = ?")?.execute([resource.as_str()])?;
        return Ok(());
    }
    let containers = serde_json::to_string(&overlay.containers).unwrap_or_default();
    let files = pack(overlay.files.iter().map(|(path, digest)| (path, *digest)));
    connection
        .prepare_cached("INSERT OR REPLACE INTO overlays (resource, containers, files) VALUES (?, ?, ?)")?
        .execute(params![resource.as_str(), containers, files])?;
    Ok(())
}

pub(super) fn remember_read(connection: &Connection, container: &ContainerId, mark: ReadMark) -> rusqlite::Result<()> {
    let mark = serde_json::to_string(&mark).unwrap_or_default();
    connection
        .prepare_cached("INSERT OR REPLACE INTO read_logs (container, mark) VALUES (?, ?)")?
        .execute([&*container.0, &mark])?;
    Ok(())
}

/// Takes all of them away: a session that ends badly leaves none that are too old.
pub(super) fn take_read(connection: &Connection) -> rusqlite::Result<BTreeMap<ContainerId, ReadMark>> {
    let mut select = connection.prepare("DELETE FROM read_logs RETURNING container, mark")?;
    let mut rows = select.query([])?;
    let mut marks = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let container = ContainerId(row.get::<_, String>(0)?.into());
        marks.extend(Some(container).zip(serde_json::from_str(row.get_ref(1)?.as_str().unwrap_or_default()).ok()));
    }
    Ok(marks)
}

pub(super) fn overlays(connection: &Connection) -> rusqlite::Result<BTreeMap<ResourceName, Arc<Overlay>>> {
    let mut select = connection.prepare("SELECT resource, containers, files FROM overlays")?;
    let mut rows = select.query([])?;
    let mut overlays = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let resource = ResourceName::parse(&row.get::<_, String>(0)?);
        let overlay = overlay(row.get_ref(1)?, row.get_ref(2)?);
        overlays.extend(resource.ok().zip(overlay.map(Arc::new)));
    }
    Ok(overlays)
}

fn overlay(containers: ValueRef<'_>, files: ValueRef<'_>) -> Option<Overlay> {
    let containers = serde_json::from_str(containers.as_str().ok()?).ok()?;
    let files: BTreeMap<FilePath, Option<Digest>> = unpack(files.as_blob().ok()?)?.into_iter().collect();
    Some(Overlay { containers, files })
}
