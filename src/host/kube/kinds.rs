//! Which kinds of objects a cluster has, asked once and again when something names one that is new.

use crate::model::ObjectKey;
use kube_client::{
    Api, Client, Error,
    core::{ApiResource, DynamicObject, GroupVersionKind, PartialObjectMeta},
    discovery::{ApiGroup, Discovery, Scope, verbs},
};
use std::sync::{Arc, PoisonError, RwLock};

/// A kind of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// How it is called in requests.
    pub resource: ApiResource,
    /// Whether its objects are in namespaces.
    pub is_namespaced: bool,
    /// Whether one can look at all of them at once, and follow them.
    pub can_be_watched: bool,
}

impl Kind {
    /// Its objects in a namespace, or all where it has none.
    #[must_use]
    pub fn objects(&self, client: Client, namespace: &str) -> Api<DynamicObject> {
        if self.is_namespaced {
            Api::namespaced_with(client, namespace, &self.resource)
        } else {
            Api::all_with(client, &self.resource)
        }
    }

    /// All its objects.
    #[must_use]
    pub fn all(&self, client: Client) -> Api<DynamicObject> {
        Api::all_with(client, &self.resource)
    }

    /// What objects in a namespace, or all where it is empty, have in common with those of every other kind.
    #[must_use]
    pub fn metadata(&self, client: Client, namespace: &str) -> Api<PartialObjectMeta<DynamicObject>> {
        if self.is_namespaced && !namespace.is_empty() {
            Api::namespaced_with(client, namespace, &self.resource)
        } else {
            Api::all_with(client, &self.resource)
        }
    }

    /// Group and kind, which no two kinds of a cluster share.
    #[must_use]
    pub fn name(&self) -> (String, String) {
        (self.resource.group.clone(), self.resource.kind.clone())
    }
}

/// The kinds of a cluster. Cheap to clone.
#[derive(Clone)]
pub struct Kinds(Arc<Inner>);

struct Inner {
    client: Client,
    known: RwLock<Option<Arc<Discovery>>>,
    asking: tokio::sync::Mutex<()>,
}

impl Kinds {
    pub(super) fn new(client: Client) -> Self {
        Self(Arc::new(Inner { client, known: RwLock::default(), asking: tokio::sync::Mutex::default() }))
    }

    /// The kind of this group, version and name. A version that the cluster has no more is another one of the group's.
    ///
    /// # Errors
    /// Why the cluster does not tell its kinds; `None` where it has no such kind.
    pub async fn find(&self, api_version: &str, kind: &str) -> Result<Option<Kind>, Error> {
        let (known, is_new) = self.known().await?;
        let found = find(&known, api_version, kind);
        if found.is_some() || is_new {
            return Ok(found);
        }
        Ok(find(&*self.ask(Some(&known)).await?, api_version, kind))
    }

    /// The kind of an object, whatever its version.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn of(&self, key: &ObjectKey) -> Result<Option<Kind>, Error> {
        let (known, is_new) = self.known().await?;
        let found = newest(&known, &key.group, &key.kind);
        if found.is_some() || is_new {
            return Ok(found);
        }
        Ok(newest(&*self.ask(Some(&known)).await?, &key.group, &key.kind))
    }

    /// All kinds of which one can look at all objects, each once.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn all(&self) -> Result<Vec<Kind>, Error> {
        let (known, _) = self.known().await?;
        let groups = known.groups().flat_map(ApiGroup::recommended_resources);
        let mut all: Vec<Kind> = groups.map(|(resource, capabilities)| kind(resource, &capabilities)).collect();
        all.retain(|kind| kind.can_be_watched);
        all.sort_by_key(Kind::name);
        all.dedup_by_key(|kind| kind.name());
        Ok(all)
    }

    /// What is known may be wrong: kinds were defined or removed.
    pub fn forget(&self) {
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What is known, and whether it was asked for just now.
    async fn known(&self) -> Result<(Arc<Discovery>, bool), Error> {
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(known) => Ok((known, false)),
            None => Ok((self.ask(None).await?, true)),
        }
    }

    /// Asks the cluster, unless somebody else did since `before` was the answer.
    async fn ask(&self, before: Option<&Arc<Discovery>>) -> Result<Arc<Discovery>, Error> {
        let _one_at_a_time = self.0.asking.lock().await;
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known
            && before.is_none_or(|before| !Arc::ptr_eq(before, &known))
        {
            return Ok(known);
        }
        let discovery = Discovery::new(self.0.client.clone());
        let answer = match discovery.run_aggregated().await {
            Ok(answer) => answer,
            Err(error) if super::failure::is_lost(&error) => return Err(error),
            // A server that is too old for that answers for each group.
            Err(_) => Discovery::new(self.0.client.clone()).run().await?,
        };
        let answer = Arc::new(answer);
        *self.0.known.write().unwrap_or_else(PoisonError::into_inner) = Some(answer.clone());
        Ok(answer)
    }
}

fn find(known: &Discovery, api_version: &str, name: &str) -> Option<Kind> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let found = known.resolve_gvk(&GroupVersionKind::gvk(group, version, name));
    found.map(|(resource, capabilities)| kind(resource, &capabilities))
}

fn newest(known: &Discovery, group: &str, name: &str) -> Option<Kind> {
    let found = known.get(group)?.recommended_kind(name);
    found.map(|(resource, capabilities)| kind(resource, &capabilities))
}

fn kind(resource: ApiResource, capabilities: &kube_client::discovery::ApiCapabilities) -> Kind {
    Kind {
        resource,
        is_namespaced: capabilities.scope == Scope::Namespaced,
        can_be_watched: capabilities.supports_operation(verbs::LIST) && capabilities.supports_operation(verbs::WATCH),
    }
}
