//! Keyed deadlines: what is due when. A key has at most one time; setting it anew replaces the old one.

use super::node::NodeId;
use crate::model::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What can become due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deadline {
    /// The open change set has settled.
    Settle,
    /// What a running evaluation has read so far is to be watched.
    WatchReads,
    /// `orch ci` has taken too long.
    CiTimeout,
    /// A server that ended is started again.
    Backoff(NodeId),
    /// A node that is held because it makes itself dirty gets another chance.
    SelfDirty(NodeId),
    /// A server is checked.
    Probe(NodeId),
    /// A server of `orch ci` should be ready by now.
    Readiness(NodeId),
    /// Old images are removed.
    Prune,
    /// A server should be ready by now, and if it is not that is said.
    Slow(NodeId),
    /// What is wrong with pods decides the verdict of `orch ci` if it goes on until then.
    Trouble(NodeId),
    /// A server without a probe has lived long enough for the verdict of `orch ci`.
    Lived(NodeId),
}

/// All deadlines, by time and by key.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    by_key: BTreeMap<Deadline, Time>,
    by_time: BTreeSet<(Time, Deadline)>,
}

impl Deadlines {
    pub(super) fn set(&mut self, key: Deadline, at: Time) {
        self.clear(key);
        self.by_key.insert(key, at);
        self.by_time.insert((at, key));
    }

    /// Sets it unless it has a time already.
    pub(super) fn set_if_none(&mut self, key: Deadline, at: Time) {
        if !self.by_key.contains_key(&key) {
            self.set(key, at);
        }
    }

    pub(super) fn clear(&mut self, key: Deadline) {
        if let Some(at) = self.by_key.remove(&key) {
            self.by_time.remove(&(at, key));
        }
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes out the first one that is due.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<Deadline> {
        let (at, key) = *self.by_time.first()?;
        (at <= now).then(|| {
            self.clear(key);
            key
        })
    }

    pub(super) fn clear_all(&mut self) {
        *self = Self::default();
    }
}
