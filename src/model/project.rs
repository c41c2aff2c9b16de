//! A project: what an Orchfile evaluates to.

use super::{FilePath, IgnoreRule, Mode, Resource};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

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
    /// What holds for all of them.
    pub settings: Settings,
    /// What `os.putenv` set and (`None`) `os.unsetenv` removed, on top of the session's environment.
    pub environment: BTreeMap<String, Option<String>>,
    /// Values that must never be shown.
    pub secrets: Vec<Secret>,
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
    /// Settings that are accepted and (so far) without effect, as `orch eval` prints them.
    pub accepted: BTreeMap<String, serde_json::Value>,
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
