//! The last words of a session.

use super::{Look, look::Colour};
use crate::{
    model::{Exit, FilePath, ResourceName},
    snapshot::{Goal, Snapshot, Trouble, UpdateStatus, Verdict, words},
};
use std::fmt::Write as _;

/// What the verdict is, resource by resource where something is wrong.
pub fn verdict(snapshot: &Snapshot, verdict: &Verdict, look: Look) -> String {
    let took = words::duration(snapshot.at.0);
    match verdict {
        Verdict::Succeeded => {
            let ok = look.paint(Colour::Green, "succeeded");
            format!("orch: {ok} in {took}: {}\n", counted(snapshot))
        }
        Verdict::Failed(troubles) => {
            let failed = look.paint(Colour::Red, "failed");
            format!("orch: {failed} after {took}\n{}", listed(snapshot, troubles, look))
        }
        Verdict::TimedOut(troubles) => {
            let timed_out = look.paint(Colour::Red, "timed out");
            format!("orch: {timed_out} after {took}; still missing:\n{}", listed(snapshot, troubles, look))
        }
        Verdict::OrchfileFailed => format!("orch: {}\n", look.paint(Colour::Red, "the Orchfile could not be loaded")),
        Verdict::Unusable(failure) => {
            let mut text = format!("orch: {}\n", look.paint(Colour::Red, &failure.message));
            if let Some(help) = &failure.help {
                writeln!(text, "  help: {help}").ok();
            }
            text
        }
        Verdict::Interrupted => match snapshot.goal {
            Goal::Up => format!("orch: stopped after {took}\n"),
            Goal::Ci | Goal::Down => format!("orch: {} after {took}\n", look.paint(Colour::Red, "interrupted")),
        },
    }
}

fn counted(snapshot: &Snapshot) -> String {
    let ran = snapshot.rows.iter().filter(|row| !row.runs.is_empty() || row.instance.is_some()).count();
    let fresh = snapshot
        .rows
        .iter()
        .filter(|row| row.runs.is_empty() && row.instance.is_none() && row.update == UpdateStatus::Ok)
        .count();
    let mut text = format!("{} ran", words::count_of(ran as u64, "resource"));
    if fresh > 0 {
        write!(text, ", {fresh} up to date").ok();
    }
    text
}

fn listed(snapshot: &Snapshot, troubles: &[(ResourceName, Trouble)], look: Look) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let line = |(name, trouble): &(ResourceName, Trouble)| {
        let mut text =
            format!("  {}: {}\n", look.paint_name(name.as_str(), name), words::trouble(trouble, &root, snapshot.at));
        if let Some(help) = remedy(trouble) {
            writeln!(text, "    help: {help}").ok();
        }
        text
    };
    troubles.iter().map(line).collect()
}

fn remedy(trouble: &Trouble) -> Option<&str> {
    match trouble {
        Trouble::RunFailed(Exit::NotStarted(failure))
        | Trouble::InstanceEnded(Exit::NotStarted(failure))
        | Trouble::ImageFailed(_, Exit::NotStarted(failure))
        | Trouble::Refused(failure) => failure.help.as_deref(),
        Trouble::RunFailed(_)
        | Trouble::InstanceEnded(_)
        | Trouble::ImageFailed(..)
        | Trouble::NotReady(_)
        | Trouble::Held(_)
        | Trouble::Unfinished => None,
    }
}
