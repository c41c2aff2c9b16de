//! What a compose project is read from: its files, and the files that those name. All of them are watched.

use super::argument::Argument;
use crate::{
    model::{ComposeProject, Digest, FilePath},
    orchfile::{
        Fault,
        builtins::{files::read_text, tree::Tree, yaml},
        context::{Context, resolve_path},
        draft::ComposeText,
    },
};
use regex::Regex;
use starlark::eval::Evaluator;
use std::{collections::BTreeMap, sync::LazyLock};

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

/// Watches what the texts of a project name: files of variables, files that are included or extended. Gives the digest of all
/// that the compose tool reads; `None` where that cannot be told.
pub(super) fn watch(
    project: &ComposeProject,
    texts: &[ComposeText],
    context: &Context<'_>,
) -> Result<Option<Digest>, Fault> {
    let mut look = Look { context, seen: BTreeMap::new(), is_sure: true };
    match &project.env_file {
        Some(file) => {
            let missing = || {
                let message = format!("there is no file `{}` to take variables from", context.display(file));
                Fault::new("orchfile::missing_file", message).at_argument("env_file")
            };
            look.read(file).ok_or_else(missing)?;
        }
        None => look.variables(&project.dir),
    }
    for text in texts {
        let path = text.path.clone().unwrap_or_else(|| FilePath::new(format!("/dev/stdin/{}", look.seen.len())));
        look.seen.insert(path, Some(Digest::of(text.text.as_bytes())));
        look.document(&text.text, &project.dir, 0);
    }
    let digest = |(path, content): (&FilePath, &Option<Digest>)| format!("{path}\0{content:?}\0");
    let seen: String = look.seen.iter().map(digest).collect();
    Ok(look.is_sure.then(|| Digest::of(seen.as_bytes())))
}

/// What was looked at so far. What cannot be read or understood is left to the compose tool to complain about.
struct Look<'c, 'a> {
    context: &'c Context<'a>,
    /// The content of each file; `None` where there is none.
    seen: BTreeMap<FilePath, Option<Digest>>,
    /// The tool reads these and nothing else.
    is_sure: bool,
}

impl Look<'_, '_> {
    /// The content of a file that was not seen yet.
    fn read(&mut self, path: &FilePath) -> Option<String> {
        if self.seen.contains_key(path) {
            return None;
        }
        let content = self.context.read(path).ok();
        self.seen.insert(path.clone(), content.as_deref().map(Digest::of));
        content.map(|content| String::from_utf8_lossy(&content).into_owned())
    }

    /// Looks through a compose file whose paths are relative to `dir`.
    fn document(&mut self, text: &str, dir: &FilePath, depth: usize) {
        let documents = yaml::parse_stream(text);
        self.is_sure &= documents.is_ok() && depth <= DEPTH_MAX;
        for document in documents.unwrap_or_default().into_iter().filter(|_| depth <= DEPTH_MAX) {
            for (_, service) in entries(field(&document, "services")) {
                for name in ["env_file", "label_file"].into_iter().filter_map(|name| field(service, name)) {
                    self.all(name, "path", dir);
                }
                if let Some(file) = field(service, "extends").and_then(|extends| field(extends, "file")) {
                    self.compose_files(file, dir, depth);
                }
            }
            for included in items(field(&document, "include")) {
                self.included(included, dir, depth);
            }
        }
    }

    /// Looks through an entry of `include`. Without `env_file` its variables are in `.env` of its own folder.
    fn included(&mut self, entry: &Tree, dir: &FilePath, depth: usize) {
        let paths = field(entry, "path").unwrap_or(entry);
        match (field(entry, "env_file"), field(entry, "project_directory").and_then(text)) {
            (Some(files), _) => self.all(files, "path", dir),
            (None, Some(folder)) => {
                let folder = dir.join(self.interpolated(folder));
                self.variables(&folder);
            }
            (None, None) => {
                let first = items(Some(paths)).find_map(text).unwrap_or_default();
                let first = dir.join(self.interpolated(first));
                first.parent().iter().for_each(|folder| self.variables(folder));
            }
        }
        self.compose_files(paths, dir, depth);
    }

    /// Reads the variables that hold in a folder; Tilt does not watch them.
    fn variables(&mut self, folder: &FilePath) {
        let file = folder.join(".env");
        if !self.seen.contains_key(&file) {
            let content = self.context.read_silently(&file).ok();
            self.seen.insert(file, content.map(|content| Digest::of(&content)));
        }
    }

    /// Reads the files that `tree` names: a path, or a list of those or of maps that have it at `key`.
    fn all(&mut self, tree: &Tree, key: &str, dir: &FilePath) {
        for path in items(Some(tree)).filter_map(|item| text(field(item, key).unwrap_or(item))) {
            let path = dir.join(self.interpolated(path));
            self.read(&path);
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

    fn interpolated(&mut self, text: &str) -> String {
        // A variable may come from a file, and what is included from elsewhere.
        self.is_sure &= !text.contains(['$', ':']);
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
