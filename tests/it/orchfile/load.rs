//! Loading files: what is read, executed once, and told.

use super::folder::Folder;
use orch::model::{EvaluationInput, Seen};

#[test]
fn a_file_that_is_loaded_twice_is_executed_once() {
    let folder = Folder::with(&[
        ("Orchfile", "load('./lib/a.star', 'a')\nload('./lib/b.star', 'b')\nprint(a + b, __name__)\n"),
        ("lib/a.star", "print('a of', __name__)\na = 1\n"),
        ("lib/b.star", "load('./a.star', 'a')\nb = a + 1\n"),
    ]);
    let loaded = folder.load();
    assert_eq!(loaded.diagnostics, []);
    assert_eq!(folder.lines(), ["a of a.star", "3 __main__"]);
    let inputs: Vec<_> = loaded.inputs.iter().map(|input| &input.path).collect();
    let read = [".tiltignore", "Orchfile", "lib/a.star", "lib/b.star"].map(|name| folder.path(name));
    assert_eq!(inputs, read.iter().collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_not_there_is_an_input_all_the_same() {
    let folder = Folder::with(&[("Orchfile", "load('./lib.star', 'a')\n")]);
    let loaded = folder.load();
    assert_eq!(loaded.project, None);
    assert!(loaded.inputs.contains(&EvaluationInput { path: folder.path("lib.star"), seen: Seen::Absent }));
}

#[test]
fn an_evaluation_that_is_cancelled_stops_in_an_endless_loop() {
    let folder = Folder::with(&[("Orchfile", "while True:\n    print('on')\n")]);
    let loaded = folder.load_until(|line| line == "on");
    assert_eq!(loaded.diagnostics[0].code, "orchfile::cancelled");
}

/// A recorded secret is in no message: the interpreter's own would show values.
#[test]
fn values_are_not_shown_in_messages() {
    for text in [
        "len(5, 'hunter2')",
        "int('hunter2')",
        "{}['x' + str(range('hunter2'))]",
        "[].index('hunter2')",
        "'a'.join(['hunter2', 1])",
        "hash(['hunter2'])",
        "'hunter2'()",
        "1 + 'hunter2'",
    ] {
        let text = format!("secret = {{'k': 'hunter2'}}\n{}\n", text.replace("'hunter2'", "secret['k']"));
        let loaded = Folder::with(&[("Orchfile", &text)]).load();
        let found = &loaded.diagnostics[0];
        let said = format!("{} {:?}", found.message, found.help);
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let text = "# comment\n".repeat(1_100_000);
    let loaded = Folder::with(&[("Orchfile", &text)]).load();
    assert_eq!(loaded.diagnostics[0].message, "`Orchfile` is larger than 10 MB");
}

#[test]
fn a_panic_in_an_evaluation_is_a_diagnostic_and_what_was_read_is_known() {
    let folder = Folder::with(&[("Orchfile", "load('./a.star', 'a')\nlocal('true')\n"), ("a.star", "a = 1\n")]);
    let loaded = folder.load();
    assert_eq!(loaded.diagnostics[0].code, "orchfile::internal");
    assert!(loaded.inputs.iter().any(|input| input.path == folder.path("a.star")));
}
