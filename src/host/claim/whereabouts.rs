//! Where the folder of a running session is now. A session knows the path at which it began; its folder may be moved or removed
//! under it, and the lock that its process holds open goes along.

use super::{SessionCard, read_card, state_dir};
use crate::model::FilePath;
use std::{fs, io, path::PathBuf};

/// Where the folder of a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// Where the session began, or nobody knows better.
    AtHome,
    /// Somewhere else.
    Moved(FilePath),
    /// Nowhere: it was removed.
    Gone,
}

/// Where the folder of a session is now, as the kernel tells it.
pub fn whereabouts(card: &SessionCard) -> Whereabouts {
    let Ok(lock) = held_lock(card.pid).and_then(fs::read_link) else { return Whereabouts::AtHome };
    let path = lock.to_string_lossy();
    if path.ends_with(REMOVED) {
        return Whereabouts::Gone;
    }
    if lock == state_dir(&card.root()).join(LOCK) {
        return Whereabouts::AtHome;
    }
    let root = lock.parent().and_then(|state| state.parent());
    root.map_or(Whereabouts::AtHome, |root| Whereabouts::Moved(FilePath::new(root)))
}

/// Whether the card of a session still lies where it began. Cheaper to ask than [`whereabouts`].
pub fn is_at_home(card: &SessionCard) -> bool {
    read_card(&state_dir(&card.root()).join("session.json")).is_some_and(|found| found == *card)
}

const LOCK: &str = "session.lock";
/// What the kernel adds to the path of a file that was removed.
const REMOVED: &str = " (deleted)";

/// A path by which the lock that a process holds can be opened, wherever it is.
pub(super) fn held_lock(pid: u32) -> io::Result<PathBuf> {
    let is_lock = |link: &PathBuf| {
        let Ok(path) = fs::read_link(link) else { return false };
        let path = path.to_string_lossy();
        path.trim_end_matches(REMOVED).ends_with("/.orch/session.lock")
    };
    let mut links = fs::read_dir(format!("/proc/{pid}/fd"))?.flatten().map(|entry| entry.path());
    links.find(is_lock).ok_or_else(|| io::ErrorKind::NotFound.into())
}
