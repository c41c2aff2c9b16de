//! Live updates: files are copied into running containers over some time, commands run in them, and they start again.

use super::{
    DockerStep,
    facts::Sort,
    link::{Job, Work},
    not_started,
};
use crate::sim::{pace::Wait, script::Script, world::World};
use orch::{
    engine::{RunEnd, UpdateOrder},
    model::{ContainerId, Exit, FilePath, ResourceName, RunId},
};
use std::{sync::Arc, time::Duration};

/// How a step did in one container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Well,
    Failed(i32),
    /// It could not be tried.
    Impossible,
}

impl World {
    pub(super) fn update(&mut self, run: RunId, resource: ResourceName, order: Arc<UpdateOrder>, grace: Duration) {
        let paths = order.copies.iter().map(|(path, _)| path);
        let content = |path: &FilePath| Some((path.clone(), self.disk.content(path)?.to_owned()));
        let at_start = paths.filter_map(content).collect();
        if !self.docker_begins(run, &resource, Sort::Update(Arc::clone(&order)), at_start) {
            return;
        }
        self.docker.link.runs.insert(run, Job { resource, work: Work::Update { order, grace } });
        let wait = self.pace.wait(Wait::Docker);
        self.docker_later(wait, DockerStep::Copies(run, 0));
    }

    /// The containers of the order that are there.
    fn present(&self, order: &UpdateOrder) -> Vec<ContainerId> {
        order.containers.iter().filter(|id| self.docker.containers.contains_key(*id)).cloned().collect()
    }

    /// Copies the first half of the files, then the other.
    pub(super) fn copies(&mut self, run: RunId, part: u8) {
        let Some(Work::Update { order, .. }) = self.work(run) else { return };
        let order = Arc::clone(order);
        let half = order.copies.len().div_ceil(2);
        let copies = if part == 0 { &order.copies[..half] } else { &order.copies[half..] };
        let ids = self.present(&order);
        let locked = |id: &ContainerId| self.docker.containers[id].script.no_copy;
        let refused = ids.len() < order.containers.len() || ids.iter().any(locked);
        let fails = refused || self.docker.flaky && self.pace.percent(3);
        for (file, remote) in copies {
            let content = self.disk.content(file).map(str::to_owned);
            if let (Some(facts), Some(content)) = (self.facts.docker.runs.get_mut(&run), &content) {
                facts.read.insert(file.clone(), content.clone());
            }
            for id in &ids {
                self.put(id, remote, content.clone());
            }
        }
        if part == 0 {
            for (id, remote) in ids.iter().flat_map(|id| order.removals.iter().map(move |remote| (id, remote))) {
                self.put(id, remote, None);
            }
        }
        if fails {
            return self.docker_over(run, not_started("the copy failed"));
        }
        let next = if part == 0 { DockerStep::Copies(run, 1) } else { DockerStep::Runs(run, 0) };
        let wait = self.pace.wait(Wait::Docker);
        self.docker_later(wait, next);
    }

    fn put(&mut self, id: &ContainerId, remote: &str, content: Option<String>) {
        let Some(one) = self.docker.containers.get_mut(id) else { return };
        if !one.script.no_copy {
            one.layer.insert(remote.to_owned(), content);
        }
    }

    /// Runs one step in all containers.
    pub(super) fn runs_in_containers(&mut self, run: RunId, place: usize) {
        let Some(Work::Update { order, .. }) = self.work(run) else { return };
        let order = Arc::clone(order);
        let Some(step) = order.runs.get(place) else { return self.restarts(run) };
        let script = Script::parse(&step.argv, &FilePath::new("/"));
        let outcomes: Vec<Outcome> = order.containers.iter().map(|id| self.outcome(run, id, &script)).collect();
        match outcomes.iter().find(|one| **one != Outcome::Well) {
            None => {
                let next = DockerStep::Runs(run, place + 1);
                self.docker_later(Duration::from_millis(script.duration), next);
            }
            Some(Outcome::Failed(code)) if outcomes.iter().all(|one| matches!(one, Outcome::Failed(_))) => {
                let failed_command = Some(step.argv.join(" "));
                self.docker_over_with(run, RunEnd { failed_command, ..RunEnd::of(Exit::Code(*code)) });
            }
            Some(_) => self.docker_over(run, not_started("a step failed in some containers")),
        }
    }

    fn outcome(&self, run: RunId, id: &ContainerId, script: &Script) -> Outcome {
        let Some(one) = self.docker.containers.get(id).filter(|one| one.is_running()) else {
            return Outcome::Impossible;
        };
        let read_bad = |word: &String| self.facts.docker.runs[&run].read.values().any(|text| text.contains(word));
        let code = if script.fails_on.as_ref().is_some_and(read_bad) { 1 } else { script.exit };
        let concerns = script.only_in.is_none_or(|place| place == one.place);
        if code != 0 && concerns { Outcome::Failed(code) } else { Outcome::Well }
    }

    fn restarts(&mut self, run: RunId) {
        let Some(Work::Update { order, grace }) = self.work(run) else { return };
        let (order, grace) = (Arc::clone(order), *grace);
        if !order.restart {
            return self.updated(run);
        }
        let wait = self.end_all(&order.containers, grace);
        self.docker_later(wait, DockerStep::StartsAgain(run));
    }

    pub(super) fn starts_again(&mut self, run: RunId) {
        let Some(Work::Update { order, .. }) = self.work(run) else { return };
        let order = Arc::clone(order);
        if self.present(&order).len() < order.containers.len() {
            return self.docker_over(run, not_started("a container is gone"));
        }
        for id in &order.containers {
            self.start_container(id);
        }
        self.updated(run);
    }

    fn updated(&mut self, run: RunId) {
        if self.work(run).is_some() {
            self.docker_over(run, Exit::Code(0));
        }
    }
}
