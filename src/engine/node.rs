//! A node: what is wanted of it and what is observed of it, in different fields.

use super::{
    backend::Backend,
    dirt::{Dirt, Saw},
    image::{Demand, Making, Standing},
    phase::{LastRun, Live, RunPhase, Running, Server},
    schedule::Priority,
    takedown::TakeDown,
    what::What,
    workload::{self, There, Workload},
};
use crate::{
    model::{Condition, Digest, FilePath, FileSet, Local, RequestId, ResourceName, RunId, SetDigest, Time},
    snapshot::{Cause, Hold, Row, RunRow, Skip, Spec},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Index, IndexMut},
    sync::Arc,
};

/// The index of a node; a session never reuses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(pub(super) u32);

/// All nodes that ever were in this session.
#[derive(Debug, Default)]
pub(super) struct Nodes(Vec<Node>);

impl Nodes {
    pub(super) fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(node);
        id
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..u32::try_from(self.0.len()).unwrap_or(u32::MAX)).map(NodeId)
    }
}

impl Index<NodeId> for Nodes {
    type Output = Node;
    fn index(&self, id: NodeId) -> &Node {
        &self.0[id.0 as usize]
    }
}

impl IndexMut<NodeId> for Nodes {
    fn index_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.0[id.0 as usize]
    }
}

/// One resource or image, over the whole session.
#[derive(Debug)]
pub(super) struct Node {
    /// Whose log its runs write: the resource itself, or the first that needed the image when it was last built.
    pub(super) name: ResourceName,
    pub(super) what: What,
    /// Its place among the resources or the images of the project; `None` once it was removed.
    pub(super) place: Option<usize>,
    /// What it writes, as a set.
    pub(super) output_set: Arc<FileSet>,
    /// What people can read of its declaration; only a resource's.
    pub(super) spec: Arc<Spec>,
    /// Digest of what it declares; computed when first needed.
    pub(super) definition: Option<Digest>,

    /// A user wants it to stay ended.
    pub(super) stopped: bool,
    /// A user wants a run.
    pub(super) wish: Option<Wish>,

    /// Its roots in the index, and whether they are inputs.
    pub(super) indexed: Vec<(FilePath, bool)>,

    pub(super) edges: Edges,
    pub(super) reached: Reached,

    pub(super) dirt: Dirt,
    /// How many of its runs in a row newer changes have cut short.
    pub(super) superseded: u32,
    /// Since when it is dirty by a change.
    pub(super) changed_at: Time,
    /// Paths it reads that are in a change set which has not settled.
    pub(super) settling: u32,
    pub(super) knowledge: Knowledge,
    pub(super) itself: SelfDirt,

    pub(super) run: RunPhase,
    pub(super) last: LastRun,
    /// Its place in the queue for slots.
    pub(super) queued: Option<Priority>,
    /// Newest first; shared with snapshots.
    pub(super) runs: Arc<Vec<RunRow>>,
    pub(super) skipped: Option<Skip>,
    pub(super) server: Server,
    /// Only an image's.
    pub(super) making: Making,
    /// Only a workload's.
    pub(super) workload: Workload,
    /// Successful runs that left processes running, and whether they were told to end.
    pub(super) leftovers: BTreeMap<RunId, bool>,

    /// A user wants it to be taken down, and it is not yet.
    pub(super) taken_down: TakeDown,
    /// Its `teardown_cmd` was run.
    pub(super) torn_down: bool,
    /// What was last said of it, so that it is said once.
    pub(super) said: Option<Hold>,
    pub(super) derived: Derived,
}

/// A user's wish for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    /// What was asked for.
    pub(super) cause: Cause,
    /// Which of all wishes it was.
    pub(super) turn: u64,
}

/// The edges of a node and what is counted along them.
#[derive(Debug, Default)]
pub(super) struct Edges {
    /// Data edges: what it reads of.
    pub(super) writers: Vec<NodeId>,
    /// Data edges: who reads of it.
    pub(super) readers: Vec<NodeId>,
    /// Data edges: images that it is made of.
    pub(super) images: Vec<NodeId>,
    /// Data edges: what is made of this image.
    pub(super) users: Vec<NodeId>,
    /// Order edges: what it waits for.
    pub(super) providers: Vec<(NodeId, Condition)>,
    /// Order edges: who waits for it.
    pub(super) dependents: Vec<(NodeId, Condition)>,
    /// Writers that are unsettled.
    pub(super) unsettled_writers: u32,
    /// Writers whose last run failed.
    pub(super) failed_writers: u32,
    /// Providers that have not met their condition.
    pub(super) unmet: u32,
    /// Providers that are not as they should be, of those whose whole state counts.
    pub(super) moving_providers: u32,
}

/// Conditions that were met once in this session.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reached {
    pub(super) started: bool,
    pub(super) ready: bool,
    pub(super) succeeded: bool,
}

impl Reached {
    pub(super) fn has(self, condition: Condition) -> bool {
        match condition {
            Condition::Started => self.started,
            Condition::Ready => self.ready,
            Condition::Succeeded => self.succeeded,
        }
    }
}

/// What is known of the contents that its last run saw and that it has now.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    /// When the last run started, or was found needless; as a step and as a time.
    pub(super) ran: Option<(u64, Time)>,
    /// Since then all files of the inputs are known, so that one which is not known was not there.
    pub(super) complete_at: Option<Time>,
    /// Digest of all inputs, kept up to date; only for nodes with outputs.
    pub(super) inputs: Option<SetDigest>,
    /// What the last run saw of files that changed since, also where they changed back.
    pub(super) saw: BTreeMap<FilePath, Saw>,
    /// The outputs as the last success left them.
    pub(super) outputs: Option<BTreeMap<FilePath, Digest>>,
    /// The contents were compared with the last success, and differ: a run may start.
    pub(super) checked: bool,
    /// A question in the background about the inputs.
    pub(super) background: Option<Background>,
}

/// A question in the background about a node's inputs.
#[derive(Debug)]
pub(super) struct Background {
    pub(super) request: RequestId,
    /// Files of which there was news since it was asked.
    pub(super) touched: BTreeSet<FilePath>,
}

/// How a node makes itself dirty.
#[derive(Debug, Default)]
pub(super) struct SelfDirt {
    /// Inputs that were written while the last run ran.
    pub(super) during: BTreeSet<FilePath>,
    /// Until then what is written counts as written while it ran.
    pub(super) echo_until: Option<Time>,
    /// Runs in a row that had no other cause.
    pub(super) streak: u32,
    /// Files by which it did so each time, the last so many times.
    pub(super) paths: BTreeSet<FilePath>,
    /// How many times.
    pub(super) steady: u32,
    /// Meanwhile something was written while no other command ran.
    pub(super) alone: bool,
    /// Who else may have written what was written meanwhile.
    pub(super) others: BTreeSet<NodeId>,
    /// How often it was let go again after it was held.
    pub(super) chances: u32,
    /// It was let go, and has not run since.
    pub(super) on_parole: bool,
}

/// What others read of this node, as last published to them.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each counted on its own")]
pub(super) struct Derived {
    /// Holds back its readers.
    pub(super) unsettled: bool,
    /// Its failure holds back its readers.
    pub(super) failed: bool,
    /// It is not as it should be: it runs or is about to, failed, or its server is not ready.
    pub(super) moving: bool,
    /// Something of it is going on.
    pub(super) busy: bool,
    /// Its server waits to be started again.
    pub(super) backing_off: bool,
    /// The verdict waits for it.
    pub(super) missing: bool,
    /// Nothing of it lives.
    pub(super) gone: bool,
    /// It is held because it makes itself dirty.
    pub(super) convicted: bool,
    /// What a container demands of its images; of an image, what is demanded.
    pub(super) demand: Demand,
    /// Whether an image is what it should be.
    pub(super) standing: Standing,
    /// What keeps those that wait for it.
    pub(super) because: &'static str,
}

impl Node {
    pub(super) fn new(what: What, name: ResourceName, place: usize) -> Self {
        Self {
            name,
            output_set: Arc::new(FileSet::of(what.outputs().to_vec())),
            workload: Workload { there: There::of(&what), ..Workload::default() },
            what,
            place: Some(place),
            definition: None,
            stopped: false,
            wish: None,
            indexed: Vec::new(),
            edges: Edges::default(),
            reached: Reached::default(),
            dirt: Dirt { first: true, ..Dirt::default() },
            superseded: 0,
            changed_at: Time::ZERO,
            settling: 0,
            knowledge: Knowledge::default(),
            itself: SelfDirt::default(),
            run: RunPhase::Idle,
            last: LastRun::None,
            queued: None,
            runs: Arc::default(),
            spec: Arc::default(),
            skipped: None,
            server: Server::default(),
            making: Making::default(),
            leftovers: BTreeMap::new(),
            taken_down: TakeDown::No,
            torn_down: false,
            said: None,
            derived: Derived { gone: true, ..Derived::default() },
        }
    }

    pub(super) fn local(&self) -> Option<&Local> {
        self.what.local()
    }

    /// On what it lives, or is made; nothing for what runs on this machine.
    pub(super) fn backend(&self) -> Option<Backend> {
        match self.what {
            What::Image(_) => Some(Backend::Docker),
            What::Resource(_) => self.workload.there.backend(),
        }
    }

    /// Whether it has nothing that could be removed, as far as is known. What a command applied is known to the command alone.
    pub(super) fn has_nothing(&self) -> bool {
        let by_command = self.what.kube().is_some_and(|kube| kube.custom.is_some());
        self.workload.there.is_empty() && !by_command
    }

    /// Its inputs where they are one set, as those of all but containers are.
    pub(super) fn input_set(&self) -> Arc<FileSet> {
        match self.what.inputs() {
            [one] => one.clone(),
            _ => Arc::default(),
        }
    }

    /// Whether it is part of this session.
    pub(super) fn is_enabled(&self) -> bool {
        self.place.is_some() && self.what.is_enabled()
    }

    pub(super) fn owns(&self, path: &FilePath) -> bool {
        self.what.outputs().iter().any(|output| path.is_within(output))
    }

    /// Whether the content of that file decides its result. Its own outputs do not.
    pub(super) fn reads(&self, path: &FilePath) -> bool {
        self.what.reads(path) && !self.owns(path)
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.dirt.is_some() || self.wish.is_some() || self.waits_for_sync() || matches!(self.last, LastRun::Failed(_))
    }

    /// Whether it has new containers whose files are to be copied.
    pub(super) fn waits_for_sync(&self) -> bool {
        (self.workload.initial_sync || self.workload.resync) && workload::run(self)
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.run, RunPhase::Running(_))
    }

    pub(super) fn running(&mut self) -> Option<&mut Running> {
        match &mut self.run {
            RunPhase::Running(running) => Some(running),
            RunPhase::Idle | RunPhase::Checking(_) | RunPhase::TearingDown(_) => None,
        }
    }

    pub(super) fn live(&self) -> Option<&Live> {
        self.server.live.as_ref()
    }

    /// Adds an ended run to its history.
    pub(super) fn record(&mut self, row: RunRow) {
        let runs = Arc::make_mut(&mut self.runs);
        runs.insert(0, row);
        runs.truncate(Row::HISTORY);
    }
}
