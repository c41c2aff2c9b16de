//! What `orch trigger`, `restart`, `stop`, `start`, `enable` and `disable` say of what they brought about: from the state before and
//! the one after.

use crate::{
    model::{FilePath, ResourceName, Time},
    snapshot::{Hold, Row, RowKind, RuntimeStatus, Snapshot, words},
};
use std::fmt::Write as _;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `orch trigger`.
    Trigger,
    /// `orch restart`.
    Restart,
    /// `orch stop`.
    Stop,
    /// `orch start`.
    Start,
}

/// A line for each of the resources: `web: triggered; waits for db to be ready (failed)`.
pub fn lines(order: Order, names: &[ResourceName], before: &Snapshot, after: &Snapshot) -> String {
    let root = after.root.clone().unwrap_or_else(|| FilePath::new("/"));
    let rows = after.rows.iter().filter(|row| names.contains(&row.name));
    let line = |row: &Row| {
        let old = before.rows.named(&row.name).map_or(row, |old| &**old);
        format!("{}: {}\n", row.name, said(order, old, row, &root))
    };
    rows.map(|row| line(row)).collect()
}

fn said(order: Order, before: &Row, after: &Row, root: &FilePath) -> String {
    match order {
        Order::Trigger => with_hold("triggered", after, root),
        Order::Restart if after.runtime == RuntimeStatus::NotApplicable => {
            with_hold("triggered, since it has no server", after, root)
        }
        Order::Restart => with_hold("restarts", after, root),
        Order::Stop => stop(before, after).to_owned(),
        Order::Start => start(before, after, root),
    }
}

/// What was done, and why nothing comes of it yet.
fn with_hold(what: &str, row: &Row, root: &FilePath) -> String {
    match &row.hold {
        Some(Hold::Running) => format!("{what}; runs once more when the run at hand has ended"),
        // So does the run that is to come.
        Some(Hold::Stopping | Hold::Settling) | None => what.to_owned(),
        Some(hold) => format!("{what}; {}", words::hold(hold, root, Time::ZERO)),
    }
}

fn stop(before: &Row, after: &Row) -> &'static str {
    match (is_stopped(before), lives(before)) {
        (true, false) => "already stopped",
        (true, true) if before.kind == RowKind::Local => "asked once more, and killed",
        (true, true) => "is being stopped already",
        (false, _) if lives(after) => "stops",
        (false, _) => "stopped",
    }
}

fn start(before: &Row, after: &Row, root: &FilePath) -> String {
    if is_stopped(before) || !lives(before) && lives(after) {
        return with_hold("started", after, root);
    }
    if lives(before) {
        return "runs already".to_owned();
    }
    match &after.hold {
        Some(hold) => format!("{}: {}", by_itself(hold), words::hold(hold, root, Time::ZERO)),
        None => format!("nothing to start; `orch trigger {}` runs it anyway", after.name),
    }
}

/// What it waits for is not that somebody starts it.
fn by_itself(hold: &Hold) -> &'static str {
    if matches!(hold, Hold::Failed | Hold::Manual) { "nothing to start" } else { "is to start anyway" }
}

fn is_stopped(row: &Row) -> bool {
    row.hold == Some(Hold::Stopped)
}

fn lives(row: &Row) -> bool {
    row.current_run.is_some() || row.instance.as_ref().is_some_and(|instance| instance.exit.is_none())
}

/// What `orch enable` and `disable` changed, all of it by name, and what they left as it was.
pub fn switched(enable: bool, names: &[ResourceName], before: &Snapshot, after: &Snapshot) -> String {
    let was = |row: &Row| before.rows.named(&row.name);
    let changed = |row: &Row| was(row).is_none_or(|old| old.spec.enabled != row.spec.enabled);
    let those = |is: &dyn Fn(&Row) -> bool| -> Vec<&str> {
        after.rows.iter().filter(|row| is(row)).map(|row| row.name.as_str()).collect()
    };
    let mut text = String::new();
    let mut say = |rows: &[&str], line: &dyn Fn(&str) -> String| {
        if !rows.is_empty() {
            writeln!(text, "orch: {}", line(&all(rows))).ok();
        }
    };
    let came_back = |row: &Row| was(row).is_some_and(|old| !old.disabled_with.is_empty());
    let on = those(&|row| changed(row) && row.spec.enabled && (names.contains(&row.name) || !came_back(row)));
    let back = those(&|row| changed(row) && row.spec.enabled && !names.contains(&row.name) && came_back(row));
    let off = those(&|row| changed(row) && !row.spec.enabled && row.disabled_with.is_empty());
    let along = those(&|row| changed(row) && !row.spec.enabled && !row.disabled_with.is_empty());
    say(&on, &|names| format!("enabled {names}"));
    say(&back, &|names| format!("enabled {names} again, disabled along before"));
    say(&off, &|names| format!("disabled {names}"));
    let causes = all(&names.iter().map(ResourceName::as_str).collect::<Vec<_>>());
    let (needs, comes) = if along.len() == 1 { ("needs", "comes") } else { ("need", "come") };
    say(&along, &|names| format!("disabled {names} along, which {needs} that and {comes} back with it"));
    let stopped = those(&|row| enable && is_stopped(row) && (changed(row) || names.contains(&row.name)));
    let goes_on = if stopped.len() == 1 { "stays" } else { "stay" };
    let start = format!("`orch start {}`", stopped.join(" "));
    say(&stopped, &|names| format!("{names} {goes_on} stopped; {start} starts what is stopped"));
    if text.is_empty() {
        let state = if enable { "enabled" } else { "disabled" };
        writeln!(
            text,
            "orch: nothing changed: {causes} {} {state} already",
            if names.len() == 1 { "is" } else { "are" }
        )
        .ok();
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
fn all(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Condition,
        snapshot::{Spec, UpdateStatus},
    };
    use std::sync::Arc;

    fn name(text: &str) -> ResourceName {
        ResourceName::parse(text).unwrap()
    }

    fn row(text: &str, enabled: bool, hold: Option<Hold>, with: &[&str]) -> Row {
        let spec = Arc::new(Spec { enabled, ..Spec::default() });
        let disabled_with = with.iter().map(|with| name(with)).collect();
        Row { hold, spec, disabled_with, update: UpdateStatus::Ok, ..Row::new(name(text), RowKind::Local) }
    }

    fn snapshot(rows: impl IntoIterator<Item = Row>) -> Snapshot {
        Snapshot { rows: rows.into_iter().collect(), ..Snapshot::default() }
    }

    #[test]
    fn what_was_ordered_is_said_of_each() {
        let waits = Hold::Dependency { on: name("db"), condition: Condition::Ready, because: "failed".to_owned() };
        let before = snapshot([row("web", true, None, &[]), row("api", true, Some(Hold::Stopped), &[])]);
        let after = snapshot([row("web", true, Some(waits), &[]), row("api", true, Some(Hold::Stopped), &[])]);
        let names = [name("web"), name("api")];
        let said = |order| lines(order, &names, &before, &after);
        let held = "waits for db to be ready (failed)";
        assert!(said(Order::Trigger).starts_with(&format!("web: triggered; {held}\n")), "{}", said(Order::Trigger));
        assert_eq!(said(Order::Stop), "web: stopped\napi: already stopped\n");
        assert!(
            said(Order::Start).starts_with(&format!("web: is to start anyway: {held}\n")),
            "{}",
            said(Order::Start)
        );
    }

    #[test]
    fn what_was_taken_along_and_came_back_is_named() {
        let on = |stopped| {
            snapshot([
                row("db", true, None, &[]),
                row("api", true, None, &[]),
                row("web", true, Some(Hold::Stopped).filter(|_| stopped), &[]),
            ])
        };
        let disabled = |name, with: &[&str]| row(name, false, Some(Hold::Disabled), with);
        let off = snapshot([disabled("db", &[]), disabled("api", &["db"]), disabled("web", &["db"])]);
        let db = [name("db")];
        assert_eq!(
            switched(false, &db, &on(false), &off),
            "orch: disabled db\norch: disabled api and web along, which need that and come back with it\n"
        );
        assert_eq!(
            switched(true, &db, &off, &on(true)),
            "orch: enabled db\norch: enabled api and web again, disabled along before\n\
             orch: web stays stopped; `orch start web` starts what is stopped\n"
        );
        assert_eq!(switched(true, &db, &on(false), &on(false)), "orch: nothing changed: db is enabled already\n");
    }
}
