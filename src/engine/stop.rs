//! Ending what a node has, and what users ask for.

use super::{
    build, button, command,
    event::Request,
    fresh, image,
    node::{Node, NodeId, Wish},
    phase::{Cancelled, Live},
    run, say, schedule, serve, shutdown,
    state::State,
    switch, takedown,
};
use crate::{
    model::{Level, ResourceName},
    snapshot::Cause,
};

/// Ends all that a node has: its run, its server, and what its commands left running.
pub(super) fn end_all(state: &mut State, id: NodeId) {
    fresh::abort(state, id);
    schedule::leave_queue(state, id);
    state.node(id).wish = None;
    run::cancel(state, id, Cancelled::Stopped);
    serve::end(state, id);
    command::stop_leftovers(state, id);
    state.touch(id);
}

/// A user asked for something.
pub(super) fn on_asked(state: &mut State, request: Request) {
    match request {
        Request::Trigger(names) => each(state, names, trigger),
        Request::Restart(names) => each(state, names, restart),
        Request::Stop(names) => each(state, names, stop),
        Request::Start(names) => each(state, names, start),
        Request::Enable { names, alone, only } => switch::enable(state, &names, alone, only),
        Request::Disable { names, alone } => switch::disable(state, &names, alone),
        Request::SetArgs(args) => switch::set_args(state, args),
        Request::TakeDown(names) => each(state, names, takedown::ask),
        Request::Click { button, inputs } => button::on_click(state, &button, &inputs),
        Request::ShutDown { teardown, volumes, namespaces } => {
            state.volumes |= volumes;
            state.namespaces |= namespaces;
            shutdown::on_asked(state, teardown);
        }
    }
}

/// Runs one resource now.
pub(super) fn trigger_named(state: &mut State, name: ResourceName) {
    each(state, vec![name], trigger);
}

/// Does it for each of the resources that is part of this session.
fn each(state: &mut State, names: Vec<ResourceName>, act: fn(&mut State, NodeId)) {
    for name in names {
        match state.resource(&name) {
            Some(id) if state.nodes[id].is_enabled() => act(state, id),
            Some(id) => run::warn(state, id, "not part of this session: it is disabled"),
            None => state.say_session(Level::Warning, format!("there is no resource `{name}`")),
        }
    }
}

/// The node is to run as soon as it can, though nothing makes it start by itself.
pub(super) fn wish(state: &mut State, id: NodeId, cause: Cause) {
    if state.nodes[id].wish.is_none() {
        let turn = state.ids.next_turn();
        state.node(id).wish = Some(Wish { cause, turn });
    }
    state.node(id).stopped = false;
    takedown::forget(state, id);
    // A check that goes on asks for less than a wish wants to know.
    fresh::abort(state, id);
    state.touch(id);
}

fn trigger(state: &mut State, id: NodeId) {
    force_images(state, id);
    wish(state, id, Cause::Triggered);
}

/// A container that is triggered is made anew with all its images, but for one that waits with changes: it takes those.
fn force_images(state: &mut State, id: NodeId) {
    let node = &state.nodes[id];
    if node.what.is_automatic() || node.dirt.files.is_empty() {
        for image in image::with_bases(state, &node.edges.images) {
            build::force(state, image);
        }
    }
}

fn restart(state: &mut State, id: NodeId) {
    state.node(id).stopped = false;
    takedown::forget(state, id);
    if serve::restart(state, id, Cause::Restarted) {
        let what = say::server(&state.nodes[id]);
        state.say(id, None, Level::Info, format!("restarts its {what}: asked for"));
        state.touch(id);
    } else {
        wish(state, id, Cause::Restarted);
    }
}

/// A user wants it to end and to stay ended; asked twice, at once.
pub(super) fn stop(state: &mut State, id: NodeId) {
    if keep_ended(state, id) {
        end_all(state, id);
    } else if may_be_killed(state, id) {
        state.say(id, None, Level::Info, "killed: asked once more".to_owned());
        shutdown::kill(state, id);
    }
}

/// Containers end at their own pace, and what is taken down keeps its order.
fn may_be_killed(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    node.local().is_some() && !state.is_ending() && !takedown::is_asked(node) && has_processes(node)
}

/// Whether something of it runs here that can be killed.
pub(super) fn has_processes(node: &Node) -> bool {
    node.is_running() || node.live().is_some_and(Live::is_process) || !node.leftovers.is_empty()
}

/// From now on it does not start by itself. False when that was so.
pub(super) fn keep_ended(state: &mut State, id: NodeId) -> bool {
    let is_news = !std::mem::replace(&mut state.node(id).stopped, true);
    if is_news {
        state.say(id, None, Level::Info, "stopped: asked for".to_owned());
    }
    is_news
}

fn start(state: &mut State, id: NodeId) {
    let was_stopped = std::mem::replace(&mut state.node(id).stopped, false);
    takedown::forget(state, id);
    state.touch(id);
    let node = &state.nodes[id];
    let is_up = node.live().is_some_and(|live| !live.stopping) || node.is_running();
    if node.is_dirty() {
        if was_stopped || node.dirt.first {
            wish(state, id, Cause::Started);
        }
    } else if !is_up && serve::restart(state, id, Cause::Started) {
        let what = say::server(&state.nodes[id]);
        state.say(id, None, Level::Info, format!("starts its {what}: asked for"));
    }
}
