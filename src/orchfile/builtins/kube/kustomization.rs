//! What a kustomization is made of: the files that it and those below it name.

use super::super::{image::ignore, tree::Tree, yaml};
use crate::{
    model::FilePath,
    orchfile::context::{Context, READ_BYTES_MAX},
};
use std::collections::BTreeSet;

/// The names that its file may have.
const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// Lists of files and of folders with further kustomizations.
const LISTS: [&str; 10] = [
    "bases",
    "components",
    "configurations",
    "crds",
    "generators",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "resources",
    "transformers",
];
/// Lists of what generates objects of files.
const GENERATORS: [&str; 2] = ["configMapGenerator", "secretGenerator"];

/// Watches all that the kustomization of a folder is made of.
pub(super) fn watch(folder: &FilePath, context: &Context<'_>) {
    visit(folder, context, &mut BTreeSet::new());
}

fn visit(folder: &FilePath, context: &Context<'_>, seen: &mut BTreeSet<FilePath>) {
    if !seen.insert(folder.clone()) {
        return;
    }
    let file = FILES.iter().map(|name| folder.join(name)).find(|path| ignore::is_file(path, context));
    let Some(file) = file else { return };
    let Some(document) = read(&file, context) else { return };
    for path in named(&document).into_iter().filter(|path| !is_remote(path)).map(|path| folder.join(&path)) {
        if ignore::is_folder(&path, context) {
            visit(&path, context, seen);
        } else {
            // What is a patch in the text itself is no path, and no file of that name will appear.
            context.watch(path);
        }
    }
}

fn read(file: &FilePath, context: &Context<'_>) -> Option<Tree> {
    context.watch(file.clone());
    let bytes = context.peek(file, READ_BYTES_MAX).ok()?;
    yaml::parse_stream(&String::from_utf8_lossy(&bytes)).ok()?.into_iter().next()
}

fn is_remote(path: &str) -> bool {
    path.contains("://") || path.contains('\n') || path.starts_with("git@") || path.starts_with("github.com/")
}

/// All paths that a kustomization names.
fn named(document: &Tree) -> Vec<String> {
    let mut paths = Vec::new();
    for list in LISTS {
        for item in items(document, list) {
            paths.extend(text(item).or_else(|| get(item, "path").and_then(text)));
        }
    }
    for generator in GENERATORS.iter().flat_map(|list| items(document, list)) {
        let files = items(generator, "files").filter_map(text);
        // `KEY=FILE` gives the key another name than the file has.
        paths.extend(files.map(|file| file.split_once('=').map_or(file.clone(), |(_, file)| file.to_owned())));
        paths.extend(items(generator, "envs").filter_map(text));
        paths.extend(get(generator, "env").and_then(text));
    }
    for chart in items(document, "helmCharts") {
        paths.extend(get(chart, "valuesFile").and_then(text));
    }
    paths
}

fn get<'t>(tree: &'t Tree, name: &str) -> Option<&'t Tree> {
    let Tree::Map(entries) = tree else { return None };
    entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn items<'t>(tree: &'t Tree, list: &str) -> impl Iterator<Item = &'t Tree> + use<'t> {
    match get(tree, list) {
        Some(Tree::List(items)) => items.iter(),
        _ => [].iter(),
    }
}

fn text(tree: &Tree) -> Option<String> {
    match tree {
        Tree::Text(text) => Some(text.clone()),
        _ => None,
    }
}
