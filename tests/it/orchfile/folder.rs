//! A folder with files to evaluate.

use orch::{
    model::FilePath,
    orchfile::{Limits, LoadRequest, Loaded, LocalSources, SourceCommand, Told, load},
};
use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
};

/// A folder with files, and what an evaluation of its `Orchfile` told.
pub(crate) struct Folder {
    dir: tempfile::TempDir,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Folder {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { dir, lines: Arc::default() }
    }

    pub(crate) fn path(&self, name: &str) -> FilePath {
        FilePath::new(self.dir.path().join(name))
    }

    pub(crate) fn load(&self) -> Loaded {
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

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
