//! Whether the session's engine can be reached, as the session was told. That it cannot is told once, whoever notices it first, and
//! before anything that fails for it.

use super::{Connection, Cut, Docker, failure::is_lost};
use crate::{
    engine::{DockerEvent, Event, RunEnd},
    host::outbox::Outbox,
    model::{Exit, Failure},
};
use bollard::errors::Error;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{RwLock, watch},
    time::timeout,
};

/// How long the engine may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How long after it cut something short an engine that answers may take to be seen to have been away: one that ends answers for a
/// while, and one that was started again answers at once.
const NOTICED: Duration = Duration::from_secs(5);

/// What is between a session and its engine. Cheap to clone.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    docker: Docker,
    outbox: Outbox,
    lost: watch::Sender<Option<Failure>>,
    /// Read by each run while it goes on.
    runs: RwLock<()>,
}

impl Link {
    /// A link that nobody used so far.
    #[must_use]
    pub fn new(docker: Docker, outbox: Outbox) -> Self {
        Self(Arc::new(Inner { docker, outbox, lost: watch::Sender::new(None), runs: RwLock::default() }))
    }

    /// The engine, if it can be reached; else that is told.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn connection(&self) -> Result<&Connection, Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        self.0.docker.connection().await.inspect_err(|failure| self.lose(failure))
    }

    /// Why it cannot be reached.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.0.lost.borrow().clone()
    }

    /// It cannot be reached: told, unless that was told already.
    pub(super) fn lose(&self, failure: &Failure) {
        self.0.lost.send_if_modified(|lost| {
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
        self.0.outbox.send(Event::Docker(DockerEvent::Lost { failure: failure.clone() }));
    }

    /// It can be reached again: told once all has ended that the loss ended.
    pub(super) async fn found(&self) {
        let _none_goes_on = self.0.runs.write().await;
        self.0.lost.send_replace(None);
        self.0.outbox.send(Event::Docker(DockerEvent::Back));
    }

    /// Waits until it is lost.
    pub(super) async fn lost(&self) -> Failure {
        let mut lost = self.0.lost.subscribe();
        match lost.wait_for(Option::is_some).await.map(|failure| failure.clone()) {
            Ok(Some(failure)) => failure,
            // The sender is this link's own.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Whether it answers, where it was lost.
    pub(super) async fn is_back(&self) -> bool {
        let Ok(connection) = self.0.docker.connection().await else { return false };
        matches!(timeout(PING_TIMEOUT, connection.api().ping()).await, Ok(Ok(_)))
    }

    /// Waits until it can be reached.
    pub(super) async fn up(&self) {
        let mut lost = self.0.lost.subscribe();
        // The sender is this link's own.
        drop(lost.wait_for(Option::is_none).await);
    }

    /// Looks whether the engine is still there; tells it if not.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn check(&self) -> Result<(), Failure> {
        let connection = self.connection().await?;
        match timeout(PING_TIMEOUT, connection.api().ping()).await.unwrap_or(Err(Error::RequestTimeoutError)) {
            Err(error) if is_lost(&error) => {
                let failure = connection.failure("the Docker Engine cannot be used", &error);
                self.lose(&failure);
                Err(failure)
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Does the work of a run on the engine, and tells its end by `tell`. When the engine goes away the run ends with that failure,
    /// after the loss was told. `cut` is noted when the engine cut the work short.
    pub async fn run(&self, cut: &Cut, work: impl Future<Output = RunEnd>, tell: impl FnOnce(RunEnd)) {
        let _goes_on = self.0.runs.read().await;
        if let Some(failure) = self.failure() {
            return tell(RunEnd::of(Exit::NotStarted(failure)));
        }
        let end = tokio::select! {
            end = work => end,
            failure = self.lost() => RunEnd::of(Exit::NotStarted(failure)),
        };
        let failed = matches!(end.exit, Exit::NotStarted(_));
        tell(match self.check_after(failed, cut).await {
            Ok(()) => end,
            Err(failure) => RunEnd::of(Exit::NotStarted(failure)),
        });
    }

    async fn check_after(&self, failed: bool, cut: &Cut) -> Result<(), Failure> {
        if !failed {
            return Ok(());
        }
        self.check().await?;
        let patience = if cut.is_noted() { NOTICED } else { Duration::ZERO };
        // Whoever observes it sees that it is, or was, away.
        timeout(patience, self.lost()).await.map_or(Ok(()), Err)
    }
}
