//! Whether something that a session works on, an engine or a cluster, can be reached, as the session was told. That it cannot is told
//! once, whoever notices it first, and before anything that fails for it.

#![expect(clippy::disallowed_methods, reason = "what is away says nothing when it comes back")]

use super::outbox::Outbox;
use crate::{
    engine::{Event, RunEnd},
    model::{Exit, Failure},
};
use std::time::Duration;
use tokio::{
    sync::{RwLock, mpsc, watch},
    time::sleep,
};

/// How long it is waited at the most before what is away is looked for again.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What the session was told of it.
pub(super) struct Reach {
    outbox: Outbox,
    /// How it is told that it cannot be reached.
    lost_event: fn(Failure) -> Event,
    /// How it is told that it can be again.
    back_event: fn() -> Event,
    lost: watch::Sender<Option<Failure>>,
    /// Read by each run while it goes on.
    runs: RwLock<()>,
}

impl Reach {
    /// Nothing was told so far.
    pub(super) fn new(outbox: Outbox, lost_event: fn(Failure) -> Event, back_event: fn() -> Event) -> Self {
        Self { outbox, lost_event, back_event, lost: watch::Sender::new(None), runs: RwLock::default() }
    }

    /// Why it cannot be reached.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.lost.borrow().clone()
    }

    /// It cannot be reached: told, unless that was told already.
    pub(super) fn lose(&self, failure: &Failure) {
        self.lost.send_if_modified(|lost| {
            let is_news = lost.is_none();
            if is_news {
                *lost = Some(failure.clone());
                self.say_lost(failure);
            }
            is_news
        });
    }

    /// Says that it cannot be reached.
    pub(super) fn say_lost(&self, failure: &Failure) {
        self.outbox.send((self.lost_event)(failure.clone()));
    }

    /// It can be reached again: told once all has ended that the loss ended.
    pub(super) async fn found(&self) {
        let _none_goes_on = self.runs.write().await;
        self.lost.send_replace(None);
        self.outbox.send((self.back_event)());
    }

    /// Looks for what is lost until it is back, and tells that; then waits for the next question. What is asked meanwhile goes to
    /// `refuse`, with the reason; where that gives true, the loss is told once more. `None` when nobody asks any more.
    pub(super) async fn next_when_found<A, F: Future<Output = bool>>(
        &self,
        asks: &mut mpsc::UnboundedReceiver<A>,
        mut pause: Duration,
        refuse: impl Fn(A, Failure) -> bool,
        is_back: impl Fn() -> F,
    ) -> Option<A> {
        loop {
            tokio::select! {
                () = sleep(pause) => {
                    if is_back().await {
                        break;
                    }
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                ask = asks.recv() => {
                    let ask = ask?;
                    if let Some(failure) = self.failure()
                        && refuse(ask, failure.clone())
                    {
                        self.say_lost(&failure);
                    }
                }
            }
        }
        self.found().await;
        asks.recv().await
    }

    /// Waits until it is lost.
    pub(super) async fn lost(&self) -> Failure {
        let mut lost = self.lost.subscribe();
        match lost.wait_for(Option::is_some).await.map(|failure| failure.clone()) {
            Ok(Some(failure)) => failure,
            // The sender is its own.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Waits until it can be reached.
    pub(super) async fn up(&self) {
        let mut lost = self.lost.subscribe();
        // The sender is its own.
        drop(lost.wait_for(Option::is_none).await);
    }

    /// Does the work of a run, and tells its end by `tell`. When it is lost the run ends with that failure, after the loss was
    /// told. `check` looks whether it is still there, where the work could not be done.
    pub(super) async fn run(
        &self,
        work: impl Future<Output = RunEnd>,
        check: impl Future<Output = Result<(), Failure>>,
        tell: impl FnOnce(RunEnd),
    ) {
        let _goes_on = self.runs.read().await;
        if let Some(failure) = self.failure() {
            return tell(RunEnd::of(Exit::NotStarted(failure)));
        }
        let end = tokio::select! {
            end = work => end,
            failure = self.lost() => RunEnd::of(Exit::NotStarted(failure)),
        };
        let checked = if matches!(end.exit, Exit::NotStarted(_)) { check.await } else { Ok(()) };
        tell(match checked {
            Ok(()) => end,
            Err(failure) => RunEnd::of(Exit::NotStarted(failure)),
        });
    }
}
