//! What is known of the contents of files, and what each node's last run saw of them.
//!
//! A content is known since the step at which the engine learnt it (whoever took the digest may have been late): it is the
//! same from then on until there is news of the file. A run that started at or after that step saw it.

use super::{
    compare,
    dirt::{Mark, Saw},
    evaluation, kube,
    node::{Node, NodeId},
    phase::{RunPhase, Work},
    state::{Reader, State},
};
use crate::model::{Digest, FilePath};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

/// For so long after a whole set was listed, a removed file that nobody knew may still have been there for the last run:
/// the watcher's word of the removal can have been under way.
const LISTING_MARGIN: Duration = Duration::from_millis(500);

/// The files that somebody reads.
#[derive(Debug, Default)]
pub(super) struct Contents {
    known: BTreeMap<FilePath, Known>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Known {
    content: Option<Digest>,
    /// The step from which on it holds. `None`: somebody may have seen something else at any time before the next news.
    since: Option<u64>,
}

impl Contents {
    /// The last known content of the file; nothing where it was not there or nothing is known.
    pub(super) fn of(&self, path: &FilePath) -> Option<Digest> {
        self.known.get(path)?.content
    }

    /// Whether that content is known to differ from the file's.
    pub(super) fn contradicts(&self, path: &FilePath, content: Option<Digest>) -> bool {
        self.known.get(path).is_some_and(|known| known.content != content)
    }

    pub(super) fn is_known(&self, path: &FilePath) -> bool {
        self.known.contains_key(path)
    }

    fn is_certain(&self, path: &FilePath) -> bool {
        self.known.get(path).is_some_and(|known| known.since.is_some())
    }

    /// What a run that started then saw of the file.
    fn seen_at(&self, path: &FilePath, ran_at: u64) -> Option<Saw> {
        let known = self.known.get(path)?;
        let saw = known.since.is_some_and(|since| since <= ran_at);
        Some(if saw { Saw::Content(known.content) } else { Saw::Unknown })
    }

    fn learn(&mut self, path: &FilePath, content: Option<Digest>, since: u64) {
        match self.known.get_mut(path) {
            Some(known) if known.content == content => {
                known.since = known.since.map(|earlier| earlier.min(since)).or(Some(since));
            }
            Some(known) => *known = Known { content, since: Some(since) },
            None => {
                self.known.insert(path.clone(), Known { content, since: Some(since) });
            }
        }
    }

    /// From now on nobody is sure to have seen what is known of the file.
    pub(super) fn doubt(&mut self, path: &FilePath) {
        self.known.entry(path.clone()).or_insert(Known { content: None, since: None }).since = None;
    }

    fn doubt_unknown(&mut self, path: &FilePath) {
        self.known.entry(path.clone()).or_insert(Known { content: None, since: None });
    }

    fn at_or_below<'a>(&'a self, root: &'a FilePath) -> impl Iterator<Item = &'a FilePath> {
        let from = (std::ops::Bound::Included(root.as_path()), std::ops::Bound::Unbounded);
        self.known.range::<Path, _>(from).map(|(path, _)| path).take_while(move |path| path.is_within(root))
    }

    /// Known files below a folder.
    pub(super) fn below<'a>(&'a self, dir: &'a FilePath) -> impl Iterator<Item = &'a FilePath> {
        let from = (std::ops::Bound::Excluded(dir.as_path()), std::ops::Bound::Unbounded);
        let files = self.known.range::<Path, _>(from).take_while(move |(path, _)| path.is_within(dir));
        files.filter(|(_, known)| known.content.is_some()).map(|(path, _)| path)
    }
}

/// The nodes that read that file, and those that write it.
#[derive(Debug, Default)]
pub(super) struct Readers {
    pub(super) inputs: Vec<NodeId>,
    pub(super) outputs: Vec<NodeId>,
}

/// Who reads or writes the file. Costs the depth of the path and those it finds.
pub(super) fn readers_of(state: &State, path: &FilePath) -> Readers {
    let mut readers = Readers::default();
    let found: BTreeSet<Reader> = state.index.at_or_above(path).copied().collect();
    for reader in found {
        match reader {
            Reader::Input(id) if state.nodes[id].reads(path) => readers.inputs.push(id),
            Reader::Input(_) => {}
            Reader::Output(id) => readers.outputs.push(id),
        }
    }
    readers
}

/// What the content of a file is now; `by` is the node whose run wrote it. Marks those that saw something else, and
/// unmarks those that saw just that. Tells whether somebody was marked.
pub(super) fn learn(
    state: &mut State,
    path: &FilePath,
    content: Option<Digest>,
    by: Option<NodeId>,
    readers: &[NodeId],
) -> bool {
    let mut marked = false;
    for &id in readers {
        if Some(id) != by {
            marked |= compare(state, id, path, content, by);
        }
    }
    for &id in readers {
        update_inputs(state, id, path, content);
        // Answers under way may have been found before this.
        if let Some(background) = &mut state.node(id).knowledge.background {
            background.touched.insert(path.clone());
        }
    }
    state.contents.learn(path, content, state.step);
    marked
}

/// Compares what the node's last run saw of the file with what it is now. Tells whether that makes it dirty.
fn compare(state: &mut State, id: NodeId, path: &FilePath, content: Option<Digest>, by: Option<NodeId>) -> bool {
    let saw = saw_of(state, id, path);
    let now = state.now;
    let node = &mut state.nodes[id];
    state.agenda.insert(id);
    if saw == Saw::Content(content) {
        node.dirt.files.remove(path);
        node.workload.plan = None;
        return false;
    }
    // A run that goes on may see this, also if the file changes back before its end.
    if node.is_running() {
        may_be_seen(node, path);
    } else if node.local().is_some() {
        // One that is over may have seen it too, where the news came late.
        let saw = if node.itself.during.contains(path) { Saw::Unknown } else { saw };
        node.knowledge.saw.insert(path.clone(), saw);
    }
    node.workload.plan = None;
    if node.making.value.is_some() {
        node.making.behind.insert(path.clone());
    }
    node.knowledge.checked = false;
    if !node.dirt.is_change() {
        node.changed_at = now;
    }
    node.skipped = None;
    node.dirt.files.insert(path.clone(), Mark { by });
    true
}

/// From now on nobody knows what the node's run sees of the file.
pub(super) fn may_be_seen(node: &mut Node, path: &FilePath) {
    let RunPhase::Running(running) = &mut node.run else { return };
    match &mut running.work {
        Work::Command(_) => _ = node.knowledge.saw.insert(path.clone(), Saw::Unknown),
        Work::Build(build) => _ = build.unknown.insert(path.clone()),
        Work::Update(update) if update.files.contains_key(path) => _ = update.unknown.insert(path.clone()),
        Work::Raise(_) if kube::is_by_command(&node.what) => {
            _ = node.knowledge.saw.insert(path.clone(), Saw::Unknown);
        }
        // It reads no files.
        Work::Update(_) | Work::Raise(_) => {}
    }
}

/// What the node's last run saw of the file.
pub(super) fn saw_of(state: &State, id: NodeId, path: &FilePath) -> Saw {
    let node = &state.nodes[id];
    if let RunPhase::Running(running) = &node.run
        && running.work.is_unknown(path)
    {
        return Saw::Unknown;
    }
    if let Some(sight) = &node.making.sight {
        return sight.saw(path);
    }
    if let Some(saw) = compare::saw_of(state, id, path) {
        return saw;
    }
    let knowledge = &node.knowledge;
    if let Some(saw) = knowledge.saw.get(path) {
        return *saw;
    }
    let Some((ran_at, _)) = knowledge.ran else { return Saw::Unknown };
    if let Some(saw) = state.contents.seen_at(path, ran_at) {
        return saw;
    }
    match knowledge.complete_at {
        Some(complete_at) if state.now.since(complete_at) >= LISTING_MARGIN => Saw::Content(None),
        Some(_) | None => Saw::Unknown,
    }
}

/// Keeps the digest of a node's inputs in step with one file.
fn update_inputs(state: &mut State, id: NodeId, path: &FilePath, content: Option<Digest>) {
    let old = state.contents.of(path);
    if let Some(now) = &mut state.nodes[id].making.now {
        match content {
            Some(content) => now.insert(path.clone(), content),
            None => now.remove(path),
        };
    }
    let counts = kube::counts(&state.nodes[id].what, path);
    if let Some(inputs) = &mut state.nodes[id].knowledge.inputs
        && old != content
        && counts
    {
        if let Some(old) = old {
            inputs.remove(path, old);
        }
        if let Some(new) = content {
            inputs.add(path, new);
        }
    }
}

/// Takes what was found without any news of the file: news to those who know another content, else only knowledge.
pub(super) fn found(state: &mut State, path: &FilePath, content: Digest, since: u64) {
    if state.contents.of(path) == Some(content) {
        state.contents.learn(path, Some(content), since);
        return;
    }
    let differs = state.contents.is_certain(path);
    let readers = readers_of(state, path).inputs;
    if differs {
        learn(state, path, Some(content), None, &readers);
    } else {
        for id in readers {
            update_inputs(state, id, path, Some(content));
        }
        state.contents.learn(path, Some(content), since);
    }
}

/// Forgets files that nobody reads any more: there is no news of them.
pub(super) fn forget_unread(state: &mut State) {
    for root in std::mem::take(&mut state.left_roots) {
        let known: Vec<FilePath> = state.contents.at_or_below(&root).cloned().collect();
        for path in known {
            let readers = readers_of(state, &path);
            let is_read = !readers.inputs.is_empty() || !readers.outputs.is_empty() || evaluation::reads(state, &path);
            if !is_read {
                state.contents.known.remove(&path);
            }
        }
    }
}

/// A file whose content nobody can vouch for was found.
pub(super) fn doubt(state: &mut State, path: &FilePath) {
    state.contents.doubt_unknown(path);
}

/// An output was found with that content (`None`: gone) while nothing of its node wrote it: whether that is what its last
/// success left.
pub(super) fn compare_output(state: &mut State, id: NodeId, path: &FilePath, content: Option<Digest>) {
    let now = state.now;
    let node = &mut state.nodes[id];
    let is_own = node.server.live.is_some();
    let writes_now = matches!(node.run, RunPhase::Running(_) | RunPhase::TearingDown(_));
    let Some(outputs) = &mut node.knowledge.outputs else { return };
    if writes_now {
        return;
    }
    state.agenda.insert(id);
    if outputs.get(path).copied() == content {
        node.dirt.outputs.remove(path);
    } else if is_own {
        match content {
            Some(content) => outputs.insert(path.clone(), content),
            None => outputs.remove(path),
        };
    } else {
        if !node.dirt.is_change() {
            node.changed_at = now;
        }
        node.knowledge.checked = false;
        node.dirt.outputs.insert(path.clone());
    }
}
