//! Where `ext://NAME` leads: to the library in the binary, or into a repository that is fetched by git and kept in orch's cache.

use super::{
    EntryKind, Fault, SourceCommand,
    context::Context,
    convert,
    draft::{ApiObject, Selection},
    load, stdlib,
};
use crate::{
    diag::suggest::{did_you_mean, suggest},
    model::{Digest, FilePath, Level},
};
use serde_json::json;
use std::{collections::BTreeMap, mem};

/// The file of an extension.
const FILE: &str = "Tiltfile";
/// The repository of names that say no other.
const DEFAULT: &str = "default";
/// Where Tilt's own extensions are. Those that people use most are part of orch.
const DEFAULT_URL: &str = "https://github.com/tilt-dev/tilt-extensions";
const REPOSITORIES: &str = "extensionrepos";
const EXTENSIONS: &str = "extensions";

/// Where the text of an extension is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the binary, by its name in the standard library.
    Embedded(String),
    /// In a repository.
    File(FilePath),
}

/// Finds the extension `name`: registered ones first, then those in the binary, then the default repository.
///
/// # Errors
/// There is none, or its repository cannot be had.
pub(super) fn find(context: &Context<'_>, name: &str) -> Result<Place, Fault> {
    let own_name = name.replace('/', "_");
    let registered = mark_loaded(context, &own_name);
    let (repository, path) = match registered {
        Some(found) => found,
        None => match of_load_host(context, name) {
            Some(found) => found,
            None => match of_default(context, name) {
                Ok(found) => found,
                Err(embedded) => return Ok(embedded),
            },
        },
    };
    if !is_known(context, EXTENSIONS, &own_name) {
        let body = json!({ "repoName": repository, "repoPath": path });
        add(context, ApiObject::of_loader(EXTENSIONS, &own_name, body));
    }
    file(context, name, &repository, &path).map(Place::File)
}

fn is_known(context: &Context<'_>, kind: &str, name: &str) -> bool {
    context.draft.borrow().api.iter().any(|object| object.kind == kind && object.name == name)
}

fn add(context: &Context<'_>, object: ApiObject) {
    context.draft.borrow_mut().api.push(object);
}

/// Repository and path of an extension that is registered by that name; it is loaded from now on.
fn mark_loaded(context: &Context<'_>, name: &str) -> Option<(String, String)> {
    let mut draft = context.draft.borrow_mut();
    let object = draft.api.iter_mut().find(|object| object.kind == EXTENSIONS && object.name == name)?;
    object.is_loaded();
    Some(place_of(object))
}

fn place_of(extension: &ApiObject) -> (String, String) {
    let path = Some(extension.text("repoPath")).filter(|path| !path.is_empty());
    (extension.text("repoName").to_owned(), path.unwrap_or(&extension.name).to_owned())
}

/// `HOST/PATH` of a repository that says that it is `HOST`.
fn of_load_host(context: &Context<'_>, name: &str) -> Option<(String, String)> {
    let (host, path) = name.split_once('/')?;
    let draft = context.draft.borrow();
    let is_it = |object: &&ApiObject| object.kind == REPOSITORIES && object.text("loadHost") == host;
    let repository = draft.api.iter().find(is_it)?;
    Some((repository.name.clone(), path.to_owned()))
}

/// The default repository, or what is in the binary where nobody says that it is another.
fn of_default(context: &Context<'_>, name: &str) -> Result<(String, String), Place> {
    let url = url_of(context, DEFAULT);
    let is_tilts = url.as_ref().is_none_or(|url| is_tilts(url));
    let embedded = format!("ext/{name}/{FILE}");
    if is_tilts && stdlib::text(&embedded).is_some() {
        return Err(Place::Embedded(embedded));
    }
    if url.is_none() {
        add(context, ApiObject::of_loader(REPOSITORIES, DEFAULT, json!({ "url": DEFAULT_URL })));
    }
    Ok((DEFAULT.to_owned(), name.to_owned()))
}

/// Whether it is the repository whose extensions are part of orch.
fn is_tilts(url: &str) -> bool {
    url.trim_end_matches('/').trim_end_matches(".git") == DEFAULT_URL
}

fn url_of(context: &Context<'_>, repository: &str) -> Option<String> {
    let draft = context.draft.borrow();
    let found = draft.api.iter().find(|object| object.kind == REPOSITORIES && object.name == repository)?;
    Some(found.text("url").to_owned())
}

/// The file of an extension in its repository.
fn file(context: &Context<'_>, name: &str, repository: &str, path: &str) -> Result<FilePath, Fault> {
    let found = context.draft.borrow().api.iter().find(|it| it.kind == REPOSITORIES && it.name == repository).cloned();
    let found = found.ok_or_else(|| {
        let draft = context.draft.borrow();
        let known = draft.api.iter().filter(|object| object.kind == REPOSITORIES).map(|object| object.name.as_str());
        let fault =
            no_extension(format!("the extension `{name}` is in the repository `{repository}`, which no one registers"));
        let register = || format!("register it: `v1alpha1.extension_repo(name=\"{repository}\", url=…)`");
        fault.help(suggest(repository, known).map_or_else(register, |near| format!("did you mean `{near}`?")))
    })?;
    let folder = folder(context, &found).map_err(|fault| perhaps_embedded(fault, name, &found))?;
    let folder = match found.text("gitSubpath") {
        "" => folder,
        below => folder.join(below),
    };
    let file = folder.join(path).join(FILE);
    match context.kind(&file) {
        Ok(Some(EntryKind::File)) => Ok(file),
        _ => Err(not_there(context, name, &found, &folder, path)),
    }
}

/// Where a repository cannot be had, the name may be that of an extension that needs none.
fn perhaps_embedded(fault: Fault, name: &str, repository: &ApiObject) -> Fault {
    if !is_tilts(repository.text("url")) {
        return fault;
    }
    let near = suggest(name, embedded());
    let help = near.map_or_else(
        || format!("`{name}` is not among the extensions that are part of orch, so that its repository is needed once: is the network there?"),
        |near| format!("did you mean `ext://{near}`? that one is part of orch"),
    );
    fault.help(help)
}

/// The names of the extensions in the binary.
fn embedded() -> impl Iterator<Item = &'static str> {
    stdlib::names().filter_map(|name| name.strip_prefix("ext/")?.strip_suffix("/Tiltfile"))
}

fn no_extension(message: String) -> Fault {
    Fault::new("orchfile::no_extension", message)
}

fn not_there(context: &Context<'_>, name: &str, repository: &ApiObject, folder: &FilePath, path: &str) -> Fault {
    let entries = context.list(folder, false).unwrap_or_default();
    let names = entries.iter().filter(|entry| entry.kind == EntryKind::Folder);
    let names = names.filter_map(|entry| entry.path.as_path().file_name()?.to_str());
    let mut known: Vec<&str> = names.collect();
    embedded().for_each(|name| known.push(name));
    let help = did_you_mean(path, known);
    let url = repository.text("url");
    no_extension(format!("there is no extension `{name}`: `{url}` has no `{path}/{FILE}`")).maybe_help(help)
}

/// The folder of a repository on this machine.
fn folder(context: &Context<'_>, repository: &ApiObject) -> Result<FilePath, Fault> {
    let (url, reference) = (repository.text("url"), repository.text("ref"));
    let fault = |message: String| Fault::new("orchfile::extension_repo", message);
    if let Some(path) = url.strip_prefix("file://") {
        if !reference.is_empty() {
            let message = format!("the extension repository `{}` is a folder, which no `ref` can pin", repository.name);
            return Err(fault(message).help("leave out `ref`"));
        }
        return Ok(FilePath::new(path));
    }
    if reference.starts_with('-') || url.starts_with('-') {
        return Err(fault(format!("`{url}` at `{reference}` is no repository")));
    }
    let folder = cache(context).join(folder_name(url, reference));
    let is_kept = matches!(context.kind(&folder.join(".git")), Ok(Some(_)));
    if is_kept && !reference.is_empty() {
        return Ok(folder);
    }
    fetch(context, url, reference, &folder, is_kept)?;
    Ok(folder)
}

/// Where repositories are kept.
fn cache(context: &Context<'_>) -> FilePath {
    let given = |name: &str| context.request.environment.get(name).filter(|path| !path.is_empty());
    let caches = given("XDG_CACHE_HOME").map(FilePath::new);
    let caches = caches.or_else(|| given("HOME").map(|home| FilePath::new(home).join(".cache")));
    let own = caches.map_or_else(|| context.root.join(".orch"), |caches| caches.join("orch"));
    own.join("extensions")
}

/// One for each repository and each pin.
fn folder_name(url: &str, reference: &str) -> String {
    let last = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default().trim_end_matches(".git");
    let last: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
    let digest = Digest::of(format!("{url}\n{reference}").as_bytes()).to_string();
    format!("{last}-{}", digest.get(..12).unwrap_or(&digest))
}

/// Clones into a folder beside the kept one and moves it there, so that a fetch that breaks off leaves nothing half. Without a pin
/// what is kept follows the repository; where that cannot be reached it stays as it is.
const FETCH: &str = r#"
export GIT_TERMINAL_PROMPT=0
if [ -d "$EXT_DIR/.git" ]; then
  git -C "$EXT_DIR" fetch --quiet --depth 1 origin HEAD && git -C "$EXT_DIR" reset --quiet --hard FETCH_HEAD || echo stale
  exit 0
fi
command -v git >/dev/null || { echo "there is no program git in the PATH" >&2; exit 127; }
new="$EXT_DIR.$$"
trap 'rm -rf "$new"' EXIT
mkdir -p "$(dirname "$EXT_DIR")" || exit 1
if [ -z "$EXT_REF" ]; then
  git clone --quiet --depth 1 "$EXT_URL" "$new" || exit 1
else
  git clone --quiet "$EXT_URL" "$new" && git -C "$new" -c advice.detachedHead=false checkout --quiet "$EXT_REF" || exit 1
fi
mv -T "$new" "$EXT_DIR" 2>/dev/null || [ -d "$EXT_DIR/.git" ]
"#;

fn fetch(context: &Context<'_>, url: &str, reference: &str, folder: &FilePath, is_kept: bool) -> Result<(), Fault> {
    if !is_kept {
        context.say(Level::Info, format!("fetches the extension repository {url}"));
    }
    let env = [("EXT_URL", url), ("EXT_REF", reference), ("EXT_DIR", &folder.to_string())];
    let command = SourceCommand {
        argv: ["sh", "-c", FETCH].map(str::to_owned).to_vec(),
        dir: context.root.clone(),
        env: env.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).into_iter().collect::<BTreeMap<_, _>>(),
        stdin: None,
        quiet: true,
        echo: false,
        // Once in a session: what a first evaluation fetched, the next ones use.
        inputs: Some(Digest::of(b"extension repository")),
    };
    let fault = |message: String| Fault::new("orchfile::extension_repo", message);
    let output = context.run(command).map_err(|error| fault(format!("`{url}` cannot be fetched: {error}")))?;
    if output.code != 0 {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let reason = stderr.trim_end().lines().last().unwrap_or_default().trim_start_matches("fatal: ");
        if reason.contains("pathspec") {
            let message = format!("the extension repository `{url}` has no `{reference}`");
            return Err(fault(message).help("let `ref` be one of its tags, branches or commits"));
        }
        let at = if reference.is_empty() { String::new() } else { format!(" at `{reference}`") };
        return Err(fault(format!("the extension repository `{url}`{at} cannot be fetched: {reason}"))
            .help("it is needed once, and kept then: is the network there, and is the address right?"));
    }
    if output.stdout.starts_with(b"stale") {
        context
            .say(Level::Warning, format!("{url} cannot be reached: its extensions are those that were fetched before"));
    }
    Ok(())
}

/// Runs the extensions that are registered and that nobody loads, each as a file of its own with its own arguments.
///
/// # Errors
/// What is wrong with one.
pub(super) fn run_registered(context: &Context<'_>) -> Result<(), Fault> {
    let mut next = 0;
    loop {
        let object = context.draft.borrow().api.get(next).cloned();
        let Some(object) = object else { return Ok(()) };
        next += 1;
        if object.kind == EXTENSIONS && !object.was_loaded() {
            run(context, &object)?;
        }
    }
}

fn run(context: &Context<'_>, object: &ApiObject) -> Result<(), Fault> {
    let (repository, path) = place_of(object);
    let file = match file(context, &object.name, &repository, &path) {
        Ok(file) => file,
        Err(fault) => {
            context.report(object.site.as_ref(), fault);
            return Ok(());
        }
    };
    let args = object.body.get("args").and_then(|args| args.as_array());
    let args = args.into_iter().flatten().filter_map(|arg| arg.as_str().map(str::to_owned)).collect();
    let config = mem::replace(&mut *context.config.borrow_mut(), super::builtins::config::ConfigState::with_args(args));
    let selection = context.draft.borrow().selection.clone();
    let key = file.to_string();
    let result = load::once(context, &key, |context| load::execute_file(context, &key, &file));
    *context.config.borrow_mut() = config;
    set_selection(context, selection);
    match result {
        Err(fault) if !fault.is_exit() => Err(Fault::diagnosed(convert::of_fault(&fault))),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn set_selection(context: &Context<'_>, selection: Selection) {
    context.draft.borrow_mut().selection = selection;
}
