//! The result of `orch ci` as JUnit XML, the form that CI servers read.

use super::when;
use crate::{
    diag,
    model::{FilePath, ResourceName},
    snapshot::{Row, Snapshot, Trouble, Verdict, words},
};
use std::{fmt::Write as _, time::Duration};

/// One test case a resource of the session. `log_of` gives the last lines of a resource's log.
pub fn document(snapshot: &Snapshot, verdict: &Verdict, log_of: impl Fn(&Row) -> String) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let troubles = verdict.troubles();
    let rows: Vec<_> = snapshot.rows.iter().collect();
    let error = error(snapshot, verdict);
    let errors = usize::from(error.is_some());
    let skipped = rows.iter().filter(|row| is_skipped(row, troubles)).count();
    let began = snapshot.began_ms.map(|ms| format!(" timestamp=\"{}\"", when::rfc3339(ms))).unwrap_or_default();
    let seconds = snapshot.at.0.as_secs_f64();
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    writeln!(
        xml,
        "<testsuites>\n<testsuite name=\"orch ci\" tests=\"{}\" failures=\"{}\" errors=\"{errors}\" skipped=\"{skipped}\" \
         time=\"{seconds:.3}\"{began}>",
        rows.len() + errors,
        troubles.iter().filter(|(_, trouble)| !trouble.is_skip()).count()
    )
    .ok();
    if let Some((message, details)) = error {
        let (message, details) = (escaped(&message), escaped(&details));
        writeln!(
            xml,
            "<testcase name=\"the session\" classname=\"orch\" time=\"{seconds:.3}\"><error message=\"{message}\">{details}</error></testcase>"
        )
        .ok();
    }
    for row in rows {
        let trouble = troubles.iter().find(|(name, _)| *name == row.name).map(|(_, trouble)| trouble);
        case(&mut xml, row, trouble, &root, snapshot, &log_of);
    }
    xml.push_str("</testsuite>\n</testsuites>\n");
    xml
}

/// What kept the session as a whole from an answer.
fn error(snapshot: &Snapshot, verdict: &Verdict) -> Option<(String, String)> {
    match verdict {
        Verdict::Succeeded | Verdict::Failed(_) | Verdict::TimedOut(_) => None,
        Verdict::OrchfileFailed => {
            let drawn = diag::render(&snapshot.orchfile.errors, false, 100);
            Some(("the Orchfile could not be loaded".to_owned(), drawn))
        }
        Verdict::Interrupted => Some(("interrupted".to_owned(), String::new())),
        Verdict::Unusable(failure) => Some((failure.message.clone(), failure.help.clone().unwrap_or_default())),
    }
}

fn did_nothing(row: &Row) -> bool {
    row.runs.is_empty() && row.instance.is_none() && row.skipped.is_none()
}

fn is_skipped(row: &Row, troubles: &[(ResourceName, Trouble)]) -> bool {
    let trouble = troubles.iter().find(|(name, _)| *name == row.name);
    trouble.map_or_else(|| did_nothing(row), |(_, trouble)| trouble.is_skip())
}

fn case(
    xml: &mut String,
    row: &Row,
    trouble: Option<&Trouble>,
    root: &FilePath,
    snapshot: &Snapshot,
    log_of: &impl Fn(&Row) -> String,
) {
    let builds = row.images.iter().filter_map(|image| image.last_run.as_ref());
    let took = row.runs.iter().chain(builds).filter_map(|run| Some(run.ended_at?.since(run.started_at)));
    let seconds = took.sum::<Duration>().as_secs_f64();
    write!(xml, "<testcase name=\"{}\" classname=\"orch\" time=\"{seconds:.3}\"", escaped(row.name.as_str())).ok();
    match trouble {
        Some(Trouble::Skipped(hold)) => {
            let message = escaped(&words::hold(hold, root, snapshot.at));
            writeln!(xml, "><skipped message=\"{message}\"/></testcase>").ok();
        }
        Some(trouble) => {
            let message = escaped(&words::trouble(trouble, Some(row), root, snapshot.at));
            let log = escaped(&log_of(row));
            writeln!(xml, "><failure message=\"{message}\">{log}</failure></testcase>").ok();
        }
        None if did_nothing(row) => {
            writeln!(xml, "><skipped/></testcase>").ok();
        }
        None => {
            writeln!(xml, "/>").ok();
        }
    }
}

/// XML has no way to write most control characters: they are left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => safe.push(c),
        }
    }
    safe
}
