//! `orch man`.

use super::{
    args::{Cli, Man},
    error::CliError,
    exit::Exit,
    print,
};
use clap::CommandFactory;
use clap_mangen::Man as Page;
use std::{fs, io};

/// Prints the page of orch, or writes those of all verbs to a folder.
pub(super) fn man(args: &Man) -> Result<Exit, CliError> {
    let mut command = Cli::command();
    command.build();
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        // Writing to memory does not fail.
        Page::new(command).render(&mut page).ok();
        print::bytes_to_stdout(&page);
        return Ok(Exit::Ok);
    };
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(command, dir));
    let cannot = |error: io::Error| CliError::unusable(format!("cannot write to `{}`: {error}", dir.display()));
    written.map_err(cannot)?;
    Ok(Exit::Ok)
}
