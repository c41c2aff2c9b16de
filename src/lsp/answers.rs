//! The answers to what an editor asks about a place: completion, hover, signature, definition.

use super::{
    document::uri_of,
    names::{Meaning, Names},
};
use crate::orchfile::{
    outline::Function,
    place::{Call, Place, place},
    reference::{self, Entry, EntryKind},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The protocol's numbers for kinds of completions.
mod kind {
    pub(super) const METHOD: u8 = 2;
    pub(super) const FUNCTION: u8 = 3;
    pub(super) const VARIABLE: u8 = 6;
    pub(super) const MODULE: u8 = 9;
    pub(super) const PROPERTY: u8 = 10;
    pub(super) const VALUE: u8 = 12;
    pub(super) const KEYWORD: u8 = 14;
    pub(super) const FILE: u8 = 17;
}

const KEYWORDS: &[&str] = &[
    "and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "load", "not", "or", "pass",
    "return", "while",
];

/// Types whose methods are offered behind a value of which nothing is known.
const VALUES: &[&str] = &["str.", "list.", "dict."];

/// `textDocument/completion`.
pub(super) fn completion(names: &Names<'_>, offset: usize) -> Value {
    let place = place(&names.document.text, offset);
    let items = if place.is_comment {
        Vec::new()
    } else if place.literal.is_some() {
        in_a_literal(names, &place)
    } else if let Some(holder) = &place.holder {
        members(names, holder)
    } else {
        let parameters = place.call.iter().flat_map(|call| parameters(names, call, offset));
        parameters.chain(everything(names, offset)).collect()
    };
    json!({"isIncomplete": false, "items": items})
}

fn item(label: &str, kind: u8, detail: &str, text: &str) -> Value {
    let mut item = json!({"label": label, "kind": kind});
    if !detail.is_empty() {
        item["detail"] = json!(detail);
    }
    if !text.is_empty() {
        item["documentation"] = markdown(text);
    }
    item
}

fn markdown(text: &str) -> Value {
    json!({"kind": "markdown", "value": text})
}

fn of_entry(entry: &Entry, label: &str) -> Value {
    let kind = match entry.kind {
        EntryKind::Function => kind::FUNCTION,
        EntryKind::Module => kind::MODULE,
        EntryKind::Value | EntryKind::Type => kind::VARIABLE,
    };
    item(label, kind, &entry.signature(), &reference::of_entry(entry))
}

fn of_function(function: &Function) -> Value {
    item(&function.name, kind::FUNCTION, &function.signature(), function.docs.as_deref().unwrap_or_default())
}

/// Paths in a `load`, names in one, resources in `resource_deps`.
fn in_a_literal(names: &Names<'_>, place: &Place) -> Vec<Value> {
    let Some(call) = &place.call else { return Vec::new() };
    match (call.callee.as_str(), call.index) {
        ("load" | "include" | "load_dynamic", 0) => {
            let libraries = reference::libraries().into_iter().filter(|_| call.callee == "load");
            let files = libraries.chain(names.files_beside());
            files.map(|path| at(names, place, item(&path, kind::FILE, "", ""))).collect()
        }
        ("load", _) => {
            let path = call.literals.first().map(String::as_str).unwrap_or_default();
            names.functions_of(path).iter().map(of_function).map(|item| at(names, place, item)).collect()
        }
        _ if call.keyword.as_deref() == Some("resource_deps") || call.callee == "dep" => {
            let resources: BTreeMap<_, _> = names.resources().into_iter().collect();
            resources.keys().map(|name| at(names, place, item(name, kind::VALUE, "a resource", ""))).collect()
        }
        _ => Vec::new(),
    }
}

/// Replaces the whole literal: what a word is in a path, no two editors agree on.
fn at(names: &Names<'_>, place: &Place, mut item: Value) -> Value {
    if let Some(literal) = &place.literal {
        item["textEdit"] = json!({"range": names.document.range(literal), "newText": item["label"]});
    }
    item
}

fn members(names: &Names<'_>, holder: &str) -> Vec<Value> {
    let below = |prefix: &str| {
        let prefix = prefix.to_owned();
        names.entries.iter().filter(|entry| entry.load.is_none()).filter_map(move |entry| {
            let member = entry.name.strip_prefix(&prefix)?;
            (!member.contains('.')).then(|| of_entry(entry, member))
        })
    };
    let known: Vec<_> = if holder.is_empty() { Vec::new() } else { below(&format!("{holder}.")).collect() };
    if !known.is_empty() {
        return known;
    }
    let mut methods = BTreeMap::new();
    for mut method in VALUES.iter().flat_map(|prefix| below(prefix)) {
        method["kind"] = json!(kind::METHOD);
        methods.entry(method["label"].to_string()).or_insert(method);
    }
    methods.into_values().collect()
}

/// The parameters that a call does not give yet.
fn parameters(names: &Names<'_>, call: &Call, offset: usize) -> Vec<Value> {
    if call.keyword.is_some() {
        return Vec::new();
    }
    let Some(entry) = called(names, call, offset) else { return Vec::new() };
    let is_given = |name: &str| name.starts_with('*') || call.given.iter().any(|(given, _)| given == name);
    let open = entry.parameters.iter().filter(|parameter| !is_given(&parameter.name));
    open.map(|parameter| {
        let mut item = item(
            &format!("{}=", parameter.name),
            kind::PROPERTY,
            parameter.typ.as_deref().unwrap_or_default(),
            &parameter.text,
        );
        item["sortText"] = json!(format!("0{}", parameter.name));
        item
    })
    .collect()
}

fn everything(names: &Names<'_>, offset: usize) -> Vec<Value> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for keyword in KEYWORDS {
        found.insert((*keyword).to_owned(), item(keyword, kind::KEYWORD, "", ""));
    }
    for entry in names.entries.iter().filter(|entry| entry.load.is_none() && !entry.name.contains('.')) {
        found.insert(entry.name.clone(), of_entry(entry, &entry.name));
    }
    for (here, ..) in names.outline.loads.iter().flat_map(|load| &load.names) {
        let entry = match names.meaning(here, offset) {
            Some(Meaning::Entry(entry)) => of_entry(&entry, here),
            _ => item(here, kind::VARIABLE, "", ""),
        };
        found.insert(here.clone(), entry);
    }
    let around = names.outline.function_at(offset);
    let is_seen = |at: usize| around.is_some_and(|function| function.body.contains(&at));
    for name in names.outline.names.iter().filter(|name| name.is_outer || is_seen(name.at.start)) {
        found.insert(name.name.clone(), item(&name.name, kind::VARIABLE, "", ""));
    }
    for function in &names.outline.functions {
        found.insert(function.name.clone(), of_function(function));
    }
    for parameter in around.iter().flat_map(|function| &function.parameters) {
        let name = parameter.name.trim_start_matches('*');
        found.insert(name.to_owned(), item(name, kind::VARIABLE, &parameter.text(), ""));
    }
    found.into_values().collect()
}

/// What a call calls.
fn called(names: &Names<'_>, call: &Call, offset: usize) -> Option<Entry> {
    match names.meaning(&call.callee, offset)? {
        Meaning::Entry(entry) => Some(entry),
        Meaning::Function(function) => Some(reference::of_definition(&function, None)),
        Meaning::Value { .. } => None,
    }
}

/// `textDocument/hover`.
pub(super) fn hover(names: &Names<'_>, offset: usize) -> Value {
    let place = place(&names.document.text, offset);
    let Some(word) = names.document.text.get(place.word.clone()).filter(|word| !word.is_empty()) else {
        return Value::Null;
    };
    let text = match (&place.holder, parameter_at(names, &place, word, offset)) {
        (_, Some(text)) => Some(text),
        (Some(holder), None) => names.entry(&format!("{holder}.{word}")).map(reference::of_entry),
        (None, None) => match names.meaning(word, offset) {
            Some(Meaning::Entry(entry)) => Some(reference::of_entry(&entry)),
            Some(Meaning::Function(function)) => Some(reference::of_entry(&reference::of_definition(&function, None))),
            Some(Meaning::Value { text, .. }) => Some(format!("```python\n{text}\n```")),
            None => None,
        },
    };
    text.map_or(
        Value::Null,
        |text| json!({"contents": markdown(text.trim()), "range": names.document.range(&place.word)}),
    )
}

/// The word as the name of an argument.
fn parameter_at(names: &Names<'_>, place: &Place, word: &str, offset: usize) -> Option<String> {
    let call = place.call.as_ref()?;
    call.given.iter().find(|(_, at)| *at == place.word)?;
    let entry = called(names, call, offset)?;
    let parameter = entry.parameters.iter().find(|parameter| parameter.name == word)?;
    Some(reference::of_parameter(parameter).trim_start_matches("- ").to_owned())
}

/// `textDocument/signatureHelp`.
pub(super) fn signature(names: &Names<'_>, offset: usize) -> Value {
    let place = place(&names.document.text, offset);
    let Some(call) = place.call.filter(|_| !place.is_comment) else { return Value::Null };
    let Some(entry) = called(names, &call, offset).filter(|entry| entry.kind == EntryKind::Function) else {
        return Value::Null;
    };
    let shown: Vec<_> = entry.shown_parameters().into_iter().filter(|parameter| parameter != "*").collect();
    let parameters: Vec<_> = shown
        .iter()
        .zip(&entry.parameters)
        .map(|(label, parameter)| json!({"label": label, "documentation": markdown(&parameter.text)}))
        .collect();
    let by_name = |name: &String| entry.parameters.iter().position(|parameter| parameter.name == *name);
    let placed = entry.parameters.iter().filter(|parameter| !parameter.named_only).count();
    let active = match &call.keyword {
        Some(name) => by_name(name),
        None => Some(call.index.min(placed.saturating_sub(1))),
    };
    json!({
        "signatures": [{"label": entry.signature(), "documentation": markdown(&entry.text), "parameters": parameters}],
        "activeSignature": 0,
        "activeParameter": active,
    })
}

/// `textDocument/definition`.
pub(super) fn definition(names: &Names<'_>, uri: &str, offset: usize) -> Value {
    let place = place(&names.document.text, offset);
    if let Some(literal) = &place.literal {
        return of_literal(names, uri, names.document.text.get(literal.clone()).unwrap_or_default());
    }
    let word = names.document.text.get(place.word.clone()).unwrap_or_default();
    let here = |at| json!({"uri": uri, "range": names.document.range(at)});
    match names.meaning(word, offset).filter(|_| place.holder.is_none()) {
        Some(Meaning::Function(function)) => here(&function.at),
        Some(Meaning::Value { at, .. }) => here(&at),
        Some(Meaning::Entry(entry)) if entry.load.is_some() => in_another(names, word).unwrap_or(Value::Null),
        Some(Meaning::Entry(_)) => Value::Null,
        None => in_another(names, word).unwrap_or(Value::Null),
    }
}

/// Where a loaded name is defined; the `load` itself for what is part of orch.
fn in_another(names: &Names<'_>, word: &str) -> Option<Value> {
    let (path, there) = names.load_of(word)?;
    let Some(file) = names.file_at(path) else {
        let load = names.outline.loads.iter().find(|load| load.path == path)?;
        let (.., at) = load.names.iter().find(|(here, ..)| here == word)?;
        return Some(json!({"uri": names.uri()?, "range": names.document.range(at)}));
    };
    let document = super::document::Document { text: names.text_of(path)? };
    let outline = crate::orchfile::outline::outline(&document.text);
    let assigned = outline.names.iter().find(|name| name.name == there).map(|name| name.at.clone());
    let at = outline.function(there).map(|function| function.at.clone()).or(assigned).unwrap_or(0..0);
    Some(json!({"uri": uri_of(&file), "range": document.range(&at)}))
}

/// A file that a literal names, or the resource.
fn of_literal(names: &Names<'_>, uri: &str, text: &str) -> Value {
    if let Some(file) = names.file_at(text).filter(|_| !text.is_empty()) {
        let start = json!({"line": 0, "character": 0});
        return json!({"uri": uri_of(&file), "range": {"start": start, "end": start}});
    }
    let resource = names.resources().into_iter().find(|(name, _)| name == text);
    resource.map_or(Value::Null, |(_, at)| json!({"uri": uri, "range": names.document.range(&(at..at))}))
}
