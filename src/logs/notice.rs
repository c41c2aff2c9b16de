//! Tells followers that there is something new, and holds nothing for them while they are slow.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Poll, Waker},
};

/// A count of what happened, and those who wait for it to grow.
#[derive(Default)]
pub(super) struct Notice {
    version: AtomicU64,
    told_at: AtomicU64,
    closed: AtomicBool,
    waiting: AtomicBool,
    wakers: Mutex<BTreeMap<u64, Waker>>,
}

impl Notice {
    /// Followers are woken at once if none was for this long (microseconds), else by the keeper's next tick.
    const PAUSE: u64 = 4_000;

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Something new is there at `now`.
    pub(super) fn tell(&self, now: u64) {
        self.version.fetch_add(1, Ordering::SeqCst);
        let last = self.told_at.load(Ordering::Relaxed);
        if self.waiting.load(Ordering::SeqCst) && (now >= last + Self::PAUSE || now < last) {
            self.told_at.store(now, Ordering::Relaxed);
            self.wake();
        }
    }

    /// Wakes whoever waits.
    pub(super) fn wake(&self) {
        if self.waiting.swap(false, Ordering::SeqCst) {
            let wakers = std::mem::take(&mut *self.wakers.lock().unwrap_or_else(PoisonError::into_inner));
            wakers.into_values().for_each(Waker::wake);
        }
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.version.fetch_add(1, Ordering::SeqCst);
        self.wake();
    }

    /// Waits until the version is another than `seen`.
    pub(super) async fn changed(&self, follower: u64, seen: u64) {
        poll_fn(|context| {
            self.wakers.lock().unwrap_or_else(PoisonError::into_inner).insert(follower, context.waker().clone());
            self.waiting.store(true, Ordering::SeqCst);
            if self.version.load(Ordering::SeqCst) == seen { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// A follower is gone.
    pub(super) fn leave(&self, follower: u64) {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner).remove(&follower);
    }
}
