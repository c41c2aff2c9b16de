//! The kernel's watches: one inotify instance for all of orch, one watch for each folder. What another system would do
//! differently is here.

use super::Input;
use crate::model::FilePath;
use notify::{
    Config, Error, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _,
    event::{AccessKind, AccessMode},
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::Sender,
    },
};

/// Why a folder is not watched by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwatched {
    /// It is not there.
    Gone,
    /// The kernel's limit is reached, or it cannot be watched for another reason: it must be polled.
    Limit,
    /// It may not be read, so that nobody can tell what is in it.
    Denied,
}

/// The kernel's watches.
pub(super) struct Kernel {
    /// `None` where the kernel gave none.
    watcher: Option<RecommendedWatcher>,
    /// How many watches there may be, below the kernel's own limit.
    watches_max: usize,
    watches: Arc<AtomicUsize>,
}

impl Kernel {
    /// Sends what happens to `inbox`.
    pub(super) fn new(inbox: Sender<Input>, watches_max: usize, watches: Arc<AtomicUsize>) -> Self {
        let tell = move |event: notify::Result<Event>| {
            if let Some(input) = input_of(event) {
                // The receiver is gone only when the watcher is.
                drop(inbox.send(input));
            }
        };
        Self { watcher: RecommendedWatcher::new(tell, Config::default()).ok(), watches_max, watches }
    }

    /// Whether the kernel gave watches at all.
    pub(super) fn is_there(&self) -> bool {
        self.watcher.is_some()
    }

    /// Watches the entries of a folder that is not watched yet, or again.
    pub(super) fn watch(&mut self, folder: &FilePath) -> Result<(), Unwatched> {
        let watcher = self.watcher.as_mut().ok_or(Unwatched::Limit)?;
        if self.watches.load(Ordering::Relaxed) >= self.watches_max {
            return Err(Unwatched::Limit);
        }
        watcher.watch(folder.as_path(), RecursiveMode::NonRecursive).map_err(|error| unwatched(&error))?;
        self.watches.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the watch of a folder that was watched.
    pub(super) fn unwatch(&mut self, folder: &FilePath) {
        if let Some(watcher) = &mut self.watcher {
            // It has no watch any more if the folder itself is gone.
            drop(watcher.unwatch(folder.as_path()));
            self.watches.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn unwatched(error: &Error) -> Unwatched {
    match &error.kind {
        ErrorKind::PathNotFound => Unwatched::Gone,
        ErrorKind::Io(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Unwatched::Gone,
            io::ErrorKind::PermissionDenied => Unwatched::Denied,
            _ => Unwatched::Limit,
        },
        _ => Unwatched::Limit,
    }
}

/// Leaves out what reading causes, our own reading most of all. The end of writing stays: what is written through a mapped
/// file causes no other event.
fn input_of(event: notify::Result<Event>) -> Option<Input> {
    match event {
        Ok(event) if event.need_rescan() => Some(Input::Rescan),
        Ok(Event { kind: EventKind::Access(AccessKind::Close(AccessMode::Write)), .. }) => event.ok().map(Input::Event),
        Ok(Event { kind: EventKind::Access(_), .. }) => None,
        Ok(event) => Some(Input::Event(event)),
        Err(_) => Some(Input::Rescan),
    }
}
