//! What really happened with Docker, for the checks.

use orch::{
    engine::{BuildOrder, DockerEvent, Made, RaiseOrder, RunEnd, UpdateOrder},
    model::{
        ContainerId, ContainerPhase, ContainerState, Exit, FilePath, ImageId, ImageKey, ImageRecord, InstanceId,
        Overlay, ResourceName, RunId, Time,
    },
};
use std::{collections::BTreeMap, sync::Arc};

/// What a run does.
#[derive(Debug, Clone)]
pub(crate) enum Sort {
    Build(Arc<BuildOrder>),
    Raise(Arc<RaiseOrder>),
    Update(Arc<UpdateOrder>),
    Remove,
    Clean,
}

/// One run on the Docker Engine as the world saw it.
#[derive(Debug, Clone)]
pub(crate) struct DockerRun {
    pub(crate) session: u32,
    pub(crate) resource: ResourceName,
    pub(crate) sort: Sort,
    pub(crate) asked_at: Time,
    pub(crate) over_at: Option<Time>,
    pub(crate) told_at: Option<Time>,
    /// How it ended, once the engine was told.
    pub(crate) exit: Option<Exit>,
    /// The files it was asked for as they were then.
    pub(crate) at_start: BTreeMap<FilePath, String>,
    /// What it read, when it read it.
    pub(crate) read: BTreeMap<FilePath, String>,
    pub(crate) made: Option<ImageId>,
    /// It ended since the Docker Engine was gone.
    pub(crate) cut: bool,
    /// How many projects the engine had been told of.
    pub(crate) loads: u32,
    /// It makes containers another way than before, so that it takes a slot as other work does.
    pub(crate) anew: bool,
    /// It makes containers what they last were.
    pub(crate) puts_back: bool,
}

impl DockerRun {
    pub(crate) fn new(
        session: u32,
        resource: &ResourceName,
        sort: Sort,
        asked_at: Time,
        at_start: BTreeMap<FilePath, String>,
        loads: u32,
    ) -> Self {
        Self {
            session,
            resource: resource.clone(),
            sort,
            asked_at,
            over_at: None,
            told_at: None,
            exit: None,
            at_start,
            read: BTreeMap::new(),
            made: None,
            cut: false,
            loads,
            anew: false,
            puts_back: false,
        }
    }

    pub(crate) fn takes_slot(&self) -> bool {
        matches!(self.sort, Sort::Build(_)) || self.anew
    }

    pub(crate) fn succeeded(&self) -> bool {
        self.exit.as_ref().is_some_and(Exit::is_success)
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct DockerFacts {
    pub(crate) runs: BTreeMap<RunId, DockerRun>,
    /// Builds of each image, oldest first.
    pub(crate) builds_of: BTreeMap<ImageKey, Vec<RunId>>,
    /// What else was done for each resource, oldest first.
    pub(crate) runs_of: BTreeMap<ResourceName, Vec<RunId>>,
    pub(crate) instances: BTreeMap<InstanceId, ResourceName>,
    /// The records that outlive a session.
    pub(crate) images: BTreeMap<ImageKey, Arc<ImageRecord>>,
    pub(crate) overlays: BTreeMap<ResourceName, Arc<Overlay>>,
    /// The containers that the engine was last told of in this session.
    pub(crate) told: BTreeMap<ResourceName, Vec<ContainerState>>,
    /// Lives of containers that ended, as the engine was told: when they began, and with which code.
    pub(crate) ended: BTreeMap<(ContainerId, i64), (ResourceName, i32)>,
    /// When it was told of each.
    pub(crate) ended_at: BTreeMap<(ContainerId, i64), Time>,
    /// The engine was told that Docker is lost, and not that it is back.
    pub(crate) lost: bool,
    /// Somebody else did something to the containers of a resource.
    pub(crate) meddled: Vec<(Time, ResourceName)>,
    /// orch stopped containers of a resource.
    pub(crate) stops: Vec<(Time, ResourceName)>,
    pub(crate) pruned: Vec<(Time, ImageId)>,
    /// When the Docker Engine went away.
    pub(crate) downs: Vec<Time>,
}

impl DockerFacts {
    pub(crate) fn begin(&mut self, id: RunId, mut run: DockerRun) {
        run.anew = matches!(&run.sort, Sort::Raise(order) if self.is_anew(&run.resource, order));
        run.puts_back = matches!(&run.sort, Sort::Raise(order) if self.puts_back(&run.resource, order));
        match &run.sort {
            Sort::Build(order) => self.builds_of.entry(order.image.key.clone()).or_default().push(id),
            Sort::Raise(_) | Sort::Update(_) | Sort::Remove | Sort::Clean => {
                self.runs_of.entry(run.resource.clone()).or_default().push(id);
            }
        }
        self.runs.insert(id, run);
    }

    /// What the containers of a resource were brought to, the last first.
    fn raises(&self, name: &ResourceName) -> impl Iterator<Item = (&DockerRun, &RaiseOrder)> {
        let runs = self.runs_of.get(name).into_iter().flatten().rev().filter_map(|run| self.runs.get(run));
        runs.filter_map(|run| match &run.sort {
            Sort::Raise(order) => Some((run, &**order)),
            _ => None,
        })
    }

    /// Whether containers are to be something else than they were last brought to be.
    pub(crate) fn is_anew(&self, name: &ResourceName, order: &RaiseOrder) -> bool {
        !order.replace && self.raises(name).take(1).all(|(_, before)| before.fingerprint != order.fingerprint)
    }

    /// Whether containers are to be what they last were.
    pub(crate) fn puts_back(&self, name: &ResourceName, order: &RaiseOrder) -> bool {
        let last = self.raises(name).find(|(run, _)| run.succeeded());
        last.is_some_and(|(_, before)| before.fingerprint == order.fingerprint && before.image == order.image)
    }

    pub(crate) fn last_build(&self, key: &ImageKey) -> Option<&DockerRun> {
        self.runs.get(self.builds_of.get(key)?.last()?)
    }

    pub(crate) fn last_run(&self, name: &ResourceName) -> Option<&DockerRun> {
        self.runs.get(self.runs_of.get(name)?.last()?)
    }

    /// Whether something is done to the containers of a resource.
    pub(crate) fn is_running(&self, name: &ResourceName, session: u32) -> bool {
        self.going_on(session).any(|run| run.resource == *name)
    }

    /// The runs that go on, as far as the engine knows.
    pub(crate) fn going_on(&self, session: u32) -> impl Iterator<Item = &DockerRun> {
        self.runs.values().filter(move |run| run.exit.is_none() && run.session == session)
    }

    pub(crate) fn on_ended(&mut self, now: Time, run: RunId, end: &RunEnd) {
        let Some(run) = self.runs.get_mut(&run) else { return };
        run.exit = Some(end.exit.clone());
        run.told_at = Some(now);
        if let Made::Containers(containers) = &end.made {
            let name = run.resource.clone();
            self.note_ends(now, &name, containers);
            self.told.insert(name, containers.clone());
        }
    }

    /// Notes what the engine is about to learn.
    pub(crate) fn on_event(&mut self, now: Time, event: &DockerEvent) {
        match event {
            DockerEvent::Seen { seen, .. } => {
                // What ended before this session has ended too: a job that is done stays so, also where it is removed.
                seen.containers.iter().for_each(|(name, containers)| self.note_ends(now, name, containers));
                self.told = seen.containers.clone();
            }
            DockerEvent::ContainersChanged { resource, containers } => {
                self.note_ends(now, resource, containers);
                self.told.insert(resource.clone(), containers.clone());
            }
            DockerEvent::FollowEnded { .. } => {}
            DockerEvent::Lost { .. } => self.lost = true,
            DockerEvent::Back => self.lost = false,
        }
    }

    fn note_ends(&mut self, now: Time, name: &ResourceName, containers: &[ContainerState]) {
        // Those that its own run replaces do not end by themselves.
        if self.last_run(name).is_some_and(|run| run.exit.is_none()) {
            return;
        }
        for one in containers {
            if let ContainerPhase::Exited { code, .. } = one.phase {
                let life = (one.id.clone(), one.started_at_ns);
                self.ended_at.entry(life.clone()).or_insert(now);
                self.ended.insert(life, (name.clone(), code));
            }
        }
    }

    pub(crate) fn next_session(&mut self) {
        self.told.clear();
        self.ended.clear();
        self.ended_at.clear();
        self.lost = false;
    }
}
