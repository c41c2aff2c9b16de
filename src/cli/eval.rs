//! `orch eval`.

use super::{
    args::{Eval, OrchfileArgs, Output},
    discover,
    error::CliError,
    exit::Exit,
    live, print,
    printer::LogTo,
    run::{self, Plan},
    terminal,
};
use crate::{
    diag,
    host::{
        evaluate::{
            self,
            wire::{Answer, Ended},
        },
        looking::Looking,
    },
    report::table,
    snapshot::Goal,
};

pub(super) fn eval(args: Eval) -> Result<Exit, CliError> {
    let answer = match args.form.output {
        Output::Json | Output::Yaml => Answer::Dump,
        Output::Table | Output::Name | Output::Jsonl => Answer::Project,
    };
    let ended = evaluated(args.orchfile, answer)?;
    if let Some(dump) = &ended.dump {
        match args.form.output {
            Output::Yaml => print::document(Output::Yaml, &serde_json::from_str(dump).unwrap_or_default()),
            _ => print::to_stdout(dump),
        }
    }
    if let Some(project) = &ended.project {
        match args.form.output {
            Output::Name => print::to_stdout(&table::names(project)),
            Output::Table | Output::Json | Output::Yaml => {
                print::to_stdout(&table::project(project, terminal::stdout()));
            }
            Output::Jsonl => {
                project.resources.iter().for_each(|resource| print::json_line(&serde_json::json!(resource.name)));
            }
        }
    }
    let has_errors = ended.diagnostics.iter().any(|diagnostic| diagnostic.severity == diag::Severity::Error);
    Ok(if has_errors { Exit::Usage } else { Exit::Ok })
}

/// Evaluates the Orchfile outside of any session, and shows what is wrong with it.
pub(super) fn evaluated(orchfile: OrchfileArgs, answer: Answer) -> Result<Ended, CliError> {
    let file = discover::orchfile(orchfile.file.file.as_deref())?;
    let plan = Plan {
        goal: Goal::Up,
        file: None,
        project: None,
        args: [orchfile.names, orchfile.args].concat(),
        kube: orchfile.kube.into(),
        timeout: None,
        keep_going: false,
        only: None,
        volumes: false,
        namespaces: false,
        attended: false,
        log_to: LogTo::Stderr,
        look: terminal::stderr(),
    };
    let ask = run::ask(&plan, file, answer);
    let mut looking = Looking::new(print::bytes_to_stderr);
    let ended = live::block_on(async { Ok(evaluate::evaluate(&ask, &mut looking).await) })?;
    let ended = ended.unwrap_or_else(|diagnostic| Ended { diagnostics: vec![diagnostic], ..Ended::default() });
    let look = terminal::stderr();
    print::to_stderr(&diag::render(&ended.diagnostics, look.colour, look.width));
    Ok(ended)
}
