//! Secrets in what an evaluation gives to others: diagnostics and the projection of `orch eval`.

use crate::{diag::Diagnostic, model::Secret};
use serde_json::Value;

/// The text without the value of any of the secrets.
pub(super) fn text(text: &str, secrets: &[Secret]) -> String {
    Secret::redact(secrets, text)
}

/// Redacts all texts of a value; names of fields stay.
pub(super) fn value(value: Value, secrets: &[Secret]) -> Value {
    match value {
        Value::String(found) => Value::String(text(&found, secrets)),
        Value::Array(items) => items.into_iter().map(|item| self::value(item, secrets)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, field)| (name, self::value(field, secrets))).collect(),
        other => other,
    }
}

/// Redacts what a diagnostic says and shows. In an excerpt a secret becomes as many `*` as it has bytes, so that the place of
/// the fault stays where it is.
pub(super) fn diagnostic(diagnostic: &mut Diagnostic, secrets: &[Secret]) {
    if secrets.is_empty() {
        return;
    }
    diagnostic.message = text(&diagnostic.message, secrets);
    diagnostic.help = diagnostic.help.as_ref().map(|help| text(help, secrets));
    for label in &mut diagnostic.labels {
        label.text = text(&label.text, secrets);
        for secret in secrets.iter().filter(|secret| !secret.value.is_empty()) {
            label.excerpt = label.excerpt.replace(&secret.value, &"*".repeat(secret.value.len()));
        }
    }
}
