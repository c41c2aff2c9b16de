//! Errors of the interpreter and of builtins to diagnostics.

use super::{context::Context, fault::Fault, load::plain_error};
use crate::diag::Diagnostic;

/// The fault that an error of the interpreter stands for, with its place.
pub(super) fn of_error(context: &Context<'_>, error: &starlark::Error) -> Fault {
    let labels = error.span().and_then(|span| context.site_of(span)).map(|site| site.label(""));
    let mut diagnostic = plain_error("orchfile::evaluation", error.without_diagnostic().to_string());
    diagnostic.labels = labels.into_iter().collect();
    Fault::diagnosed(vec![diagnostic])
}

/// The diagnostics of a fault that has no place of its own.
pub(super) fn of_fault(fault: &Fault) -> Vec<Diagnostic> {
    if let Some(diagnostics) = fault.diagnostics() {
        return diagnostics.to_vec();
    }
    fault.finding().map(|finding| plain_error(finding.code, finding.message.clone())).into_iter().collect()
}
