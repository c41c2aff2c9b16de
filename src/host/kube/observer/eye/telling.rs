//! What the session is told of what there is, and when.

use super::Eye;
use crate::{
    engine::{Event, KubeEvent, KubeSeen},
    host::kube::{
        follow::Place,
        observer::{Ask, View},
    },
    model::{KubeState, PodContainerPhase, ResourceName},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long the end of a container may wait until all that it said is in the log.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_secs(2);

impl Eye {
    /// Answers the look, once all that is there was told.
    pub(super) fn tell_seen(&mut self) {
        if !self.pending.is_empty() {
            return;
        }
        let Some((request, registry)) = self.looking.take() else { return };
        let known = self.shared.known();
        let resources = known.resources().into_iter().map(|resource| {
            let state = known.state(&resource);
            (resource, state)
        });
        let resources: BTreeMap<_, _> = resources.filter(|(_, state)| *state != KubeState::default()).collect();
        drop(known);
        self.told = resources.clone();
        self.open = true;
        for (resource, state) in &resources {
            self.show(resource, state);
        }
        self.outbox.send(Event::Kube(KubeEvent::Seen { request, seen: KubeSeen { resources, registry } }));
        self.answer_waiting();
    }

    /// Tells what there is of a resource, if that is news.
    pub(super) fn tell(&mut self, resource: &ResourceName) {
        self.tell_unless(resource, true);
    }

    /// `may_wait`: the log may be read first.
    pub(super) fn tell_unless(&mut self, resource: &ResourceName, may_wait: bool) {
        if !self.open {
            return;
        }
        let state = self.shared.known().state(resource);
        if self.told.get(resource).is_none_or(|before| *before == KubeState::default()) && state == KubeState::default()
            || self.told.get(resource) == Some(&state)
        {
            return;
        }
        self.show(resource, &state);
        let speaking = if may_wait { self.speaking(&state) } else { Vec::new() };
        if !speaking.is_empty() && self.tell_later(resource, speaking) {
            return;
        }
        self.told.insert(resource.clone(), state.clone());
        self.outbox.send(Event::Kube(KubeEvent::Changed { resource: resource.clone(), state }));
    }

    /// What containers print whose end is to be told, where somebody still reads it.
    pub(super) fn speaking(&self, state: &KubeState) -> Vec<(Place, u32)> {
        let containers = state.pods.iter().flat_map(|pod| pod.containers.iter().map(move |container| (pod, container)));
        let ended = containers.filter(|(_, container)| {
            container.started_at_ns > 0 && !matches!(container.phase, PodContainerPhase::Running)
        });
        let places = ended.map(|(pod, container)| ((pod.id.clone(), container.name.clone()), container.restarts + 1));
        places.filter(|(place, starts)| self.cursors.is_behind(place, *starts)).collect()
    }

    /// Tells how a resource is, once the log has what a container said that ended.
    pub(super) fn tell_later(&mut self, resource: &ResourceName, speaking: Vec<(Place, u32)>) -> bool {
        let Some(sender) = self.sender.upgrade() else { return false };
        if !self.delayed.insert(resource.clone()) {
            return true;
        }
        let (cursors, resource) = (self.cursors.clone(), resource.clone());
        tokio::spawn(async move {
            timeout(LAST_WORDS_TIMEOUT, cursors.until_read(&speaking)).await.unwrap_or_default();
            sender.send(Ask::Tell { resource }).unwrap_or_default();
        });
        true
    }

    pub(super) fn show(&self, resource: &ResourceName, state: &KubeState) {
        let known = self.shared.known();
        let ports = state.pods.iter().map(|pod| (pod.id.clone(), known.ports_of(&pod.id.0))).collect();
        drop(known);
        self.shared.show(resource, Arc::new(View { state: state.clone(), ports }));
    }

    pub(super) fn answer_waiting(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let known = self.shared.known();
        let is_observed = |resource: &ResourceName| {
            let own = known.objects.values().map(|(_, one)| one).filter(|one| one.resource == *resource);
            own.into_iter().all(|one| one.is_ending || one.rollout.is_observed)
        };
        let (observed, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(resource, _)| is_observed(resource));
        drop(known);
        self.waiting = waiting;
        for (resource, answer) in observed {
            self.tell(&resource);
            answer.send(()).unwrap_or_default();
        }
    }
}
