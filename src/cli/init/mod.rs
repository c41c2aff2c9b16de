//! `orch init`: a first Orchfile from what a folder holds. It reads and writes one file; it runs nothing, and overwrites nothing.

mod containers;
mod folder;
mod node;
mod plan;
mod sources;

use super::{args::Init, error::CliError, exit::Exit, print};
use folder::Folder;
use plan::Plan;
use std::{env, fs::File, io, io::Write, path::Path};

/// The name of the file that is written.
const NAME: &str = "Orchfile";

pub(super) fn init(args: &Init) -> Result<Exit, CliError> {
    let here =
        env::current_dir().map_err(|error| CliError::unusable(format!("cannot tell the current folder: {error}")))?;
    let root = args.folder.as_ref().map_or(here.clone(), |folder| here.join(folder));
    if !root.is_dir() {
        return Err(CliError::usage(format!("there is no folder `{}`", root.display())));
    }
    let plan = plan(&Folder::at(&root));
    if args.print {
        print::to_stdout(&plan.text());
        return Ok(Exit::Ok);
    }
    refuse_to_overwrite(&root)?;
    write(&root.join(NAME), &plan.text())?;
    plan.said.iter().for_each(|line| print::to_stderr(&format!("{line}\n")));
    print::to_stderr(&format!("wrote {NAME}; `orch eval` shows what it declares, `orch up` brings it to life\n"));
    Ok(Exit::Ok)
}

/// What says how the system runs comes first; the tools of single parts follow where nothing says it.
fn plan(folder: &Folder) -> Plan {
    let mut plan = Plan::default();
    containers::compose(folder, &mut plan);
    plan::processes(folder, &mut plan);
    containers::kubernetes(folder, &mut plan);
    containers::dockerfiles(folder, &mut plan);
    node::packages(folder, &mut plan);
    sources::cargo(folder, &mut plan);
    sources::go(folder, &mut plan);
    sources::makefile(folder, &mut plan);
    plan.or_a_start();
    plan
}

fn refuse_to_overwrite(root: &Path) -> Result<(), CliError> {
    for (name, what_to_do) in [
        (NAME, "`orch init --print` shows what would be written"),
        ("Tiltfile", "orch reads it as it is: try `orch up`; `orch init --print` shows what would be written"),
    ] {
        if root.join(name).symlink_metadata().is_ok() {
            return Err(CliError::usage(format!("there is a `{name}` already")).with_help(what_to_do));
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    let written = File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CliError::usage(format!("there is a `{}` already", path.display())),
        _ => CliError::unusable(format!("cannot write `{}`: {error}", path.display())),
    })
}
