//! What waits to be written.

use crate::model::Failure;
use rusqlite::Connection;
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

type Step = dyn Fn(&Connection) -> rusqlite::Result<()> + Send;
type Answer = dyn FnOnce(Result<(), Failure>) + Send;

/// One thing to write or to read. It can be done again, in a new file or alone, after it failed.
pub(super) struct Work {
    pub step: Box<Step>,
    pub answer: Option<Box<Answer>>,
}

impl Work {
    pub(super) fn new(step: impl Fn(&Connection) -> rusqlite::Result<()> + Send + 'static) -> Self {
        Self { step: Box::new(step), answer: None }
    }

    /// Work whose end somebody waits for; it is told once it is durable.
    pub(super) fn answered(
        step: impl Fn(&Connection) -> rusqlite::Result<()> + Send + 'static,
        answer: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) -> Self {
        Self { step: Box::new(step), answer: Some(Box::new(answer)) }
    }
}

/// Work in its order, but for bulk, which waits for all else.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    ordered: VecDeque<Work>,
    bulk: VecDeque<Work>,
    ended: bool,
    notes: Vec<String>,
}

impl Queue {
    /// How many pieces of work are written together.
    const TOGETHER: usize = 256;

    pub(super) fn add(&self, work: Work) {
        let mut waiting = self.lock();
        if !waiting.ended {
            waiting.ordered.push_back(work);
        }
        self.changed.notify_one();
    }

    pub(super) fn add_bulk(&self, work: Work) {
        let mut waiting = self.lock();
        if !waiting.ended {
            waiting.bulk.push_back(work);
        }
        self.changed.notify_one();
    }

    /// Takes no more work.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_one();
    }

    /// Waits for work; none is left at the end.
    pub(super) fn take(&self) -> Vec<Work> {
        let is_idle = |waiting: &mut Waiting| waiting.ordered.is_empty() && waiting.bulk.is_empty() && !waiting.ended;
        let mut waiting = self.changed.wait_while(self.lock(), is_idle).unwrap_or_else(PoisonError::into_inner);
        let together = waiting.ordered.len().min(Self::TOGETHER);
        if together == 0 {
            waiting.bulk.pop_front().into_iter().collect()
        } else {
            waiting.ordered.drain(..together).collect()
        }
    }

    pub(super) fn note(&self, text: String) {
        let mut waiting = self.lock();
        if waiting.notes.last() != Some(&text) {
            waiting.notes.push(text);
        }
    }

    pub(super) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().notes)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_is_waited_for_does_not_stand_behind_bulk() {
        let queue = Queue::default();
        (0..3).for_each(|_| queue.add_bulk(Work::new(|_| Ok(()))));
        assert_eq!(queue.take().len(), 1);
        queue.add(Work::answered(|_| Ok(()), |_| ()));
        queue.add(Work::new(|_| Ok(())));
        let taken = queue.take();
        assert!(taken.len() == 2 && taken[0].answer.is_some(), "before the rest of the bulk, and together");
        queue.end();
        assert_eq!([(); 3].map(|()| queue.take().len()), [1, 1, 0], "nothing is lost at the end");
    }
}
