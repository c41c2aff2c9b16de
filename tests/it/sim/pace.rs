//! How long the simulated world takes for things.

use super::rng::Rng;
use std::time::Duration;

/// What takes time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    /// From a write to the watcher's report of it.
    Watcher,
    /// From the question to the look at the files, and again from there to the answer.
    Digest,
    /// The same where nobody waits for it.
    IdleDigest,
    /// From the order to the start of a process.
    Spawn,
    /// From the end of a process to the report of it.
    Reap,
    /// One check of a probe.
    Check,
    /// From the order to the reading of the Orchfile, and again from there to its result.
    Evaluation,
    /// One request to the Docker Engine.
    Docker,
    /// From a change of a container to the word of it.
    DockerEvent,
}

/// Either the same short times always, so that traces read well, or seeded ones.
#[derive(Debug, Clone)]
pub(crate) enum Pace {
    Even,
    Seeded(Rng),
}

impl Pace {
    pub(crate) fn wait(&mut self, what: Wait) -> Duration {
        let millis = match self {
            Self::Even => match what {
                Wait::Evaluation => 10,
                Wait::Docker => 5,
                Wait::Watcher | Wait::Digest | Wait::Check | Wait::DockerEvent => 1,
                Wait::IdleDigest | Wait::Spawn | Wait::Reap => 0,
            },
            Self::Seeded(rng) => match what {
                Wait::Watcher => rng.below(20),
                Wait::Digest => rng.below(8),
                Wait::IdleDigest => rng.below(150),
                Wait::Spawn | Wait::Reap => rng.below(4),
                Wait::Check => rng.between(1, 40),
                Wait::Evaluation => rng.between(1, 60),
                Wait::Docker => rng.between(1, 30),
                Wait::DockerEvent => rng.below(15),
            },
        };
        Duration::from_millis(millis)
    }

    /// Longer than that ever takes.
    pub(crate) fn longest(&self, what: Wait) -> Duration {
        match (self, what) {
            (Self::Even, _) => Duration::ZERO,
            (Self::Seeded(_), Wait::Reap | Wait::Spawn) => Duration::from_millis(4),
            (Self::Seeded(_), _) => Duration::from_millis(150),
        }
    }

    /// True that many times in a hundred; never where the pace is even.
    pub(crate) fn percent(&mut self, percent: u64) -> bool {
        match self {
            Self::Even => false,
            Self::Seeded(rng) => rng.percent(percent),
        }
    }

    /// A number below `n`; 0 where the pace is even.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        match self {
            Self::Even => 0,
            Self::Seeded(rng) => rng.below(n),
        }
    }
}
