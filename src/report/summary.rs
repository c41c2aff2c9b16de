//! The last words of a session.

use super::{Look, look::Colour};
use crate::{
    model::{ContainerPhase, Exit, FilePath, ResourceName},
    snapshot::{Goal, Row, RowKind, Snapshot, Step, Trouble, UpdateStatus, Verdict, words},
};
use std::fmt::Write as _;

/// What the verdict is, resource by resource where something is wrong.
pub fn verdict(snapshot: &Snapshot, verdict: &Verdict, look: Look) -> String {
    verdict_with(snapshot, verdict, look, |_| String::new())
}

/// The same with the last lines of what failed.
pub fn verdict_with(snapshot: &Snapshot, verdict: &Verdict, look: Look, last_lines: impl Fn(&Row) -> String) -> String {
    let took = words::duration(snapshot.at.0);
    match verdict {
        Verdict::Succeeded => {
            let ok = look.paint(Colour::Green, "succeeded");
            format!("orch: {ok} in {took}: {}\n", counted(snapshot))
        }
        Verdict::Failed(troubles) => {
            let failed = look.paint(Colour::Red, "failed");
            format!("orch: {failed} after {took}\n{}", listed(snapshot, troubles, look, &last_lines))
        }
        Verdict::TimedOut(troubles) => {
            let timed_out = look.paint(Colour::Red, "timed out");
            format!("orch: {timed_out} after {took}; still missing:\n{}", listed(snapshot, troubles, look, &last_lines))
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

/// The line after the last words of `up` and `ci`: containers that go on. Empty where there are none.
pub fn left_running(snapshot: &Snapshot) -> String {
    let who = |is: fn(&Row) -> bool| -> Vec<&str> {
        snapshot.rows.iter().filter(|row| is(row)).map(|row| row.name.as_str()).collect()
    };
    let running = who(|row| is_running(row) && !was_replaced(row));
    let replaced = who(|row| is_running(row) && was_replaced(row));
    let mut text = String::new();
    if !replaced.is_empty() {
        let names = words::first_of(&replaced);
        writeln!(
            text,
            "orch: containers were being replaced and may be stopped ({names}); `orch up` goes on with that"
        )
        .ok();
    }
    if !running.is_empty() {
        let names = words::first_of(&running);
        writeln!(text, "orch: containers are left running ({names}); `orch down` removes them").ok();
    }
    text
}

fn is_running(row: &Row) -> bool {
    let mut containers = row.instance.iter().flat_map(|instance| &instance.containers);
    containers.any(|state| matches!(state.phase, ContainerPhase::Running | ContainerPhase::Restarting))
}

/// Whether its last run was to put others in the place of its containers, and was cut short.
fn was_replaced(row: &Row) -> bool {
    let last = row.current_run.as_ref().or(row.runs.first());
    last.is_some_and(|run| run.step == Step::Container && matches!(run.exit, None | Some(Exit::Stopped)))
}

fn counted(snapshot: &Snapshot) -> String {
    let ran = snapshot.rows.iter().filter(|row| has_run(row)).count();
    let fresh = snapshot.rows.iter().filter(|row| !has_run(row) && row.update == UpdateStatus::Ok).count();
    let mut text = format!("{} ran", words::count_of(ran as u64, "resource"));
    if fresh > 0 {
        write!(text, ", {fresh} up to date").ok();
    }
    text
}

/// A container that was there and is what it should be has not: nobody touched it.
fn has_run(row: &Row) -> bool {
    !row.runs.is_empty() || row.kind == RowKind::Local && row.instance.is_some()
}

fn listed(
    snapshot: &Snapshot,
    troubles: &[(ResourceName, Trouble)],
    look: Look,
    last_lines: &impl Fn(&Row) -> String,
) -> String {
    let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let line = |(name, trouble): &(ResourceName, Trouble)| {
        let row = snapshot.rows.named(name).map(|row| &**row);
        let what = words::trouble(trouble, row, &root, snapshot.at);
        let mut text = format!("  {}: {what}\n", look.paint_name(name.as_str(), name));
        if let Some(help) = words::remedy(trouble, row) {
            writeln!(text, "    help: {help}").ok();
        }
        let said = row.filter(|_| !trouble.is_skip()).map(last_lines).unwrap_or_default();
        said.lines().for_each(|line| _ = writeln!(text, "    {} {line}", look.paint(Colour::Dim, "│")));
        text
    };
    troubles.iter().map(line).collect()
}
