//! `orch ls`: all sessions of a user.

use super::{Look, look::Colour, when::rfc3339};
use crate::{
    model::FilePath,
    snapshot::{Row, RuntimeStatus, Snapshot, UpdateStatus, words},
};
use serde_json::{Value, json};
use std::{fmt::Write as _, time::Duration};

/// A session as others see it.
#[derive(Debug, Clone)]
pub struct Session {
    /// The folder of its Orchfile.
    pub root: FilePath,
    /// Where that folder is now, if it was moved since.
    pub moved_to: Option<FilePath>,
    /// The folder was removed since.
    pub is_gone: bool,
    /// Its Orchfile.
    pub file: FilePath,
    /// `up`, `ci` or `down`.
    pub verb: String,
    /// Of its orch.
    pub pid: u32,
    /// Of its orch.
    pub version: String,
    /// When it began, in milliseconds since 1970.
    pub since_ms: u64,
    /// How long ago that is.
    pub age: Duration,
    /// What it shows; `None` where it does not answer.
    pub snapshot: Option<Snapshot>,
}

/// How many resources are what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    total: usize,
    ready: usize,
    pending: usize,
    failed: usize,
}

fn counts(snapshot: &Snapshot) -> Counts {
    let mut counts = Counts::default();
    for row in snapshot.rows.iter().filter(|row| row.spec.enabled) {
        counts.total += 1;
        if row.is_ready() {
            counts.ready += 1;
        } else if has_failed(row) {
            counts.failed += 1;
        } else if is_pending(row) {
            counts.pending += 1;
        }
    }
    counts
}

fn has_failed(row: &Row) -> bool {
    row.update == UpdateStatus::Error || row.runtime == RuntimeStatus::Error
}

fn is_pending(row: &Row) -> bool {
    matches!(row.update, UpdateStatus::Pending | UpdateStatus::InProgress) || row.runtime == RuntimeStatus::Pending
}

/// How it fares, in a few words, and how that is coloured.
fn state(session: &Session) -> (String, Colour) {
    let Some(snapshot) = &session.snapshot else { return ("does not answer".to_owned(), Colour::Red) };
    let broken = !snapshot.orchfile.errors.is_empty();
    if snapshot.shutting_down {
        return ("ending".to_owned(), Colour::Yellow);
    }
    if snapshot.mode.is_none() {
        return if broken && !snapshot.orchfile.loading {
            ("the Orchfile has errors".to_owned(), Colour::Red)
        } else {
            ("loading".to_owned(), Colour::Yellow)
        };
    }
    let Counts { total, ready, pending, failed } = counts(snapshot);
    let mut text = format!("{ready} of {total} ready");
    if pending > 0 {
        write!(text, ", {pending} pending").ok();
    }
    if failed > 0 {
        write!(text, ", {failed} failed").ok();
    }
    if broken {
        text += ", the Orchfile has errors";
    }
    let colour = match () {
        () if failed > 0 || broken => Colour::Red,
        () if pending > 0 => Colour::Yellow,
        () => Colour::Green,
    };
    (text, colour)
}

/// A line for each session. Paths below `home` begin with `~`. What lost its folder has a second line.
pub fn table(sessions: &[Session], home: Option<&str>, look: Look) -> String {
    let shown = |root: &FilePath| {
        let root = root.to_string();
        let below =
            home.and_then(|home| root.strip_prefix(home)).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        below.map_or(root.clone(), |rest| format!("~{rest}"))
    };
    let rows: Vec<[String; 5]> = sessions
        .iter()
        .map(|session| {
            let file = session.file.display_from(&session.root);
            let since = words::duration(Duration::from_secs(session.age.as_secs()));
            [shown(&session.root), file, format!("{} (pid {})", session.verb, session.pid), since, state(session).0]
        })
        .collect();
    let head = ["PROJECT", "FILE", "VERB", "SINCE", "STATE"];
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].as_str()).chain([head[column]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len() - 1).map(width).collect();
    let line = |cells: [&str; 5]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  "));
        padded.collect::<String>()
    };
    let mut text = look.paint(Colour::Dim, format!("{}{}", line(head), head[4])) + "\n";
    for (row, session) in rows.iter().zip(sessions) {
        let cells = row.each_ref().map(String::as_str);
        writeln!(text, "{}{}", line(cells), look.paint(state(session).1, cells[4])).ok();
        if let Some(lost) = lost(session, shown) {
            writeln!(text, "  {}", look.paint(Colour::Yellow, lost)).ok();
        }
    }
    text
}

/// What became of its folder, and how such a session is ended.
fn lost(session: &Session, shown: impl Fn(&FilePath) -> String) -> Option<String> {
    if session.is_gone {
        return Some(format!("its folder, or `.orch` in it, is gone; `kill {}` ends it", session.pid));
    }
    let root = session.moved_to.as_ref()?;
    Some(format!("its folder is now {}; `orch down` there ends it", shown(root)))
}

/// A session of `orch ls -o json`.
pub fn document(session: &Session) -> Value {
    let resources = session.snapshot.as_ref().map(|snapshot| {
        let Counts { total, ready, pending, failed } = counts(snapshot);
        let disabled = snapshot.rows.len() - total;
        json!({"enabled": total, "ready": ready, "pending": pending, "failed": failed, "disabled": disabled})
    });
    json!({
        "root": session.root,
        "moved_to": session.moved_to,
        "gone": session.is_gone,
        "file": session.file,
        "verb": session.verb,
        "pid": session.pid,
        "version": session.version,
        "since": rfc3339(session.since_ms),
        "answers": session.snapshot.is_some(),
        "state": state(session).0,
        "at_rest": session.snapshot.as_ref().map(|snapshot| snapshot.at_rest),
        "resources": resources,
    })
}
