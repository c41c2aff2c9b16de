//! Every file below `tests/cases` is one case; see `case.rs` for the format.

use crate::case::{Case, check_folder};
use orch::{
    diag::render,
    model::FilePath,
    orchfile::{Limits, LoadRequest, LocalSources, SourceCommand, Told, load},
};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

/// Files are evaluated; what is wrong with them is drawn in full. `args` holds the arguments after the verb, `log` what was
/// printed.
#[test]
fn orchfile() {
    check_folder("orchfile", &["log", "diagnostics"], |case| evaluate(case, &["args", "log", "diagnostics"]));
}

fn evaluate(case: &Case, not_files: &[&str]) -> BTreeMap<&'static str, String> {
    let folder = tempfile::tempdir().unwrap();
    case.write_files(folder.path(), not_files);
    let entry = if case.section("Tiltfile").is_some() { "Tiltfile" } else { "Orchfile" };
    let lines = Arc::new(Mutex::new(String::new()));
    let told = lines.clone();
    let refuse = |_: &SourceCommand| Err(io::ErrorKind::Unsupported.into());
    let sources = LocalSources::new(refuse, move |what| {
        if let Told::Line { text, .. } = what {
            *told.lock().unwrap() += &(text + "\n");
        }
    });
    let request = LoadRequest {
        file: FilePath::new(folder.path().join(entry)),
        args: case.lines("args"),
        subcommand: "up".to_owned(),
        environment: BTreeMap::new(),
        limits: Limits { ticks: 100_000, heap_bytes: 8 << 20, ..Limits::default() },
    };
    let loaded = load(&request, &sources);
    let here = folder.path().to_str().unwrap();
    let log = lines.lock().unwrap().clone();
    BTreeMap::from([
        ("log", log.replace(here, "$DIR")),
        ("diagnostics", render(&loaded.diagnostics, false, 100).replace(here, "$DIR")),
    ])
}
