//! Prints log lines as they come, on a thread of its own: a slow terminal holds up nobody.

use super::print;
use crate::{
    host::clock::Clock,
    logs::{Batch, Follower, From, LogStore},
    report::{Look, progress, stream::StreamForm},
    snapshot::Snapshot,
};
use std::{sync::Arc, time::Duration};
use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

/// Where log lines are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogTo {
    Stdout,
    Stderr,
    /// Nobody reads them here.
    Nowhere,
}

/// How often the line at the bottom is drawn anew.
const PROGRESS_PERIOD: Duration = Duration::from_millis(200);
/// Takes away what stands in the line of the cursor.
const CLEAR_LINE: &[u8] = b"\r\x1b[2K";

/// What is printed, and where.
pub(super) struct Printing {
    pub(super) to: LogTo,
    pub(super) look: Look,
    /// With a line at the bottom of the terminal that says how far it is.
    pub(super) progress: bool,
    pub(super) clock: Clock,
}

/// Prints until the logs are closed and all is read, or until nobody reads what is printed: that calls `unread`.
pub(super) fn start(
    logs: &LogStore,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    printing: Printing,
    unread: impl FnOnce() + Send + 'static,
) -> JoinHandle<()> {
    if printing.to == LogTo::Nowhere {
        return tokio::spawn(async {});
    }
    let mut follower = logs.follow(None, From::Now);
    tokio::task::spawn_blocking(move || {
        let mut form = StreamForm::new(printing.look);
        let mut bottom = Bottom::default();
        let mut text = Vec::new();
        while let Some(batches) = Handle::current().block_on(next(&mut follower, printing.progress)) {
            if snapshots.has_changed().unwrap_or(false) {
                let snapshot = snapshots.borrow_and_update();
                form.fit(snapshot.rows.iter().map(|row| row.name.as_str()));
            }
            text.clear();
            bottom.clear(&mut text);
            batches.iter().for_each(|batch| form.draw_batch(batch, &mut text));
            if printing.progress {
                bottom.draw(&progress::line(&snapshots.borrow(), printing.clock.now(), printing.look), &mut text);
            }
            if !write(printing.to, &text) {
                return unread();
            }
        }
        text.clear();
        bottom.clear(&mut text);
        write(printing.to, &text);
    })
}

/// The next lines; with a line at the bottom, none after a while. `None` at the end of the logs.
async fn next(follower: &mut Follower, progress: bool) -> Option<Vec<Batch>> {
    if !progress {
        return follower.next().await.map(|batch| vec![batch]);
    }
    match tokio::time::timeout(PROGRESS_PERIOD, follower.next()).await {
        Ok(batch) => batch.map(|batch| vec![batch]),
        Err(_) => Some(Vec::new()),
    }
}

/// The line at the bottom.
#[derive(Default)]
struct Bottom {
    is_drawn: bool,
}

impl Bottom {
    fn clear(&mut self, text: &mut Vec<u8>) {
        if std::mem::take(&mut self.is_drawn) {
            text.extend_from_slice(CLEAR_LINE);
        }
    }

    fn draw(&mut self, line: &str, text: &mut Vec<u8>) {
        text.extend_from_slice(line.as_bytes());
        self.is_drawn = true;
    }
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
