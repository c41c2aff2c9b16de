//! Secrets in what an evaluation gives to others: diagnostics and the projection of `orch eval`.

use crate::{diag::Diagnostic, model::Secret};
use serde_json::Value;

/// The text with `[redacted NAME]` in place of each secret's value; of two that overlap, the longer one goes first.
pub(super) fn text(text: &str, secrets: &[Secret]) -> String {
    let mut sorted: Vec<_> = secrets.iter().filter(|secret| !secret.value.is_empty()).collect();
    sorted.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
    sorted
        .into_iter()
        .fold(text.to_owned(), |text, secret| text.replace(&secret.value, &format!("[redacted {}]", secret.name)))
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
