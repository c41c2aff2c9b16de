//! What has to be asked of the cluster besides what its streams tell: owners of owners, and what became of a field.

use super::Eye;
use crate::{
    host::kube::{
        Connection,
        failure::is_lost,
        observer::{Ask, Expected, drift::FieldPath, pod::Owner},
    },
    model::ObjectKey,
};

impl Eye {
    /// Asks what owns an owner. Kinds of Kubernetes' own that are not the project's lead to nothing of the project's.
    pub(super) fn ask_for(&mut self, connection: &Connection, namespace: String, owner: Owner) {
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
    pub(super) fn compare(&mut self, connection: &Connection, uid: &str) {
        let known = self.shared.known();
        let Some((_, one)) = known.objects.get(uid) else { return };
        let Some(expected) = self.expected.get(&one.key) else { return };
        let value = expected.value.as_ref().unwrap_or(&expected.declared.value);
        let changed = one.fields.taken(value, &expected.left_alone).or_else(|| {
            let missing = one.fields.missing(value, &expected.left_alone);
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

    pub(super) fn drifted(&mut self, uid: &str, version: u64, told: Option<String>) {
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
