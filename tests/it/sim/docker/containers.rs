//! The life of containers on the engine: they start, fall ill, die and are started again, with or without orch.

use super::DockerStep;
use crate::sim::{pace::Wait, world::World};
use orch::model::{ContainerId, ContainerPhase, ContainerSource, Health, ImageId, ResourceName};
use std::time::Duration;

/// Later than that nothing of a container happens: its script means never.
const NEVER: u64 = 600_000;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl World {
    /// Starts one that does not run, if it can; nothing where it does.
    pub(super) fn start_container(&mut self, id: &ContainerId) {
        let now = self.now;
        let Some(one) = self.docker.containers.get_mut(id).filter(|one| !one.is_alive() && !one.script.missing) else {
            return;
        };
        one.phase = ContainerPhase::Running;
        one.started_at = Some(now);
        one.lives += 1;
        one.health = one.container.health_check.then_some(Health::Starting);
        let (life, script, checked) = (one.lives, one.script.clone(), one.health.is_some());
        let name = one.resource.clone();
        if let Some(dies) = script.dies {
            self.docker_later(millis(dies), DockerStep::Dies(id.clone(), life, script.exit));
        }
        if checked && script.ok < NEVER {
            self.docker_later(millis(script.ok), DockerStep::Turns(id.clone(), life, Health::Healthy));
        }
        if let Some((from, to)) = script.sick.filter(|_| checked) {
            self.docker_later(millis(from), DockerStep::Turns(id.clone(), life, Health::Unhealthy));
            self.docker_later(millis(to), DockerStep::Turns(id.clone(), life, Health::Healthy));
        }
        self.saw_containers(&name);
    }

    pub(super) fn container_dies(&mut self, id: &ContainerId, life: u32, code: i32) {
        let Some(one) = self.docker.containers.get(id) else { return };
        if self.mortal && one.lives == life && one.is_running() {
            self.container_over(id, code);
        }
    }

    /// Its process ended with that code.
    pub(super) fn container_over(&mut self, id: &ContainerId, code: i32) {
        let Some(one) = self.docker.containers.get_mut(id).filter(|one| one.is_alive()) else { return };
        one.phase = ContainerPhase::Exited { code, out_of_memory: false };
        one.health = None;
        let name = one.resource.clone();
        if one.container.engine_restarts && code != 0 && code != 143 {
            one.phase = ContainerPhase::Restarting;
            let (life, wait) = (one.lives, millis(100 << one.engine_restarts.min(6)));
            self.docker_later(wait, DockerStep::Revives(id.clone(), life));
        }
        self.saw_containers(&name);
        self.logs_may_end();
    }

    pub(super) fn container_revives(&mut self, id: &ContainerId, life: u32) {
        let Some(one) = self.docker.containers.get_mut(id) else { return };
        if one.lives == life && one.phase == ContainerPhase::Restarting {
            one.engine_restarts += 1;
            self.start_container(id);
        }
    }

    pub(super) fn container_turns(&mut self, id: &ContainerId, life: u32, health: Health) {
        let Some(one) = self.docker.containers.get_mut(id) else { return };
        if one.lives == life && one.is_alive() && one.health.is_some_and(|before| before != health) {
            one.health = Some(health);
            let name = one.resource.clone();
            self.saw_containers(&name);
        }
    }

    /// Asks one to end; it is killed after `grace`.
    pub(super) fn ask_to_end(&mut self, id: &ContainerId, grace: Duration) {
        let Some(one) = self.docker.containers.get_mut(id) else { return };
        if one.phase == ContainerPhase::Restarting {
            one.phase = ContainerPhase::Exited { code: 137, out_of_memory: false };
            let name = one.resource.clone();
            self.saw_containers(&name);
            return self.logs_may_end();
        }
        let (wait, life) = (one.script.time_to_stop(grace), one.lives);
        self.docker_later(wait, DockerStep::Ends(id.clone(), life));
    }

    pub(super) fn container_ends(&mut self, id: &ContainerId, life: u32) {
        let Some(one) = self.docker.containers.get(id) else { return };
        if one.lives == life && one.is_alive() {
            self.container_over(id, 143);
        }
    }

    /// Asks all of these to end; tells how long that takes.
    pub(super) fn end_all(&mut self, ids: &[ContainerId], grace: Duration) -> Duration {
        let mut longest = Duration::ZERO;
        for id in ids {
            let Some(one) = self.docker.containers.get(id) else { continue };
            if one.is_alive() {
                longest = longest.max(one.script.time_to_stop(grace));
            }
            self.ask_to_end(id, grace);
        }
        longest + self.pace.wait(Wait::Docker)
    }

    pub(super) fn stop_containers(&mut self, resource: &ResourceName, ids: &[ContainerId], grace: Duration) {
        for id in ids {
            if self.docker.containers.get(id).is_some_and(|one| one.resource != *resource) {
                self.object(format!("container {id} is stopped as one of `{resource}`"));
            }
            if !self.docker.down {
                self.ask_to_end(id, grace);
            }
        }
        let name = resource.clone();
        self.facts.docker.stops.push((self.now, name));
    }

    /// Removes one, alive or not.
    pub(super) fn remove_container(&mut self, id: &ContainerId) {
        if let Some(one) = self.docker.containers.remove(id) {
            self.saw_containers(&one.resource);
            self.logs_may_end();
        }
    }

    pub(super) fn freeze(&mut self, id: &ContainerId, frozen: bool) {
        let Some(one) = self.docker.containers.get_mut(id) else { return };
        let (from, to) = (ContainerPhase::Running, ContainerPhase::Paused);
        let (from, to) = if frozen { (from, to) } else { (to, from) };
        if one.phase == from {
            one.phase = to;
            let name = one.resource.clone();
            self.saw_containers(&name);
        }
    }

    /// Somebody makes it anew: another id, no label of orch's, another command.
    pub(super) fn replace_by_hand(&mut self, id: &ContainerId) {
        let Some(mut one) = self.docker.containers.remove(id) else { return };
        self.logs_may_end();
        one.fingerprint = None;
        one.layer.clear();
        one.lives = 0;
        one.phase = ContainerPhase::Created;
        one.made_at = self.now;
        if let ContainerSource::Plain(spec) = &mut std::sync::Arc::make_mut(&mut one.container).source {
            spec.env.insert("BY_HAND".to_owned(), "1".to_owned());
        }
        let id = self.docker.new_id();
        self.docker.containers.insert(id.clone(), one);
        self.start_container(&id);
    }

    /// Removes images that no container is made of, but those that are kept.
    pub(super) fn prune(&mut self, keep: &[ImageId]) {
        let used = |id: &ImageId| {
            self.docker.containers.values().any(|one| one.image == *id)
                || self.docker.images.values().any(|image| image.bases.values().any(|base| base == id))
        };
        let gone: Vec<ImageId> =
            self.docker.images.keys().filter(|id| !used(id) && !keep.contains(id)).cloned().collect();
        for id in gone {
            self.docker.images.remove(&id);
            self.facts.docker.pruned.push((self.now, id));
        }
    }

    /// Kills the containers of a resource from outside.
    pub(crate) fn kill_containers(&mut self, name: &ResourceName, code: i32) {
        for id in self.docker.ids_of(name) {
            if self.mortal {
                self.facts.docker.meddled.push((self.now, name.clone()));
                self.container_over(&id, code);
            }
        }
    }
}
