//! `orch docs`.

use super::{
    args::{Docs, Output},
    error::CliError,
    exit::Exit,
    print,
};
use crate::{
    diag::suggest::did_you_mean,
    orchfile::reference::{self, Entry},
};

pub(super) fn docs(args: &Docs) -> Result<Exit, CliError> {
    let all = reference::entries();
    let chosen: Vec<&Entry> = match &args.name {
        Some(name) => named(&all, name)?,
        None => all.iter().collect(),
    };
    match (args.form.output, &args.name) {
        (Output::Table, None) => print::to_stdout(&reference::page()),
        (Output::Table, Some(_)) => {
            let texts: Vec<_> =
                chosen.iter().map(|entry| reference::of_entry(entry).trim().to_owned() + "\n").collect();
            print::to_stdout(&texts.join("\n"));
        }
        (Output::Name, _) => chosen.iter().for_each(|entry| print::to_stdout(&format!("{}\n", entry.name))),
        (output @ (Output::Json | Output::Yaml), _) => {
            print::document(output, &serde_json::json!({"schema": "orch/v1", "entries": chosen}));
        }
        (Output::Jsonl, _) => chosen.iter().for_each(|entry| print::json_line(&serde_json::json!(entry))),
    }
    Ok(Exit::Ok)
}

/// The entry of that name; of a module also all that is in it.
fn named<'a>(all: &'a [Entry], name: &str) -> Result<Vec<&'a Entry>, CliError> {
    let within = format!("{name}.");
    let found: Vec<_> = all.iter().filter(|entry| entry.name == name || entry.name.starts_with(&within)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let error = CliError::usage(format!("there is no `{name}` in the language"));
    let near = did_you_mean(name, all.iter().map(|entry| entry.name.as_str()));
    Err(error.with_help(near.unwrap_or_else(|| "`orch docs -o name` lists all names".to_owned())))
}
