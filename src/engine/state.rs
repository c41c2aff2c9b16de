//! The whole state of a session, and the parts that every rule uses: ids, effects, the agenda.

use super::{
    EngineConfig,
    backend::Backend,
    button::Buttons,
    changes::Changes,
    deadline::Deadlines,
    docker::Docker,
    effect::Effect,
    evaluation::Evaluation,
    knowledge::Contents,
    kube::Kube,
    node::{Node, NodeId, Nodes},
    rows::View,
    schedule::Queue,
    shutdown::Shutdown,
};
use crate::{
    model::{
        Attempt, EvaluationId, FilePath, ImageKey, ImageRecord, InstanceId, Level, Mode, NodeKey, Overlay, PathIndex,
        Project, RequestId, ResourceName, RunId, Success, Time,
    },
    snapshot::{Goal, Trouble, Verdict},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// All that the engine knows.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, most of them from the command line")]
pub(super) struct State {
    pub(super) goal: Goal,
    pub(super) cores: u32,
    /// When the session began, in milliseconds since 1970: for readers alone.
    pub(super) began_ms: Option<u64>,
    /// What evaluations get.
    pub(super) args: Arc<Vec<String>>,
    /// From the command line.
    pub(super) ci_timeout: Option<Duration>,
    /// `orch ci` goes on with what does not need what failed.
    pub(super) keep_going: bool,
    /// With names, `orch down` tears down these alone.
    pub(super) down_only: Option<BTreeSet<ResourceName>>,
    pub(super) now: Time,
    /// Counts the events, to tell before from after where the time does not.
    pub(super) step: u64,
    /// What the event at hand leads to.
    pub(super) effects: Vec<Effect>,
    pub(super) ids: Ids,

    pub(super) evaluation: Evaluation,
    /// The project that is in force.
    pub(super) project: Option<Arc<Project>>,
    /// The one that the last good evaluation gave.
    pub(super) evaluated: Option<Arc<Project>>,
    /// What users enabled and disabled since, by name.
    pub(super) switched: BTreeMap<ResourceName, bool>,
    /// What was disabled because it needs what a user disabled: these.
    pub(super) taken_along: BTreeMap<ResourceName, BTreeSet<ResourceName>>,
    pub(super) nodes: Nodes,
    pub(super) by_key: BTreeMap<NodeKey, NodeId>,
    /// The resources of the project in declaration order.
    pub(super) order: Vec<NodeId>,
    /// The images of the project, each after those it is made of.
    pub(super) images: Vec<NodeId>,
    /// From a path to who reads or writes it.
    pub(super) index: PathIndex<Reader>,

    /// Roots that nodes read or wrote until the reload at hand.
    pub(super) left_roots: Vec<FilePath>,
    pub(super) contents: Contents,
    pub(super) changes: Changes,

    /// Nodes to look at again.
    pub(super) agenda: BTreeSet<NodeId>,
    pub(super) queue: Queue,
    /// Nodes whose last run had no cause but what was written while the run before ran.
    pub(super) self_dirty: BTreeSet<NodeId>,
    pub(super) deadlines: Deadlines,
    pub(super) runs: BTreeMap<RunId, NodeId>,
    pub(super) leftovers: BTreeMap<RunId, NodeId>,
    pub(super) instances: BTreeMap<InstanceId, NodeId>,
    pub(super) questions: BTreeMap<RequestId, Question>,
    /// Records of successes, as the store has them.
    pub(super) remembered: BTreeMap<ResourceName, Success>,
    /// Records of images, as the store has them.
    pub(super) image_records: BTreeMap<ImageKey, Arc<ImageRecord>>,
    /// What earlier sessions changed in containers.
    pub(super) overlays: BTreeMap<ResourceName, Arc<Overlay>>,
    pub(super) docker: Docker,
    pub(super) kube: Kube,
    /// What is removed of names that the project does not have.
    pub(super) strays: BTreeMap<RunId, (Backend, ResourceName)>,
    /// `orch down --volumes`.
    pub(super) volumes: bool,
    /// `orch down --delete-namespaces`.
    pub(super) namespaces: bool,

    pub(super) buttons: Buttons,
    pub(super) tally: Tally,
    /// What decides a bad verdict.
    pub(super) troubles: BTreeMap<NodeId, Trouble>,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) verdict: Option<Verdict>,
    /// `Finish` was said.
    pub(super) finished: bool,
    pub(super) view: View,
    /// Where each row stood in the last snapshot that had a new order.
    pub(super) row_places: BTreeMap<NodeId, usize>,
}

/// Who has to do with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reader {
    /// It lies in a root of the inputs.
    Input(NodeId),
    /// It lies in an output.
    Output(NodeId),
}

/// What an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// The digests of a change set.
    Changes,
    /// The inputs of a node that is about to run.
    CheckInputs(NodeId),
    /// The outputs of a node that is about to run.
    CheckOutputs(NodeId),
    /// The inputs of a node that ran.
    Background(NodeId),
    /// A check of a node's server.
    Probe(NodeId),
    /// What the Docker Engine, or the cluster, has.
    Look(Backend),
}

/// How many nodes are what; kept up to date with each node's `Derived`.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) busy: usize,
    pub(super) backing_off: usize,
    pub(super) missing: usize,
    pub(super) living: usize,
}

/// The next numbers.
#[derive(Debug)]
pub(super) struct Ids {
    pub(super) run: RunId,
    pub(super) instance: InstanceId,
    pub(super) evaluation: EvaluationId,
    pub(super) request: RequestId,
    pub(super) turn: u64,
}

impl Ids {
    pub(super) fn next_run(&mut self) -> RunId {
        let this = self.run;
        self.run = this.next();
        this
    }

    pub(super) fn next_instance(&mut self) -> InstanceId {
        let this = self.instance;
        self.instance = this.next();
        this
    }

    pub(super) fn next_evaluation(&mut self) -> EvaluationId {
        let this = self.evaluation;
        self.evaluation = this.next();
        this
    }

    pub(super) fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }
}

impl State {
    pub(super) fn new(config: EngineConfig, ids: Ids) -> Self {
        Self {
            goal: config.goal,
            cores: config.cores,
            began_ms: None,
            args: Arc::default(),
            ci_timeout: config.ci_timeout,
            keep_going: false,
            down_only: None,
            now: Time::ZERO,
            step: 0,
            effects: Vec::new(),
            ids,
            evaluation: Evaluation::default(),
            project: None,
            evaluated: None,
            switched: BTreeMap::new(),
            taken_along: BTreeMap::new(),
            nodes: Nodes::default(),
            by_key: BTreeMap::new(),
            order: Vec::new(),
            images: Vec::new(),
            index: PathIndex::default(),
            left_roots: Vec::new(),
            contents: Contents::default(),
            changes: Changes::default(),
            agenda: BTreeSet::new(),
            queue: Queue::default(),
            self_dirty: BTreeSet::new(),
            deadlines: Deadlines::default(),
            runs: BTreeMap::new(),
            leftovers: BTreeMap::new(),
            instances: BTreeMap::new(),
            questions: BTreeMap::new(),
            remembered: config.remembered,
            image_records: config.images,
            overlays: config.overlays,
            docker: Docker::default(),
            kube: Kube::default(),
            strays: BTreeMap::new(),
            volumes: config.volumes,
            namespaces: config.namespaces,
            buttons: Buttons::default(),
            tally: Tally::default(),
            troubles: BTreeMap::new(),
            shutdown: None,
            verdict: None,
            finished: false,
            view: View::default(),
            row_places: BTreeMap::new(),
        }
    }

    pub(super) fn emit(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// A question to the host, remembered with what its answer is for.
    pub(super) fn ask(&mut self, question: Question) -> RequestId {
        let request = self.ids.request;
        self.ids.request = request.next();
        self.questions.insert(request, question);
        request
    }

    /// Has the node looked at again before the event at hand is done.
    pub(super) fn touch(&mut self, id: NodeId) {
        self.agenda.insert(id);
    }

    pub(super) fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id]
    }

    /// The node of that resource, if the project has it.
    pub(super) fn resource(&self, name: &ResourceName) -> Option<NodeId> {
        let id = *self.by_key.get(&NodeKey::Resource(name.clone()))?;
        self.nodes[id].place.map(|_| id)
    }

    pub(super) fn mode(&self) -> Mode {
        self.project.as_ref().map_or(Mode::Orchfile, |project| project.mode)
    }

    /// How long things have between asking and killing.
    pub(super) fn grace(&self) -> Duration {
        if self.shutdown.as_ref().is_some_and(|shutdown| shutdown.hurried) {
            return Duration::ZERO;
        }
        self.mode().stop_grace()
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.shutdown.is_some()
    }

    /// Whether nothing starts any more.
    pub(super) fn is_ending(&self) -> bool {
        self.is_shutting_down() || self.goal == Goal::Down
    }

    /// Whether files are watched and looked at in the background.
    pub(super) fn watches(&self) -> bool {
        self.goal == Goal::Up
    }

    pub(super) fn say(&mut self, id: NodeId, about: Option<Attempt>, level: Level, text: String) {
        let resource = Some(self.nodes[id].name.clone());
        self.emit(Effect::Say { resource, about, level, text });
    }

    pub(super) fn say_session(&mut self, level: Level, text: String) {
        self.emit(Effect::Say { resource: None, about: None, level, text });
    }
}
