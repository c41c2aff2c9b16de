//! What a name of a text means: something of the text itself, of a file that it loads, or of the language.

use super::document::{Document, uri_of};
use crate::{
    model::FilePath,
    orchfile::{
        EntryKind, LocalSources, Sources,
        outline::{self, Function, Outline},
        place,
        reference::{self, Entry},
    },
};
use std::ops::Range;

/// A file that is loaded is not read beyond this size.
const BYTES_MAX: u64 = 1 << 20;

/// Calls that make a resource, or speak of one, by their first argument.
const DECLARING: &[&str] =
    &["local_resource", "docker_container", "k8s_custom_deploy", "dc_resource", "k8s_resource", "test"];

/// A text with what its names mean.
pub(super) struct Names<'a> {
    /// The names of the language.
    pub(super) entries: &'a [Entry],
    /// The text.
    pub(super) document: &'a Document,
    /// What it defines.
    pub(super) outline: Outline,
    /// Where it is.
    file: Option<FilePath>,
}

/// What a name means.
pub(super) enum Meaning {
    /// A function or value of the language, or a function that is loaded.
    Entry(Entry),
    /// A function of the text.
    Function(Function),
    /// A name that the text gives a value, here.
    Value { at: Range<usize>, text: String },
}

impl<'a> Names<'a> {
    pub(super) fn of(document: &'a Document, file: Option<FilePath>, entries: &'a [Entry]) -> Self {
        Self { entries, document, outline: outline::outline(&document.text), file }
    }

    /// What `name` means at an offset.
    pub(super) fn meaning(&self, name: &str, offset: usize) -> Option<Meaning> {
        self.own(name, offset).or_else(|| self.loaded(name)).or_else(|| self.entry(name).cloned().map(Meaning::Entry))
    }

    /// The entry of a name of the language.
    pub(super) fn entry(&self, name: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.load.is_none() && entry.name == name)
    }

    fn own(&self, name: &str, offset: usize) -> Option<Meaning> {
        if let Some(around) = self.outline.function_at(offset) {
            let parameter = around.parameters.iter().find(|parameter| parameter.name.trim_start_matches('*') == name);
            if let Some(parameter) = parameter {
                let text = format!("{}, a parameter of {}", parameter.text(), around.name);
                return Some(Meaning::Value { at: parameter.at.clone(), text });
            }
            let within = self.outline.names.iter().find(|it| it.name == name && around.body.contains(&it.at.start));
            if let Some(within) = within {
                return Some(Meaning::Value { at: within.at.clone(), text: shown(&within.name, &within.value) });
            }
        }
        if let Some(function) = self.outline.function(name) {
            return Some(Meaning::Function(function.clone()));
        }
        let outer = self.outline.names.iter().find(|it| it.name == name && it.is_outer)?;
        Some(Meaning::Value { at: outer.at.clone(), text: shown(&outer.name, &outer.value) })
    }

    fn loaded(&self, name: &str) -> Option<Meaning> {
        let (path, there) = self.load_of(name)?;
        let function = self.functions_of(path).into_iter().find(|function| function.name == there)?;
        Some(Meaning::Entry(reference::of_definition(&function, Some(path.to_owned()))))
    }

    /// The file that a name is loaded from, and what it is called there.
    pub(super) fn load_of(&self, name: &str) -> Option<(&str, &str)> {
        self.outline.loads.iter().find_map(|load| {
            let (_, there, _) = load.names.iter().find(|(here, ..)| here == name)?;
            Some((load.path.as_str(), there.as_str()))
        })
    }

    /// The public functions of a file that can be loaded.
    pub(super) fn functions_of(&self, path: &str) -> Vec<Function> {
        let outline = self.text_of(path).map(|text| outline::outline(&text)).unwrap_or_default();
        outline.functions.into_iter().filter(|function| function.is_outer && !function.name.starts_with('_')).collect()
    }

    /// The text of a file that can be loaded.
    pub(super) fn text_of(&self, path: &str) -> Option<String> {
        if let Some(text) = reference::library(path) {
            return Some(text.to_owned());
        }
        let bytes = LocalSources::silent().read(&self.file_at(path)?, BYTES_MAX).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// The file that a path in the text means, if there is one.
    pub(super) fn file_at(&self, path: &str) -> Option<FilePath> {
        let file = self.file.as_ref()?.parent()?.join(path);
        let kind = LocalSources::silent().kind(&file).ok()??;
        (kind == EntryKind::File).then_some(file)
    }

    /// The address of the text.
    pub(super) fn uri(&self) -> Option<String> {
        self.file.as_ref().map(uri_of)
    }

    /// The files beside the text that could be loaded.
    pub(super) fn files_beside(&self) -> Vec<String> {
        let Some(folder) = self.file.as_ref().and_then(FilePath::parent) else { return Vec::new() };
        let entries = LocalSources::silent().list(&folder, false).unwrap_or_default();
        let files = entries.into_iter().filter(|entry| entry.kind == EntryKind::File);
        let names = files.filter_map(|entry| Some(entry.path.as_path().file_name()?.to_str()?.to_owned()));
        let is_starlark = |name: &String| {
            name.contains("Tiltfile") || name.contains("Orchfile") || name.to_ascii_lowercase().ends_with(".star")
        };
        names
            .filter(is_starlark)
            .filter(|name| self.file.as_ref().is_none_or(|file| !file.as_path().ends_with(name)))
            .collect()
    }

    /// The names of resources that the text declares with a literal, with the offset of the call.
    pub(super) fn resources(&self) -> Vec<(String, usize)> {
        let calls = place::calls(&self.document.text).into_iter();
        let declaring = calls.filter(|(call, _)| DECLARING.contains(&call.callee.as_str()));
        declaring.filter_map(|(call, at)| Some((call.literals.first()?.clone(), at.start))).collect()
    }
}

/// `name = value`, on one line.
fn shown(name: &str, value: &str) -> String {
    let first = value.lines().next().unwrap_or_default();
    let rest = if value.lines().count() > 1 { " …" } else { "" };
    if value.is_empty() { name.to_owned() } else { format!("{name} = {first}{rest}") }
}
