//! All objects together, where one names another.

use super::body::{self, DisableBody, EntryBody, IgnoreBody, WatchBody};
use crate::{
    diag::suggest::did_you_mean,
    model::{FilePath, FileSet, IgnoreRule},
    orchfile::{context::Context, draft::ApiObject},
};
use std::sync::Arc;

/// The objects of the project.
pub(super) struct Objects<'a, 'c> {
    pub(super) context: &'a Context<'c>,
    pub(super) all: &'a [ApiObject],
}

impl<'a> Objects<'a, '_> {
    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &'a ApiObject> + use<'a> {
        self.all.iter().filter(move |object| object.kind == kind)
    }

    pub(super) fn find(&self, kind: &'static str, name: &str) -> Option<&'a ApiObject> {
        self.of_kind(kind).find(|object| object.name == name)
    }

    /// All that these file watches see.
    pub(super) fn watched(&self, object: &ApiObject, names: &[String]) -> FileSet {
        let mut set = FileSet { roots: Vec::new(), ignore: Vec::new() };
        for name in names {
            self.warn_of_unknown(object, "filewatches", "file watch", name);
            let Some(watch) = self.find("filewatches", name).map(body::of::<WatchBody>) else { continue };
            if self.is_disabled(watch.disable_source.as_ref()) {
                continue;
            }
            set.roots.extend(watch.watched_paths.iter().map(FilePath::new));
            let rule =
                |ignore: IgnoreBody| Arc::new(IgnoreRule::new(FilePath::new(&ignore.base_path), ignore.patterns));
            set.ignore.extend(watch.ignores.into_iter().map(rule));
        }
        set
    }

    /// Whether the config maps that decide that say so.
    pub(super) fn is_disabled(&self, source: Option<&DisableBody>) -> bool {
        let Some(source) = source else { return false };
        let is_on = |entry: &EntryBody| {
            let map = self.find("configmaps", &entry.name)?;
            let value = map.body.get("data")?.get(&entry.key)?.as_str()?;
            Some(value != "true")
        };
        // What is not there turns nothing on.
        let is_off = |entry: &EntryBody| !is_on(entry).unwrap_or(false);
        source.config_map.as_ref().is_some_and(is_off)
            || (!source.every_config_map.is_empty() && source.every_config_map.iter().all(is_off))
    }

    pub(super) fn warn_of_unknown(&self, object: &ApiObject, kind: &'static str, what: &str, name: &str) {
        if self.find(kind, name).is_some() {
            return;
        }
        let message = format!("the command `{}` is started by the {what} `{name}`, which no one declares", object.name);
        let known: Vec<_> = self.of_kind(kind).map(|known| known.name.as_str()).collect();
        let help = did_you_mean(name, known);
        self.context.warn(object.site.as_ref(), "orchfile::unknown_object", message, help);
    }
}
