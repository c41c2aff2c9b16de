//! One object is applied.

use super::{Applying, takeover};
use crate::{
    engine::AppliedObject,
    host::kube::{
        failure::{is_missing, status},
        kinds::Kind,
        marks,
        observer::{
            Sighted,
            drift::{FIELD_MANAGER, RESTART_MANAGER},
        },
        voice::{of_object, placed},
    },
    model::Failure,
};
use kube_client::{
    Api, Error,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::DynamicObject,
};
use kube_runtime::wait::{await_condition, conditions::is_deleted};
use serde_json::{Value, json};

/// What the server says of a field that nobody may change.
const IMMUTABLE: [&str; 5] = [
    "immutable",
    "may not change fields other than",
    "updates to statefulset spec for fields other than",
    "may not be changed",
    "cannot be changed",
];
/// Kinds that hold what nobody can make anew.
const PRECIOUS: [&str; 4] = ["Namespace", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition"];

/// What became of an object.
#[derive(Default)]
pub(super) struct Done {
    /// As it is now; `None` where it was as it should be.
    pub(super) made: Option<DynamicObject>,
    /// Ids of what had to go for it.
    pub(super) gone: Vec<String>,
}

impl Applying<'_> {
    /// Brings an object to what the order says.
    pub(super) async fn apply_one(&self, object: &AppliedObject, known: Option<&Sighted>) -> Result<Done, Failure> {
        if let Some(known) = known
            && self.is_as_it_should_be(object, known)
        {
            return Ok(Done::default());
        }
        let kind = self.kind_of(object).await?;
        let api = kind.objects(self.connection.client(), &object.key.namespace);
        let mut value = object.value.clone();
        self.marks.put(&mut value, &object.key, self.resource, object.fingerprint);
        if object.key.name.ends_with('*') {
            return self.create(object, &api, value, known).await;
        }
        let there = self.there(object, &kind, known).await?;
        if there && !object.left_alone.is_empty() {
            self.leave_alone(object, &api, &mut value).await?;
        }
        let must_be_new = self.order.restart && there && is_made_once(object);
        let done = if must_be_new {
            self.recreate(object, &api, &value).await
        } else {
            self.patch(object, &api, &value, known).await
        };
        done.inspect(|_| self.voice.say(&format!("applied {}", object.declared.title())))
    }

    fn is_as_it_should_be(&self, object: &AppliedObject, known: &Sighted) -> bool {
        if known.is_ending || known.fingerprint != Some(object.fingerprint) || self.order.restart {
            return false;
        }
        match self.observer.drift(&known.uid) {
            Some(drift) => {
                self.voice.warn(&format!(
                    "{} was changed by somebody else ({drift}): it is put back",
                    object.declared.title()
                ));
                false
            }
            None => true,
        }
    }

    async fn kind_of(&self, object: &AppliedObject) -> Result<Kind, Failure> {
        let declared = &object.declared;
        let found = self.connection.kinds().find(&declared.api_version, &declared.kind).await;
        let found = found.map_err(|error| of_object(self.connection, declared, "cannot be applied", &error))?;
        found.ok_or_else(|| Failure {
            message: format!(
                "{}: the cluster has no kind `{}` of `{}`",
                placed(declared),
                declared.kind,
                declared.api_version
            ),
            help: Some("define it first (a CustomResourceDefinition), or look at `kubectl api-resources`".to_owned()),
        })
    }

    /// Whether it is there, whoever made it. What is being deleted is waited for, and what others made is taken over.
    async fn there(&self, object: &AppliedObject, kind: &Kind, known: Option<&Sighted>) -> Result<bool, Failure> {
        if known.is_some_and(|known| !known.is_ending) {
            return Ok(true);
        }
        let declared = &object.declared;
        let failed = |error: Error| of_object(self.connection, declared, "cannot be looked at", &error);
        let api = kind.metadata(self.connection.client(), &object.key.namespace);
        let Some(there) = api.get_metadata_opt(&object.key.name).await.map_err(failed)? else { return Ok(false) };
        if there.metadata.deletion_timestamp.is_some() {
            let uid = there.metadata.uid.unwrap_or_default();
            let objects = kind.objects(self.connection.client(), &object.key.namespace);
            self.until_gone(object, &objects, &uid).await?;
            return Ok(false);
        }
        if let Some(said) = takeover::check(declared, &there.metadata, self.marks)? {
            self.voice.warn(&said);
        }
        if let Some(patch) = takeover::patch(&there.metadata)
            && let Ok(patch) = serde_json::from_value(patch)
        {
            let objects = kind.objects(self.connection.client(), &object.key.namespace);
            let patched = objects.patch(&object.key.name, &PatchParams::default(), &Patch::Json::<()>(patch)).await;
            match patched {
                // Somebody changes it at this moment: what is applied counts all the same.
                Err(error) if status(&error).is_some_and(|status| matches!(status.code, 409 | 422)) => {}
                patched => drop(patched.map_err(failed)?),
            }
        }
        Ok(true)
    }

    /// Fields that others may change keep what they have.
    async fn leave_alone(
        &self,
        object: &AppliedObject,
        api: &Api<DynamicObject>,
        value: &mut Value,
    ) -> Result<(), Failure> {
        let found = api.get_opt(&object.key.name).await;
        let found =
            found.map_err(|error| of_object(self.connection, &object.declared, "cannot be looked at", &error))?;
        let Some(Ok(live)) = found.map(serde_json::to_value) else { return Ok(()) };
        for pointer in &object.left_alone {
            if let Some(now) = live.pointer(pointer) {
                set(value, pointer, now.clone());
            }
        }
        Ok(())
    }

    async fn patch(
        &self,
        object: &AppliedObject,
        api: &Api<DynamicObject>,
        value: &Value,
        known: Option<&Sighted>,
    ) -> Result<Done, Failure> {
        let params = PatchParams::apply(FIELD_MANAGER).force();
        match api.patch(&object.key.name, &params, &Patch::Apply(value)).await {
            Ok(made) => Ok(Done { made: Some(self.restarted(object, api, made, known).await?), gone: Vec::new() }),
            Err(error) if is_immutable(&error) => {
                if PRECIOUS.contains(&object.key.kind.as_str()) {
                    let failure = of_object(self.connection, &object.declared, "cannot be changed", &error);
                    let help = "delete it yourself, if what it holds may be lost; it is then made anew".to_owned();
                    return Err(Failure { help: Some(help), ..failure });
                }
                self.voice.say(&format!(
                    "{} cannot be changed as it is: it is deleted and made anew",
                    object.declared.title()
                ));
                self.recreate(object, api, value).await
            }
            Err(error) => Err(of_object(self.connection, &object.declared, "cannot be applied", &error)),
        }
    }

    /// Has the pods of a workload made anew, where that was asked for and nothing else does.
    async fn restarted(
        &self,
        object: &AppliedObject,
        api: &Api<DynamicObject>,
        made: DynamicObject,
        known: Option<&Sighted>,
    ) -> Result<DynamicObject, Failure> {
        let has_pods = object.key.group == "apps"
            && matches!(object.key.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet");
        let is_news = known.is_none_or(|known| known.fingerprint != Some(object.fingerprint));
        if !self.order.restart || !has_pods || is_news {
            return Ok(made);
        }
        let now = made.metadata.resource_version.clone().unwrap_or_default();
        let patch =
            json!({"spec": {"template": {"metadata": {"annotations": {marks::RESTARTED: format!("version-{now}")}}}}});
        let params = PatchParams { field_manager: Some(RESTART_MANAGER.to_owned()), ..PatchParams::default() };
        let patched = api.patch(&object.key.name, &params, &Patch::Merge(patch)).await;
        patched.map_err(|error| of_object(self.connection, &object.declared, "cannot be started again", &error))
    }

    async fn recreate(&self, object: &AppliedObject, api: &Api<DynamicObject>, value: &Value) -> Result<Done, Failure> {
        let declared = &object.declared;
        let mut gone = Vec::new();
        let found = api.get_opt(&object.key.name).await;
        let found = found.map_err(|error| of_object(self.connection, declared, "cannot be looked at", &error))?;
        if let Some(uid) = found.and_then(|found| found.metadata.uid) {
            match api.delete(&object.key.name, &DeleteParams::foreground()).await {
                Err(error) if !is_missing(&error) => {
                    return Err(of_object(self.connection, declared, "cannot be deleted", &error));
                }
                Ok(_) | Err(_) => self.until_gone(object, api, &uid).await?,
            }
            gone.push(uid);
        }
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let made = api.patch(&object.key.name, &params, &Patch::Apply(value)).await;
        let made = made.map_err(|error| of_object(self.connection, declared, "cannot be applied", &error))?;
        Ok(Done { made: Some(made), gone })
    }

    /// Makes an object whose name the server makes; the one before it goes.
    async fn create(
        &self,
        object: &AppliedObject,
        api: &Api<DynamicObject>,
        value: Value,
        known: Option<&Sighted>,
    ) -> Result<Done, Failure> {
        let failed = |error: Error| of_object(self.connection, &object.declared, "cannot be applied", &error);
        let value: DynamicObject = serde_json::from_value(value)
            .map_err(|error| Failure { message: format!("{}: {error}", placed(&object.declared)), help: None })?;
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let made = api.create(&params, &value).await.map_err(failed)?;
        let mut gone = Vec::new();
        if let Some(known) = known {
            match api.delete(&known.name, &DeleteParams::background()).await {
                Err(error) if !is_missing(&error) => return Err(failed(error)),
                Ok(_) | Err(_) => gone.push(known.uid.clone()),
            }
        }
        Ok(Done { made: Some(made), gone })
    }

    async fn until_gone(&self, object: &AppliedObject, api: &Api<DynamicObject>, uid: &str) -> Result<(), Failure> {
        match await_condition(api.clone(), &object.key.name, is_deleted(uid)).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let message = format!("{}: it does not go away: {error}", placed(&object.declared));
                Err(Failure { message, help: None })
            }
        }
    }
}

/// Whether its pods are made anew only together with itself.
fn is_made_once(object: &AppliedObject) -> bool {
    matches!((object.key.group.as_str(), object.key.kind.as_str()), ("batch", "Job") | ("", "Pod"))
}

fn is_immutable(error: &Error) -> bool {
    let Some(status) = status(error).filter(|status| status.code == 422) else { return false };
    let says = |text: &str| IMMUTABLE.iter().any(|word| text.contains(word));
    let causes = status.details.iter().flat_map(|details| &details.causes);
    says(&status.message) || causes.into_iter().any(|cause| says(&cause.message))
}

/// Sets what is at a JSON pointer; folders on its way are made.
fn set(value: &mut Value, pointer: &str, now: Value) {
    let mut at = value;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let Some(object) = at.as_object_mut() else { return };
        at = object.entry(part).or_insert_with(|| json!({}));
    }
    *at = now;
}
