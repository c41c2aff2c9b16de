//! How executors tell what happened.

use crate::engine::Event;
use tokio::sync::mpsc;

/// The way into the session's inbox.
#[derive(Debug, Clone)]
pub struct Outbox(mpsc::UnboundedSender<Event>);

impl Outbox {
    /// An outbox and the inbox that it leads to.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Event>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Tells that something happened. After the session's end nobody listens any more.
    pub fn send(&self, event: Event) {
        self.0.send(event).ok();
    }

    /// The channel itself, for those that bring their own events.
    pub fn sender(&self) -> mpsc::UnboundedSender<Event> {
        self.0.clone()
    }

    /// Promises one event: the given one, unless [`Promise::keep`] tells a better one. Kept also when its task panics or is
    /// aborted.
    pub fn promise(&self, event: Event) -> Promise {
        Promise { outbox: self.clone(), event: Some(event) }
    }
}

/// An event that will be sent exactly once.
#[derive(Debug)]
pub struct Promise {
    outbox: Outbox,
    event: Option<Event>,
}

impl Promise {
    /// Keeps the promise with this event.
    pub fn keep(mut self, event: Event) {
        self.event = Some(event);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(event) = self.event.take() {
            self.outbox.send(event);
        }
    }
}
