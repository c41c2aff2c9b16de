//! Deleting what carries a project's marks. What carries none is never touched.

use super::{
    Connection,
    apply::prune::stays,
    failure::is_missing,
    kinds::Kind,
    marks::{self, Marks},
    observer::{Observer, Sighted, scopes::marked},
};
use crate::model::{Failure, ObjectKey, ResourceName};
use futures_util::future::try_join_all;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_client::{Error, api::DeleteParams};
use kube_runtime::wait::{await_condition, conditions::is_deleted};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;

/// Kinds in the order in which they are applied; those that are not here come between the two halves.
const FIRST: [&str; 16] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
];
const LAST: [&str; 10] = [
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
    "Job",
    "DaemonSet",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// An object that is to go.
struct Doomed {
    kind: Kind,
    namespace: String,
    name: String,
    uid: String,
}

/// Deletes the objects of a resource, and waits until they are gone.
///
/// # Errors
/// Why one is still there.
pub async fn of_resource(
    connection: &Connection,
    observer: &Observer,
    resource: &ResourceName,
    limit: Duration,
) -> Result<(), Failure> {
    // What the project declares now is known then.
    observer.refresh(resource).await;
    let mut doomed = Vec::new();
    let goes = |one: &Sighted| !stays(&one.key) && !one.is_kept && !observer.is_of_another(&one.key, resource);
    for one in observer.objects(Some(resource)).into_iter().filter(goes) {
        let failed = |error: Error| connection.failure(&format!("`{}` cannot be deleted", one.key), &error);
        if let Some(kind) = connection.kinds().of(&one.key).await.map_err(failed)? {
            doomed.push(Doomed { kind, namespace: one.key.namespace, name: one.name, uid: one.uid });
        }
    }
    let gone = doomed.iter().map(|one| one.uid.clone()).collect();
    let deleted = timeout(limit, all(connection, doomed)).await;
    let deleted = deleted.unwrap_or_else(|_| {
        Err(Failure {
            message: format!("the objects of `{resource}` were not gone within {} s", limit.as_secs_f64()),
            help: Some("`kubectl get` shows what holds them: a finalizer, or a pod that does not end".to_owned()),
        })
    });
    if deleted.is_ok() {
        observer.took(Vec::new(), gone).await;
    }
    observer.refresh(resource).await;
    deleted
}

/// Deletes whatever has the project's mark: definitions of kinds too, and namespaces where that is wanted. With names only what these
/// resources have, as they would go with them. Tells what it deletes in lines: `deleted Service web`.
///
/// # Errors
/// What is still there, and why.
pub async fn by_marks(
    connection: &Connection,
    marks: &Marks,
    names: &BTreeSet<ResourceName>,
    namespaces: bool,
) -> Result<Vec<String>, Failure> {
    let failed = |error: Error| connection.failure("what is left of the project cannot be looked for", &error);
    connection.kinds().forget();
    let found = marked(connection, marks).await.map_err(failed)?;
    let goes = |(kind, metadata): &(Kind, ObjectMeta)| {
        let (group, name) = kind.name();
        let key = ObjectKey { group, kind: name, namespace: String::new(), name: String::new() };
        let is_of_names = names.is_empty() && (namespaces || key.kind != "Namespace" || !key.group.is_empty())
            || !stays(&key) && marks::resource_of(metadata).is_some_and(|resource| names.contains(&resource));
        is_of_names && !marks::is_kept(metadata)
    };
    let doomed = found.into_iter().filter(goes).filter_map(|(kind, metadata)| {
        let namespace = metadata.namespace.unwrap_or_default();
        Some(Doomed { kind, namespace, name: metadata.name?, uid: metadata.uid? })
    });
    let mut doomed: Vec<Doomed> = doomed.collect();
    doomed.sort_by_key(|one| std::cmp::Reverse(rank(&one.kind)));
    let lines = doomed.iter().map(|one| format!("deleted {} {}", one.kind.resource.kind, one.name)).collect();
    all(connection, doomed).await.map(|()| lines)
}

/// Deletes objects, the kinds in reverse order, those of one kind at once.
async fn all(connection: &Connection, mut doomed: Vec<Doomed>) -> Result<(), Failure> {
    doomed.sort_by_key(|one| std::cmp::Reverse(rank(&one.kind)));
    for same in doomed.chunk_by(|a, b| rank(&a.kind) == rank(&b.kind)) {
        try_join_all(same.iter().map(|one| delete(connection, one))).await?;
    }
    Ok(())
}

fn rank(kind: &Kind) -> usize {
    let name = kind.resource.kind.as_str();
    let first = FIRST.iter().position(|one| *one == name);
    first.or_else(|| LAST.iter().position(|one| *one == name).map(|at| FIRST.len() + 1 + at)).unwrap_or(FIRST.len())
}

async fn delete(connection: &Connection, one: &Doomed) -> Result<(), Failure> {
    let api = one.kind.objects(connection.client(), &one.namespace);
    let (name, kind) = (&one.name, &one.kind.resource.kind);
    match api.delete(name, &DeleteParams::foreground()).await {
        Err(error) if is_missing(&error) => return Ok(()),
        Err(error) => return Err(connection.failure(&format!("`{kind} {name}` cannot be deleted"), &error)),
        Ok(_) => {}
    }
    match await_condition(api, name, is_deleted(&one.uid)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure { message: format!("`{kind} {name}` does not go away: {error}"), help: None }),
    }
}
