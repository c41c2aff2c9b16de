//! YAML that other programs print: objects of Kubernetes, and what a cluster says of itself.

use serde_json::Value;

/// The documents of a text; empty ones are left out.
///
/// # Errors
/// Says what is wrong, and in which line.
pub(super) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        budget: None,
    };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options).map_err(|error| {
        let text = error.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    })?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}
