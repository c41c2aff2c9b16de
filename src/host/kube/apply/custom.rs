//! A command of the user's applies what it likes, and prints what it applied: that gets the resource's marks.

use super::Applying;
use crate::{
    engine::CustomCommand,
    host::{
        kube::{
            marks,
            observer::{
                Expected,
                deployed::{MARKS_MANAGER, left},
            },
            yaml,
        },
        process::{OutputSink, Stream},
    },
    logs::{self, LogWriter},
    model::{Failure, KubeObject, ObjectKey},
};
use kube_client::{
    api::{Patch, PatchParams},
    core::DynamicObject,
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// How much of what a command prints is taken for YAML.
const PRINTED_BYTES_MAX: usize = 64 << 20;

/// Keeps what a command prints, and passes on what it complains of.
struct Printed {
    text: Mutex<Vec<u8>>,
    writer: LogWriter,
}

impl OutputSink for Printed {
    fn write(&self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Out => {
                let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
                let room = PRINTED_BYTES_MAX.saturating_sub(text.len());
                text.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
            Stream::Err => self.writer.write(logs::Stream::Err, bytes),
        }
    }

    fn close(&self) {
        self.writer.close();
    }
}

impl Applying<'_> {
    /// Runs the command, and marks what it says that it applied.
    pub(super) async fn apply_by_command(&self, custom: &CustomCommand) -> Result<(), Failure> {
        self.loaded.load(&self.order.load, self.commands, self.voice).await?;
        let printed = Arc::new(Printed { text: Mutex::default(), writer: self.voice.writer() });
        let doing = format!("the command that applies `{}`", self.resource);
        self.commands.run(custom, &doing, printed.clone()).await?;
        let text = std::mem::take(&mut *printed.text.lock().unwrap_or_else(PoisonError::into_inner));
        let objects = self.objects_in(&String::from_utf8_lossy(&text))?;
        objects.iter().for_each(|object| self.voice.hide(&object.declared));
        self.observer.expect(self.resource, objects.clone()).await;
        let mut made = Vec::new();
        for object in &objects {
            made.extend(self.mark(object, custom).await?);
        }
        self.observer.took(made, Vec::new()).await;
        Ok(())
    }

    /// The objects that a command printed.
    fn objects_in(&self, text: &str) -> Result<Vec<Expected>, Failure> {
        let unreadable = |why: String| Failure {
            message: format!(
                "what the command that applies `{}` printed is no YAML of Kubernetes: {why}",
                self.resource
            ),
            help: Some(
                "let it print what it applied and nothing else, for instance by `kubectl apply -o yaml`".to_owned(),
            ),
        };
        let documents = yaml::documents(text).map_err(unreadable)?;
        let mut objects = Vec::new();
        for document in documents {
            let items = match document.get("items").and_then(Value::as_array) {
                Some(items)
                    if document.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List")) =>
                {
                    items.clone()
                }
                _ => vec![document],
            };
            for item in items {
                objects.push(
                    self.object_of(item).ok_or_else(|| unreadable("an object has no kind or no name".to_owned()))?,
                );
            }
        }
        Ok(objects)
    }

    fn object_of(&self, value: Value) -> Option<Expected> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (api_version, kind, name) = (text("/apiVersion")?, text("/kind")?, text("/metadata/name")?);
        let namespace = text("/metadata/namespace");
        let group = api_version.split_once('/').map_or("", |(group, _)| group).to_owned();
        let in_namespace = namespace.clone().unwrap_or_else(|| self.connection.namespace().to_owned());
        let key = ObjectKey { group, kind: kind.clone(), namespace: in_namespace, name: name.clone() };
        let declared = KubeObject { api_version, kind, name, namespace, value, images: Vec::new(), declared_at: None };
        // What it applied is its own business: nothing of it is compared.
        Some(Expected { key, declared: Arc::new(declared), value: Some(json!({})), left_alone: Vec::new() })
    }

    async fn mark(
        &self,
        object: &Expected,
        custom: &CustomCommand,
    ) -> Result<Option<(ObjectKey, DynamicObject)>, Failure> {
        let doing = || {
            format!("`{}`, which the command that applies `{}` printed, cannot be marked", object.key, self.resource)
        };
        let failed = |error: kube_client::Error| self.connection.failure(&doing(), &error);
        let declared = &object.declared;
        let Some(kind) = self.connection.kinds().find(&declared.api_version, &declared.kind).await.map_err(failed)?
        else {
            return Ok(None);
        };
        let api = kind.objects(self.connection.client(), &object.key.namespace);
        let there = api.get_metadata(&object.key.name).await.map_err(failed)?;
        let left = left(&there.metadata);
        let mut value = json!({"metadata": {}});
        self.marks.put(&mut value, &object.key, self.resource, custom.fingerprint);
        let labels = there.metadata.labels.unwrap_or_default();
        if let (true, Some(marks)) = (
            labels.contains_key(marks::MANAGED_BY.0),
            value.pointer_mut("/metadata/labels").and_then(Value::as_object_mut),
        ) {
            // helm looks there for its own name.
            marks.remove(marks::MANAGED_BY.0);
        }
        value["metadata"]["annotations"][marks::DEPLOYED] = left.into();
        // Marks of orch's own are merged in: what the command applied stays whoever's it is.
        let params = PatchParams { field_manager: Some(MARKS_MANAGER.to_owned()), ..PatchParams::default() };
        let marked = api.patch(&object.key.name, &params, &Patch::Merge(value)).await.map_err(failed)?;
        Ok(Some((object.key.clone(), marked)))
    }
}
