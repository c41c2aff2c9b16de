//! Who owns what is copied: whoever the processes of the container run as, so that they can read and write it.

use super::target::Target;
use crate::host::{docker::Connection, live_update::Owner};
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures_util::StreamExt as _;
use std::{
    collections::BTreeMap,
    io::Read as _,
    sync::{Arc, Mutex, PoisonError},
};

/// How much of a user database is read.
const USERS_BYTES_MAX: usize = 1 << 20;
/// How many are kept: those of the containers in use, and some that were.
const KEPT_MAX: usize = 256;

/// The owners that were looked up: to read a file of a container takes as long as to write one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Owners(Arc<Mutex<BTreeMap<(String, String), Owner>>>);

impl Owners {
    /// The owner of what is copied into a container.
    pub(super) async fn of(&self, connection: &Connection, target: &Target) -> Owner {
        if matches!(target.user.as_str(), "" | "0" | "root") {
            return Owner::default();
        }
        let key = (target.image.clone(), target.user.clone());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        if let Some(owner) = known {
            return owner;
        }
        let owner = look_up(connection, target).await;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, owner);
        owner
    }
}

/// What the engine makes of `user[:group]`, by name or by number.
async fn look_up(connection: &Connection, target: &Target) -> Owner {
    let (user, group) = match target.user.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (target.user.as_str(), None),
    };
    let needs_users = user.parse::<u64>().is_err() || group.is_none();
    let users = if needs_users { text(connection, target, "/etc/passwd").await } else { String::new() };
    let gid = match group {
        Some(group) if group.parse::<u64>().is_err() => {
            number_of(&text(connection, target, "/etc/group").await, group, 2)
        }
        Some(group) => group.parse().ok(),
        None => number_of(&users, user, 3),
    };
    let uid = user.parse().ok().or_else(|| number_of(&users, user, 2));
    Owner { uid: uid.unwrap_or_default(), gid: gid.unwrap_or_default() }
}

/// The text of a small file; empty where there is none.
async fn text(connection: &Connection, target: &Target, path: &str) -> String {
    let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
    let mut chunks = connection.api().download_from_container(&target.id.0, Some(options));
    let mut archive = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await
        && archive.len() < USERS_BYTES_MAX
    {
        archive.extend_from_slice(&chunk);
    }
    let mut text = Vec::new();
    if let Ok(mut entries) = tar::Archive::new(archive.as_slice()).entries()
        && let Some(Ok(mut entry)) = entries.next()
    {
        // What was read until then is good enough.
        entry.read_to_end(&mut text).ok();
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The number in that field of the line of a user or group, given by name or by number (the third field).
fn number_of(text: &str, name: &str, field: usize) -> Option<u64> {
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = lines.find(|line| line.first() == Some(&name) || line.get(2) == Some(&name))?;
    line.get(field)?.parse().ok()
}
