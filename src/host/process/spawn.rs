//! Starting commands and knowing what becomes of them.

use super::{
    OutputSink,
    attend::{Attendant, Phase, never_started},
    failure,
    starter::{Starter, raise_file_limit},
    wire::{Order, Terms},
};
use crate::{
    engine::CommandSpec,
    model::{Exit, Failure},
};
use nix::errno::Errno;
use std::{
    collections::BTreeMap,
    env,
    ffi::{CString, OsStr, OsString},
    io::{self, PipeReader, Write},
    os::{
        fd::{AsRawFd, RawFd},
        unix::{ffi::OsStrExt, net::UnixStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    net::unix::pipe,
    runtime,
    sync::{mpsc, watch},
};

/// What to start, and how its tree is treated.
#[derive(Debug, Clone)]
pub struct Spawn<'a> {
    /// Program, folder and overlay of the environment.
    pub command: &'a CommandSpec,
    /// Set between orch's own environment and the command's overlay, such as `FORCE_COLOR`.
    pub defaults: &'a [(&'a str, &'a str)],
    /// What it reads; without, its standard input is empty.
    pub input: Option<Vec<u8>>,
    /// Whose end ends the tree.
    pub kind: Kind,
    /// Whether processes that went into a session of their own (setsid) belong to the tree. Else they are let go: they
    /// neither hold up its end nor are they ended, not even when orch dies.
    pub own_sessions: bool,
    /// How long the tree may take to end where nobody calls `stop`: after the command failed, and when orch is gone.
    pub grace: Duration,
}

/// When a tree ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A command: what it leaves running after a success stays, as leftovers; after a failure, it is ended.
    Command,
    /// A server, or anything else of which nothing may stay: the tree ends when the process itself does.
    Server,
}

impl<'a> Spawn<'a> {
    /// With no input and no defaults, and a tree of all descendants.
    #[must_use]
    pub fn new(command: &'a CommandSpec, kind: Kind, grace: Duration) -> Self {
        Self { command, defaults: &[], input: None, kind, own_sessions: true, grace }
    }
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its own exit. `Stopped` only if it still ran when it was stopped.
    pub exit: Exit,
    /// Whether processes of its tree still run: of a command that succeeded.
    pub leftovers: bool,
}

/// A started (or never started) process. Clones speak of the same. When the last one is dropped, the tree ends as if orch had.
#[derive(Debug, Clone)]
pub struct Running {
    phase: watch::Receiver<Phase>,
    stops: mpsc::UnboundedSender<Duration>,
}

impl Running {
    /// The pid of the command once it runs, or why it does not.
    pub async fn started(&self) -> Result<u32, Failure> {
        match self.reached(|phase| *phase != Phase::Starting).await {
            Some(Phase::Started(pid) | Phase::Ended(Some(pid), _) | Phase::Gone(Some(pid), _)) => Ok(pid),
            Some(Phase::Gone(None, Ended { exit: Exit::NotStarted(failure), .. })) => Err(failure),
            _ => Err(failure::shim_ended()),
        }
    }

    /// How it ended, once it did and all that it wrote until then was given to the sink. A stopped one, a failed one and a
    /// server have ended when their whole tree has.
    pub async fn ended(&self) -> Ended {
        match self.reached(|phase| matches!(phase, Phase::Ended(..) | Phase::Gone(..))).await {
            Some(Phase::Ended(_, ended) | Phase::Gone(_, ended)) => ended,
            _ => Ended { exit: Exit::Stopped, leftovers: false },
        }
    }

    /// Returns once the whole tree has ended: for a command with leftovers, after `ended`.
    pub async fn leftovers_ended(&self) {
        self.reached(|phase| matches!(phase, Phase::Gone(..))).await;
    }

    /// Asks the tree to end, and kills after `grace` what did not. Called again, it may leave less time, not more.
    pub fn stop(&self, grace: Duration) {
        // It has ended if nobody listens.
        self.stops.send(grace).ok();
    }

    /// `None` when `Processes` is gone.
    async fn reached(&self, condition: impl FnMut(&Phase) -> bool) -> Option<Phase> {
        self.phase.clone().wait_for(condition).await.ok().map(|phase| phase.clone())
    }
}

/// Starts processes and reads their output, on a thread of its own. When it is dropped, all trees end.
#[derive(Debug)]
pub struct Processes {
    launches: mpsc::UnboundedSender<Launch>,
    environment: BTreeMap<OsString, OsString>,
}

/// What the thread is told to start.
struct Launch {
    command: CommandSpec,
    order: Result<Order, Failure>,
    input: Option<Vec<u8>>,
    sink: Arc<dyn OutputSink>,
    phase: watch::Sender<Phase>,
    stops: mpsc::UnboundedReceiver<Duration>,
}

impl Processes {
    /// Gets ready to start processes, through this program (see [`super::shim::main_if_asked`]).
    pub fn start() -> io::Result<Self> {
        Self::start_through(Path::new("/proc/self/exe"))
    }

    /// Gets ready to start processes, through an orch elsewhere: a test is no orch.
    pub fn start_through(orch: &Path) -> io::Result<Self> {
        let files = raise_file_limit();
        let starters = Starters { program: orch.to_owned(), files, current: Starter::launch(orch, files)? };
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (launches, queue) = mpsc::unbounded_channel();
        thread::Builder::new()
            .name("processes".to_owned())
            .spawn(move || runtime.block_on(start_all(starters, queue)))?;
        Ok(Self { launches, environment: env::vars_os().collect() })
    }

    /// Gives all that is started more than this program's own environment.
    #[must_use]
    pub fn with_environment(mut self, more: BTreeMap<OsString, OsString>) -> Self {
        self.environment.extend(more);
        self
    }

    /// Starts a command; returns at once.
    pub fn spawn(&self, spawn: Spawn<'_>, sink: Arc<dyn OutputSink>) -> Running {
        let (phase_in, phase) = watch::channel(Phase::Starting);
        let (stops, stops_out) = mpsc::unbounded_channel();
        let launch = Launch {
            command: spawn.command.clone(),
            order: self.order_of(&spawn),
            input: spawn.input,
            sink,
            phase: phase_in,
            stops: stops_out,
        };
        // Where the thread is gone, the process counts as stopped: its phase's sender is gone too.
        drop(self.launches.send(launch));
        Running { phase, stops }
    }

    fn order_of(&self, spawn: &Spawn<'_>) -> Result<Order, Failure> {
        let command = spawn.command;
        let mut environment = self.environment.clone();
        environment.insert("PWD".into(), command.dir.as_path().into());
        environment.extend(spawn.defaults.iter().map(|(name, value)| (name.into(), value.into())));
        for (name, value) in &command.env {
            match value {
                Some(value) => drop(environment.insert(name.into(), value.into())),
                None => drop(environment.remove(OsStr::new(name))),
            }
        }
        let program = command.argv.first().map_or("", String::as_str);
        let candidates = candidates(program, environment.get(OsStr::new("PATH")));
        let setting = |(name, value): (&OsString, &OsString)| [name.as_bytes(), b"=", value.as_bytes()].concat();
        Ok(Order {
            terms: Terms { kind: spawn.kind, own_sessions: spawn.own_sessions, grace: spawn.grace },
            dir: text("the folder", command.dir.as_bytes().to_vec())?,
            candidates: texts("the program", candidates)?,
            argv: texts("an argument", command.argv.iter().map(|argument| argument.clone().into_bytes()))?,
            env: texts("the environment", environment.iter().map(setting))?,
        })
    }
}

/// Where a program may lie, as a shell looks for it. Relative paths are taken from the command's folder.
fn candidates(program: &str, path: Option<&OsString>) -> Vec<Vec<u8>> {
    if program.contains('/') || program.is_empty() {
        return vec![program.as_bytes().to_vec()];
    }
    let path = path.map_or(OsStr::new("/usr/local/bin:/usr/bin:/bin"), OsString::as_os_str);
    env::split_paths(path).map(|folder| folder.join(program).into_os_string().as_bytes().to_vec()).collect()
}

fn text(what: &str, bytes: Vec<u8>) -> Result<CString, Failure> {
    CString::new(bytes).map_err(|_| failure::holds_nul(what))
}

fn texts(what: &str, all: impl IntoIterator<Item = Vec<u8>>) -> Result<Vec<CString>, Failure> {
    all.into_iter().map(|bytes| text(what, bytes)).collect()
}

/// The starter, and how to get another when it was killed.
struct Starters {
    program: PathBuf,
    files: u64,
    current: Starter,
}

impl Starters {
    async fn request(&mut self, descriptors: &[RawFd]) -> nix::Result<()> {
        let mut replaced = false;
        loop {
            match self.current.request(descriptors) {
                Err(Errno::EAGAIN) => wait_for_starter().await,
                Err(Errno::EPIPE | Errno::ECONNRESET | Errno::ENOTCONN) if !replaced => {
                    replaced = true;
                    self.current = Starter::launch(&self.program, self.files).map_err(errno_of)?;
                }
                result => return result,
            }
        }
    }
}

/// Its queue holds some hundred requests, which it works off in less than a tenth of a second.
#[expect(clippy::disallowed_methods, reason = "a full queue of descriptors tells nobody when it has room")]
async fn wait_for_starter() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// The thread's work: starts what it is told to, each attended by a task of its own.
async fn start_all(mut starters: Starters, mut queue: mpsc::UnboundedReceiver<Launch>) {
    while let Some(launch) = queue.recv().await {
        let order = match launch.order {
            Ok(ref order) => order.encode(),
            Err(failure) => {
                never_started(&launch.phase, &*launch.sink, failure);
                continue;
            }
        };
        match connect(&mut starters, &order, launch.input).await {
            Ok((control, unsent, output)) => {
                let (phase, sink) = (launch.phase.clone(), launch.sink.clone());
                match Attendant::new(control, unsent, output, launch.command, launch.phase, launch.sink) {
                    Ok(attendant) => drop(tokio::spawn(attendant.attend(launch.stops))),
                    Err(error) => never_started(&phase, &*sink, failure::process_failed(errno_of(error))),
                }
            }
            Err(error) => never_started(&launch.phase, &*launch.sink, failure::process_failed(errno_of(error))),
        }
    }
}

type Connection = (UnixStream, Vec<u8>, [PipeReader; 2]);

/// Gets a shim: the socket to it, what it could not yet be sent of the order, and its command's output.
async fn connect(starters: &mut Starters, order: &[u8], input: Option<Vec<u8>>) -> io::Result<Connection> {
    let (mut control, shims) = UnixStream::pair()?;
    control.set_nonblocking(true)?;
    let (out, shims_out) = io::pipe()?;
    let (err, shims_err) = io::pipe()?;
    // The order is there before the shim is, so that it need not wait.
    let sent = match control.write(order) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
        sent => sent.unwrap_or(0),
    };
    let mut descriptors = vec![shims.as_raw_fd(), shims_out.as_raw_fd(), shims_err.as_raw_fd()];
    let input_end = match input {
        Some(bytes) => {
            let (end, writer) = io::pipe()?;
            let writer = pipe::Sender::from_owned_fd(writer.into())?;
            tokio::spawn(write_input(writer, bytes));
            Some(end)
        }
        None => None,
    };
    descriptors.extend(input_end.as_ref().map(AsRawFd::as_raw_fd));
    starters.request(&descriptors).await?;
    Ok((control, order[sent..].to_vec(), [out, err]))
}

/// Nothing is wrong with a command that does not read it.
async fn write_input(mut writer: pipe::Sender, bytes: Vec<u8>) {
    drop(writer.write_all(&bytes).await);
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn errno_of(error: io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
