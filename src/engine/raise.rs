//! Runs that bring containers to what they should be: made, replaced, started, or put back as they were.

use super::{
    backend::Backend,
    compare, container,
    dirt::{Dirt, Saw},
    docker, edges,
    event::{Made, RunEnd},
    kube, need,
    node::NodeId,
    observe, pause,
    phase::{self, LastRun, Then, Work},
    run::{self, Over},
    say, schedule, serve,
    state::State,
    stop,
    workload::{self, Order, Raised, There},
};
use crate::{
    model::{ContainerSource, Exit, FilePath, RunId},
    snapshot::{Cause, Goal, Skip, Step},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Nothing but a slot is in the way of new containers, if those that run are not as good.
pub(super) fn is_needless(state: &mut State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let dirt = &node.dirt;
    let may_be = node.wish.is_none()
        && !dirt.first
        && dirt.redo.is_none()
        && !node.workload.outdated
        && node.workload.overlay.is_empty()
        && !matches!(node.last, LastRun::Failed(_));
    let Some(wanted) = need::wanted(state, id, false).filter(|_| may_be) else { return false };
    if !workload::is_there(&state.nodes[id], &wanted) {
        return false;
    }
    let node = state.node(id);
    let image = node.dirt.images.pop_first();
    node.dirt = Dirt { files: std::mem::take(&mut node.dirt.files), ..Dirt::default() };
    node.skipped = Some(image.map_or(Skip::Fresh, Skip::SameImage));
    node.workload.raised = Some(wanted);
    compare::files(state, id);
    state.touch(id);
    true
}

/// Starts the run that brings the containers to what is declared.
pub(super) fn start(state: &mut State, id: NodeId) {
    let replace = must_replace(state, id);
    let Some(raised) = need::wanted(state, id, replace) else { return };
    let fell_back = need::fell_back(&state.nodes[id]).filter(|_| state.nodes[id].wish.is_none());
    let (dirt, cause) = run::take(state, id);
    let cause = fell_back.unwrap_or(cause);
    serve::give_way(state, id);
    if !matches!(cause, Cause::PortTaken(_)) {
        state.node(id).server.crashes = 0;
    }
    begin(state, id, raised, dirt, cause, false);
}

/// Containers that are replaced though they have the right mark: somebody wants that, or their files are not those of the image.
fn must_replace(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let is_kube = node.backend() == Some(Backend::Kube);
    let forced = node
        .wish
        .as_ref()
        .is_some_and(|wish| wish.cause == Cause::Triggered || wish.cause == Cause::Restarted && is_kube);
    let nameless = node
        .edges
        .images
        .iter()
        .any(|image| state.nodes[*image].making.value.as_ref().is_some_and(|value| value.built.id.is_none()));
    let fell_back = matches!(node.dirt.redo, Some(Cause::FallBack(_) | Cause::ChangedByHand(_)));
    forced || nameless || fell_back || !node.workload.overlay.is_empty()
}

/// Brings the containers again to what they were.
pub(super) fn again(state: &mut State, id: NodeId) {
    let Some(mut raised) = state.nodes[id].workload.raised.clone() else { return };
    let cause = state.node(id).workload.again.take().unwrap_or(Cause::Started);
    let replace = matches!(&cause, Cause::ChangedByHand(how) if how != observe::PAUSED);
    raised.replace(replace);
    let node = state.node(id);
    node.said = None;
    begin(state, id, raised, Dirt::default(), cause, true);
}

fn begin(state: &mut State, id: NodeId, raised: Raised, dirt: Dirt, cause: Cause, again: bool) {
    kube::forget_deploy(state, id);
    let step = if state.nodes[id].backend() == Some(Backend::Kube) { Step::Apply } else { Step::Container };
    let row = run::open(state, id, step, cause);
    match raised.order.clone() {
        Order::Docker(order) => container::raise(state, id, row.run, order),
        Order::Kube(order) => kube::apply(state, id, row.run, order),
    }
    run::goes_on(state, id, row, dirt, Work::Raise(Box::new(phase::Raise { raised, again })));
}

/// How long its containers may take to end.
pub(super) fn stop_grace(state: &State, id: NodeId) -> Duration {
    if state.grace().is_zero() {
        return Duration::ZERO;
    }
    let own = match state.nodes[id].what.container().map(|container| &container.source) {
        Some(ContainerSource::Plain(spec)) => spec.stop_timeout,
        Some(ContainerSource::Compose { .. }) | None => None,
    };
    own.unwrap_or_else(|| state.mode().stop_grace())
}

/// A run ended that was to bring containers to something.
pub(super) fn on_ended(state: &mut State, id: NodeId, over: Over, raise: phase::Raise, end: RunEnd) {
    if let Made::Containers(there) = end.made {
        state.node(id).workload.there = There::Containers(there);
    }
    if over.exit.is_success() {
        succeed(state, id, over, raise);
    } else if raise.again {
        fail_again(state, id, over);
    } else {
        state.node(id).workload.outdated = true;
        run::fail(state, id, &over);
        if state.nodes[id].what.kube().is_some_and(|kube| kube.before_others) {
            // The others waited for it to be applied, not for it to work.
            edges::reach_started(state, id);
        }
        observe::let_replaced_end(state, id);
        doubt_images(state, id, &over.exit);
        if let Some(port) = end.taken_port.filter(|_| over.cancelled.is_none()) {
            wait_for_port(state, id, over.row.run, port);
        }
    }
    observe::judge(state, id);
}

/// Somebody else has a port that a container is to get: once more, later. A port that is given back is no event.
fn wait_for_port(state: &mut State, id: NodeId, run: RunId, port: u16) {
    if state.goal != Goal::Up || !edges::counts(state, id) || schedule::starts_by_itself(state, id) {
        return;
    }
    let delay = pause::back_off(state, id, Then::Run(Cause::PortTaken(port)));
    say::waits_for_port(state, id, run, port, delay);
}

fn succeed(state: &mut State, id: NodeId, over: Over, raise: phase::Raise) {
    let phase::Raise { raised, again } = raise;
    let node = state.node(id);
    node.last = if again { over.before } else { LastRun::Succeeded };
    let before = node.workload.raised.replace(raised);
    node.workload.outdated &= again;
    let ids = workload::ids(&node.workload.there);
    let is_same = match node.backend() {
        Some(Backend::Kube) => observe::goes_on(node),
        Some(Backend::Docker) | None => node.workload.ids == ids,
    };
    let is_new = before.is_none() || !is_same;
    let mut lost = BTreeMap::new();
    if is_new {
        node.workload.ids = ids;
        lost = std::mem::take(&mut node.workload.overlay);
        node.workload.unsynced.clear();
        node.workload.initial_sync = syncs_first(node);
    }
    kube::remember_deploy(state, id);
    compare::files(state, id);
    if again {
        ask_again(state, id, &lost, over.row.cause);
    } else {
        state.node(id).server.restarts = 0;
        state.node(id).server.crashes = 0;
    }
    if over.cancelled.is_none() {
        observe::on_raised(state, id);
    }
}

/// What a user had triggered into a container that was put back is asked for again; what else differs waits until it is found again.
fn ask_again(state: &mut State, id: NodeId, lost: &BTreeMap<FilePath, Saw>, cause: Cause) {
    let had = |path: &FilePath| lost.get(path) == Some(&Saw::Content(state.contents.of(path)));
    let had: BTreeSet<FilePath> = state.nodes[id].dirt.files.keys().filter(|path| had(path)).cloned().collect();
    if !state.nodes[id].what.is_automatic() && !had.is_empty() {
        state.node(id).dirt.files.retain(|path, _| had.contains(path));
        stop::wish(state, id, cause);
    }
}

fn syncs_first(node: &super::node::Node) -> bool {
    node.what.live_updates().iter().any(|update| update.initial_sync)
}

/// What was there could not be put back: once more, later.
fn fail_again(state: &mut State, id: NodeId, over: Over) {
    let node = state.node(id);
    node.last = over.before;
    if over.cancelled.is_some() {
        node.workload.again = Some(over.row.cause);
        node.server.due |= over.cancelled == Some(phase::Cancelled::Lost);
        return;
    }
    node.workload.again = Some(over.row.cause);
    let delay = pause::back_off(state, id, Then::Start);
    say::not_put_back(state, id, over.row.run, delay);
    doubt_images(state, id, &over.exit);
}

/// A run failed; perhaps since an image is gone.
fn doubt_images(state: &mut State, id: NodeId, exit: &Exit) {
    if state.nodes[id].backend() == Some(Backend::Docker) {
        docker::doubt_images(state, exit);
    }
}

/// Whether this failure may be since an image is gone.
pub(super) fn may_lack_image(exit: &Exit) -> bool {
    matches!(exit, Exit::NotStarted(_))
}
