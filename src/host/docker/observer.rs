//! Follows the containers of a project: what the engine tells of them becomes events of the session.
//!
//! What counts is how a container is, not what happened to it: whatever is told of one, it is looked at anew, and the session gets
//! the whole list of its resource. Nothing is asked while nothing happens.

use super::{
    Connection,
    failure::is_lost,
    follow::Cursors,
    link::Link,
    made::Made,
    seen::{self, Sighted},
};
use crate::{
    engine::{DockerEvent, DockerSeen, Event},
    host::outbox::Outbox,
    model::{ContainerId, ContainerPhase, ContainerState, Failure, ImageId, ProjectId, RequestId, ResourceName},
};
use bollard::{
    errors::Error,
    models::{EventMessage, EventMessageTypeEnum as Type},
    query_parameters::EventsOptionsBuilder,
};
use futures_util::{Stream, StreamExt as _, stream};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

/// What is done to a container that may change how it is. Its health checks are commands too, and not among them.
const TOLD: [&str; 13] = [
    "create",
    "start",
    "restart",
    "die",
    "oom",
    "stop",
    "kill",
    "pause",
    "unpause",
    "health_status",
    "rename",
    "update",
    "destroy",
];
/// What is done to a network that may change how a container is.
const TOLD_OF_NETWORKS: [&str; 2] = ["connect", "disconnect"];
/// How many messages are taken together.
const TOGETHER_MAX: usize = 256;
/// Messages that are so old are asked for again: the engine begins to answer a moment before it begins to listen for more.
const OVERLAP_SECS: i64 = 10;
/// How long it is waited before an engine that went away is looked for again; then twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the end of a container may wait until all that it said is in the log.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(2);

/// What the observer can be asked.
enum Ask {
    Look { request: RequestId, images: Vec<ImageId> },
    Refresh { resource: ResourceName, answer: oneshot::Sender<Result<Vec<ContainerState>, Failure>> },
    Tell { resource: ResourceName },
}

/// The way to a project's observer. Cheap to clone.
#[derive(Clone)]
pub struct Observer(mpsc::UnboundedSender<Ask>);

impl Observer {
    /// Begins to observe; nothing is asked of the engine before somebody looks. `started_at` is the wall clock's time now, in seconds
    /// since 1970.
    #[must_use]
    pub fn start(project: ProjectId, link: Link, outbox: Outbox, cursors: Cursors, started_at: i64) -> Self {
        let (sender, asks) = mpsc::unbounded_channel();
        let weak = sender.downgrade();
        let eye = Eye {
            project,
            link,
            outbox,
            cursors,
            asks,
            sender: weak,
            started_at,
            since: None,
            open: false,
            containers: BTreeMap::new(),
            made: BTreeMap::new(),
            told: BTreeMap::new(),
        };
        tokio::spawn(eye.run());
        Self(sender)
    }

    /// Looks what is there, and follows it. `Seen` or `Lost` is told.
    pub fn look(&self, request: RequestId, images: Vec<ImageId>) {
        // It ends with the session alone.
        self.0.send(Ask::Look { request, images }).unwrap_or_default();
    }

    /// How the containers of a resource are now; the session was told it too.
    ///
    /// # Errors
    /// Why the engine does not say it.
    pub async fn refresh(&self, resource: &ResourceName) -> Result<Vec<ContainerState>, Failure> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Ask::Refresh { resource: resource.clone(), answer }).unwrap_or_default();
        answered.await.unwrap_or_else(|_| {
            Err(Failure { message: "the Docker Engine went away before it told how they are".to_owned(), help: None })
        })
    }
}

/// What observes.
struct Eye {
    project: ProjectId,
    link: Link,
    outbox: Outbox,
    cursors: Cursors,
    asks: mpsc::UnboundedReceiver<Ask>,
    sender: mpsc::WeakUnboundedSender<Ask>,
    /// When the session began, in seconds since 1970 on our clock.
    started_at: i64,
    /// Messages from then on count, in seconds since 1970 on the engine's clock; `None` before the first one.
    since: Option<i64>,
    /// A look was answered since the engine was reached: changes are told.
    open: bool,
    containers: BTreeMap<ContainerId, Sighted>,
    /// As what those were made that are not being made any more.
    made: BTreeMap<ContainerId, Made>,
    told: BTreeMap<ResourceName, Vec<ContainerState>>,
}

impl Eye {
    async fn run(mut self) {
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
            self.open = false;
            first = match self.wait_until_back().await {
                Some(ask) => ask,
                None => return,
            };
        }
    }

    /// Follows what happens until the engine is lost; `None` when nobody asks any more.
    async fn follow(&mut self, connection: &Connection, first: Ask) -> Option<Failure> {
        let began = self.started_at - OVERLAP_SECS + connection.clock_ahead_ns() / 1_000_000_000;
        let messages = messages(connection, &self.project, self.since.unwrap_or(began)).ready_chunks(TOGETHER_MAX);
        tokio::pin!(messages);
        let link = self.link.clone();
        let lost = link.reach().lost();
        tokio::pin!(lost);
        let mut ask = Some(first);
        loop {
            let done = match ask.take() {
                Some(ask) => self.answer(connection, ask).await,
                None => Ok(()),
            };
            if let Err(error) = done {
                return Some(connection.failure("the Docker Engine does not tell what it has", &error));
            }
            tokio::select! {
                failure = &mut lost => return Some(failure),
                next = self.asks.recv() => ask = Some(next?),
                told = messages.next() => match self.take(connection, told.unwrap_or_default()).await {
                    Ok(()) => {}
                    Err(error) => return Some(connection.failure("the Docker Engine tells no more what happens", &error)),
                },
            }
        }
    }

    /// Looks for the engine until it answers, and tells it; then waits for the next question.
    async fn wait_until_back(&mut self) -> Option<Ask> {
        let link = &self.link;
        let refuse = |ask, failure| match ask {
            Ask::Look { .. } => true,
            Ask::Refresh { answer, .. } => {
                answer.send(Err(failure)).unwrap_or_default();
                false
            }
            Ask::Tell { .. } => false,
        };
        link.reach().next_when_found(&mut self.asks, PAUSE, refuse, move || link.is_back()).await
    }

    async fn answer(&mut self, connection: &Connection, ask: Ask) -> Result<(), Error> {
        match ask {
            Ask::Look { request, images } => {
                let found = seen::containers(connection, &self.project, None);
                let (found, images) = futures_util::try_join!(found, seen::images(connection, &images))?;
                self.containers = found.into_iter().map(|one| (one.state.id.clone(), one)).collect();
                self.made.retain(|id, _| self.containers.contains_key(id));
                // Later, what is new may be in the making.
                for (id, one) in self.containers.iter().filter(|_| !self.open) {
                    self.made.entry(id.clone()).or_insert_with(|| one.at_first_sight.clone());
                }
                self.told = self.by_resource();
                self.open = true;
                let seen = DockerSeen { containers: self.told.clone(), images };
                self.outbox.send(Event::Docker(DockerEvent::Seen { request, seen }));
            }
            Ask::Refresh { resource, answer } => match self.refresh(connection, &resource).await {
                // Nobody may wait for it any more.
                Ok(()) => answer.send(Ok(self.of(&resource))).unwrap_or_default(),
                Err(error) if is_lost(&error) => return Err(error),
                Err(error) => {
                    let doing = format!("the containers of `{resource}` cannot be looked at");
                    answer.send(Err(connection.failure(&doing, &error))).unwrap_or_default();
                }
            },
            Ask::Tell { resource } => self.tell(&resource),
        }
        Ok(())
    }

    async fn refresh(&mut self, connection: &Connection, resource: &ResourceName) -> Result<(), Error> {
        let found = seen::containers(connection, &self.project, Some(resource)).await?;
        self.containers.retain(|_, one| one.resource != *resource);
        // Whoever asks has just brought them to what they are.
        for one in &found {
            self.made.entry(one.state.id.clone()).or_insert_with(|| one.now.clone());
        }
        self.containers.extend(found.into_iter().map(|one| (one.state.id.clone(), one)));
        self.tell(resource);
        Ok(())
    }

    /// Looks at the containers that messages are about.
    async fn take(&mut self, connection: &Connection, told: Vec<Result<EventMessage, Error>>) -> Result<(), Error> {
        if told.is_empty() {
            return Err(Error::IOError { err: std::io::ErrorKind::UnexpectedEof.into() });
        }
        let mut ids = BTreeSet::new();
        for message in told {
            let message = message?;
            self.since = self.since.max(message.time);
            ids.extend(self.subject(message));
        }
        let mut changed = BTreeSet::new();
        for id in ids {
            let now = match seen::inspect(connection, &id).await {
                Ok(found) => found.and_then(seen::sighted),
                Err(error) if is_lost(&error) => return Err(error),
                // What is said of it next is taken.
                Err(_) => continue,
            };
            changed.extend(now.as_ref().map(|one| one.resource.clone()));
            let before = if let Some(now) = now {
                self.containers.insert(id, now)
            } else {
                self.made.remove(&id);
                self.containers.remove(&id)
            };
            changed.extend(before.map(|one| one.resource));
        }
        changed.into_iter().for_each(|resource| self.tell_in_time(resource));
        Ok(())
    }

    /// The container that a message is about, where it is one of the project.
    fn subject(&self, message: EventMessage) -> Option<ContainerId> {
        let actor = message.actor?;
        if message.typ != Some(Type::NETWORK) {
            return Some(ContainerId(actor.id?.into()));
        }
        let id = ContainerId(actor.attributes?.remove("container")?.into());
        self.containers.contains_key(&id).then_some(id)
    }

    /// Tells how the containers of a resource are, once the log has what one said that ended.
    fn tell_in_time(&mut self, resource: ResourceName) {
        let ended = self.containers.values().filter(|one| one.resource == resource && is_over(&one.state.phase));
        let before = self.told.get(&resource);
        let lived =
            |id: &ContainerId| before.into_iter().flatten().any(|state| state.id == *id && !is_over(&state.phase));
        let speaking: Vec<_> =
            ended.filter(|one| lived(&one.state.id)).map(|one| self.cursors.of(&one.state.id)).collect();
        let Some(sender) = self.sender.upgrade().filter(|_| !speaking.is_empty()) else { return self.tell(&resource) };
        tokio::spawn(async move {
            let silent = async {
                for cursor in speaking {
                    drop(cursor.lock_owned().await);
                }
            };
            timeout(LAST_WORDS_TIMEOUT, silent).await.unwrap_or_default();
            sender.send(Ask::Tell { resource }).unwrap_or_default();
        });
    }

    /// Tells how the containers of a resource are, if that is news.
    fn tell(&mut self, resource: &ResourceName) {
        let containers = self.of(resource);
        let before = self.told.get(resource).map(Vec::as_slice).unwrap_or_default();
        if !self.open || before == containers {
            return;
        }
        self.told.insert(resource.clone(), containers.clone());
        self.outbox.send(Event::Docker(DockerEvent::ContainersChanged { resource: resource.clone(), containers }));
    }

    fn of(&self, resource: &ResourceName) -> Vec<ContainerState> {
        let own = self.containers.values().filter(|one| one.resource == *resource);
        let told = |one: &Sighted| {
            let changed = self.made.get(&one.state.id).and_then(|made| made.change(&one.now));
            ContainerState { changed, ..one.state.clone() }
        };
        let mut own: Vec<_> = own.map(told).collect();
        own.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
        own
    }

    fn by_resource(&self) -> BTreeMap<ResourceName, Vec<ContainerState>> {
        let resources: BTreeSet<_> = self.containers.values().map(|one| one.resource.clone()).collect();
        resources.into_iter().map(|resource| (resource.clone(), self.of(&resource))).collect()
    }
}

fn is_over(phase: &ContainerPhase) -> bool {
    matches!(phase, ContainerPhase::Exited { .. } | ContainerPhase::Restarting | ContainerPhase::Dead)
}

/// What the engine tells of the project's containers, and of all networks: these carry no marks there.
fn messages(
    connection: &Connection,
    project: &ProjectId,
    since: i64,
) -> impl Stream<Item = Result<EventMessage, Error>> + use<> {
    let told = |mut filters: HashMap<String, Vec<String>>, typ: &str, told: &[&str]| {
        filters.insert("type".to_owned(), vec![typ.to_owned()]);
        filters.insert("event".to_owned(), told.iter().map(ToString::to_string).collect());
        let options = EventsOptionsBuilder::default().since(&since.to_string()).filters(&filters).build();
        let end = async { Err(Error::IOError { err: std::io::ErrorKind::UnexpectedEof.into() }) };
        connection.api().events(Some(options)).chain(stream::once(end))
    };
    let containers = told(seen::filter(project, None), "container", &TOLD);
    stream::select(containers, told(HashMap::new(), "network", &TOLD_OF_NETWORKS))
}
