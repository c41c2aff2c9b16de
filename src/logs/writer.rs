//! Writing what a run or an instance prints.

use super::{LogName, LogStore, Stream, log::Log};
use crate::model::Attempt;
use std::sync::Arc;

/// Takes the output of one run or instance. Its streams keep their own unfinished lines.
///
/// Writing copies to memory and, each 64 KiB, to the page cache: it takes as long as the disk takes when that is full.
pub struct LogWriter {
    store: LogStore,
    log: Arc<Log>,
    id: u64,
    attempt: Option<Attempt>,
}

impl LogWriter {
    pub(super) fn new(store: LogStore, log: &LogName, attempt: Option<Attempt>) -> Self {
        let (log, id) = (store.shared().log(log), store.shared().new_id());
        Self { store, log, id, attempt }
    }

    /// Takes bytes as they came, cut anywhere.
    pub fn write(&self, stream: Stream, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.log.write(self.store.shared(), (self.id, self.attempt), stream, bytes);
        }
    }

    /// The output is complete: ends the unfinished lines. Dropping the writer does the same.
    pub fn close(&self) {
        self.log.close_writer(self.store.shared(), self.id);
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.close();
    }
}
