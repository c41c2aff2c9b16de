//! A project: what an Orchfile evaluates to.

use super::{Button, ComposeProject, FilePath, IgnoreRule, Image, KubeSettings, Mode, Resource, ResourceName};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

/// All that an Orchfile declares, as plain data: names resolved, cycles and doubles refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Whose defaults hold.
    pub mode: Mode,
    /// The entry file.
    pub file: FilePath,
    /// The folder of the entry file.
    pub root: FilePath,
    /// In the order of their declaration.
    pub resources: Vec<Arc<Resource>>,
    /// Images that some resource needs, each after those it is made of.
    pub images: Vec<Arc<Image>>,
    /// Compose projects, in the order of their declaration.
    pub compose: Vec<Arc<ComposeProject>>,
    /// In the order of their declaration.
    pub buttons: Vec<Arc<Button>>,
    /// Resources that objects of the API made. Nobody names them, so no selection leaves them out.
    #[serde(default)]
    pub of_api: BTreeSet<ResourceName>,
    /// What holds for its Kubernetes resources.
    pub kube: KubeSettings,
    /// What holds for all of them.
    pub settings: Settings,
    /// What `os.putenv` set and (`None`) `os.unsetenv` removed, on top of the session's environment.
    pub environment: BTreeMap<String, Option<String>>,
    /// Values that must never be shown.
    pub secrets: Vec<Secret>,
}

impl Project {
    /// The text without the value of any secret of the project.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        Secret::redact(&self.secrets, text)
    }
}

impl Secret {
    /// The text with `[redacted NAME]` in place of each secret's value; of two that overlap, the longer one goes first.
    #[must_use]
    pub fn redact(secrets: &[Self], text: &str) -> String {
        let mut sorted: Vec<_> = secrets.iter().filter(|secret| !secret.value.is_empty()).collect();
        sorted.sort_by_key(|secret| std::cmp::Reverse(secret.value.len()));
        let redact = |text: String, secret: &Self| text.replace(&secret.value, &format!("[redacted {}]", secret.name));
        sorted.into_iter().fold(text.to_owned(), redact)
    }
}

/// What holds for the whole project.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Settings {
    /// `update_settings(max_parallel_updates=)`; `None` is the mode's default.
    pub max_parallel_updates: Option<u32>,
    /// `watch_settings(ignore=)` and `.tiltignore`; resources' inputs have them already.
    pub watch_ignore: Vec<Arc<IgnoreRule>>,
    /// Patterns of `.tiltignore`, for `orch eval`.
    pub tiltignore: Vec<String>,
    /// How `orch ci` judges.
    pub ci: CiSettings,
    /// Where images are pushed.
    pub default_registry: Option<Registry>,
    /// When old images of the project are removed.
    pub docker_prune: DockerPrune,
    /// Settings that are accepted and (so far) without effect, as `orch eval` prints them.
    pub accepted: BTreeMap<String, serde_json::Value>,
}

/// `default_registry(…)`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Registry {
    /// As this machine knows it.
    pub host: String,
    /// As a cluster knows it; empty is the same.
    pub host_from_cluster: String,
    /// The one repository that all images go to; empty is one for each.
    pub single_name: String,
}

impl Registry {
    /// The repository of the image that is called `name` (in the short form, without a tag), and what its tags begin with.
    /// A name that lies in the registry already stays.
    #[must_use]
    pub fn place_of(&self, name: &str) -> (String, String) {
        let escape = |text: &str| text.replace(['/', ':', '@'], "_");
        if !self.single_name.is_empty() {
            let last = name.rsplit('/').next().unwrap_or(name);
            return (format!("{}/{}", self.host, self.single_name), format!("{}-", escape(last)));
        }
        let is_there = name.strip_prefix(self.host.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let repository = if is_there { name.to_owned() } else { format!("{}/{}", self.host, escape(name)) };
        (repository, String::new())
    }
}

/// `docker_prune_settings(…)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DockerPrune {
    /// Nothing is removed.
    pub disable: bool,
    /// Younger ones stay.
    pub max_age: Duration,
    /// After how many builds; 0 goes by `interval`.
    pub builds: u32,
    /// How often, where `builds` is 0.
    pub interval: Duration,
    /// So many of each image stay, however old.
    pub keep_recent: u32,
}

impl Default for DockerPrune {
    /// Tilt's.
    fn default() -> Self {
        let (max_age, interval) = (Duration::from_hours(6), Duration::from_hours(1));
        Self { disable: false, max_age, builds: 0, interval, keep_recent: 2 }
    }
}

/// `ci_settings(…)`; `None` is not given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CiSettings {
    /// For the whole of `orch ci`; 30 min where not given.
    pub timeout: Option<Duration>,
    /// For each server since its start; 5 min where not given.
    pub readiness_timeout: Option<Duration>,
    /// Accepted for Kubernetes.
    pub k8s_grace_period: Option<Duration>,
}

/// A value that is replaced by `[redacted NAME]` wherever it would be shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// What is shown instead.
    pub name: String,
    /// What is not shown.
    pub value: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_have_a_place_in_the_registry() {
        let registry = |single_name: &str| Registry {
            host: "localhost:5005".to_owned(),
            single_name: single_name.to_owned(),
            ..Registry::default()
        };
        for (name, repository) in [
            ("web", "localhost:5005/web"),
            ("acme/web", "localhost:5005/acme_web"),
            ("gcr.io:443/acme/web", "localhost:5005/gcr.io_443_acme_web"),
            ("localhost:5005/acme/web", "localhost:5005/acme/web"),
            ("localhost:50055/web", "localhost:5005/localhost_50055_web"),
        ] {
            assert_eq!(registry("").place_of(name), (repository.to_owned(), String::new()), "{name}");
        }
        let single = ("localhost:5005/team/dev".to_owned(), "web-".to_owned());
        assert_eq!(registry("team/dev").place_of("gcr.io/acme/web"), single);
    }
}
