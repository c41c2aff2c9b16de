//! The session's way to its cluster: made when it is first needed, and looked after.

use super::{
    Connection,
    failure::{is_lost, silent},
};
use crate::{
    engine::{Event, KubeEvent, RunEnd},
    host::{outbox::Outbox, reach::Reach},
    model::{Cluster, Failure},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::OnceCell, time::timeout};

/// How long the cluster may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// What is between a session and its cluster. Cheap to clone.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    cluster: Arc<Cluster>,
    connection: OnceCell<Connection>,
    reach: Reach,
}

impl Link {
    /// A link that nobody used so far.
    #[must_use]
    pub fn new(cluster: Arc<Cluster>, outbox: Outbox) -> Self {
        let lost = |failure| Event::Kube(KubeEvent::Lost { failure });
        let reach = Reach::new(outbox, lost, || Event::Kube(KubeEvent::Back));
        Self(Arc::new(Inner { cluster, connection: OnceCell::new(), reach }))
    }

    /// Which cluster.
    #[must_use]
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.0.cluster
    }

    /// The cluster, if it can be reached; else that is told.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn connection(&self) -> Result<&Connection, Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        self.made().await.inspect_err(|failure| self.0.reach.lose(failure))
    }

    async fn made(&self) -> Result<&Connection, Failure> {
        self.0.connection.get_or_try_init(|| Connection::make(&self.0.cluster)).await
    }

    /// The cluster, if it was reached before.
    pub(super) fn made_already(&self) -> Option<&Connection> {
        self.0.connection.get()
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
        let Ok(connection) = self.made().await else { return false };
        matches!(timeout(PING_TIMEOUT, connection.greet()).await, Ok(Ok(())))
    }

    /// Looks whether the cluster is still there; tells it if not.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn check(&self) -> Result<(), Failure> {
        let connection = self.connection().await?;
        let failure = match timeout(PING_TIMEOUT, connection.greet()).await {
            Ok(Err(error)) if is_lost(&error) => connection.failure("the cluster cannot be used", &error),
            Ok(_) => return Ok(()),
            Err(_) => silent(connection.address()),
        };
        self.0.reach.lose(&failure);
        Err(failure)
    }

    /// Does the work of a run on the cluster, and tells its end by `tell`. When the cluster goes away the run ends with that failure,
    /// after the loss was told.
    pub async fn run(&self, work: impl Future<Output = RunEnd>, tell: impl FnOnce(RunEnd)) {
        self.0.reach.run(work, self.check(), tell).await;
    }
}
