//! Ids that two sessions never share: they are reserved in blocks before they are used, so that a kill costs a few numbers
//! and no run waits for the disk.

use super::records;
use crate::model::{InstanceId, RunId};
use rusqlite::Connection;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many ids are reserved at a time.
const BLOCK: u64 = 64;

/// What has to be done before an id is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    /// Reserve more, before they run out.
    Soon,
    /// Reserve more first.
    Now,
}

/// The ids of a session.
pub(super) struct Ids {
    runs: Counter,
    instances: Counter,
}

/// One kind of id.
struct Counter {
    first: u64,
    /// The first that was not used yet.
    next: AtomicU64,
    /// The first that is not reserved.
    reserved: AtomicU64,
}

impl Counter {
    fn new(first: u64) -> Self {
        Self { first, next: AtomicU64::new(first), reserved: AtomicU64::new(first) }
    }

    fn using(&self, id: u64) -> Wanted {
        let before = self.next.fetch_max(id + 1, Ordering::Relaxed);
        let reserved = self.reserved.load(Ordering::Acquire);
        let is_half_way = |next: u64| next + BLOCK / 2 >= reserved;
        match id {
            id if id >= reserved => Wanted::Now,
            id if is_half_way(id + 1) && !is_half_way(before) => Wanted::Soon,
            _ => Wanted::Nothing,
        }
    }

    fn wanted_end(&self) -> u64 {
        self.next.load(Ordering::Relaxed) + BLOCK
    }
}

impl Ids {
    pub(super) fn new(run: u64, instance: u64) -> Self {
        Self { runs: Counter::new(run), instances: Counter::new(instance) }
    }

    pub(super) fn first(&self) -> (RunId, InstanceId) {
        (RunId(self.runs.first), InstanceId(self.instances.first))
    }

    pub(super) fn use_run(&self, run: RunId) -> Wanted {
        self.runs.using(run.0)
    }

    pub(super) fn use_instance(&self, instance: InstanceId) -> Wanted {
        self.instances.using(instance.0)
    }

    /// Writes down that a block behind the last used ids is this session's.
    pub(super) fn reserve(&self, connection: &Connection) -> rusqlite::Result<()> {
        let (runs, instances) = (self.runs.wanted_end(), self.instances.wanted_end());
        records::save_ids(connection, runs, instances)?;
        self.runs.reserved.fetch_max(runs, Ordering::Release);
        self.instances.reserved.fetch_max(instances, Ordering::Release);
        Ok(())
    }

    /// Writes down which ids were used, at the end of a session.
    pub(super) fn give_back(&self, connection: &Connection) -> rusqlite::Result<()> {
        let next = |counter: &Counter| counter.next.load(Ordering::Relaxed);
        records::save_ids(connection, next(&self.runs), next(&self.instances))
    }
}
