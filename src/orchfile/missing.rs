//! Paths in `deps` at which there is nothing and which nobody makes: most of them are misspelt.

use super::{context::Context, lower::label_at_entry};
use crate::{
    diag::{Diagnostic, Severity, suggest::suggest},
    model::{FilePath, ResourceName},
    orchfile::{sources::EntryKind, text::Site},
};
use std::{collections::BTreeSet, iter};

/// No more are told of: a generated list would hide all else.
const TOLD_MAX: usize = 20;
/// What a pattern has, and hardly any path.
const OF_PATTERNS: [char; 3] = ['*', '?', '['];

/// A warning for each of them. They are watched from now on, so that the warning goes when they come.
pub(super) fn warnings(context: &Context<'_>) -> Vec<Diagnostic> {
    if !context.mode.tells_missing_paths() {
        return Vec::new();
    }
    let draft = context.draft.borrow();
    let locals = || draft.resources.iter().filter_map(|resource| Some((resource, resource.kind.local()?)));
    let made: BTreeSet<&FilePath> = locals().flat_map(|(_, local)| &local.outputs).collect();
    // What lies below a path comes right behind it.
    let is_made = |path: &FilePath| {
        let has_made = made.range::<FilePath, _>(path..).next().is_some_and(|output| output.is_within(path));
        has_made || iter::successors(Some(path.clone()), FilePath::parent).any(|folder| made.contains(&folder))
    };
    let paths = locals().flat_map(|(resource, local)| local.inputs.roots.iter().map(move |path| (resource, path)));
    let missing = paths.filter(|(_, path)| matches!(context.kind(path), Ok(None)) && !is_made(path));
    missing
        .take(TOLD_MAX)
        .map(|(resource, path)| warning(context, &resource.name, resource.site.as_ref(), path))
        .collect()
}

fn warning(context: &Context<'_>, name: &ResourceName, site: Option<&Site>, path: &FilePath) -> Diagnostic {
    context.watch_absent(path);
    let shown = context.display(path);
    let help = if shown.contains(OF_PATTERNS) {
        "`deps` takes files and folders, not patterns: name the folder, and with `ignore` what of it does not count"
            .to_owned()
    } else if let Some(near) = nearest(context, path) {
        format!("did you mean `{near}`?")
    } else {
        "if a resource makes it, let that one name it in `outputs`".to_owned()
    };
    Diagnostic {
        severity: Severity::Warning,
        code: "orchfile::missing_path".to_owned(),
        message: format!("`{name}` depends on `{shown}`, and there is no such file or folder"),
        labels: label_at_entry(site, "deps", &shown, ""),
        help: Some(help),
        frames: Vec::new(),
    }
}

/// A path that is there, and differs in the name of one folder or file.
fn nearest(context: &Context<'_>, path: &FilePath) -> Option<String> {
    let mut missing = path.clone();
    let mut folder = missing.parent()?;
    while !matches!(context.kind(&folder), Ok(Some(EntryKind::Folder))) {
        missing = folder;
        folder = missing.parent()?;
    }
    let name = missing.as_path().file_name()?.to_str()?;
    let rest = path.as_path().strip_prefix(missing.as_path()).ok()?;
    let entries = context.list(&folder, false).ok()?;
    let names = entries.iter().filter_map(|entry| entry.path.as_path().file_name()?.to_str());
    let near = folder.join(suggest(name, names)?).join(rest);
    matches!(context.kind(&near), Ok(Some(_))).then(|| context.display(&near))
}
