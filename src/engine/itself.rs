//! Nodes that make themselves dirty: commands that write what they read. After some runs in a row that had no other cause such a
//! node is held.

use super::{
    deadline::Deadline,
    dirt::Dirt,
    node::{NodeId, SelfDirt},
    run,
    state::State,
};
use crate::model::FilePath;
use std::{collections::BTreeSet, time::Duration};

/// A node that made itself dirty that often in a row is held.
const SELF_DIRTY_MAX: u32 = 5;
/// The same where another command may have been the one each time, or no file was there each time.
const SELF_DIRTY_DOUBTFUL_MAX: u32 = 10;
/// How often a node that is held for that is let go again.
const CHANCES_MAX: u32 = 6;
/// After how long it is let go first; each further time after twice as long.
const CHANCE_DELAY: Duration = Duration::from_secs(1);

/// Whether it made itself dirty too often. Where others may have been the ones, it takes longer, and one of them is
/// enough.
pub(super) fn is_held(state: &State, id: NodeId) -> bool {
    let itself = &state.nodes[id].itself;
    if itself.on_parole {
        return false;
    }
    let times = itself.streak + 1;
    let is_sure = itself.alone && itself.steady + 1 >= SELF_DIRTY_MAX && path(state, id).is_some();
    let may_be = || itself.others.iter().all(|other| !state.nodes[*other].derived.convicted);
    let is_likely = is_sure || times >= SELF_DIRTY_DOUBTFUL_MAX && may_be();
    is_likely && is_self_dirty(state, id)
}

/// Somebody who saves while the command runs, again and again, looks like a command that writes its own input. So that the
/// last save is not left out, the node runs again after a while, some times, each time later. What goes on is its own doing.
pub(super) fn give_another_chance(state: &mut State, id: NodeId) {
    let chances = state.nodes[id].itself.chances;
    let is_held = is_held(state, id) && run::own_hold(&state.nodes[id].run, state.is_shutting_down()).is_none();
    if chances < CHANCES_MAX && is_held && !state.is_shutting_down() {
        let at = state.now + CHANCE_DELAY * 2u32.pow(chances);
        state.deadlines.set_if_none(Deadline::SelfDirty(id), at);
    } else {
        state.deadlines.clear(Deadline::SelfDirty(id));
    }
}

/// The node has been held for long enough.
pub(super) fn on_another_chance(state: &mut State, id: NodeId) {
    let itself = &mut state.node(id).itself;
    itself.chances += 1;
    itself.on_parole = true;
    state.touch(id);
}

/// Whether the node is dirty by nothing but what was written while its last run ran, and by writers: these may have run
/// because of it.
pub(super) fn is_self_dirty(state: &State, id: NodeId) -> bool {
    let node = &state.nodes[id];
    let has_other_cause =
        node.wish.is_some() || node.dirt.first || node.dirt.definition || !node.dirt.outputs.is_empty();
    let mut edited = edited(&node.dirt).peekable();
    !has_other_cause && edited.peek().is_some() && edited.all(|path| node.itself.during.contains(path))
}

/// Files that differ, but for those that writers wrote.
fn edited(dirt: &Dirt) -> impl Iterator<Item = &FilePath> {
    dirt.files.iter().filter(|(_, mark)| mark.by.is_none()).map(|(path, _)| path)
}

/// A path by which the node made itself dirty each time.
pub(super) fn path(state: &State, id: NodeId) -> Option<&FilePath> {
    let node = &state.nodes[id];
    edited(&node.dirt).find(|path| node.itself.streak == 0 || node.itself.paths.contains(*path))
}

/// Counts a run that starts now.
pub(super) fn count(state: &mut State, id: NodeId) {
    let is_self_dirty = is_self_dirty(state, id);
    let node = state.node(id);
    if is_self_dirty {
        let edited: BTreeSet<FilePath> = edited(&node.dirt).cloned().collect();
        node.itself.paths.retain(|path| edited.contains(path));
        // What somebody saved the first time must not clear what the command writes each time since.
        if node.itself.paths.is_empty() {
            node.itself.paths = edited;
            node.itself.steady = 0;
        }
        node.itself.steady += 1;
        node.itself.streak += 1;
        node.itself.during.clear();
        node.itself.echo_until = None;
        node.itself.on_parole = false;
        state.self_dirty.insert(id);
    } else {
        node.itself = SelfDirt::default();
        state.self_dirty.remove(&id);
    }
}
