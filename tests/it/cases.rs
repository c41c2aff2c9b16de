//! Every file below `tests/cases` is one case; see `case.rs` for the format.

use crate::case::{Case, check_folder};
use orch::{
    diag::render,
    model::FilePath,
    orchfile::{KubeWish, Limits, LoadRequest, LocalSources, SourceCommand, SourceOutput, Told, load},
};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

/// Files are evaluated; what is wrong with them is drawn in full. `args` holds the arguments after the verb, `log` what was
/// printed. `compose output` and `compose errors` are what the compose tool says. A file `kubeconfig` is the kubeconfig, `context`
/// what `--context` names.
#[test]
fn orchfile() {
    let not_files = ["args", "compose output", "compose errors", "context", "log", "diagnostics"];
    check_folder("orchfile", &["log", "diagnostics"], |case| evaluate(case, &not_files));
}

fn answer(code: i32, stdout: &[u8], stderr: Option<&[u8]>) -> SourceOutput {
    SourceOutput { code, stdout: stdout.to_vec(), stderr: stderr.unwrap_or_default().to_vec() }
}

fn evaluate(case: &Case, not_files: &[&str]) -> BTreeMap<&'static str, String> {
    let folder = tempfile::tempdir().unwrap();
    case.write_files(folder.path(), not_files);
    let entry = if case.section("Tiltfile").is_some() { "Tiltfile" } else { "Orchfile" };
    let lines = Arc::new(Mutex::new(String::new()));
    let told = lines.clone();
    let here = folder.path().to_str().unwrap().to_owned();
    let said = |name: &str| case.section(name).map(|text| text.replace("$DIR", &here).into_bytes());
    let (output, errors) = (said("compose output"), said("compose errors"));
    let run = move |command: &SourceCommand| match (command.argv.iter().any(|word| word == "config"), &output, &errors)
    {
        (true, Some(output), errors) => Ok(answer(0, output, errors.as_deref())),
        (true, None, Some(errors)) => Ok(answer(15, &[], Some(errors))),
        _ => Err(io::ErrorKind::Unsupported.into()),
    };
    let sources = LocalSources::new(run, move |what| {
        if let Told::Line { text, .. } = what {
            *told.lock().unwrap() += &(text + "\n");
        }
    });
    let kubeconfig = case.section("kubeconfig").map(|_| "kubeconfig");
    let request = LoadRequest {
        file: FilePath::new(folder.path().join(entry)),
        args: case.lines("args"),
        subcommand: "up".to_owned(),
        kube: KubeWish { context: case.lines("context").pop(), namespace: None },
        environment: kubeconfig.map(|path| ("KUBECONFIG".to_owned(), path.to_owned())).into_iter().collect(),
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
