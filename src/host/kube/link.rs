//! Whether the session's cluster can be reached, as the session was told. That it cannot is told once, whoever notices it first, and
//! before anything that fails for it.

use super::{
    Connection,
    failure::{is_lost, silent},
};
use crate::{
    engine::{Event, KubeEvent, RunEnd},
    host::outbox::Outbox,
    model::{Cluster, Exit, Failure},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OnceCell, RwLock, watch},
    time::timeout,
};

/// How long the cluster may take to say that it is there.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// What is between a session and its cluster. Cheap to clone.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    cluster: Arc<Cluster>,
    connection: OnceCell<Connection>,
    outbox: Outbox,
    lost: watch::Sender<Option<Failure>>,
    /// Read by each run while it goes on.
    runs: RwLock<()>,
}

impl Link {
    /// A link that nobody used so far.
    #[must_use]
    pub fn new(cluster: Arc<Cluster>, outbox: Outbox) -> Self {
        let (connection, lost) = (OnceCell::new(), watch::Sender::new(None));
        Self(Arc::new(Inner { cluster, connection, outbox, lost, runs: RwLock::default() }))
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
        self.made().await.inspect_err(|failure| self.lose(failure))
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
        self.0.outbox.send(Event::Kube(KubeEvent::Lost { failure: failure.clone() }));
    }

    /// It can be reached again: told once all has ended that the loss ended.
    pub(super) async fn found(&self) {
        let _none_goes_on = self.0.runs.write().await;
        self.0.lost.send_replace(None);
        self.0.outbox.send(Event::Kube(KubeEvent::Back));
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

    /// Waits until it can be reached.
    pub(super) async fn up(&self) {
        let mut lost = self.0.lost.subscribe();
        // The sender is this link's own.
        drop(lost.wait_for(Option::is_none).await);
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
        self.lose(&failure);
        Err(failure)
    }

    /// Does the work of a run on the cluster, and tells its end by `tell`. When the cluster goes away the run ends with that failure,
    /// after the loss was told.
    pub async fn run(&self, work: impl Future<Output = RunEnd>, tell: impl FnOnce(RunEnd)) {
        let _goes_on = self.0.runs.read().await;
        if let Some(failure) = self.failure() {
            return tell(RunEnd::of(Exit::NotStarted(failure)));
        }
        let end = tokio::select! {
            end = work => end,
            failure = self.lost() => RunEnd::of(Exit::NotStarted(failure)),
        };
        let failed = matches!(end.exit, Exit::NotStarted(_));
        tell(match self.check_after(failed).await {
            Ok(()) => end,
            Err(failure) => RunEnd::of(Exit::NotStarted(failure)),
        });
    }

    async fn check_after(&self, failed: bool) -> Result<(), Failure> {
        if failed { self.check().await } else { Ok(()) }
    }
}
