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
