//! The session's way to its engine: made when it is first needed, and looked after.

use super::{Connection, Cut, Docker, failure::is_lost};
use crate::{
    engine::{DockerEvent, Event, RunEnd},
    host::{outbox::Outbox, reach::Reach},
    model::Failure,
};
use bollard::errors::Error;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

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
    reach: Reach,
}

impl Link {
    /// A link that nobody used so far.
    #[must_use]
    pub fn new(docker: Docker, outbox: Outbox) -> Self {
        let lost = |failure| Event::Docker(DockerEvent::Lost { failure });
        Self(Arc::new(Inner { docker, reach: Reach::new(outbox, lost, || Event::Docker(DockerEvent::Back)) }))
    }

    /// The engine, if it can be reached; else that is told.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn connection(&self) -> Result<&Connection, Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        self.0.docker.connection().await.inspect_err(|failure| self.0.reach.lose(failure))
    }

    /// Why it cannot be reached.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.0.reach.failure()
    }

    /// What the session was told of it.
    pub(super) fn reach(&self) -> &Reach {
        &self.0.reach
    }

    /// Whether it answers, where it was lost.
    pub(super) async fn is_back(&self) -> bool {
        let Ok(connection) = self.0.docker.connection().await else { return false };
        matches!(timeout(PING_TIMEOUT, connection.api().ping()).await, Ok(Ok(_)))
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
                self.0.reach.lose(&failure);
                Err(failure)
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Does the work of a run on the engine, and tells its end by `tell`. When the engine goes away the run ends with that failure,
    /// after the loss was told. `cut` is noted when the engine cut the work short.
    pub async fn run(&self, cut: &Cut, work: impl Future<Output = RunEnd>, tell: impl FnOnce(RunEnd)) {
        self.0.reach.run(work, self.check_after(cut), tell).await;
    }

    async fn check_after(&self, cut: &Cut) -> Result<(), Failure> {
        self.check().await?;
        let patience = if cut.is_noted() { NOTICED } else { Duration::ZERO };
        // Whoever observes it sees that it is, or was, away.
        timeout(patience, self.0.reach.lost()).await.map_or(Ok(()), Err)
    }
}
