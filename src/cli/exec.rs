//! `orch exec`.

use super::{
    args::{Exec, OrchfileArgs},
    error::CliError,
    eval,
    exit::Exit,
    live::{self, Project},
    run,
};
use crate::{
    host::{
        docker::{Docker, Surroundings, exec},
        evaluate::wire::Answer,
        replace::replace,
        tty::Tty,
    },
    model::{ContainerId, ContainerPhase, ResourceName},
    snapshot::{Row, RowKind, spec::command_line},
};
use std::{io, time::Duration};

pub(super) fn exec(args: &Exec) -> Result<Exit, CliError> {
    let project = Project::find(args.file.file.as_deref())?;
    let (snapshot, _) = live::block_on(project.snapshot())?;
    let names = live::known_names(&snapshot, std::slice::from_ref(&args.name))?;
    let Some(row) = names.first().and_then(|name| snapshot.rows.named(name)) else { return Ok(Exit::Failed) };
    match row.kind {
        RowKind::Local => here(args, &project, &snapshot.args, &row.name),
        RowKind::Container => in_container(args, row),
        RowKind::Kubernetes => Err(in_pod(args, row)),
    }
}

/// In the folder of a local resource, with its environment. The file is evaluated for that: the environment may hold secrets,
/// which are not told over the socket.
fn here(args: &Exec, project: &Project, given: &[String], name: &ResourceName) -> Result<Exit, CliError> {
    let file = args.file.clone();
    let arguments = if given.is_empty() { live::last_args(&project.root) } else { given.to_vec() };
    let orchfile = OrchfileArgs { file, args: arguments, ..OrchfileArgs::default() };
    let Some(project) = eval::evaluated(orchfile, Answer::Project)?.project else { return Ok(Exit::Usage) };
    let local = project.resources.iter().find(|one| one.name == *name).and_then(|one| one.kind.local());
    let command = local.and_then(|local| local.serve.as_ref().map(|serve| &serve.command).or(local.cmd.as_ref()));
    let Some(command) = command else {
        return Err(CliError::failed(format!("the Orchfile has no local resource `{name}` any more")));
    };
    let mut env = project.environment.clone();
    env.extend(command.env.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
    let error = replace(&args.command, &command.dir, &env);
    let program = args.command.first().map_or("", String::as_str);
    Err(CliError::failed(format!("cannot run `{program}` in `{}`: {error}", command.dir)))
}

fn in_container(args: &Exec, row: &Row) -> Result<Exit, CliError> {
    let Some(container) = running(row) else {
        let error = CliError::failed(format!("`{}` has no running container", row.name));
        return Err(error.with_help(format!("`orch why {}` says why, `orch start {}` starts it", row.name, row.name)));
    };
    let runtime = run::runtime()?;
    let code = runtime.block_on(async {
        let docker = Docker::new(Surroundings::of_this_process());
        let connection = docker.connection().await?;
        let tty = Tty::take().map_err(|error| no_terminal(&error))?;
        Ok::<u8, CliError>(exec::exec(connection, &container, &args.command, tty.as_ref()).await?)
    });
    // Somebody may still wait for a key.
    runtime.shutdown_timeout(Duration::ZERO);
    code.map(Exit::OfCommand)
}

/// A pod is left to the cluster's own tool, with the command line that it takes.
fn in_pod(args: &Exec, row: &Row) -> CliError {
    let pod = row.instance.as_ref().and_then(|instance| instance.pods.first());
    let error =
        CliError::unusable(format!("`orch exec` does not run commands in pods yet, and `{}` has pods", row.name));
    match pod {
        Some(pod) => {
            let command = command_line(&args.command);
            error.with_help(format!("`kubectl exec -it -n {} {} -- {command}` does", pod.namespace, pod.name))
        }
        None => error.with_help("it has no pod now"),
    }
}

fn running(row: &Row) -> Option<ContainerId> {
    let mut containers = row.instance.iter().flat_map(|instance| &instance.containers);
    containers.find(|one| one.phase == ContainerPhase::Running).map(|one| one.id.clone())
}

fn no_terminal(error: &io::Error) -> CliError {
    CliError::unusable(format!("cannot use the terminal: {error}"))
}
