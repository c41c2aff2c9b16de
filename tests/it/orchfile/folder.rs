//! A folder with files to evaluate.

use orch::{
    model::FilePath,
    orchfile::{Limits, LoadRequest, Loaded, LocalSources, SourceCommand, SourceOutput, Told, load},
};
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
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
        self.load_with("Orchfile", &[])
    }

    /// Loads the entry file of this name with arguments.
    pub(crate) fn load_with(&self, entry: &str, args: &[&str]) -> Loaded {
        self.evaluate(entry, args, |_| false)
    }

    /// Loads, and cancels once a line was told that `is_last`.
    pub(crate) fn load_until(&self, is_last: impl Fn(&str) -> bool + Send + Sync + 'static) -> Loaded {
        self.evaluate("Orchfile", &[], is_last)
    }

    fn evaluate(&self, entry: &str, args: &[&str], is_last: impl Fn(&str) -> bool + Send + Sync + 'static) -> Loaded {
        let lines = self.lines.clone();
        let refuse = |_: &SourceCommand| -> io::Result<SourceOutput> { panic!("no commands here") };
        let (seen, last_lines) = mpsc::channel();
        let sources = LocalSources::new(refuse, move |told| {
            if let Told::Line { text, .. } = told {
                if is_last(&text) {
                    seen.send(()).unwrap();
                }
                lines.lock().unwrap().push(text);
            }
        });
        let request = LoadRequest {
            file: self.path(entry),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            subcommand: "up".to_owned(),
            kube: orch::orchfile::KubeWish::default(),
            environment: std::collections::BTreeMap::default(),
            limits: Limits::default(),
        };
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let (sources, done) = (&sources, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    if last_lines.recv_timeout(Duration::from_millis(20)).is_ok() {
                        sources.cancel();
                    }
                }
            });
            let loaded = load(&request, sources);
            done.store(true, Ordering::Relaxed);
            loaded
        })
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}
