//! The simulated cluster and orch's connection to it. It obeys and reports, never decides; what its pods do is said by the words of
//! the command of their first container (see `script`): `ok=2000` (when it is ready), `dies=300 exit=1`, `missing` (its image cannot
//! be pulled), `nocopy`. A Job's pods end after `dur`.

mod pods;
mod state;
pub(crate) mod trace;

use super::{
    pace::Wait,
    world::{Due, Step, World},
};
use orch::{
    engine::{ApplyOrder, CustomCommand, Event, KubeEffect, KubeEvent, KubeSeen, PodUpdateOrder, RunEnd},
    model::{
        ClusterRegistry, Exit, Failure, ForwardState, InstanceId, KubeState, ObjectKey, PortForward, RequestId,
        ResourceName, RunId,
    },
};
use serde_json::json;
use state::SimObject;
pub(crate) use state::{Cluster, PodStep};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// What somebody else does with the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KubeAction {
    /// Deletes an object of a resource: its kind and name.
    Delete(ResourceName, String),
    /// Changes an object of a resource.
    Edit(ResourceName, String),
    /// Deletes the pods of a resource.
    DeletePods(ResourceName),
    /// The processes of a resource's pods end with that code.
    Crash(ResourceName, i32),
    /// The same of its first pod alone.
    CrashOne(ResourceName, i32),
    /// The way to it is cut.
    Down,
    /// It can be reached again.
    Up,
}

/// A step of the cluster, or of the connection to it.
#[derive(Debug, Clone)]
pub(crate) enum KubeStep {
    Look(RequestId),
    Report,
    Applies(RunId),
    Applied(RunId, Exit),
    Updates(RunId),
    Deletes(RunId),
    Over(RunId, Exit),
    Followed(InstanceId),
    Pod(PodStep),
}

impl KubeStep {
    pub(crate) fn outlives_orch(&self) -> bool {
        matches!(self, Self::Pod(_))
    }
}

/// What a run does.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Apply(Arc<ApplyOrder>),
    Update(Vec<Arc<PodUpdateOrder>>),
    Delete,
    Clean,
}

fn gone() -> Failure {
    Failure { message: "the cluster does not answer".to_owned(), help: None }
}

impl World {
    fn kube_later(&mut self, wait: Duration, step: KubeStep) {
        self.later(wait, Due::Go(Step::Kube(step)));
    }

    fn kube_tell(&mut self, event: KubeEvent) {
        self.later(Duration::ZERO, Due::Tell(Event::Kube(event)));
    }

    /// Does what the engine asks for.
    pub(super) fn kube(&mut self, effect: KubeEffect) {
        match effect {
            KubeEffect::Look { request, objects, .. } => {
                self.cluster.declared = objects.keys().cloned().collect();
                let wait = self.pace.wait(Wait::Docker);
                self.kube_later(wait, KubeStep::Look(request));
            }
            KubeEffect::Apply { run, resource, order } => self.kube_begins(run, resource, Work::Apply(order)),
            KubeEffect::Update { run, resource, orders } => self.kube_begins(run, resource, Work::Update(orders)),
            KubeEffect::Delete { run, resource, .. } => self.kube_begins(run, resource, Work::Delete),
            KubeEffect::Clean { run, .. } => {
                self.kube_begins(run, ResourceName::parse("clean").expect("a name"), Work::Clean);
            }
            KubeEffect::Follow { instance, .. } => {
                if !self.cluster.follows.insert(instance) {
                    self.object(format!("instance {instance} is followed twice"));
                }
                self.cluster.instances.insert(instance);
            }
            KubeEffect::StopFollowing { instance } => {
                let wait = self.pace.wait(Wait::Reap);
                self.kube_later(wait, KubeStep::Followed(instance));
            }
            KubeEffect::Forward { resource, ports } => {
                self.cluster.forwards.insert(resource.clone(), ports);
                self.tell_forwards(&resource);
            }
        }
    }

    fn kube_begins(&mut self, run: RunId, resource: ResourceName, work: Work) {
        if !self.cluster.known_runs.insert(run) {
            return self.object(format!("run {run} is started twice"));
        }
        let step = match &work {
            _ if self.cluster.down => KubeStep::Over(run, Exit::NotStarted(gone())),
            Work::Apply(_) => KubeStep::Applies(run),
            Work::Update(_) => KubeStep::Updates(run),
            Work::Delete => KubeStep::Deletes(run),
            Work::Clean => KubeStep::Over(run, Exit::Code(0)),
        };
        self.cluster.runs.insert(run, (resource, work));
        let wait = self.pace.wait(Wait::Docker);
        self.kube_later(wait, step);
    }

    pub(super) fn kube_step(&mut self, step: KubeStep) {
        match step {
            KubeStep::Look(request) => self.kube_look(request),
            KubeStep::Report => self.kube_report(),
            KubeStep::Applies(run) => self.applies(run),
            KubeStep::Applied(run, exit) | KubeStep::Over(run, exit) => self.kube_over(run, exit),
            KubeStep::Updates(run) => self.updates(run),
            KubeStep::Deletes(run) => self.deletes(run),
            KubeStep::Followed(instance) => {
                if self.cluster.follows.remove(&instance) {
                    self.kube_tell(KubeEvent::FollowEnded { instance });
                }
            }
            KubeStep::Pod(step) => self.pod_step(step),
        }
    }

    fn kube_look(&mut self, request: RequestId) {
        if self.cluster.down {
            return self.kube_tell(KubeEvent::Lost { failure: gone() });
        }
        self.cluster.is_open = true;
        let names = self.cluster.objects.keys().map(|(name, _)| name.clone()).chain(self.cluster.declared.clone());
        let resources: BTreeMap<ResourceName, KubeState> =
            names.map(|name| (name.clone(), self.cluster.state_of(&name))).collect();
        let registry = self.cluster.registry.then(|| ClusterRegistry {
            host: "localhost:5005".to_owned(),
            from_cluster: Some("registry:5000".to_owned()),
        });
        self.kube_tell(KubeEvent::Seen { request, seen: KubeSeen { resources, registry } });
    }

    /// Something about a resource changed.
    pub(super) fn saw_kube(&mut self, name: &ResourceName) {
        if self.cluster.down || !self.cluster.is_open {
            return;
        }
        if self.cluster.stale.is_empty() {
            let wait = self.pace.wait(Wait::DockerEvent);
            self.kube_later(wait, KubeStep::Report);
        }
        self.cluster.stale.insert(name.clone());
    }

    fn kube_report(&mut self) {
        for resource in std::mem::take(&mut self.cluster.stale) {
            if !self.cluster.down {
                self.tell_state(&resource);
                self.tell_forwards(&resource);
            }
        }
    }

    fn tell_state(&mut self, resource: &ResourceName) {
        let state = self.cluster.state_of(resource);
        if self.cluster.told.get(resource) != Some(&state) {
            self.cluster.told.insert(resource.clone(), state.clone());
            self.kube_tell(KubeEvent::Changed { resource: resource.clone(), state });
        }
    }

    fn tell_forwards(&mut self, resource: &ResourceName) {
        let Some(ports) = self.cluster.forwards.get(resource) else { return };
        let to = self.cluster.newest_running(resource);
        let state = |(index, port): (usize, &PortForward)| ForwardState {
            index,
            local_port: port.local_port,
            to: to.clone().map(|pod| (pod, port.container_port)),
            trouble: None,
        };
        let ports: Vec<ForwardState> = ports.iter().enumerate().map(state).collect();
        if self.cluster.told_forwards.get(resource) != Some(&ports) {
            self.cluster.told_forwards.insert(resource.clone(), ports.clone());
            self.kube_tell(KubeEvent::Forwarded { resource: resource.clone(), ports });
        }
    }

    fn kube_over(&mut self, run: RunId, exit: Exit) {
        let Some((resource, _)) = self.cluster.runs.remove(&run) else { return };
        if !self.cluster.down {
            self.tell_state(&resource);
        }
        self.later(Duration::ZERO, Due::Tell(Event::RunEnded { run, end: RunEnd::of(exit) }));
    }

    pub(crate) fn cancel_kube_run(&mut self, run: RunId) {
        if self.cluster.runs.contains_key(&run) {
            let wait = self.pace.wait(Wait::Reap);
            self.kube_later(wait, KubeStep::Over(run, Exit::Stopped));
        }
    }

    fn applies(&mut self, run: RunId) {
        let Some((resource, Work::Apply(order))) = self.cluster.runs.get(&run).cloned() else { return };
        let refused =
            order.objects.iter().find(|object| object.declared.value.pointer("/metadata/annotations/refuse").is_some());
        if let Some(object) = refused {
            let message = format!("`{}` cannot be applied: the server says no", object.key);
            return self.kube_over(run, Exit::NotStarted(Failure { message, help: None }));
        }
        for object in &order.objects {
            self.apply_object(&resource, object, order.restart);
        }
        if let Some(custom) = &order.custom {
            self.apply_by_command(&resource, custom);
            let wait = self.pace.wait(Wait::Docker);
            return self.kube_later(wait, KubeStep::Applied(run, Exit::Code(0)));
        }
        let gone: Vec<_> =
            self.cluster.keys_of(&resource).filter(|key| !order.objects.iter().any(|one| one.key == *key)).collect();
        gone.into_iter().for_each(|key| self.remove_object(&resource, &key));
        let wait = self.pace.wait(Wait::Docker);
        self.kube_later(wait, KubeStep::Applied(run, Exit::Code(0)));
    }

    /// `makes=KIND/NAME`: the command applies that; a Deployment has a pod.
    fn apply_by_command(&mut self, resource: &ResourceName, custom: &CustomCommand) {
        for (kind, name) in custom.command.argv.iter().filter_map(|word| word.strip_prefix("makes=")?.split_once('/')) {
            let group = if kind == "Deployment" { "apps" } else { "" };
            let (group, kind, name) = (group.to_owned(), kind.to_owned(), name.to_owned());
            let key = ObjectKey { group, kind, namespace: "default".to_owned(), name };
            let place = (resource.clone(), key.clone());
            let container = json!({"name": "c", "image": "theirs", "command": ["sim", "ok=200"]});
            let value = match key.kind.as_str() {
                "Deployment" => {
                    json!({"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}})
                }
                kind => json!({ "kind": kind }),
            };
            let is_new = !self.cluster.objects.contains_key(&place);
            let fingerprint = Some(custom.fingerprint);
            let is_pod_made = is_new && key.kind == "Deployment";
            self.cluster.objects.insert(place, SimObject { value, fingerprint, drift: None, is_complete: false });
            if is_pod_made {
                self.roll_out(resource, &key);
            }
            self.saw_kube(resource);
        }
    }

    fn apply_object(&mut self, resource: &ResourceName, object: &orch::engine::AppliedObject, restart: bool) {
        let key = (resource.clone(), object.key.clone());
        let known = self.cluster.objects.get(&key);
        let is_same = known.is_some_and(|one| one.fingerprint == Some(object.fingerprint) && one.drift.is_none());
        if is_same && !restart {
            return;
        }
        let before = known.and_then(state::SimObject::template);
        let is_new = known.is_none();
        let one = SimObject {
            value: object.value.clone(),
            fingerprint: Some(object.fingerprint),
            drift: None,
            is_complete: false,
        };
        let template = one.template();
        self.cluster.objects.insert(key, one);
        if template.is_some() && (is_new || restart || before != template) {
            self.roll_out(resource, &object.key);
        }
        self.saw_kube(resource);
    }

    fn remove_object(&mut self, resource: &ResourceName, key: &orch::model::ObjectKey) {
        self.cluster.objects.remove(&(resource.clone(), key.clone()));
        self.end_pods(resource, key);
        self.saw_kube(resource);
    }

    fn deletes(&mut self, run: RunId) {
        let Some((resource, _)) = self.cluster.runs.get(&run).cloned() else { return };
        let keys: Vec<_> = self.cluster.keys_of(&resource).collect();
        keys.into_iter().for_each(|key| self.remove_object(&resource, &key));
        let wait = self.pace.wait(Wait::Docker);
        self.kube_later(wait, KubeStep::Over(run, Exit::Code(0)));
    }

    /// Somebody else does something.
    pub(crate) fn kube_action(&mut self, action: &KubeAction) {
        match action {
            KubeAction::Delete(name, object) => {
                if let Some(key) = self.cluster.key_named(name, object) {
                    self.remove_object(name, &key);
                }
            }
            KubeAction::Edit(name, object) => {
                if let Some(key) = self.cluster.key_named(name, object)
                    && let Some(one) = self.cluster.objects.get_mut(&(name.clone(), key))
                {
                    one.drift = Some("spec.replicas is 3, not 1".to_owned());
                    self.saw_kube(name);
                }
            }
            KubeAction::DeletePods(name) => self.replace_pods(name),
            KubeAction::Crash(name, code) => self.crash_pods(name, *code, usize::MAX),
            KubeAction::CrashOne(name, code) => self.crash_pods(name, *code, 1),
            KubeAction::Down => {
                self.cluster.down = true;
                let runs: Vec<RunId> = self.cluster.runs.keys().copied().collect();
                self.kube_tell(KubeEvent::Lost { failure: gone() });
                runs.into_iter().for_each(|run| self.kube_over(run, Exit::NotStarted(gone())));
            }
            KubeAction::Up => {
                self.cluster.down = false;
                self.cluster.is_open = false;
                self.kube_tell(KubeEvent::Back);
            }
        }
    }
}
