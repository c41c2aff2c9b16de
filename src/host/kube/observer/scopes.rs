//! What has to be followed so that a project's objects and pods are seen.

use super::news::Scope;
use crate::{
    host::kube::{
        Connection,
        failure::{is_forbidden, is_lost, is_missing},
        kinds::Kind,
        marks::{self, Marks},
    },
    model::ObjectKey,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_client::{Error, api::ListParams, core::DynamicObject};
use std::collections::BTreeMap;

/// How many kinds are asked for at a time.
const SIDE_BY_SIDE: usize = 16;
/// How many objects of one kind are looked at.
const LISTED_MAX: u32 = 500;

/// What is followed, each with the kind where it is of one.
pub(super) type Scopes = BTreeMap<Scope, Option<Kind>>;

/// The streams that tell of the pods of a namespace.
pub(super) fn of_namespace(namespace: &str, scopes: &mut Scopes) {
    let namespace = namespace.to_owned();
    scopes.insert(Scope::Pods(namespace.clone()), None);
    scopes.insert(Scope::Sets(namespace.clone()), None);
    scopes.insert(Scope::Warnings(namespace), None);
}

/// The stream that tells of objects of a kind.
pub(super) fn of_kind(kind: Kind, namespace: &str, scopes: &mut Scopes) {
    let (group, name) = kind.name();
    let namespace = if kind.is_namespaced { namespace.to_owned() } else { String::new() };
    if kind.can_be_watched {
        scopes.insert(Scope::Objects { group, kind: name, namespace }, Some(kind));
    }
}

/// The streams that tell of declared objects. A kind that the cluster has not has none yet.
pub(super) async fn of_objects(
    connection: &Connection,
    keys: Vec<ObjectKey>,
    scopes: &mut Scopes,
) -> Result<(), Error> {
    for key in keys {
        if let Some(kind) = connection.kinds().of(&key).await? {
            if kind.is_namespaced {
                of_namespace(&key.namespace, scopes);
            }
            of_kind(kind, &key.namespace, scopes);
        }
    }
    Ok(())
}

/// Objects with the project's mark, of whatever kind, in whatever namespace.
pub(in crate::host::kube) async fn marked(
    connection: &Connection,
    marks: &Marks,
) -> Result<Vec<(Kind, ObjectMeta)>, Error> {
    let kinds = connection.kinds().all().await?;
    let lists = kinds.into_iter().filter(|kind| !is_noise(kind)).map(|kind| {
        let (connection, marks) = (connection.clone(), marks.clone());
        async move {
            let found = list(&connection, &marks, &kind).await?;
            Ok::<_, Error>(found.into_iter().map(|metadata| (kind.clone(), metadata)).collect::<Vec<_>>())
        }
        .boxed()
    });
    let lists: Vec<_> = lists.collect();
    let mut lists = stream::iter(lists).buffer_unordered(SIDE_BY_SIDE);
    let mut all = Vec::new();
    while let Some(found) = lists.next().await {
        all.extend(found?);
    }
    Ok(all)
}

async fn list(connection: &Connection, marks: &Marks, kind: &Kind) -> Result<Vec<ObjectMeta>, Error> {
    let params = ListParams::default().labels(&marks.selector()).limit(LISTED_MAX);
    let answer = match kind.all(connection.client()).list_metadata(&params).await {
        Err(error) if is_forbidden(&error) && kind.is_namespaced => {
            kind.objects(connection.client(), connection.namespace()).list_metadata(&params).await
        }
        answer => answer,
    };
    match answer {
        Ok(list) => Ok({
            let is_ours = |one: &ObjectMeta| marks::resource_of(one).is_some() && !marks::is_copied(one);
            list.items.into_iter().map(|one| one.metadata).filter(is_ours).collect()
        }),
        Err(error) if is_lost(&error) => Err(error),
        Err(error) if is_forbidden(&error) || is_missing(&error) => Ok(Vec::new()),
        // One kind that its own server does not list keeps nobody from the others.
        Err(_) => Ok(Vec::new()),
    }
}

/// Kinds that nobody applies, and of which there may be many.
fn is_noise(kind: &Kind) -> bool {
    let (group, name) = (kind.resource.group.as_str(), kind.resource.kind.as_str());
    matches!(
        (group, name),
        ("" | "events.k8s.io", "Event")
            | ("", "ComponentStatus" | "Node")
            | ("metrics.k8s.io", _)
            | ("coordination.k8s.io", "Lease")
    )
}

/// Whether a stream that was refused would be told now.
pub(super) async fn is_allowed(connection: &Connection, scope: &Scope) -> bool {
    let params = ListParams::default().limit(1);
    let client = connection.client();
    let answer = match scope {
        Scope::Objects { group, kind, namespace } => {
            let key =
                ObjectKey { group: group.clone(), kind: kind.clone(), namespace: String::new(), name: String::new() };
            let Ok(Some(kind)) = connection.kinds().of(&key).await else { return false };
            let api: kube_client::Api<DynamicObject> =
                if namespace.is_empty() { kind.all(client) } else { kind.objects(client, namespace) };
            api.list_metadata(&params).await.map(drop)
        }
        Scope::Pods(namespace) | Scope::Sets(namespace) | Scope::Warnings(namespace) => {
            let api = kube_client::Api::<k8s_openapi::api::core::v1::Pod>::namespaced(client, namespace);
            api.list_metadata(&params).await.map(drop)
        }
    };
    answer.is_ok()
}
