//! The rules that no compiler checks: who may use whom, what each file must say, words that do not appear.
//!
//! Each rule is a pure function from the text of a file to its faults, with a test that it finds one.

use regex::Regex;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

/// Which folders (or files) of `src` each one may use. `ARCHITECTURE.md` says why.
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("diag", &["model"]),
    ("orchfile", &["model", "diag"]),
    ("snapshot", &["model", "diag"]),
    ("engine", &["model", "diag", "snapshot"]),
    ("logs", &["model", "diag"]),
    ("lsp", &["model", "diag", "orchfile"]),
    ("store", &["model", "diag", "snapshot"]),
    ("host", &["model", "diag", "logs", "store", "snapshot", "orchfile", "engine"]),
    ("session", &["engine", "host", "snapshot", "logs", "store", "model", "diag"]),
    ("report", &["snapshot", "logs", "model", "diag"]),
    ("dashboard", &["snapshot", "logs", "model", "diag"]),
    (
        "cli",
        &[
            "dashboard",
            "model",
            "diag",
            "orchfile",
            "snapshot",
            "engine",
            "logs",
            "store",
            "host",
            "session",
            "report",
            "lsp",
        ],
    ),
    // The shim and the child that evaluates are programs of their own within this one.
    ("main", &["cli", "host"]),
    ("lib", &[]),
];

/// Crates that only some layers may use, so that each can be swapped in one place. What is not named here may be used anywhere.
const CRATES: &[(&str, &[&str])] = &[
    ("tokio", &["host", "session", "cli"]),
    ("starlark", &["orchfile"]),
    ("starlark_syntax", &["orchfile"]),
    ("starlark_map", &["orchfile"]),
    ("allocative", &["orchfile"]),
    ("serde_saphyr", &["orchfile", "host"]),
    ("semver", &["orchfile"]),
    ("miette", &["diag"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("ratatui", &["dashboard", "cli"]),
    // Events alone in the dashboard; the terminal is the shell's.
    ("crossterm", &["dashboard", "cli"]),
    ("unicode_width", &["dashboard", "report"]),
    ("chrono", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("terminal_size", &["cli", "host"]),
    ("rusqlite", &["store"]),
    ("notify", &["host"]),
    ("nix", &["host", "logs", "session", "store", "cli"]),
    ("libc", &["host"]),
    ("axum", &["host"]),
    ("bollard", &["host"]),
    ("bollard_buildkit_proto", &["host"]),
    ("tonic", &["host"]),
    ("prost", &["host"]),
    ("kube_client", &["host"]),
    ("kube_runtime", &["host"]),
    ("k8s_openapi", &["host"]),
    ("rustls", &["host"]),
    ("tokio_rustls", &["host"]),
    ("tar", &["host"]),
    ("tokio_util", &["host"]),
    ("tokio_stream", &["host"]),
    ("futures_util", &["host"]),
    ("hyper", &["host", "cli"]),
    ("hyper_util", &["host", "cli"]),
    ("http_body_util", &["host", "cli"]),
    ("globset", &["model"]),
];

/// Parts of the standard library that the pure layers do without.
const PURE: &[(&str, &[&str])] = &[
    (
        "engine",
        &["std::fs", "std::net", "std::process", "std::thread", "std::env", "HashMap", "HashSet", "Mutex", "RwLock"],
    ),
    ("model", &["std::fs", "std::net", "std::process", "std::thread", "Mutex", "RwLock"]),
    (
        "dashboard",
        &["std::fs", "std::net", "std::process", "std::thread", "std::env", "std::io", "Mutex", "RwLock", "SystemTime"],
    ),
    ("snapshot", &["std::fs", "std::net", "std::process", "std::thread", "Mutex", "RwLock"]),
];

/// Parts of a file's name that say nothing.
const EMPTY_NAMES: &[&str] = &["manager", "handler", "helper", "util", "common", "info", "data"];

/// Diagnostics without a case: of a defect of orch, and of an evaluation that nobody waits for any more.
const UNSEEN: &[&str] = &["orchfile::internal", "orchfile::cancelled"];

/// Words that nobody commits. In halves, so that this file does not hold them.
const LEFT_BEHIND: &[&str] =
    &[concat!("db", "g!("), concat!("to", "do!("), concat!("FIX", "ME"), concat!("XX", "X"), concat!("TO", "DO")];

#[test]
fn no_layer_uses_what_it_may_not() {
    check("src", "rs", |file| layer_faults(&layer_of(&file.path), &code_of(&file.text)));
}

#[test]
fn pure_layers_do_without_the_world() {
    check("src", "rs", |file| purity_faults(&layer_of(&file.path), &code_of(&file.text)));
}

#[test]
fn every_module_says_what_it_owns() {
    for folder in ["src", "tests/it", "benches"] {
        check(folder, "rs", |file| module_doc_faults(&file.text));
    }
}

#[test]
fn no_file_has_an_empty_name() {
    for folder in ["src", "tests/it", "benches", "stdlib"] {
        check(folder, "", |file| name_faults(&file.path));
    }
}

#[test]
fn nothing_is_left_behind() {
    for (folder, extension) in
        [("src", "rs"), ("tests/it", "rs"), ("benches", "rs"), ("stdlib", "star"), ("examples", "")]
    {
        check(folder, extension, |file| left_behind_faults(&file.text));
    }
}

#[test]
fn every_diagnostic_has_a_case() {
    let cases: String =
        files("tests", "").into_iter().filter(|file| !is_this_file(&file.path)).map(|file| file.text).collect();
    let codes: BTreeSet<String> =
        files("src", "rs").iter().flat_map(|file| diagnostic_codes(&code_of(&file.text))).collect();
    let missing: Vec<_> =
        codes.iter().filter(|code| !cases.contains(code.as_str()) && !UNSEEN.contains(&code.as_str())).collect();
    assert!(missing.is_empty(), "no case in tests/ shows these diagnostics: {missing:#?}");
}

#[test]
fn the_table_names_every_layer() {
    let named: BTreeSet<String> = LAYERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let found: BTreeSet<String> = files("src", "rs").iter().map(|file| layer_of(&file.path)).collect();
    let unnamed: Vec<_> = found.difference(&named).collect();
    assert!(unnamed.is_empty(), "in src but not in the table of layers: {unnamed:?}");
}

#[test]
fn the_standard_library_is_embedded_whole() {
    let embedded = fs::read_to_string(root().join("src/orchfile/stdlib.rs")).unwrap();
    check("stdlib", "", |file| {
        let name = file.path.strip_prefix(root().join("stdlib")).unwrap().display().to_string();
        if embedded.contains(&format!("\"{name}\",")) { Vec::new() } else { vec!["is not embedded".to_owned()] }
    });
}

#[test]
fn every_crate_has_an_allowed_licence() {
    let allowed = fs::read_to_string(root().join("deny.toml")).unwrap();
    let metadata = Command::new(env!("CARGO"))
        // What is built for other platforms need not be there.
        .args(["metadata", "--offline", "--format-version", "1", "--filter-platform", &platform(), "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let refused: Vec<String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| !is_allowed(package["license"].as_str().unwrap_or("none"), &allowed))
        .map(|package| format!("{} ({})", package["name"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "deny.toml does not allow the licences of: {refused:#?}");
}

/// The platform that this is built for.
fn platform() -> String {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Whether an SPDX expression, at most `(A OR B) AND C`, can be met with the licences that deny.toml allows.
fn is_allowed(licence: &str, allowed: &str) -> bool {
    let choices =
        |part: &str| part.replace('/', " OR ").split(" OR ").map(|word| word.trim().to_owned()).collect::<Vec<_>>();
    let parts = licence.split(" AND ").map(|part| part.trim_matches(['(', ')']));
    parts.into_iter().all(|part| choices(part).iter().any(|choice| allowed.contains(&format!("\"{choice}\""))))
}

/// Uses of one layer by another, and of crates, that the tables do not allow.
fn layer_faults(layer: &str, code: &str) -> Vec<String> {
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("`{layer}` is not in the table of layers")];
    };
    let ours = used_layers(code)
        .into_iter()
        .filter(|used| used != layer && !allowed.contains(&used.as_str()))
        .filter(|used| LAYERS.iter().any(|(name, _)| name == used))
        .map(|used| format!("`{layer}` uses `{used}`"));
    let foreign = CRATES
        .iter()
        .filter(|(name, layers)| !layers.contains(&layer) && uses_crate(code, name))
        .map(|(name, _)| format!("`{layer}` uses the crate `{name}`"));
    ours.chain(foreign).collect()
}

/// What a pure layer names of the world.
fn purity_faults(layer: &str, code: &str) -> Vec<String> {
    // `use std::{fs, …}` says the same as `std::fs`.
    static GROUP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bstd::\{([^;]*)\};").unwrap());
    let Some((_, forbidden)) = PURE.iter().find(|(name, _)| *name == layer) else { return Vec::new() };
    let named = forbidden.iter().filter(|word| code.contains(**word)).map(|word| (*word).to_owned());
    let grouped = GROUP.captures_iter(code).flat_map(|found| heads_of_group(&format!("{}}}", &found[1])));
    let grouped = grouped.map(|head| format!("std::{head}")).filter(|path| forbidden.contains(&path.as_str()));
    named.chain(grouped).map(|word| format!("`{layer}` names `{word}`")).collect()
}

/// A file that does not say what it is about.
fn module_doc_faults(text: &str) -> Vec<String> {
    if text.lines().any(|line| line.starts_with("//! ")) {
        Vec::new()
    } else {
        vec!["has no `//!` that says what it owns".into()]
    }
}

fn name_faults(path: &Path) -> Vec<String> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let words: Vec<&str> = stem.split(['_', '-', '.']).collect();
    let empty = EMPTY_NAMES
        .iter()
        .filter(|name| words.iter().any(|word| word.trim_end_matches('s') == name.trim_end_matches('s')));
    empty.map(|name| format!("a file name with `{name}` says nothing")).collect()
}

fn left_behind_faults(text: &str) -> Vec<String> {
    LEFT_BEHIND.iter().filter(|word| text.contains(**word)).map(|word| format!("holds `{word}`")).collect()
}

/// The layers that `crate::…` paths name, in `use` groups too.
fn used_layers(code: &str) -> BTreeSet<String> {
    static SINGLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|orch)::([a-z_]+)\b").unwrap());
    static GROUP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|orch)::\{").unwrap());
    let single = SINGLE.captures_iter(code).map(|found| found[1].to_owned());
    let grouped = GROUP.find_iter(code).flat_map(|found| heads_of_group(&code[found.end()..]));
    single.chain(grouped).collect()
}

/// The first names of the paths in a `use` group whose opening brace was just read.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut word) = (1, Vec::new(), String::new());
    let mut at_head = true;
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 1 && at_head && (character.is_alphanumeric() || character == '_') {
            word.push(character);
        } else if !word.is_empty() {
            heads.push(std::mem::take(&mut word));
            at_head = false;
        }
        if depth == 1 && character == ',' {
            at_head = true;
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

fn uses_crate(code: &str, name: &str) -> bool {
    static PATH: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|[^:\w.])(?:::)?([a-z_]+)::|\buse ([a-z_]+)\b").unwrap());
    PATH.captures_iter(code)
        .any(|found| [1, 2].iter().any(|group| found.get(*group).is_some_and(|is| is.as_str() == name)))
}

/// String literals of the form `layer::name`.
fn diagnostic_codes(code: &str) -> Vec<String> {
    static CODE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#""((?:orchfile|cli|config|engine|host|session|store|eval)::[a-z_]+)""#).unwrap());
    CODE.captures_iter(code).map(|found| found[1].to_owned()).collect()
}

/// The text without its comments.
fn code_of(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The folder below `src` that a file is in, or its own name: `host`, `session`, `main`.
fn layer_of(path: &Path) -> String {
    let below = path.strip_prefix(root().join("src")).unwrap_or(path);
    let first =
        below.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
    first.trim_end_matches(".rs").to_owned()
}

struct File {
    path: PathBuf,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn is_this_file(path: &Path) -> bool {
    path.ends_with("it/tidy.rs")
}

/// All files below a folder with that extension (any, if it is empty) that hold text, sorted by path.
fn files(folder: &str, extension: &str) -> Vec<File> {
    let mut found = Vec::new();
    collect(&root().join(folder), extension, &mut found);
    found.sort_by(|a: &File, b: &File| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        // What an example left when it ran (a pipe among it) is nobody's source.
        let made =
            path.file_name().is_some_and(|name| ["gen", "run", "build", ".orch"].iter().any(|made| name == *made));
        if made {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            collect(&path, extension, found);
        } else if path.is_file()
            && (extension.is_empty() || path.extension().is_some_and(|is| is == extension))
            && let Ok(text) = fs::read_to_string(&path)
        {
            found.push(File { path, text });
        }
    }
}

/// Fails with all the faults that a rule finds in the files of a folder.
#[track_caller]
fn check(folder: &str, extension: &str, rule: impl Fn(&File) -> Vec<String>) {
    let faults: Vec<String> = files(folder, extension)
        .iter()
        .flat_map(|file| {
            let path = file.path.strip_prefix(root()).unwrap().display().to_string();
            rule(file).into_iter().map(move |fault| format!("{path}: {fault}"))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_rules_find_what_they_forbid() {
    assert_eq!(layer_faults("model", "use crate::engine::Event;\n"), ["`model` uses `engine`"]);
    assert_eq!(
        layer_faults("report", "use crate::{\n    snapshot::{Row, Rows},\n    host::x,\n};\n"),
        ["`report` uses `host`"]
    );
    assert_eq!(layer_faults("report", "fn f() { crate::session::run(); }"), ["`report` uses `session`"]);
    assert_eq!(layer_faults("main", "fn main() { orch::engine::run(); }"), ["`main` uses `engine`"]);
    assert_eq!(layer_faults("engine", "use tokio::sync::mpsc;\n"), ["`engine` uses the crate `tokio`"]);
    assert_eq!(layer_faults("logs", "let x = starlark::values::list();"), ["`logs` uses the crate `starlark`"]);
    assert_eq!(layer_faults("new", ""), ["`new` is not in the table of layers"]);
    assert!(
        layer_faults(
            "engine",
            "use crate::{\n    model::{Time, host},\n    engine::x,\n};\nuse super::event::Event;\n"
        )
        .is_empty()
    );
    assert!(!purity_faults("engine", "use std::{collections::BTreeMap, fs};\n").is_empty());
    assert!(!purity_faults("engine", "let x: HashMap<u8, u8>;").is_empty());
    assert!(!purity_faults("engine", "use std::time::Duration;\nlet t = std::thread::spawn(f);").is_empty());
    assert!(purity_faults("engine", "use std::{collections::BTreeMap, sync::Arc};\n").is_empty());
    assert!(!module_doc_faults("use std::fs;\n").is_empty());
    assert!(!name_faults(Path::new("src/host/file_utils.rs")).is_empty());
    assert!(name_faults(Path::new("src/model/digest.rs")).is_empty());
    assert!(!left_behind_faults(&format!("{}x)", LEFT_BEHIND[0])).is_empty());
    assert!(is_allowed("(MIT OR GPL-3.0) AND ISC", "\"MIT\", \"ISC\""));
    assert!(!is_allowed("MIT AND GPL-3.0", "\"MIT\""));
    assert_eq!(diagnostic_codes(r#"let code = "orchfile::unknown_name";"#), ["orchfile::unknown_name"]);
}
