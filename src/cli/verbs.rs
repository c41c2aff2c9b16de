//! The verbs that ask the running session for something: `trigger`, `restart`, `stop`, `start`, `enable`, `disable`.

use super::{
    args::{Disable, Enable, Names, Output, Selection},
    error::CliError,
    exit::Exit,
    live, print,
};
use crate::{
    engine::Request,
    host::{ask, claim::SessionCard},
    model::ResourceName,
    report::{
        json,
        ordered::{self, Order},
    },
    snapshot::{Row, Snapshot},
};

pub(super) fn trigger(args: &Names) -> Result<Exit, CliError> {
    ask_for(args, Order::Trigger, Request::Trigger)
}

pub(super) fn restart(args: &Names) -> Result<Exit, CliError> {
    ask_for(args, Order::Restart, Request::Restart)
}

pub(super) fn stop(args: &Names) -> Result<Exit, CliError> {
    ask_for(args, Order::Stop, Request::Stop)
}

pub(super) fn start(args: &Names) -> Result<Exit, CliError> {
    ask_for(args, Order::Start, Request::Start)
}

pub(super) fn enable(args: &Enable) -> Result<Exit, CliError> {
    let request = |names| Request::Enable { names, alone: args.no_deps, only: args.only };
    switch(&args.selection, true, request)
}

pub(super) fn disable(args: &Disable) -> Result<Exit, CliError> {
    switch(&args.selection, false, |names| Request::Disable { names, alone: args.no_deps })
}

/// Asks, and says what was ordered, or shows how the resources are then.
fn ask_for(args: &Names, order: Order, request: impl Fn(Vec<ResourceName>) -> Request) -> Result<Exit, CliError> {
    let selection = &args.selection;
    let card = selection.asking.project()?.need_session()?;
    let (names, before, after) = live::block_on(async {
        let names = selected(&card, selection, |row| row.spec.enabled).await?;
        let before = ask::snapshot(&card).await?;
        ask::request(&card, &request(names.clone())).await?;
        Ok((names, before, ask::snapshot(&card).await?))
    })?;
    if selection.talks() {
        print::to_stderr(&ordered::lines(order, &names, &before, &after));
    }
    show(&after, selection.asking.output(), |row| names.contains(&row.name));
    Ok(Exit::Ok)
}

/// Which resources are meant. The session knows the names, and refuses one that it does not.
/// Of those that have a label, or of all, only some can be.
async fn selected(
    card: &SessionCard,
    selection: &Selection,
    can_be: impl Fn(&Row) -> bool,
) -> Result<Vec<ResourceName>, CliError> {
    let mut names = live::names(selection.names.iter().map(String::as_str))?;
    if selection.labels.is_empty() && !selection.all {
        return Ok(names);
    }
    let snapshot = ask::snapshot(card).await?;
    let has_label = |row: &Row| row.labels.iter().any(|label| selection.labels.contains(label));
    let found = snapshot.rows.iter().filter(|row| selection.all || has_label(row));
    names.extend(found.filter(|row| can_be(row)).map(|row| row.name.clone()));
    if names.is_empty() {
        let error = CliError::failed("no resource has such a label".to_owned());
        return Err(error.with_help("`orch describe` tells the labels"));
    }
    Ok(names)
}

/// Enables or disables, and says what that changed.
fn switch(
    selection: &Selection,
    enable: bool,
    request: impl Fn(Vec<ResourceName>) -> Request,
) -> Result<Exit, CliError> {
    let card = selection.asking.project()?.need_session()?;
    let (names, before, after) = live::block_on(async {
        let names = selected(&card, selection, |_| true).await?;
        let before = ask::snapshot(&card).await?;
        ask::request(&card, &request(names.clone())).await?;
        Ok((names, before, ask::snapshot(&card).await?))
    })?;
    if selection.talks() {
        print::to_stderr(&ordered::switched(enable, &names, &before, &after));
    }
    let changed = |row: &Row| before.rows.named(&row.name).is_none_or(|old| old.spec.enabled != row.spec.enabled);
    show(&after, selection.asking.output(), changed);
    Ok(Exit::Ok)
}

/// The resources that were asked for, as they are now.
fn show(snapshot: &Snapshot, output: Output, is_meant: impl Fn(&Row) -> bool) {
    let rows: Vec<&Row> = snapshot.rows.iter().map(|row| &**row).filter(|row| is_meant(row)).collect();
    match output {
        Output::Table => {}
        Output::Name => print::to_stdout(&rows.iter().map(|row| format!("{}\n", row.name)).collect::<String>()),
        Output::Json | Output::Yaml => print::document(output, &json::status(snapshot, &rows, true)),
        Output::Jsonl => rows.iter().for_each(|row| print::json_line(&json::resource(snapshot, row))),
    }
}
