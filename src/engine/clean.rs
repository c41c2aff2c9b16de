//! The last of a teardown: what is left of the project on the Docker Engine and on the cluster is removed.

use super::{
    backend::Backend,
    docker,
    effect::{DockerEffect, KubeEffect},
    kube,
    state::State,
};
use crate::model::{Exit, Level, RunId};
use std::collections::BTreeMap;

/// How far it is, on each backend where it began.
#[derive(Debug, Default)]
pub(super) struct Cleaning(BTreeMap<Backend, Clean>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clean {
    /// It goes on.
    Running(RunId),
    /// It is over; whether it worked.
    Over(bool),
}

impl Cleaning {
    pub(super) fn running(&self) -> impl Iterator<Item = RunId> {
        self.0.values().filter_map(|clean| match clean {
            Clean::Running(run) => Some(*run),
            Clean::Over(_) => None,
        })
    }

    /// Whether something could not be removed.
    pub(super) fn failed(&self) -> bool {
        self.0.values().any(|clean| *clean == Clean::Over(false))
    }
}

/// Has what is left removed. Tells whether that goes on.
pub(super) fn advance(state: &mut State) -> bool {
    for backend in Backend::ALL {
        let is_new = state.shutdown.as_ref().is_some_and(|shutdown| !shutdown.cleaning.0.contains_key(&backend));
        if is_new && is_needed(state, backend) {
            begin(state, backend);
        }
    }
    state.shutdown.as_ref().is_some_and(|shutdown| shutdown.cleaning.running().next().is_some())
}

fn is_needed(state: &State, backend: Backend) -> bool {
    let contact = state.contact(backend);
    match backend {
        Backend::Docker => {
            // Without a project nobody knows more than that an earlier session made something.
            let unknown = state.project.is_none() && !(state.image_records.is_empty() && state.overlays.is_empty());
            (contact.used || unknown) && contact.lost().is_none()
        }
        Backend::Kube => contact.used && contact.is_seen(),
    }
}

fn begin(state: &mut State, backend: Backend) {
    let run = state.ids.next_run();
    if let Some(shutdown) = &mut state.shutdown {
        shutdown.cleaning.0.insert(backend, Clean::Running(run));
    }
    let effect = match backend {
        Backend::Docker => {
            let projects = state.project.as_ref().map(|project| project.compose.as_slice()).unwrap_or_default();
            let compose = projects.iter().map(|project| project.name.clone()).collect();
            docker::effect(DockerEffect::Clean { run, compose, volumes: state.volumes })
        }
        Backend::Kube => kube::effect(KubeEffect::Clean { run, namespaces: state.namespaces }),
    };
    state.emit(effect);
}

/// What was left is removed, or not. Tells whether the run was one of these.
pub(super) fn on_ended(state: &mut State, run: RunId, exit: &Exit) -> bool {
    let Some(shutdown) = &mut state.shutdown else { return false };
    let given_up = shutdown.is_given_up() || *exit == Exit::Stopped;
    let Some(clean) = shutdown.cleaning.0.values_mut().find(|clean| **clean == Clean::Running(run)) else {
        return false;
    };
    *clean = Clean::Over(exit.is_success() || given_up);
    if let Exit::NotStarted(failure) = exit {
        state.say_session(Level::Warning, format!("not all could be removed: {}", failure.message));
    }
    true
}
