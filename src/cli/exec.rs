//! `orch exec`.

use super::{
    args::{Exec, OrchfileArgs},
    error::CliError,
    eval,
    exit::Exit,
    live::{self, Project},
    print, run as session,
};
use crate::{
    diag::suggest,
    host::{
        docker::{Docker, Surroundings, exec as in_docker},
        evaluate::wire::Answer,
        kube::{self, exec as in_kube},
        replace::replace,
        tty::Tty,
    },
    model::{Cluster, ContainerId, ContainerPhase, ContainerState, PodPhase, PodState, ResourceName},
    snapshot::{Row, RowKind},
};
use std::{
    env,
    io::{self, BufRead as _},
    time::Duration,
};

/// What a container is asked for where no command is given: the better one of the shells that it may have.
const SHELL: [&str; 3] = ["sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash; exec sh"];

pub(super) fn exec(args: &Exec) -> Result<Exit, CliError> {
    let ended = run(args);
    if !args.from_dashboard || matches!(ended, Ok(Exit::OfCommand(_))) {
        return ended;
    }
    // The dashboard is about to take the terminal, and with it what is said there.
    let exit = ended.unwrap_or_else(|error| {
        print::to_stderr(&format!("{error}\n"));
        error.exit
    });
    print::to_stderr("orch: press Enter to go back to the dashboard ");
    io::stdin().lock().read_until(b'\n', &mut Vec::new()).ok();
    Ok(exit)
}

fn run(args: &Exec) -> Result<Exit, CliError> {
    let project = args.file.project()?;
    let (snapshot, _) = live::block_on(project.snapshot())?;
    let names = live::known_names(&snapshot, std::slice::from_ref(&args.name))?;
    let Some(row) = names.first().and_then(|name| snapshot.rows.named(name)) else { return Ok(Exit::Failed) };
    match row.kind {
        RowKind::Local => here(args, &project, &snapshot.args, &row.name),
        RowKind::Container => in_container(args, row),
        RowKind::Kubernetes => in_pod(args, row, snapshot.cluster.as_deref()),
    }
}

/// In the folder of a local resource, with its environment. The file is evaluated for that: the environment may hold secrets,
/// which are not told over the socket.
fn here(args: &Exec, project: &Project, given: &[String], name: &ResourceName) -> Result<Exit, CliError> {
    if args.container.is_some() {
        return Err(CliError::usage(format!("`{name}` is a local resource: it has no containers")));
    }
    let file = args.file.clone();
    let arguments = if given.is_empty() { live::last_args(&project.root) } else { given.to_vec() };
    let orchfile = OrchfileArgs { file, args: arguments, ..OrchfileArgs::default() };
    let Some(project) = eval::evaluated(orchfile, Answer::Project)?.project else { return Ok(Exit::Usage) };
    let local = project.resources.iter().find(|one| one.name == *name).and_then(|one| one.kind.local());
    let command = local.and_then(|local| local.serve.as_ref().map(|serve| &serve.command).or(local.cmd.as_ref()));
    let Some(command) = command else {
        return Err(CliError::failed(format!("the Orchfile has no local resource `{name}` any more")));
    };
    let mut environment = project.environment.clone();
    environment.extend(command.env.iter().map(|(name, value)| (name.clone(), Some(value.clone()))));
    let words = if args.command.is_empty() { vec![own_shell()] } else { args.command.clone() };
    let error = replace(&words, &command.dir, &environment);
    let program = words.first().map_or("", String::as_str);
    Err(CliError::failed(format!("cannot run `{program}` in `{}`: {error}", command.dir)))
}

fn own_shell() -> String {
    env::var("SHELL").ok().filter(|shell| !shell.is_empty()).unwrap_or_else(|| "sh".to_owned())
}

/// What is run in a container.
fn command_of(args: &Exec) -> Vec<String> {
    if args.command.is_empty() { SHELL.map(str::to_owned).to_vec() } else { args.command.clone() }
}

fn in_container(args: &Exec, row: &Row) -> Result<Exit, CliError> {
    let container = container_of(row, args.container.as_deref())?;
    let command = command_of(args);
    to_its_end(async {
        let docker = Docker::new(Surroundings::of_this_process());
        let connection = docker.connection().await?;
        let tty = Tty::take().map_err(|error| no_terminal(&error))?;
        Ok(in_docker::exec(connection, &container, &command, tty.as_ref()).await?)
    })
}

/// In the newest of its pods.
fn in_pod(args: &Exec, row: &Row, cluster: Option<&Cluster>) -> Result<Exit, CliError> {
    let Some(cluster) = cluster else { return Err(nothing_runs(row, "pod")) };
    let pod = pod_of(row)?;
    let command = command_of(args);
    to_its_end(async {
        let connection = kube::Connection::make(cluster).await?;
        let (target, others) = in_kube::Target::find(&connection, pod, args.container.as_deref()).await?;
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
            let talk = format!("orch: in the container `{}`; `-c` takes {}\n", target.container(), others.join(", "));
            print::to_stderr(&talk);
        }
        let tty = Tty::take().map_err(|error| no_terminal(&error))?;
        Ok(in_kube::exec(&connection, &target, &command, tty.as_ref()).await?)
    })
}

fn to_its_end(command: impl Future<Output = Result<u8, CliError>>) -> Result<Exit, CliError> {
    let runtime = session::runtime()?;
    let code = runtime.block_on(command);
    // Somebody may still wait for a key.
    runtime.shutdown_timeout(Duration::ZERO);
    code.map(Exit::OfCommand)
}

/// The container of that name, else the first one that runs.
fn container_of(row: &Row, wanted: Option<&str>) -> Result<ContainerId, CliError> {
    let all = row.instance.as_ref().map(|instance| instance.containers.as_slice()).unwrap_or_default();
    let runs = |one: &&ContainerState| one.phase == ContainerPhase::Running;
    let Some(wanted) = wanted else {
        return all.iter().find(runs).map(|one| one.id.clone()).ok_or_else(|| nothing_runs(row, "container"));
    };
    let Some(found) = all.iter().find(|one| one.name == wanted) else {
        let error = CliError::failed(format!("`{}` has no container `{wanted}`", row.name));
        let names: Vec<String> = all.iter().map(|one| format!("`{}`", one.name)).collect();
        let near = suggest::did_you_mean(wanted, all.iter().map(|one| one.name.as_str()));
        return Err(error.with_help(near.unwrap_or_else(|| format!("it has {}", names.join(", ")))));
    };
    Some(found).filter(runs).map(|one| one.id.clone()).ok_or_else(|| nothing_runs(row, "container"))
}

/// The newest pod of what was applied last, one that runs before others.
fn pod_of(row: &Row) -> Result<&PodState, CliError> {
    let pods = row.instance.as_ref().map(|instance| instance.pods.as_slice()).unwrap_or_default();
    let runs = |pod: &&PodState| pod.phase == PodPhase::Running && !pod.is_ending;
    let found = pods.iter().find(|pod| runs(pod) && pod.is_current).or_else(|| pods.iter().find(runs));
    found.ok_or_else(|| {
        let trouble = pods.iter().find_map(|pod| Some(format!("the pod `{}`: {}", pod.name, pod.trouble.as_ref()?)));
        match trouble {
            Some(trouble) => CliError::failed(format!("`{}` has no running pod; {trouble}", row.name)),
            None => nothing_runs(row, "pod"),
        }
    })
}

fn nothing_runs(row: &Row, what: &str) -> CliError {
    let error = CliError::failed(format!("`{}` has no running {what}", row.name));
    error.with_help(format!("`orch why {}` says why, `orch start {}` starts it", row.name, row.name))
}

fn no_terminal(error: &io::Error) -> CliError {
    CliError::unusable(format!("cannot use the terminal: {error}"))
}
