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

/// Where docker looks for a plugin for all users, after the user's own folder.
const PLUGIN_FOLDERS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/// The programs that may be the compose tool, in the order in which docker looks for its plugin. Run by their paths they answer in
/// a third of the time, since docker asks all its plugins first who they are. `config` is `$DOCKER_CONFIG`.
#[must_use]
pub fn compose_plugins(config: Option<&str>, home: Option<&str>) -> Vec<FilePath> {
    let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(FilePath::new);
    let own = given(config).or_else(|| given(home).map(|home| home.join(".docker")));
    let own = own.map(|config| config.join("cli-plugins"));
    own.into_iter().chain(PLUGIN_FOLDERS.map(FilePath::new)).map(|folder| folder.join("docker-compose")).collect()
}
