//! What observes: one task that takes what the streams tell, and answers.

use super::{
    Ask, Expected, Shared, View,
    drift::FieldPath,
    news::{self, News, Scope, What},
    object::Sighted,
    pod::Owner,
    scopes::{self, Scopes},
    world::Touched,
};
use crate::{
    engine::{Event, ExpectedObject, KubeEvent, KubeSeen, PodSearch},
    host::{
        kube::{
            Connection,
            failure::is_lost,
            follow::{Cursors, Place},
            link::Link,
            marks::Marks,
            registry,
        },
        outbox::Outbox,
    },
    model::{ClusterRegistry, Failure, KubeState, ObjectKey, PodContainerPhase, RequestId, ResourceName},
};
use kube_client::{Error, core::DynamicObject};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout},
};

/// How many news are taken together.
const TOGETHER_MAX: usize = 512;
/// How many news may wait.
const WAITING_MAX: usize = 1024;
/// How often the cluster is greeted: a way that was cut says nothing.
const GREETING_PERIOD: Duration = Duration::from_secs(10);
/// How long it is waited before a cluster that went away is looked for again; then twice as long, and so on.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long the end of a container may wait until all that it said is in the log.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(2);

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
        cursors: Cursors,
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
            self.link.lose(&failure);
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
        let lost = link.lost();
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
        let mut pause = PAUSE;
        loop {
            match sleep_or_ask(pause, &mut self.asks).await {
                Paused::Over => {}
                Paused::Asked(Ask::Look { .. }) => {
                    if let Some(failure) = self.link.failure() {
                        self.link.say_lost(&failure);
                    }
                    continue;
                }
                // Whoever waits for an answer sees that there is none.
                Paused::Asked(_) => continue,
                Paused::Alone => return None,
            }
            if self.is_back().await {
                break;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
        self.barred = None;
        self.link.found().await;
        self.asks.recv().await
    }

    async fn is_back(&self) -> bool {
        if !self.link.is_back().await {
            return false;
        }
        match &self.barred {
            Some(scope) => match self.link.made_already() {
                Some(connection) => scopes::is_allowed(connection, scope).await,
                None => false,
            },
            None => true,
        }
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

    async fn look(
        &mut self,
        connection: &Connection,
        objects: &BTreeMap<ResourceName, Vec<ExpectedObject>>,
        pods: &BTreeMap<ResourceName, PodSearch>,
        out: &mpsc::Sender<News>,
    ) -> Result<Option<ClusterRegistry>, Error> {
        connection.kinds().forget();
        self.expected.clear();
        let mut namespaces: BTreeMap<ResourceName, BTreeSet<String>> = BTreeMap::new();
        for (resource, objects) in objects {
            for ExpectedObject { key, declared, left_alone } in objects {
                namespaces.entry(resource.clone()).or_default().insert(key.namespace.clone());
                let (key, declared, left_alone) = (key.clone(), declared.clone(), left_alone.clone());
                self.expected.insert(key.clone(), Expected { key, declared, value: None, left_alone });
            }
        }
        for resource in pods.keys() {
            namespaces.entry(resource.clone()).or_default().insert(connection.namespace().to_owned());
        }
        {
            let mut known = self.shared.known();
            known.searches = pods.clone();
            known.namespaces = namespaces;
        }
        let mut wanted = Scopes::new();
        scopes::of_objects(connection, self.expected.keys().cloned().collect(), &mut wanted).await?;
        if pods.values().any(|search| !search.selectors.is_empty()) {
            scopes::of_namespace(connection.namespace(), &mut wanted);
        }
        wanted.extend(self.strays(connection).await?);
        let registry = registry::advertised(connection).await?;
        self.streams.retain(|scope, stream| {
            let stays = wanted.contains_key(scope);
            if !stays {
                stream.abort();
            }
            stays
        });
        self.pending.retain(|scope| wanted.contains_key(scope));
        self.follow_all(connection, wanted, out);
        Ok(registry)
    }

    /// The streams of objects that have the project's mark, whatever they are. Looked for once.
    async fn strays(&mut self, connection: &Connection) -> Result<Scopes, Error> {
        if let Some(strays) = &self.strays {
            return Ok(strays.clone());
        }
        let mut strays = Scopes::new();
        for (kind, metadata) in scopes::marked(connection, &self.marks).await? {
            let namespace = metadata.namespace.unwrap_or_default();
            if kind.is_namespaced {
                scopes::of_namespace(&namespace, &mut strays);
            }
            scopes::of_kind(kind, &namespace, &mut strays);
        }
        Ok(self.strays.insert(strays).clone())
    }

    fn follow_all(&mut self, connection: &Connection, wanted: Scopes, out: &mpsc::Sender<News>) {
        for (scope, kind) in wanted {
            if self.streams.contains_key(&scope) {
                continue;
            }
            self.pending.insert(scope.clone());
            let (connection, marks) = (connection.clone(), self.marks.clone());
            let stream = news::follow(scope.clone(), connection, kind, marks, self.link.clone(), out.clone());
            self.streams.insert(scope, tokio::spawn(stream).abort_handle());
        }
    }

    async fn expect(
        &mut self,
        connection: &Connection,
        resource: &ResourceName,
        objects: Vec<Expected>,
        out: &mpsc::Sender<News>,
    ) -> Result<(), Error> {
        let mut wanted = Scopes::new();
        scopes::of_objects(connection, objects.iter().map(|one| one.key.clone()).collect(), &mut wanted).await?;
        {
            let mut known = self.shared.known();
            let namespaces = known.namespaces.entry(resource.clone()).or_default();
            namespaces.extend(objects.iter().map(|one| one.key.namespace.clone()));
        }
        self.expected.extend(objects.into_iter().map(|one| (one.key.clone(), one)));
        self.follow_all(connection, wanted, out);
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
                self.dropped.insert(one.uid.clone(), one.fields.missing(value));
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

    /// Asks what owns an owner. Kinds of Kubernetes' own that are not the project's lead to nothing of the project's.
    fn ask_for(&mut self, connection: &Connection, namespace: String, owner: Owner) {
        if !self.asked_for.insert(owner.uid.clone()) {
            return;
        }
        let Some(sender) = self.sender.upgrade() else { return };
        let connection = connection.clone();
        tokio::spawn(async move {
            let found = above(&connection, &namespace, &owner).await;
            sender.send(Ask::Owner { uid: owner.uid, owner: found }).unwrap_or_default();
        });
    }

    /// Compares an object with what was declared.
    fn compare(&mut self, connection: &Connection, uid: &str) {
        let known = self.shared.known();
        let Some((_, one)) = known.objects.get(uid) else { return };
        let Some(expected) = self.expected.get(&one.key) else { return };
        let value = expected.value.as_ref().unwrap_or(&expected.declared.value);
        let changed = one.fields.taken(value, &expected.left_alone).or_else(|| {
            let missing = one.fields.missing(value);
            let dropped = self.dropped.get(uid);
            missing.into_iter().find(|path| dropped.map_or_else(|| path.is_plain(), |dropped| !dropped.contains(path)))
        });
        let (version, name, is_told) = (one.version, one.name.clone(), known.drift.contains_key(uid));
        let (key, expected) = (one.key.clone(), expected.clone());
        drop(known);
        let Some(path) = changed else {
            self.shared.known().drift.remove(uid);
            return;
        };
        if is_told {
            return;
        }
        let (Some(sender), connection, uid) = (self.sender.upgrade(), connection.clone(), uid.to_owned()) else {
            return;
        };
        tokio::spawn(async move {
            let told = drifted(&connection, &key, &name, &path, &expected).await;
            sender.send(Ask::Drifted { uid, version, told }).unwrap_or_default();
        });
    }

    fn drifted(&mut self, uid: &str, version: u64, told: Option<String>) {
        let mut known = self.shared.known();
        let Some(one) = known.objects.get(uid).map(|(_, one)| one).filter(|one| one.version == version) else { return };
        let resource = one.resource.clone();
        match told {
            Some(told) => drop(known.drift.insert(uid.to_owned(), told)),
            None => drop(known.drift.remove(uid)),
        }
        drop(known);
        self.tell(&resource);
    }

    /// Answers the look, once all that is there was told.
    fn tell_seen(&mut self) {
        if !self.pending.is_empty() {
            return;
        }
        let Some((request, registry)) = self.looking.take() else { return };
        let known = self.shared.known();
        let resources = known.resources().into_iter().map(|resource| {
            let state = known.state(&resource);
            (resource, state)
        });
        let resources: BTreeMap<_, _> = resources.filter(|(_, state)| *state != KubeState::default()).collect();
        drop(known);
        self.told = resources.clone();
        self.open = true;
        for (resource, state) in &resources {
            self.show(resource, state);
        }
        self.outbox.send(Event::Kube(KubeEvent::Seen { request, seen: KubeSeen { resources, registry } }));
        self.answer_waiting();
    }

    /// Tells what there is of a resource, if that is news.
    fn tell(&mut self, resource: &ResourceName) {
        self.tell_unless(resource, true);
    }

    /// `may_wait`: the log may be read first.
    fn tell_unless(&mut self, resource: &ResourceName, may_wait: bool) {
        if !self.open {
            return;
        }
        let state = self.shared.known().state(resource);
        if self.told.get(resource).is_none_or(|before| *before == KubeState::default()) && state == KubeState::default()
            || self.told.get(resource) == Some(&state)
        {
            return;
        }
        self.show(resource, &state);
        let speaking = if may_wait { self.speaking(&state) } else { Vec::new() };
        if !speaking.is_empty() && self.tell_later(resource, speaking) {
            return;
        }
        self.told.insert(resource.clone(), state.clone());
        self.outbox.send(Event::Kube(KubeEvent::Changed { resource: resource.clone(), state }));
    }

    /// What containers print whose end is to be told, where somebody still reads it.
    fn speaking(&self, state: &KubeState) -> Vec<(Place, u32)> {
        let containers = state.pods.iter().flat_map(|pod| pod.containers.iter().map(move |container| (pod, container)));
        let ended = containers.filter(|(_, container)| {
            container.started_at_ns > 0 && !matches!(container.phase, PodContainerPhase::Running)
        });
        let places = ended.map(|(pod, container)| ((pod.id.clone(), container.name.clone()), container.restarts + 1));
        places.filter(|(place, starts)| self.cursors.is_behind(place, *starts)).collect()
    }

    /// Tells how a resource is, once the log has what a container said that ended.
    fn tell_later(&mut self, resource: &ResourceName, speaking: Vec<(Place, u32)>) -> bool {
        let Some(sender) = self.sender.upgrade() else { return false };
        if !self.delayed.insert(resource.clone()) {
            return true;
        }
        let (cursors, resource) = (self.cursors.clone(), resource.clone());
        tokio::spawn(async move {
            timeout(LAST_WORDS_TIMEOUT, cursors.until_read(&speaking)).await.unwrap_or_default();
            sender.send(Ask::Tell { resource }).unwrap_or_default();
        });
        true
    }

    fn show(&self, resource: &ResourceName, state: &KubeState) {
        let known = self.shared.known();
        let ports = state.pods.iter().map(|pod| (pod.id.clone(), known.ports_of(&pod.id.0))).collect();
        drop(known);
        self.shared.show(resource, Arc::new(View { state: state.clone(), ports }));
    }

    fn answer_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let known = self.shared.known();
        let is_observed = |resource: &ResourceName| {
            let own = known.objects.values().map(|(_, one)| one).filter(|one| one.resource == *resource);
            own.into_iter().all(|one| one.is_ending || one.rollout.is_observed)
        };
        let (observed, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(resource, _)| is_observed(resource));
        drop(known);
        self.waiting = waiting;
        for (resource, answer) in observed {
            self.tell(&resource);
            answer.send(()).unwrap_or_default();
        }
    }
}

/// What owns an owner, where something does and it can be seen.
async fn above(connection: &Connection, namespace: &str, owner: &Owner) -> Option<Owner> {
    let kind = connection.kinds().find(&owner.api_version, &owner.kind).await.ok()??;
    let found = kind.objects(connection.client(), namespace).get_metadata_opt(&owner.name).await.ok()??;
    Owner::of(found.metadata.owner_references.as_ref())
}

/// What became of a field, in the user's words.
async fn drifted(
    connection: &Connection,
    key: &ObjectKey,
    name: &str,
    path: &FieldPath,
    expected: &Expected,
) -> Option<String> {
    let kind = connection.kinds().of(key).await.ok()??;
    let wanted = expected.value.as_ref().unwrap_or(&expected.declared.value);
    match kind.objects(connection.client(), &key.namespace).get_opt(name).await {
        Ok(found) => Some(path.told(&expected.declared, wanted, &serde_json::to_value(found?).ok()?)),
        Err(error) if is_lost(&error) => None,
        Err(_) => Some(format!("{} was changed", path.pointer())),
    }
}

/// How a pause ended.
enum Paused {
    Over,
    Asked(Ask),
    Alone,
}

#[expect(clippy::disallowed_methods, reason = "a cluster that is away says nothing when it comes back")]
async fn sleep_or_ask(pause: Duration, asks: &mut mpsc::UnboundedReceiver<Ask>) -> Paused {
    tokio::select! {
        () = sleep(pause) => Paused::Over,
        ask = asks.recv() => ask.map_or(Paused::Alone, Paused::Asked),
    }
}
