//! Where a run says what it does.

use super::connection::Connection;
use crate::{
    logs::{LogName, LogStore},
    model::{Attempt, Failure, KubeObject, Level, ResourceName, RunId, Secret},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// The log of one run of a resource. Cheap to clone.
#[derive(Clone)]
pub struct Voice {
    logs: LogStore,
    name: LogName,
    run: RunId,
}

impl Voice {
    /// The log of a run.
    #[must_use]
    pub fn new(logs: LogStore, resource: ResourceName, run: RunId) -> Self {
        Self { logs, name: LogName::Resource(resource), run }
    }

    /// All logs.
    #[must_use]
    pub fn logs(&self) -> &LogStore {
        &self.logs
    }

    /// Says what is done.
    pub fn say(&self, text: &str) {
        self.logs.say(&self.name, Some(Attempt::Run(self.run)), Level::Info, text);
    }

    /// Says what is not as it should be.
    pub fn warn(&self, text: &str) {
        self.logs.say(&self.name, Some(Attempt::Run(self.run)), Level::Warning, text);
    }

    /// Where commands of the run write.
    #[must_use]
    pub fn writer(&self) -> crate::logs::LogWriter {
        self.logs.writer(&self.name, Some(Attempt::Run(self.run)))
    }

    /// The values of a Secret are shown to nobody from now on.
    pub fn hide(&self, object: &KubeObject) {
        if object.kind == "Secret" && object.group().is_empty() {
            hide(&object.name, &object.value, &self.logs);
        }
    }
}

/// A failure without what is hidden.
#[must_use]
pub fn redacted(failure: Failure, logs: &LogStore) -> Failure {
    let Some(redactor) = logs.redactor() else { return failure };
    Failure {
        message: redactor.redact_text(&failure.message).into_owned(),
        help: failure.help.map(|help| redactor.redact_text(&help).into_owned()),
    }
}

/// The values of a Secret are shown to nobody from now on.
pub(super) fn hide(name: &str, value: &Value, logs: &LogStore) {
    let of = |field: &str| value.get(field).and_then(Value::as_object).into_iter().flatten();
    let secret = |key: &str, value: String| Secret { name: format!("{name}:{key}"), value };
    for (key, value) in of("data") {
        let Some(encoded) = value.as_str() else { continue };
        logs.redact(&secret(key, encoded.to_owned()));
        if let Some(text) = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            logs.redact(&secret(key, text));
        }
    }
    for (key, value) in of("stringData") {
        let Some(text) = value.as_str() else { continue };
        logs.redact(&secret(key, text.to_owned()));
        logs.redact(&secret(key, STANDARD.encode(text)));
    }
}

/// An object as messages name it, with the line where it is declared.
#[must_use]
pub fn placed(object: &KubeObject) -> String {
    match &object.declared_at {
        Some(at) => format!("`{}` ({}:{})", object.title(), at.file, at.line),
        None => format!("`{}`", object.title()),
    }
}

/// What went wrong with an object.
#[must_use]
pub fn of_object(connection: &Connection, object: &KubeObject, doing: &str, error: &kube_client::Error) -> Failure {
    connection.failure(&format!("{} {doing}", placed(object)), error)
}
