//! Work on many files at once: a few threads that live as long as one call.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    thread,
};

/// More threads than this wait for the same disk.
const THREADS_MAX: usize = 4;
/// Starting a thread costs as much as a few dozen looks at files.
const WORTH_A_THREAD: usize = 64;

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX)
}

/// Applies `work` to each item; the results are in the order of the items.
pub(super) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = threads().min(items.len() / WORTH_A_THREAD + 1);
    if threads == 1 {
        return items.iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let chunks = items.chunks(items.len().div_ceil(threads));
        let started: Vec<_> =
            chunks.map(|chunk| scope.spawn(move || chunk.iter().map(work).collect::<Vec<R>>())).collect();
        started
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// Applies `work` to each item of `items` and to each that `work` itself adds, until none is left. No order.
pub(super) fn spread<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T, &mut Vec<T>) -> R + Sync) -> Vec<R> {
    let pile = Pile { state: Mutex::new(PileState { items, busy: 0 }), changed: Condvar::new() };
    let (pile, work) = (&pile, &work);
    // One folder's walk gives the first measure of how much there is to do.
    let mut results = Vec::new();
    while let Some(item) = pile.take() {
        let mut more = Vec::new();
        results.push(work(item, &mut more));
        pile.add(more);
        if pile.is_high() && threads() > 1 {
            break;
        }
    }
    thread::scope(|scope| {
        let helpers = if pile.is_high() { threads() } else { 0 };
        let helpers: Vec<_> = (0..helpers).map(|_| scope.spawn(move || pile.wear_down(work))).collect();
        for helper in helpers {
            results.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    results
}

struct Pile<T> {
    state: Mutex<PileState<T>>,
    changed: Condvar,
}

struct PileState<T> {
    items: Vec<T>,
    /// How many threads may still add items.
    busy: usize,
}

impl<T> Pile<T> {
    /// An item; waits for one while another thread may add some.
    fn take(&self) -> Option<T> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |state: &mut PileState<T>| state.items.is_empty() && state.busy > 0;
        let mut state = self.changed.wait_while(state, waits).unwrap_or_else(PoisonError::into_inner);
        let item = state.items.pop();
        state.busy += usize::from(item.is_some());
        item
    }

    /// Adds what came of an item that was taken.
    fn add(&self, more: Vec<T>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.busy -= 1;
        let wakes = state.busy == 0 || !more.is_empty();
        state.items.extend(more);
        drop(state);
        if wakes {
            self.changed.notify_all();
        }
    }

    fn is_high(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).items.len() >= 8
    }

    fn wear_down<R>(&self, work: impl Fn(T, &mut Vec<T>) -> R) -> Vec<R> {
        let mut results = Vec::new();
        while let Some(item) = self.take() {
            let mut more = Vec::new();
            results.push(work(item, &mut more));
            self.add(more);
        }
        results
    }
}
