//! What of a folder is no part of an image: arguments, `.dockerignore`, and what never is.

use crate::{
    model::{Digest, EvaluationInput, FilePath, IgnoreRule, Seen},
    orchfile::{
        EntryKind, Fault,
        context::{Context, READ_BYTES_MAX},
        draft::IgnoreFile,
    },
};
use std::sync::Arc;

/// The file in a folder that says what of it is ignored.
const IGNORE_FILE: &str = ".dockerignore";
/// Folders below a context, or the project, that are never sent.
const NEVER_SENT: [&str; 2] = [".git", ".orch"];

/// Files that were looked at.
pub(crate) type Looked = Vec<IgnoreFile>;

/// What is ignored below some folders, gathered.
#[derive(Default)]
pub(crate) struct Ignores {
    /// In the order in which they hold.
    pub(crate) rules: Vec<Arc<IgnoreRule>>,
    /// What was read for them.
    pub(crate) looked: Looked,
}

impl Ignores {
    /// Patterns of an argument, relative to a folder.
    pub(crate) fn patterns(&mut self, folder: &FilePath, patterns: &[String]) {
        if !patterns.is_empty() {
            self.rules.push(Arc::new(IgnoreRule::new(folder.clone(), patterns.to_vec())));
        }
    }

    /// Only these paths below a folder are not ignored.
    pub(crate) fn only(&mut self, folder: &FilePath, paths: &[String]) {
        if !paths.is_empty() {
            let kept = paths.iter().map(|path| format!("!{path}"));
            let patterns = std::iter::once("**".to_owned()).chain(kept).collect();
            self.rules.push(Arc::new(IgnoreRule::new(folder.clone(), patterns)));
        }
    }

    /// What the ignore file of a folder says, or that of a Dockerfile instead where there is one.
    pub(crate) fn file(&mut self, folder: &FilePath, dockerfile: Option<&FilePath>, context: &Context<'_>) {
        let own = folder.join(IGNORE_FILE);
        let beside = dockerfile.map(|dockerfile| FilePath::new(format!("{dockerfile}{IGNORE_FILE}")));
        let beside = beside.and_then(|path| {
            let text = self.read(path, context);
            // Tilt does not watch for one to appear.
            self.looked.iter_mut().for_each(|looked| looked.listed = text.is_some());
            text
        });
        // That of the folder is looked at in any case: it counts when the other one goes.
        let own = self.read(own, context);
        if let Some(looked) = self.looked.last_mut() {
            looked.listed = is_folder(folder, context);
        }
        let text = beside.or(own);
        let rule = text.map(|text| IgnoreRule::of_text(folder.clone(), &text));
        self.rules.extend(rule.filter(|rule| !rule.patterns.is_empty()).map(Arc::new));
    }

    /// What is never part of an image: the files that are evaluated, and what git and orch keep.
    pub(crate) fn always(&mut self, folders: &[FilePath], context: &Context<'_>) {
        let evaluated = [context.request.file.clone(), context.file()];
        let kept = folders.iter().flat_map(|folder| NEVER_SENT.map(|name| folder.join(name)));
        let own = context.root.join(NEVER_SENT[1]);
        for path in evaluated.into_iter().chain(kept).chain([own]) {
            let rule = IgnoreRule::new(path, Vec::new());
            if self.rules.iter().all(|other| **other != rule) {
                self.rules.push(Arc::new(rule));
            }
        }
    }

    fn read(&mut self, path: FilePath, context: &Context<'_>) -> Option<String> {
        let (seen, text) = match context.peek(&path, READ_BYTES_MAX) {
            Ok(bytes) => (Seen::Content(Digest::of(&bytes)), Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Seen::Absent, None),
            Err(_) => (Seen::Tree, None),
        };
        self.looked.push(IgnoreFile { input: EvaluationInput { path, seen }, listed: true });
        text
    }
}

/// Whether patterns can be patterns of a `.dockerignore`.
///
/// # Errors
/// One that spans lines.
pub(crate) fn check_patterns(patterns: &[String], name: &str) -> Result<(), Fault> {
    match patterns.iter().find(|pattern| pattern.contains('\n')) {
        Some(pattern) => {
            let message = format!("a pattern of `{name}` spans lines: {pattern:?}");
            Err(Fault::value(message).help("give a list with one pattern each").at_argument(name))
        }
        None => Ok(()),
    }
}

/// Whether all these are paths and not patterns.
///
/// # Errors
/// One with a star.
pub(crate) fn check_paths(paths: &[String], name: &str) -> Result<(), Fault> {
    match paths.iter().find(|path| path.contains('*')) {
        Some(path) => Err(Fault::value(format!("`{name}` takes paths, and `{path}` is a pattern"))
            .help("name files and folders, and leave out some of them with `ignore=`")
            .at_argument(name)),
        None => Ok(()),
    }
}

/// Whether there is a folder at this path.
pub(crate) fn is_folder(path: &FilePath, context: &Context<'_>) -> bool {
    matches!(context.kind(path), Ok(Some(EntryKind::Folder)))
}

/// Whether there is a file at this path.
pub(crate) fn is_file(path: &FilePath, context: &Context<'_>) -> bool {
    matches!(context.kind(path), Ok(Some(EntryKind::File)))
}
