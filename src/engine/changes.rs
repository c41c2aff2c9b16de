//! The settling of change sets: from the watcher's words to digests that are compared.
//!
//! A set is due a few milliseconds after its last write, later the longer the burst.

use super::{
    deadline::Deadline,
    dirt::few,
    effect::Effect,
    evaluation,
    knowledge::{self, readers_of},
    node::NodeId,
    phase::Work,
    state::{Question, State},
};
use crate::{
    model::{Digest, FilePath, RequestId, Time},
    snapshot::Skip,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// How long nothing may be written before a set of one path is due.
const QUIET_ONE: Duration = Duration::from_millis(5);
/// The same for a set of a few paths, and for one of many: a busy machine pauses within a burst.
const QUIET_FEW: Duration = Duration::from_millis(10);
const QUIET_SOME: Duration = Duration::from_millis(20);
const QUIET_MANY: Duration = Duration::from_millis(30);
/// The same, at most; a burst gets an eighth of its own length more.
const QUIET_MAX: Duration = Duration::from_millis(60);
/// The same while git works.
const QUIET_GIT: Duration = Duration::from_millis(150);
/// The same for a set of many paths: git gives its lock back when it is done, and that is not waited for longer than need be.
const QUIET_GIT_MANY: Duration = Duration::from_millis(600);
/// A set is due that long after its first write, whatever comes.
const BURST_MAX: Duration = Duration::from_millis(500);
/// The same while git works.
const BURST_GIT_MAX: Duration = Duration::from_secs(2);
/// A path that is written more often than that in one set extends it no more and holds nobody.
const HOT_WRITES: u32 = 16;

/// The change sets that have not settled.
#[derive(Debug, Default)]
pub(super) struct Changes {
    open: BTreeMap<FilePath, Change>,
    first_at: Time,
    last_at: Time,
    /// Sets whose digests are being taken.
    flying: BTreeMap<RequestId, Flight>,
    flight_of: BTreeMap<FilePath, RequestId>,
    git_locked: bool,
}

/// A path in an open set.
#[derive(Debug, Default)]
struct Change {
    writes: u32,
    /// Who waits for it.
    held: Vec<NodeId>,
}

/// A set whose digests are being taken.
#[derive(Debug)]
struct Flight {
    changes: BTreeMap<FilePath, Change>,
}

impl Changes {
    /// How many paths the node waits for.
    pub(super) fn waits_of(&self, id: NodeId) -> usize {
        let flying = self.flying.values().flat_map(|flight| flight.changes.values());
        let waits = |change: &&Change| change.held.contains(&id);
        self.open.values().chain(flying).filter(waits).count()
    }

    pub(super) fn is_settled(&self) -> bool {
        self.open.is_empty() && self.flying.is_empty()
    }
}

/// Files were written, made, moved or removed.
pub(super) fn on_files_changed(state: &mut State, paths: Vec<FilePath>) {
    if !state.watches() || state.is_shutting_down() {
        return;
    }
    let paths: BTreeSet<FilePath> = paths.into_iter().collect();
    for path in paths {
        // A folder that was moved or removed takes along what is known to lie in it.
        let below: Vec<FilePath> = state.contents.below(&path).cloned().collect();
        for path in below.iter().chain([&path]) {
            note(state, path);
        }
    }
    set_due(state);
}

pub(super) fn on_git_lock_changed(state: &mut State, held: bool) {
    state.changes.git_locked = held;
    set_due(state);
}

/// There is news of one path.
pub(super) fn note(state: &mut State, path: &FilePath) {
    let readers = readers_of(state, path);
    let mut written_by_run = false;
    for &id in &readers.outputs {
        if let Some(Work::Command(command)) = state.nodes[id].running().map(|running| &mut running.work) {
            command.written.insert(path.clone());
            written_by_run = true;
        }
    }
    // What a run writes is digested at its end.
    if written_by_run {
        return;
    }
    readers.inputs.iter().for_each(|&id| note_during(state, id, path));
    let held = waiting(state, path);
    if !held.is_empty() || evaluation::reads(state, path) {
        add(state, path, held);
    }
}

/// Who waits until the content of that path is known: its readers, and those that wrote it.
fn waiting(state: &State, path: &FilePath) -> Vec<NodeId> {
    let readers = readers_of(state, path);
    let mut held = readers.inputs;
    held.extend(readers.outputs.iter().filter(|&&id| state.nodes[id].knowledge.outputs.is_some()));
    held.sort_unstable();
    held.dedup();
    held
}

/// Remembers what was written while the node ran, and that answers under way do not know of it.
fn note_during(state: &mut State, id: NodeId, path: &FilePath) {
    let now = state.now;
    let others = state.queue.may_have_written(id, now);
    let node = &mut state.nodes[id];
    let echoes = node.itself.echo_until.is_some_and(|until| now <= until);
    if node.what.may_write() && (node.is_running() || echoes) {
        node.itself.during.insert(path.clone());
        node.itself.alone |= others.is_empty();
        node.itself.others.extend(others);
    } else {
        node.itself.during.remove(path);
    }
    if let Some(background) = &mut node.knowledge.background {
        background.touched.insert(path.clone());
    }
}

fn add(state: &mut State, path: &FilePath, held: Vec<NodeId>) {
    let begins = state.changes.open.is_empty();
    let mut change = take_from_flight(state, path).or_else(|| state.changes.open.remove(path)).unwrap_or_default();
    change.writes += 1;
    if change.writes > 1 {
        doubt_for_runs(state, path, &held);
    }
    let is_hot = change.writes > HOT_WRITES;
    hold(state, &mut change, if is_hot { Vec::new() } else { held });
    if is_hot {
        state.contents.doubt(path);
    }
    let changes = &mut state.changes;
    if begins {
        changes.first_at = state.now;
    }
    if begins || !is_hot {
        changes.last_at = state.now;
    }
    changes.open.insert(path.clone(), change);
}

/// A run that goes on may have seen what stood in the file between two writes.
fn doubt_for_runs(state: &mut State, path: &FilePath, readers: &[NodeId]) {
    for &id in readers {
        let node = state.node(id);
        if node.is_running() && node.reads(path) {
            knowledge::may_be_seen(node, path);
        }
    }
}

/// Who reads what has changed: all that changes now waits for the answers that are under way.
pub(super) fn hold_new_readers(state: &mut State) {
    let mut changes = std::mem::take(&mut state.changes);
    let flying = changes.flying.values_mut().flat_map(|flight| flight.changes.iter_mut());
    for (path, change) in changes.open.iter_mut().chain(flying) {
        if change.writes <= HOT_WRITES {
            let held = waiting(state, path);
            hold(state, change, held);
        }
    }
    state.changes = changes;
}

/// A path that is written again while its digest is taken belongs to the next set.
fn take_from_flight(state: &mut State, path: &FilePath) -> Option<Change> {
    let request = state.changes.flight_of.remove(path)?;
    state.changes.flying.get_mut(&request)?.changes.remove(path)
}

/// Replaces those who wait for a path.
fn hold(state: &mut State, change: &mut Change, held: Vec<NodeId>) {
    for id in std::mem::replace(&mut change.held, held) {
        state.node(id).settling -= 1;
        state.touch(id);
    }
    for &id in &change.held {
        state.node(id).settling += 1;
        // An answer that does not know of this path decides nothing any more.
        state.node(id).knowledge.checked = false;
        state.touch(id);
    }
}

fn set_due(state: &mut State) {
    let changes = &state.changes;
    if changes.open.is_empty() {
        state.deadlines.clear(Deadline::Settle);
        return;
    }
    let burst = changes.last_at.since(changes.first_at);
    let (quiet, most) = if changes.git_locked {
        let quiet = if changes.open.len() < 8 { QUIET_GIT } else { QUIET_GIT_MANY };
        (quiet, BURST_GIT_MAX)
    } else {
        let least = match changes.open.len() {
            0..=1 => QUIET_ONE,
            2..=7 => QUIET_FEW,
            8..=63 => QUIET_SOME,
            _ => QUIET_MANY,
        };
        ((least + burst / 8).min(QUIET_MAX), BURST_MAX)
    };
    let due = (changes.last_at + quiet).min(changes.first_at + most);
    state.deadlines.set(Deadline::Settle, due);
}

/// The open set has settled: its digests are asked for.
pub(super) fn on_due(state: &mut State) {
    let changes = std::mem::take(&mut state.changes.open);
    let paths: Vec<FilePath> = changes.keys().cloned().collect();
    let request = state.ask(Question::Changes);
    state.changes.flight_of.extend(paths.iter().map(|path| (path.clone(), request)));
    state.changes.flying.insert(request, Flight { changes });
    state.emit(Effect::TakeDigests { request, paths });
}

/// The digests of a set have come.
pub(super) fn on_digests_taken(state: &mut State, request: RequestId, digests: Vec<(FilePath, Option<Digest>)>) {
    let Some(mut flight) = state.changes.flying.remove(&request) else { return };
    let mut same = BTreeMap::new();
    for (path, content) in digests {
        match flight.changes.remove(&path) {
            Some(change) => {
                state.changes.flight_of.remove(&path);
                settle(state, &path, content, change, &mut same);
            }
            // It is written all the time: nobody waits for the last word on it.
            None if state.changes.open.get(&path).is_some_and(|change| change.writes > HOT_WRITES) => {
                let readers = readers_of(state, &path).inputs;
                knowledge::learn(state, &path, content, None, &readers);
                state.contents.doubt(&path);
            }
            None => {}
        }
    }
    release_unanswered(state, flight);
    for (id, paths) in same {
        let node = state.node(id);
        if !node.is_dirty() {
            node.skipped = Some(Skip::SameContent { paths: few(&paths), count: paths.len() as u64 });
        }
    }
}

/// Whoever waits for a path that the answer left out waits no more, and counts it as gone.
fn release_unanswered(state: &mut State, flight: Flight) {
    for (path, change) in flight.changes {
        state.changes.flight_of.remove(&path);
        settle(state, &path, None, change, &mut BTreeMap::new());
    }
}

fn settle(
    state: &mut State,
    path: &FilePath,
    content: Option<Digest>,
    mut change: Change,
    same: &mut BTreeMap<NodeId, BTreeSet<FilePath>>,
) {
    hold(state, &mut change, Vec::new());
    let readers = readers_of(state, path);
    knowledge::learn(state, path, content, None, &readers.inputs);
    if change.writes > HOT_WRITES {
        state.contents.doubt(path);
    }
    for &id in &readers.outputs {
        knowledge::compare_output(state, id, path, content);
    }
    if readers.outputs.is_empty() {
        let unmarked = readers.inputs.iter().filter(|&&id| !state.nodes[id].dirt.files.contains_key(path));
        unmarked.for_each(|&id| {
            same.entry(id).or_default().insert(path.clone());
        });
    }
    evaluation::on_content(state, path, content);
}

/// There is news of all of these.
pub(super) fn note_all<'a>(state: &mut State, paths: impl IntoIterator<Item = &'a FilePath>) {
    paths.into_iter().for_each(|path| note(state, path));
    set_due(state);
}
