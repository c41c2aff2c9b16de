//! `orch status`.

use super::{
    args::{Output, Status},
    error::CliError,
    exit::Exit,
    live::{self, Source},
    print, terminal,
};
use crate::report::{json, table};

pub(super) fn status(args: &Status) -> Result<Exit, CliError> {
    let project = args.asking.project()?;
    let (snapshot, source) = live::block_on(project.snapshot())?;
    let names = live::known_names(&snapshot, &args.names)?;
    if source == Source::Store && args.asking.output() == Output::Table {
        print::to_stderr("no session runs; this is how the last one ended\n");
    }
    let rows: Vec<_> =
        snapshot.rows.iter().filter(|row| names.is_empty() || names.contains(&row.name)).map(|row| &**row).collect();
    match args.asking.output() {
        Output::Table => {
            if !rows.is_empty() {
                print::to_stdout(&table::status(&snapshot, &names, terminal::stdout()));
            }
            if !snapshot.orchfile.errors.is_empty() {
                let look = terminal::stderr();
                print::to_stderr(&crate::diag::render(&snapshot.orchfile.errors, look.colour, look.width));
            }
        }
        Output::Name => print::to_stdout(&rows.iter().map(|row| format!("{}\n", row.name)).collect::<String>()),
        Output::Json | Output::Yaml => {
            let document = json::status(&snapshot, &rows, source == Source::Session);
            print::document(args.asking.output(), &document);
        }
        Output::Jsonl => rows.iter().for_each(|row| print::json_line(&json::resource(&snapshot, row))),
    }
    Ok(Exit::Ok)
}
