//! What the cluster tells, as it happens: each kind in each namespace is a stream of its own.

use super::{
    object::{Sighted, created_at, is_workload},
    pod::{Owner, SightedPod, nanos, one_line},
};
use crate::{
    host::kube::{
        Connection,
        failure::{is_forbidden, is_lost, is_missing},
        kinds::Kind,
        link::Link,
        marks::{self, Marks},
    },
    model::Failure,
};
use futures_util::{Stream, StreamExt as _};
use k8s_openapi::{
    api::core::v1::{Event as ClusterEvent, Pod},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube_client::{
    Api,
    core::{ApiResource, DynamicObject, PartialObjectMeta},
};
use kube_runtime::watcher::{self, Config, Event};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};
use tokio::sync::mpsc;

/// How many objects are asked for at a time.
const PAGE: u32 = 100;
/// How long it is waited before a stream that broke off is asked for again.
const PAUSE: Duration = Duration::from_millis(300);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What one stream is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// Objects of this group and kind with the project's mark, in a namespace; all where it is empty.
    Objects { group: String, kind: String, namespace: String },
    /// All pods of a namespace.
    Pods(String),
    /// All replica sets of a namespace.
    Sets(String),
    /// What went wrong in a namespace.
    Warnings(String),
}

/// Something of the cluster, as it is.
#[derive(Debug, Clone)]
pub(super) enum Record {
    Object(Box<Sighted>),
    Pod(Box<SightedPod>),
    Set(Box<ReplicaSet>),
    Warning(Box<Warning>),
}

/// A replica set: one revision of what owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplicaSet {
    pub(super) uid: String,
    pub(super) owner: Option<Owner>,
    pub(super) revision: Option<String>,
}

/// What went wrong with an object, as its controllers tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Warning {
    /// Of the event.
    pub(super) uid: String,
    /// The object.
    pub(super) about: String,
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) at: i64,
}

/// What a stream told.
pub(super) enum What {
    Here(Record),
    Gone(String),
    /// All that is there was told: these.
    Listed(BTreeSet<String>),
    /// Nothing will be told of it: there is no such kind, or we may not see it.
    Refused(Option<Failure>),
}

pub(super) type News = (Scope, What);

/// Follows a scope until nobody listens.
pub(super) async fn follow(
    scope: Scope,
    connection: Connection,
    kind: Option<Kind>,
    marks: Marks,
    link: Link,
    out: mpsc::Sender<News>,
) {
    let client = connection.client();
    let config = Config::default().page_size(PAGE);
    match &scope {
        Scope::Pods(namespace) => {
            let stream = watcher::watcher(Api::<Pod>::namespaced(client, namespace), config);
            let read = |pod: Pod| SightedPod::of(pod).map(|pod| Record::Pod(Box::new(pod)));
            pass_on(scope.clone(), stream, read, |pod| &pod.metadata, &connection, &link, &out).await;
        }
        Scope::Sets(namespace) => {
            let resource = ApiResource::erase::<k8s_openapi::api::apps::v1::ReplicaSet>(&());
            let api: Api<PartialObjectMeta<DynamicObject>> = Api::namespaced_with(client, namespace, &resource);
            let stream = watcher::watcher(api, config);
            pass_on(
                scope.clone(),
                stream,
                |set| replica_set(&set.metadata),
                |set| &set.metadata,
                &connection,
                &link,
                &out,
            )
            .await;
        }
        Scope::Warnings(namespace) => {
            let stream =
                watcher::watcher(Api::<ClusterEvent>::namespaced(client, namespace), config.fields("type=Warning"));
            pass_on(scope.clone(), stream, warning, |event| &event.metadata, &connection, &link, &out).await;
        }
        Scope::Objects { group, kind: name, namespace } => {
            let Some(kind) = kind else { return };
            let config = config.labels(&marks.selector());
            let sight = |metadata: &ObjectMeta, rest: &Value| {
                Sighted::of(group, name, metadata, rest, &marks).map(|one| Record::Object(Box::new(one)))
            };
            if is_workload(group, name) {
                let stream = watcher::watcher(kind.objects(client, namespace), config);
                let read = |one: DynamicObject| sight(&one.metadata, &one.data);
                pass_on(scope.clone(), stream, read, |one| &one.metadata, &connection, &link, &out).await;
            } else {
                let stream = watcher::watcher(kind.metadata(client, namespace), config);
                let read = |one: PartialObjectMeta<DynamicObject>| sight(&one.metadata, &Value::Null);
                pass_on(scope.clone(), stream, read, |one| &one.metadata, &connection, &link, &out).await;
            }
        }
    }
}

/// Passes on what a stream tells. One that breaks off begins anew by itself.
async fn pass_on<K>(
    scope: Scope,
    stream: impl Stream<Item = watcher::Result<Event<K>>>,
    read: impl Fn(K) -> Option<Record>,
    metadata: impl Fn(&K) -> &ObjectMeta,
    connection: &Connection,
    link: &Link,
    out: &mpsc::Sender<News>,
) {
    tokio::pin!(stream);
    let (mut listed, mut pause) = (BTreeSet::new(), PAUSE);
    let uid = |one: &K| metadata(one).uid.clone().unwrap_or_default();
    while let Some(told) = stream.next().await {
        let what = match told {
            Ok(Event::Init) => {
                listed.clear();
                continue;
            }
            Ok(Event::InitApply(one)) => {
                listed.insert(uid(&one));
                read(one).map(What::Here)
            }
            Ok(Event::Apply(one)) => {
                pause = PAUSE;
                let gone = uid(&one);
                Some(read(one).map_or(What::Gone(gone), What::Here))
            }
            Ok(Event::Delete(one)) => Some(What::Gone(uid(&one))),
            Ok(Event::InitDone) => {
                pause = PAUSE;
                Some(What::Listed(std::mem::take(&mut listed)))
            }
            Err(error) => {
                let refusal = refusal(&scope, &error, connection);
                if let Some(what) = refusal {
                    out.send((scope, what)).await.ok();
                    return;
                }
                if client_error(&error).is_some_and(is_lost) && link.check().await.is_err() {
                    return;
                }
                rest(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
                None
            }
        };
        if let Some(what) = what
            && out.send((scope.clone(), what)).await.is_err()
        {
            return;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a cluster that breaks off for no reason is not asked without a rest")]
async fn rest(pause: Duration) {
    tokio::time::sleep(pause).await;
}

fn client_error(error: &watcher::Error) -> Option<&kube_client::Error> {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Some(error),
        _ => None,
    }
}

/// Whether asking again is pointless, and what to say.
fn refusal(scope: &Scope, error: &watcher::Error, connection: &Connection) -> Option<What> {
    let error = client_error(error)?;
    if is_missing(error) {
        return Some(What::Refused(None));
    }
    if !is_forbidden(error) {
        return None;
    }
    let what = match scope {
        Scope::Objects { kind, .. } => format!("objects of the kind `{kind}`"),
        Scope::Pods(_) => "pods".to_owned(),
        Scope::Sets(_) => "replica sets".to_owned(),
        // They only explain.
        Scope::Warnings(_) => return Some(What::Refused(None)),
    };
    Some(What::Refused(Some(connection.failure(&format!("{what} cannot be looked at"), error))))
}

/// What stays of a replica set.
fn replica_set(metadata: &ObjectMeta) -> Option<Record> {
    let revision = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"];
    let revision = revision.iter().find_map(|name| marks::annotation(metadata, name)).map(str::to_owned);
    let owner = Owner::of(metadata.owner_references.as_ref());
    Some(Record::Set(Box::new(ReplicaSet { uid: metadata.uid.clone()?, owner, revision })))
}

fn warning(event: ClusterEvent) -> Option<Record> {
    let at = event.last_timestamp.as_ref().map(|at| nanos(Some(at)));
    let at = at.or_else(|| event.event_time.as_ref().and_then(|at| i64::try_from(at.0.as_nanosecond()).ok()));
    Some(Record::Warning(Box::new(Warning {
        about: event.involved_object.uid?,
        uid: event.metadata.uid.clone()?,
        reason: event.reason.unwrap_or_default(),
        message: one_line(&event.message.unwrap_or_default()),
        at: at.unwrap_or_else(|| created_at(&event.metadata) * 1_000_000_000),
    })))
}
