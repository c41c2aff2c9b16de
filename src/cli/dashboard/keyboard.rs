//! The keyboard while the dashboard has it. It is read in a thread of crossterm's, which must be done before somebody else gets the
//! keyboard: it would take keys that are not the dashboard's.

use crossterm::event::{self, Event, EventStream};
use futures_core::Stream as _;
use std::{
    future::{pending, poll_fn},
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

/// How long that thread may take to hear that it is not wanted any more.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(1);

/// The keyboard.
pub(super) struct Keyboard {
    /// None while somebody else has it.
    events: Option<EventStream>,
    /// The thread holds it while it reads, and lets it go when it has done so.
    alarm: Arc<Alarm>,
}

#[derive(Default)]
struct Alarm {
    waker: Mutex<Option<Waker>>,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Keyboard {
    /// Takes it.
    pub(super) fn take() -> Self {
        Self { events: Some(EventStream::new()), alarm: Arc::default() }
    }

    /// Takes it again.
    pub(super) fn take_back(&mut self) {
        self.events.get_or_insert_with(EventStream::new);
    }

    /// Leaves it to somebody else. What was typed before belonged to what the user saw then, and is forgotten: the dashboard does
    /// nothing about it when it comes back.
    pub(super) fn lend(&mut self) {
        self.events = None;
        let patience = Instant::now() + PATIENCE;
        while Arc::strong_count(&self.alarm) > 1 && Instant::now() < patience {
            thread::park_timeout(PAUSE);
        }
        while event::poll(Duration::ZERO).unwrap_or(false) && event::read().is_ok() {}
    }

    /// What comes of it next; nothing while somebody else has it.
    pub(super) async fn next(&mut self) -> Option<io::Result<Event>> {
        let Some(events) = &mut self.events else { return pending().await };
        poll_fn(|context| {
            *self.alarm.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
            let waker = Waker::from(Arc::clone(&self.alarm));
            Pin::new(&mut *events).poll_next(&mut Context::from_waker(&waker))
        })
        .await
    }
}
