//! The verbs that ask the running session for something: `trigger`, `restart`, `stop`, `start`.

use super::{
    args::Names,
    error::CliError,
    exit::Exit,
    live::{self, Project},
};
use crate::{engine::Request, host::ask, model::ResourceName};

pub(super) fn trigger(args: &Names) -> Result<Exit, CliError> {
    ask_for(args, Request::Trigger)
}

pub(super) fn restart(args: &Names) -> Result<Exit, CliError> {
    ask_for(args, Request::Restart)
}

pub(super) fn stop(args: &Names) -> Result<Exit, CliError> {
    ask_for(args, Request::Stop)
}

pub(super) fn start(args: &Names) -> Result<Exit, CliError> {
    ask_for(args, Request::Start)
}

/// The session knows the names, and refuses one that it does not.
fn ask_for(args: &Names, request: impl Fn(Vec<ResourceName>) -> Request) -> Result<Exit, CliError> {
    let project = Project::find(args.file.file.as_deref())?;
    let card = project.need_session()?;
    let names: Result<Vec<_>, _> = args.names.iter().map(|name| ResourceName::parse(name)).collect();
    let names = names.map_err(|error| CliError::usage(error.to_string()))?;
    live::block_on(async { Ok(ask::request(&card, &request(names)).await?) })?;
    Ok(Exit::Ok)
}
