//! Follows the objects of a project and their pods: what the cluster tells of them becomes events of the session.
//!
//! Each kind in each namespace is a stream of its own (`news`); what is known is kept small (`world`), and told by resource
//! whenever something about it changed. Nothing is asked while nothing happens, but for a greeting now and then.

pub mod deployed;
pub mod drift;
mod eye;
mod news;
pub mod object;
pub mod pod;
pub(super) mod scopes;
mod world;

pub use object::Sighted;

use super::{follow::Cursors, link::Link, marks::Marks};
use crate::{
    engine::{AppliedObject, ExpectedObject, PodSearch},
    host::outbox::Outbox,
    logs::LogStore,
    model::{KubeObject, KubeState, ObjectKey, PodId, RequestId, ResourceName},
};
use eye::Eye;
use kube_client::core::DynamicObject;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, oneshot, watch};
use world::Known;

/// What the observer can be asked.
enum Ask {
    Look {
        request: RequestId,
        objects: Arc<BTreeMap<ResourceName, Vec<ExpectedObject>>>,
        pods: Arc<BTreeMap<ResourceName, PodSearch>>,
    },
    /// These objects are to be followed from now on.
    Expect {
        resource: ResourceName,
        objects: Vec<Expected>,
        answer: oneshot::Sender<()>,
    },
    /// This is what was made of what was declared, and what is gone.
    Took {
        objects: Vec<(ObjectKey, DynamicObject)>,
        gone: Vec<String>,
        answer: oneshot::Sender<()>,
    },
    /// Answered once every controller of the resource has seen what was applied.
    Observed {
        resource: ResourceName,
        answer: oneshot::Sender<()>,
    },
    Owner {
        uid: String,
        owner: Option<pod::Owner>,
    },
    Drifted {
        uid: String,
        version: u64,
        told: Option<String>,
    },
    Tell {
        resource: ResourceName,
    },
    Refresh {
        resource: ResourceName,
        answer: oneshot::Sender<()>,
    },
}

/// What is declared of an object.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Which object.
    pub key: ObjectKey,
    /// As it was written.
    pub declared: Arc<KubeObject>,
    /// What is sent, as far as it is known.
    pub value: Option<Value>,
    /// Fields that others may change, as JSON pointers.
    pub left_alone: Vec<String>,
}

impl From<&AppliedObject> for Expected {
    fn from(object: &AppliedObject) -> Self {
        let (key, declared, left_alone) = (object.key.clone(), object.declared.clone(), object.left_alone.clone());
        Self { key, declared, value: Some(object.value.clone()), left_alone }
    }
}

/// A resource as others see it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// What the cluster has of it.
    pub state: KubeState,
    /// The ports that the containers of its pods declare.
    pub ports: BTreeMap<PodId, Vec<u16>>,
}

/// The way to a project's observer. Cheap to clone.
#[derive(Clone)]
pub struct Observer {
    asks: mpsc::UnboundedSender<Ask>,
    shared: Shared,
}

/// What others may see without asking.
#[derive(Clone, Default)]
struct Shared {
    known: Arc<Mutex<Known>>,
    views: Arc<Mutex<BTreeMap<ResourceName, watch::Sender<Arc<View>>>>>,
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self, resource: &ResourceName) -> watch::Receiver<Arc<View>> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.entry(resource.clone()).or_insert_with(|| watch::Sender::new(Arc::default())).subscribe()
    }

    fn show(&self, resource: &ResourceName, view: Arc<View>) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.entry(resource.clone()).or_insert_with(|| watch::Sender::new(Arc::default())).send_replace(view);
    }
}

impl Observer {
    /// Begins to observe; nothing is asked of the cluster before somebody looks.
    #[must_use]
    pub fn start(marks: Marks, link: Link, outbox: Outbox, cursors: Cursors, logs: LogStore) -> Self {
        let (sender, asks) = mpsc::unbounded_channel();
        let shared = Shared::default();
        tokio::spawn(Eye::new(marks, link, outbox, shared.clone(), asks, sender.downgrade(), (cursors, logs)).run());
        Self { asks: sender, shared }
    }

    /// Looks what is there, and follows it. `Seen` or `Lost` is told.
    pub fn look(
        &self,
        request: RequestId,
        objects: Arc<BTreeMap<ResourceName, Vec<ExpectedObject>>>,
        pods: Arc<BTreeMap<ResourceName, PodSearch>>,
    ) {
        self.ask(Ask::Look { request, objects, pods });
    }

    /// From now on these objects are followed.
    pub async fn expect(&self, resource: &ResourceName, objects: Vec<Expected>) {
        self.answered(|answer| Ask::Expect { resource: resource.clone(), objects, answer }).await;
    }

    /// These objects were made of what is declared under these keys, and those with these ids are gone. It is known once this returns.
    pub async fn took(&self, objects: Vec<(ObjectKey, DynamicObject)>, gone: Vec<String>) {
        self.answered(|answer| Ask::Took { objects, gone, answer }).await;
    }

    /// Waits until the controllers of a resource's workloads have seen what was applied.
    pub async fn observed(&self, resource: &ResourceName) {
        self.answered(|answer| Ask::Observed { resource: resource.clone(), answer }).await;
    }

    /// What is known of the resource was told once this returns.
    pub async fn refresh(&self, resource: &ResourceName) {
        self.answered(|answer| Ask::Refresh { resource: resource.clone(), answer }).await;
    }

    /// The objects of a resource that have the project's mark; of all resources where `None`.
    #[must_use]
    pub fn objects(&self, resource: Option<&ResourceName>) -> Vec<Sighted> {
        let known = self.shared.known();
        let all = known.objects.values().map(|(_, one)| one);
        all.filter(|one| resource.is_none_or(|resource| one.resource == *resource)).cloned().collect()
    }

    /// Whether the project declares an object for another resource, which then has it soon: it is not to be deleted.
    #[must_use]
    pub fn is_of_another(&self, key: &ObjectKey, resource: &ResourceName) -> bool {
        self.shared.known().declared.get(key).is_some_and(|owner| owner != resource)
    }

    /// What was said to have become of an object of the project's, by its id.
    #[must_use]
    pub fn drift(&self, uid: &str) -> Option<String> {
        self.shared.known().drift.get(uid).cloned()
    }

    /// A resource, as it is and will be.
    #[must_use]
    pub fn view(&self, resource: &ResourceName) -> watch::Receiver<Arc<View>> {
        self.shared.view(resource)
    }

    fn ask(&self, ask: Ask) {
        // It ends with the session alone.
        self.asks.send(ask).unwrap_or_default();
    }

    async fn answered(&self, ask: impl FnOnce(oneshot::Sender<()>) -> Ask) {
        let (answer, answered) = oneshot::channel();
        self.ask(ask(answer));
        // Nobody answers any more when the cluster was lost: that is told otherwise.
        drop(answered.await);
    }
}
