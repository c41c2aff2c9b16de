//! Extensions: those of the library, each with a case in `tests/cases/ext`, and those of repositories.

use super::git::Git;
use crate::{
    case::{Case, check_folder},
    conformance,
};
use orch::{
    diag::render,
    model::{FilePath, Level},
    orchfile::{KubeWish, Limits, LoadRequest, Loaded, LocalSources, Told, Voice, dump, load, reference},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

/// Evaluates a `Tiltfile`; its commands are really run. Gives what came of it, and what was told.
fn evaluate(folder: &Path) -> (Loaded, Vec<String>, Vec<String>) {
    let (printed, said) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let (lines, notes) = (printed.clone(), said.clone());
    let kubeconfig = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/kubeconfig");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let environment: BTreeMap<String, String> = [
        ("PATH", std::env::var("PATH").unwrap()),
        ("HOME", text(&folder.join(".home"))),
        ("LANG", "C.UTF-8".to_owned()),
        ("KUBECONFIG", text(&kubeconfig)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let env = environment.clone();
    let sources = LocalSources::new(
        move |command| conformance::run(command, &env),
        move |told| match told {
            Told::Line { level: Level::Info | Level::Warning, voice: Voice::File, text } => {
                lines.lock().unwrap().push(text);
            }
            Told::Line { voice: Voice::Orch, text, .. } => notes.lock().unwrap().push(text),
            _ => {}
        },
    );
    let request = LoadRequest {
        file: FilePath::new(folder.join("Tiltfile")),
        args: Vec::new(),
        subcommand: "up".to_owned(),
        kube: KubeWish::default(),
        environment,
        limits: Limits::default(),
    };
    let loaded = load(&request, &sources);
    (loaded, printed.lock().unwrap().clone(), said.lock().unwrap().clone())
}

fn check(case: &Case) -> BTreeMap<&'static str, String> {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().canonicalize().unwrap().join("work");
    fs::create_dir(&folder).unwrap();
    case.write_files(&folder, &["eval", "diagnostics"]);
    let (loaded, printed, _) = evaluate(&folder);
    let here = folder.to_str().unwrap();
    let shown = dump(&loaded, &FilePath::new(&folder), &printed);
    let eval = if loaded.project.is_some() { serde_json::to_string_pretty(&shown).unwrap() } else { String::new() };
    let diagnostics = render(&loaded.diagnostics, false, 100);
    BTreeMap::from([("eval", eval.replace(here, "$DIR")), ("diagnostics", diagnostics.replace(here, "$DIR"))])
}

#[test]
fn extensions_of_the_library() {
    check_folder("ext", &["eval", "diagnostics"], check);
}

#[test]
fn every_extension_of_the_library_has_a_case() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases: BTreeSet<String> = names(&root.join("tests/cases/ext"));
    let missing: Vec<_> = names(&root.join("stdlib/ext")).into_iter().filter(|name| !cases.contains(name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn every_function_of_an_extension_stands_in_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/extensions.md")).unwrap();
    let entries = reference::entries().into_iter();
    let of_extensions = entries.filter(|entry| entry.load.as_ref().is_some_and(|load| load.starts_with("ext://")));
    let missing: Vec<_> = of_extensions.filter(|entry| !page.contains(&format!("`{}`", entry.name))).collect();
    assert!(missing.is_empty(), "not in docs/extensions.md: {missing:#?}");
}

fn names(folder: &Path) -> BTreeSet<String> {
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    fs::read_dir(folder).unwrap().map(|entry| name(&entry.unwrap().path())).collect()
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[track_caller]
fn printed(folder: &Path) -> Vec<String> {
    let (loaded, printed, _) = evaluate(folder);
    assert!(loaded.project.is_some(), "{}", render(&loaded.diagnostics, false, 100));
    printed
}

const SHOUT: &str = "load(\"./util.star\", \"twice\")\nload(\"ext://local_output\", \"local_output\")\ndef shout(text):\n    return twice(text) + local_output(\"echo !\")\n";

#[test]
fn a_repository_is_fetched_once_and_followed() {
    let top = tempfile::tempdir().unwrap();
    let (repository, work) = (Git::new(&top.path().join("tools")), top.path().join("work"));
    repository
        .commit(&[("below/shout/Tiltfile", SHOUT), ("below/shout/util.star", "def twice(x):\n    return x + x\n")]);
    let declare = format!(
        "v1alpha1.extension_repo('tools', url='{}', git_subpath='below', load_host='tools')\n",
        repository.path().display()
    );
    write(&work, &[("Tiltfile", &(declare + "load('ext://tools/shout', 'shout')\nprint(shout('a'))\n"))]);
    assert_eq!(printed(&work), ["aa!"]);
    // It goes on, and so does what is kept here.
    repository.commit(&[("below/shout/util.star", "def twice(x):\n    return x + ' ' + x\n")]);
    assert_eq!(printed(&work), ["a a!"]);
    // It cannot be reached any more: what was fetched is taken, and told.
    fs::rename(repository.path(), top.path().join("away")).unwrap();
    let (loaded, printed, said) = evaluate(&work);
    assert!(loaded.project.is_some());
    assert_eq!(printed, ["a a!"]);
    assert!(said.iter().any(|line| line.contains("cannot be reached")), "{said:?}");
}

#[test]
fn a_pin_that_the_repository_has_not_is_told() {
    let top = tempfile::tempdir().unwrap();
    let (repository, work) = (Git::new(&top.path().join("tools")), top.path().join("work"));
    repository.commit(&[("fmt/Tiltfile", "def fmt(s):\n    return s\n")]);
    let declare = format!("v1alpha1.extension_repo('tools', url='{}', ref='v9')\n", repository.path().display());
    let text = declare + "v1alpha1.extension('f', repo_name='tools', repo_path='fmt')\nload('ext://f', 'fmt')\n";
    write(&work, &[("Tiltfile", &text)]);
    let said = render(&evaluate(&work).0.diagnostics, false, 200);
    assert!(said.contains("has no `v9`") && said.contains("tags, branches or commits"), "{said}");
}

#[test]
fn a_pin_stays_whatever_the_repository_does() {
    let top = tempfile::tempdir().unwrap();
    let (repository, work) = (Git::new(&top.path().join("tools")), top.path().join("work"));
    let first = repository.commit(&[("fmt/Tiltfile", "def fmt(s):\n    return '<' + s + '>'\n")]);
    let text = format!(
        "v1alpha1.extension_repo('tools', url='{}', ref='{first}')\nv1alpha1.extension('f', repo_name='tools', repo_path='fmt')\n\
         load('ext://f', 'fmt')\nprint(fmt('x'))\n",
        repository.path().display()
    );
    write(&work, &[("Tiltfile", &text)]);
    repository.commit(&[("fmt/Tiltfile", "def fmt(s):\n    return s\n")]);
    assert_eq!(printed(&work), ["<x>"]);
    fs::remove_dir_all(repository.path()).unwrap();
    assert_eq!(printed(&work), ["<x>"]);
}

#[test]
fn what_cannot_be_fetched_says_so() {
    let top = tempfile::tempdir().unwrap();
    let nowhere = top.path().join("nowhere.git");
    let text = format!("v1alpha1.extension_repo('default', url='{}')\nload('ext://fmt', 'fmt')\n", nowhere.display());
    write(top.path(), &[("Tiltfile", &text)]);
    let (loaded, ..) = evaluate(top.path());
    let drawn = render(&loaded.diagnostics, false, 100);
    assert!(drawn.contains("cannot be fetched: repository") && drawn.contains("is the network there"), "{drawn}");
    let kept = top.path().join(".home/.cache/orch/extensions");
    assert_eq!(fs::read_dir(kept).unwrap().count(), 0, "nothing half is left");
}

#[test]
fn an_extension_that_nobody_loads_runs_with_its_own_arguments() {
    let top = tempfile::tempdir().unwrap();
    write(
        top.path(),
        &[
            (
                "Tiltfile",
                "v1alpha1.extension_repo('ours', url='file://' + os.getcwd())\nconfig.define_string('mine')\n\
                 v1alpha1.extension('sub', repo_name='ours', args=['--name', 'x'])\nprint(config.parse())\n\
                 local_resource('a', 'true')\n",
            ),
            (
                "sub/Tiltfile",
                "config.define_string('name')\nlocal_resource('of-' + config.parse()['name'], 'true')\n\
                 print(__name__, os.path.basename(os.getcwd()))\n",
            ),
        ],
    );
    let (loaded, printed, _) = evaluate(top.path());
    assert_eq!(printed, ["{}", "__main__ sub"]);
    let names: Vec<_> = loaded.project.unwrap().resources.iter().map(|resource| resource.name.to_string()).collect();
    assert_eq!(names, ["a", "of-x"]);
}
