//! How executors tell what happened.

use crate::engine::Event;
use tokio::{sync::mpsc, task::AbortHandle};

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
    /// aborted; made within the task it would not be made at all where that is aborted before it begins, so spawn with
    /// [`Outbox::spawn`].
    pub fn promise(&self, event: Event) -> Promise {
        Promise { outbox: self.clone(), event: Some(event) }
    }

    /// Starts a task that tells `event` at its end, unless it keeps its promise with a better one. Something is told
    /// whatever becomes of the task, also when it is aborted before it begins.
    pub fn spawn<Work>(&self, event: Event, work: impl FnOnce(Promise) -> Work) -> AbortHandle
    where
        Work: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(work(self.promise(event))).abort_handle()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::EvaluationOutcome, model::EvaluationId};

    #[tokio::test]
    async fn a_task_that_never_began_tells_its_end() {
        let (outbox, mut inbox) = Outbox::new();
        let evaluation = EvaluationId(7);
        let ended = Event::EvaluationEnded { evaluation, outcome: EvaluationOutcome::Cancelled };
        outbox.spawn(ended, |_promise| async { unreachable!() }).abort();
        assert!(matches!(inbox.recv().await, Some(Event::EvaluationEnded { evaluation: EvaluationId(7), .. })));
    }
}
