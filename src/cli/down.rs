//! `orch down`.

use super::{
    args::Down,
    error::CliError,
    exit::Exit,
    live::{self, Project},
    print,
    printer::LogTo,
    run::{self, Plan},
    terminal,
};
use crate::{
    engine::Request,
    host::{
        ask,
        claim::{self, SessionCard},
        control::LogsQuery,
    },
    logs::Line,
    model::ResourceName,
    report::{stream::StreamForm, summary},
    snapshot::{Goal, Verdict},
};

pub(super) fn down(args: Down) -> Result<Exit, CliError> {
    let project = Project::find(args.orchfile.file.file.as_deref())?;
    match project.session() {
        Some(card) => through_session(&project, &card, &args),
        None => without_session(&project, args),
    }
}

/// Asks the session to end, and shows what it says until it has.
fn through_session(project: &Project, card: &SessionCard, args: &Down) -> Result<Exit, CliError> {
    let names: Result<Vec<_>, _> = args.orchfile.names.iter().map(|name| ResourceName::parse(name)).collect();
    let names = names.map_err(|error| CliError::usage(error.to_string()))?;
    if !names.is_empty() {
        live::block_on(async { Ok(ask::request(card, &Request::TakeDown(names)).await?) })?;
        return Ok(Exit::Ok);
    }
    let form = StreamForm::new(terminal::stderr());
    let query = LogsQuery { follow: true, tail: Some(0), ..LogsQuery::default() };
    live::block_on(async {
        ask::request(card, &Request::ShutDown { teardown: true, volumes: args.volumes }).await?;
        // The session may break off while it says its last words: that it ended is what counts.
        ask::logs(card, &query, |entry| {
            let mut text = Vec::new();
            form.draw(&Line::from(entry), &mut text);
            print::bytes_to_stderr(&text);
            true
        })
        .await
        .ok();
        Ok(())
    })?;
    claim::wait_for_end(&project.root);
    Ok(Exit::Ok)
}

/// Evaluates the file again, as the last session did, for its teardown commands.
fn without_session(project: &Project, args: Down) -> Result<Exit, CliError> {
    let orchfile = args.orchfile;
    let names: Result<std::collections::BTreeSet<_>, _> =
        orchfile.names.iter().map(|name| ResourceName::parse(name)).collect();
    let names = names.map_err(|error| CliError::usage(error.to_string()))?;
    let given = if orchfile.args.is_empty() { live::last_args(&project.root) } else { orchfile.args };
    let plan = Plan {
        goal: Goal::Down,
        file: orchfile.file.file,
        project: orchfile.project.or_else(|| live::last_project(&project.root)),
        args: given,
        timeout: None,
        only: (!names.is_empty()).then_some(names),
        volumes: args.volumes,
        log_to: LogTo::Stderr,
        look: terminal::stderr(),
    };
    let ended = run::run(&plan)?;
    if ended.verdict != Verdict::OrchfileFailed {
        // Nothing was done for a name that is not there, and for the others all.
        live::known_names(&ended.snapshot, &orchfile.names)?;
    }
    if ended.verdict != Verdict::Succeeded {
        print::to_stderr(&summary::verdict(&ended.snapshot, &ended.verdict, terminal::stderr()));
    }
    Ok(ended.exit)
}
