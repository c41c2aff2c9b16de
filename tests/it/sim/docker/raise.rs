//! Making, replacing and removing containers.

use super::{
    DockerStep,
    facts::Sort,
    link::{Job, Work},
    not_started,
    state::{pulled_id, script_of},
};
use crate::sim::{pace::Wait, world::World};
use orch::{
    engine::{Made, RaiseOrder, RunEnd},
    model::{ContainerId, ContainerImage, ContainerSource, Exit, ImageId, ResourceName, RunId, VolumeSource},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

impl World {
    pub(super) fn raise(&mut self, run: RunId, resource: ResourceName, order: Arc<RaiseOrder>, grace: Duration) {
        if !self.docker_begins(run, &resource, Sort::Raise(Arc::clone(&order)), BTreeMap::new()) {
            return;
        }
        self.docker.link.runs.insert(run, Job { resource, work: Work::Raise { order, grace } });
        let wait = self.pace.wait(Wait::Docker);
        self.docker_later(wait, DockerStep::Replaces(run));
    }

    /// Ends the containers that are not what they are to be.
    pub(super) fn replaces(&mut self, run: RunId) {
        let Some(Work::Raise { order, grace }) = self.work(run) else { return };
        let (order, grace) = (Arc::clone(order), *grace);
        let resource = self.resource_of(run);
        let old: Vec<ContainerId> = self.others(&resource, &order);
        let wait = self.end_all(&old, grace);
        self.docker_later(wait, DockerStep::Makes(run));
    }

    fn others(&self, resource: &ResourceName, order: &RaiseOrder) -> Vec<ContainerId> {
        let containers = self.docker.of(resource);
        let count = script_of(&order.container).count;
        let others = containers
            .filter(|(_, one)| order.replace || one.fingerprint != Some(order.fingerprint) || one.place >= count);
        others.map(|(id, _)| id.clone()).collect()
    }

    /// Removes those and makes what is missing.
    pub(super) fn makes(&mut self, run: RunId) {
        let Some(Work::Raise { order, .. }) = self.work(run) else { return };
        let order = Arc::clone(order);
        let resource = self.resource_of(run);
        let now = self.now;
        let made_at = self.facts.docker.runs[&run].asked_at;
        for id in self.others(&resource, &order) {
            if self.docker.containers[&id].made_at < made_at || !order.replace {
                self.remove_container(&id);
            }
        }
        let Some(image) = self.image_for(&order) else {
            return self.docker_over(run, not_started("its image is not there"));
        };
        for place in 0..script_of(&order.container).count {
            if !self.docker.of(&resource).any(|(_, one)| one.place == place) {
                self.docker.make(now, &resource, place, &order, image.clone());
            }
        }
        self.make_surroundings(&order);
        self.saw_containers(&resource);
        let wait = self.pace.wait(Wait::Docker);
        self.docker_later(wait, DockerStep::Starts(run));
    }

    fn image_for(&mut self, order: &RaiseOrder) -> Option<ImageId> {
        match (&order.container.image, &order.image) {
            (ContainerImage::Built(_), Some(built)) => self.docker.image_of(&built.reference),
            (ContainerImage::Built(key), None) => {
                self.object(format!("a container of `{key}` is raised without an image"));
                None
            }
            (ContainerImage::Pulled(name), _) => (!name.starts_with("nowhere/")).then(|| pulled_id(name)),
        }
    }

    /// Networks and volumes come with the first container that needs them.
    fn make_surroundings(&mut self, order: &RaiseOrder) {
        match &order.container.source {
            ContainerSource::Compose { project, .. } => drop(self.docker.networks.insert(format!("{project}_default"))),
            ContainerSource::Plain(spec) => {
                if spec.networks.is_empty() {
                    self.docker.networks.insert("p".to_owned());
                }
                self.docker.networks.extend(spec.networks.iter().map(|network| network.name.clone()));
                for volume in &spec.volumes {
                    if let VolumeSource::Named(name) = &volume.source {
                        self.docker.volumes.insert(name.clone());
                    }
                }
            }
        }
    }

    pub(super) fn starts(&mut self, run: RunId) {
        let Some(Work::Raise { order, .. }) = self.work(run) else { return };
        let order = Arc::clone(order);
        let resource = self.resource_of(run);
        let script = script_of(&order.container);
        let ids = self.docker.ids_of(&resource);
        if ids.len() < usize::try_from(script.count).expect("small") {
            return self.docker_over(run, not_started("a container is gone"));
        }
        if let Some(port) = self.taken_port(&order) {
            let exit = not_started(&format!("port {port} is taken"));
            return self.docker_over_with(run, RunEnd { taken_port: Some(port), ..RunEnd::of(exit) });
        }
        if script.missing || self.docker.flaky && self.pace.percent(4) {
            return self.docker_over(run, not_started("it cannot be started"));
        }
        for id in ids {
            self.freeze(&id, false);
            self.start_container(&id);
        }
        let wait = self.pace.wait(Wait::Docker);
        self.docker_later(wait, DockerStep::Raised(run));
    }

    fn taken_port(&self, order: &RaiseOrder) -> Option<u16> {
        let ContainerSource::Plain(spec) = &order.container.source else { return None };
        let mut ports = spec.ports.iter().filter_map(|port| port.host_port);
        ports.find(|port| self.taken_ports.contains(port))
    }

    pub(super) fn raised(&mut self, run: RunId) {
        if self.work(run).is_none() {
            return;
        }
        let resource = self.resource_of(run);
        let made = Made::Containers(self.docker.states_of(&resource));
        self.docker_over_with(run, RunEnd { made, ..RunEnd::of(Exit::Code(0)) });
    }

    pub(super) fn remove_containers(&mut self, run: RunId, resource: ResourceName, grace: Duration) {
        if !self.docker_begins(run, &resource, Sort::Remove, BTreeMap::new()) {
            return;
        }
        self.docker.link.runs.insert(run, Job { resource, work: Work::Remove { grace } });
        let wait = self.pace.wait(Wait::Docker);
        self.docker_later(wait, DockerStep::Removes(run));
    }

    pub(super) fn removes(&mut self, run: RunId) {
        let Some(Work::Remove { grace }) = self.work(run) else { return };
        let grace = *grace;
        let resource = self.resource_of(run);
        let wait = self.end_all(&self.docker.ids_of(&resource), grace);
        self.docker_later(wait, DockerStep::Removed(run));
    }

    pub(super) fn removed(&mut self, run: RunId) {
        if self.work(run).is_none() {
            return;
        }
        let resource = self.resource_of(run);
        for id in self.docker.ids_of(&resource) {
            self.remove_container(&id);
        }
        self.docker_over(run, Exit::Code(0));
    }

    pub(super) fn clean(&mut self, run: RunId, volumes: bool) {
        let nobody = ResourceName::parse("clean").expect("a name");
        if !self.docker_begins(run, &nobody, Sort::Clean, BTreeMap::new()) {
            return;
        }
        self.docker.link.runs.insert(run, Job { resource: nobody, work: Work::Clean { volumes } });
        let wait = self.pace.wait(Wait::Docker);
        self.docker_later(wait, DockerStep::Cleans(run));
    }

    pub(super) fn cleans(&mut self, run: RunId) {
        let Some(Work::Clean { volumes }) = self.work(run) else { return };
        let volumes = *volumes;
        let ids: Vec<ContainerId> = self.docker.containers.keys().cloned().collect();
        for id in ids {
            let name = &self.docker.containers[&id].resource;
            if self.facts.resource(name).is_some_and(|resource| resource.enabled) {
                let text = format!("cleaned while a container of `{name}` is there");
                self.object(text);
            }
            self.remove_container(&id);
        }
        self.docker.networks.clear();
        if volumes {
            self.docker.volumes.clear();
        }
        self.docker_over(run, Exit::Code(0));
    }
}
