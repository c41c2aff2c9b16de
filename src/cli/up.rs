//! `orch up`.

use super::{
    args::Up,
    attach::{self, Missing},
    detach,
    error::CliError,
    exit::Exit,
    print,
    printer::LogTo,
    run::{self, Plan},
    terminal,
};
use crate::{host::background, report::summary, snapshot::Goal};

pub(super) fn up(args: Up) -> Result<Exit, CliError> {
    if args.detach && !args.in_background {
        return detach::start(&args.orchfile.file);
    }
    if args.in_background {
        background::leave_terminal();
    }
    if !args.in_background && !args.stream {
        match attach::missing() {
            None => return attach::up(&args),
            Some(Missing::Terminal) => {}
            Some(why @ Missing::Abilities(_)) => print::to_stderr(&format!("orch: {why}: lines instead\n")),
        }
    }
    let orchfile = args.orchfile;
    let plan = Plan {
        goal: Goal::Up,
        file: orchfile.file.file,
        project: orchfile.project,
        args: [orchfile.names, orchfile.args].concat(),
        kube: orchfile.kube.into(),
        timeout: None,
        keep_going: false,
        only: None,
        volumes: false,
        namespaces: false,
        log_to: if args.in_background { LogTo::Nowhere } else { LogTo::Stdout },
        attended: args.attended,
        look: if args.attended { terminal::dashboard() } else { terminal::stdout() },
    };
    let ended = run::run(&plan)?;
    print::to_stderr(&summary::verdict(&ended.snapshot, &ended.verdict, terminal::stderr()));
    print::to_stderr(&summary::left_running(&ended.snapshot));
    Ok(ended.exit)
}
