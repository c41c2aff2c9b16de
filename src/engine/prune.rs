//! When old images of the project are removed.

use super::{deadline::Deadline, docker, effect::DockerEffect, state::State};
use crate::{
    model::{DockerPrune, ImageId},
    snapshot::Goal,
};
use std::{collections::BTreeSet, time::Duration};

/// How long after the start of a session the first time is: what it needs is in use by then. After that, where nothing was built
/// nothing has become old.
const FIRST: Duration = Duration::from_mins(10);

fn settings(state: &State) -> Option<DockerPrune> {
    let settings = state.project.as_ref().map(|project| project.settings.docker_prune.clone())?;
    (state.goal == Goal::Up && !settings.disable).then_some(settings)
}

/// The engine was seen for the first time.
pub(super) fn begin(state: &mut State) {
    if settings(state).is_some_and(|settings| settings.builds == 0) {
        state.deadlines.set(Deadline::Prune, state.now + FIRST);
    }
}

/// The time has come.
pub(super) fn on_due(state: &mut State) {
    if let Some(settings) = settings(state) {
        prune(state, settings);
    }
}

/// An image was built.
pub(super) fn on_built(state: &mut State) {
    state.docker.builds += 1;
    let Some(settings) = settings(state) else { return };
    if settings.builds == 0 {
        state.deadlines.set_if_none(Deadline::Prune, state.now + settings.interval.max(FIRST));
    } else if state.docker.builds >= settings.builds {
        prune(state, settings);
    }
}

fn prune(state: &mut State, settings: DockerPrune) {
    if !state.docker.contact.is_seen() || state.is_shutting_down() {
        return;
    }
    state.docker.builds = 0;
    let keep = in_use(state).into_iter().collect();
    state.emit(docker::effect(DockerEffect::Prune { settings, keep }));
}

/// What images are, and what containers are made of.
fn in_use(state: &State) -> BTreeSet<ImageId> {
    let images = state.nodes.iter().filter_map(|node| node.making.value.as_ref()?.built.id.clone());
    let containers = state.nodes.iter().flat_map(|node| node.workload.there.containers()).map(|one| one.image.clone());
    images.chain(containers).collect()
}
