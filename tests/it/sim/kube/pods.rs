//! The life of pods: they start, get ready, crash and are started again, with or without orch. And files that are changed in them.

use super::{
    KubeStep, Work,
    state::{PodStep, SimPod},
};
use crate::sim::world::World;
use orch::engine::PodUpdateOrder;
use orch::model::{Exit, Failure, ObjectKey, PodContainerPhase, PodId, PodPhase, ResourceName, RunId};
use std::{collections::BTreeMap, time::Duration};

/// How long a pod takes to start, and to end.
const START: Duration = Duration::from_millis(20);
const END: Duration = Duration::from_millis(50);
/// Later than that nothing happens: its script means never.
const NEVER: u64 = 600_000;

fn waiting(reason: &str) -> PodContainerPhase {
    PodContainerPhase::Waiting { reason: reason.to_owned(), message: String::new() }
}

impl World {
    fn pod_later(&mut self, wait: Duration, step: PodStep) {
        self.kube_later(wait, KubeStep::Pod(step));
    }

    /// New pods take the place of those that are there.
    pub(super) fn roll_out(&mut self, resource: &ResourceName, owner: &ObjectKey) {
        self.end_pods(resource, owner);
        let replicas = self.cluster.objects[&(resource.clone(), owner.clone())].replicas();
        (0..replicas).for_each(|_| self.make_pod(resource, owner));
    }

    fn make_pod(&mut self, resource: &ResourceName, owner: &ObjectKey) {
        let Some(object) = self.cluster.objects.get(&(resource.clone(), owner.clone())) else { return };
        let (image, script, is_checked) = (object.image(), object.script(), object.is_checked());
        self.cluster.made += 1;
        let number = self.cluster.made;
        let id = PodId(format!("pod-{number:04}").into());
        let pod = SimPod {
            resource: resource.clone(),
            owner: owner.clone(),
            number,
            image,
            script,
            is_current: true,
            is_ending: false,
            created_at: self.now,
            phase: PodPhase::Pending,
            is_ready: false,
            is_checked,
            restarts: 0,
            started_at: None,
            container: waiting("ContainerCreating"),
            trouble: None,
            layer: BTreeMap::new(),
        };
        self.cluster.pods.insert(id.clone(), pod);
        self.pod_later(START, PodStep::Starts(id));
    }

    pub(super) fn end_pods(&mut self, resource: &ResourceName, owner: &ObjectKey) {
        for id in self.cluster.pods_of(resource) {
            let Some(pod) = self.cluster.pods.get_mut(&id).filter(|pod| pod.owner == *owner) else { continue };
            pod.is_current = false;
            pod.is_ending = true;
            pod.is_ready = false;
            self.pod_later(END, PodStep::Goes(id));
        }
    }

    /// Somebody deletes the pods: Kubernetes makes others.
    pub(super) fn replace_pods(&mut self, resource: &ResourceName) {
        let owners: Vec<ObjectKey> = self.cluster.keys_of(resource).collect();
        for owner in owners {
            let is_workload = self.cluster.objects[&(resource.clone(), owner.clone())].template().is_some();
            if is_workload {
                self.roll_out(resource, &owner);
            }
        }
        self.saw_kube(resource);
    }

    pub(super) fn crash_pods(&mut self, resource: &ResourceName, code: i32, most: usize) {
        for id in self.cluster.pods_of(resource).into_iter().take(most) {
            let Some(life) = self.cluster.pods.get(&id).map(|pod| pod.restarts) else { continue };
            self.pod_ends(&id, life, code);
        }
    }

    pub(super) fn pod_step(&mut self, step: PodStep) {
        match step {
            PodStep::Starts(id) => self.pod_starts(&id),
            PodStep::Turns(id, life) => self.pod_turns(&id, life),
            PodStep::Ends(id, life, code) => {
                if self.mortal {
                    self.pod_ends(&id, life, code);
                }
            }
            PodStep::Again(id, life) => self.pod_again(&id, life),
            PodStep::Goes(id) => {
                if let Some(pod) = self.cluster.pods.remove(&id) {
                    self.saw_kube(&pod.resource);
                }
            }
        }
    }

    fn pod_starts(&mut self, id: &PodId) {
        let now = self.now;
        let Some(pod) = self.cluster.pods.get_mut(id).filter(|pod| !pod.is_ending) else { return };
        let (name, script, life) = (pod.resource.clone(), pod.script.clone(), pod.restarts);
        if script.missing {
            pod.container = waiting("ImagePullBackOff");
            pod.trouble = Some(format!("image `{}` cannot be pulled: not found", pod.image));
            return self.saw_kube(&name);
        }
        pod.phase = PodPhase::Running;
        pod.container = PodContainerPhase::Running;
        pod.started_at = Some(now);
        pod.trouble = None;
        pod.layer.clear();
        let owner = pod.owner.clone();
        let is_job = self.cluster.objects.get(&(name.clone(), owner)).is_some_and(super::SimObject::is_job);
        if is_job {
            self.pod_later(Duration::from_millis(script.duration), PodStep::Ends(id.clone(), life, script.exit));
        } else if script.ok < NEVER {
            self.pod_later(Duration::from_millis(script.ok), PodStep::Turns(id.clone(), life));
        }
        if let Some(dies) = script.dies {
            self.pod_later(Duration::from_millis(dies), PodStep::Ends(id.clone(), life, script.exit));
        }
        self.saw_kube(&name);
    }

    fn pod_turns(&mut self, id: &PodId, life: u32) {
        let Some(pod) = self.cluster.pods.get_mut(id) else { return };
        if pod.restarts == life && pod.container == PodContainerPhase::Running && !pod.is_ending {
            pod.is_ready = true;
            let name = pod.resource.clone();
            self.saw_kube(&name);
        }
    }

    fn pod_ends(&mut self, id: &PodId, life: u32, code: i32) {
        let Some(pod) = self.cluster.pods.get_mut(id) else { return };
        if pod.restarts != life || pod.container != PodContainerPhase::Running || pod.is_ending {
            return;
        }
        pod.is_ready = false;
        pod.container = PodContainerPhase::Ended { code, reason: "Error".to_owned() };
        let (name, owner, restarts) = (pod.resource.clone(), pod.owner.clone(), pod.restarts);
        let job = self.cluster.objects.get_mut(&(name.clone(), owner)).filter(|one| one.is_job());
        let is_job = job.is_some();
        if let Some(job) = job {
            job.is_complete = code == 0;
        }
        let Some(pod) = self.cluster.pods.get_mut(id) else { return };
        if is_job {
            pod.phase = if code == 0 { PodPhase::Succeeded } else { PodPhase::Failed };
            pod.trouble = (code != 0).then(|| format!("exited with code {code}"));
        } else {
            pod.trouble = Some(format!("exited with code {code}; back-off {}s", 10 << restarts.min(4)));
            pod.container = waiting("CrashLoopBackOff");
            self.pod_later(Duration::from_secs(10 << restarts.min(4)), PodStep::Again(id.clone(), life));
        }
        self.saw_kube(&name);
    }

    fn pod_again(&mut self, id: &PodId, life: u32) {
        let Some(pod) = self.cluster.pods.get_mut(id).filter(|pod| pod.restarts == life && !pod.is_ending) else {
            return;
        };
        pod.restarts += 1;
        self.pod_starts(id);
    }

    pub(super) fn updates(&mut self, run: RunId) {
        let Some((_, Work::Update(orders))) = self.cluster.runs.get(&run).cloned() else { return };
        let exit = orders.iter().map(|order| self.update_pods(order)).find(|exit| !exit.is_success());
        self.kube_over(run, exit.unwrap_or(Exit::Code(0)));
    }

    fn update_pods(&mut self, order: &PodUpdateOrder) -> Exit {
        let mut exit = Exit::Code(0);
        for (id, _) in &order.containers {
            let Some(pod) = self.cluster.pods.get_mut(id).filter(|pod| pod.container == PodContainerPhase::Running)
            else {
                exit = failed("the pod is gone that was to be changed");
                continue;
            };
            if pod.script.no_copy {
                exit = failed("files cannot be copied");
                continue;
            }
            for (file, target) in &order.copies {
                let content = self.disk.content(file).unwrap_or_default().to_owned();
                pod.layer.insert(target.clone(), content);
            }
            order.removals.iter().for_each(|target| drop(pod.layer.remove(target)));
        }
        let is_bad = |step: &orch::model::RunStep| step.argv.iter().any(|word| word.contains("exit=1"));
        if exit == Exit::Code(0) && order.runs.iter().any(is_bad) {
            exit = Exit::Code(1);
        }
        exit
    }
}

fn failed(message: &str) -> Exit {
    Exit::NotStarted(Failure { message: message.to_owned(), help: None })
}
