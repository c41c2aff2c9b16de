//! The list of resources: which are shown, in which order, and what is said of each.

use crate::{
    model::{Attempt, Exit, ResourceName, Time},
    snapshot::{Hold, Row, RunRow, RuntimeStatus, Snapshot, UpdateStatus, words},
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::look::Tone;

/// How much a resource needs somebody, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// It went wrong.
    Bad,
    /// It is being made right.
    Busy,
    /// It waits for something.
    Waits,
    /// It is well.
    Good,
    /// Nobody asked for it, or somebody stopped it.
    Idle,
    /// It is no part of the session.
    Off,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// All resources together: the log of all.
    All,
    /// Resources with that label follow; the empty one is of those without.
    Label(String),
    /// A resource.
    Row(Arc<Row>),
}

impl Item {
    /// The resource, where it is one.
    #[must_use]
    pub fn row(&self) -> Option<&Arc<Row>> {
        match self {
            Self::Row(row) => Some(row),
            Self::All | Self::Label(_) => None,
        }
    }
}

/// How much a resource needs somebody.
#[must_use]
pub fn need(row: &Row) -> Need {
    match (row.update, row.runtime, &row.hold) {
        (_, _, Some(Hold::Disabled)) => Need::Off,
        (UpdateStatus::InProgress, _, _) => Need::Busy,
        (UpdateStatus::Error, _, _) | (_, RuntimeStatus::Error, _) => Need::Bad,
        (_, _, Some(Hold::ImageFailed(_) | Hold::WriterFailed(_) | Hold::SelfDirty { .. })) => Need::Bad,
        (_, _, Some(Hold::Manual | Hold::Stopped | Hold::Ended)) if row.runtime != RuntimeStatus::Ok => Need::Idle,
        (_, RuntimeStatus::Pending, None) if row.instance.as_ref().is_some_and(|it| it.exit.is_none()) => Need::Busy,
        (UpdateStatus::Pending, _, _) | (_, RuntimeStatus::Pending, _) => Need::Waits,
        (UpdateStatus::Ok, _, _) | (_, RuntimeStatus::Ok, _) => Need::Good,
        (UpdateStatus::None | UpdateStatus::NotApplicable, _, _) => Need::Idle,
    }
}

/// The lines of the list. Within a group, what needs somebody comes first, else they are in declaration order; so are the
/// groups among each other, after the worst of each.
#[must_use]
pub fn items(snapshot: &Snapshot, filter: &str, grouped: bool) -> Vec<Item> {
    let wanted = filter.to_lowercase();
    let is_shown = |row: &&Arc<Row>| row.name.as_str().to_lowercase().contains(&wanted) || has_label(row, &wanted);
    let rows: Vec<&Arc<Row>> = snapshot.rows.iter().filter(is_shown).collect();
    let has_labels = grouped && rows.iter().any(|row| !row.labels.is_empty());
    let mut items = Vec::with_capacity(rows.len() + 1);
    if filter.is_empty() {
        items.push(Item::All);
    }
    if !has_labels {
        items.extend(sorted(rows).into_iter().map(Item::Row));
        return items;
    }
    let mut groups: BTreeMap<&str, Vec<&Arc<Row>>> = BTreeMap::new();
    for row in rows {
        groups.entry(row.labels.first().map_or("", String::as_str)).or_default().push(row);
    }
    let mut groups: Vec<(Need, bool, &str, Vec<&Arc<Row>>)> =
        groups.into_iter().map(|(label, rows)| (worst(&rows), label.is_empty(), label, rows)).collect();
    // A group moves up when something in it went wrong, and for nothing less: a list that jumps cannot be read.
    groups.sort_by_key(|(need, is_rest, label, _)| (*need != Need::Bad, *is_rest, label.to_string()));
    for (_, _, label, rows) in groups {
        items.push(Item::Label(label.to_owned()));
        items.extend(sorted(rows).into_iter().map(Item::Row));
    }
    items
}

fn has_label(row: &Row, wanted: &str) -> bool {
    row.labels.iter().any(|label| label.to_lowercase() == wanted)
}

fn sorted(rows: Vec<&Arc<Row>>) -> Vec<Arc<Row>> {
    let mut rows: Vec<Arc<Row>> = rows.into_iter().cloned().collect();
    // Stable: among equals the declaration decides. What is made right stays where it is well, so that a save moves nothing.
    rows.sort_by_key(|row| match need(row) {
        Need::Bad => 0,
        Need::Busy | Need::Waits | Need::Good => 1,
        Need::Idle => 2,
        Need::Off => 3,
    });
    rows
}

fn worst(rows: &[&Arc<Row>]) -> Need {
    rows.iter().map(|row| need(row)).min().unwrap_or(Need::Off)
}

/// Where the resource stands.
#[must_use]
pub fn place_of(items: &[Item], name: &ResourceName) -> Option<usize> {
    items.iter().position(|item| item.row().is_some_and(|row| row.name == *name))
}

/// How the last run went, and how long it took.
#[must_use]
pub fn update_words(row: &Row, now: Time) -> (String, Tone) {
    let took = |run: &RunRow| words::duration(run.ended_at.unwrap_or(now).since(run.started_at));
    let last = last_run(row).map(took);
    let with = |word: &str, took: Option<String>| match took {
        Some(took) => format!("{word} {took}"),
        None => word.to_owned(),
    };
    let build = row.images.iter().find_map(|image| image.current_run.as_ref());
    match row.update {
        UpdateStatus::None | UpdateStatus::NotApplicable => (String::new(), Tone::Dim),
        UpdateStatus::Pending => ("pending".to_owned(), Tone::Busy),
        UpdateStatus::InProgress => {
            let since = row.current_run.as_ref().or(build).map(|run| coarse(now.since(run.started_at)));
            (with("in progress", since), Tone::Busy)
        }
        UpdateStatus::Ok => (with("ok", last), Tone::Good),
        UpdateStatus::Error => (with("error", last), Tone::Bad),
    }
}

/// How the thing fares.
#[must_use]
pub fn runtime_words(row: &Row) -> (&'static str, Tone) {
    match row.runtime {
        RuntimeStatus::Ok if row.finished().is_some() => ("done", Tone::Good),
        RuntimeStatus::None | RuntimeStatus::NotApplicable => ("", Tone::Dim),
        RuntimeStatus::Pending => ("pending", Tone::Busy),
        RuntimeStatus::Ok => ("ready", Tone::Good),
        RuntimeStatus::Error => ("error", Tone::Bad),
    }
}

/// When it last became what it is: the start of its server, else the end of its last run.
#[must_use]
pub fn since(row: &Row) -> Option<Time> {
    let run = row.runs.first().and_then(|run| run.ended_at);
    let instance = row.instance.as_ref().map(|instance| instance.started_at);
    run.max(instance)
}

/// `12s`, `3m`, `2h`, `4d`: one unit, so that it changes seldom.
#[must_use]
pub fn coarse(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86400),
    }
}

/// In how long the words of `coarse` change.
#[must_use]
pub fn until_next(age: Duration) -> Duration {
    let step = match age.as_secs() {
        0..60 => 1,
        60..3600 => 60,
        3600..86400 => 3600,
        _ => 86400,
    };
    let step = Duration::from_secs(step);
    let into = Duration::from_nanos(u64::try_from(age.as_nanos() % step.as_nanos()).unwrap_or(0));
    step.saturating_sub(into)
}

/// The run that tells how the update of the resource went: the build or run that failed, else its own last one.
#[must_use]
pub fn last_run(row: &Row) -> Option<&RunRow> {
    failed_run(row).filter(|_| row.update == UpdateStatus::Error).or(row.runs.first())
}

fn failed_run(row: &Row) -> Option<&RunRow> {
    let failed = |run: &RunRow| run.exit.as_ref().is_some_and(|exit| !exit.is_success() && *exit != Exit::Stopped);
    let build = row.images.iter().filter_map(|image| image.runs.first()).find(|run| failed(run));
    build.or(row.runs.first().filter(|run| row.update == UpdateStatus::Error && failed(run)))
}

/// The run or instance that is why something is wrong with the resource.
#[must_use]
pub fn failed_attempt(row: &Row) -> Option<Attempt> {
    let instance = row.instance.as_ref().filter(|_| row.runtime == RuntimeStatus::Error);
    let run = failed_run(row).map(|run| Attempt::Run(run.run));
    run.or(instance.map(|instance| Attempt::Instance(instance.instance)))
}
