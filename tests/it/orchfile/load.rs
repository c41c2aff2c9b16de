//! Loading files: what is read, executed once, and told.

use orch::{
    model::{EvaluationInput, FilePath, Seen},
    orchfile::{Limits, LoadRequest, Loaded, LocalSources, SourceCommand, Told, load},
};
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
};

/// A folder with files, and what an evaluation of its `Orchfile` told.
struct Folder {
    dir: tempfile::TempDir,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { dir, lines: Arc::default() }
    }

    fn path(&self, name: &str) -> FilePath {
        FilePath::new(self.dir.path().join(name))
    }

    fn load(&self) -> Loaded {
        let lines = self.lines.clone();
        let refuse = |_: &SourceCommand| Err(io::ErrorKind::Unsupported.into());
        let sources = LocalSources::new(refuse, move |told| {
            if let Told::Line { text, .. } = told {
                lines.lock().unwrap().push(text);
            }
        });
        let request = LoadRequest {
            file: self.path("Orchfile"),
            args: Vec::new(),
            subcommand: "up".to_owned(),
            environment: std::collections::BTreeMap::default(),
            limits: Limits::default(),
        };
        load(&request, &sources)
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

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
    assert_eq!(inputs, [&folder.path("Orchfile"), &folder.path("lib/a.star"), &folder.path("lib/b.star")]);
}

#[test]
fn a_file_that_is_not_there_is_an_input_all_the_same() {
    let folder = Folder::with(&[("Orchfile", "load('./lib.star', 'a')\n")]);
    let loaded = folder.load();
    assert_eq!(loaded.project, None);
    assert!(loaded.inputs.contains(&EvaluationInput { path: folder.path("lib.star"), seen: Seen::Absent }));
}
