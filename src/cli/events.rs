//! `orch events`.

use super::{
    args::{Events, Output},
    error::CliError,
    exit::Exit,
    live, print, terminal,
};
use crate::{
    host::ask,
    report::events::{self, Frame},
    snapshot::news::News,
};

pub(super) fn events(args: &Events) -> Result<Exit, CliError> {
    let card = args.asking.project()?.need_session()?;
    let names = live::names(args.names.iter().map(String::as_str))?;
    let look = terminal::stdout();
    let is_meant =
        |news: &News| names.is_empty() || news.resource.as_ref().is_some_and(|resource| names.contains(resource));
    live::block_on(async {
        let snapshot = ask::snapshot(&card).await?;
        if snapshot.mode.is_some() {
            live::known_names(&snapshot, &args.names)?;
        }
        let frame = Frame::of(&snapshot);
        ask::events(&card, |news| match (&news, args.asking.output()) {
            (None, Output::Table | Output::Name) => true,
            (None, output) => print::stream(output, &events::listening(&snapshot, &frame)),
            (Some(news), _) if !is_meant(news) => true,
            (Some(news), Output::Table | Output::Name) => {
                print::bytes_to_stdout(events::line(news, &frame, look).as_bytes())
            }
            (Some(news), output) => print::stream(output, &events::document(news, &frame)),
        })
        .await?;
        Ok(Exit::Ok)
    })
}
