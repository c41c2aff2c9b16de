//! The two modes in which an entry file is read.

use serde::{Deserialize, Serialize};
use std::{path::Path, time::Duration};

/// Whether Tilt's defaults or orch's own hold. What differs between them is all here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The entry file's name contains `Tiltfile`.
    Tiltfile,
    /// Any other entry file.
    Orchfile,
}

impl Mode {
    /// The mode in which the entry file at `path` is read.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains("Tiltfile") { Self::Tiltfile } else { Self::Orchfile }
    }

    /// How many runs may go on at once on a machine of that many cores, unless the file says otherwise.
    #[must_use]
    pub fn default_slots(self, cores: u32) -> u32 {
        match self {
            Self::Tiltfile => 3,
            Self::Orchfile => cores.max(3),
        }
    }

    /// Whether a local command shares the slots with others when the file does not say.
    #[must_use]
    pub fn parallel_by_default(self) -> bool {
        self == Self::Orchfile
    }

    /// How long a process may take to end after it was asked to.
    #[must_use]
    pub fn stop_grace(self) -> Duration {
        match self {
            Self::Tiltfile => Duration::from_secs(30),
            Self::Orchfile => Duration::from_secs(10),
        }
    }

    /// Whether a server that dies is started again when its `restart` is not given.
    #[must_use]
    pub fn restarts_by_default(self) -> bool {
        self == Self::Orchfile
    }

    /// Whether an unknown name in `resource_deps` is an error; else a warning, and dropped.
    #[must_use]
    pub fn refuses_unknown_dependencies(self) -> bool {
        self == Self::Orchfile
    }

    /// Whether a path in `deps` at which there is nothing, and which no `outputs` names, is told; else it is waited for in silence.
    #[must_use]
    pub fn tells_missing_paths(self) -> bool {
        self == Self::Orchfile
    }

    /// Whether selecting a resource by its name selects those too whose outputs it reads.
    #[must_use]
    pub fn selects_writers(self) -> bool {
        self == Self::Orchfile
    }

    /// Whether a server is refused when its probe's loopback port is already taken; else a warning.
    #[must_use]
    pub fn refuses_taken_ports(self) -> bool {
        self == Self::Orchfile
    }

    /// Whether what a successful command leaves running in a session of its own ends with the resource.
    #[must_use]
    pub fn ends_own_sessions(self) -> bool {
        self == Self::Orchfile
    }

    /// Whether the rules of `develop.watch` in compose files are followed.
    #[must_use]
    pub fn honours_develop_watch(self) -> bool {
        self == Self::Orchfile
    }
}
