//! `orch args`.

use super::{
    args::{Arguments, Output},
    error::CliError,
    exit::Exit,
    live, print, terminal,
};
use crate::{
    diag,
    engine::Request,
    host::{
        ask,
        control::{WaitQuery, Wanted},
    },
    report::json::SCHEMA,
    snapshot::{Snapshot, spec::command_line},
};

pub(super) fn args(args: &Arguments) -> Result<Exit, CliError> {
    let card = args.asking.project()?.need_session()?;
    let given = [args.names.as_slice(), &args.args].concat();
    let is_asked = !given.is_empty() || args.clear;
    let snapshot = live::block_on(async {
        if is_asked {
            ask::request(&card, &Request::SetArgs(given)).await?;
            let query = WaitQuery { state: Wanted::Loaded, names: String::new() };
            Ok(ask::wait(&card, &query).await?)
        } else {
            Ok(ask::snapshot(&card).await?)
        }
    })?;
    if !is_asked || args.asking.output() != Output::Table {
        show(&snapshot, args.asking.output());
    }
    let errors = &snapshot.orchfile.errors;
    if is_asked && !errors.is_empty() {
        let look = terminal::stderr();
        print::to_stderr(&diag::render(errors, look.colour, look.width));
        return Ok(Exit::Usage);
    }
    Ok(Exit::Ok)
}

fn show(snapshot: &Snapshot, output: Output) {
    match output {
        Output::Table => print::to_stdout(&(command_line(&snapshot.args) + "\n")),
        Output::Name => snapshot.args.iter().for_each(|arg| print::to_stdout(&format!("{arg}\n"))),
        Output::Json | Output::Jsonl | Output::Yaml => {
            print::document(output, &serde_json::json!({"schema": SCHEMA, "args": *snapshot.args}));
        }
    }
}
