//! What a compose project is read from: its files, and the files that those name. All of them are watched.

use super::argument::Argument;
use crate::{
    model::{ComposeProject, FilePath},
    orchfile::{
        Fault,
        builtins::{files::read_text, tree::Tree, yaml},
        context::{Context, resolve_path},
        draft::ComposeText,
    },
};
use regex::Regex;
use starlark::eval::Evaluator;
use std::{collections::BTreeSet, sync::LazyLock};

/// So many files deep compose files may include each other before nobody looks any further.
const DEPTH_MAX: usize = 8;

/// A variable in a path: `$NAME`, `${NAME}` or `${NAME:-default}`.
static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})").ok());

/// What the arguments say; the files among them are watched.
pub(super) fn texts(arguments: Vec<Argument>, eval: &Evaluator<'_, '_, '_>) -> Result<Vec<ComposeText>, Fault> {
    let text = |argument| match argument {
        Argument::Text(text) => Ok(ComposeText { path: None, text }),
        Argument::Path(path) => {
            let text = read_text(&path, false, eval).map_err(|fault| fault.help("name a compose file"))?;
            Ok(ComposeText { path: Some(resolve_path(eval, &path)), text: text.unwrap_or_default() })
        }
    };
    arguments.into_iter().map(text).collect()
}

/// Watches what the texts of a project name: files of variables, files that are included or extended.
pub(super) fn watch(project: &ComposeProject, texts: &[ComposeText], context: &Context<'_>) -> Result<(), Fault> {
    if let Some(file) = &project.env_file
        && context.read(file).is_err()
    {
        let message = format!("there is no file `{}` to take variables from", context.display(file));
        return Err(Fault::new("orchfile::missing_file", message).at_argument("env_file"));
    }
    let mut look = Look { context, seen: BTreeSet::new() };
    if project.env_file.is_none() {
        look.seen.insert(project.dir.join(".env"));
        // The tool reads it, if it is there.
        drop(context.read_silently(&project.dir.join(".env")));
    }
    for text in texts {
        look.seen.extend(text.path.clone());
        look.document(&text.text, &project.dir, 0);
    }
    Ok(())
}

/// What was looked at so far. What cannot be read or understood is left to the compose tool to complain about.
struct Look<'c, 'a> {
    context: &'c Context<'a>,
    seen: BTreeSet<FilePath>,
}

impl Look<'_, '_> {
    fn read(&mut self, path: &FilePath) -> Option<String> {
        if !self.seen.insert(path.clone()) {
            return None;
        }
        String::from_utf8(self.context.read(path).ok()?).ok()
    }

    /// Looks through a compose file whose paths are relative to `dir`.
    fn document(&mut self, text: &str, dir: &FilePath, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        for document in yaml::parse_stream(text).unwrap_or_default() {
            for (_, service) in entries(field(&document, "services")) {
                for name in ["env_file", "label_file"].into_iter().filter_map(|name| field(service, name)) {
                    self.all(name, "path", dir);
                }
                if let Some(file) = field(service, "extends").and_then(|extends| field(extends, "file")) {
                    self.compose_files(file, dir, depth);
                }
            }
            for included in items(field(&document, "include")) {
                self.compose_files(field(included, "path").unwrap_or(included), dir, depth);
                if let Some(files) = field(included, "env_file") {
                    self.all(files, "path", dir);
                }
            }
        }
    }

    /// Reads the files that `tree` names: a path, or a list of those or of maps that have it at `key`.
    fn all(&mut self, tree: &Tree, key: &str, dir: &FilePath) {
        for path in items(Some(tree)).filter_map(|item| text(field(item, key).unwrap_or(item))) {
            self.read(&dir.join(self.interpolated(path)));
        }
    }

    /// Looks through the compose files that `tree` names.
    fn compose_files(&mut self, tree: &Tree, dir: &FilePath, depth: usize) {
        for path in items(Some(tree)).filter_map(text) {
            let path = dir.join(self.interpolated(path));
            if let (Some(content), Some(dir)) = (self.read(&path), path.parent()) {
                self.document(&content, &dir, depth + 1);
            }
        }
    }

    fn interpolated(&self, text: &str) -> String {
        let value = |found: &regex::Captures<'_>| {
            let name = found.get(1).or(found.get(2)).map_or("", |name| name.as_str());
            let value = self.context.env(name).filter(|value| !value.is_empty());
            value.unwrap_or_else(|| found.get(3).map_or("", |default| default.as_str()).to_owned())
        };
        VARIABLE.as_ref().map_or_else(|| text.to_owned(), |variable| variable.replace_all(text, value).into_owned())
    }
}

fn field<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    entries(Some(tree)).find(|(key, _)| key == name).map(|(_, value)| value)
}

fn entries(tree: Option<&Tree>) -> impl Iterator<Item = &(String, Tree)> {
    let entries = match tree {
        Some(Tree::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    entries.iter()
}

/// The items of a list, or the one thing that stands there instead.
fn items(tree: Option<&Tree>) -> impl Iterator<Item = &Tree> {
    let items = match tree {
        Some(Tree::List(items)) => items.as_slice(),
        Some(other) => std::slice::from_ref(other),
        None => &[],
    };
    items.iter()
}

fn text(tree: &Tree) -> Option<&str> {
    match tree {
        Tree::Text(text) => Some(text),
        _ => None,
    }
}
