//! What GitHub Actions understands of a log: groups that fold, and annotations that stand at the lines of files.

use super::critical;
use crate::{
    diag::{Diagnostic, Severity},
    model::FilePath,
    snapshot::{Row, Snapshot, Trouble, UpdateStatus, Verdict, words},
};
use std::fmt::Write as _;

/// What begins the part that folds.
pub fn group(title: &str) -> String {
    format!("::group::{}\n", message(title))
}

/// What ends it.
pub const GROUP_END: &str = "::endgroup::\n";

/// An annotation for each thing that is wrong, and its last lines in a group.
pub fn failures(snapshot: &Snapshot, verdict: &Verdict, last_lines: impl Fn(&Row) -> String) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let mut text = String::new();
    snapshot.orchfile.errors.iter().for_each(|error| text += &annotation(error));
    for (name, trouble) in verdict.troubles() {
        let row = snapshot.rows.named(name).map(|row| &**row);
        let what = words::trouble(trouble, row, &root, snapshot.at);
        let place = row.and_then(|row| row.spec.declared_at.as_ref());
        let place = place.map(|at| format!("file={},line={},col={},", property(&at.file), at.line, at.column));
        let title = property(&format!("orch: {name}"));
        let kind = if trouble.is_skip() { "notice" } else { "error" };
        writeln!(text, "::{kind} {}title={title}::{}", place.unwrap_or_default(), message(&what)).ok();
        let lines = row.filter(|_| !trouble.is_skip()).map(&last_lines).unwrap_or_default();
        if !lines.is_empty() {
            text += &group(&format!("last lines of {name}"));
            // A line that begins with a command of GitHub's is a line.
            lines.lines().for_each(|line| _ = writeln!(text, "  {line}"));
            text += GROUP_END;
        }
    }
    if let Verdict::Unusable(failure) = verdict {
        writeln!(text, "::error title=orch::{}", message(&failure.message)).ok();
    }
    text
}

fn annotation(diagnostic: &Diagnostic) -> String {
    let kind = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = diagnostic.labels.first().map(|label| {
        format!("file={},line={},col={},", property(&label.location.file), label.location.line, label.location.column)
    });
    let place = place.unwrap_or_default();
    format!("::{kind} {place}title={}::{}\n", property(&diagnostic.code), message(&diagnostic.message))
}

/// The step's summary, as Markdown.
pub fn summary(snapshot: &Snapshot, verdict: &Verdict) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let word = if *verdict == Verdict::Succeeded { "✅ succeeded" } else { "❌ failed" };
    let mut text = format!("### orch ci {word} after {}\n\n", words::duration(snapshot.at.0));
    text += "| resource | result | time |\n|---|---|---|\n";
    for row in snapshot.rows.iter().filter(|row| row.spec.enabled) {
        let trouble = verdict.troubles().iter().find(|(name, _)| *name == row.name);
        let result = match trouble {
            Some((_, trouble @ Trouble::Skipped(_))) => {
                format!("– {}", words::trouble(trouble, Some(row), &root, snapshot.at))
            }
            Some((_, trouble)) => format!("❌ {}", words::trouble(trouble, Some(row), &root, snapshot.at)),
            None if row.update == UpdateStatus::None => "–".to_owned(),
            None => "✅".to_owned(),
        };
        let took = row.runs.first().and_then(|run| Some(words::duration(run.ended_at?.since(run.started_at))));
        writeln!(text, "| {} | {} | {} |", cell(row.name.as_str()), cell(&result), took.unwrap_or_default()).ok();
    }
    let path = critical::text(snapshot);
    if path.is_empty() { text + "\n" } else { format!("{text}\n{path}\n\n") }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// What stands behind the last `::`.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value before it.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
