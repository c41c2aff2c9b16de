//! When the Orchfile is evaluated, what it read, and what comes of it.

use super::{
    changes, deadline::Deadline, effect::Effect, event::EvaluationOutcome, reload, state::State, switch, verdict,
};
use crate::{
    diag::{Diagnostic, UNKNOWN_RESOURCE},
    model::{Digest, EvaluationId, EvaluationInput, FilePath, FileSet, Level, Project, Seen, Time, WatchSet, paths},
    snapshot::{Goal, Verdict},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// What an evaluation that goes on has read is watched after that time; before it, at its end.
const WATCH_DELAY: Duration = Duration::from_millis(50);

/// How the Orchfile fares.
#[derive(Debug, Default)]
pub(super) struct Evaluation {
    /// The one that goes on.
    pub(super) current: Option<Current>,
    /// What the last one that ended read.
    read: Reads,
    /// When that one began.
    began_at: Time,
    /// What is watched for the Orchfile.
    watched: Arc<FileSet>,
    /// What was last said to the watcher.
    watch_set: Option<Arc<WatchSet>>,
    pub(super) errors: Arc<Vec<Diagnostic>>,
    pub(super) warnings: Arc<Vec<Diagnostic>>,
    pub(super) loads: u64,
    /// Evaluations that were told to end and have not.
    cancelled: std::collections::BTreeSet<EvaluationId>,
}

/// An evaluation that goes on.
#[derive(Debug)]
pub(super) struct Current {
    id: EvaluationId,
    began_at: Time,
    read: Reads,
}

/// What an evaluation read: contents, and trees of which any change counts.
#[derive(Debug, Default)]
struct Reads {
    contents: BTreeMap<FilePath, Option<Digest>>,
    trees: std::collections::BTreeSet<FilePath>,
}

impl Reads {
    fn add(&mut self, input: &EvaluationInput) {
        // What was read first decides: if it was read again with another content, it changed meanwhile.
        match input.seen {
            Seen::Content(digest) => _ = self.contents.entry(input.path.clone()).or_insert(Some(digest)),
            Seen::Absent => _ = self.contents.entry(input.path.clone()).or_insert(None),
            Seen::Tree => _ = self.trees.insert(input.path.clone()),
        }
    }

    fn has(&self, path: &FilePath) -> bool {
        self.contents.contains_key(path) || self.has_tree_of(path)
    }

    fn has_tree_of(&self, path: &FilePath) -> bool {
        let within = |root: &std::path::Path| self.trees.get(root).is_some_and(|root| !paths::is_noise(path, root));
        !self.trees.is_empty() && path.as_path().ancestors().any(within)
    }

    /// Whether a file with that content makes what was read untrue.
    fn is_outdated_by(&self, path: &FilePath, content: Option<Digest>) -> bool {
        self.contents.get(path).is_some_and(|seen| *seen != content) || self.has_tree_of(path)
    }

    fn roots(&self) -> impl Iterator<Item = &FilePath> {
        self.contents.keys().chain(&self.trees)
    }
}

impl Evaluation {
    pub(super) fn is_loading(&self) -> bool {
        self.current.is_some()
    }

    /// Whether one has not ended yet.
    pub(super) fn is_over(&self) -> bool {
        self.current.is_none() && self.cancelled.is_empty()
    }
}

/// Whether an evaluation read that file, so that its content matters.
pub(super) fn reads(state: &State, path: &FilePath) -> bool {
    let evaluation = &state.evaluation;
    evaluation.read.has(path) || evaluation.current.as_ref().is_some_and(|current| current.read.has(path))
}

/// Evaluates, in place of an evaluation that goes on.
pub(super) fn begin(state: &mut State) {
    cancel(state);
    let id = state.ids.next_evaluation();
    let began_at = state.now;
    state.evaluation.current = Some(Current { id, began_at, read: Reads::default() });
    let args = state.args.clone();
    state.emit(Effect::Evaluate { evaluation: id, args });
}

/// Ends an evaluation that goes on.
pub(super) fn cancel(state: &mut State) {
    if let Some(current) = state.evaluation.current.take() {
        state.evaluation.cancelled.insert(current.id);
        state.evaluation.read.contents.extend(current.read.contents);
        state.evaluation.read.trees.extend(current.read.trees);
        state.emit(Effect::CancelEvaluation { evaluation: current.id });
    }
}

pub(super) fn on_evaluation_read(state: &mut State, id: EvaluationId, inputs: &[EvaluationInput]) {
    let Some(current) = state.evaluation.current.as_mut().filter(|current| current.id == id) else { return };
    for input in inputs {
        current.read.add(input);
    }
    if !state.watches() {
        return;
    }
    state.deadlines.set(Deadline::WatchReads, state.now + WATCH_DELAY);
    // There may have been news of a file just before the word that it was read.
    let outdated = |input: &&EvaluationInput| match input.seen {
        Seen::Content(digest) => state.contents.contradicts(&input.path, Some(digest)),
        Seen::Absent => state.contents.contradicts(&input.path, None),
        Seen::Tree => false,
    };
    let outdated: Vec<FilePath> = inputs.iter().filter(outdated).map(|input| input.path.clone()).collect();
    changes::note_all(state, &outdated);
}

/// A file settled with that content.
pub(super) fn on_content(state: &mut State, path: &FilePath, content: Option<Digest>) {
    if !state.watches() || state.is_shutting_down() {
        return;
    }
    let evaluation = &state.evaluation;
    let reads = evaluation.current.as_ref().map_or(&evaluation.read, |current| &current.read);
    if reads.is_outdated_by(path, content) {
        begin(state);
    }
}

pub(super) fn on_evaluation_ended(state: &mut State, id: EvaluationId, outcome: EvaluationOutcome) {
    state.evaluation.cancelled.remove(&id);
    let Some(current) = state.evaluation.current.take_if(|current| current.id == id) else { return };
    state.evaluation.read = current.read;
    state.evaluation.began_at = current.began_at;
    watch(state);
    match outcome {
        EvaluationOutcome::Loaded(project, warnings) => on_loaded(state, &project, warnings),
        EvaluationOutcome::Failed(errors) => on_failed(state, errors),
        EvaluationOutcome::Cancelled => on_failed(state, Vec::new()),
    }
}

fn on_loaded(state: &mut State, project: &Arc<Project>, warnings: Vec<Diagnostic>) {
    let evaluation = &mut state.evaluation;
    let is_mended = !evaluation.errors.is_empty();
    evaluation.errors = Arc::default();
    evaluation.warnings = Arc::new(warnings);
    evaluation.loads += 1;
    if state.is_shutting_down() {
        return;
    }
    if is_mended {
        state.say_session(Level::Info, "the Orchfile is well again".to_owned());
    }
    state.evaluated = Some(project.clone());
    let project = switch::effective(project, &state.switched);
    reload::apply(state, &project);
    state.evaluation.began_at = state.now;
    watch(state);
    verdict::on_loaded(state);
}

fn on_failed(state: &mut State, errors: Vec<Diagnostic>) {
    let count = errors.len();
    state.evaluation.errors = Arc::new(errors);
    if state.project.is_some() {
        let text = format!("the Orchfile has {count} error{}; what ran before goes on", plural(count));
        state.say_session(Level::Error, text);
    } else if state.goal != Goal::Up || state.evaluation.errors.iter().any(is_of_command_line) {
        verdict::give(state, Verdict::OrchfileFailed);
    }
}

/// Whether it was said on the command line, so that no edit is expected to mend it.
fn is_of_command_line(error: &Diagnostic) -> bool {
    error.code == UNKNOWN_RESOURCE && error.labels.is_empty()
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Has all watched that matters now: what nodes read and write, and what evaluations read.
pub(super) fn watch(state: &mut State) {
    if !state.watches() {
        return;
    }
    state.deadlines.clear(Deadline::WatchReads);
    watch_reads(state);
    let set = watch_set(state);
    if state.evaluation.watch_set.as_ref() == Some(&set) {
        return;
    }
    state.evaluation.watch_set = Some(set.clone());
    let since = state.evaluation.current.as_ref().map_or(state.evaluation.began_at, |current| current.began_at);
    state.emit(Effect::Watch { set, since });
}

fn watch_reads(state: &mut State) {
    let evaluation = &mut state.evaluation;
    let running = evaluation.current.iter().flat_map(|current| current.read.roots());
    let roots: std::collections::BTreeSet<&FilePath> = evaluation.read.roots().chain(running).collect();
    if !roots.iter().copied().eq(&evaluation.watched.roots) {
        evaluation.watched = Arc::new(FileSet::of(roots.into_iter().cloned().collect()));
    }
}

fn watch_set(state: &State) -> Arc<WatchSet> {
    let mut sets = Vec::new();
    for &id in state.order.iter().chain(&state.images) {
        let node = &state.nodes[id];
        if node.is_enabled() {
            let own = node.what.inputs().iter().chain([&node.output_set]);
            sets.extend(own.filter(|set| !set.roots.is_empty()).cloned());
        }
    }
    sets.push(state.evaluation.watched.clone());
    let git_dirs = state.project.iter().map(|project| project.root.join(".git")).collect();
    Arc::new(WatchSet { sets, git_dirs })
}
