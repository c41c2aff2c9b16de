//! Live update: how files of a running container are changed in place.

use super::{FilePath, FileSet, IgnoreRule, ImageKey};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is done in running containers when files change, instead of making them anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveUpdate {
    /// The image whose files these are; `None` for a container whose image is not built here.
    pub image: Option<ImageKey>,
    /// The files it answers for: those of the image and of its bases that have no steps of their own, or those that the rules
    /// of `develop.watch` name.
    pub inputs: Vec<Arc<FileSet>>,
    /// Whether all syncs are made once when a container is there.
    pub initial_sync: bool,
    /// A change at or below one of these makes the image anew.
    pub fall_back_on: Vec<Trigger>,
    /// The first that matches a file says where it goes.
    pub syncs: Vec<Sync>,
    /// Commands run in the container after files were copied.
    pub runs: Vec<RunStep>,
    /// When the container is started again after that.
    pub restart: RestartStep,
    /// What becomes of a file that no step names.
    pub unmatched: Unmatched,
}

/// A path with what of it does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// A file or a whole folder.
    pub path: FilePath,
    /// What below it is left out.
    pub ignore: Vec<Arc<IgnoreRule>>,
}

impl Trigger {
    /// Whether a change of that file counts.
    #[must_use]
    pub fn matches(&self, file: &FilePath) -> bool {
        file.is_within(&self.path) && !self.ignore.iter().any(|rule| rule.ignores(file))
    }
}

/// `sync(local_path, remote_path)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// What is copied.
    pub local: Trigger,
    /// An absolute path in the container. What lies below a folder goes below it; a single file goes into it where it ends
    /// with `/`, else it is the file.
    pub remote: String,
}

/// `run(cmd, trigger)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStep {
    /// Program and arguments, run in the container.
    pub argv: Vec<String>,
    /// Only when one of the copied files matches; none is always.
    pub triggers: Vec<Trigger>,
    /// Do not show the command.
    pub echo_off: bool,
    /// As whom; `None` is the container's user.
    pub user: Option<String>,
    /// Where; `None` is the container's folder.
    pub dir: Option<String>,
    /// Set for it alone, as `NAME=VALUE`.
    pub env: Vec<String>,
}

/// When a container is started again after files were copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestartStep {
    /// Not at all.
    Never,
    /// After each update.
    Always,
    /// When one of these changed.
    On(Vec<Trigger>),
}

/// What becomes of a changed file that no step names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    /// The image is made anew (Tilt's rule).
    Rebuild,
    /// Nothing until something else makes the image anew (`develop.watch`).
    Wait,
}
