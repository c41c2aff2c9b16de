//! `orch why`.

use super::{
    args::{Output, Why},
    error::CliError,
    exit::Exit,
    live::{self, Source},
    print,
};
use crate::{
    model::FilePath,
    report::{json, why},
};

pub(super) fn why(args: &Why) -> Result<Exit, CliError> {
    let project = args.asking.project()?;
    let (snapshot, source) = live::block_on(project.snapshot())?;
    let names = live::known_names(&snapshot, std::slice::from_ref(&args.name))?;
    let Some(row) = names.first().and_then(|name| snapshot.rows.named(name)) else {
        return Ok(Exit::Failed);
    };
    match args.asking.output() {
        Output::Table | Output::Name => {
            if source == Source::Store {
                print::to_stderr("no session runs; this is how the last one ended\n");
            }
            let root = snapshot.root.clone().unwrap_or_else(|| FilePath::new("/"));
            print::to_stdout(&why::explain(row, &root, snapshot.at));
        }
        output @ (Output::Json | Output::Jsonl | Output::Yaml) => {
            print::document(output, &json::resource(&snapshot, row));
        }
    }
    Ok(Exit::Ok)
}
