//! Following logs while they are written.

use super::{
    Batch, From, LogName,
    log::Log,
    merge::{Merge, Source},
    shared::Shared,
};
use crate::model::ResourceName;
use std::sync::Arc;

/// Reads logs as they grow, at its own pace: what it has not read stays on disk and costs no memory.
pub struct Follower {
    shared: Arc<Shared>,
    id: u64,
    names: Option<Vec<ResourceName>>,
    from: From,
    merge: Merge,
    known: usize,
}

impl Follower {
    pub(super) fn new(shared: Arc<Shared>, names: Option<Vec<ResourceName>>, from: From) -> Self {
        if from != From::Now {
            shared.find_all();
        }
        let logs = shared.logs();
        if let From::Last(_) | From::LastUntil(..) = from {
            for log in &logs {
                log.write_out(&shared);
            }
        }
        let known = logs.len();
        let sources = logs.into_iter().filter(|log| wants(names.as_deref(), log)).map(Source::Live).collect();
        Self { id: shared.new_id(), merge: Merge::new(sources, from), shared, names, from, known }
    }

    /// Waits for the next lines; `None` once the store is closed and all has been read. Can be dropped while it waits without
    /// losing any.
    pub async fn next(&mut self) -> Option<Batch> {
        loop {
            let (version, closed) = (self.shared.notice.version(), self.shared.notice.is_closed());
            if let Some(batch) = self.try_next() {
                return Some(batch);
            }
            if closed {
                return None;
            }
            self.shared.notice.changed(self.id, version).await;
        }
    }

    /// The next lines, if there are any now.
    pub fn try_next(&mut self) -> Option<Batch> {
        if self.shared.log_count() != self.known {
            self.find_new();
        }
        self.merge.next_batch()
    }

    fn find_new(&mut self) {
        let logs = self.shared.logs();
        self.known = logs.len();
        for log in logs.into_iter().filter(|log| wants(self.names.as_deref(), log)) {
            if !self.merge.holds(&log.name) {
                let cursor = log.origin;
                self.merge.add(Source::Live(log), cursor);
            }
        }
    }

    /// Where it began to read.
    #[must_use]
    pub fn from(&self) -> From {
        self.from
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.shared.notice.leave(self.id);
    }
}

fn wants(names: Option<&[ResourceName]>, log: &Log) -> bool {
    match (names, &log.name) {
        (None, _) => true,
        (Some(_), LogName::Session) => false,
        (Some(names), LogName::Resource(name)) => names.contains(name),
    }
}
