//! What observes: one task that takes what the streams tell, and answers.

mod comparing;
mod streams;
mod telling;

use super::{
    Ask, Expected, Shared,
    drift::FieldPath,
    news::{self, News, Scope, What},
    object::Sighted,
    scopes::{self, Scopes},
    world::Touched,
};
use crate::{
    host::{
        kube::{Connection, follow::Cursors, link::Link, marks::Marks},
        outbox::Outbox,
    },
    logs::LogStore,
    model::{ClusterRegistry, Failure, KubeState, ObjectKey, RequestId, ResourceName},
};
use kube_client::{Error, core::DynamicObject};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval_at},
};

/// How many news are taken together.
const TOGETHER_MAX: usize = 512;
/// How many news may wait.
const WAITING_MAX: usize = 1024;
/// How often the cluster is greeted: a way that was cut says nothing.
const GREETING_PERIOD: Duration = Duration::from_secs(10);
/// How long it is waited before a cluster that went away is looked for again; then twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Eye {
    marks: Marks,
    link: Link,
    outbox: Outbox,
    shared: Shared,
    asks: mpsc::UnboundedReceiver<Ask>,
    sender: mpsc::WeakUnboundedSender<Ask>,
    /// A look was answered since the cluster was reached: changes are told.
    open: bool,
    streams: BTreeMap<Scope, AbortHandle>,
    /// Streams that did not tell yet all that is there.
    pending: BTreeSet<Scope>,
    looking: Option<(RequestId, Option<ClusterRegistry>)>,
    /// A stream that we may not see.
    barred: Option<Scope>,
    strays: Option<Scopes>,
    expected: BTreeMap<ObjectKey, Expected>,
    /// Declared fields that the server dropped when it took them, by the object's id.
    dropped: BTreeMap<String, BTreeSet<FieldPath>>,
    /// Owners that were asked for.
    asked_for: BTreeSet<String>,
    told: BTreeMap<ResourceName, KubeState>,
    waiting: Vec<(ResourceName, oneshot::Sender<()>)>,
    /// How far logs were read.
    cursors: Cursors,
    /// Where values of Secrets must not be seen.
    logs: LogStore,
    /// Resources that are told once their logs were read.
    delayed: BTreeSet<ResourceName>,
}

impl Eye {
    pub(super) fn new(
        marks: Marks,
        link: Link,
        outbox: Outbox,
        shared: Shared,
        asks: mpsc::UnboundedReceiver<Ask>,
        sender: mpsc::WeakUnboundedSender<Ask>,
        (cursors, logs): (Cursors, LogStore),
    ) -> Self {
        Self {
            marks,
            link,
            outbox,
            shared,
            asks,
            sender,
            open: false,
            streams: BTreeMap::new(),
            pending: BTreeSet::new(),
            looking: None,
            barred: None,
            strays: None,
            expected: BTreeMap::new(),
            dropped: BTreeMap::new(),
            asked_for: BTreeSet::new(),
            told: BTreeMap::new(),
            waiting: Vec::new(),
            cursors,
            logs,
            delayed: BTreeSet::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let Some(mut first) = self.asks.recv().await else { return };
        loop {
            let failure = match self.link.connection().await.cloned() {
                Ok(connection) => match self.follow(&connection, first).await {
                    Some(failure) => failure,
                    None => return,
                },
                Err(failure) => failure,
            };
            self.link.reach().lose(&failure);
            self.forget();
            first = match self.wait_until_back().await {
                Some(ask) => ask,
                None => return,
            };
        }
    }

    /// What the streams tell is worth nothing any more.
    fn forget(&mut self) {
        self.open = false;
        self.looking = None;
        self.waiting.clear();
        self.pending.clear();
        std::mem::take(&mut self.streams).into_values().for_each(|stream| stream.abort());
    }

    /// Follows what happens until the cluster is lost; `None` when nobody asks any more.
    async fn follow(&mut self, connection: &Connection, first: Ask) -> Option<Failure> {
        let (sender, mut news) = mpsc::channel(WAITING_MAX);
        let link = self.link.clone();
        let lost = link.reach().lost();
        tokio::pin!(lost);
        let mut greetings = interval_at(Instant::now() + GREETING_PERIOD, GREETING_PERIOD);
        greetings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ask = Some(first);
        let mut together = Vec::new();
        loop {
            if let Some(ask) = ask.take()
                && let Err(error) = self.answer(connection, ask, &sender).await
            {
                return Some(connection.failure("the cluster does not tell what it has", &error));
            }
            tokio::select! {
                failure = &mut lost => return Some(failure),
                next = self.asks.recv() => ask = Some(next?),
                _ = greetings.tick() => {
                    let link = link.clone();
                    tokio::spawn(async move { drop(link.check().await) });
                }
                _ = news.recv_many(&mut together, TOGETHER_MAX) => {
                    if let Some(failure) = self.take(connection, together.drain(..)) {
                        return Some(failure);
                    }
                }
            }
        }
    }

    /// Looks for the cluster until it answers, and tells it; then waits for the next question.
    async fn wait_until_back(&mut self) -> Option<Ask> {
        let (link, barred) = (&self.link, self.barred.as_ref());
        // Whoever waits for another answer sees that there is none.
        let refuse = |ask, _| matches!(ask, Ask::Look { .. });
        let ask = link.reach().next_when_found(&mut self.asks, PAUSE, refuse, move || is_back(link, barred)).await;
        self.barred = None;
        ask
    }

    async fn answer(&mut self, connection: &Connection, ask: Ask, out: &mpsc::Sender<News>) -> Result<(), Error> {
        match ask {
            Ask::Look { request, objects, pods } => {
                let registry = self.look(connection, &objects, &pods, out).await?;
                self.looking = Some((request, registry));
                self.tell_seen();
            }
            Ask::Expect { resource, objects, answer } => {
                self.expect(connection, &resource, objects, out).await?;
                answer.send(()).unwrap_or_default();
            }
            Ask::Took { objects, gone, answer } => {
                self.took(connection, objects, gone);
                answer.send(()).unwrap_or_default();
            }
            Ask::Observed { resource, answer } => {
                self.waiting.push((resource, answer));
                self.answer_waiting();
            }
            Ask::Owner { uid, owner } => {
                let mut touched = Touched::default();
                self.shared.known().take_owner(uid, owner, &mut touched);
                self.settle(connection, touched);
            }
            Ask::Drifted { uid, version, told } => self.drifted(&uid, version, told),
            Ask::Tell { resource } => {
                self.delayed.remove(&resource);
                self.tell_unless(&resource, false);
            }
            Ask::Refresh { resource, answer } => {
                self.tell_unless(&resource, false);
                answer.send(()).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// What was just applied needs not to be told by its stream.
    fn took(&mut self, connection: &Connection, objects: Vec<(ObjectKey, DynamicObject)>, gone: Vec<String>) {
        let mut touched = Touched::default();
        for (key, object) in objects {
            let Some(mut one) = Sighted::of(&key.group, &key.kind, &object.metadata, &object.data, &self.marks) else {
                continue;
            };
            let namespace = one.key.namespace.clone();
            one.key.clone_from(&key);
            if let Some(value) = self.expected.get(&key).and_then(|expected| expected.value.as_ref()) {
                self.dropped.insert(one.uid.clone(), one.fields.missing(value, &[]));
            }
            let scope = Scope::Objects { group: key.group, kind: key.kind, namespace };
            self.shared.known().take_object(scope, one, &mut touched);
        }
        for uid in gone {
            self.dropped.remove(&uid);
            self.shared.known().drop_one(&uid, &mut touched);
        }
        self.settle(connection, touched);
    }

    /// Takes what the streams tell; gives why nothing can be seen, if that is so.
    fn take(&mut self, connection: &Connection, news: impl Iterator<Item = News>) -> Option<Failure> {
        let mut touched = Touched::default();
        for (scope, mut what) in news {
            match &mut what {
                What::Listed(_) => drop(self.pending.remove(&scope)),
                What::Refused(failure) => {
                    self.pending.remove(&scope);
                    self.streams.remove(&scope);
                    if let Some(failure) = failure.take() {
                        self.barred = Some(scope);
                        return Some(failure);
                    }
                }
                What::Here(news::Record::Object(one)) => self.name_as_declared(connection, one),
                What::Here(_) | What::Gone(_) => {}
            }
            self.shared.known().take(scope, what, &mut touched);
        }
        self.settle(connection, touched);
        None
    }

    /// What is in no namespace is declared in one all the same.
    fn name_as_declared(&self, connection: &Connection, one: &mut Sighted) {
        if !one.key.namespace.is_empty() {
            return;
        }
        let is_meant =
            |key: &&ObjectKey| key.group == one.key.group && key.kind == one.key.kind && key.name == one.key.name;
        let namespace = self.expected.keys().find(is_meant).map(|key| key.namespace.clone());
        one.key.namespace = namespace.unwrap_or_else(|| connection.namespace().to_owned());
    }

    /// Tells what came of what was taken.
    fn settle(&mut self, connection: &Connection, touched: Touched) {
        for (namespace, owner) in touched.unknown {
            self.ask_for(connection, namespace, owner);
        }
        for uid in &touched.objects {
            self.compare(connection, uid);
        }
        if self.looking.is_some() {
            return self.tell_seen();
        }
        touched.resources.iter().for_each(|resource| self.tell(resource));
        self.answer_waiting();
    }
}

/// Whether the cluster answers, and shows what it did not show before.
async fn is_back(link: &Link, barred: Option<&Scope>) -> bool {
    link.is_back().await
        && match (barred, link.made_already()) {
            (None, _) => true,
            (Some(scope), Some(connection)) => scopes::is_allowed(connection, scope).await,
            (Some(_), None) => false,
        }
}
