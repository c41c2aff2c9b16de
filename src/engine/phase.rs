//! The two small machines of a node: its run and its server. Neither knows the other's states.

use super::{dirt::Dirt, image::Recipe, kube, sight::Sight, workload::Raised};
use crate::{
    engine::CommandSpec,
    model::{
        ContainerPhase, ContainerState, Digest, Exit, FilePath, InstanceId, PodReadiness, RequestId, RunId, Serve,
        SetDigest, Time,
    },
    snapshot::{Cause, InstanceRow, RunRow},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Where a node's run is.
#[derive(Debug, Default)]
pub(super) enum RunPhase {
    /// None goes on.
    #[default]
    Idle,
    /// The contents that decide whether the node is fresh are asked for.
    Checking(Check),
    /// Its run goes on.
    Running(Box<Running>),
    /// What it made is being removed: its `teardown_cmd` runs, or its containers are removed.
    TearingDown(RunRow),
}

/// A question whether a node is fresh.
#[derive(Debug)]
pub(super) struct Check {
    /// Which answer about the inputs is waited for.
    pub(super) inputs: Option<RequestId>,
    /// Which answer about the outputs is waited for.
    pub(super) outputs: Option<RequestId>,
    /// What the outputs are, where that was asked.
    pub(super) found: Option<BTreeMap<FilePath, Digest>>,
}

/// A run that goes on.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) run: RunId,
    pub(super) row: RunRow,
    /// What made it start.
    pub(super) dirt: Dirt,
    /// How the run before it ended.
    pub(super) before: LastRun,
    /// Why it was told to end.
    pub(super) cancelled: Option<Cancelled>,
    /// What it does.
    pub(super) work: Work,
}

/// What a run does, with what its end needs to know.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a node has one at a time")]
pub(super) enum Work {
    /// Runs `cmd`.
    Command(Command),
    /// Makes an image.
    Build(Build),
    /// Makes, replaces or starts containers.
    Raise(Box<Raise>),
    /// Changes files in running containers.
    Update(Box<Update>),
}

impl Work {
    /// Whether the file changed while it read it.
    pub(super) fn is_unknown(&self, path: &FilePath) -> bool {
        match self {
            Self::Command(_) | Self::Raise(_) => false,
            Self::Build(build) => build.unknown.contains(path),
            Self::Update(update) => update.unknown.contains(path),
        }
    }

    /// Whether it has one of the slots. What must not wait behind long builds has none.
    pub(super) fn takes_slot(&self) -> bool {
        match self {
            Self::Command(_) | Self::Build(_) => true,
            Self::Raise(raise) => !raise.again,
            Self::Update(_) => false,
        }
    }
}

/// An image that is made.
#[derive(Debug)]
pub(super) struct Build {
    /// What it is made of, files apart.
    pub(super) recipe: Recipe,
    /// What the run before saw of the files.
    pub(super) before: Option<Sight>,
    /// Files that changed meanwhile.
    pub(super) unknown: BTreeSet<FilePath>,
}

/// Containers that are brought to what they should be.
#[derive(Debug)]
pub(super) struct Raise {
    pub(super) raised: Raised,
    /// It puts back what was there.
    pub(super) again: bool,
}

/// Files that are changed in running containers.
#[derive(Debug)]
pub(super) struct Update {
    /// What they were when it began; `None` is gone.
    pub(super) files: BTreeMap<FilePath, Option<Digest>>,
    /// Those that changed meanwhile.
    pub(super) unknown: BTreeSet<FilePath>,
    /// It makes the first sync of new containers.
    pub(super) initial: bool,
}

/// A `cmd` that runs.
#[derive(Debug)]
pub(super) struct Command {
    /// Digest of what it declares, for the record of its success.
    pub(super) definition: Option<Digest>,
    /// What its inputs were when it started, where that is known.
    pub(super) inputs: Option<SetDigest>,
    /// The server that follows it.
    pub(super) serving: Option<Serving>,
    /// Its own outputs that were written meanwhile.
    pub(super) written: BTreeSet<FilePath>,
}

/// Why a run was told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// A newer change made it pointless.
    Superseded,
    /// The resource is stopped, disabled or removed, or the session ends.
    Stopped,
    /// Nobody did: where it ran went away.
    Lost,
}

/// How the last run of this session ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum LastRun {
    /// There was none that came to an end.
    #[default]
    None,
    /// Well, or its result was fresh.
    Succeeded,
    /// Not well.
    Failed(Exit),
}

/// A server as it is to be started: the definition of the last success.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Serving {
    pub(super) serve: Serve,
    pub(super) command: CommandSpec,
}

/// Where a node's server is.
#[derive(Debug, Default)]
pub(super) struct Server {
    /// What is started next; `None` until a run was good.
    pub(super) serving: Option<Serving>,
    /// It is to be started as soon as nothing of it lives.
    pub(super) due: bool,
    /// The instance that is not known to have ended.
    pub(super) live: Option<Live>,
    /// The last instance that ended.
    pub(super) ended: Option<InstanceRow>,
    /// The last instance ended unasked, or could not be made: it is tried again then.
    pub(super) backoff: Option<Pause>,
    /// The last instance ended unasked and stays so.
    pub(super) stays_ended: bool,
    /// Crashes in a row, for the next delay.
    pub(super) crashes: u32,
    /// Restarts after crashes of this definition.
    pub(super) restarts: u32,
}

impl Server {
    /// Whether a crash is why nothing of it lives now.
    pub(super) fn waits_to_start(&self) -> bool {
        self.backoff.as_ref().is_some_and(|pause| pause.then == Then::Start)
    }
}

/// A pause before something is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) until: Time,
    pub(super) then: Then,
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Then {
    /// The server is started, or what there was is put back.
    Start,
    /// A whole run is made, for this cause.
    Run(Cause),
}

/// An instance.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) row: InstanceRow,
    pub(super) body: Body,
    /// It is there since then.
    pub(super) up_at: Option<Time>,
    /// It was told to end.
    pub(super) stopping: bool,
    pub(super) ready: bool,
    /// It has lived long enough for the verdict.
    pub(super) lived: bool,
}

/// What lives.
#[derive(Debug)]
pub(super) enum Body {
    /// A server on this machine.
    Process(Box<Process>),
    /// Containers; the row has them.
    Containers(Watched),
    /// Pods of a cluster; the row has them.
    Pods(Watched, PodReadiness),
}

/// A container or a pod, and when this life of it began.
pub(super) type Life = (Arc<str>, i64);

/// How firmly containers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Footing {
    /// They run.
    Firm,
    /// They are about to.
    Coming,
    /// They do not, and may never.
    None,
}

/// How containers are followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Watched {
    /// Which containers or pods it is, and which of their lives.
    pub(super) lives: Vec<Life>,
    /// Nobody knows how they are: where they live cannot be reached.
    pub(super) out_of_sight: bool,
    /// Since when something is wrong with them that may not go away; until they are ready.
    pub(super) failing_since: Option<Time>,
    /// What was said of what is wrong with them.
    pub(super) said: BTreeSet<String>,
}

/// A server on this machine.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) serve: Serve,
    pub(super) command: CommandSpec,
    pub(super) line_seen: bool,
    pub(super) probing: Probing,
}

/// The checks of an instance.
#[derive(Debug, Default)]
pub(super) struct Probing {
    pub(super) asked: Option<RequestId>,
    pub(super) passing: bool,
    pub(super) successes: u32,
    pub(super) failures: u32,
    /// The delay before the next check while it is not ready.
    pub(super) delay: Duration,
}

impl Live {
    pub(super) fn id(&self) -> InstanceId {
        self.row.instance
    }

    /// Whether all that tells that it is ready has come.
    pub(super) fn is_ready_now(&self) -> bool {
        let is_well = match &self.body {
            Body::Process(process) => process.is_ready_now(),
            Body::Containers(watched) => {
                !watched.out_of_sight && self.row.containers.iter().all(ContainerState::is_well)
            }
            Body::Pods(watched, readiness) => !watched.out_of_sight && kube::is_ready(*readiness, &self.row.pods),
        };
        self.up_at.is_some() && !self.stopping && is_well
    }

    /// Whether it has something that tells that it is ready.
    pub(super) fn has_check(&self) -> bool {
        match &self.body {
            Body::Process(process) => process.serve.probe.is_some() || process.serve.ready_log_line.is_some(),
            Body::Containers(_) => self.row.containers.iter().any(|one| one.health.is_some()),
            Body::Pods(_, readiness) => *readiness != PodReadiness::Ignore,
        }
    }

    /// The process, if it is one.
    pub(super) fn process(&mut self) -> Option<&mut Process> {
        match &mut self.body {
            Body::Process(process) => Some(process),
            Body::Containers(_) | Body::Pods(..) => None,
        }
    }

    /// Which containers it is, and which of their lives.
    pub(super) fn lives(&self) -> &[Life] {
        match &self.body {
            Body::Containers(watched) | Body::Pods(watched, _) => &watched.lives,
            Body::Process(_) => &[],
        }
    }

    /// How the containers are followed, if it is some.
    pub(super) fn watched(&mut self) -> Option<&mut Watched> {
        match &mut self.body {
            Body::Containers(watched) | Body::Pods(watched, _) => Some(watched),
            Body::Process(_) => None,
        }
    }

    /// Whether nobody knows how it is.
    pub(super) fn is_out_of_sight(&self) -> bool {
        match &self.body {
            Body::Containers(watched) | Body::Pods(watched, _) => watched.out_of_sight,
            Body::Process(_) => false,
        }
    }

    /// How firmly its containers stand, where it has some.
    pub(super) fn footing(&self) -> Option<Footing> {
        match &self.body {
            Body::Process(_) => None,
            Body::Containers(_) => {
                let is_running = |one: &ContainerState| one.phase == ContainerPhase::Running;
                Some(if self.row.containers.iter().all(is_running) { Footing::Firm } else { Footing::None })
            }
            Body::Pods(..) => Some(kube::footing(&self.row.pods)),
        }
    }

    /// Whether it goes on while what belongs to it is put back.
    pub(super) fn outlives_repair(&self) -> bool {
        matches!(self.body, Body::Pods(..)) && !self.stopping
    }

    /// Whether its pods are to end, so that they are never ready.
    pub(super) fn is_to_end(&self) -> bool {
        matches!(self.body, Body::Pods(_, PodReadiness::Succeeded))
    }

    /// Whether it is a process, which ends with orch.
    pub(super) fn is_process(&self) -> bool {
        matches!(self.body, Body::Process(_))
    }
}

impl Process {
    fn is_ready_now(&self) -> bool {
        (self.serve.probe.is_none() || self.probing.passing) && (self.serve.ready_log_line.is_none() || self.line_seen)
    }
}
