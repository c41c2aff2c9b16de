//! What is wrong with a text as such: it is parsed, its names are looked up, and nothing of it is executed. For editors.

use super::{
    KubeWish, Limits, LoadRequest, LocalSources,
    context::Context,
    convert,
    dialect::{self, DIALECT},
    environment::Environment,
    globals, outline, place,
    reference::{Entry, EntryKind},
    text::{OffsetMap, SourceText},
};
use crate::{
    diag::{Diagnostic, Severity, suggest::did_you_mean},
    model::FilePath,
};
use starlark::{analysis::AstModuleLint, syntax::AstModule};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Range,
    sync::Arc,
};

/// The lint of the interpreter that finds names nobody defines.
const UNDEFINED: &str = "using-undefined";

/// Checks a text. `known` are the entries of the reference.
#[must_use]
pub fn check(file: &FilePath, text: &str, known: &[Entry]) -> Vec<Diagnostic> {
    let name = file.as_path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let widened = match dialect::widen(text) {
        Ok(widened) => widened,
        Err(refused) => {
            let source = SourceText::new(Some(file.clone()), name, text.to_owned(), OffsetMap::default());
            return vec![refused.diagnostic(&source)];
        }
    };
    let source = Arc::new(SourceText::new(Some(file.clone()), name.clone(), text.to_owned(), widened.map));
    let ast = match AstModule::parse(&name, widened.text, &DIALECT) {
        Ok(ast) => ast,
        Err(error) => return of_syntax(file, &name, &source, &error),
    };
    let mut found = undefined(&ast, &source, known);
    found.extend(unknown_keywords(text, &source, known));
    found
}

/// Drawn as an evaluation draws it, which takes a context.
fn of_syntax(file: &FilePath, name: &str, source: &Arc<SourceText>, error: &starlark::Error) -> Vec<Diagnostic> {
    let request = LoadRequest {
        file: file.clone(),
        args: Vec::new(),
        subcommand: String::new(),
        environment: BTreeMap::new(),
        kube: KubeWish::default(),
        limits: Limits::default(),
    };
    let (sources, globals) = (LocalSources::silent(), globals());
    let context = Context::new(&request, &sources, &globals, Environment::default());
    context.add_text(name.to_owned(), source.clone());
    convert::of_fault(&convert::of_error(&context, error))
}

fn diagnostic(
    severity: Severity,
    code: &str,
    message: String,
    help: Option<String>,
    source: &SourceText,
    at: Range<usize>,
) -> Diagnostic {
    let labels = vec![source.label(at, "")];
    Diagnostic { severity, code: code.to_owned(), message, labels, help, frames: Vec::new() }
}

/// Names that neither the file nor the language has.
fn undefined(ast: &AstModule, source: &SourceText, known: &[Entry]) -> Vec<Diagnostic> {
    let names: HashSet<String> =
        known.iter().filter(|entry| entry.load.is_none()).map(|entry| root(&entry.name).to_owned()).collect();
    let outline = outline::outline(source.text());
    let own: BTreeSet<&str> = outline
        .functions
        .iter()
        .map(|function| function.name.as_str())
        .chain(outline.names.iter().map(|name| name.name.as_str()))
        .collect();
    let mut found = Vec::new();
    for lint in ast.lint(Some(&names)).into_iter().filter(|lint| lint.short_name == UNDEFINED) {
        let Some(name) = lint.original.split(['.', '(']).next().map(str::trim) else { continue };
        if name.starts_with("__") || names.contains(name) {
            continue;
        }
        let near =
            did_you_mean(name, names.iter().map(String::as_str).chain(own.iter().copied()).collect::<BTreeSet<_>>());
        let span = lint.location.span;
        let at = source.original(span.begin().get() as usize..span.end().get() as usize);
        let message = format!("there is nothing called `{name}`");
        found.push(diagnostic(Severity::Error, "orchfile::unknown_name", message, near, source, at));
    }
    found
}

fn root(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Arguments that builtins do not know by that name.
fn unknown_keywords(text: &str, source: &SourceText, known: &[Entry]) -> Vec<Diagnostic> {
    let outline = outline::outline(text);
    let mut found = Vec::new();
    for (call, _) in place::calls(text) {
        let own = outline.function(&call.callee).is_some()
            || outline.loads.iter().any(|load| load.names.iter().any(|(here, ..)| *here == call.callee));
        let entry = known
            .iter()
            .find(|entry| entry.load.is_none() && entry.kind == EntryKind::Function && entry.name == call.callee);
        let Some(entry) = entry.filter(|entry| !own && !entry.parameters.is_empty()) else { continue };
        let parameters: Vec<&str> = entry.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        if parameters.iter().any(|name| name.starts_with("**")) {
            continue;
        }
        for (name, at) in call.given.into_iter().filter(|(name, _)| !parameters.contains(&name.as_str())) {
            let message = format!("`{}` has no parameter `{name}`", call.callee);
            let near = did_you_mean(&name, parameters.iter().copied());
            found.push(diagnostic(Severity::Error, "orchfile::unknown_parameter", message, near, source, at));
        }
    }
    found
}
