//! A whole session, from the claim on the project to the last word: what `up`, `ci` and `down` share.

use super::{
    detach, discover,
    ending::Ending,
    error::CliError,
    exit::Exit,
    print, printer,
    printer::{LogTo, Printing},
    terminal,
};
use crate::{
    engine::{Engine, EngineConfig, Event, Request},
    host::{
        claim::{self, Claim, ClaimError, SessionCard, Whereabouts},
        clock::Clock,
        control::{self, Control},
        docker::{Docker, Surroundings},
        evaluate::wire::{Answer, Ask},
        executors::{Host, World},
        files::Files,
        outbox::Outbox,
        process::Processes,
        signals::EndSignals,
        tilt,
    },
    logs::{Limits, LogName, LogStore},
    model::{FilePath, Level, ProjectId, ResourceName},
    orchfile::KubeWish,
    report::Look,
    session,
    snapshot::{Goal, Snapshot, Verdict},
    store::Store,
};
use nix::sys::signal::Signal;
use std::{collections::BTreeSet, env, io, path::PathBuf, sync::Arc, thread, time::Duration};
use tokio::{
    runtime::Runtime,
    sync::{Semaphore, mpsc, oneshot, watch},
    task::JoinHandle,
};

/// What a session is asked to do.
#[expect(clippy::struct_excessive_bools, reason = "wishes of the command line, each on its own")]
pub(super) struct Plan {
    pub(super) goal: Goal,
    pub(super) file: Option<PathBuf>,
    /// Names and arguments of the Orchfile.
    pub(super) args: Vec<String>,
    /// Which cluster is meant.
    pub(super) kube: KubeWish,
    /// The mark on what it makes; `None` is made of its folder.
    pub(super) project: Option<ProjectId>,
    pub(super) timeout: Option<Duration>,
    /// `ci` goes on after a failure with what does not need what failed.
    pub(super) keep_going: bool,
    /// `down` of these alone.
    pub(super) only: Option<BTreeSet<ResourceName>>,
    /// `down` of named volumes too.
    pub(super) volumes: bool,
    /// `down` of namespaces too.
    pub(super) namespaces: bool,
    /// Somebody looks at a session in the background: it says its word at once, and stays when its Orchfile gives no project.
    pub(super) attended: bool,
    /// Where log lines are printed, and how.
    pub(super) log_to: LogTo,
    pub(super) look: Look,
}

/// How a session ended.
pub(super) struct Ended {
    pub(super) verdict: Verdict,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) exit: Exit,
    pub(super) logs: LogStore,
}

/// Set for children when orch prints in colour itself, since their output goes to a pipe.
const COLOUR_DEFAULTS: &[(&str, &str)] = &[("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1")];

/// Runs a session to its end.
pub(super) fn run(plan: &Plan) -> Result<Ended, CliError> {
    let clock = Clock::start();
    let file = discover::orchfile(plan.file.as_deref())?;
    let root = file.parent().ok_or_else(|| CliError::usage(format!("`{file}` is a folder")))?;
    let claim = Claim::take(&root, &file, verb_of(plan.goal), &plan.args).map_err(refused)?;
    let dir = claim::state_dir(&root);
    let (store, notes) = Store::open(&dir)?;
    let logs = LogStore::open(&dir.join("logs"), Limits::default())
        .map_err(|error| CliError::unusable(format!("cannot write logs below `{}`: {error}", dir.display())))?;
    notes.iter().for_each(|note| logs.say(&LogName::Session, None, Level::Warning, note));
    let processes = Processes::start().map_err(|error| cannot_start(&error))?;
    let processes = match tilt::stand_in(&file, &dir) {
        Ok(environment) => processes.with_environment(environment),
        Err(error) => {
            let text = format!("commands find no program `tilt`: {error}");
            logs.say(&LogName::Session, None, Level::Warning, &text);
            processes
        }
    };
    let runtime = runtime()?;
    let (outbox, inbox) = Outbox::new();
    let engine = engine(plan, &store, clock);
    let world = World {
        clock,
        outbox,
        logs: logs.clone(),
        files: Arc::new(Files::new(store.known_files())),
        store,
        processes: Arc::new(processes),
        docker: Docker::new(Surroundings::of_this_process()),
        project: plan.project.clone().unwrap_or_else(|| ProjectId::of_folder(&root)),
        ask: Arc::new(ask(plan, file, Answer::Project)),
        known_outputs: Arc::default(),
        defaults: if plan.look.colour { COLOUR_DEFAULTS } else { &[] },
        background: Arc::new(Semaphore::new(1)),
        drawing_width: plan.look.width,
    };
    let (verdict, snapshot, signal) = runtime.block_on(hold(plan, claim.card(), world, engine, inbox))?;
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(Ended { exit: Exit::of_session(plan.goal, &verdict, signal), verdict, snapshot, logs })
}

/// What an evaluation is asked for this plan.
pub(super) fn ask(plan: &Plan, file: FilePath, answer: Answer) -> Ask {
    Ask {
        file,
        args: plan.args.clone(),
        kube: plan.kube.clone(),
        subcommand: verb_of(plan.goal).to_owned(),
        answer,
        memory_bytes: memory_and_time().0,
        cpu_secs: memory_and_time().1,
    }
}

/// Names `only` limits `down` to; the others are left alone.
fn engine(plan: &Plan, store: &Store, clock: Clock) -> Engine {
    let (first_run, first_instance) = store.next_ids();
    let engine = Engine::new(EngineConfig {
        images: store.images(),
        overlays: store.overlays(),
        volumes: plan.volumes,
        namespaces: plan.namespaces,
        goal: plan.goal,
        cores: cores(),
        first_run,
        first_instance,
        remembered: store.successes(),
        ci_timeout: plan.timeout,
    });
    let engine = engine.began(clock.began_ms(), plan.args.clone()).keep_going(plan.keep_going);
    match &plan.only {
        Some(names) => engine.down_only(names.clone()),
        None => engine,
    }
}

/// Runs the loop with all that listens beside it.
async fn hold(
    plan: &Plan,
    card: &SessionCard,
    world: World,
    engine: Engine,
    inbox: mpsc::UnboundedReceiver<Event>,
) -> Result<(Verdict, Arc<Snapshot>, Option<Signal>), CliError> {
    // What may fail comes first: from then on, somebody prints until the logs are closed.
    let listener = control::listen(card).map_err(|error| {
        CliError::unusable(format!("cannot open the control socket `{}`: {error}", card.socket.display()))
    })?;
    let signals = EndSignals::listen().map_err(|error| cannot_start(&error))?;
    let (snapshots, reader) = watch::channel(Arc::new(Snapshot::default()));
    let unread = (plan.goal == Goal::Up).then(|| world.outbox.clone());
    let printing = printer::start(&world.logs, reader.clone(), printing(plan, world.clock), move || {
        // `orch up | head`: a session that nobody sees any more ends. `ci` still has an answer to give.
        unread.inspect(|outbox| {
            outbox.send(Event::Asked(Request::ShutDown { teardown: false, volumes: false, namespaces: false }));
        });
    });
    if plan.log_to == LogTo::Nowhere {
        detach::report(plan.attended, reader.clone(), world.outbox.clone());
    }
    let (wanted, asked) = mpsc::unbounded_channel();
    let control = Control {
        card: Arc::new(card.clone()),
        snapshots: reader.clone(),
        wanted,
        inbox: world.outbox.sender(),
        clock: world.clock,
        logs: world.logs.clone(),
    };
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(control::serve(listener, control, async move { drop(ended.await) }));
    let ending = Ending::hear(signals, world.outbox.clone(), world.logs.clone(), reader.clone());
    let noticing = tokio::spawn(notice_move(card.clone(), world.logs.clone(), world.outbox.clone()));
    let mut host = Host::new(world.clone());
    let verdict = session::run(engine, world.clock, inbox, snapshots, asked, &mut host).await;
    noticing.abort();
    let snapshot = reader.borrow().clone();
    host.close(&snapshot);
    world.logs.close();
    print_the_rest(printing, &ending).await;
    drop(end);
    // Who follows the logs gets the last lines; who does not read them is not waited for.
    tokio::time::timeout(Duration::from_secs(1), serving).await.ok();
    Ok((verdict, snapshot, ending.signal()))
}

/// How often a session looks whether its folder is where it was.
const MOVE_PERIOD: Duration = Duration::from_secs(3);

/// Says when the project's folder is moved or removed under the session, which goes on as well as it can, unless another project
/// begins where it was: two sessions would work there.
async fn notice_move(card: SessionCard, logs: LogStore, outbox: Outbox) {
    let mut ticks = tokio::time::interval(MOVE_PERIOD);
    let mut last = Whereabouts::AtHome;
    loop {
        ticks.tick().await;
        if matches!(last, Whereabouts::AtHome) && claim::is_at_home(&card) {
            continue;
        }
        let now = claim::whereabouts(&card);
        if now != Whereabouts::AtHome && claim::running_session(&card.root()).is_some() {
            let text = "another session works where the project's folder was: this one ends";
            logs.say(&LogName::Session, None, Level::Warning, text);
            outbox.send(Event::Asked(Request::ShutDown { teardown: false, volumes: false, namespaces: false }));
            return;
        }
        if now == last {
            continue;
        }
        let (level, text) = match &now {
            Whereabouts::AtHome => (Level::Info, "the project's folder is where it was again".to_owned()),
            Whereabouts::Moved(root) => {
                let text = format!(
                    "the project's folder was moved to `{root}`, and this session knows only where it was; \
                     `orch down` there ends it, `orch up` starts one there"
                );
                (Level::Warning, text)
            }
            Whereabouts::Gone => {
                let text = "the project's `.orch` was removed under this session, so that no verb finds it any more";
                (Level::Warning, format!("{text}; `kill {}` ends it", card.pid))
            }
        };
        logs.say(&LogName::Session, None, level, &text);
        last = now;
    }
}

/// `ci` on a terminal says how far it is.
fn printing(plan: &Plan, clock: Clock) -> Printing {
    let progress = plan.goal == Goal::Ci && terminal::is_live(plan.log_to);
    Printing { to: plan.log_to, look: plan.look, progress, clock }
}

/// How long what is still to be printed holds up a user who wants to end.
const PRINTING_GRACE: Duration = Duration::from_secs(2);

/// Returns once all is printed, unless the user will not wait for a terminal that is slower than what was said.
async fn print_the_rest(printing: JoinHandle<()>, ending: &Ending) {
    let hurried = async {
        if ending.signal().is_none() {
            ending.next().await;
        }
        tokio::time::timeout(PRINTING_GRACE, ending.next()).await.ok();
    };
    tokio::select! {
        _ = printing => {}
        () = hurried => print::to_stderr("orch: not all lines were shown; `orch logs` shows them\n"),
    }
}

/// The runtime of a session.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| cannot_start(&error))
}

fn verb_of(goal: Goal) -> &'static str {
    match goal {
        Goal::Up => "up",
        Goal::Ci => "ci",
        Goal::Down => "down",
    }
}

fn cores() -> u32 {
    thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}

/// How many bytes of memory and seconds of CPU time an evaluation may use.
pub(super) fn memory_and_time() -> (u64, u64) {
    (number_from("ORCH_EVAL_MEMORY_MB", 1024) << 20, number_from("ORCH_EVAL_CPU_SECS", 10))
}

/// A number from the environment, where it is one.
fn number_from(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().and_then(|text| text.parse().ok()).filter(|number| *number > 0).unwrap_or(default)
}

fn refused(error: ClaimError) -> CliError {
    match error {
        ClaimError::Unusable(failure) => failure.into(),
        ClaimError::Taken(None) => CliError::unusable("another orch runs this project".to_owned())
            .with_help("`orch status` shows it, `orch down` ends it"),
        ClaimError::Taken(Some(card)) => {
            let shows = if card.verb == "up" { "`orch attach` opens its dashboard" } else { "`orch status` shows it" };
            CliError::unusable(format!("`orch {}` runs this project already (pid {})", card.verb, card.pid))
                .with_help(format!("{shows}, `orch down` ends it"))
        }
    }
}

fn cannot_start(error: &io::Error) -> CliError {
    CliError::unusable(format!("cannot start: {error}"))
}
