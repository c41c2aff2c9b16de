//! What happened between two snapshots, as scripts and people follow it. Snapshots in between may be missing: what began and
//! ended meanwhile is found in the histories.

use super::{Cause, Hold, Row, RunRow, RuntimeStatus, Snapshot, Step};
use crate::model::{Exit, ImageKey, InstanceId, ResourceName, RunId, Time};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Rows tell the times of runs and instances alone; what else changed, changed now, after all that.
const NOW: Time = Time(Duration::MAX);

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// When.
    pub at: Time,
    /// To which resource; `None` is the session.
    pub resource: Option<ResourceName>,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happened {
    /// A run started.
    RunStarted {
        /// Which.
        run: RunId,
        /// What it does.
        step: Step,
        /// Why.
        cause: Cause,
        /// Which image it builds, if it does.
        image: Option<ImageKey>,
    },
    /// A run ended.
    RunEnded {
        /// How it went.
        run: RunRow,
        /// Which image it built, if it did.
        image: Option<ImageKey>,
    },
    /// A server or containers were started.
    InstanceStarted(InstanceId),
    /// It is ready.
    Ready(InstanceId),
    /// It is not ready any more: what the last check said.
    Unready(InstanceId, Option<String>),
    /// It ended.
    InstanceEnded(InstanceId, Exit),
    /// It is dirty and waits for something else than before.
    Held(Hold),
    /// It is part of the session now.
    Enabled,
    /// It is no part of the session any more.
    Disabled,
    /// The Orchfile declares it now.
    Added,
    /// The Orchfile does not declare it any more.
    Removed,
    /// The Orchfile is being evaluated.
    OrchfileLoading,
    /// It gave a project.
    OrchfileLoaded,
    /// It has so many errors.
    OrchfileFailed(usize),
    /// Nothing goes on any more.
    AtRest,
    /// The session is ending.
    Ending,
}

/// All that happened between the two, in the order of the times.
#[must_use]
pub fn news(old: &Snapshot, new: &Snapshot) -> Vec<News> {
    let mut all = of_orchfile(old, new);
    if old.rows.len() == new.rows.len() && old.rows.iter().zip(new.rows.iter()).all(|(old, new)| old.name == new.name) {
        for (old, new) in old.rows.iter().zip(new.rows.iter()) {
            of_row(Some(old), new, &mut all);
        }
    } else {
        of_other_rows(old, new, &mut all);
    }
    let session = |what| News { at: new.at, resource: None, what };
    // What is told of now comes after what is told of then.
    all.sort_by_key(|news| news.at);
    if !old.at_rest && new.at_rest {
        all.push(session(Happened::AtRest));
    }
    if !old.shutting_down && new.shutting_down {
        all.push(session(Happened::Ending));
    }
    let now = new.at;
    all.iter_mut().for_each(|news| news.at = news.at.min(now));
    all
}

fn of_orchfile(old: &Snapshot, new: &Snapshot) -> Vec<News> {
    let (before, after) = (&old.orchfile, &new.orchfile);
    let mut all = Vec::new();
    let mut tell = |what| all.push(News { at: new.at, resource: None, what });
    let has_ended = before.loading && !after.loading;
    if after.loads != before.loads {
        tell(Happened::OrchfileLoaded);
    } else if !after.errors.is_empty() && (has_ended || !Arc::ptr_eq(&before.errors, &after.errors)) {
        tell(Happened::OrchfileFailed(after.errors.len()));
    }
    if !before.loading && after.loading {
        tell(Happened::OrchfileLoading);
    }
    all
}

fn of_other_rows(old: &Snapshot, new: &Snapshot, all: &mut Vec<News>) {
    let mut before: BTreeMap<&ResourceName, &Arc<Row>> = old.rows.iter().map(|row| (&row.name, row)).collect();
    for row in new.rows.iter() {
        let known = before.remove(&row.name);
        if known.is_none() {
            all.push(News { at: NOW, resource: Some(row.name.clone()), what: Happened::Added });
        }
        of_row(known, row, all);
    }
    let gone = before.into_keys().map(|name| News { at: NOW, resource: Some(name.clone()), what: Happened::Removed });
    all.extend(gone);
}

fn of_row(old: Option<&Arc<Row>>, new: &Arc<Row>, all: &mut Vec<News>) {
    if old.is_some_and(|old| Arc::ptr_eq(old, new)) {
        return;
    }
    let mut tell = |at, what| all.push(News { at, resource: Some(new.name.clone()), what });
    of_runs(Runs::of_row(old), &Runs::of_row(Some(new)), None, &mut tell);
    for image in &new.images {
        let before = old.and_then(|old| old.images.iter().find(|before| before.image == image.image));
        let runs = |image: &super::ImageRow| Runs { current: image.current_run.clone(), ended: image.runs.clone() };
        of_runs(before.map(runs).unwrap_or_default(), &runs(image), Some(&image.image), &mut tell);
    }
    of_instance(old, new, &mut tell);
    let was_enabled = old.is_none_or(|old| old.spec.enabled);
    match (was_enabled, new.spec.enabled) {
        (false, true) => tell(NOW, Happened::Enabled),
        (true, false) => tell(NOW, Happened::Disabled),
        (true, true) | (false, false) => {}
    }
    let hold = new.hold.as_ref().filter(|hold| !matches!(hold, Hold::Running | Hold::Stopping | Hold::Disabled));
    if let Some(hold) = hold.filter(|hold| old.is_none_or(|old| old.hold.as_ref() != Some(hold))) {
        tell(NOW, Happened::Held(hold.clone()));
    }
}

/// The runs of a resource or an image.
#[derive(Default)]
struct Runs {
    current: Option<RunRow>,
    ended: Arc<Vec<RunRow>>,
}

impl Runs {
    fn of_row(row: Option<&Arc<Row>>) -> Self {
        row.map(|row| Self { current: row.current_run.clone(), ended: row.runs.clone() }).unwrap_or_default()
    }

    fn newest(&self) -> Option<RunId> {
        self.ended.first().map(|run| run.run)
    }
}

fn of_runs(old: Runs, new: &Runs, image: Option<&ImageKey>, tell: &mut impl FnMut(Time, Happened)) {
    if old.current == new.current && old.newest() == new.newest() {
        return;
    }
    let was_told = |run: &RunRow| old.current.as_ref().is_some_and(|old| old.run == run.run);
    let started = |run: &RunRow| Happened::RunStarted {
        run: run.run,
        step: run.step,
        cause: run.cause.clone(),
        image: image.cloned(),
    };
    let is_new = |run: &&RunRow| old.newest().is_none_or(|newest| run.run > newest);
    for run in new.ended.iter().filter(is_new).rev() {
        if !was_told(run) {
            tell(run.started_at, started(run));
        }
        let ended = Happened::RunEnded { run: run.clone(), image: image.cloned() };
        tell(run.ended_at.unwrap_or(run.started_at), ended);
    }
    if let Some(run) = new.current.as_ref().filter(|run| !was_told(run)) {
        tell(run.started_at, started(run));
    }
}

fn of_instance(old: Option<&Arc<Row>>, new: &Arc<Row>, tell: &mut impl FnMut(Time, Happened)) {
    let Some(instance) = &new.instance else { return };
    let id = instance.instance;
    let before = old.filter(|old| old.instance.as_ref().is_some_and(|old| old.instance == id));
    if before.is_none() {
        tell(instance.started_at, Happened::InstanceStarted(id));
    }
    let was_ready = before.is_some_and(|old| old.runtime == RuntimeStatus::Ok);
    let had_ended = before.and_then(|old| old.instance.as_ref()).is_some_and(|old| old.exit.is_some());
    match (&instance.exit, new.runtime) {
        (Some(exit), _) if !had_ended => tell(NOW, Happened::InstanceEnded(id, exit.clone())),
        (None, RuntimeStatus::Ok) if !was_ready => tell(instance.ready_at.unwrap_or(NOW), Happened::Ready(id)),
        (None, RuntimeStatus::Error) if was_ready => tell(NOW, Happened::Unready(id, instance.probe_failure.clone())),
        _ => {}
    }
}
