//! The reference of the language: every name that a file can use, as its own doc comment tells it. `orch docs`, the page in
//! `docs/` and the language server show nothing else.

mod page;
mod values;

use super::{context::STD, globals, outline, stdlib};
use serde::Serialize;
use starlark::{
    docs::{DocFunction, DocItem, DocMember, DocModule, DocParam, DocString, DocType},
    typing::Ty,
};

pub use page::{of_entry, of_parameter, page};

/// One name of the language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The whole name, such as `os.path.join`.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// The file of the standard library that it is loaded from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
    /// What it does, in Markdown; empty where nothing is said.
    pub text: String,
    /// What a function takes, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// The type of the value, or of what a function gives; `None` where it can be any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gives: Option<String>,
}

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// It can be called.
    Function,
    /// It is a value.
    Value,
    /// It holds other names.
    Module,
    /// It is the type of values, with what these have.
    Type,
}

/// What a function takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// Its name, with the stars of one that gathers the rest.
    pub name: String,
    /// The type; `None` where it can be any.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
    /// Whether a call must give it.
    pub required: bool,
    /// What it is when it is not given, where that can be said in the language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether it can be given by its name only.
    pub named_only: bool,
    /// What it is for; empty where nothing is said.
    pub text: String,
}

impl Entry {
    /// How it is called; of what is no function, its name.
    #[must_use]
    pub fn signature(&self) -> String {
        match self.kind {
            EntryKind::Function => format!("{}({})", self.name, self.shown_parameters().join(", ")),
            EntryKind::Value | EntryKind::Module | EntryKind::Type => self.name.clone(),
        }
    }

    /// The parameters as the signature shows them, with the `*` before those that are given by name only.
    #[must_use]
    pub fn shown_parameters(&self) -> Vec<String> {
        let mut shown = Vec::new();
        let mut is_marked = self.parameters.iter().any(|parameter| parameter.name.starts_with('*'));
        for parameter in &self.parameters {
            if parameter.named_only && !is_marked {
                shown.push("*".to_owned());
                is_marked = true;
            }
            shown.push(match (&parameter.default, parameter.required) {
                (Some(default), _) => format!("{}={default}", parameter.name),
                (None, true) => parameter.name.clone(),
                (None, false) if parameter.name.starts_with('*') => parameter.name.clone(),
                (None, false) => format!("{}=…", parameter.name),
            });
        }
        shown
    }

    /// The first sentence of what it does.
    #[must_use]
    pub fn summary(&self) -> &str {
        let first = self.text.split("\n\n").next().unwrap_or_default();
        first.split_inclusive(['.', '\n']).next().unwrap_or_default().trim_end_matches(['.', '\n'])
    }
}

/// Every name: those that need no `load`, then those of the standard library.
#[must_use]
pub fn entries() -> Vec<Entry> {
    let mut found = Vec::new();
    of_module("", &globals().documentation(), &mut found);
    found.retain(|entry| !entry.name.starts_with("__"));
    found.extend(
        values::OF_FILES.iter().map(|name| plain((*name).to_owned(), EntryKind::Value, None, Some("str".into()))),
    );
    for entry in found.iter_mut().filter(|entry| entry.text.is_empty()) {
        values::text(&entry.name).unwrap_or_default().clone_into(&mut entry.text);
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    for file in stdlib::names() {
        found.extend(stdlib::text(file).into_iter().flat_map(|text| of_library(&loaded_from(file), text)));
    }
    found
}

/// What a `load` can name of the standard library.
#[must_use]
pub fn libraries() -> Vec<String> {
    stdlib::names().map(loaded_from).collect()
}

/// The text of the file of the standard library that a `load` names.
#[must_use]
pub fn library(load: &str) -> Option<&'static str> {
    stdlib::names().find(|file| loaded_from(file) == load).and_then(stdlib::text)
}

/// The names of one file of the standard library, as a `load` takes them.
pub fn of_library(load: &str, text: &str) -> Vec<Entry> {
    let outline = outline::outline(text);
    let public = outline.functions.iter().filter(|function| function.is_outer && !function.name.starts_with('_'));
    public.map(|function| of_definition(function, Some(load.to_owned()))).collect()
}

/// What a `load` says for a file of the standard library.
fn loaded_from(file: &str) -> String {
    match file.strip_prefix("ext/").and_then(|name| name.strip_suffix("/Tiltfile")) {
        Some(extension) => format!("ext://{extension}"),
        None => format!("{STD}{file}"),
    }
}

/// What a `def` with its docstring says.
#[must_use]
pub fn of_definition(function: &outline::Function, load: Option<String>) -> Entry {
    let docs = function.docs.as_deref().unwrap_or_default();
    let (text, told) = split_arguments(docs);
    let mut after_star = false;
    let parameters = function.parameters.iter().map(|parameter| {
        let plain = parameter.name.trim_start_matches('*');
        let about = told.iter().find(|(name, _)| name == plain).map(|(_, about)| about.clone());
        let named_only = after_star && !parameter.name.starts_with('*');
        after_star |= parameter.name.starts_with('*');
        Parameter {
            name: parameter.name.clone(),
            typ: None,
            required: parameter.default.is_none() && !parameter.name.starts_with('*'),
            default: parameter.default.clone(),
            named_only,
            text: about.unwrap_or_default(),
        }
    });
    let parameters = parameters.collect();
    Entry { name: function.name.clone(), kind: EntryKind::Function, load, text, parameters, gives: None }
}

/// The lines `name: what it is` below `Args:`, and the rest of a docstring.
fn split_arguments(docs: &str) -> (String, Vec<(String, String)>) {
    let (mut text, mut told): (Vec<&str>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    let mut is_within = false;
    for line in docs.lines() {
        let indent = line.len() - line.trim_start().len();
        match line.trim() {
            "Args:" | "Arguments:" => is_within = true,
            "" if is_within => {}
            _ if is_within && indent == 0 => {
                is_within = false;
                text.push(line);
            }
            trimmed if is_within => match trimmed.split_once(": ") {
                Some((name, about)) if indent <= 4 && !name.contains(' ') => {
                    told.push((name.trim_start_matches('*').to_owned(), about.to_owned()));
                }
                _ => told.iter_mut().next_back().into_iter().for_each(|(_, about)| {
                    about.push(' ');
                    about.push_str(trimmed);
                }),
            },
            _ => text.push(line),
        }
    }
    (text.join("\n").trim().to_owned(), told)
}

fn of_module(prefix: &str, module: &DocModule, found: &mut Vec<Entry>) {
    for (name, item) in &module.members {
        let name = format!("{prefix}{name}");
        match item {
            DocItem::Module(inner) => {
                found.push(plain(name.clone(), EntryKind::Module, inner.docs.as_ref(), None));
                of_module(&format!("{name}."), inner, found);
            }
            DocItem::Type(typ) => of_type(name, typ, found),
            DocItem::Member(member) => found.push(of_member(name, member)),
        }
    }
}

fn of_type(name: String, typ: &DocType, found: &mut Vec<Entry>) {
    found.push(match &typ.constructor {
        Some(constructor) => {
            let mut entry = of_function(name.clone(), constructor);
            if entry.text.is_empty() {
                entry.text = text_of(typ.docs.as_ref());
            }
            entry
        }
        None => plain(name.clone(), EntryKind::Type, typ.docs.as_ref(), shown(&typ.ty)),
    });
    found.extend(typ.members.iter().map(|(member, docs)| of_member(format!("{name}.{member}"), docs)));
}

fn of_member(name: String, member: &DocMember) -> Entry {
    match member {
        DocMember::Property(property) => plain(name, EntryKind::Value, property.docs.as_ref(), shown(&property.typ)),
        DocMember::Function(function) => of_function(name, function),
    }
}

fn plain(name: String, kind: EntryKind, docs: Option<&DocString>, gives: Option<String>) -> Entry {
    Entry { name, kind, load: None, text: text_of(docs), parameters: Vec::new(), gives }
}

fn of_function(name: String, function: &DocFunction) -> Entry {
    let params = &function.params;
    let one = |param: &DocParam, stars: &str, named_only: bool| Parameter {
        name: format!("{stars}{}", param.name),
        typ: shown(&param.typ),
        required: param.default_value.is_none() && stars.is_empty(),
        // What the interpreter shows for a parameter that may be absent says nothing.
        default: param.default_value.clone().filter(|value| value != "..." && value != "_"),
        named_only,
        text: text_of(param.docs.as_ref()),
    };
    let placed = params.pos_only.iter().chain(&params.pos_or_named).map(|param| one(param, "", false));
    let rest = params.args.iter().map(|param| one(param, "*", false));
    let named = params.named_only.iter().map(|param| one(param, "", true));
    let more = params.kwargs.iter().map(|param| one(param, "**", false));
    let parameters = placed.chain(rest).chain(named).chain(more).collect();
    let (text, gives) = (text_of(function.docs.as_ref()), shown(&function.ret.typ));
    Entry { name, kind: EntryKind::Function, load: None, text, parameters, gives }
}

fn shown(ty: &Ty) -> Option<String> {
    Some(ty.to_string()).filter(|text| text != "typing.Any")
}

fn text_of(docs: Option<&DocString>) -> String {
    let Some(docs) = docs else { return String::new() };
    let parts = [Some(&docs.summary), docs.details.as_ref(), docs.examples.as_ref()];
    parts.into_iter().flatten().map(|part| part.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}
