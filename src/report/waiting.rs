//! What `orch wait` waits for, in one line, and why it waits no longer.

use super::note;
use crate::{
    model::{FilePath, Time},
    snapshot::{Hold, Row, RowKind, RuntimeStatus, Snapshot, UpdateStatus, words},
};
use std::{fmt::Write as _, sync::Arc};

/// How many resources are named.
const SHOWN: usize = 3;

/// What is still missing: `web waits for db to be ready (not ready); db is not ready yet`. Times are not in it, so that it is
/// the same until something happens.
pub fn line(snapshot: &Snapshot, missing: &[&Arc<Row>]) -> String {
    if missing.is_empty() {
        return "the Orchfile is being evaluated".to_owned();
    }
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let said = missing.iter().take(SHOWN).map(|row| format!("{} {}", row.name, state(row, &root)));
    let mut text = said.collect::<Vec<_>>().join("; ");
    if missing.len() > SHOWN {
        write!(text, "; and {} more", missing.len() - SHOWN).ok();
    }
    text
}

/// What somebody has to do something about, a line each.
pub fn obstacles(snapshot: &Snapshot, stuck: &[&Arc<Row>]) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    stuck.iter().map(|row| format!("  {}: {}\n", row.name, state(row, &root))).collect()
}

/// How it is, as the end of a sentence that begins with its name.
fn state(row: &Row, root: &FilePath) -> String {
    if row.current_run.is_some() && row.kind == RowKind::Local {
        return "runs".to_owned();
    }
    match &row.hold {
        Some(Hold::Backoff { .. }) => "is tried again in a moment".to_owned(),
        Some(Hold::Failed) => format!("failed: {}", note::note(row, root, Time::ZERO)),
        Some(Hold::Manual) if row.update == UpdateStatus::Error => "failed, and waits for a trigger".to_owned(),
        Some(Hold::Ended) => {
            format!("{}: {}", words::hold(&Hold::Ended, root, Time::ZERO), note::note(row, root, Time::ZERO))
        }
        Some(Hold::Disabled) => "is disabled; `orch enable` enables it".to_owned(),
        Some(Hold::Stopped) => "is stopped; `orch start` starts it".to_owned(),
        Some(hold) => words::hold(hold, root, Time::ZERO),
        None => unheld(row, root),
    }
}

fn unheld(row: &Row, root: &FilePath) -> String {
    if row.update == UpdateStatus::InProgress {
        return note::note(row, root, Time::ZERO);
    }
    let failure = row.instance.as_ref().and_then(|instance| instance.probe_failure.as_ref());
    match (row.runtime, failure) {
        (RuntimeStatus::Pending | RuntimeStatus::Error, Some(failure)) => format!("is not ready: {failure}"),
        (RuntimeStatus::Pending | RuntimeStatus::Error, None) => match note::note(row, root, Time::ZERO) {
            note if note.is_empty() || note.starts_with("pid ") => "is not ready yet".to_owned(),
            note => format!("is not ready: {note}"),
        },
        (RuntimeStatus::None | RuntimeStatus::Ok | RuntimeStatus::NotApplicable, _) => "has not run yet".to_owned(),
    }
}
