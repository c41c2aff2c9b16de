//! Compose projects: what the compose tool made of their files.

use super::FilePath;
use serde::{Deserialize, Serialize};

/// One compose project: all `docker_compose` calls with one project name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComposeProject {
    /// Its name.
    pub name: String,
    /// Its folder: that of the first file.
    pub dir: FilePath,
    /// Its files; `None` stands for text that the Orchfile gave.
    pub files: Vec<Option<FilePath>>,
    /// `env_file=`.
    pub env_file: Option<FilePath>,
    /// `profiles=`; `None` is `$COMPOSE_PROFILES`.
    pub profiles: Option<Vec<String>>,
    /// `wait=True`.
    pub wait: bool,
    /// What `docker compose config --format json` printed, with all values resolved: what services are started from.
    pub config: String,
}
