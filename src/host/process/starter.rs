//! The starter: a tiny process that forks a shim for each request.
//!
//! It is this binary, executed anew, so that it has one thread and little memory whatever orch has grown to: a fork of it is
//! cheap, and its forks share their pages. A request is one byte with the file descriptors of the command. It ends when orch
//! does; the shims live on until their trees have ended.

use super::{
    shim,
    sys::{Fork, exit_now, fork, receive_descriptors},
    tree::{living_descendants, send},
    wire::{Report, Step},
};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl,
        resource::{Resource, getrlimit, setrlimit},
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
        socket::{
            AddressFamily, ControlMessage, MsgFlags, Shutdown, SockFlag, SockType, sendmsg, shutdown, socketpair,
        },
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{self, Pid},
};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, IoSlice, Write},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd, RawFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
};

/// The hidden verb under which this binary is the starter.
pub(super) const VERB: &str = "__shim";

/// orch's side of the starter.
pub(super) struct Starter {
    socket: OwnedFd,
    process: Child,
}

impl Starter {
    /// Starts `program`, which is this binary, as the starter. Its commands may open `files` files.
    #[expect(clippy::disallowed_methods, reason = "this is where processes come from")]
    pub(super) fn launch(program: &Path, files: u64) -> io::Result<Self> {
        let (ours, theirs) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        )?;
        // Only this end blocks: the flag belongs to the end, not to the pair.
        UnixStream::from(theirs.try_clone()?).set_nonblocking(false)?;
        let process = Command::new(program)
            .arg0("orch")
            .args([VERB, &files.to_string()])
            .stdin(theirs)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { socket: ours, process })
    }

    /// Asks for a shim that owns these: its control socket, standard output and error, and input if there is one. Fails with
    /// `EAGAIN` while too many requests wait.
    pub(super) fn request(&self, descriptors: &[RawFd]) -> nix::Result<()> {
        let rights = [ControlMessage::ScmRights(descriptors)];
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        match sendmsg::<()>(self.socket.as_raw_fd(), &[IoSlice::new(b"!")], &rights, flags, None) {
            // Too many descriptors are on their way: as if the socket were full.
            Err(Errno::ETOOMANYREFS) => Err(Errno::EAGAIN),
            result => result.map(drop),
        }
    }
}

impl Drop for Starter {
    fn drop(&mut self) {
        // It ends when nobody can ask it any more. Where it was killed, both fail.
        shutdown(self.socket.as_raw_fd(), Shutdown::Both).ok();
        drop(self.process.wait());
    }
}

/// Raises the limit of open files to what is allowed, and gives what it was: each running command needs three of orch's.
pub(super) fn raise_file_limit() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    // Where it cannot be raised, fewer commands run at once; each that does not start says why.
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).ok();
    soft
}

/// The starter's life. Ends with orch's.
pub(super) fn serve(files: Option<u64>) -> nix::Result<()> {
    // A session of its own: a Ctrl-C at the terminal is orch's to act on, and commands cannot take the terminal's input.
    unistd::setsid().ok();
    // No folder is kept from being removed or unmounted.
    unistd::chdir("/")?;
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    prctl::set_child_subreaper(true)?;
    if let (Some(files), Ok((_, hard))) = (files, getrlimit(Resource::RLIMIT_NOFILE)) {
        setrlimit(Resource::RLIMIT_NOFILE, files.min(hard), hard)?;
    }
    let null = OwnedFd::from(File::open("/dev/null").map_err(|_| Errno::ENOENT)?);
    let children =
        SignalFd::with_flags(&SigSet::from(Signal::SIGCHLD), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let mut shims = BTreeSet::new();
    loop {
        let stdin = io::stdin();
        let mut ready =
            [PollFd::new(stdin.as_fd(), PollFlags::POLLIN), PollFd::new(children.as_fd(), PollFlags::POLLIN)];
        poll(&mut ready, PollTimeout::NONE)?;
        if ready[1].any() == Some(true) {
            children.read_signal().ok();
            reap(&mut shims);
        }
        if ready[0].any() != Some(true) {
            continue;
        }
        let Some(descriptors) = receive_descriptors(stdin.as_fd())? else { return Ok(()) };
        let Some(possessions) = Possessions::of(descriptors) else { continue };
        match fork() {
            Ok(Fork::Child) => {
                unistd::dup2_stdin(&null)?;
                drop((children, shims));
                exit_now(i32::from(shim::own(possessions, null).is_err()));
            }
            Ok(Fork::Parent(shim)) => drop(shims.insert(shim)),
            Err(errno) => possessions.refuse(errno),
        }
    }
}

/// Reaps what ended. Where a shim was killed, ends what it leaves behind: only then, a child that is no shim is of this
/// session. What a shim let go is not.
fn reap(shims: &mut BTreeSet<Pid>) {
    let mut orphans = false;
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        let Some(pid) = status.pid() else { break };
        let was_shim = shims.remove(&pid);
        orphans |= !was_shim || matches!(status, WaitStatus::Signaled(..));
    }
    if !orphans {
        return;
    }
    let own = unistd::getpid();
    for member in living_descendants(own, Some(own)) {
        if member.parent == own.as_raw() && !shims.contains(&Pid::from_raw(member.pid)) {
            for below in living_descendants(Pid::from_raw(member.pid), Some(own)) {
                send(&below, Signal::SIGKILL);
            }
            send(&member, Signal::SIGKILL);
        }
    }
}

/// What a shim gets with its request.
pub(super) struct Possessions {
    /// To orch.
    pub(super) control: UnixStream,
    /// The command's standard output.
    pub(super) out: OwnedFd,
    /// Its standard error.
    pub(super) err: OwnedFd,
    /// Its standard input, if it has one.
    pub(super) input: Option<OwnedFd>,
}

impl Possessions {
    fn of(descriptors: Vec<OwnedFd>) -> Option<Self> {
        let mut descriptors = descriptors.into_iter();
        let (control, out, err) = (descriptors.next()?, descriptors.next()?, descriptors.next()?);
        Some(Self { control: control.into(), out, err, input: descriptors.next() })
    }

    fn refuse(self, errno: Errno) {
        let Self { mut control, out, err, input } = self;
        // orch is to see the end of the output first.
        drop((out, err, input));
        // Where orch is gone, nobody wants to know.
        drop(control.write_all(&Report::NotStarted(Step::Fork, errno as i32).encode()));
    }
}
