//! Objects are brought to what an order says: by server-side apply, kind by kind, those of one kind at once.

mod custom;
mod one;
pub(super) mod prune;
mod takeover;

use super::{
    Connection,
    command::Commands,
    load::Loaded,
    marks::Marks,
    observer::{Expected, Observer, Sighted},
    voice::Voice,
};
use crate::{
    engine::{AppliedObject, ApplyOrder},
    model::{Failure, ResourceName},
};
use futures_util::{StreamExt as _, stream};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_client::Api;
use kube_runtime::wait::{await_condition, conditions::is_crd_established};
use one::Done;
use std::time::Duration;
use tokio::time::timeout;

/// How many objects of one kind are applied side by side.
const SIDE_BY_SIDE: usize = 32;

/// What is applied, with all that is needed for it.
pub struct Applying<'a> {
    /// The cluster.
    pub connection: &'a Connection,
    /// The project's mark.
    pub marks: &'a Marks,
    /// What is known of the cluster.
    pub observer: &'a Observer,
    /// Whose objects.
    pub resource: &'a ResourceName,
    /// What they are to be.
    pub order: &'a ApplyOrder,
    /// Where it says what it does.
    pub voice: &'a Voice,
    /// Runs commands of the user's.
    pub commands: &'a Commands,
    /// Which images the nodes got.
    pub loaded: &'a Loaded,
}

impl Applying<'_> {
    /// Applies them. What is there then was told when this returns, also after a failure.
    ///
    /// # Errors
    /// What could not be applied, where it is declared, and why.
    pub async fn apply(&self) -> Result<(), Failure> {
        let applied =
            timeout(self.order.timeout, self.attempt()).await.unwrap_or_else(|_| Err(late(self.order.timeout)));
        self.observer.refresh(self.resource).await;
        applied
    }

    async fn attempt(&self) -> Result<(), Failure> {
        match &self.order.custom {
            Some(custom) => self.apply_by_command(custom).await?,
            None => self.apply_objects().await?,
        }
        self.observer.observed(self.resource).await;
        Ok(())
    }

    async fn apply_objects(&self) -> Result<(), Failure> {
        let objects = &self.order.objects;
        self.observer.expect(self.resource, objects.iter().map(Expected::from).collect()).await;
        let known = self.observer.objects(Some(self.resource));
        let is_there = |object: &AppliedObject| {
            known.iter().any(|known| known.key == object.key && known.fingerprint == Some(object.fingerprint))
        };
        if !objects.iter().all(is_there) {
            self.loaded.load(&self.order.load, self.commands, self.voice).await?;
        }
        for same in objects.chunk_by(|a, b| (&a.key.group, &a.key.kind) == (&b.key.group, &b.key.kind)) {
            self.apply_all(same, &known).await?;
        }
        self.prune(&known).await
    }

    /// Applies objects of one kind.
    async fn apply_all(&self, objects: &[AppliedObject], known: &[Sighted]) -> Result<(), Failure> {
        let work: Vec<_> = objects
            .iter()
            .map(|object| {
                let known = known
                    .iter()
                    .filter(|known| known.key == object.key)
                    .max_by_key(|known| (!known.is_ending, known.created_at));
                self.apply_one(object, known)
            })
            .collect();
        let done: Vec<Result<Done, Failure>> = stream::iter(work).buffered(SIDE_BY_SIDE).collect().await;
        let (mut made, mut gone, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for (object, done) in objects.iter().zip(done) {
            match done {
                Ok(done) => {
                    made.extend(done.made.map(|made| (object.key.clone(), made)));
                    gone.extend(done.gone);
                }
                Err(failure) => failures.push(failure),
            }
        }
        let defines = made.iter().any(|_| is_definition(&objects[0]));
        self.observer.took(made, gone).await;
        let mut failures = failures.into_iter();
        if let Some(first) = failures.next() {
            failures.for_each(|failure| self.voice.warn(&failure.message));
            return Err(first);
        }
        if defines { self.until_defined(objects).await } else { Ok(()) }
    }

    /// Waits until the server knows kinds that were just defined.
    async fn until_defined(&self, objects: &[AppliedObject]) -> Result<(), Failure> {
        let api: Api<CustomResourceDefinition> = Api::all(self.connection.client());
        for object in objects {
            let established = await_condition(api.clone(), &object.key.name, is_crd_established()).await;
            established.map_err(|error| Failure {
                message: format!("{} does not become a kind: {error}", object.declared.title()),
                help: None,
            })?;
        }
        self.connection.kinds().forget();
        // Their instances come next in the same order, and are to be followed.
        self.observer.expect(self.resource, self.order.objects.iter().map(Expected::from).collect()).await;
        Ok(())
    }
}

fn is_definition(object: &AppliedObject) -> bool {
    object.key.group == "apiextensions.k8s.io" && object.key.kind == "CustomResourceDefinition"
}

fn late(limit: Duration) -> Failure {
    Failure {
        message: format!("it was not applied within {} s", limit.as_secs_f64()),
        help: Some("give it longer with `update_settings(k8s_upsert_timeout_secs = …)`".to_owned()),
    }
}
