#![expect(unsafe_code, reason = "the interpreter's derives are unsafe traits; they are sound")]
//! The steps of a live update, as values, and the order in which they may stand.

#![expect(clippy::unnecessary_wraps, reason = "the signatures are those of the language")]

use crate::{
    model::{FilePath, ImageKey, LiveUpdate, RestartStep, RunStep, Sync, Trigger, Unmatched},
    orchfile::{
        Fault,
        builtins::unpack::{
            CommandLine, Flag, Given, Kind, OneOrList, Optional, PathOrList, Text, TextOrList, Unfit, a_type, sequence,
        },
        context::{context, resolve_path, site},
        draft::{DraftStep, MadeStep},
        text::Site,
    },
};
use allocative::Allocative;
use starlark::{
    any::ProvidesStaticType,
    environment::GlobalsBuilder,
    eval::Evaluator,
    starlark_module, starlark_simple_value,
    values::{Heap, NoSerialize, StarlarkPagablePanic, StarlarkValue, Value, ValueLike, starlark_value},
};
use std::fmt;

/// One step, with where it was made.
#[derive(Debug, Clone)]
pub(super) struct Step {
    what: What,
    site: Option<Site>,
}

#[derive(Debug, Clone)]
enum What {
    InitialSync,
    FallBackOn(Vec<FilePath>),
    Sync { local: FilePath, remote: String },
    Run { argv: Vec<String>, triggers: Vec<FilePath>, echo_off: bool },
    RestartContainer,
}

impl What {
    /// The function that makes it.
    fn function(&self) -> &'static str {
        match self {
            Self::InitialSync => "initial_sync",
            Self::FallBackOn(_) => "fall_back_on",
            Self::Sync { .. } => "sync",
            Self::Run { .. } => "run",
            Self::RestartContainer => "restart_container",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::InitialSync | What::RestartContainer => write!(f, "{}()", self.what.function()),
            What::FallBackOn(paths) => {
                let paths: Vec<_> = paths.iter().map(|path| format!("{:?}", path.to_string())).collect();
                write!(f, "fall_back_on([{}])", paths.join(", "))
            }
            What::Sync { local, remote } => write!(f, "sync({:?}, {remote:?})", local.to_string()),
            What::Run { argv, .. } => write!(f, "run({:?})", argv.join(" ")),
        }
    }
}

/// Makes the type of a kind of step: each has a name of its own, which extensions compare.
macro_rules! step_type {
    ($name:ident, $shown:literal) => {
        #[doc = concat!("A step, as a value of the type `", $shown, "`.")]
        #[derive(Debug, Clone, ProvidesStaticType, NoSerialize, Allocative, StarlarkPagablePanic)]
        pub(crate) struct $name(#[allocative(skip)] Step);

        starlark_simple_value!($name);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        #[starlark_value(type = $shown)]
        impl<'v> StarlarkValue<'v> for $name {}
    };
}

step_type!(InitialSyncStep, "live_update_initial_sync_step");
step_type!(FallBackOnStep, "live_update_fall_back_on_step");
step_type!(SyncStep, "live_update_sync_step");
step_type!(RunStepValue, "live_update_run_step");
step_type!(RestartContainerStep, "live_update_restart_container_step");

fn step(value: Value<'_>) -> Option<&Step> {
    let initial = value.downcast_ref::<InitialSyncStep>().map(|value| &value.0);
    initial
        .or_else(|| value.downcast_ref::<FallBackOnStep>().map(|value| &value.0))
        .or_else(|| value.downcast_ref::<SyncStep>().map(|value| &value.0))
        .or_else(|| value.downcast_ref::<RunStepValue>().map(|value| &value.0))
        .or_else(|| value.downcast_ref::<RestartContainerStep>().map(|value| &value.0))
}

/// The steps of a `live_update`, in an order that is allowed. None of them is no live update.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<Step>);

impl Kind for Steps {
    type Out = Self;
    type Shown = OneOrList<&'static SyncStep>;
    const TAKES: &'static str = "a list of live update steps";

    fn take<'v>(value: Value<'v>, heap: Heap<'v>) -> Result<Self, Unfit> {
        if value.is_none() {
            return Ok(Self::default());
        }
        if let Some(step) = step(value) {
            return Self::ordered(vec![step.clone()]);
        }
        let items = sequence(value, heap).ok_or(Unfit::Type)?.into_iter().enumerate();
        let part = |(index, item): (usize, Value<'v>)| {
            let takes = "a step, such as `sync(…)`";
            let unfit = || Unfit::Part { place: format!("item {}", index + 1), takes, given: a_type(item) };
            step(item).cloned().ok_or_else(unfit)
        };
        Self::ordered(items.map(part).collect::<Result<_, _>>()?)
    }
}

impl Steps {
    fn ordered(steps: Vec<Step>) -> Result<Self, Unfit> {
        let refuse = |message: &str, help: &str| Err(Unfit::Content(message.to_owned(), Some(help.to_owned())));
        for (index, step) in steps.iter().enumerate() {
            let before = |is: fn(&What) -> bool| steps[..index].iter().any(|step| is(&step.what));
            let is_first = index == 0;
            match step.what {
                _ if before(|what| matches!(what, What::RestartContainer)) => {
                    return refuse("a step follows `restart_container()`", "put `restart_container()` last");
                }
                What::InitialSync if !is_first => {
                    return refuse("`initial_sync()` is not the first step", "put it first, and only once");
                }
                What::FallBackOn(_) if before(|what| matches!(what, What::Sync { .. } | What::Run { .. })) => {
                    return refuse("`fall_back_on(…)` follows other steps", "put it before `sync` and `run`");
                }
                What::Sync { .. } if before(|what| matches!(what, What::Run { .. })) => {
                    return refuse("a `sync` follows a `run`", "put all `sync` steps before the `run` steps");
                }
                _ => {}
            }
        }
        let does_something = |step: &Step| matches!(step.what, What::Sync { .. } | What::Run { .. });
        if !steps.is_empty() && !steps.iter().any(does_something) {
            return refuse("the live update changes nothing", "give it a `sync` or a `run`");
        }
        Ok(Self(steps))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that the steps are used.
    pub(crate) fn attach(self, eval: &Evaluator<'_, '_, '_>) -> Self {
        let made = &mut context(eval).draft.borrow_mut().steps;
        for site in self.0.iter().filter_map(|step| step.site.as_ref()) {
            if let Some(made) = made.get_mut(&place(site)) {
                made.used = true;
            }
        }
        self
    }

    /// The paths that must be inputs of the image.
    pub(crate) fn paths(&self) -> Vec<DraftStep> {
        let paths = |step: &Step| match &step.what {
            What::Sync { local, .. } => vec![local.clone()],
            What::FallBackOn(paths) => paths.clone(),
            What::InitialSync | What::Run { .. } | What::RestartContainer => Vec::new(),
        };
        let with_site = |step| paths(step).into_iter().map(|path| DraftStep { path, site: step.site.clone() });
        self.0.iter().flat_map(with_site).collect()
    }

    /// What they say together; its inputs come later.
    pub(crate) fn live_update(&self, image: &ImageKey) -> Option<LiveUpdate> {
        let mut update = LiveUpdate {
            image: Some(image.clone()),
            inputs: Vec::new(),
            initial_sync: false,
            fall_back_on: Vec::new(),
            syncs: Vec::new(),
            runs: Vec::new(),
            restart: RestartStep::Never,
            unmatched: Unmatched::Rebuild,
        };
        for step in &self.0 {
            match step.what.clone() {
                What::InitialSync => update.initial_sync = true,
                What::FallBackOn(paths) => update.fall_back_on.extend(paths.into_iter().map(trigger)),
                What::Sync { local, remote } => update.syncs.push(Sync { local: trigger(local), remote }),
                What::Run { argv, triggers, echo_off } => {
                    let triggers = triggers.into_iter().map(trigger).collect();
                    update.runs.push(RunStep { argv, triggers, echo_off, user: None, dir: None, env: Vec::new() });
                }
                What::RestartContainer => update.restart = RestartStep::Always,
            }
        }
        (!self.0.is_empty()).then_some(update)
    }
}

fn trigger(path: FilePath) -> Trigger {
    Trigger { path, ignore: Vec::new() }
}

/// What tells steps apart that must be used.
fn place(site: &Site) -> (String, usize) {
    (site.source.name.clone(), site.range.start)
}

/// Makes a step, which some `live_update` must have in the end.
fn make(what: What, eval: &Evaluator<'_, '_, '_>) -> Step {
    let site = site(eval);
    if let Some(site) = &site {
        let made = MadeStep { function: what.function(), site: site.clone(), used: false };
        context(eval).draft.borrow_mut().steps.entry(place(site)).or_insert(made);
    }
    Step { what, site }
}

/// Adds the steps.
#[starlark_module]
pub(super) fn register(builder: &mut GlobalsBuilder) {
    /// A step of a live update: copies all that the `sync` steps name once, when a container is there. The first of its steps; of an image that is built here.
    fn initial_sync<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<InitialSyncStep> {
        Ok(InitialSyncStep(make(What::InitialSync, eval)))
    }

    /// A step of a live update: a change of these files, or below these folders, builds the image anew.
    ///
    /// # Arguments
    /// * `paths`: files and folders, each among what the image is made of
    fn fall_back_on<'v>(
        paths: Given<'v, PathOrList>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<FallBackOnStep> {
        let paths = paths.take("paths", eval)?.iter().map(|path| resolve_path(eval, path)).collect();
        Ok(FallBackOnStep(make(What::FallBackOn(paths), eval)))
    }

    /// A step of a live update: copies changed files into the running container. A file that is removed here is removed there.
    ///
    /// # Arguments
    /// * `local_path`: a file or a folder, among what the image is made of; relative to the folder of the file that calls
    /// * `remote_path`: the path in the container, absolute; what lies below a folder goes below it, and a single file goes
    ///   into it where it ends with `/`
    fn sync<'v>(
        local_path: Given<'v, Text>,
        remote_path: Given<'v, Text>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<SyncStep> {
        let local = resolve_path(eval, &local_path.take("local_path", eval)?);
        let remote = remote_path.take("remote_path", eval)?;
        if !remote.starts_with('/') {
            let help = "begin it with `/`";
            return Err(Fault::value(format!("the path in the container, `{remote}`, is not absolute"))
                .help(help)
                .at_argument("remote_path")
                .into());
        }
        Ok(SyncStep(make(What::Sync { local, remote }, eval)))
    }

    /// A step of a live update: runs a command in the container after files were copied.
    ///
    /// # Arguments
    /// * `cmd`: a string for the container's shell, or a list of program and arguments
    /// * `trigger`: files and folders; the command is run only when a copied file is one of them or lies below one
    /// * `echo_off`: whether to keep the command itself out of the log
    fn run<'v>(
        cmd: Given<'v, CommandLine>,
        trigger: Option<Given<'v, TextOrList>>,
        echo_off: Option<Given<'v, Flag>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<RunStepValue> {
        let empty = || Fault::value("the command is empty").at_argument("cmd");
        let argv = cmd.take("cmd", eval)?.ok_or_else(empty)?;
        let triggers = trigger.take_or_default("trigger", eval)?;
        let triggers = triggers.iter().map(|path| resolve_path(eval, path)).collect();
        let echo_off = echo_off.take_or_default("echo_off", eval)?;
        Ok(RunStepValue(make(What::Run { argv, triggers, echo_off }, eval)))
    }

    /// A step of a live update: starts the container again after files were copied. The last of its steps.
    fn restart_container<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<RestartContainerStep> {
        Ok(RestartContainerStep(make(What::RestartContainer, eval)))
    }
}
