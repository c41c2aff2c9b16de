//! Which streams are followed: those of what is declared, and of what has the project's mark.

use super::Eye;
use crate::{
    engine::{ExpectedObject, PodSearch},
    host::kube::{
        Connection,
        kinds::Kind,
        marks,
        observer::{
            Expected,
            news::{self, News},
            scopes::{self, Scopes},
        },
        registry, voice,
    },
    model::{ClusterRegistry, ResourceName},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_client::Error;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc;

impl Eye {
    pub(super) async fn look(
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
            let keys = |(resource, objects): (&ResourceName, &Vec<ExpectedObject>)| {
                objects.iter().map(|object| (object.key.clone(), resource.clone())).collect::<Vec<_>>()
            };
            known.declared = objects.iter().flat_map(keys).collect();
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
    pub(super) async fn strays(&mut self, connection: &Connection) -> Result<Scopes, Error> {
        if let Some(strays) = &self.strays {
            return Ok(strays.clone());
        }
        let mut strays = Scopes::new();
        for (kind, metadata) in scopes::marked(connection, &self.marks).await? {
            self.hide(connection, &kind, &metadata).await;
            let namespace = metadata.namespace.unwrap_or_default();
            if kind.is_namespaced {
                scopes::of_namespace(&namespace, &mut strays);
            }
            scopes::of_kind(kind, &namespace, &mut strays);
        }
        Ok(self.strays.insert(strays).clone())
    }

    /// The values of a Secret that a command of an earlier session applied are known to no evaluation, and shown to nobody all the same.
    async fn hide(&self, connection: &Connection, kind: &Kind, metadata: &ObjectMeta) {
        let is_secret = kind.resource.kind == "Secret" && kind.resource.group.is_empty();
        if !is_secret || marks::annotation(metadata, marks::DEPLOYED).is_none() {
            return;
        }
        let (name, namespace) = (metadata.name.clone().unwrap_or_default(), metadata.namespace.as_deref());
        // One that we may not see is shown by nobody here either.
        if let Ok(Some(secret)) = kind.objects(connection.client(), namespace.unwrap_or_default()).get_opt(&name).await
        {
            voice::hide(&name, &secret.data, &self.logs);
        }
    }

    pub(super) fn follow_all(&mut self, connection: &Connection, wanted: Scopes, out: &mpsc::Sender<News>) {
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

    pub(super) async fn expect(
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
}
