//! Repositories for tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A repository of git with one branch.
pub(crate) struct Git(PathBuf);

impl Git {
    pub(crate) fn new(path: &Path) -> Self {
        fs::create_dir_all(path).unwrap();
        let git = Self(path.to_owned());
        git.run(&["init", "-q", "-b", "main"]);
        git
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes files and commits them; gives the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.run(&["add", "-A"]);
        self.run(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "more"]);
        self.run(&["rev-parse", "HEAD"])
    }

    fn run(&self, args: &[&str]) -> String {
        let output = Command::new("git").arg("-C").arg(&self.0).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
