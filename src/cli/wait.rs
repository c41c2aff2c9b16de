//! `orch wait`.

use super::{
    args::{Output, Wait, WaitFor},
    error::CliError,
    exit::Exit,
    live, print,
};
use crate::{
    host::{
        ask,
        claim::SessionCard,
        control::{WaitQuery, Wanted},
    },
    model::ResourceName,
    report::{json, table},
    snapshot::{Row, Snapshot},
};
use std::sync::Arc;

pub(super) fn wait(args: &Wait) -> Result<Exit, CliError> {
    let card = args.asking.project()?.need_session()?;
    let names = live::names(args.names.iter().map(String::as_str))?;
    let query = WaitQuery { state: args.state.into(), names: args.names.join("/") };
    let answer = live::block_on(async {
        let asked = ask::wait(&card, &query);
        Ok(match args.timeout.filter(|timeout| !timeout.is_zero()) {
            Some(timeout) => tokio::time::timeout(timeout, asked).await.ok().transpose()?,
            None => Some(asked.await?),
        })
    })?;
    match answer {
        Some(snapshot) => show(args, &snapshot, &names),
        None => return timed_out(args, &card, &names),
    }
    Ok(Exit::Ok)
}

fn wanted(snapshot: &Snapshot, names: &[ResourceName]) -> Vec<Arc<Row>> {
    let rows = snapshot.rows.iter().filter(|row| match names {
        [] => row.is_wanted(),
        names => names.contains(&row.name),
    });
    rows.cloned().collect()
}

fn show(args: &Wait, snapshot: &Snapshot, names: &[ResourceName]) {
    let rows = wanted(snapshot, names);
    let shown: Vec<&Row> = rows.iter().map(|row| &**row).collect();
    match args.asking.output() {
        // That it ended says all.
        Output::Table => {}
        Output::Name => print::to_stdout(&rows.iter().map(|row| format!("{}\n", row.name)).collect::<String>()),
        Output::Json | Output::Yaml => print::document(args.asking.output(), &json::status(snapshot, &shown, true)),
        Output::Jsonl => shown.iter().for_each(|row| print::json_line(&json::resource(snapshot, row))),
    }
}

/// Says what is still missing.
fn timed_out(args: &Wait, card: &SessionCard, names: &[ResourceName]) -> Result<Exit, CliError> {
    let snapshot = live::block_on(async { Ok(ask::snapshot(card).await?) })?;
    let is_met = |row: &Row| match args.state {
        WaitFor::Ready => row.is_ready(),
        WaitFor::Uptodate => row.is_up_to_date(),
    };
    let missing: Vec<ResourceName> =
        wanted(&snapshot, names).iter().filter(|row| !is_met(row)).map(|row| row.name.clone()).collect();
    let what = Wanted::from(args.state).word();
    print::to_stderr(&format!("orch: not {what} in time:\n"));
    print::to_stderr(&table::status(&snapshot, &missing, super::terminal::stderr()));
    Ok(Exit::TimedOut)
}
