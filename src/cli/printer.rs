//! Prints log lines as they come, on a thread of its own: a slow terminal holds up nobody.

use super::print;
use crate::{
    logs::{From, LogStore},
    report::{Look, stream::StreamForm},
    snapshot::Snapshot,
};
use std::sync::Arc;
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

/// Where log lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogTo {
    Stdout,
    Stderr,
    /// Nobody reads them here.
    Nowhere,
}

/// Prints until the logs are closed and all is read, or until nobody reads what is printed: that calls `unread`.
pub(super) fn start(
    logs: &LogStore,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    to: LogTo,
    look: Look,
    unread: impl FnOnce() + Send + 'static,
) -> JoinHandle<()> {
    if to == LogTo::Nowhere {
        return tokio::spawn(async {});
    }
    let mut follower = logs.follow(None, From::Now);
    tokio::task::spawn_blocking(move || {
        let mut form = StreamForm::new(look);
        let mut text = Vec::new();
        while let Some(batch) = Handle::current().block_on(follower.next()) {
            if snapshots.has_changed().unwrap_or(false) {
                let snapshot = snapshots.borrow_and_update();
                form.fit(snapshot.rows.iter().map(|row| row.name.as_str()));
            }
            text.clear();
            form.draw_batch(&batch, &mut text);
            if !write(to, &text) {
                return unread();
            }
        }
    })
}

fn write(to: LogTo, text: &[u8]) -> bool {
    match to {
        LogTo::Stdout => print::bytes_to_stdout(text),
        LogTo::Stderr => {
            print::bytes_to_stderr(text);
            true
        }
        LogTo::Nowhere => true,
    }
}
