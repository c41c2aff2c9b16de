//! `local_resource` and its older name `test`.

#![expect(clippy::too_many_arguments, reason = "the signatures are those of the language")]

use super::{
    dependency::Dependencies,
    link::Links,
    probe::ProbeKind,
    resource::Options,
    trigger::Mode as TriggerKind,
    unpack::{
        CommandLine, Flag, Given, Labels, Maybe, Name, Optional, PathOrList, PathText, Text, TextDict, TextOrList,
    },
};
use crate::{
    model::{Command, FilePath, FileSet, IgnoreRule, Kind, Local, Probe, Restart, Serve},
    orchfile::{
        Fault,
        context::{context, resolve_path, site},
    },
};
use starlark::{
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module,
    values::{Value, none::NoneType},
};
use std::{collections::BTreeMap, sync::Arc};

type Arg<'v, K> = Option<Given<'v, K>>;
type Folder = Maybe<PathText>;

/// The arguments that are about commands.
struct Commands<'v> {
    cmd: Arg<'v, CommandLine>,
    env: Arg<'v, TextDict>,
    dir: Arg<'v, Folder>,
    serve_cmd: Arg<'v, CommandLine>,
    serve_env: Arg<'v, TextDict>,
    serve_dir: Arg<'v, Folder>,
    readiness_probe: Arg<'v, Maybe<ProbeKind>>,
    ready_log_line: Arg<'v, Maybe<Text>>,
    restart: Arg<'v, Maybe<Text>>,
    teardown_cmd: Arg<'v, CommandLine>,
    teardown_env: Arg<'v, TextDict>,
    teardown_dir: Arg<'v, Folder>,
}

/// The arguments that are about files.
struct Files<'v> {
    deps: Arg<'v, PathOrList>,
    ignore: Arg<'v, TextOrList>,
    outputs: Arg<'v, PathOrList>,
}

/// What runs: command, server, teardown.
type Running = (Option<Command>, Option<Serve>, Option<Command>);

impl<'v> Commands<'v> {
    fn take(self, name: &str, eval: &Evaluator<'v, '_, '_>) -> Result<Running, Fault> {
        let (dir, serve_dir) = (folder(self.dir, "dir", eval)?, folder(self.serve_dir, "serve_dir", eval)?);
        let (argv, serve_argv) =
            (self.cmd.take_or_default("cmd", eval)?, self.serve_cmd.take_or_default("serve_cmd", eval)?);
        if argv.is_none() && serve_argv.is_none() {
            return Err(Fault::value("a local resource needs a `cmd`, a `serve_cmd`, or both, and has neither"));
        }
        check_folder("dir", dir.as_ref(), "cmd", argv.as_ref(), "name the server's folder with `serve_dir`")?;
        check_folder(
            "serve_dir",
            serve_dir.as_ref(),
            "serve_cmd",
            serve_argv.as_ref(),
            "name the folder of `cmd` with `dir`",
        )?;
        let here = context(eval).dir();
        let command =
            |argv, dir: &Option<FilePath>, env| Command { argv, dir: dir.clone().unwrap_or(here.clone()), env };
        let env = self.env.take_or_default("env", eval)?;
        let cmd = argv.map(|argv| command(argv, &dir, env));
        let serve_env = self.serve_env.take_or_default("serve_env", eval)?;
        let probe = self.readiness_probe.take_or_default("readiness_probe", eval)?;
        let ready_log_line = self.ready_log_line.take_or_default("ready_log_line", eval)?;
        let restart = self.restart.take_or_default("restart", eval)?;
        let serve_command = serve_argv.map(|argv| command(argv, &serve_dir, serve_env));
        let serve = server(name, serve_command, probe, ready_log_line, restart.as_deref(), eval)?;
        let teardown = self.teardown_cmd.take_or_default("teardown_cmd", eval)?;
        let model = cmd.as_ref().or(serve.as_ref().map(|serve| &serve.command));
        let (model_dir, model_env) = model.map_or((here.clone(), BTreeMap::new()), |c| (c.dir.clone(), c.env.clone()));
        let teardown_dir = folder(self.teardown_dir, "teardown_dir", eval)?.or(Some(model_dir));
        let teardown_env = self.teardown_env.take_given("teardown_env", eval)?.unwrap_or(model_env);
        Ok((cmd, serve, teardown.map(|argv| command(argv, &teardown_dir, teardown_env))))
    }
}

/// A folder needs what runs in it.
fn check_folder(
    name: &str,
    dir: Option<&FilePath>,
    command: &str,
    argv: Option<&Vec<String>>,
    help: &str,
) -> Result<(), Fault> {
    if dir.is_some() && argv.is_none() {
        let message = format!("`{name}` is about `{command}`, and there is none");
        return Err(Fault::value(message).help(help).at_keyword(name));
    }
    Ok(())
}

fn folder<'v>(given: Arg<'v, Folder>, name: &str, eval: &Evaluator<'v, '_, '_>) -> Result<Option<FilePath>, Fault> {
    Ok(given.take_or_default(name, eval)?.map(|path| resolve_path(eval, &path)))
}

fn server(
    name: &str,
    command: Option<Command>,
    probe: Option<Probe>,
    ready_log_line: Option<String>,
    restart: Option<&str>,
    eval: &Evaluator<'_, '_, '_>,
) -> Result<Option<Serve>, Fault> {
    let Some(command) = command else {
        if probe.is_some() {
            context(eval).warn(
                site(eval).as_ref(),
                "orchfile::unused_argument",
                format!("the readiness probe of `{name}` is ignored: it has no `serve_cmd`"),
                None,
            );
        }
        let unused = [("ready_log_line", ready_log_line.is_some()), ("restart", restart.is_some())];
        return match unused.into_iter().find(|(_, given)| *given) {
            Some((name, _)) => {
                Err(Fault::value(format!("`{name}` is about `serve_cmd`, and there is none")).at_keyword(name))
            }
            None => Ok(None),
        };
    };
    let ready_log_line = ready_log_line.map(checked_pattern).transpose()?;
    let restart = restart.map(restart_of).transpose()?;
    Ok(Some(Serve { command, probe, ready_log_line, restart }))
}

fn checked_pattern(pattern: String) -> Result<String, Fault> {
    match regex::bytes::Regex::new(&pattern) {
        Ok(_) => Ok(pattern),
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            let message = format!("`{pattern}` is no regular expression: {reason}");
            Err(Fault::value(message).at_argument("ready_log_line"))
        }
    }
}

pub(crate) fn restart_of(text: &str) -> Result<Restart, Fault> {
    match text {
        "always" => Ok(Restart::Always),
        "on_failure" => Ok(Restart::OnFailure),
        "never" => Ok(Restart::Never),
        _ => Err(Fault::value(format!("`{text}` does not say when to restart"))
            .help("use \"always\", \"on_failure\" or \"never\"")
            .at_argument("restart")),
    }
}

impl<'v> Files<'v> {
    fn take(self, has_cmd: bool, eval: &Evaluator<'v, '_, '_>) -> Result<(FileSet, Vec<FilePath>), Fault> {
        let paths = |paths: Vec<String>| paths.iter().map(|path| resolve_path(eval, path)).collect::<Vec<_>>();
        let patterns = self.ignore.take_or_default("ignore", eval)?;
        let rule = || Arc::new(IgnoreRule::new(context(eval).dir(), patterns.clone()));
        let ignore = if patterns.is_empty() { Vec::new() } else { vec![rule()] };
        let outputs = paths(self.outputs.take_or_default("outputs", eval)?);
        if !outputs.is_empty() && !has_cmd {
            let help = "a server's own files need no declaration";
            return Err(Fault::value("`outputs` are what `cmd` writes, and there is none")
                .help(help)
                .at_keyword("outputs"));
        }
        Ok((FileSet { roots: paths(self.deps.take_or_default("deps", eval)?), ignore }, outputs))
    }
}

/// Declares the resource.
fn declare<'v>(
    name: Given<'v, Name>,
    options: Options<'v>,
    commands: Commands<'v>,
    files: Files<'v>,
    parallel: bool,
    cancel_superseded: bool,
    eval: &Evaluator<'v, '_, '_>,
) -> Result<(), Fault> {
    let name = name.take("name", eval)?;
    let (cmd, serve, teardown) = commands.take(name.as_str(), eval)?;
    let (inputs, outputs) = files.take(cmd.is_some(), eval)?;
    // A resource without a command has nothing that would need the slots.
    let parallel = parallel || cmd.is_none();
    let local = Local { cmd, serve, teardown, inputs: Arc::new(inputs), outputs, parallel, cancel_superseded };
    options.declare(name, Kind::Local(Box::new(local)), eval)
}

/// Adds the family.
#[starlark_module]
pub(crate) fn register(builder: &mut GlobalsBuilder) {
    /// A resource made of commands on this machine: one that runs to its end when an input changes (`cmd`), a server that stays
    /// up (`serve_cmd`), or both. The server is started again after every successful run of `cmd`.
    ///
    /// # Arguments
    /// * `name`: the resource's name, the only one in the project
    /// * `cmd`: a string for the shell, or a list of program and arguments
    /// * `deps`: files and folders; a change below them runs `cmd` and restarts the server
    /// * `trigger_mode`: `TRIGGER_MODE_MANUAL` lets changes wait for the user; `TRIGGER_MODE_AUTO` where neither this nor `trigger_mode()` says so
    /// * `resource_deps`: what must have been ready once before the first start: names, or `dep(name, condition=…)`. In an Orchfile, a
    ///   command without a `serve_cmd` waits before each of its runs until that is up to date and ready again
    /// * `ignore`: patterns as in `.dockerignore`, relative to the folder of the file that calls; what they match is no input
    /// * `auto_init`: `False` keeps it from starting with the session; True where not given
    /// * `serve_cmd`: the server, a command that stays up
    /// * `cmd_bat`: for Windows; ignored
    /// * `serve_cmd_bat`: for Windows; ignored
    /// * `allow_parallel`: whether `cmd` may run beside those of other resources; True where not given, in a Tiltfile False
    /// * `links`: where the resource can be looked at
    /// * `labels`: how the resource is grouped
    /// * `env`: what `cmd` finds in its environment
    /// * `serve_env`: what the server finds in its environment
    /// * `readiness_probe`: a `probe(…)` that tells when the server is ready
    /// * `dir`: the folder in which `cmd` runs; that of the calling file where not given
    /// * `serve_dir`: the folder in which the server runs; that of the calling file where not given
    /// * `outputs`: files and folders that `cmd` writes; when neither they nor the inputs changed since the last success, it is not
    ///   run again, and whatever reads them waits for it. What changes there while the `serve_cmd` runs is taken for its own work
    /// * `cancel_superseded`: whether a newer change ends a running `cmd`, instead of waiting for it; False where not given
    /// * `restart`: when a server that ended by itself is started again: `"always"`, `"on_failure"` or
    ///   `"never"`; on failure where not given, in a Tiltfile never
    /// * `ready_log_line`: a regular expression; the server is ready once a line of its log matches
    /// * `teardown_cmd`: what `orch down` runs
    /// * `teardown_env`: what `teardown_cmd` finds in its environment; that of `cmd` where not given
    /// * `teardown_dir`: the folder in which `teardown_cmd` runs; that of `cmd` where not given
    fn local_resource<'v>(
        name: Given<'v, Name>,
        cmd: Option<Given<'v, CommandLine>>,
        deps: Option<Given<'v, PathOrList>>,
        trigger_mode: Option<Given<'v, TriggerKind>>,
        resource_deps: Option<Given<'v, Dependencies>>,
        ignore: Option<Given<'v, TextOrList>>,
        auto_init: Option<Given<'v, Flag>>,
        serve_cmd: Option<Given<'v, CommandLine>>,
        cmd_bat: Option<Value<'v>>,
        serve_cmd_bat: Option<Value<'v>>,
        allow_parallel: Option<Given<'v, Flag>>,
        links: Option<Given<'v, Links>>,
        labels: Option<Given<'v, Labels>>,
        env: Option<Given<'v, TextDict>>,
        serve_env: Option<Given<'v, TextDict>>,
        readiness_probe: Option<Given<'v, Maybe<ProbeKind>>>,
        dir: Option<Given<'v, Folder>>,
        serve_dir: Option<Given<'v, Folder>>,
        #[starlark(require = named)] outputs: Option<Given<'v, PathOrList>>,
        #[starlark(require = named)] cancel_superseded: Option<Given<'v, Flag>>,
        #[starlark(require = named)] restart: Option<Given<'v, Maybe<Text>>>,
        #[starlark(require = named)] ready_log_line: Option<Given<'v, Maybe<Text>>>,
        #[starlark(require = named)] teardown_cmd: Option<Given<'v, CommandLine>>,
        #[starlark(require = named)] teardown_env: Option<Given<'v, TextDict>>,
        #[starlark(require = named)] teardown_dir: Option<Given<'v, Folder>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = (cmd_bat, serve_cmd_bat);
        let parallel = allow_parallel.take_given("allow_parallel", eval)?;
        let parallel = parallel.unwrap_or(context(eval).mode.parallel_by_default());
        let cancel_superseded = cancel_superseded.take_or_default("cancel_superseded", eval)?;
        let options = Options { trigger_mode, resource_deps, auto_init, labels, links };
        let commands = Commands {
            cmd,
            env,
            dir,
            serve_cmd,
            serve_env,
            serve_dir,
            readiness_probe,
            ready_log_line,
            restart,
            teardown_cmd,
            teardown_env,
            teardown_dir,
        };
        declare(name, options, commands, Files { deps, ignore, outputs }, parallel, cancel_superseded, eval)?;
        Ok(NoneType)
    }

    /// An older name of `local_resource` with `allow_parallel=True`.
    fn test<'v>(
        name: Given<'v, Name>,
        cmd: Option<Given<'v, CommandLine>>,
        deps: Option<Given<'v, PathOrList>>,
        trigger_mode: Option<Given<'v, TriggerKind>>,
        resource_deps: Option<Given<'v, Dependencies>>,
        ignore: Option<Given<'v, TextOrList>>,
        auto_init: Option<Given<'v, Flag>>,
        serve_cmd: Option<Given<'v, CommandLine>>,
        cmd_bat: Option<Value<'v>>,
        serve_cmd_bat: Option<Value<'v>>,
        allow_parallel: Option<Given<'v, Flag>>,
        links: Option<Given<'v, Links>>,
        labels: Option<Given<'v, Labels>>,
        env: Option<Given<'v, TextDict>>,
        serve_env: Option<Given<'v, TextDict>>,
        readiness_probe: Option<Given<'v, Maybe<ProbeKind>>>,
        dir: Option<Given<'v, Folder>>,
        serve_dir: Option<Given<'v, Folder>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = (cmd_bat, serve_cmd_bat);
        let help = "write `local_resource(…, allow_parallel=True)`".to_owned();
        context(eval).warn(site(eval).as_ref(), "orchfile::deprecated", "`test` is an old name", Some(help));
        let parallel = allow_parallel.take_given("allow_parallel", eval)?.unwrap_or(true);
        let options = Options { trigger_mode, resource_deps, auto_init, labels, links };
        let (ready_log_line, restart) = (None, None);
        let (teardown_cmd, teardown_env, teardown_dir) = (None, None, None);
        let commands = Commands {
            cmd,
            env,
            dir,
            serve_cmd,
            serve_env,
            serve_dir,
            readiness_probe,
            ready_log_line,
            restart,
            teardown_cmd,
            teardown_env,
            teardown_dir,
        };
        declare(name, options, commands, Files { deps, ignore, outputs: None }, parallel, false, eval)?;
        Ok(NoneType)
    }
}
