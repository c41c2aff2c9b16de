//! Objects that an order has no more are deleted.

use super::Applying;
use crate::{
    host::kube::{failure::is_missing, observer::Sighted},
    model::Failure,
};
use kube_client::api::DeleteParams;

/// What only `orch down` deletes, and only when asked to: more goes with it than the project made.
pub(in crate::host::kube) fn stays(key: &crate::model::ObjectKey) -> bool {
    matches!(
        (key.group.as_str(), key.kind.as_str()),
        ("", "Namespace") | ("apiextensions.k8s.io", "CustomResourceDefinition")
    )
}

impl Applying<'_> {
    /// Deletes what the resource had before and has not any more.
    pub(super) async fn prune(&self, known: &[Sighted]) -> Result<(), Failure> {
        let is_declared = |one: &Sighted| self.order.objects.iter().any(|object| object.key == one.key);
        let mut gone = Vec::new();
        for one in known.iter().filter(|one| !is_declared(one) && !one.is_ending && !stays(&one.key)) {
            if one.is_kept || self.observer.is_of_another(&one.key, self.resource) {
                continue;
            }
            let doing = format!("`{}`, which the Orchfile has no more, cannot be deleted", one.key);
            let failed = |error: kube_client::Error| self.connection.failure(&doing, &error);
            let Some(kind) = self.connection.kinds().of(&one.key).await.map_err(failed)? else { continue };
            let api = kind.objects(self.connection.client(), &one.key.namespace);
            match api.delete(&one.name, &DeleteParams::background()).await {
                Err(error) if !is_missing(&error) => return Err(failed(error)),
                Ok(_) | Err(_) => {}
            }
            self.voice.say(&format!("deleted {}, which the Orchfile has no more", one.key));
            gone.push(one.uid.clone());
        }
        if !gone.is_empty() {
            self.observer.took(Vec::new(), gone).await;
        }
        Ok(())
    }
}
